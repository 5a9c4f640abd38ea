//! What can go wrong between a wire and rows, typed. It must not know what people are told about it.

use crate::model::{Authentication, Notice, TlsFacts};
use std::io;
use std::time::Duration;

/// A server's error or refusal, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    /// `ERROR`, `FATAL`, `PANIC`, never translated where the server is 9.6 or newer.
    pub severity: String,
    /// SQLSTATE.
    pub code: String,
    /// Message.
    pub message: String,
    /// DETAIL.
    pub detail: Option<String>,
    /// HINT.
    pub hint: Option<String>,
    /// CONTEXT, with the internal query (a function's) where the error is in one.
    pub context: Option<String>,
    /// 0-based character offset into the statement.
    pub position: Option<usize>,
    /// Schema, table, column, constraint as far as given, in words.
    pub object: Option<String>,
}

impl ServerError {
    /// From the body of an ErrorResponse or NoticeResponse (PostgreSQL, "Error and Notice Message Fields"). A body that
    /// was cut short gives what it holds.
    pub(super) fn parse(body: &[u8]) -> ServerError {
        let mut error = ServerError {
            severity: String::new(),
            code: String::new(),
            message: String::new(),
            detail: None,
            hint: None,
            context: None,
            position: None,
            object: None,
        };
        let mut internal = None;
        let mut objects = Vec::new();
        for field in body.split(|byte| *byte == 0) {
            let Some((kind, value)) = field.split_first() else { continue };
            let value = String::from_utf8_lossy(value).into_owned();
            match kind {
                // V is S without translation and comes after it.
                b'S' | b'V' => error.severity = value,
                b'C' => error.code = value,
                b'M' => error.message = value,
                b'D' => error.detail = Some(value),
                b'H' => error.hint = Some(value),
                b'W' => error.context = Some(value),
                b'P' => error.position = value.parse::<usize>().ok().and_then(|one_based| one_based.checked_sub(1)),
                b'q' => internal = Some(value),
                b's' => objects.push(format!("schema {value}")),
                b't' => objects.push(format!("table {value}")),
                b'c' => objects.push(format!("column {value}")),
                b'd' => objects.push(format!("data type {value}")),
                b'n' => objects.push(format!("constraint {value}")),
                _ => {}
            }
        }
        if let Some(query) = internal {
            let context = error.context.take().map(|context| format!("\n{context}")).unwrap_or_default();
            error.context = Some(format!("internal query: {query}{context}"));
        }
        if !objects.is_empty() {
            error.object = Some(objects.join(", "));
        }
        error
    }

    /// Whether the server ends the session with it.
    pub fn is_fatal(&self) -> bool {
        matches!(self.severity.as_str(), "FATAL" | "PANIC")
    }

    pub(super) fn into_notice(self) -> Notice {
        let ServerError { severity, code, message, detail, hint, .. } = self;
        Notice { severity, code, message, detail, hint }
    }
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server answered SSLRequest with 'N'.
    #[error("the server does not offer TLS")]
    TlsNotOffered,
    /// The issuer is not among the roots. The facts hold what could be told; [`super::inspect`] tells the rest.
    #[error("unknown certificate authority {}", .0.issuer)]
    UnknownIssuer(Box<TlsFacts>),
    /// The certificate is for other names.
    #[error("the certificate is for {:?}", .0.names)]
    WrongName(Box<TlsFacts>),
    /// The certificate has ended or not begun.
    #[error("the certificate is not valid now")]
    WrongDates(Box<TlsFacts>),
    /// TLS failed otherwise.
    #[error("TLS: {0}")]
    Tls(String),
    /// The wire broke or was refused (`ConnectionRefused` through a tunnel is a dial refused at the bastion).
    #[error("the connection to the database broke: {0}")]
    Wire(#[source] io::Error),
    /// The server refused or failed.
    #[error("{}", .0.message)]
    Server(Box<ServerError>),
    /// A token was to be shown, and the server asks for something that no token answers: it takes the role for one with a
    /// password. Nothing was shown.
    #[error("the server asks for {0}, which a token does not answer")]
    TokenNotAsked(Authentication),
    /// The server asks for something else than what is allowed. Nothing was shown.
    #[error("the server asks for {asked}, and only {allowed} may be answered")]
    NotAllowed {
        /// What it asks for.
        asked: Authentication,
        /// What may be answered, in words.
        allowed: String,
    },
    /// The server did not prove that it knows the password (SCRAM's signature).
    #[error("the server did not prove that it knows the password: {0}")]
    ServerUnproven(String),
    /// What was asked for is not to be had (Kerberos, COPY FROM STDIN, a certificate file that is none, …): a whole
    /// sentence.
    #[error("{0}")]
    Unsupported(String),
    /// It took too long.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
}

impl Error {
    /// The wire has ended without a word.
    pub(super) fn ended() -> Error {
        Error::Wire(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"))
    }

    /// What the server said does not fit the protocol.
    pub(super) fn garbled(what: &str) -> Error {
        Error::Wire(io::Error::new(io::ErrorKind::InvalidData, format!("the server spoke out of turn: {what}")))
    }
}

/// Of what `tokio_postgres` met, what is not the server's own error (the tap has that, and better).
impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Error {
        if error.is_closed() {
            return Error::ended();
        }
        let words = error.to_string();
        // The kind is private; only errors of the wire itself read so. Others may hold an io::Error too, of the parser.
        let is_wire = words == "error communicating with the server";
        match error.into_source().map(|source| source.downcast::<io::Error>()) {
            // How the codec puts an end in the middle of a message.
            Some(Ok(source)) if is_wire && source.to_string() == "bytes remaining on stream" => Error::ended(),
            Some(Ok(source)) if is_wire => Error::Wire(*source),
            Some(Ok(source)) => Error::garbled(&format!("{words}: {source}")),
            Some(Err(source)) => Error::garbled(&format!("{words}: {source}")),
            None => Error::garbled(&words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_whole_and_cut() {
        let body = b"SFEHLER\0VERROR\0C23505\0Mduplicate\0DKey (a)=(1) exists.\0Wat f()\0P8\0qselect 1\0spublic\0tt\0nt_pkey\0\0";
        let error = ServerError::parse(body);
        assert_eq!((error.severity.as_str(), error.code.as_str(), error.position), ("ERROR", "23505", Some(7)));
        assert_eq!(error.object.as_deref(), Some("schema public, table t, constraint t_pkey"));
        assert_eq!(error.context.as_deref(), Some("internal query: select 1\nat f()"));
        assert_eq!(ServerError::parse(&body[..26]).message, "dup");
        assert_eq!(ServerError::parse(b"P0\0").position, None);
    }
}
