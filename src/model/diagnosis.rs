//! What went wrong, because of what, what to try. The one shape in which failures reach people. It must not know how
//! it is drawn, nor the errors it is made from (`access::diagnose` does).

use std::fmt;

/// The class of a failure: which row of the product's table of failures it is, and so the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No credentials, or they have ended.
    LoginEnded,
    /// AWS does not let this identity do this.
    AccessDenied,
    /// AWS asks to slow down.
    Throttled,
    /// The service's endpoint cannot be reached, or a proxy is in the way.
    AwsUnreachable,
    /// The region is not enabled for the account, or not known.
    RegionRefused,
    /// Any other refusal of AWS.
    AwsRefused,
    /// No database, or several, of that name.
    NotFound,
    /// The name fits several.
    Ambiguous,
    /// The database cannot be reached in its present state (no endpoint yet, stopped).
    NotAvailable,
    /// The bastion is offline, unknown, or its agent too old.
    BastionUnusable,
    /// There is no bastion that could serve.
    NoBastion,
    /// The bastion's agent cannot reach host:port.
    UnreachableFromBastion,
    /// host:port cannot be reached from here.
    UnreachableFromHere,
    /// The tunnel was lost.
    TunnelLost,
    /// The server refused TLS.
    TlsRefused,
    /// The certificate's issuer is unknown.
    CertificateUnknown,
    /// The certificate is for other names.
    CertificateName,
    /// The certificate has ended or not begun.
    CertificateDates,
    /// The database refused the token.
    TokenRefused,
    /// The database refused the password.
    PasswordRefused,
    /// The user may come in only another way, or not at all.
    LoginRefused,
    /// No such database.
    NoSuchDatabase,
    /// Too many connections, starting up, shutting down, in recovery.
    ServerBusy,
    /// The statement failed.
    Sql,
    /// The statement was cancelled.
    Cancelled,
    /// The wire broke while a statement ran: it may or may not have run.
    OutcomeUnknown,
    /// The wire broke in a transaction: it was rolled back.
    TransactionLost,
    /// A limit of ours was reached.
    Limit,
    /// The words on the command line or a setting are wrong.
    Usage,
    /// A file or port of this machine.
    Local,
}

impl Kind {
    /// For programs: stable, lower case, with underscores.
    pub fn name(self) -> &'static str {
        use Kind::*;
        match self {
            LoginEnded => "login_ended",
            AccessDenied => "access_denied",
            Throttled => "throttled",
            AwsUnreachable => "aws_unreachable",
            RegionRefused => "region_refused",
            AwsRefused => "aws_refused",
            NotFound => "not_found",
            Ambiguous => "ambiguous",
            NotAvailable => "not_available",
            BastionUnusable => "bastion_unusable",
            NoBastion => "no_bastion",
            UnreachableFromBastion => "unreachable_from_bastion",
            UnreachableFromHere => "unreachable_from_here",
            TunnelLost => "tunnel_lost",
            TlsRefused => "tls_refused",
            CertificateUnknown => "certificate_unknown",
            CertificateName => "certificate_name",
            CertificateDates => "certificate_dates",
            TokenRefused => "token_refused",
            PasswordRefused => "password_refused",
            LoginRefused => "login_refused",
            NoSuchDatabase => "no_such_database",
            ServerBusy => "server_busy",
            Sql => "sql",
            Cancelled => "cancelled",
            OutcomeUnknown => "outcome_unknown",
            TransactionLost => "transaction_lost",
            Limit => "limit",
            Usage => "usage",
            Local => "local",
        }
    }

    /// Exit status: 1 SQL failed, 2 usage, 3 could not connect, 4 AWS refused or login expired, 130 interrupted.
    pub fn exit_status(self) -> u8 {
        use Kind::*;
        match self {
            Sql | OutcomeUnknown | TransactionLost | Limit | Local => 1,
            Usage | NotFound | Ambiguous => 2,
            NotAvailable
            | BastionUnusable
            | NoBastion
            | UnreachableFromBastion
            | UnreachableFromHere
            | TunnelLost
            | TlsRefused
            | CertificateUnknown
            | CertificateName
            | CertificateDates
            | TokenRefused
            | PasswordRefused
            | LoginRefused
            | NoSuchDatabase
            | ServerBusy => 3,
            LoginEnded | AccessDenied | Throttled | AwsUnreachable | RegionRefused | AwsRefused => 4,
            Cancelled => 130,
        }
    }
}

/// One thing to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// Imperative: "Log in again", "Open the port in the security group".
    pub say: String,
    /// What can be pasted: a command, a statement, a policy.
    pub paste: Option<String>,
    /// What of it gatepost does itself, for whoever shows it by another door than the command line.
    pub act: Option<Act>,
}

/// How an advice is to be taken after the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// In its place, where that is not it.
    Instead,
    /// In its place; its own words say so.
    Or,
    /// After it: the step that follows.
    Next,
}

