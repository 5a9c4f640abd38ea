//! Starts one SSM session to an endpoint: the first of a line, told as steps by others, and any further one quietly. It
//! must not decide how many there are.

use super::Access;
use super::account::{SessionAccount, grant};
use crate::aws::{Error, StartRequest, Started, proxy_for};
use crate::model::{Bastion, Endpoint};
use crate::ssm;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// What to start, again and again.
pub(super) struct Start {
    pub(super) access: Access,
    pub(super) endpoint: Endpoint,
    pub(super) bastion: Bastion,
}

impl Start {
    /// StartSession, as the settings say.
    pub(super) async fn session(&self) -> Result<Started, Error> {
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
    pub(super) async fn channel(
        &self,
        started: &Started,
        within: Duration,
    ) -> Result<(ssm::Tunnel, ssm::Opened), ssm::Error> {
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
            ..ssm::Options::default()
        };
        let place = self.bastion.place.clone();
        let account = Arc::new(SessionAccount::new(access.cloud().clone(), place, started.stream_url.clone()));
        ssm::Tunnel::open(grant(started), account, options).await
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
