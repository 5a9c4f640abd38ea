//! The dial for faults: what the sandbox does wrong on purpose, switched on and off while it runs. It must not do any of
//! it itself; the parts of the sandbox ask it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// `expired-login`: every call answers ExpiredToken.
    ExpiredLogin,
    /// `denied:ACTION` (e.g. `denied:rds:DescribeDBClusters`, `denied:ssm:StartSession`): AccessDenied for one action.
    Denied(String),
    /// `throttled`: every call answers Throttling.
    Throttled,
    /// `proxy-in-the-way`: a proxy answers in AWS's place, with 407 and a page of its own.
    ProxyInTheWay,
    /// `region-refused:REGION`: the region answers InvalidClientTokenId, as an opt-in region does.
    RegionRefused(String),
    /// `bastion-offline`: every bastion is offline (ConnectionLost, TargetNotConnected).
    BastionOffline,
    /// `bastion-disconnected`: every bastion has lost its connection just now, and is still listed as online
    /// (GetConnectionStatus `notconnected`, TargetNotConnected).
    BastionDisconnected,
    /// `agent-old`: agents report a version too old to forward to another host.
    AgentOld,
    /// `port-closed`: the agent's dial of the database is refused.
    PortClosed,
    /// `port-silent`: the agent's dial of the database never answers.
    PortSilent,
    /// `host-unknown`: the agent cannot resolve the database's name.
    HostUnknown,
    /// `host-forbidden`: the database's name leads to an address that agents never forward to.
    HostForbidden,
    /// `socket-cut`: the service closes each open web socket with 1000 once, then the fault is off.
    SocketCut,
    /// `socket-reset`: each open web socket's TCP is cut hard once, then the fault is off.
    SocketReset,
    /// `socket-refused`: web sockets are refused until the fault is off.
    SocketRefused,
    /// `frame-trouble:PERCENT`: of the data channel's frames so many in a hundred are lost, as many repeated and as many
    /// swapped, in both directions.
    FrameTrouble(u8),
    /// `session-ended`: each open session ends with `channel_closed` once, then the fault is off.
    SessionEnded,
    /// `session-at-limit`: each open session ends as one does that was open for as long as the account lets sessions last,
    /// once, then the fault is off.
    SessionAtLimit,
    /// `agent-silent`: the service answers pings, the agent answers nothing.
    AgentSilent,
    /// `token-refused`: the gate refuses every token.
    TokenRefused,
    /// `login-revoked`: the AWS login is revoked just when a token is shown: the gate refuses it, and `expired-login` is on
    /// from then on.
    LoginRevoked,
    /// `wrong-certificate`: the gate shows a certificate for another name.
    WrongCertificate,
    /// `expired-certificate`: the gate shows a certificate that has ended.
    ExpiredCertificate,
    /// `unknown-ca`: the gate shows a certificate of an authority nobody knows.
    UnknownCa,
    /// `no-tls`: the gate answers SSLRequest with N.
    NoTls,
    /// `tls-only`: the gate hears nothing in the clear but the wish for TLS; a CancelRequest too must come through it, as where
    /// a load balancer or a proxy stands before the server.
    TlsOnly,
    /// `too-many-connections`: the gate refuses with 53300.
    TooManyConnections,
    /// `starting-up`: the gate refuses with 57P03.
    StartingUp,
    /// `shutting-down`: the gate refuses with 57P03, as on a restart or a failover.
    ShuttingDown,
    /// `no-hot-standby`: the gate refuses with 57P03, as a standby that takes no sessions.
    NoHotStandby,
    /// `database-cut`: each open database connection is cut once, then the fault is off.
    DatabaseCut,
}

impl Fault {
    /// From its name on the command line.
    pub fn parse(text: &str) -> Result<Fault, String> {
        if let Some(action) = text.strip_prefix("denied:") {
            return Ok(Fault::Denied(action.to_owned()));
        }
        if let Some(region) = text.strip_prefix("region-refused:") {
            return Ok(Fault::RegionRefused(region.to_owned()));
        }
        if let Some(percent) = text.strip_prefix("frame-trouble:") {
            let percent = percent.parse().ok().filter(|percent| *percent <= MOST_TROUBLE);
            return percent
                .map(Fault::FrameTrouble)
                .ok_or_else(|| format!("{text:?}: expected a whole number of percent, at most {MOST_TROUBLE}"));
        }
        SIMPLE
            .iter()
            .find(|fault| fault.to_string() == text)
            .cloned()
            .ok_or_else(|| format!("{text:?}: expected one of {}", Fault::names().join(", ")))
    }

    /// Every name, for help.
    pub fn names() -> Vec<String> {
        let mut names: Vec<String> = SIMPLE.iter().map(Fault::to_string).collect();
        names.push("denied:ACTION".to_owned());
        names.push("region-refused:REGION".to_owned());
        names.push("frame-trouble:PERCENT".to_owned());
        names
    }
}

/// Three troubles share a hundred.
const MOST_TROUBLE: u8 = 33;

