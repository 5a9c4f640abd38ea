//! The log file, off unless asked for. What other crates say is left out below warnings: at their finer levels some print
//! requests, and so what is in them. The data channel is told frame by frame, without what is in the frames.

use crate::model::{Diagnosis, Kind};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

/// Logs into `path` (0600, appended to) until the guard is dropped.
pub fn open(path: &Path) -> Result<WorkerGuard, Diagnosis> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(|error| {
        Diagnosis::new(Kind::Local, format!("The log file {} cannot be opened", path.display()))
            .because(error.to_string())
            .advise("Name another with the setting `log_file`")
    })?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let subscriber = tracing_subscriber::fmt()
        .with_writer(writer)
        .with_ansi(false)
        .with_env_filter(EnvFilter::new("warn,gatepost=debug,gatepost::ssm=trace"))
        .finish();
    // Somebody who set one before us keeps it.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(guard)
}
