//! `gatepost tunnel`: a loopback port forwarded to a database until it is interrupted. It must not know how bytes get
//! there.

use super::steps::{Tell, Teller};
use super::{Failure, Interrupt, Terminal, failure};
use crate::access::handoff::{Raw, raw};
use crate::access::{Access, Forward, ForwardNews, LineReport};
use crate::model::{Auth, Diagnosis, Endpoint, EndpointRole, Engine, IamAuth, Kind, Place, RouteChoice, visible};
use std::io::{self, Write};
use std::time::Duration;

/// Forward a local port to a database until Ctrl-C
///
/// For tools that bring their own login. The port is on 127.0.0.1 only. What is printed is one command to paste: libpq's
/// environment with the database's real name, so that its certificate is verified in full, and a token made as it starts. Besides the names of listed databases, HOST:PORT
/// is taken together with --via: anything that the bastion reaches.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Identifier, endpoint host, resource id, ARN, or HOST:PORT
    pub name: String,
    /// Local port [default: any that is free]
    #[arg(long, short, default_value_t = 0, hide_default_value = true)]
    pub port: u16,
    /// Bastion by id or name, or `direct` [default: what fits best]
    #[arg(long, value_name = "BASTION")]
    pub via: Option<String>,
    /// Database user for the command that is printed
    #[arg(long, short)]
    pub user: Option<String>,
    /// The flags that say which AWS is meant, for the command that is printed
    #[arg(skip)]
    pub given: Vec<String>,
}

/// Runs it.
pub async fn run(access: &Access, args: &Args, terminal: &Terminal, mut interrupt: Interrupt) -> Result<(), Failure> {
    let route = args.via.as_deref().map(RouteChoice::parse).unwrap_or_default();
    let (steps, teller) = Teller::start(terminal, Tell::Lasting);
    let opening = async {
        let endpoint = endpoint(access, args, &route).await?;
        let forward = access.forward(&endpoint, &route, args.port, steps).await?;
        Ok::<_, Diagnosis>((endpoint, forward))
    };
    let opened = tokio::select! {
        opened = opening => opened,
        signal = interrupt.wait() => return Err(Failure::Interrupted(signal)),
    };
    teller.finish().await;
    let (endpoint, mut forward) = opened?;
    announce(access, args, &endpoint, &forward)?;
    let (news, mut told) = tokio::sync::mpsc::unbounded_channel();
    forward.tell(news);

    let mut figures = tokio::time::interval(Duration::from_secs(1));
    let mut shown = String::new();
    let ended = loop {
        // Serving is begun anew after each look at the figures; nothing is lost by that (see Forward::serve).
        tokio::select! {
            diagnosis = forward.serve() => break Some(diagnosis),
            signal = interrupt.wait() => { let _ = signal; break None }
            Some(news) = told.recv() => {
                if !shown.is_empty() {
                    writeln!(io::stderr().lock())?;
                    shown.clear();
                }
                match news {
                    ForwardNews::Trouble(diagnosis) => failure::tell(&diagnosis, terminal.color),
                    ForwardNews::Mended(how) => writeln!(io::stderr().lock(), "{}", visible(&how))?,
                }
                continue;
            }
            _ = figures.tick(), if terminal.stderr => {}
        }
        let line = words(&forward.report());
        if line != shown {
            write!(io::stderr().lock(), "\r\x1b[K{line}")?;
            shown = line;
        }
    };
    if terminal.stderr && !shown.is_empty() {
        writeln!(io::stderr().lock())?;
    }
    forward.close().await;
    match ended {
        Some(diagnosis) => Err(diagnosis.into()),
        // To be interrupted is how a tunnel ends.
        None => Ok(()),
    }
}

fn announce(access: &Access, args: &Args, endpoint: &Endpoint, forward: &Forward) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let report = forward.report();
    let (address, route) = (visible(&report.address), visible(&report.route));
    // What ends it when nothing happens is part of what one has.
    let health = match report.ssm_session {
        Some(_) => format!(": {}", visible(&report.health)),
        None => String::new(),
    };
    writeln!(stdout, "127.0.0.1:{} is {address}, {route}{health}", forward.port())?;
    if endpoint.engine.is_postgres() {
        let known = || access.default_user(endpoint, &Auth::Iam);
        let user = args.user.clone().or_else(known).unwrap_or_else(|| "USER".to_owned());
        // Where the authorities cannot be written, psql looks for those of its user.
        let roots = access.roots_file().ok();
        let words = raw(&Raw {
            endpoint,
            port: forward.port(),
            user: &user,
            name: &args.name,
            given: &args.given,
            roots: roots.as_deref(),
        });
        writeln!(stdout, "{words}")?;
    }
    stdout.flush()
}

