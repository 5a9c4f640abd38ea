//! Another session at the same endpoint by the same way, for `\connect` within a script. It must not know scripts.

use super::{Session, Wish};
use crate::model::{Diagnosis, Route, RouteChoice};

impl Session {
    /// A session as this one is, but for the database and the role that are named; what is `None` stays. This one is left
    /// as it is: close it when the other stands.
    pub async fn beside(&self, database: Option<String>, user: Option<String>) -> Result<Session, Diagnosis> {
        let target = self.target();
        let wish = Wish {
            endpoint: target.endpoint.clone(),
            route: match &target.route {
                Route::Direct => RouteChoice::Direct,
                Route::Through(bastion) => RouteChoice::Via(bastion.id.clone()),
            },
            database: database.or_else(|| Some(target.database.clone())),
            user: user.unwrap_or_else(|| target.user.clone()),
            auth: target.auth.clone(),
            // What was lifted within a session is not handed on.
            read_only: target.read_only,
        };
        self.context.access.connect(&wish, None).await
    }
}
