//! From a live line to a logged-in wire: TLS, the secret from wherever the target says, the login. Each is told as a step.
//! It must not know who goes on with the wire: the query pane or the listener.

use super::connect::Entered;
use super::diagnose;
use super::line::Line;
use super::passfile::{Barren, Wanted, look_up};
use super::tokens::Tokens;
use super::walk::Walk;
use super::{Access, password_command, refusal, secret};
use crate::db::{self, Credential, Startup};
use crate::model::{Act, Auth, Diagnosis, Endpoint, Kind, Secret, StepKind, Target, Token, visible};

/// What is shown to the server, and where it is from, in words.
struct Shown {
    credential: Credential,
    token: Option<Token>,
    from: String,
    /// The version of the secret it is.
    version: Option<String>,
}

impl Access {
    /// TLS, then the login that `startup` asks for, over one wire of `line`. Whatever authentication the server asks for
    /// is answered as the target allows. A password of Secrets Manager that was refused is fetched once more: rotation
    /// changes the database a moment before the secret.
    pub(super) async fn enter(
        &self,
        target: &Target,
        line: &Line,
        startup: &Startup,
        walk: &Walk,
    ) -> Result<Entered, Diagnosis> {
        self.enter_with(target, line, startup, walk, None).await
    }

    /// The same, with a token that was made for a login a moment before where `tokens` has one.
    pub(super) async fn enter_with(
        &self,
        target: &Target,
        line: &Line,
        startup: &Startup,
        walk: &Walk,
        tokens: Option<&Tokens>,
    ) -> Result<Entered, Diagnosis> {
        let mut refused: Option<(Diagnosis, Option<String>)> = None;
        loop {
            let secured = Box::pin(self.secure(line, walk)).await?;
            let about = format!("{} @ {}", target.user, target.database);
            let mut version = None;
            let entered = walk.step(StepKind::Login, about, async {
                let shown = self.credential(target, tokens).await?;
                if let Some((diagnosis, before)) = refused.take()
                    && shown.version == before
                {
                    return Err(diagnosis);
                }
                version.clone_from(&shown.version);
                let log_in = secured.log_in(&target.endpoint.host, startup, &shown.credential);
                let answered = tokio::time::timeout(walk.limit(), log_in).await;
                match answered.unwrap_or_else(|_| Err(db::Error::Timeout(walk.limit()))) {
                    Ok(logged_in) => {
                        let words = format!("{}, {}", target.user, shown.from);
                        Ok((Entered { logged_in, token: shown.token }, visible(&words).into_owned()))
                    }
                    Err(error) => Err(refusal::of_login(self, error, target, shown.token.as_ref(), line).await),
                }
            });
            match entered.await {
                Ok(entered) => return Ok(entered),
                Err(diagnosis) if diagnosis.kind == Kind::PasswordRefused && version.is_some() => {
                    refused = Some((diagnosis, version));
                }
                Err(diagnosis) => return Err(diagnosis),
            }
        }
    }

    async fn credential(&self, target: &Target, tokens: Option<&Tokens>) -> Result<Shown, Diagnosis> {
        let Target { endpoint, user, .. } = target;
        let allowed = self.settings().password_auth.clone();
        let with = |secret: Secret, from: String| Shown {
            credential: Credential::Password(secret, allowed),
            token: None,
            from,
            version: None,
        };
        Ok(match &target.auth {
            Auth::Iam => {
                let token = match tokens {
                    Some(tokens) => tokens.token(self, endpoint, user).await?,
                    None => self.mint(endpoint, user).await?,
                };
                let from = format!("token ends {}", diagnose::moment(token.ends));
                Shown { credential: Credential::Token(token.secret.clone()), token: Some(token), from, version: None }
            }
            Auth::Password(password) => with(password.clone(), "with its password".to_owned()),
            Auth::Passfile => with(self.passfile_password(target).await?, "with the passfile's password".to_owned()),
            Auth::Command => {
                let Some(command) = self.settings().password_command_for(&endpoint.owner) else {
                    return Err(Diagnosis::new(
                        Kind::Usage,
                        format!("No command gives the password for {}", endpoint.owner),
                    )
                    .advise_paste("Put one into the settings file", "password_command = \"pass show db/NAME\""));
                };
                let limit = self.settings().connect_timeout;
                with(
                    password_command::run(command, wanted(target), limit).await?,
                    "with the command's password".to_owned(),
                )
            }
            Auth::SecretsManager(named) => {
                let found = secret::fetch(self, endpoint, named.as_deref()).await?;
                if let Some(other) = found.user.as_deref().filter(|other| other != user) {
                    return Err(Diagnosis::new(
                        Kind::Usage,
                        format!("The secret {} holds the password of {other}, not of {user}", found.name),
                    )
                    .advise("Leave the user out, or name another secret"));
                }
                let from = format!("with the password of {}", found.name);
                Shown { version: Some(found.version), ..with(found.password, from) }
            }
            Auth::Kerberos => {
                return Err(Diagnosis::new(Kind::LoginRefused, "Kerberos is not there yet")
                    .because("gatepost has a place for it in its login, and nothing behind it")
                    .advise("Log in with an IAM token or a password"));
            }
        })
    }