/// What NAME means; HOST:PORT that is not listed is made an endpoint of the bastion's place.
async fn endpoint(access: &Access, args: &Args, route: &RouteChoice) -> Result<Endpoint, Diagnosis> {
    let name = &args.name;
    let Some((host, port)) = host_and_port(name)? else {
        let found = access.find(name).await.map(|found| found.endpoint);
        // A host that is not listed needs its port.
        return found.map_err(|diagnosis| match (diagnosis.kind, route) {
            (Kind::NotFound, RouteChoice::Via(_)) => {
                diagnosis.advise(format!("Or give its port, if it is a host that the bastion reaches: {name}:5432"))
            }
            _ => diagnosis,
        });
    };
    if let Ok(found) = access.find(host).await
        && found.endpoint.port == port
    {
        return Ok(found.endpoint);
    }
    let RouteChoice::Via(bastion) = route else {
        return Err(Diagnosis::new(Kind::Usage, format!("{}: which bastion?", args.name))
            .because("no listed database has that endpoint, so nothing says where it is")
            .advise("Name a bastion that reaches it: --via BASTION"));
    };
    let mut failed = None;
    for place in access.places().await? {
        let made = by_hand(host, port, place);
        match access.bastions(&made).await {
            Ok(ranked) => {
                if ranked
                    .iter()
                    .any(|ranked| ranked.bastion.id == *bastion || ranked.bastion.name.as_ref() == Some(bastion))
                {
                    return Ok(made);
                }
            }
            Err(diagnosis) => failed = failed.or(Some(diagnosis)),
        }
    }
    Err(failed.unwrap_or_else(|| {
        Diagnosis::new(Kind::BastionUnusable, format!("There is no bastion {bastion}"))
            .because("no managed node of that id or name was found in any of the regions")
            .advise("Name another region with --region")
    }))
}

/// `HOST:PORT`; an ARN, which has colons too, is not one.
fn host_and_port(name: &str) -> Result<Option<(&str, u16)>, Diagnosis> {
    let Some((host, port)) = name.rsplit_once(':').filter(|_| !name.starts_with("arn:")) else { return Ok(None) };
    let wrong = |what: &str| Diagnosis::new(Kind::Usage, format!("{name}: {what}, expected HOST:PORT"));
    let number = port.parse().ok().filter(|port| *port != 0);
    let number = number.ok_or_else(|| wrong(&format!("{} is no port from 1 to 65535", visible(port))))?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() {
        return Err(wrong("there is no host before the colon"));
    }
    Ok(Some((host, number)))
}

fn by_hand(host: &str, port: u16, place: Place) -> Endpoint {
    Endpoint {
        role: EndpointRole::Instance,
        host: host.to_owned(),
        port,
        owner: host.to_owned(),
        resource_id: String::new(),
        iam: IamAuth::Disabled,
        engine: Engine::Other("unknown".to_owned()),
        place,
        account: String::new(),
        partition: "aws".to_owned(),
        public: false,
        vpc_id: None,
        security_groups: Vec::new(),
        database_name: None,
        internet_gateway: false,
        tags: Vec::new(),
        proxy: None,
    }
}

/// One line of figures.
fn words(report: &LineReport) -> String {
    let mut words = vec![
        visible(&report.health).into_owned(),
        format!("{} open", report.streams),
        format!("{} in", bytes(report.received)),
        format!("{} out", bytes(report.sent)),
    ];
    if let Some(round_trip) = report.round_trip {
        words.push(format!("{} ms", round_trip.as_millis()));
    }
    if report.resumes > 0 {
        words.push(format!("{} resumes", report.resumes));
    }
    words.join(" · ")
}

fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_ports_are_told_from_arns() {
        let read = |name| host_and_port(name).map_err(|diagnosis| diagnosis.title);
        assert_eq!(read("db.internal:5432"), Ok(Some(("db.internal", 5432))));
        assert_eq!(read("[::1]:5432"), Ok(Some(("::1", 5432))));
        assert_eq!(read("orders-prod"), Ok(None));
        assert_eq!(read("arn:aws:rds:eu-west-1:123456789012:db:5432"), Ok(None));
        for (name, says) in [
            ("cache:70000", "cache:70000: 70000 is no port from 1 to 65535, expected HOST:PORT"),
            ("cache:0", "cache:0: 0 is no port from 1 to 65535, expected HOST:PORT"),
            ("cache:x", "cache:x: x is no port from 1 to 65535, expected HOST:PORT"),
            (":5432", ":5432: there is no host before the colon, expected HOST:PORT"),
        ] {
            assert_eq!(read(name), Err(says.to_owned()));
        }
    }
}
