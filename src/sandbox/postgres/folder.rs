//! A private temporary folder that is gone after us, even after SIGKILL: a small shell holds the reading end of a pipe of
//! ours and removes the folder when the pipe ends. It must not know what is kept in it, except that a PostgreSQL may still
//! be stopping in there.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

/// Linux's overflow uid, by name `nobody`; macOS has -2 for it. PostgreSQL refuses to run as root.
#[cfg(target_os = "macos")]
const NOBODY: u32 = u32::MAX - 1;
#[cfg(not(target_os = "macos"))]
const NOBODY: u32 = 65534;

/// The longest path of a unix socket that every platform takes (macOS: 104 bytes with the NUL; Linux: 108).
const LONGEST_SOCKET: usize = 103;
/// What is added to the folder's path for the server's socket.
const SOCKET_TAIL: &str = "/pg/.s.PGSQL.5432.lock";

/// Waits for the pipe's end, then for the server in the folder (if any) to have left, and removes it.
const GUARD: &str = r#"
cat > /dev/null
tries=0
while [ -e "$1/pg/data/postmaster.pid" ] && [ "$tries" -lt 150 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -rf "$1"
"#;

/// The folder. Dropping it removes it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Whom programs in the folder must run as, when we are root.
    unprivileged: Option<u32>,
    guard: Mutex<Option<(Child, ChildStdin)>>,
}

impl Folder {
    /// A new one, for us alone (others may pass through it to what they own within, nothing else).
    pub fn new() -> io::Result<Folder> {
        let parent = parent()?;
        let made = tempfile::Builder::new().prefix("gatepost-").rand_bytes(8).tempdir_in(parent)?;
        let root = made.path().metadata()?.uid() == 0;
        let mode = if root { 0o711 } else { 0o700 };
        std::fs::set_permissions(made.path(), std::fs::Permissions::from_mode(mode))?;
        let mut guard = Command::new("/bin/sh")
            .args(["-c", GUARD, "gatepost-folder"])
            .arg(made.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .process_group(0)
            .spawn()?;
        let pipe = guard.stdin.take().ok_or_else(|| io::Error::other("the guard has no pipe"))?;
        let path = made.keep();
        Ok(Folder { path, unprivileged: root.then_some(NOBODY), guard: Mutex::new(Some((guard, pipe))) })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The user that servers in it run as, where we are root.
    pub fn unprivileged(&self) -> Option<u32> {
        self.unprivileged
    }

    /// Makes a folder in it, mode 0700; `servers`: owned by the unprivileged user, where there is one.
    pub fn make(&self, name: &str, servers: bool) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        std::fs::create_dir(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
        if let Some(user) = self.unprivileged.filter(|_| servers) {
            chown(&path, Some(user), Some(user))?;
        }
        Ok(path)
    }

    /// Writes a file in it.
    pub fn write(&self, name: &str, content: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        std::fs::write(&path, content)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let guard = self.guard.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some((mut guard, pipe)) = guard {
            drop(pipe);
            // It ends within the time a server takes to stop; a folder must not outlive the test that made it.
            let _ended = guard.wait();
        }
    }
}

/// The first temporary folder where a socket's path is short enough and, if we are root, that others may pass.
fn parent() -> io::Result<PathBuf> {
    let asked = std::env::temp_dir();
    let root = tempfile::tempfile()?.metadata()?.uid() == 0;
    let passable = |folder: &Path| folder.metadata().is_ok_and(|folder| folder.mode() & 0o001 != 0);
    let fits = |folder: &Path| {
        let length = folder.as_os_str().len() + "/gatepost-".len() + 8 + SOCKET_TAIL.len();
        length <= LONGEST_SOCKET && folder.is_dir() && (!root || folder.ancestors().all(passable))
    };
    let candidates = [asked.as_path(), Path::new("/tmp"), Path::new("/var/tmp")];
    candidates.into_iter().find(|folder| fits(folder)).map(Path::to_owned).ok_or_else(|| {
        io::Error::other(format!("{} and /tmp are missing, closed to others, or too long a path", asked.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_private_and_goes_with_its_owner() {
        let folder = Folder::new().expect("a folder");
        let path = folder.path().to_owned();
        let inner = folder.make("pg", true).expect("a folder in it");
        assert_eq!(inner.metadata().expect("it is there").mode() & 0o777, 0o700);
        folder.write("ca.pem", "x").expect("written");
        drop(folder);
        assert!(!path.exists(), "{} is still there", path.display());
    }
}
