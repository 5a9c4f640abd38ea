//! The gate before PostgreSQL: TLS under the database's name, the IAM token, then bytes through to the real server. It
//! must not know how a client came here, directly or through a bastion.
//!
//! What it cannot play: the server behind is one for all gates, so a reader is the same data with
//! `default_transaction_read_only` on (a client that switches it off can write, and `pg_is_in_recovery()` is false), and
//! `pg_stat_ssl` knows nothing of the TLS here. SCRAM with channel binding is not offered for the same reason.

mod pooler;
mod startup;
mod token;

use super::authority::{Authority, Flaw};
use super::cast::GateSpec;
use super::changes::Changes;
use super::clock::Clock;
use super::faults::{Fault, Faults};
use super::keys::ACCOUNT;
use super::once::Once;
use super::policies::{Decision, judge, user_id};
use super::postgres::{ADMINISTRATOR, Postgres, ServerError, literal};
use startup::{CLEARTEXT_PASSWORD, First, Startup, fatal, read_first, read_password};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// PostgreSQL's default `authentication_timeout`.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);

/// What all gates share.
#[derive(Clone, Debug)]
pub struct Behind {
    /// The server.
    pub postgres: Arc<Postgres>,
    /// Who makes certificates.
    pub authority: Arc<Authority>,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// [`Fault::DatabaseCut`].
    pub cut: Once,
    /// The time that tokens are held against.
    pub clock: Clock,
    /// What was changed since.
    pub changes: Changes,
}

