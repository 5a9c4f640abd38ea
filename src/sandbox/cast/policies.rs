//! The role that the sandbox's caller has assumed, and its policies: documents as IAM has them. Data only; what they come to
//! is judged by [`crate::sandbox::policies`].

/// The caller's role, by name.
pub const ROLE: &str = "prod-admin";
/// Its path, which the caller's ARN does not show.
pub const PATH: &str = "/people/";
/// Its unique id; `aws:userid` is this, a colon and the session's name.
pub const ROLE_ID: &str = "AROASANDBOXPRODADMIN";

/// The policies attached to the role: name and document.
pub const POLICIES: &[(&str, &str)] = &[("databases", DATABASES), ("sessions", SESSIONS), ("own-permissions", OWN)];

/// Every database, as whoever its people are; but the payroll's user is not for administrators.
const DATABASES: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": ["rds:Describe*", "rds:List*", "rds:ModifyDB*"], "Resource": "*"},
    {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"},
    {"Effect": "Allow", "Action": "rds-db:connect", "Resource": "arn:aws:rds-db:*:123456789012:dbuser:*/*"},
    {"Effect": "Deny", "Action": "rds-db:connect", "Resource": "arn:aws:rds-db:*:123456789012:dbuser:*/payroll"}
  ]
}"#;

/// Sessions on every node, with the documents that forward; of one's own sessions, their end and their resumption.
const SESSIONS: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": ["ec2:Describe*", "ssm:Describe*", "ssm:GetConnectionStatus"], "Resource": "*"},
    {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": [
      "arn:aws:ec2:*:123456789012:instance/*",
      "arn:aws:ssm:*::document/AWS-StartPortForwardingSession*",
      "arn:aws:ssm:*::document/AWS-StartSSHSession",
      "arn:aws:ssm:*:123456789012:document/SSM-SessionManagerRunShell"
    ]},
    {"Effect": "Allow", "Action": ["ssm:ResumeSession", "ssm:TerminateSession"], "Resource": [
      "arn:aws:ssm:*:*:session/${aws:userid}-*",
      "arn:aws:ssm:*:*:session/oncall-*"
    ]}
  ]
}"#;

/// To look at what one may do.
const OWN: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": ["iam:GetRole", "iam:GetUser", "iam:SimulatePrincipalPolicy"], "Resource": "arn:aws:iam::123456789012:*"}
  ]
}"#;
