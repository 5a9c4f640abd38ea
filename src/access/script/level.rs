//! One of the texts a script is read from: the script itself, or a file that another includes. It must not know what its
//! statements do.

use super::lines::Lines;
use crate::model::sql::{Conditions, Scanner};
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) struct Level {
    pub(super) file: Option<String>,
    /// It is the process's standard input.
    pub(super) is_stdin: bool,
    /// Of a line of data only the beginning was read.
    pub(super) within: bool,
    pub(super) folder: Option<PathBuf>,
    pub(super) lines: Lines,
    pub(super) number: usize,
    pub(super) scanner: Scanner,
    pub(super) conditions: Conditions,
}

impl Level {
    pub(super) fn new(file: Option<String>, folder: Option<PathBuf>, lines: Lines) -> Level {
        Level {
            file,
            is_stdin: false,
            within: false,
            folder,
            lines,
            number: 0,
            scanner: Scanner::default(),
            conditions: Conditions::default(),
        }
    }

    /// Counts a line of data, or a part of one; whether it is the one that ends them.
    pub(super) fn ends_data(&mut self, line: &[u8]) -> bool {
        let begins = !std::mem::replace(&mut self.within, !line.ends_with(b"\n"));
        self.number += usize::from(begins);
        let ends = begins && matches!(line, b"\\.\n" | b"\\.\r\n" | b"\\.");
        self.within &= !ends;
        ends
    }

    pub(super) fn file(path: &Path) -> io::Result<Level> {
        let lines = Lines::file(path)?;
        Ok(Level::new(Some(path.display().to_string()), path.parent().map(Path::to_owned), lines))
    }
}

/// Where data among the lines of a script stand: in the innermost text, or in the standard input.
pub(super) fn source(levels: &mut [Level], from_stdin: bool) -> Option<&mut Level> {
    match from_stdin {
        true => levels.iter_mut().find(|level| level.is_stdin),
        false => levels.last_mut(),
    }
}
