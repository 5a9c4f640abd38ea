//! Tokens of the last minutes, for bursts of logins: AWS lets about 200 new connections with a token in a second
//! (Amazon RDS User Guide, "IAM database authentication": limitations), and one token is as good as many. It must not keep
//! one past its time, nor past the AWS login that signed it.

use super::{Access, diagnose};
use crate::model::{Diagnosis, Endpoint, Token};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A third of a token's fifteen minutes.
const REUSED_FOR: Duration = Duration::from_secs(300);
/// So long before its end it is not shown any more: the login takes a while, and clocks differ.
const MARGIN: Duration = Duration::from_secs(30);

/// Host and port, and the user.
type Key = (String, String);

/// Tokens, each for one user of one endpoint.
#[derive(Default)]
pub(super) struct Tokens {
    kept: Mutex<HashMap<Key, Token>>,
    /// Whoever mints holds it; a burst waits for one token instead of asking for fifty.
    minting: tokio::sync::Mutex<()>,
}

impl Tokens {
    /// The one that is kept, or a new one. Credentials are had either way, so that a login which has ended is told as
    /// that; for a new one, AWS is asked who they are.
    pub(super) async fn token(&self, access: &Access, endpoint: &Endpoint, user: &str) -> Result<Token, Diagnosis> {
        let _one_at_a_time = self.minting.lock().await;
        access.cloud().keys(&endpoint.place).await.map_err(|error| diagnose::aws::of(&error))?;
        if let Some(token) = self.kept(endpoint, user, SystemTime::now()) {
            return Ok(token);
        }
        access.credentials(&endpoint.place).await?;
        let token = access.mint(endpoint, user).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert((endpoint.address(), user.to_owned()), token.clone());
        Ok(token)
    }

    /// Forgets the one that was refused; true when that was from before `login`, so that a new one may do better.
    pub(super) fn forget(&self, endpoint: &Endpoint, user: &str, login: SystemTime) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(&(endpoint.address(), user.to_owned())).is_some_and(|token| token.minted < login)
    }

    fn kept(&self, endpoint: &Endpoint, user: &str, now: SystemTime) -> Option<Token> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, token| is_fresh(token, now));
        kept.get(&(endpoint.address(), user.to_owned())).cloned()
    }
}

/// A clock that was set back is no reason to keep one for longer.
fn is_fresh(token: &Token, now: SystemTime) -> bool {
    now.duration_since(token.minted).is_ok_and(|age| age < REUSED_FOR) && now + MARGIN < token.ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::endpoint;
    use crate::model::Secret;

    #[test]
    fn a_token_is_kept_for_a_burst_and_never_past_its_end() {
        let minted = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let after = |seconds| minted + Duration::from_secs(seconds);
        let token = |ends| Token { secret: Secret::new("t"), minted, ends };
        assert!(is_fresh(&token(after(900)), after(0)) && is_fresh(&token(after(900)), after(299)));
        assert!(!is_fresh(&token(after(900)), after(300)));
        assert!(!is_fresh(&token(after(900)), minted - Duration::from_secs(1)));
        // Of credentials that end in two minutes.
        assert!(is_fresh(&token(after(120)), after(89)) && !is_fresh(&token(after(120)), after(90)));

        let tokens = Tokens::default();
        let there = endpoint();
        tokens.kept.lock().expect("ours").insert((there.address(), "a".to_owned()), token(after(900)));
        assert!(tokens.kept(&there, "b", after(1)).is_none());
        assert!(tokens.kept(&there, "a", after(1)).is_some());
        assert!(tokens.forget(&there, "a", after(1)) && !tokens.forget(&there, "a", after(1)));
        tokens.kept.lock().expect("ours").insert((there.address(), "a".to_owned()), token(after(900)));
        assert!(!tokens.forget(&there, "a", minted), "it was minted for that very login");
    }
}
