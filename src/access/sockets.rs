//! What the system tells of this machine's own sockets: who listens on a port, and whether the other end of a loopback
//! connection is still held by somebody. Linux's /proc tells; elsewhere nothing does, and callers must do without.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) pid: u32,
    /// Its command, as `ps -o comm` shows it.
    pub(super) name: String,
}

/// One line of proc_net_tcp (Linux, Documentation/networking/proc_net_tcp.rst).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    local: SocketAddrV4,
    remote: SocketAddrV4,
    state: u8,
    /// 0 once no process holds it.
    inode: u64,
}

const LISTEN: u8 = 0x0a;

fn row(line: &str) -> Option<Row> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (address(words.next()?)?, address(words.next()?)?);
    let state = u8::from_str_radix(words.next()?, 16).ok()?;
    let inode = words.nth(5)?.parse().ok()?;
    Some(Row { local, remote, state, inode })
}

/// `0100007F:1538`: the address as the machine holds it in memory, the port as a number.
fn address(word: &str) -> Option<SocketAddrV4> {
    let (ip, port) = word.split_once(':')?;
    // IPv6 addresses have 32 digits; of those only a mapped or unspecified one can be in our way, told by its last word.
    let ip = u32::from_str_radix(ip.get(ip.len().checked_sub(8)?..)?, 16).ok()?;
    Some(SocketAddrV4::new(Ipv4Addr::from(ip.to_ne_bytes()), u16::from_str_radix(port, 16).ok()?))
}

/// The rows that are wanted, line by line: of short connections the table keeps tens of thousands for a minute.
fn rows(table: &str, wanted: impl Fn(&Row) -> bool) -> Option<Vec<Row>> {
    let mut file = BufReader::new(File::open(table).ok()?);
    let (mut line, mut rows) = (String::new(), Vec::new());
    while file.read_line(&mut line).ok()? > 0 {
        rows.extend(row(&line).filter(&wanted));
        line.clear();
    }
    Some(rows)
}

/// Who listens on that port of 127.0.0.1, if the system tells us: of other users' processes it tells root alone.
pub(super) fn listener(port: u16) -> Option<Owner> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let taken = |row: &Row| {
        row.state == LISTEN
            && row.local.port() == port
            && (row.local.ip().is_loopback() || row.local.ip().is_unspecified())
    };
    let inode = tables.into_iter().filter_map(|table| rows(table, taken)).flatten().next()?.inode;
    let link = format!("socket:[{inode}]");
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let mut held = std::fs::read_dir(entry.path().join("fd")).ok()?.flatten();
        held.any(|held| std::fs::read_link(held.path()).is_ok_and(|to| to == Path::new(&link))).then(|| Owner {
            pid,
            name: std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default().trim_end().to_owned(),
        })
    })
}

/// When the table was read, and the connections whose first end was held then.
type Held = (Instant, HashSet<(SocketAddrV4, SocketAddrV4)>);

/// Reading it costs milliseconds where there are thousands of connections, so whoever asks shares it.
static LAST: Mutex<Option<Held>> = Mutex::new(None);
/// Whose turn it is to read it, on a thread of its own.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Whether some process held the other end (`theirs`) of a loopback connection to `ours`, at `since` or later; `None`
/// where the system does not tell.
pub(super) async fn is_held(theirs: SocketAddr, ours: SocketAddr, since: Instant) -> Option<bool> {
    let (SocketAddr::V4(theirs), SocketAddr::V4(ours)) = (theirs, ours) else { return None };
    let known = || {
        let last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|(read, _)| *read >= since).map(|(_, held)| held.contains(&(theirs, ours)))
    };
    if let Some(held) = known() {
        return Some(held);
    }
    let _turn = TURN.lock().await;
    if let Some(held) = known() {
        return Some(held);
    }
    let now = Instant::now();
    let all = tokio::task::spawn_blocking(|| rows("/proc/net/tcp", |row| row.inode != 0)).await.ok()??;
    let held: HashSet<_> = all.iter().map(|row| (row.local, row.remote)).collect();
    let answer = held.contains(&(theirs, ours));
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, held));
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::time::Duration;

    #[test]
    fn a_line_of_the_table_is_read() {
        let line =
            "   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 35321 1 0";
        let row = row(line).expect("a line");
        assert_eq!((row.local.to_string().as_str(), row.state, row.inode), ("127.0.0.1:5432", LISTEN, 35321));
    }

    #[tokio::test]
    async fn owners_and_ends_are_known_where_there_is_proc() {
        if !Path::new("/proc/net/tcp").exists() {
            return;
        }
        let listening = TcpListener::bind("127.0.0.1:0").expect("a port");
        let ours = listening.local_addr().expect("its address");
        assert_eq!(listener(ours.port()).expect("that is us").pid, std::process::id());
        let client = TcpStream::connect(ours).expect("connected");
        let theirs = client.local_addr().expect("its address");
        let (accepted, _) = listening.accept().expect("accepted");
        client.shutdown(Shutdown::Write).expect("half closed");
        assert_eq!(is_held(theirs, ours, Instant::now()).await, Some(true), "it may still read an answer");
        drop(client);
        let deadline = Instant::now() + Duration::from_secs(5);
        while is_held(theirs, ours, Instant::now()).await == Some(true) {
            assert!(Instant::now() < deadline, "nobody holds it any more");
            std::thread::yield_now();
        }
        drop(accepted);
    }
}
