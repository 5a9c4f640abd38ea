//! Who AWS says we are.

use super::cloud::Cloud;
use super::error::Error;
use super::signer::Keys;
use crate::model::{Identity, Place};

const GET_CALLER_IDENTITY: &str = "sts:GetCallerIdentity";

impl Cloud {
    /// `sts:GetCallerIdentity`, which needs no permission.
    pub async fn identity(&self, place: &Place) -> Result<Identity, Error> {
        let credentials = self.credentials(GET_CALLER_IDENTITY, place).await?;
        let clients = self.clients(place).await;
        let answer = self.ask(GET_CALLER_IDENTITY, place, &clients, clients.sts.get_caller_identity().send()).await?;
        Ok(Identity {
            account: answer.account().unwrap_or_default().to_owned(),
            arn: answer.arn().unwrap_or_default().to_owned(),
            user_id: answer.user_id().unwrap_or_default().to_owned(),
            ends: credentials.expiry(),
        })
    }

    /// Credentials to sign with, as they are now.
    pub async fn keys(&self, place: &Place) -> Result<Keys, Error> {
        self.credentials("credentials", place).await.map(Keys)
    }
}
