//! Tokens of the last minutes, for bursts of logins: AWS lets about 200 new connections with a token in a second
//! (Amazon RDS User Guide, "IAM database authentication": limitations), and one token is as good as many. It must not keep
//! one past its time, nor past the AWS login that signed it.

use super::{Access, diagnose};
use crate::model::{Diagnosis, Endpoint, Token};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

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
    /// Whoever mints holds it; a burst waits for one token instead of asking for fifty. In it, when the last attempt ended
    /// that came to nothing, and why: whoever waited for it takes its answer.
    minting: tokio::sync::Mutex<Option<(Instant, Diagnosis)>>,
}

impl Tokens {
    /// The one that is kept, or a new one. Credentials are had either way, so that a login which has ended is told as
    /// that; for a new one, AWS is asked who they are.
    pub(super) async fn token(&self, access: &Access, endpoint: &Endpoint, user: &str) -> Result<Token, Diagnosis> {
        let minting = async {
            access.cloud().keys(&endpoint.place).await.map_err(|error| diagnose::aws::of(&error))?;
            if let Some(token) = self.kept(endpoint, user, SystemTime::now()) {
                return Ok(token);
            }
            access.credentials(&endpoint.place).await?;
            let token = access.mint(endpoint, user).await?;
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.insert((endpoint.address(), user.to_owned()), token.clone());
            Ok(token)
        };
        self.one_at_a_time(Box::pin(minting)).await
    }

    /// What fails here (keys, who they are) fails for all alike: a `credential_process` that needs ten seconds to say no is
    /// not asked once more for each login of a burst.
    async fn one_at_a_time<T>(&self, attempt: impl Future<Output = Result<T, Diagnosis>>) -> Result<T, Diagnosis> {
        let asked = Instant::now();
        let mut failed = self.minting.lock().await;
        if let Some((_, diagnosis)) = failed.as_ref().filter(|(ended, _)| *ended >= asked) {
            return Err(diagnosis.clone());
        }
        let answer = attempt.await;
        *failed = answer.as_ref().err().map(|diagnosis| (Instant::now(), diagnosis.clone()));
        answer
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
    use crate::model::{Kind, Secret};
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_token_is_kept_for_a_burst_and_never_past_its_end() {
        let minted = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let after = |seconds| minted + Duration::from_secs(seconds);
        let token = |ends| Token { secret: Secret::new("t"), minted, signed: minted, ends };
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

    #[tokio::test]
    async fn a_burst_shares_one_refusal_and_the_next_login_asks_anew() {
        let (tokens, asked) = (Tokens::default(), AtomicU32::new(0));
        let login = || {
            tokens.one_at_a_time(async {
                let number = asked.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err::<(), _>(Diagnosis::new(Kind::LoginEnded, format!("refused {number}")))
            })
        };
        // All of them are asked before the first has its answer: they are polled one after the other.
        let burst = futures_util::future::join_all((0..50).map(|_| login())).await;
        assert!(burst.iter().all(|answer| answer.as_ref().is_err_and(|said| said.title == "refused 0")), "{burst:?}");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(login().await.expect_err("refused").title, "refused 1");
        // One that is not refused is nobody's refusal.
        assert!(tokens.one_at_a_time(async { Ok(()) }).await.is_ok());
    }
}
