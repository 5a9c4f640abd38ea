//! What a client is told in PostgreSQL's own words: ErrorResponse (PostgreSQL, "Error and Notice Message Fields"),
//! NegotiateProtocolVersion, requests to authenticate. It must not know why.

use crate::model::{Diagnosis, Kind, visible};

/// SQLSTATE protocol_violation.
pub(super) const VIOLATION: &str = "08P01";
/// feature_not_supported.
pub(super) const UNSUPPORTED: &str = "0A000";
/// invalid_authorization_specification.
pub(super) const UNAUTHORIZED: &str = "28000";
/// invalid_password.
pub(super) const WRONG_SECRET: &str = "28P01";
/// No statement of a server is as long.
const LONGEST: usize = 4_000;

/// A FATAL ErrorResponse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) detail: Option<String>,
    pub(super) hint: Option<String>,
}

impl Complaint {
    pub(super) fn new(code: &str, message: impl Into<String>) -> Complaint {
        Complaint { code: code.to_owned(), message: message.into(), ..Complaint::default() }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Complaint {
        self.hint = Some(hint.into());
        self
    }

    /// What we found out, in a server's fields: the title is the message, what to do about it the hint.
    pub(super) fn of(diagnosis: &Diagnosis) -> Complaint {
        let code = diagnosis.code.clone().unwrap_or_else(|| of_kind(diagnosis.kind).to_owned());
        let mut because = diagnosis.because.clone();
        if let Some(detail) = diagnosis.server.as_ref().and_then(|server| server.detail.clone()) {
            because.push(detail);
        }
        let advice = diagnosis.advice.iter().map(|advice| match &advice.paste {
            Some(paste) => format!("{}: {paste}", advice.say),
            None => advice.say.clone(),
        });
        let joined = |lines: Vec<String>| Some(lines.join("\n")).filter(|text| !text.is_empty());
        Complaint {
            code,
            message: format!("gatepost: {}", diagnosis.title),
            detail: joined(because),
            hint: joined(advice.collect()),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let mut field = |kind: u8, text: &str| {
            body.push(kind);
            body.extend_from_slice(printable(text).as_bytes());
            body.push(0);
        };
        field(b'S', "FATAL");
        field(b'V', "FATAL");
        field(b'C', &self.code);
        field(b'M', &self.message);
        self.detail.iter().for_each(|detail| field(b'D', detail));
        self.hint.iter().for_each(|hint| field(b'H', hint));
        body.push(0);
        message(b'E', &[&body])
    }
}

/// Whole lines that a terminal may be shown and a NUL cannot cut.
fn printable(text: &str) -> String {
    let mut text = text.lines().map(|line| visible(line).into_owned()).collect::<Vec<_>>().join("\n");
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text.replace('\0', "␀")
}

fn of_kind(kind: Kind) -> &'static str {
    use Kind::*;
    match kind {
        LoginEnded | AccessDenied | TokenRefused | LoginRefused | PasswordRefused => UNAUTHORIZED,
        NoSuchDatabase => "3D000",
        ServerBusy | Throttled => "57P03",
        Usage => "22023",
        // sqlclient_unable_to_establish_sqlconnection: clients with a pool try again.
        _ => "08001",
    }
}

/// Type, length, body.
pub(super) fn message(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = 4 + parts.iter().map(|part| part.len()).sum::<usize>() as u32;
    let mut whole = Vec::with_capacity(1 + length as usize);
    whole.push(kind);
    whole.extend_from_slice(&length.to_be_bytes());
    parts.iter().for_each(|part| whole.extend_from_slice(part));
    whole
}

/// AuthenticationSASL with those mechanisms.
pub(super) fn sasl(mechanisms: &[&str]) -> Vec<u8> {
    let mut list = Vec::new();
    for mechanism in mechanisms {
        list.extend_from_slice(mechanism.as_bytes());
        list.push(0);
    }
    list.push(0);
    message(b'R', &[&10_u32.to_be_bytes(), &list])
}

/// AuthenticationSASLContinue.
pub(super) fn sasl_continue(text: &str) -> Vec<u8> {
    message(b'R', &[&11_u32.to_be_bytes(), text.as_bytes()])
}

/// AuthenticationSASLFinal.
pub(super) fn sasl_final(text: &str) -> Vec<u8> {
    message(b'R', &[&12_u32.to_be_bytes(), text.as_bytes()])
}

/// NegotiateProtocolVersion: the newest minor version spoken here, and options that are not known here. Servers write the
/// whole version, which is what clients read.
pub(super) fn negotiate(minor: u16, unknown: &[String]) -> Vec<u8> {
    let mut body = ((3 << 16) | u32::from(minor)).to_be_bytes().to_vec();
    body.extend_from_slice(&(unknown.len() as u32).to_be_bytes());
    for name in unknown {
        body.extend_from_slice(name.as_bytes());
        body.push(0);
    }
    message(b'v', &[&body])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnosis_is_said_in_a_servers_fields() {
        let diagnosis = Diagnosis::new(Kind::LoginEnded, "The AWS login has ended")
            .because("ExpiredToken")
            .advise_paste("Log in again", "aws sso login\0\u{1b}[2J");
        let said = Complaint::of(&diagnosis).encode();
        let text = String::from_utf8_lossy(&said);
        assert!(
            text.contains("SFATAL\0VFATAL\0C28000\0Mgatepost: The AWS login has ended\0DExpiredToken\0HLog in again: "),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'));
        assert_eq!(said[1..5], (said.len() as u32 - 1).to_be_bytes());
        assert!(said.ends_with(b"\0\0"));
    }

    #[test]
    fn negotiation_is_as_servers_write_it() {
        assert_eq!(negotiate(2, &["_pq_.x".to_owned()]), b"v\0\0\0\x13\0\x03\0\x02\0\0\0\x01_pq_.x\0");
        assert_eq!(sasl(&[PLAIN_FOR_TEST]), b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0");
    }

    const PLAIN_FOR_TEST: &str = "SCRAM-SHA-256";
}
