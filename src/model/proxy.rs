//! How an RDS Proxy logs in to the database behind it, which decides what a user of the proxy needs. Plain data: it must not
//! know how AWS is asked.

use super::IamAuth;

/// With what a proxy logs in to its database when it has no other word for a user (`DefaultAuthScheme`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyScheme {
    /// `NONE`: with the name and password of a secret that is registered with it, also for clients that came with a token.
    Secrets,
    /// `IAM_AUTH`: with a token of its own role.
    EndToEnd,
}

/// What `DescribeDBProxies` says of a proxy's logins, and `DescribeDBProxyTargets` of where they lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyLogin {
    /// Its default scheme.
    pub scheme: ProxyScheme,
    /// The ARN of the IAM role that it reads secrets and makes tokens with.
    pub role: Option<String>,
    /// The secrets registered with it (`Auth`), as `ModifyDBProxy` takes them: it sets the whole list.
    pub secrets: Vec<ProxySecret>,
    /// The database behind it; `None` where AWS did not tell, or told one that it does not list.
    pub target: Option<ProxyTarget>,
    /// AWS did not tell the proxy's tags: whether it is production is not known.
    pub tags_untold: bool,
}

/// The cluster, or the instance without one, to which a proxy leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyTarget {
    /// Its identifier.
    pub identifier: String,
    /// What `rds-db:connect` names there.
    pub resource_id: String,
    /// Whether it takes tokens itself: without that, a proxy that shows one is refused.
    pub iam: IamAuth,
    /// Its tags: a proxy that leads to production is production.
    pub tags: Vec<(String, String)>,
}

/// One entry of `Auth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxySecret {
    /// The secret's ARN.
    pub arn: String,
    /// `REQUIRED`, `ENABLED` or `DISABLED`: whether a client of this user shows a token.
    pub iam: String,
    /// `ClientPasswordAuthType`, where it is set.
    pub client_password: Option<String>,
    /// `Description`, where it has one.
    pub description: Option<String>,
}
