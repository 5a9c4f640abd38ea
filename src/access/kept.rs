//! What a listener keeps from one login to the next: tokens, and which secret is the master user's. It must not keep what a
//! secret holds.

use super::tokens::Tokens;
use crate::model::Diagnosis;
use std::future::Future;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// What is kept.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) tokens: Tokens,
    pub(super) master_secret: MasterSecret,
}

/// The ARN of the master user's secret: to find it, a whole region is listed.
#[derive(Default)]
pub(super) struct MasterSecret(Mutex<Known>);

#[derive(Default)]
struct Known {
    arn: Option<String>,
    /// When the last attempt ended that came to nothing, and why: whoever waited for it takes its answer.
    failed: Option<(Instant, Diagnosis)>,
}

impl MasterSecret {
    /// The one that is known, or what `look_up` finds; a burst looks once.
    pub(super) async fn arn(
        &self,
        look_up: impl Future<Output = Result<String, Diagnosis>>,
    ) -> Result<String, Diagnosis> {
        let asked = Instant::now();
        let mut known = self.0.lock().await;
        if let Some(arn) = &known.arn {
            return Ok(arn.clone());
        }
        if let Some((_, diagnosis)) = known.failed.as_ref().filter(|(ended, _)| *ended >= asked) {
            return Err(diagnosis.clone());
        }
        match look_up.await {
            Ok(arn) => {
                known.arn = Some(arn.clone());
                Ok(arn)
            }
            Err(diagnosis) => {
                known.failed = Some((Instant::now(), diagnosis.clone()));
                Err(diagnosis)
            }
        }
    }

    /// Forgets it: it led nowhere. True when it was that one which was known.
    pub(super) async fn forget(&self, arn: &str) -> bool {
        let mut known = self.0.lock().await;
        known.arn.take_if(|known| known == arn).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_burst_looks_once_and_what_led_nowhere_is_looked_up_again() {
        let (secret, looks) = (MasterSecret::default(), AtomicU32::new(0));
        let fails = || {
            secret.arn(async {
                looks.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Err(Diagnosis::new(Kind::AwsUnreachable, "no answer"))
            })
        };
        let burst = futures_util::future::join_all((0..20).map(|_| fails())).await;
        assert!(burst.iter().all(Result::is_err));
        assert_eq!(looks.swap(0, Ordering::Relaxed), 1);
        let finds = || {
            secret.arn(async {
                let number = looks.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok(format!("arn:{number}"))
            })
        };
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        let burst = futures_util::future::join_all((0..20).map(|_| finds())).await;
        assert!(burst.iter().all(|arn| arn.as_deref() == Ok("arn:0")), "{burst:?}");
        assert!(!secret.forget("arn:7").await && secret.forget("arn:0").await && !secret.forget("arn:0").await);
        assert_eq!(finds().await.as_deref(), Ok("arn:1"));
    }
}
