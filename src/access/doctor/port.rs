//! Session, handshake, the database's name as the agent sees it, and its port reached. It must not know TLS.

use super::Visit;
use super::chart::{Broken, Chart, as_link, plain};
use crate::access::diagnose::tunnel;
use crate::access::line::Line;
use crate::access::walk::Walk;
use crate::access::{Access, probe, refusal};
use crate::model::{Bastion, Check, CheckKind, Endpoint, Kind, Route, Step, StepKind, StepState, Target, Verdict};
use crate::ssm::{Ended, Health};
use std::net::SocketAddr;
use std::time::Instant;
use tokio::sync::mpsc::unbounded_channel;

/// A line to the database's port, which something answers on.
pub(super) async fn open(
    access: &Access,
    target: &Target,
    visit: &mut Visit,
    chart: &mut Chart,
) -> Result<Line, Broken> {
    let endpoint = &target.endpoint;
    match &target.route {
        Route::Direct => {
            chart.skip(&[CheckKind::Session, CheckKind::Handshake], "a direct line");
            let line = direct(access, endpoint, chart).await?;
            reach(access, &line, None, chart).await?;
            Ok(line)
        }
        Route::Through(bastion) => {
            let (steps, told) = unbounded_channel();
            let walk = Walk::new(Some(steps), access.settings().connect_timeout);
            let mut session = plain(CheckKind::Session, StepKind::Session);
            let hear = |chart: &mut Chart, step: Step| {
                session(chart, step.clone());
                handshake(chart, step);
            };
            let opened = chart.follow(told, hear, Box::pin(access.tunnel(endpoint, bastion, &walk))).await;
            visit.ssm_session = walk.ssm_session().map(str::to_owned);
            let line = opened.map_err(|_| Broken)?;
            match reach(access, &line, Some(bastion), chart).await {
                Ok(()) => Ok(line),
                Err(broken) => {
                    line.close().await;
                    Err(broken)
                }
            }
        }
    }
}

/// The step Handshake: the agent shakes hands, looks the name up, and ends the session when there is none, or none that it
/// dials. Only that is of the kind that the database is not reached from the bastion (`diagnose::tunnel`): a web socket that
/// is not to be had is a matter of the handshake, whatever name it could not look up and whoever forbids it.
fn handshake(chart: &mut Chart, step: Step) {
    match step.state {
        StepState::Failed(diagnosis, took)
            if step.kind == StepKind::Handshake && diagnosis.kind == Kind::UnreachableFromBastion =>
        {
            let hands = Check::new(CheckKind::Handshake, Verdict::Ok, "the agent answered");
            chart.end(Check { took: Some(took), ..hands });
            let dns = Check::new(CheckKind::Dns, Verdict::Failed, diagnosis.title.clone());
            chart.put(Check { diagnosis: Some(diagnosis), ..dns });
        }
        state => only(CheckKind::Handshake, StepKind::Handshake, chart, Step { kind: step.kind, state }),
    }
}

/// The name from here, and a line that dials it.
async fn direct(access: &Access, endpoint: &Endpoint, chart: &mut Chart) -> Result<Line, Broken> {
    let instead = access.resolved(endpoint);
    let line = Line::direct(endpoint.clone(), instead, access.inner.lines.closing());
    if let Some(address) = instead {
        chart.skip(&[CheckKind::Dns], &format!("the settings dial {address} for {}", endpoint.host));
        return Ok(line);
    }
    chart.begin(CheckKind::Dns, endpoint.host.clone());
    let begun = Instant::now();
    match from_here(access, endpoint).await {
        Ok(addresses) => {
            let words = format!("{} is {} from here", endpoint.host, listed(&addresses));
            let mut check = Check::new(CheckKind::Dns, Verdict::Ok, words);
            if !endpoint.public && !addresses.iter().any(|address| probe::is_private(address.ip())) {
                check.verdict = Verdict::Doubtful;
                check.details.push("the database is private, and none of these addresses is".to_owned());
            }
            chart.end(check);
            Ok(line)
        }
        Err(error) => {
            let diagnosis = refusal::of_wire(access, error, &line, begun.elapsed()).await;
            Err(chart.break_at(CheckKind::Dns, None, diagnosis))
        }
    }
}

async fn from_here(access: &Access, endpoint: &Endpoint) -> std::io::Result<Vec<SocketAddr>> {
    let looked = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port));
    let addresses = tokio::time::timeout(access.settings().connect_timeout, looked)
        .await
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
    Ok(addresses.collect())
}

fn listed(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ")
}

