//! CancelRequest: sixteen bytes on a second wire. It must not know what is cancelled.

use super::error::Error;
use super::secure::Secured;
use std::fmt;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// PostgreSQL, Message Formats: CancelRequest.
const CANCEL_REQUEST: u32 = 80_877_102;

/// How long to wait for the server to close the wire, which it does once the request was handled.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is needed to cancel from elsewhere; cheap to clone. Its secret part is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct CancelKey {
    pub(super) pid: i32,
    /// Four bytes; up to 256 with protocol 3.2.
    pub(super) secret: Vec<u8>,
}

impl fmt::Debug for CancelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CancelKey {{ pid: {}, secret: •••• }}", self.pid)
    }
}

impl CancelKey {
    /// A key: the process, and its secret (4 bytes; up to 256 with protocol 3.2).
    pub fn new(pid: i32, secret: Vec<u8>) -> CancelKey {
        CancelKey { pid, secret }
    }

    /// The backend's process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The secret part, for the wire alone.
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    fn request(&self) -> Vec<u8> {
        let length = 12 + self.secret.len() as u32;
        let mut request = Vec::with_capacity(length as usize);
        request.extend_from_slice(&length.to_be_bytes());
        request.extend_from_slice(&CANCEL_REQUEST.to_be_bytes());
        request.extend_from_slice(&self.pid.to_be_bytes());
        request.extend_from_slice(&self.secret);
        request
    }
}

impl Secured {
    /// CancelRequest. Returns when the server has taken it (it closes the wire); whether something was cancelled shows
    /// in the session alone: error 57014.
    pub async fn cancel(self, key: &CancelKey) -> Result<(), Error> {
        // A wire that does not end in time was written to all the same.
        self.cancel_within(key, PATIENCE).await.map(drop)
    }

    /// The same, and whether the server has closed the wire within `patience`.
    pub async fn cancel_within(mut self, key: &CancelKey, patience: Duration) -> Result<bool, Error> {
        let stream = self.stream();
        stream.write_all(&key.request()).await.map_err(Error::Wire)?;
        stream.flush().await.map_err(Error::Wire)?;
        let mut rest = [0; 64];
        // It may end without TLS's farewell.
        let closed = async { while stream.read(&mut rest).await.is_ok_and(|n| n > 0) {} };
        Ok(tokio::time::timeout(patience, closed).await.is_ok())
    }
}
