//! What has to be granted so that people can log in with tokens: IAM policies, the trust of a role, and the SQL. Words only.

/// Whom a policy lets in where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// As one user, to one database.
    #[default]
    User,
    /// As one user, to every database of the region and account.
    UserEverywhere,
    /// As any user, to one database.
    Database,
    /// As any user, to every database of the region and account.
    Everything,
}

impl Scope {
    /// All of them, the least first.
    pub const ALL: [Scope; 4] = [Scope::User, Scope::UserEverywhere, Scope::Database, Scope::Everything];
}

/// What a policy is wanted for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyWish {
    /// Database user, exactly as the database spells it.
    pub user: String,
    /// Schema that grants are for; `public` where none is named.
    pub schema: Option<String>,
    /// Table that grants are for.
    pub table: Option<String>,
    /// Who may assume the role: an account of 12 digits, or the ARN of a principal in the database's partition; the database's
    /// account where nobody is named.
    pub trusted: Option<String>,
    /// The role's name.
    pub role: Option<String>,
}

/// The pieces of `gatepost policy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// One policy for each [`Scope`], in the order of [`Scope::ALL`].
    pub scopes: Vec<Scoped>,
    /// A role that carries the policy, for people who assume it.
    pub trust: Trust,
    /// SQL that makes the user and lets it log in with tokens.
    pub sql: String,
    /// What an RDS Proxy needs besides to let the user in at the database behind it: what it is, and the command or policy.
    /// Empty for what is no proxy.
    pub proxy: Vec<(String, String)>,
    /// The grants people ask for next: what for, and the SQL.
    pub grants: Vec<(String, String)>,
}

/// A policy for one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scoped {
    /// Which.
    pub scope: Scope,
    /// What it means, in a sentence.
    pub meaning: String,
    /// The resource of `rds-db:connect`.
    pub resource: String,
    /// The policy document, as indented JSON.
    pub document: String,
}

/// What makes a role that others assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// What it means, in a sentence.
    pub meaning: String,
    /// The role's trust policy, as indented JSON.
    pub document: String,
    /// The policy for those who assume it, as indented JSON.
    pub assume: String,
    /// A profile for `~/.aws/config`.
    pub profile: String,
}

impl Policy {
    /// The policy for that scope.
    pub fn of(&self, scope: Scope) -> &Scoped {
        let found = self.scopes.iter().find(|scoped| scoped.scope == scope);
        found.unwrap_or(&self.scopes[0])
    }

    /// All grants as one commented script.
    pub fn grants_script(&self) -> String {
        let blocks: Vec<String> = self.grants.iter().map(|(what, sql)| format!("-- {what}:\n{sql}")).collect();
        blocks.join("\n\n")
    }
}
