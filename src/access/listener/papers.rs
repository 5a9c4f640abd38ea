//! What clients are handed for one run: a passfile with the secret and the certificate of TLS, in a folder that only we may
//! read and that goes with us. It must not know what they lead to.

use crate::model::{Diagnosis, Kind, Secret, Settings};
use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// In each folder, locked for as long as its owner runs; the system unlocks it whatever ended that.
const LOCK: &str = "lock";
/// A younger folder may be one whose owner is about to lock it.
const SETTLED: Duration = Duration::from_secs(60);

/// The folder.
pub struct Papers {
    folder: TempDir,
    _lock: Option<File>,
}

impl Papers {
    /// Makes it, mode 0700, below the state folder; what was left there by owners that were killed is cleared.
    pub fn new(settings: &Settings) -> Result<Papers, Diagnosis> {
        let above = settings.state_dir.join("run");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&above);
        clear(&above);
        made.and_then(|()| private().tempdir_in(&above))
            .map(|folder| Papers { _lock: locked(folder.path()), folder })
            .map_err(|error| failed("A folder for this run cannot be made", &above, &error))
    }

    /// Where it is; a socket may be put there, too.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Adds a line to the passfile (mode 0600) and tells where that is. `*` is any database, any user.
    pub fn passfile(&self, line: &PassLine<'_>) -> Result<PathBuf, Diagnosis> {
        let path = self.folder.path().join("passfile");
        write(&path, &line.to_text()).map_err(|error| failed("The passfile cannot be written", &path, &error))?;
        Ok(path)
    }

    /// Writes a certificate to a file and tells where that is.
    pub fn certificate(&self, name: &str, pem: &str) -> Result<PathBuf, Diagnosis> {
        let path = self.folder.path().join(format!("{name}.pem"));
        write(&path, pem).map_err(|error| failed("The certificate cannot be written", &path, &error))?;
        Ok(path)
    }
}

/// Writes a file that a client is handed (mode 0600), or writes it anew.
pub fn write_paper(path: &Path, text: &Secret) -> Result<(), Diagnosis> {
    let mut options = OpenOptions::new();
    let written = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    written
        .and_then(|mut file| file.write_all(text.reveal().as_bytes()))
        .map_err(|error| failed("The file for the client cannot be written", path, &error))
}

/// `None` where the file system knows no locks: nobody takes that folder for one that was left, either.
fn locked(folder: &Path) -> Option<File> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).ok()?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let _ = std::fs::remove_file(path);
        return None;
    }
    Some(file)
}

/// Removes the folders whose owner does not hold its lock any more. What cannot be looked at stays.
fn clear(above: &Path) {
    for folder in std::fs::read_dir(above).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let Ok(lock) = File::open(folder.join(LOCK)) else { continue };
        let age = lock.metadata().and_then(|it| it.modified()).ok().and_then(|since| since.elapsed().ok());
        if age.is_some_and(|age| age >= SETTLED) && flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// tempfile makes folders as the umask has it.
fn private() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("p").permissions(Permissions::from_mode(0o700));
    builder
}

/// A line of a passfile (PostgreSQL, "The Password File").
#[derive(Clone, Debug)]
pub struct PassLine<'a> {
    /// Host, as the client names it.
    pub host: &'a str,
    /// Port.
    pub port: u16,
    /// Database; `None` is any.
    pub database: Option<&'a str>,
    /// User; `None` is any.
    pub user: Option<&'a str>,
    /// The password.
    pub password: &'a Secret,
}

impl PassLine<'_> {
    fn to_text(&self) -> String {
        let any = |word: Option<&str>| word.map_or("*".to_owned(), escaped);
        let (database, user) = (any(self.database), any(self.user));
        format!("{}:{}:{database}:{user}:{}\n", escaped(self.host), self.port, escaped(self.password.reveal()))
    }
}

/// A `*` alone would be a wildcard; escaped it is a star.
fn escaped(field: &str) -> String {
    if field == "*" {
        return "\\*".to_owned();
    }
    field.replace('\\', "\\\\").replace(':', "\\:")
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Diagnosis {
    Diagnosis::new(Kind::Local, format!("{what}: {}", path.display())).because(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn papers_are_private_and_gone_with_their_owner() {
        let state = tempfile::tempdir().expect("a temporary folder");
        let settings = Settings { state_dir: state.path().join("state"), ..Settings::default() };
        let papers = Papers::new(&settings).expect("made");
        let password = Secret::new("a:b\\c");
        let line = PassLine { host: "127.0.0.1", port: 5433, database: None, user: Some("o:n"), password: &password };
        let path = papers.passfile(&line).expect("written");
        papers.passfile(&PassLine { host: "localhost", database: Some("*"), ..line }).expect("written");
        let text = std::fs::read_to_string(&path).expect("there");
        assert_eq!(text, "127.0.0.1:5433:*:o\\:n:a\\:b\\\\c\nlocalhost:5433:\\*:o\\:n:a\\:b\\\\c\n");
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(papers.folder())), (0o600, 0o700));
        let folder = papers.folder().to_owned();
        drop(papers);
        assert!(!folder.exists());
    }

    #[test]
    fn what_a_killed_owner_left_is_cleared_and_nothing_else() {
        let state = tempfile::tempdir().expect("a temporary folder");
        let settings = Settings { state_dir: state.path().to_owned(), ..Settings::default() };
        let aged = |folder: &Path| {
            let lock = File::options().write(true).open(folder.join(LOCK)).expect("there");
            lock.set_modified(std::time::SystemTime::now() - 2 * SETTLED).expect("ours");
        };
        let living = Papers::new(&settings).expect("made");
        aged(living.folder());
        // The system has unlocked it, nobody has removed it.
        let Papers { folder, _lock: unlocked } = Papers::new(&settings).expect("made");
        drop(unlocked);
        let left = folder.keep();
        std::fs::write(left.join("passfile"), "x").expect("written");
        let strange = state.path().join("run").join("strange");
        std::fs::create_dir(&strange).expect("made");
        Papers::new(&settings).expect("made");
        assert!(left.exists(), "its owner may be about to lock it");
        aged(&left);
        Papers::new(&settings).expect("made");
        assert!(!left.exists() && living.folder().exists() && strange.exists());
    }
}
