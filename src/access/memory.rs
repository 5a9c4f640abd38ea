//! What was used last for each target, in one JSON file of the state folder. It holds names only, never a secret; that
//! it cannot be read or written is never a failure of what the user wanted.

use super::{Remembered, files};
use crate::model::{Auth, Endpoint};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// How [`Auth::Iam`] is kept.
const TOKEN: &str = Auth::Iam.name();

/// The file.
pub(super) struct Memory {
    path: Option<PathBuf>,
    /// Writers of this process take turns; another gatepost's last write wins, entry by entry.
    turn: Mutex<()>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Entry {
    user: Option<String>,
    /// Who came in with a token last, whoever came in since.
    token_user: Option<String>,
    database: Option<String>,
    route: Option<String>,
    auth: Option<String>,
    /// Seconds since 1970.
    at: Option<u64>,
}

impl Memory {
    /// In that folder; nowhere when it is empty.
    pub(super) fn new(folder: &Path) -> Memory {
        let path = (!folder.as_os_str().is_empty()).then(|| folder.join("targets.json"));
        Memory { path, turn: Mutex::default() }
    }

    pub(super) fn get(&self, endpoint: &Endpoint) -> Remembered {
        let entry = self.read().remove(&endpoint.address()).unwrap_or_default();
        // As files have it that were written before the one was kept beside the other.
        let before = || entry.user.clone().filter(|_| entry.auth.as_deref().is_none_or(|auth| auth == TOKEN));
        Remembered {
            token_user: entry.token_user.or_else(before),
            user: entry.user,
            database: entry.database,
            route: entry.route,
            auth: entry.auth,
            // A number that a damaged file has may be beyond all time.
            at: entry.at.and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))),
        }
    }

    /// Notes what was used; what is `None` stays as it was.
    pub(super) fn put(&self, endpoint: &Endpoint, used: Remembered) {
        let Some(path) = &self.path else { return };
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = self.read();
        let entry = entries.entry(endpoint.address()).or_default();
        entry.token_user = used.token_user.or(entry.token_user.take());
        entry.user = used.user.or(entry.user.take());
        entry.database = used.database.or(entry.database.take());
        entry.route = used.route.or(entry.route.take());
        entry.auth = used.auth.or(entry.auth.take());
        let now = used.at.unwrap_or_else(SystemTime::now);
        entry.at = now.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs());
        let written = serde_json::to_vec_pretty(&entries)
            .map_err(std::io::Error::other)
            .and_then(|text| files::replace(path, &text));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "what was used last could not be noted");
        }
    }

    fn read(&self) -> BTreeMap<String, Entry> {
        let Some(path) = &self.path else { return BTreeMap::new() };
        match std::fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_default(),
            Err(_) => BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::endpoint;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_used_is_there_next_time_and_for_nobody_else() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let state = folder.path().join("state");
        let used = Remembered {
            user: Some("oncall".to_owned()),
            token_user: Some("oncall".to_owned()),
            database: Some("shop".to_owned()),
            route: Some("i-1".to_owned()),
            auth: Some("iam".to_owned()),
            at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)),
        };
        Memory::new(&state).put(&endpoint(), used.clone());
        assert_eq!(Memory::new(&state).get(&endpoint()), used);
        Memory::new(&state).put(&endpoint(), Remembered { route: Some("direct".to_owned()), ..Remembered::default() });
        let now = Memory::new(&state).get(&endpoint());
        assert_eq!((now.user, now.route), (used.user.clone(), Some("direct".to_owned())));
        // Whoever comes in with a password is not who is known to the token.
        let by_password = |user: &str| Remembered {
            user: Some(user.to_owned()),
            auth: Some("secret".to_owned()),
            ..Remembered::default()
        };
        Memory::new(&state).put(&endpoint(), by_password("postgres"));
        let now = Memory::new(&state).get(&endpoint());
        assert_eq!((now.user.as_deref(), now.token_user.as_deref()), (Some("postgres"), Some("oncall")));
        let before = format!("{{\"{}\": {{\"user\": \"x\", \"auth\": \"iam\"}}}}", endpoint().address());
        std::fs::write(state.join("targets.json"), &before).expect("written");
        assert_eq!(Memory::new(&state).get(&endpoint()).token_user.as_deref(), Some("x"));
        std::fs::write(state.join("targets.json"), before.replace("iam", "passfile")).expect("written");
        assert_eq!(Memory::new(&state).get(&endpoint()).token_user, None);
        Memory::new(&state).put(&endpoint(), used.clone());
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&state), 0o700);
        assert_eq!(mode(&state.join("targets.json")), 0o600);
    }

    #[test]
    fn no_folder_and_a_broken_file_are_an_empty_memory() {
        let memory = Memory::new(Path::new(""));
        memory.put(&endpoint(), Remembered { user: Some("x".to_owned()), ..Remembered::default() });
        assert_eq!(memory.get(&endpoint()), Remembered::default());
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::write(folder.path().join("targets.json"), "{").expect("written");
        assert_eq!(Memory::new(folder.path()).get(&endpoint()), Remembered::default());
        let beyond = format!("{{\"{}\": {{\"user\": \"x\", \"at\": {}}}}}", endpoint().address(), u64::MAX);
        std::fs::write(folder.path().join("targets.json"), beyond).expect("written");
        let read = Memory::new(folder.path()).get(&endpoint());
        assert_eq!((read.user.as_deref(), read.at), (Some("x"), None));
    }
}
