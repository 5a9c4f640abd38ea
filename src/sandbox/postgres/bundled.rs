//! The PostgreSQL that three crates carry as their payload (feature `bundled-postgresql`). They lie in cargo's folder,
//! each with a third of the tree; here it is put together. It must not know when it is wanted.

use super::Binaries;
use std::io;
use std::path::{Path, PathBuf};

/// Puts the tree together in `folder` and asks whether it runs here: it needs glibc 2.38. `None` where it does not, and
/// where there is no payload for this platform.
pub fn unpack(folder: &Path) -> Option<Binaries> {
    let roots = payloads();
    if roots.is_empty() {
        return None;
    }
    for root in roots {
        copy(&root.join("files/runtime"), folder).ok()?;
    }
    let mut binaries = Binaries::probe(&folder.join("bin")).ok()?;
    binaries.share = Some(folder.join("share/postgresql"));
    Some(binaries)
}

#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
fn payloads() -> Vec<PathBuf> {
    vec![
        liboliphaunt_native_linux_x64_gnu_part_001::PAYLOAD_ROOT.into(),
        liboliphaunt_native_linux_x64_gnu_part_002::PAYLOAD_ROOT.into(),
        liboliphaunt_native_linux_x64_gnu_part_003::PAYLOAD_ROOT.into(),
    ]
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")))]
fn payloads() -> Vec<PathBuf> {
    Vec::new()
}

/// Copies a tree into another. Files keep their modes; folders are open to the unprivileged user that the server runs as.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            // Follows symbolic links: the tree is small, and a copy of a library is as good as a link to it.
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_thirds_make_one_tree() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let found = unpack(folder.path());
        if !payloads().is_empty() {
            for file in ["bin/postgres", "bin/initdb", "share/postgresql/postgres.bki", "lib/libpq.so.5"] {
                assert!(folder.path().join(file).is_file(), "{file} is missing");
            }
        }
        // Whether it runs depends on this machine's C library; if it does, it is the version that the crates say.
        assert!(found.is_none_or(|binaries| binaries.major == 18));
    }
}
