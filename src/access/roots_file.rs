//! The certificate authorities of databases as one file, for tools that read them from files: psql has none of its own.
//! It must not know who reads it.

use crate::model::Settings;
use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

/// What gatepost itself trusts.
const EMBEDDED: &str = include_str!("../../assets/rds-roots.pem");

/// Writes the built-in authorities and those of the settings to `roots.pem` in the state folder, and says where that is.
/// The file is replaced at once: a tool that reads it just now reads the old one or the new one.
pub(super) fn write(settings: &Settings) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(&settings.state_dir)?;
    let mut file = tempfile::NamedTempFile::new_in(&settings.state_dir)?;
    file.write_all(EMBEDDED.as_bytes())?;
    for bundle in &settings.ca_bundles {
        file.write_all(b"\n")?;
        file.write_all(&std::fs::read(bundle)?)?;
    }
    let path = settings.state_dir.join("roots.pem");
    file.persist(&path).map_err(|error| error.error)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_built_in_ones_and_ours() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bundle = folder.path().join("mine.pem");
        std::fs::write(&bundle, "mine").expect("written");
        let settings =
            Settings { state_dir: folder.path().join("a/state"), ca_bundles: vec![bundle], ..Settings::default() };
        let path = write(&settings).expect("written");
        let text = std::fs::read_to_string(&path).expect("there");
        assert!(text.starts_with(EMBEDDED) && text.ends_with("\nmine"));
        assert_eq!(write(&settings).expect("written again"), path);
    }
}
