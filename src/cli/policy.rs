//! `gatepost policy`: what has to be granted so that people can log in with tokens. It must not make the policy.

use super::{Failure, Terminal};
use crate::access::Access;
use crate::model::{Auth, Policy, PolicyWish, Scope, Scoped, visible};
use std::io::{self, Write};

/// Print the least IAM policy and the SQL that let a user log in with a token
///
/// Wider policies with what they mean (--scope), a role that others assume (--trust), and the grants people ask for next, for
/// a schema and a table of yours (--schema, --table). Every ARN is of the partition that the database is in.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Identifier, endpoint host, resource id or ARN
    pub name: String,
    /// Database user, exactly as the database spells it [default: the one used last, else the setting `user`]
    #[arg(long, short)]
    pub user: Option<String>,
    /// Whom the policy lets in where
    #[arg(long, value_enum, default_value_t = ScopeWord::User, hide_default_value = true, value_name = "SCOPE")]
    pub scope: ScopeWord,
    /// Print a role that carries the policy, too: trusted by an account, or by the ARN of a user, a role or a session [default:
    /// the database's account]
    #[arg(long, value_name = "PRINCIPAL", num_args = 0..=1, require_equals = true)]
    pub trust: Option<Option<String>>,
    /// The role's name [default: db-NAME]
    #[arg(long, value_name = "NAME", requires = "trust")]
    pub role: Option<String>,
    /// Schema that grants are for [default: public; in MySQL the database]
    #[arg(long)]
    pub schema: Option<String>,
    /// Table that grants are for
    #[arg(long)]
    pub table: Option<String>,
    /// One JSON object: resource, meaning, document, sql, proxy, grants, scopes, trust
    #[arg(long)]
    pub json: bool,
}

/// Scopes, as the command line names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ScopeWord {
    /// As this user, to this database (the default)
    User,
    /// As this user, to every database of the region and account
    UserEverywhere,
    /// As any user, to this database
    Database,
    /// As any user, to every database of the region and account
    Everything,
}

impl From<ScopeWord> for Scope {
    fn from(word: ScopeWord) -> Scope {
        match word {
            ScopeWord::User => Scope::User,
            ScopeWord::UserEverywhere => Scope::UserEverywhere,
            ScopeWord::Database => Scope::Database,
            ScopeWord::Everything => Scope::Everything,
        }
    }
}

/// The JSON. Documents stand in it as AWS prints them: a Value would sort their members by name, and AWS has Version first.
fn json(policy: &Policy, scoped: &Scoped) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let inner = |document: &str, indent: &str| document.trim_end().replace('\n', &format!("\n{indent}"));
    let list = |items: Vec<String>| match items.is_empty() {
        true => "[]".to_owned(),
        false => format!("[\n    {}\n  ]", items.join(",\n    ")),
    };
    let told = |name: &str, pairs: &[(String, String)]| {
        let one =
            |(what, words): &(String, String)| format!("{{ \"what\": {}, \"{name}\": {} }}", text(what), text(words));
        list(pairs.iter().map(one).collect())
    };
    let scopes = policy.scopes.iter().map(|one| {
        let word = match one.scope {
            Scope::User => "user",
            Scope::UserEverywhere => "user-everywhere",
            Scope::Database => "database",
            Scope::Everything => "everything",
        };
        format!(
            "{{\n      \"scope\": \"{word}\",\n      \"meaning\": {},\n      \"resource\": {},\n      \"document\": {}\n    }}",
            text(&one.meaning),
            text(&one.resource),
            inner(&one.document, "      ")
        )
    });
    let trust = &policy.trust;
    let members = [
        ("resource", text(&scoped.resource)),
        ("meaning", text(&scoped.meaning)),
        ("document", inner(&scoped.document, "  ")),
        ("sql", text(&policy.sql)),
        ("proxy", told("text", &policy.proxy)),
        ("grants", told("sql", &policy.grants)),
        ("scopes", list(scopes.collect())),
        (
            "trust",
            format!(
                "{{\n    \"meaning\": {},\n    \"document\": {},\n    \"assume\": {},\n    \"profile\": {}\n  }}",
                text(&trust.meaning),
                inner(&trust.document, "    "),
                inner(&trust.assume, "    "),
                text(&trust.profile)
            ),
        ),
    ];
    let members: Vec<String> = members.into_iter().map(|(name, value)| format!("  \"{name}\": {value}")).collect();
    format!("{{\n{}\n}}", members.join(",\n"))
}

/// Runs it.
pub async fn run(access: &Access, args: &Args, _terminal: &Terminal) -> Result<(), Failure> {
    let found = access.find(&args.name).await?;
    let user = super::user(access, &found.endpoint, args.user.as_deref(), &Auth::Iam)?;
    let wish = PolicyWish {
        user: user.clone(),
        schema: args.schema.clone(),
        table: args.table.clone(),
        trusted: args.trust.clone().flatten(),
        role: args.role.clone(),
    };
    let policy = access.policy(&found.endpoint, &wish)?;
    if let Some(note) = super::no_tokens(&found.endpoint) {
        writeln!(io::stderr().lock(), "{}", visible(&note))?;
    }
    let scoped = policy.of(args.scope.into());
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{}", json(&policy, scoped))?;
        return Ok(stdout.flush()?);
    }
    let name = visible(&found.database.identifier);
    writeln!(stdout, "-- IAM policy, for the role or user that is to log in. {}", visible(&scoped.meaning))?;
    writeln!(stdout, "{}\n", scoped.document)?;
    if args.trust.is_some() {
        let trust = &policy.trust;
        writeln!(stdout, "-- Trust policy of the role. {}", visible(&trust.meaning))?;
        writeln!(stdout, "{}\n", trust.document)?;
        writeln!(stdout, "-- IAM policy, for those who assume it")?;
        writeln!(stdout, "{}\n", trust.assume)?;
        writeln!(stdout, "-- Profile, for their ~/.aws/config")?;
        writeln!(stdout, "{}\n", trust.profile)?;
    }
    let whose = if policy.proxy.is_empty() { "" } else { "the database behind " };
    writeln!(stdout, "-- SQL, for a user of {whose}{name} who may create roles")?;
    writeln!(stdout, "{}\n", policy.sql.trim_end())?;
    for (what, text) in &policy.proxy {
        writeln!(stdout, "-- {}", visible(what))?;
        writeln!(stdout, "{text}\n")?;
    }
    writeln!(stdout, "-- What people ask for next")?;
    writeln!(stdout, "{}", policy.grants_script())?;
    Ok(stdout.flush()?)
}