/// The port is reached when something comes back; through a bastion, that tells of the name, too: the agent looks it up
/// when it dials. A PostgreSQL is asked whether it does TLS; others count what breaks off as a failed login, so they are
/// only dialled, which through a tunnel tells nothing.
async fn reach(access: &Access, line: &Line, bastion: Option<&Bastion>, chart: &mut Chart) -> Result<(), Broken> {
    let endpoint = line.endpoint();
    if bastion.is_some() && !endpoint.engine.is_postgres() {
        let why = "through a tunnel only a client's own connection tells";
        chart.put(Check::new(CheckKind::Dns, Verdict::CouldNotLook, why));
        chart.put(Check::new(CheckKind::Port, Verdict::CouldNotLook, why));
        return Ok(());
    }
    let kind = if bastion.is_some() { CheckKind::Dns } else { CheckKind::Port };
    chart.begin(kind, endpoint.address());
    let begun = Instant::now();
    let limit = access.settings().connect_timeout;
    let reached = async {
        let (wire, _) = match line.open(limit).await {
            Ok(opened) => opened,
            Err(unopened) => return Err(refusal::of_open(access, unopened, line, begun.elapsed()).await),
        };
        if !endpoint.engine.is_postgres() {
            return Ok(());
        }
        match tokio::time::timeout(limit, probe::postgres(wire)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(refusal::of_wire(access, error, line, begun.elapsed()).await),
            Err(_) => Err(refusal::silent(access, line, begun.elapsed()).await),
        }
    };
    let reached = reached.await;
    let took = begun.elapsed();
    let Some(bastion) = bastion else {
        return match reached {
            Ok(()) => {
                let check = Check::new(CheckKind::Port, Verdict::Ok, format!("{} is reached from here", endpoint.port));
                chart.end(Check { took: Some(took), ..check });
                Ok(())
            }
            Err(diagnosis) => Err(chart.break_at(CheckKind::Port, Some(took), diagnosis)),
        };
    };
    if let Err(diagnosis) = &reached
        && is_about_the_name(line)
    {
        return Err(chart.break_at(CheckKind::Dns, Some(took), diagnosis.clone()));
    }
    // The agent told no address, and looking it up took its part of the time below.
    let mut dns = Check::new(CheckKind::Dns, Verdict::Ok, format!("{} resolves the name", bastion.label()));
    dns.details.push(endpoint.host.clone());
    dns.details.push(match from_here(access, endpoint).await {
        Ok(addresses) => format!("from here it is {}", listed(&addresses)),
        Err(_) => "from here it does not resolve, which a private one need not".to_owned(),
    });
    chart.put(dns);
    chart.begin(CheckKind::Port, endpoint.address());
    match reached {
        Ok(()) => {
            let words = format!("{} is reached from {}", endpoint.port, bastion.label());
            chart.end(Check { took: Some(took), ..Check::new(CheckKind::Port, Verdict::Ok, words) });
            Ok(())
        }
        Err(diagnosis) => Err(chart.break_at(CheckKind::Port, Some(took), diagnosis)),
    }
}

/// Whether the session ended because of what its agent found when it looked the name up.
fn is_about_the_name(line: &Line) -> bool {
    match line.tunnel().map(crate::ssm::Tunnel::health) {
        Some(Health::Closed(Ended::ByService(text))) => tunnel::is_about_the_name(&text),
        _ => false,
    }
}

/// For the steps of TLS and login, which tell of the port again.
pub(super) fn only(kind: CheckKind, of: StepKind, chart: &mut Chart, step: Step) {
    if step.kind == of {
        as_link(chart, kind, step.state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::{bastion, endpoint};
    use crate::ssm::Error;
    use std::time::Duration;

    #[test]
    fn only_what_the_agent_says_of_the_name_is_the_agents_dns() {
        let service = |text: &str| Error::Ended(Ended::ByService(text.to_owned()));
        let dial = |reason: &str| Error::Dial(reason.to_owned());
        let host = "ssmmessages.eu-west-1.amazonaws.com:443";
        for (error, broken) in [
            (service("lookup db on 10.0.0.2:53: no such host"), CheckKind::Dns),
            (service("Forwarding to IP address 169.254.169.254 is forbidden."), CheckKind::Dns),
            (service("Handshake timed out."), CheckKind::Handshake),
            (
                dial(&format!("{host}: failed to lookup address information: Name or service not known")),
                CheckKind::Handshake,
            ),
            (
                dial(&format!("the proxy p:3128 does not connect to {host}: HTTP/1.1 403 Forbidden")),
                CheckKind::Handshake,
            ),
            (Error::Upgrade { status: 403, body: "Forbidden".to_owned() }, CheckKind::Handshake),
            (Error::HandshakeTimeout(Duration::from_secs(15)), CheckKind::Handshake),
        ] {
            let bastion = bastion("i-1", Some("vpc-1"), true, "3.3.987.0");
            let diagnosis = tunnel::of(&error, &bastion, &endpoint(), &[]);
            let state = StepState::Failed(Box::new(diagnosis), Duration::from_millis(7));
            let mut chart = Chart::new("orders".to_owned(), "ann".to_owned(), None);
            handshake(&mut chart, Step { kind: StepKind::Handshake, state });
            let report = chart.finish();
            assert_eq!(report.broken().map(|check| check.kind), Some(broken), "{error}");
        }
    }
}
