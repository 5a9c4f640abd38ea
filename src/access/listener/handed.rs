//! A listener opened together with what its clients are handed: the passfile with its secret, its certificate. It must not
//! know any client.

use super::{Listener, ListenerWish, Papers, PassLine};
use crate::access::Access;
use crate::access::handoff::Lead;
use crate::access::session::database_of;
use crate::model::{Diagnosis, Kind};

impl Access {
    /// Opens it, and writes its papers. `database` is what clients are told to name, where they may name several.
    pub async fn hand(
        &self,
        wish: ListenerWish,
        database: Option<&str>,
        papers: &Papers,
    ) -> Result<(Listener, Lead), Diagnosis> {
        let (name, databases) = (wish.name.clone(), wish.databases.clone());
        if let Some(odd) = database.filter(|name| !databases.is_empty() && !databases.iter().any(|one| one == name)) {
            return Err(Diagnosis::new(Kind::Usage, format!("The listener {name} does not lead to database {odd}"))
                .because(format!("the settings file has {} for it", databases.join(", ")))
                .advise("Name one of those, or the database's own name instead of the listener's"));
        }
        let database = database_of(&wish.endpoint, database.or(databases.first().map(String::as_str)));
        let user = wish.users.first().cloned().unwrap_or_default();
        let secret = wish.secret.clone();
        let listener = self.listen(wish).await?;
        let (host, port) = listener.address();
        let mut passfile = None;
        if let Some(password) = &secret {
            // As a client may say it itself, too.
            let localhost = listener.is_localhost().then_some("localhost");
            for host in [host].into_iter().chain(localhost) {
                passfile = Some(papers.passfile(&PassLine { host, port, database: None, user: None, password })?);
            }
        }
        let authority = match listener.authority() {
            Some(pem) => Some(papers.certificate(&format!("localhost-{port}"), pem)?),
            None => None,
        };
        let host = host.to_owned();
        let folder = papers.folder().to_owned();
        Ok((listener, Lead { name, host, port, user, database, passfile, secret, authority, folder }))
    }
}
