//! Starts one SSM session to an endpoint: the first of a line, told as steps by others, and any further one quietly. It
//! must not decide how many there are.

use super::Access;
use super::account::{SessionAccount, grant};
use super::result_set::temporary_folder;
use crate::aws::{Error, StartRequest, Started, proxy_for};
use crate::model::{Bastion, Endpoint};
use crate::ssm;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// What to start, again and again.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) access: Access,
    pub(super) endpoint: Endpoint,
    pub(super) bastion: Bastion,
}

impl Start {
    /// StartSession on a task of its own. Whoever waits may leave before the answer (a signal, Esc, a deadline), and AWS
    /// has made the session all the same: then it is terminated, and the end of the program waits for that. `None` when
    /// the program is ending.
    pub(super) async fn granted(&self) -> Option<Result<Granted, Error>> {
        let (tell, told) = oneshot::channel();
        let start = self.clone();
        self.access.inner.lines.closing().keep(async move {
            let granted = start.session().await.map(|started| Granted { start, started, claimed: false });
            // Where nobody waits any more, it is dropped here.
            let _ = tell.send(granted);
        });
        told.await.ok()
    }

    /// StartSession, as the settings say.
    async fn session(&self) -> Result<Started, Error> {
        let (endpoint, settings) = (&self.endpoint, self.access.settings());
        let reason = format!("gatepost: {} to {} ({})", settings.os_user, endpoint.owner, endpoint.address());
        let mut parameters = vec![
            ("host".to_owned(), endpoint.host.clone()),
            ("portNumber".to_owned(), endpoint.port.to_string()),
            // A port on this machine, which the agent ignores and we do not open.
            ("localPortNumber".to_owned(), "0".to_owned()),
        ];
        for (name, value) in &settings.ssm_parameters {
            parameters.retain(|(given, _)| given != name);
            if !value.is_empty() {
                parameters.push((name.clone(), value.clone()));
            }
        }
        let request = StartRequest {
            node: &self.bastion.id,
            document: &settings.ssm_document,
            parameters: &parameters,
            reason: &reason,
        };
        self.access.cloud().start_session(&self.bastion.place, &request).await
    }

    /// Its data channel.
    async fn channel(&self, started: &Started, within: Duration) -> Result<(ssm::Tunnel, ssm::Opened), ssm::Error> {
        let (access, settings) = (&self.access, self.access.settings());
        let network = ssm::Network {
            proxy: proxy_for(&settings.aws, &started.stream_url),
            extra_roots: access.cloud().network().bundle().map(<[u8]>::to_vec).into_iter().collect(),
            timeout: settings.connect_timeout,
        };
        let options = ssm::Options {
            network,
            keep_alive: settings.keep_alive,
            payload: settings.ssm_payload,
            patience: settings.ssm_patience,
            open_timeout: within,
            spool: ssm::SpoolFolder { path: temporary_folder(), ..ssm::SpoolFolder::default() },
            ..ssm::Options::default()
        };
        let place = self.bastion.place.clone();
        let account = Arc::new(SessionAccount::new(
            access.cloud().clone(),
            place,
            started.stream_url.clone(),
            access.inner.unended.clone(),
        ));
        ssm::Tunnel::open(grant(started), account, options).await
    }
}

/// A session that AWS has started and nobody has opened yet. Dropped so, it is terminated.
pub(super) struct Granted {
    start: Start,
    started: Started,
    claimed: bool,
}

impl Granted {
    /// Its id.
    pub(super) fn session_id(&self) -> &str {
        &self.started.session_id
    }

    /// Its data channel: the tunnel's end is the session's from here on, and one that does not open has ended it.
    pub(super) async fn channel(mut self, within: Duration) -> Result<(ssm::Tunnel, ssm::Opened), ssm::Error> {
        let opened = self.start.channel(&self.started, within).await;
        self.claimed = true;
        opened
    }
}

impl Drop for Granted {
    fn drop(&mut self) {
        if self.claimed {
            return;
        }
        let (access, place) = (self.start.access.clone(), self.start.bastion.place.clone());
        let id = self.started.session_id.clone();
        self.start.access.inner.lines.closing().keep(async move {
            access.inner.unended.asked(&id);
            let answer = access.cloud().terminate_session(&place, &id).await;
            access.inner.unended.answered(&id, &answer);
            if let Err(error) = answer {
                tracing::warn!(session = id, %error, "a session that nobody waited for was not terminated");
            }
        });
    }
}

impl ssm::Opener for Start {
    fn open(&self) -> Pin<Box<dyn Future<Output = Result<ssm::Tunnel, ssm::Error>> + Send + '_>> {
        Box::pin(async {
            let started = self.session().await.map_err(|error| ssm::Error::Account(error.to_string()))?;
            let (tunnel, _) = self.channel(&started, self.access.settings().connect_timeout).await?;
            Ok(tunnel)
        })
    }
}
