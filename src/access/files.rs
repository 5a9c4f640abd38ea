//! Files that only their owner may read: made so, not changed afterwards.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Makes the folder of `path` and what is above it, mode 0700.
pub(super) fn folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => DirBuilder::new().recursive(true).mode(0o700).create(folder),
        None => Ok(()),
    }
}

/// Opens for appending, mode 0600.
pub(super) fn append(path: &Path) -> io::Result<File> {
    folder_of(path)?;
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Replaces the whole file at once, mode 0600 (`tempfile` makes them so): a reader sees the old one or the new one.
pub(super) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    folder_of(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