impl Advice {
    /// Its turn, and what it says without the word that tells its turn. The words are what a person goes by, so they are what
    /// decides: a step that follows begins with "Then" or "And", another choice with "Or", all else stands for itself.
    pub fn turn(&self) -> (Turn, &str) {
        let words = [
            ("Then, ", Turn::Next),
            ("Then ", Turn::Next),
            ("And ", Turn::Next),
            ("Or, ", Turn::Or),
            ("Or ", Turn::Or),
        ];
        let told = words.into_iter().find_map(|(word, turn)| Some((turn, self.say.strip_prefix(word)?)));
        told.unwrap_or((Turn::Instead, &self.say))
    }
}

/// What gatepost does itself. On the command line it is what an advice has to paste; a screen names its key for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Switch IAM authentication on.
    EnableIam,
    /// Show the IAM policies and the SQL that let a user in.
    Policy,
    /// Forward a port.
    Tunnel,
    /// Name the database user to log in as.
    NameUser,
    /// Let the clients of a listener write.
    LetClientsWrite,
    /// Take another route to the database.
    ChooseRoute,
    /// Log in another way.
    ChooseLogin,
    /// Name the secret to log in with.
    NameSecret,
}

/// What the database server said besides its message (PostgreSQL, 55.8 Error and Notice Message Fields), made visible but
/// for line ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerWords {
    /// `ERROR`, `FATAL`, …
    pub severity: String,
    /// `DETAIL`.
    pub detail: Option<String>,
    /// `HINT`.
    pub hint: Option<String>,
    /// `CONTEXT`.
    pub context: Option<String>,
    /// Schema, table, column, data type and constraint that it is about; psql shows these only when asked to.
    pub object: Option<String>,
}

impl ServerWords {
    /// What psql prints below the message, in its order.
    pub fn labelled(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [("DETAIL", &self.detail), ("HINT", &self.hint), ("CONTEXT", &self.context)]
            .into_iter()
            .filter_map(|(label, text)| text.as_deref().map(|text| (label, text)))
    }
}

/// What went wrong, because of what, what to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Which class.
    pub kind: Kind,
    /// One sentence that names the thing.
    pub title: String,
    /// The chain of causes, outermost first.
    pub because: Vec<String>,
    /// What to try, best first.
    pub advice: Vec<Advice>,
    /// For SQL: SQLSTATE.
    pub code: Option<String>,
    /// For SQL: 0-based character (not byte) offset into the statement sent.
    pub at: Option<usize>,
    /// For what the database server said: the rest of its words.
    pub server: Option<Box<ServerWords>>,
}

impl Diagnosis {
    /// What is advised where a session that was opened read-only refused to write; each door has its own way to do it.
    pub const ALLOW_WRITES: &str = "Connect again with writes allowed";

    /// A diagnosis with a title only.
    pub fn new(kind: Kind, title: impl Into<String>) -> Diagnosis {
        Diagnosis {
            kind,
            title: title.into(),
            because: Vec::new(),
            advice: Vec::new(),
            code: None,
            at: None,
            server: None,
        }
    }

    /// Adds a cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Diagnosis {
        self.because.push(cause.into());
        self
    }

    /// Adds something to try.
    #[must_use]
    pub fn advise(mut self, say: impl Into<String>) -> Diagnosis {
        self.advice.push(Advice { say: say.into(), paste: None, act: None });
        self
    }

    /// Adds something to try, with words that can be pasted.
    #[must_use]
    pub fn advise_paste(mut self, say: impl Into<String>, paste: impl Into<String>) -> Diagnosis {
        self.advice.push(Advice { say: say.into(), paste: Some(paste.into()), act: None });
        self
    }

    /// Says of what was advised last that gatepost does it itself.
    #[must_use]
    pub fn by(mut self, act: Act) -> Diagnosis {
        if let Some(last) = self.advice.last_mut() {
            last.act = Some(act);
        }
        self
    }
}

impl fmt::Display for Diagnosis {
    /// Several lines, no colour: what the command line prints on stderr.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", super::visible(&self.title))?;
        for (label, text) in self.server.iter().flat_map(|server| server.labelled()) {
            for (at, line) in text.lines().enumerate() {
                let label = if at == 0 { label.to_ascii_lowercase() + ":" } else { String::new() };
                write!(f, "\n  {label:<8} {}", super::visible(line))?;
            }
        }
        for cause in &self.because {
            write!(f, "\n  because: {}", super::visible(cause))?;
        }
        for advice in &self.advice {
            write!(f, "\n  try: {}", super::visible(&advice.say))?;
            if let Some(paste) = &advice.paste {
                for line in paste.lines() {
                    write!(f, "\n       {}", super::visible(line))?;
                }
            }
        }
        Ok(())
    }
}

impl std::error::Error for Diagnosis {}