    /// The user that the secret of this login is for, where the login has one that says so.
    pub(super) async fn user_of_secret(&self, endpoint: &Endpoint, auth: &Auth) -> Result<Option<String>, Diagnosis> {
        match auth {
            Auth::SecretsManager(named) => Ok(secret::fetch(self, endpoint, named.as_deref()).await?.user),
            _ => Ok(None),
        }
    }

    /// The user whose password the secret of this login holds; a secret that does not say is a mistake of usage.
    pub async fn secret_user(&self, endpoint: &Endpoint, auth: &Auth) -> Result<String, Diagnosis> {
        let whose = self.user_of_secret(endpoint, auth).await?;
        whose.ok_or_else(|| {
            Diagnosis::new(Kind::Usage, format!("Which database user, on {}?", endpoint.owner))
                .because("none was named, and the secret does not say whose password it holds")
                .advise_paste("Name one", "--user USER")
                .by(Act::NameUser)
        })
    }

    /// Whether the passfile has a line for that login.
    pub async fn has_passfile_line(&self, endpoint: &Endpoint, database: Option<&str>, user: &str) -> bool {
        let target = Target {
            endpoint: endpoint.clone(),
            route: crate::model::Route::Direct,
            database: super::session::database_of(endpoint, database),
            user: user.to_owned(),
            auth: Auth::Passfile,
            read_only: true,
        };
        self.passfile_password(&target).await.is_ok()
    }

    async fn passfile_password(&self, target: &Target) -> Result<Secret, Diagnosis> {
        let Some(path) = self.settings().passfile.clone() else {
            return Err(Diagnosis::new(Kind::Usage, "There is no passfile")
                .because("no home folder is known that it could be in")
                .advise("Name one in the setting `passfile`, or in PGPASSFILE"));
        };
        let name = path.display().to_string();
        let subject = target.clone();
        let looked = tokio::task::spawn_blocking(move || look_up(&path, wanted(&subject))).await;
        let barren = match looked {
            Ok(Ok(secret)) => return Ok(secret),
            Ok(Err(barren)) => barren,
            Err(error) => Barren::Unreadable(error.to_string()),
        };
        let line =
            format!("{}:{}:{}:{}:PASSWORD", target.endpoint.host, target.endpoint.port, target.database, target.user);
        let about = Diagnosis::new(Kind::Local, format!("The passfile {name} has no password for {}", target.user));
        Err(match barren {
            Barren::Missing => {
                about.because("there is no such file").advise_paste("Write it, mode 0600, with the line", line)
            }
            Barren::NoLine => about
                .because("none of its lines fits host, port, database and user")
                .advise_paste("Add the line; : and \\ in it are written \\: and \\\\", line),
            Barren::Empty => about
                .because("the first line that fits has none, which counts as none, as with libpq")
                .advise("Write it behind that line's last :"),
            Barren::NotText => about
                .because("that of the first line that fits is not UTF-8, so what its characters are is not known")
                .advise("Write the file in UTF-8, or have the prompt or PGPASSWORD give it"),
            Barren::Open(mode) => about
                .because(format!("others may read it (mode {mode:04o}), so it is passed over, as libpq does"))
                .advise_paste("Close it", format!("chmod 600 {}", diagnose::shell(&name))),
            Barren::Unreadable(why) => about.because(why),
        })
    }
}

fn wanted(target: &Target) -> Wanted<'_> {
    Wanted { host: &target.endpoint.host, port: target.endpoint.port, database: &target.database, user: &target.user }
}
