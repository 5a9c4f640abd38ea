//! The dial over HTTP: faults on and off, the clock moved, while the sandbox runs. Unsigned and plain, for a person with
//! curl. It must not know what a fault does.

use super::answer::Answer;
use crate::sandbox::clock::Clock;
use crate::sandbox::faults::{Fault, Faults};
use crate::sandbox::secrets::Secrets;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::json;

/// Where it is.
pub const PREFIX: &str = "/sandbox/";

/// `POST` to it rotates the master users' password, in the database and in its secret.
pub const ROTATE: &str = "/sandbox/secrets/rotate";

/// Rotates.
pub async fn rotate(secrets: &Secrets) -> Answer {
    match secrets.rotate(0).await {
        Ok(()) => plain(200, json!({ "rotated": true }).to_string()),
        Err(error) => refused(500, &error.to_string()),
    }
}

/// `GET faults`, `PUT faults/NAME`, `DELETE faults/NAME`, `POST clock/advance/SECONDS`; `path` is what follows [`PREFIX`].
pub fn answer(method: &str, path: &str, clock: &Clock, faults: &Faults) -> Answer {
    let path = percent_decode_str(path).decode_utf8_lossy();
    match (method, path.split_once('/').unwrap_or((&path, ""))) {
        ("GET", ("faults", "")) => listed(faults),
        ("PUT", ("faults", name)) => match Fault::parse(name) {
            Ok(fault) => {
                faults.set(fault);
                listed(faults)
            }
            Err(error) => refused(400, &error),
        },
        ("DELETE", ("faults", name)) => match Fault::parse(name) {
            Ok(fault) => {
                faults.clear(&fault);
                listed(faults)
            }
            Err(error) => refused(400, &error),
        },
        ("POST", ("clock", rest)) => match rest.strip_prefix("advance/").map(str::parse::<i32>) {
            Some(Ok(seconds)) => {
                clock.advance(i64::from(seconds));
                let now = Timestamp::try_from(clock.now()).map_or_else(|_| String::new(), |now| now.to_string());
                plain(200, json!({ "now": now }).to_string())
            }
            _ => refused(400, "expected clock/advance/SECONDS"),
        },
        _ => refused(
            404,
            "expected GET faults, PUT or DELETE faults/NAME, POST clock/advance/SECONDS, POST secrets/rotate",
        ),
    }
}

fn listed(faults: &Faults) -> Answer {
    let names: Vec<String> = faults.all().iter().map(Fault::to_string).collect();
    plain(200, json!(names).to_string())
}

fn refused(status: u16, message: &str) -> Answer {
    plain(status, json!({ "error": message }).to_string())
}

fn plain(status: u16, body: String) -> Answer {
    Answer { status, content_type: "application/json", body: body + "\n" }
}