/// One gate. Dropping it ends it and every connection through it.
#[derive(Debug)]
pub struct Gate {
    spec: GateSpec,
    address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl Gate {
    /// Opens a gate on loopback, on a port of the system's choice.
    pub async fn open(spec: GateSpec, behind: Behind) -> io::Result<Gate> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(behind.authority.leaf(&spec.hosts, None).map_err(io::Error::other)?);
        let doorkeeper = Arc::new(Doorkeeper { spec: spec.clone(), behind, acceptor });
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut guests = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok((stream, peer)) => {
                            let doorkeeper = Arc::clone(&doorkeeper);
                            guests.spawn(async move {
                                if let Err(error) = doorkeeper.receive(stream, peer).await {
                                    tracing::debug!(gate = doorkeeper.spec.identifier, %error, "a connection ended");
                                }
                            });
                        }
                        // Out of descriptors: it passes.
                        Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                    },
                    Some(_) = guests.join_next() => {}
                }
            }
        });
        Ok(Gate { spec, address, _accepting: accepting })
    }

    /// What it plays.
    pub fn spec(&self) -> &GateSpec {
        &self.spec
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// The two ends of who was let in.
type Admitted<S> = Option<(S, UnixStream)>;

struct Doorkeeper {
    spec: GateSpec,
    behind: Behind,
    acceptor: TlsAcceptor,
}

impl Doorkeeper {
    /// One connection, from its first byte to its end.
    async fn receive(&self, mut stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let login = async {
            loop {
                match read_first(&mut stream).await? {
                    First::Gss => stream.write_all(b"N").await?,
                    First::Tls if self.behind.faults.is_on(&Fault::NoTls) => stream.write_all(b"N").await?,
                    First::Tls => {
                        stream.write_all(b"S").await?;
                        let tls = self.acceptor()?.accept(stream).await?;
                        return self.admit(tls, peer).await;
                    }
                    First::Cancel(_) if self.behind.faults.is_on(&Fault::TlsOnly) => {
                        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "a CancelRequest in the clear"));
                    }
                    First::Cancel(request) => return self.cancel(&request).await.map(|()| None),
                    First::Startup(startup) => {
                        let message = self.no_entry(&startup, peer, "no encryption");
                        return farewell(stream, "28000", &message).await.map(|()| None);
                    }
                }
            }
        };
        let admitted = tokio::time::timeout(LOGIN_TIMEOUT, login).await.map_err(io::Error::other)??;
        let Some((mut client, mut server)) = admitted else { return Ok(()) };
        let mut cut = self.behind.cut.listen();
        tokio::select! {
            moved = copy_bidirectional(&mut client, &mut server) => moved.map(|_| ()),
            () = cut.struck() => Ok(()),
        }
    }

    /// After TLS: who is it, and may they. Gives both ends when they may.
    async fn admit<S>(&self, mut client: S, peer: SocketAddr) -> io::Result<Admitted<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let startup = match read_first(&mut client).await? {
            First::Startup(startup) => startup,
            First::Cancel(request) => return self.cancel(&request).await.map(|()| None),
            First::Tls | First::Gss => {
                return farewell(client, "08P01", "unsupported frontend protocol").await.map(|()| None);
            }
        };
        if let Some((code, message)) = self.turned_away(&startup, peer) {
            return farewell(client, code, &message).await.map(|()| None);
        }
        if let Some(pooler) = &self.spec.pooler {
            return self.pool(client, startup, pooler).await;
        }
        let user = startup.user().to_owned();
        if self.takes_tokens(&user).await.map_err(io::Error::other)? {
            client.write_all(&CLEARTEXT_PASSWORD).await?;
            client.flush().await?;
            let password = read_password(&mut client).await?;
            let iam = self.behind.changes.takes_tokens(&self.spec.region, &self.spec.identifier, self.spec.iam);
            let spec = GateSpec { iam, ..self.spec.clone() };
            if !self.opens(&spec, &password, &user) {
                let message = format!("PAM authentication failed for user \"{user}\"");
                return farewell(client, "28000", &message).await.map(|()| None);
            }
        }
        self.pass(client, startup).await
    }

    /// On to the server, which asks for what it wants itself.
    async fn pass<S>(&self, client: S, startup: Startup) -> io::Result<Admitted<S>> {
        Ok(Some((client, self.server(startup).await?)))
    }

    /// The server, greeted.
    async fn server(&self, mut startup: Startup) -> io::Result<UnixStream> {
        if self.spec.reader {
            startup.add_option("-c default_transaction_read_only=on");
        }
        let mut server = UnixStream::connect(self.behind.postgres.socket()).await?;
        server.write_all(&startup.encode()?).await?;
        Ok(server)
    }

    /// Whether a token fits, and IAM's policies let the user in with it.
    fn opens(&self, spec: &GateSpec, token: &str, user: &str) -> bool {
        let fit = token::check(spec, token, user, self.behind.clock.now());
        if let Err(reason) = &fit {
            tracing::debug!(gate = self.spec.identifier, user, %reason, "a token was refused");
        }
        let faults = &self.behind.faults;
        let allowed = judge(faults, "rds-db:connect", &self.resource(user), &user_id()).decision;
        let revoked = faults.is_on(&Fault::LoginRevoked);
        if revoked {
            faults.set(Fault::ExpiredLogin);
        }
        fit.is_ok() && !revoked && allowed == Decision::Allowed && !faults.is_on(&Fault::TokenRefused)
    }

    /// What a policy has to allow.
    fn resource(&self, user: &str) -> String {
        let GateSpec { region, resource_id, .. } = &self.spec;
        format!("arn:aws:rds-db:{region}:{ACCOUNT}:dbuser:{resource_id}/{user}")
    }

    /// Refusals that have nothing to do with a password.
    fn turned_away(&self, startup: &Startup, peer: SocketAddr) -> Option<(&'static str, String)> {
        let faults = &self.behind.faults;
        // The server's own words (PostgreSQL, postmaster/postmaster.c).
        for (fault, words) in [
            (Fault::StartingUp, "the database system is starting up"),
            (Fault::ShuttingDown, "the database system is shutting down"),
            (Fault::NoHotStandby, "the database system is not accepting connections"),
        ] {
            if faults.is_on(&fault) {
                return Some(("57P03", words.to_owned()));
            }
        }
        if faults.is_on(&Fault::TooManyConnections) {
            let message =
                "remaining connection slots are reserved for non-replication superuser and rds_superuser connections";
            return Some(("53300", message.to_owned()));
        }
        // In RDS Proxy's own words.
        if self.spec.pooler.is_some() && startup.parameter("options").is_some() {
            let words = "Feature not supported: RDS Proxy currently doesn’t support command-line options.";
            return Some(("0A000", words.to_owned()));
        }
        // RDS lets nobody in as its own superuser, nor to replicate over an ordinary line with a token.
        if startup.user() == ADMINISTRATOR || startup.replication() {
            return Some(("28000", self.no_entry(startup, peer, "SSL encryption")));
        }
        None
    }

    /// PostgreSQL's sentence for a client that `pg_hba.conf` does not know.
    fn no_entry(&self, startup: &Startup, peer: SocketAddr, how: &str) -> String {
        let what = if startup.replication() { "for replication connection from host" } else { "for host" };
        let database =
            if startup.replication() { String::new() } else { format!(", database \"{}\"", startup.database()) };
        format!("no pg_hba.conf entry {what} \"{}\", user \"{}\"{database}, {how}", peer.ip(), startup.user())
    }

    /// Whether the user is a member of rds_iam, directly or through other roles: then RDS asks for a token and takes no
    /// password (RDS user guide, "IAM database authentication").
    async fn takes_tokens(&self, user: &str) -> Result<bool, ServerError> {
        let mut server = self.behind.postgres.administer("postgres").await?;
        let question = format!(
            "select pg_has_role(oid, 'rds_iam', 'member') from pg_roles where rolname = {} and rolcanlogin",
            literal(user)
        );
        let rows = server.query(&question).await?;
        Ok(rows.first().and_then(|row| row.first()).is_some_and(|member| member.as_deref() == Some("t")))
    }

    /// Passes a CancelRequest on and waits for the server to have taken it.
    async fn cancel(&self, request: &[u8]) -> io::Result<()> {
        let mut server = UnixStream::connect(self.behind.postgres.socket()).await?;
        server.write_all(request).await?;
        // The server answers nothing and closes once it has sent the signal; only then may the client's line end.
        tokio::io::copy(&mut server, &mut tokio::io::sink()).await.map(|_| ())
    }

    /// The certificate to show just now.
    fn acceptor(&self) -> io::Result<TlsAcceptor> {
        let flaws = [
            (Fault::WrongCertificate, Flaw::WrongName),
            (Fault::ExpiredCertificate, Flaw::Expired),
            (Fault::UnknownCa, Flaw::UnknownIssuer),
        ];
        let Some((_, flaw)) = flaws.iter().find(|(fault, _)| self.behind.faults.is_on(fault)) else {
            return Ok(self.acceptor.clone());
        };
        self.behind.authority.leaf(&self.spec.hosts, Some(*flaw)).map(TlsAcceptor::from).map_err(io::Error::other)
    }
}

/// Says why, and closes in order, so that the client reads it before the end.
async fn farewell(mut client: impl AsyncWrite + Unpin, code: &str, message: &str) -> io::Result<()> {
    client.write_all(&fatal(code, message)).await?;
    client.shutdown().await
}
