//! What AWS Secrets Manager holds here: the master users' password, which can be rotated with the database's, and the
//! application's. It must not know how it is asked for.

use super::postgres::{Postgres, ServerError, literal};
use std::sync::{Arc, Mutex, PoisonError};

/// Name of the application's secret, in every region.
pub const APPLICATION: &str = "shop/app";

/// The password in it, as `assets/roles.sql` has it; it is never rotated.
pub const APPLICATION_PASSWORD: &str = "shop-app-password";

/// As `assets/roles.sql` has it.
const FIRST: &str = "postgres-master-password";

/// The vault. Clones share it.
#[derive(Clone, Debug)]
pub struct Secrets {
    state: Arc<Mutex<State>>,
    postgres: Option<Arc<Postgres>>,
}

struct State {
    /// `VersionId` and password of the master user.
    current: (String, String),
    before: (String, String),
    /// So many reads still see the version before.
    stale: u32,
    reads: u32,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("version", &self.current.0).finish_non_exhaustive()
    }
}

impl Default for Secrets {
    fn default() -> Secrets {
        Secrets::new(None)
    }
}

impl Secrets {
    /// Those of the beginning; with a server, they can be rotated.
    pub fn new(postgres: Option<Arc<Postgres>>) -> Secrets {
        let first = (version(), FIRST.to_owned());
        let state = State { current: first.clone(), before: first, stale: 0, reads: 0 };
        Secrets { state: Arc::new(Mutex::new(state)), postgres }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `VersionId` and password of the master user, as a reader sees them now.
    pub fn master(&self) -> (String, String) {
        let mut state = self.lock();
        state.reads += 1;
        if state.stale == 0 {
            return state.current.clone();
        }
        state.stale -= 1;
        state.before.clone()
    }

    /// How often the master user's was read.
    pub fn reads(&self) -> u32 {
        self.lock().reads
    }

    /// Rotation: a new password for the role and in the secret. The next `stale` readers still see the version before, as
    /// readers do who come between the two.
    pub async fn rotate(&self, stale: u32) -> Result<(), ServerError> {
        let Some(postgres) = &self.postgres else { return Ok(()) };
        let password = format!("rotated-{}", uuid::Uuid::new_v4().simple());
        let mut administrator = postgres.administer("postgres").await?;
        administrator.query(&format!("alter role postgres password {}", literal(&password))).await?;
        let mut state = self.lock();
        state.before = std::mem::replace(&mut state.current, (version(), password));
        state.stale = stale;
        Ok(())
    }
}

fn version() -> String {
    uuid::Uuid::new_v4().to_string()
}
