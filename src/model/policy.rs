//! What has to be granted so that one person can log in with a token: the IAM policy and the SQL. Words only.

/// The pieces of `gatepost policy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The resource of `rds-db:connect`.
    pub resource: String,
    /// The least IAM policy document, as indented JSON.
    pub document: String,
    /// SQL that makes the user and lets it log in with tokens.
    pub sql: String,
    /// SQL of the grants people ask for next, commented.
    pub grants: String,
}
