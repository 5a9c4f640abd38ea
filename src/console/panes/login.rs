//! With what to log in, as forms offer it: a token, or a password from where. It must not know a form.

use crate::console::widgets::input::Input;
use crate::model::{Auth, IamAuth, Secret};

/// With what to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// An IAM token, made at the moment of login.
    Token,
    /// A password, typed.
    Password,
    /// A line of the passfile.
    Passfile,
    /// What a command prints.
    Command,
    /// A secret of AWS Secrets Manager.
    Secret,
}

impl Login {
    /// All there are, in the order in which they are offered.
    pub const ALL: [Login; 5] = [Login::Token, Login::Password, Login::Passfile, Login::Command, Login::Secret];

    /// What is likely for a database.
    pub fn usual(iam: IamAuth) -> Login {
        if iam.accepts_tokens() { Login::Token } else { Login::Password }
    }

    /// The one before or after.
    pub fn step(self, by: isize) -> Login {
        let here = Login::ALL.iter().position(|login| *login == self).unwrap_or(0);
        Login::ALL[(here as isize + by).rem_euclid(Login::ALL.len() as isize) as usize]
    }

    /// The one that was used last, as it is remembered, and the name of its secret.
    pub fn remembered(word: &str, iam: IamAuth) -> Option<(Login, Option<&str>)> {
        let login = match word {
            "iam" if iam.accepts_tokens() => Login::Token,
            "password" => Login::Password,
            "passfile" => Login::Passfile,
            "command" => Login::Command,
            "secret" => Login::Secret,
            other => return other.strip_prefix("secret:").map(|named| (Login::Secret, Some(named))),
        };
        Some((login, None))
    }

    /// The plan for it, with what was typed.
    pub fn auth(self, password: &Input, secret: &Input) -> Auth {
        match self {
            Login::Token => Auth::Iam,
            Login::Password => Auth::Password(Secret::new(password.text())),
            Login::Passfile => Auth::Passfile,
            Login::Command => Auth::Command,
            Login::Secret => {
                let named = secret.text().trim();
                Auth::SecretsManager((!named.is_empty()).then(|| named.to_owned()))
            }
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Login::Token => "IAM token",
            Login::Password => "password",
            Login::Passfile => "passfile",
            Login::Command => "command",
            Login::Secret => "Secrets Manager",
        }
    }

    /// Where it comes from, in a few words; `iam` is the database's.
    pub fn about(self, iam: IamAuth) -> &'static str {
        match (self, iam) {
            (Login::Token, IamAuth::Enabled) => "made at the moment of login",
            (Login::Token, IamAuth::Disabled) => "! IAM is off here: it would be refused",
            (Login::Token, IamAuth::Pending { to: true }) => "! IAM is only being turned on here",
            (Login::Token, IamAuth::Pending { to: false }) => "made at the moment of login (IAM is being turned off)",
            (Login::Password, _) => "typed here, kept nowhere",
            (Login::Passfile, _) => "~/.pgpass or PGPASSFILE, as psql reads it",
            (Login::Command, _) => "what password_command prints",
            (Login::Secret, _) => "fetched at each login, so that rotation works",
        }
    }
}
