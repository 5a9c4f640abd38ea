//! A PostgreSQL of the bench's own, as `initdb` makes it and a user would have it: its TLS, its passwords, `fsync` on. The
//! sandbox's is another: behind a gate, which is a process on the way itself, and without `fsync`. It must not know what is
//! measured with it.

use super::others::{free_port, lets_in};
use super::{Ending, NOBODY, Variables};
use gatepost::sandbox::postgres::Binaries;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

const PASSWORD: &str = "of-the-bench-alone";

/// One, with a folder that goes with it.
pub struct Server {
    /// What leads libpq to it, TLS verified.
    pub straight: Variables,
    _running: Ending,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts one under the name `host`, on that core alone where one is named.
    pub fn start(host: &str, core: Option<usize>) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = folder.path();
        std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o755)).expect("ours");
        let binaries = Binaries::find(None, &at.join("spare")).expect("a PostgreSQL on this machine");
        certificates(at, host);
        std::fs::write(at.join("password"), PASSWORD).expect("written");
        std::fs::create_dir(at.join("home")).expect("made");
        for entry in ["home", "password", "server.key"] {
            let path = at.join(entry);
            std::fs::set_permissions(
                &path,
                std::fs::Permissions::from_mode(if entry == "home" { 0o700 } else { 0o600 }),
            )
            .expect("ours");
            if rustix::process::geteuid().is_root() {
                chown(&path, Some(NOBODY), Some(NOBODY)).expect("ours");
            }
        }
        let data = at.join("home/data");
        let mut initdb = unprivileged(Command::new(binaries.folder.join("initdb")));
        initdb.arg("-D").arg(&data).args(["-U", "postgres", "-A", "scram-sha-256", "--no-locale", "-E", "UTF8"]);
        initdb.arg(format!("--pwfile={}", at.join("password").display()));
        assert!(initdb.stdout(Stdio::null()).status().is_ok_and(|status| status.success()), "initdb");
        let port = free_port();
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", &core.to_string()]).arg(binaries.folder.join("postgres"));
                command
            }
            None => Command::new(binaries.folder.join("postgres")),
        };
        command.arg("-D").arg(&data);
        for setting in [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "max_connections=200".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", at.join("server.pem").display()),
            format!("ssl_key_file={}", at.join("server.key").display()),
        ] {
            command.arg("-c").arg(setting);
        }
        let mut command = unprivileged(command);
        let running = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let straight: Variables = vec![
            ("PGHOST", host.to_owned()),
            ("PGHOSTADDR", "127.0.0.1".to_owned()),
            ("PGPORT", port.to_string()),
            ("PGSSLMODE", "verify-full".to_owned()),
            ("PGSSLROOTCERT", at.join("roots.pem").display().to_string()),
            ("PGUSER", "postgres".to_owned()),
            ("PGDATABASE", "postgres".to_owned()),
            ("PGPASSWORD", PASSWORD.to_owned()),
        ];
        let running = Ending::gently(running.expect("it starts"));
        lets_in("PostgreSQL", &straight);
        Server { straight, _running: running, _folder: folder }
    }
}

/// From root as `nobody`: PostgreSQL does not run as root.
fn unprivileged(mut command: Command) -> Command {
    command.current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn certificates(folder: &Path, host: &str) {
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "the listener bench");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("signed");
    let key = KeyPair::generate().expect("a key");
    let leaf =
        CertificateParams::new(vec![host.to_owned()]).expect("a name").signed_by(&key, &authority).expect("signed");
    for (name, text) in
        [("roots.pem", authority.pem()), ("server.pem", leaf.pem()), ("server.key", key.serialize_pem())]
    {
        std::fs::write(folder.join(name), text).expect("written");
    }
}
