//! The canonical request, the string to sign and the key: the arithmetic of Signature Version 4. It must not know what is
//! accepted.

use super::Scope;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// RFC 3986's unreserved characters stay; all else is escaped.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same within a path.
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// SHA-256 in lower-case hex, as `body_sha256` wants it.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The keyed digest of the string to sign, with the key derived for date, region and service.
pub fn signer(secret: &str, scope: &Scope, string_to_sign: &str) -> Hmac<Sha256> {
    let digest = |key: &[u8], text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(text.as_bytes());
        mac
    };
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [scope.date.as_str(), &scope.region, &scope.service, "aws4_request"] {
        key = digest(&key, part).finalize().into_bytes().to_vec();
    }
    digest(&key, string_to_sign)
}

/// `None` when a header that is said to be signed did not come.
pub fn canonical_request(
    method: &str,
    path: &str,
    canonical_query: &str,
    headers: &[(String, String)],
    signed_headers: &[String],
    body_sha256: &str,
) -> Option<String> {
    // Every service but S3 signs the path escaped once more than it is sent.
    let path = if path.is_empty() { "/".to_owned() } else { utf8_percent_encode(path, PATH).to_string() };
    let mut request = format!("{method}\n{path}\n{canonical_query}\n");
    for name in signed_headers {
        request.push_str(&format!("{name}:{}\n", header(headers, name)?));
    }
    request.push_str(&format!("\n{}\n{body_sha256}", signed_headers.join(";")));
    Some(request)
}

/// The query's parameters, decoded, in order.
pub fn decoded(raw_query: &str, plus_is_space: bool) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let text = if plus_is_space { text.replace('+', " ") } else { text.to_owned() };
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    raw_query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// Escaped first, then sorted: the order is by the escaped bytes.
pub fn canonical_query(parameters: &[(String, String)]) -> String {
    let escape = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let mut pairs: Vec<(String, String)> =
        parameters.iter().map(|(name, value)| (escape(name), escape(value))).collect();
    pairs.sort();
    join(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// The query's parameters, sorted, with nothing decoded or escaped.
pub fn sorted_as_it_stands(raw_query: &str) -> String {
    let mut pairs: Vec<(&str, &str)> = raw_query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    pairs.sort_unstable();
    join(pairs.into_iter())
}

fn join<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// All values of a header as one, trimmed, with runs of spaces made one, as the signature sees it. `name` in lower case.
pub fn header(headers: &[(String, String)], name: &str) -> Option<String> {
    let values: Vec<String> = headers
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of hex in either case; `None` for what is not hex.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{ALGORITHM, EMPTY_SHA256};
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// The worked example of AWS's documentation (IAM ListUsers, 30 August 2015), with its published signature.
    #[test]
    fn the_documented_example_has_the_documented_signature() {
        let headers = pairs(&[
            ("Host", "iam.amazonaws.com"),
            ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("X-Amz-Date", "20150830T123600Z"),
        ]);
        let signed = ["content-type", "host", "x-amz-date"].map(str::to_owned);
        let query = canonical_query(&decoded("Version=2010-05-08&Action=ListUsers", false));
        let request = canonical_request("GET", "/", &query, &headers, &signed, EMPTY_SHA256).expect("all headers came");
        let digest = sha256_hex(request.as_bytes());
        assert_eq!(digest, "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
        let scope = Scope::parse("AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request").expect("a scope");
        let text = format!("{ALGORITHM}\n20150830T123600Z\n{}\n{digest}", scope.text());
        let signature = signer("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", &scope, &text).finalize().into_bytes();
        assert_eq!(hex(&signature), "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }

    #[test]
    fn a_query_is_sorted_after_it_is_escaped() {
        let parameters = pairs(&[("b", "2"), ("a", "ü +"), ("A", ""), ("a", "1")]);
        assert_eq!(canonical_query(&parameters), "A=&a=%C3%BC%20%2B&a=1&b=2");
    }
}
