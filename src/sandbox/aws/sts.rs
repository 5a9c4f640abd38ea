//! STS: who the caller is. It must not know anything else.

use super::answer::Failure;
use super::xml::Xml;
use crate::sandbox::keys::{ACCOUNT, CALLER_ARN};
use crate::sandbox::policies::user_id;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Answers `action`.
pub fn answer(action: &str, request_id: &str) -> Result<String, Failure> {
    if action != "GetCallerIdentity" {
        return Err(super::unknown_action(action, "2011-06-15"));
    }
    let mut xml = Xml::default();
    xml.root("GetCallerIdentityResponse", NAMESPACE, |xml| {
        xml.element("GetCallerIdentityResult", |xml| {
            xml.text("Arn", CALLER_ARN);
            xml.text("UserId", user_id());
            xml.text("Account", ACCOUNT);
        });
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    });
    Ok(xml.finish())
}