const SIMPLE: &[Fault] = &[
    Fault::ExpiredLogin,
    Fault::Throttled,
    Fault::ProxyInTheWay,
    Fault::BastionOffline,
    Fault::BastionDisconnected,
    Fault::AgentOld,
    Fault::PortClosed,
    Fault::PortSilent,
    Fault::HostUnknown,
    Fault::HostForbidden,
    Fault::SocketCut,
    Fault::SocketReset,
    Fault::SocketRefused,
    Fault::SessionEnded,
    Fault::SessionAtLimit,
    Fault::AgentSilent,
    Fault::TokenRefused,
    Fault::LoginRevoked,
    Fault::WrongCertificate,
    Fault::ExpiredCertificate,
    Fault::UnknownCa,
    Fault::NoTls,
    Fault::TlsOnly,
    Fault::TooManyConnections,
    Fault::StartingUp,
    Fault::ShuttingDown,
    Fault::NoHotStandby,
    Fault::DatabaseCut,
];

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::ExpiredLogin => "expired-login",
            Fault::Denied(action) => return write!(f, "denied:{action}"),
            Fault::Throttled => "throttled",
            Fault::ProxyInTheWay => "proxy-in-the-way",
            Fault::RegionRefused(region) => return write!(f, "region-refused:{region}"),
            Fault::BastionOffline => "bastion-offline",
            Fault::BastionDisconnected => "bastion-disconnected",
            Fault::AgentOld => "agent-old",
            Fault::PortClosed => "port-closed",
            Fault::PortSilent => "port-silent",
            Fault::HostUnknown => "host-unknown",
            Fault::HostForbidden => "host-forbidden",
            Fault::SocketCut => "socket-cut",
            Fault::SocketReset => "socket-reset",
            Fault::SocketRefused => "socket-refused",
            Fault::FrameTrouble(percent) => return write!(f, "frame-trouble:{percent}"),
            Fault::SessionEnded => "session-ended",
            Fault::SessionAtLimit => "session-at-limit",
            Fault::LoginRevoked => "login-revoked",
            Fault::AgentSilent => "agent-silent",
            Fault::TokenRefused => "token-refused",
            Fault::WrongCertificate => "wrong-certificate",
            Fault::ExpiredCertificate => "expired-certificate",
            Fault::UnknownCa => "unknown-ca",
            Fault::NoTls => "no-tls",
            Fault::TlsOnly => "tls-only",
            Fault::TooManyConnections => "too-many-connections",
            Fault::StartingUp => "starting-up",
            Fault::ShuttingDown => "shutting-down",
            Fault::NoHotStandby => "no-hot-standby",
            Fault::DatabaseCut => "database-cut",
        })
    }
}

/// The dial. Clones share it; a change wakes whoever [`Faults::changed`] waits.
#[derive(Clone, Debug)]
pub struct Faults {
    on: Arc<Mutex<BTreeSet<Fault>>>,
    changes: tokio::sync::watch::Sender<u64>,
}

impl Default for Faults {
    fn default() -> Faults {
        Faults { on: Arc::default(), changes: tokio::sync::watch::Sender::new(0) }
    }
}

impl Faults {
    /// Switches a fault on.
    pub fn set(&self, fault: Fault) {
        self.on.lock().unwrap_or_else(PoisonError::into_inner).insert(fault);
        self.changes.send_modify(|n| *n += 1);
    }

    /// Switches it off; whether it was on.
    pub fn clear(&self, fault: &Fault) -> bool {
        let was = self.on.lock().unwrap_or_else(PoisonError::into_inner).remove(fault);
        self.changes.send_modify(|n| *n += 1);
        was
    }

    /// Whether it is on.
    pub fn is_on(&self, fault: &Fault) -> bool {
        self.on.lock().unwrap_or_else(PoisonError::into_inner).contains(fault)
    }

    /// How many frames of a hundred have each trouble now.
    pub fn frame_trouble(&self) -> u8 {
        let on = self.on.lock().unwrap_or_else(PoisonError::into_inner);
        on.iter()
            .find_map(|fault| if let Fault::FrameTrouble(percent) = fault { Some(*percent) } else { None })
            .unwrap_or(0)
    }

    /// All that are on.
    pub fn all(&self) -> Vec<Fault> {
        self.on.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// For waiting until the dial is moved.
    pub fn changed(&self) -> tokio::sync::watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_to_itself() {
        for fault in SIMPLE {
            assert_eq!(Fault::parse(&fault.to_string()).as_ref(), Ok(fault));
        }
        assert_eq!(Fault::parse("frame-trouble:1"), Ok(Fault::FrameTrouble(1)));
        assert!(Fault::parse("frame-trouble:34").is_err() && Fault::parse("frame-trouble:x").is_err());
        assert_eq!(Fault::parse("denied:ssm:StartSession"), Ok(Fault::Denied("ssm:StartSession".to_owned())));
        assert!(Fault::parse("nonsense").expect_err("unknown").contains("bastion-offline"));
    }
}
