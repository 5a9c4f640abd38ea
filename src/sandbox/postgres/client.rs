//! The sandbox's own small connection to its server: startup without a password, and simple queries. It must not know
//! TLS, nor any authentication: `pg_hba.conf` trusts the superuser on the private socket.
//!
//! Messages: PostgreSQL documentation, "Frontend/Backend Protocol".

use std::io;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// What can go wrong on such a connection.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The socket failed or ended.
    #[error("the connection to the private PostgreSQL failed: {0}")]
    Wire(#[from] io::Error),
    /// ErrorResponse.
    #[error("{code}: {message}")]
    Refused {
        /// SQLSTATE.
        code: String,
        /// The primary message.
        message: String,
    },
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
}

/// A row as text; `None` is NULL.
pub type Row = Vec<Option<String>>;

impl Client {
    /// Connects and logs in.
    pub async fn connect(socket: &Path, user: &str, database: &str) -> Result<Client, ServerError> {
        let mut stream = UnixStream::connect(socket).await?;
        let mut body = 196_608_u32.to_be_bytes().to_vec();
        for word in ["user", user, "database", database, "application_name", "gatepost sandbox", ""] {
            body.extend_from_slice(word.as_bytes());
            body.push(0);
        }
        stream.write_all(&framed(None, &body)?).await?;
        let mut client = Client { stream };
        client.until_ready().await?;
        Ok(client)
    }

    /// Runs `sql` (any number of statements, then in one transaction); the rows of all of them.
    pub async fn query(&mut self, sql: &str) -> Result<Vec<Row>, ServerError> {
        let mut body = sql.as_bytes().to_vec();
        body.push(0);
        self.stream.write_all(&framed(Some(b'Q'), &body)?).await?;
        self.until_ready().await
    }

    /// Reads until ReadyForQuery, or the end after a fatal error.
    async fn until_ready(&mut self) -> Result<Vec<Row>, ServerError> {
        let mut rows = Vec::new();
        let mut refused = None;
        loop {
            let (kind, body) = match self.message().await {
                Ok(message) => message,
                Err(error) => return Err(refused.unwrap_or(ServerError::Wire(error))),
            };
            match kind {
                b'Z' => return refused.map_or(Ok(rows), Err),
                b'D' => rows.push(row(&body).ok_or_else(|| io::Error::other("a DataRow that is none"))?),
                b'E' => refused = Some(refusal(&body)),
                b'R' if body != [0, 0, 0, 0] => {
                    return Err(io::Error::other("the private server asks for a password").into());
                }
                _ => {}
            }
        }
    }

    async fn message(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let kind = self.stream.read_u8().await?;
        let length = self.stream.read_u32().await?;
        let length = length.checked_sub(4).ok_or_else(|| io::Error::other("a message shorter than its length"))?;
        let mut body = vec![0; length as usize];
        self.stream.read_exact(&mut body).await?;
        Ok((kind, body))
    }
}

/// A string constant (`standard_conforming_strings` is on).
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn framed(kind: Option<u8>, body: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
    let mut message: Vec<u8> = kind.into_iter().collect();
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(body);
    Ok(message)
}

fn row(body: &[u8]) -> Option<Row> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    let mut values = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = i32::from_be_bytes(*length);
        rest = after;
        values.push(match usize::try_from(length) {
            Ok(length) => {
                let (value, after) = rest.split_at_checked(length)?;
                rest = after;
                Some(String::from_utf8_lossy(value).into_owned())
            }
            Err(_) => None,
        });
    }
    Some(values)
}

fn refusal(body: &[u8]) -> ServerError {
    let mut code = String::new();
    let mut message = String::new();
    for field in body.split(|byte| *byte == 0) {
        match field.split_first() {
            Some((b'C', text)) => code = String::from_utf8_lossy(text).into_owned(),
            Some((b'M', text)) => message = String::from_utf8_lossy(text).into_owned(),
            _ => {}
        }
    }
    ServerError::Refused { code, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_errors_are_read() {
        let body = [0, 2, 0, 0, 0, 2, b'4', b'2', 0xff, 0xff, 0xff, 0xff];
        assert_eq!(row(&body), Some(vec![Some("42".to_owned()), None]));
        assert_eq!(row(&body[..5]), None);
        let ServerError::Refused { code, message } = refusal(b"SFATAL\0C3D000\0Mno such\0\0") else {
            panic!("not a refusal");
        };
        assert_eq!((code.as_str(), message.as_str()), ("3D000", "no such"));
        assert_eq!(literal("O'Hara"), "'O''Hara'");
    }
}
