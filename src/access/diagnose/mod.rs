//! Where errors become words: typed errors of the rooms below become a `Diagnosis` that names the thing, its causes and
//! what to try. The one place that does. It must not ask anything of the network: what was found out is given.

pub(super) mod aws;
pub(super) mod bastion;
pub(super) mod database;
pub(super) mod login;
pub(super) mod proxy;
pub(super) mod reach;
pub(super) mod simulation;
pub(super) mod sql;
pub(super) mod tls;
pub(super) mod token;
pub(super) mod tunnel;

use crate::model::{Diagnosis, visible};
use std::time::SystemTime;

/// Adds each line of a server's text as a cause, made visible.
pub(super) fn because_lines(mut diagnosis: Diagnosis, text: &str) -> Diagnosis {
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        diagnosis = diagnosis.because(visible(line.trim_end()));
    }
    diagnosis
}

/// A moment, to the second, in UTC.
pub(super) fn moment(at: SystemTime) -> String {
    match jiff::Timestamp::try_from(at) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => "a moment beyond the calendar".to_owned(),
    }
}

/// How long, for a sentence: `90 s`, `5 min`, `3 h`, `4 days`.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// As an argument of a shell command: quoted when it must be.
pub(super) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests;
