//! Tokens for a login: minted at that moment, told when they end. It must not keep them.

use super::{Access, diagnose};
use crate::aws;
use crate::model::{Diagnosis, Endpoint, Kind, Secret, Token};
use std::time::SystemTime;

impl Access {
    /// A token for that endpoint's real name and port, signed now. It ends with the credentials that sign it, if they
    /// end sooner than its 15 minutes: the database asks AWS at login, and AWS then knows them no more.
    pub(super) async fn mint(&self, endpoint: &Endpoint, user: &str) -> Result<Token, Diagnosis> {
        if let Some(refused) = diagnose::database::no_iam(&endpoint.owner, &endpoint.engine) {
            return Err(refused);
        }
        let place = &endpoint.place;
        let keys = self.cloud().keys(place).await.map_err(|error| diagnose::aws::of(&error))?;
        let minted = SystemTime::now();
        // The signature carries AWS's time, even where this machine's clock is wrong; what is shown is this machine's.
        let signed = self.cloud().now();
        let secret = aws::token(&endpoint.host, endpoint.port, user, &place.region, &keys, signed)
            .map_err(|error| Diagnosis::new(Kind::Usage, error.to_string()))?;
        Ok(Token { secret: Secret::new(secret), minted, signed, ends: end(minted, signed, keys.ends()) })
    }
}

/// By this machine's clock; the credentials' end is by AWS's.
fn end(minted: SystemTime, signed: SystemTime, credentials: Option<SystemTime>) -> SystemTime {
    let left = credentials.map(|end| end.duration_since(signed).unwrap_or_default());
    minted + left.map_or(aws::TOKEN_LIFE, |left| left.min(aws::TOKEN_LIFE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_token_ends_with_its_credentials_if_they_end_first() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let minutes = |n: u64| now + Duration::from_secs(60 * n);
        assert_eq!(end(now, now, None), minutes(15));
        assert_eq!(end(now, now, Some(minutes(60))), minutes(15));
        assert_eq!(end(now, now, Some(minutes(4))), minutes(4));
        assert_eq!(end(now, minutes(10), Some(minutes(14))), minutes(4), "AWS's clock is 10 minutes ahead");
        assert_eq!(end(now, minutes(10), Some(minutes(9))), now, "they have ended");
    }
}
