//! One PostgreSQL server: made, started and stopped by a small shell that holds the reading end of a pipe of ours, so that
//! no way we may die leaves it running. It must not know what is in its databases.

use super::{Binaries, Client, Folder, ServerError};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The superuser, named as RDS names the one that it keeps to itself. The gate lets nobody in as it.
pub const ADMINISTRATOR: &str = "rdsadmin";

/// How long making and starting may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// In its own process group, so that the terminal's Ctrl-C reaches only us. SIGINT is PostgreSQL's fast shutdown, SIGQUIT
/// its immediate one (PostgreSQL documentation, "Shutting Down the Server"). A line on the pipe restarts it.
const KEEPER: &str = r#"
bin=$1 home=$2
shift 2
"$bin/initdb" -D "$home/data" -U rdsadmin -A trust --no-locale -E UTF8 --no-sync "$@" < /dev/null > "$home/log" 2>&1 || exit 10
cat "$home/postgresql.conf" >> "$home/data/postgresql.conf"
cp "$home/pg_hba.conf" "$home/data/pg_hba.conf"
start() {
    "$bin/postgres" -D "$home/data" < /dev/null >> "$home/log" 2>&1 &
    server=$!
}
stop() {
    kill -INT "$server"
    tries=0
    while kill -0 "$server" 2> /dev/null; do
        tries=$((tries + 1))
        [ "$tries" -eq 20 ] && kill -QUIT "$server"
        [ "$tries" -eq 60 ] && kill -KILL "$server"
        sleep 0.1
    done
    wait "$server"
}
start
while read -r restart; do
    stop
    start
done
stop
rm -rf "$home/data"
"#;

/// Durability is worth nothing here, a quick start is.
const SETTINGS: &str = "\
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 128MB
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 4GB
password_encryption = 'scram-sha-256'
log_min_messages = fatal
log_min_error_statement = panic
log_timezone = 'UTC'
timezone = 'UTC'
";

/// Whoever is a member of rds_iam, directly or not, has been checked by the gate before it dials; everybody else meets the
/// real server's own password check.
const ACCESS: &str = "\
local all rdsadmin trust
local all +rds_iam trust
local all all scram-sha-256
";

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file, folder or process could not be made.
    #[error("PostgreSQL could not be set up: {0}")]
    Setup(#[source] io::Error),
    /// It ended, or never answered; with what it logged last.
    #[error("PostgreSQL in {} did not start: {log}", .folder.display())]
    NotStarted {
        /// Folder of its programs.
        folder: PathBuf,
        /// The last lines it wrote.
        log: String,
    },
    /// It answered with an error.
    #[error("PostgreSQL refused the sandbox's own connection: {0}")]
    Refused(#[source] ServerError),
}

/// A running server. Dropping it ends it (the keeper stops it; its folder waits for that).
#[derive(Debug)]
pub struct Postgres {
    socket: PathBuf,
    keeper: Mutex<Option<(Child, ChildStdin)>>,
}

impl Postgres {
    /// Makes a cluster in `folder` and starts a server on it; returns when it answers.
    pub async fn start(binaries: &Binaries, folder: &Folder) -> Result<Postgres, StartError> {
        let home = folder.make("pg", true).map_err(StartError::Setup)?;
        let socket_line = format!("unix_socket_directories = '{}'\n", home.display().to_string().replace('\'', "''"));
        folder.write("pg/postgresql.conf", &format!("{SETTINGS}{socket_line}")).map_err(StartError::Setup)?;
        folder.write("pg/pg_hba.conf", ACCESS).map_err(StartError::Setup)?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "gatepost-postgres"]).arg(&binaries.folder).arg(&home);
        if binaries.major >= 15 {
            command.arg("--locale-provider=libc");
        }
        if let Some(share) = &binaries.share {
            command.arg("-L").arg(share);
        }
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &home)
            .env("OLIPHAUNT_INTERNAL_SKIP_ICU_DISCOVERY", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .process_group(0);
        if let Some(user) = folder.unprivileged() {
            command.uid(user).gid(user);
        }
        let mut keeper = command.spawn().map_err(StartError::Setup)?;
        let pipe = keeper.stdin.take().ok_or_else(|| StartError::Setup(io::Error::other("the keeper has no pipe")))?;
        let server = Postgres { socket: home.join(".s.PGSQL.5432"), keeper: Mutex::new(Some((keeper, pipe))) };
        server.answer(binaries, &home).await?;
        Ok(server)
    }

    /// Path of its unix socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// A connection of the sandbox's own, as the superuser.
    pub async fn administer(&self, database: &str) -> Result<Client, ServerError> {
        Client::connect(&self.socket, ADMINISTRATOR, database).await
    }

    /// Stops it as an administrator would, which ends every session, and starts it again on the same data; returns when it
    /// answers.
    pub async fn restart(&self) -> Result<(), ServerError> {
        let before = self.begun().await?;
        {
            let mut keeper = self.keeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
            let (_, pipe) = keeper.as_mut().ok_or_else(gone)?;
            pipe.write_all(b"restart\n")?;
        }
        let asked = Instant::now();
        loop {
            match self.begun().await {
                Ok(begun) if begun != before => return Ok(()),
                Err(error) if asked.elapsed() > PATIENCE => return Err(error),
                Ok(_) if asked.elapsed() > PATIENCE => return Err(io::Error::from(io::ErrorKind::TimedOut).into()),
                // Still the old one, or none, or one that is starting up.
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// When it was started, as it says.
    async fn begun(&self) -> Result<Option<String>, ServerError> {
        let rows = self.administer("postgres").await?.query("select pg_postmaster_start_time()").await?;
        Ok(rows.into_iter().flatten().next().flatten())
    }

    /// Ends it; returns when it has ended, which takes a moment of blocking. Others may still hold it.
    pub fn end(&self) {
        let keeper = self.keeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some((mut keeper, pipe)) = keeper {
            drop(pipe);
            let _ended = keeper.wait();
        }
    }

    /// Waits until it accepts a connection.
    async fn answer(&self, binaries: &Binaries, home: &Path) -> Result<(), StartError> {
        let begun = Instant::now();
        loop {
            match self.administer("postgres").await {
                Ok(_) => return Ok(()),
                // Not yet there, or there and "starting up".
                Err(ServerError::Wire(_)) => {}
                Err(ServerError::Refused { code, .. }) if code == "57P03" => {}
                Err(error) => return Err(StartError::Refused(error)),
            }
            let ended = {
                let mut keeper = self.keeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                keeper.as_mut().is_none_or(|(keeper, _)| !matches!(keeper.try_wait(), Ok(None)))
            };
            if ended || begun.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(home.join("log")).unwrap_or_default();
                let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
                let log = lines[lines.len().saturating_sub(4)..].join(" | ");
                return Err(StartError::NotStarted { folder: binaries.folder.clone(), log });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.end();
    }
}
