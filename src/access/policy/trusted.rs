//! Whom a role trusts, and what a role may be called: only what IAM takes. Pure; it must not know what the role is for.

use crate::model::{Diagnosis, Endpoint, Kind};

/// The longest name of a role or user (IAM and STS quotas).
const LONGEST_NAME: usize = 64;

/// A principal of a trust policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trusted {
    /// An account: whoever its own policies let.
    Account(String),
    /// The ARN of a user, a role or a session, and of nobody else.
    One(String),
}

impl Trusted {
    /// From what was typed: an account of 12 digits or an ARN. The kinds are those of IAM's reference, "AWS JSON policy
    /// elements: Principal", but for services, identity providers and everybody: a role for people trusts none of those.
    pub(super) fn parse(text: &str, endpoint: &Endpoint) -> Result<Trusted, Diagnosis> {
        let text = text.trim();
        if is_account(text) {
            return Ok(Trusted::Account(text.to_owned()));
        }
        if text == "*" || text == "arn:aws:iam::*:root" {
            return Err(refused(
                format!("{text} would let everybody who has an AWS account assume the role"),
                endpoint,
            ));
        }
        let fields: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, "", account, resource] = fields[..] else {
            let why = match text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
                true => format!("{text} has {} digits, and an account has 12", text.len()),
                false => format!("{text:?} is neither an account nor an ARN"),
            };
            return Err(refused(why, endpoint));
        };
        if text.contains(['*', '?']) {
            return Err(refused(format!("{text}: IAM takes no wildcards in the ARN of a principal"), endpoint));
        }
        if partition != endpoint.partition {
            let why = format!(
                "{text} is of the partition {partition}, and {} is in {}: a role trusts principals of its own partition alone",
                endpoint.owner, endpoint.partition
            );
            return Err(refused(why, endpoint));
        }
        if !is_account(account) {
            return Err(refused(format!("{text} names no account of 12 digits"), endpoint));
        }
        if (service, resource) == ("iam", "root") {
            return Ok(Trusted::Account(account.to_owned()));
        }
        let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
        let good = match (service, kind) {
            ("iam", "user" | "role") => match name.rsplit_once('/') {
                Some((path, name)) => is_path(path) && is_name(name),
                None => is_name(name),
            },
            ("sts", "assumed-role") => {
                name.split_once('/').is_some_and(|(role, session)| is_name(role) && is_session(session))
            }
            ("sts", "federated-user") => is_name(name),
            _ => false,
        };
        match good {
            true => Ok(Trusted::One(text.to_owned())),
            false => Err(refused(format!("{text} is the ARN of no account, user, role or session"), endpoint)),
        }
    }
}

/// What a role may be called: letters, digits and `+=,.@_-`, at most 64 of them (IAM API reference, CreateRole).
pub(super) fn role_name(name: &str) -> Result<(), Diagnosis> {
    if is_name(name) {
        return Ok(());
    }
    let why = match name.chars().count() {
        0 => "it is empty".to_owned(),
        long @ 65.. => format!("it has {long} characters"),
        _ => {
            let odd = name.chars().find(|c| !is_letter(*c)).unwrap_or_default();
            format!("{odd:?} may not be in it")
        }
    };
    Err(Diagnosis::new(Kind::Usage, format!("{name:?} is no name for a role"))
        .because(why)
        .because("a role's name has letters, digits and + = , . @ _ -, and at most 64 of them"))
}

/// A name that is short enough, from one that may not be.
pub(super) fn shortened(name: String) -> String {
    name.chars().take(LONGEST_NAME).collect()
}

fn refused(why: String, endpoint: &Endpoint) -> Diagnosis {
    let partition = &endpoint.partition;
    Diagnosis::new(Kind::Usage, "No role can trust that").because(why).advise_paste(
        "Name an account of 12 digits, or a user, role or session by its ARN",
        format!(
            "--trust=123456789012\n--trust=arn:{partition}:iam::123456789012:user/NAME\n\
             --trust=arn:{partition}:iam::123456789012:role/NAME\n\
             --trust=arn:{partition}:sts::123456789012:assumed-role/ROLE/SESSION"
        ),
    )
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+=,.@_-".contains(c)
}

fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(is_letter)
}

/// The name of a session: two characters at least (STS API reference, AssumeRole).
fn is_session(name: &str) -> bool {
    is_name(name) && name.len() >= 2
}

/// What stands between `role/` and the name: printable ASCII, with the slashes around it at most 512 (CreateRole).
fn is_path(path: &str) -> bool {
    path.len() <= 510 && path.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::endpoint;

    #[test]
    fn principals_are_those_that_iam_knows() {
        let parsed = |text: &str| Trusted::parse(text, &endpoint());
        let account = Trusted::Account("210987654321".to_owned());
        assert_eq!(parsed("210987654321").as_ref(), Ok(&account));
        assert_eq!(parsed("arn:aws:iam::210987654321:root").as_ref(), Ok(&account));
        for arn in [
            "arn:aws:iam::210987654321:user/ann",
            "arn:aws:iam::210987654321:user/division/people/ann@example.com",
            "arn:aws:iam::210987654321:role/people",
            "arn:aws:iam::210987654321:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Ops_0a1b2c3d",
            "arn:aws:sts::210987654321:assumed-role/people/ann",
            "arn:aws:sts::210987654321:federated-user/ann",
        ] {
            assert_eq!(parsed(arn), Ok(Trusted::One(arn.to_owned())));
        }
        for (wrong, why) in [
            ("*", "everybody who has an AWS account"),
            ("foo", "neither an account nor an ARN"),
            ("", "neither an account nor an ARN"),
            ("12345", "has 5 digits, and an account has 12"),
            ("arn:aws-cn:iam::210987654321:role/people", "is of the partition aws-cn, and orders is in aws"),
            ("arn:aws:iam::210987654321:role/*", "no wildcards"),
            ("arn:aws:iam::*:root", "everybody who has an AWS account"),
            ("arn:aws:iam::2109:root", "no account of 12 digits"),
            ("arn:aws:iam::210987654321:group/people", "no account, user, role or session"),
            ("arn:aws:iam::210987654321:role/my role", "no account, user, role or session"),
            ("arn:aws:iam::210987654321:role/", "no account, user, role or session"),
            ("arn:aws:sts::210987654321:assumed-role/people", "no account, user, role or session"),
            ("arn:aws:s3:::bucket", "no account of 12 digits"),
            ("arn:aws:iam:eu-west-1:210987654321:root", "neither an account nor an ARN"),
        ] {
            let refused = parsed(wrong).expect_err(wrong);
            assert_eq!(refused.kind, Kind::Usage);
            let said = refused.to_string();
            assert!(
                said.contains(why) && said.contains("--trust=arn:aws:iam::123456789012:role/NAME"),
                "{wrong}: {said}"
            );
        }
    }

    #[test]
    fn names_of_roles_are_those_that_iam_takes() {
        for good in ["r", "db-orders", "a+b=c,d.e@f_g-h", &"x".repeat(64)] {
            assert_eq!(role_name(good), Ok(()));
        }
        for (wrong, why) in
            [("", "empty"), ("my role", "' '"), ("röle", "'ö'"), ("a/b", "'/'"), (&"x".repeat(65), "65")]
        {
            let said = role_name(wrong).expect_err(wrong).to_string();
            assert!(said.contains(why) && said.contains("at most 64"), "{said}");
        }
        assert_eq!(role_name(&shortened(format!("db-{}", "x".repeat(63)))), Ok(()));
    }
}
