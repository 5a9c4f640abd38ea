//! What others put between a client and a database: HAProxy, PgBouncer. It must not know what is measured with them.

use super::{NOBODY, Variables, client, value};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// HAProxy that forwards bytes (`mode tcp`), TLS being the client's and the server's: what any process on the way costs.
pub fn haproxy(straight: &Variables, folder: &Path) -> Option<(Child, Variables)> {
    let program = ["haproxy", "/usr/sbin/haproxy"]
        .into_iter()
        .find(|program| Command::new(program).arg("-v").stdout(Stdio::null()).status().is_ok())?;
    let value = |name: &str| value(straight, name);
    let port = free_port();
    let text = format!(
        "global\n nbthread 1\ndefaults\n mode tcp\n timeout connect 5s\n timeout client 1h\n timeout server 1h\n\
         listen it\n bind 127.0.0.1:{port}\n server it {}:{}\n",
        value("PGHOSTADDR"),
        value("PGPORT"),
    );
    let settings = folder.join("haproxy.cfg");
    std::fs::write(&settings, text).expect("written");
    let mut command = Command::new(program);
    let child = command.arg("-db").arg("-f").arg(&settings).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let changed = [("PGHOSTADDR", "127.0.0.1".to_owned()), ("PGPORT", port.to_string())];
    let kept = straight.iter().filter(|one| changed.iter().all(|changed| changed.0 != one.0)).cloned();
    let variables: Variables = kept.chain(changed.clone()).collect();
    lets_in("HAProxy", &variables);
    Some((child.expect("HAProxy starts"), variables))
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a free port").port()
}

pub fn lets_in(name: &str, variables: &Variables) {
    let begun = Instant::now();
    let words = ["-X", "-c", "select 1"];
    while !client("psql", variables).args(words).stdout(Stdio::null()).status().is_ok_and(|s| s.success()) {
        assert!(begun.elapsed().as_secs() < 30, "{name} lets nobody in");
    }
}

/// PgBouncer before the same server, as whoever it is run by or, from root, as `nobody`; its folder and what leads to it.
/// `once`: a session of the database is used by one client, then ended, as each client of the listener has its own.
pub fn pgbouncer(straight: &Variables, once: bool) -> Option<(Child, tempfile::TempDir, Variables)> {
    let program = ["pgbouncer", "/usr/sbin/pgbouncer"]
        .into_iter()
        .find(|program| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok())?;
    let value = |name: &str| value(straight, name);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = free_port();
    let roots = folder.path().join("roots.pem");
    std::fs::copy(value("PGSSLROOTCERT"), &roots).expect("copied");
    let at = folder.path().display();
    let (user, database) = (value("PGUSER"), value("PGDATABASE"));
    let text = format!(
        "[databases]\n{database} = host={} port={} dbname={database} user={user} password='{}'\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir = {at}\nauth_type = scram-sha-256\nauth_file = {at}/users\npool_mode = session\n\
         default_pool_size = 50\nmax_client_conn = 500\nserver_tls_sslmode = verify-ca\nserver_tls_ca_file = {at}/roots.pem\n\
         server_lifetime = {}\n",
        value("PGHOSTADDR"),
        value("PGPORT"),
        value("PGPASSWORD"),
        if once { 0 } else { 3600 },
    );
    std::fs::write(folder.path().join("pgbouncer.ini"), text).expect("written");
    std::fs::write(folder.path().join("users"), format!("\"{user}\" \"local\"\n")).expect("written");
    let mut command = Command::new(program);
    command
        .args(["-q", &format!("{at}/pgbouncer.ini")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if rustix::process::geteuid().is_root() {
        for entry in ["", "roots.pem", "pgbouncer.ini", "users"] {
            std::os::unix::fs::chown(folder.path().join(entry), Some(NOBODY), Some(NOBODY)).expect("it is ours");
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    let child = command.spawn().expect("PgBouncer starts");
    let variables: Variables = vec![
        ("PGHOST", "127.0.0.1".to_owned()),
        ("PGPORT", port.to_string()),
        ("PGPASSWORD", "local".to_owned()),
        ("PGUSER", user),
        ("PGDATABASE", database),
    ];
    lets_in("PgBouncer", &variables);
    Some((child, folder, variables))
}
