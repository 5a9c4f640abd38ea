//! TLS: offered, its protocol, and the certificate: chain, names, dates, issuer, and which of the known roots it goes back
//! to. It must not log in.

use super::chart::{Broken, Chart};
use crate::access::Access;
use crate::access::diagnose;
use crate::access::line::Line;
use crate::access::walk::Walk;
use crate::db::{self, Roots};
use crate::model::{Check, CheckKind, Database, Diagnosis, Kind, StepKind, StepState, TlsFacts, Verdict, visible};
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc::unbounded_channel;

/// A certificate that ends sooner is told so.
const SOON: Duration = Duration::from_secs(30 * 86_400);

/// A wire of its own, secured as for a login, and dropped.
pub(super) async fn look(access: &Access, line: &Line, database: &Database, chart: &mut Chart) -> Result<(), Broken> {
    let (steps, told) = unbounded_channel();
    let walk = Walk::new(Some(steps), access.settings().connect_timeout);
    chart.begin(CheckKind::Tls, line.endpoint().host.clone());
    let mut took = None;
    let hear = |_: &mut Chart, step: crate::model::Step| {
        if let (StepKind::Tls, StepState::Done(_, its) | StepState::Failed(_, its)) = (step.kind, step.state) {
            took = Some(its);
        }
    };
    let secured = chart.follow(told, hear, Box::pin(access.secure(line, &walk))).await;
    match secured {
        Ok((secured, _)) => {
            let facts = secured.facts().clone();
            drop(secured);
            let offered =
                Check::new(CheckKind::Tls, Verdict::Ok, format!("TLS {}", or(&facts.version, "of a version not told")));
            chart.end(Check { took, ..offered });
            let chain = shown(access, line).await;
            let host = line.endpoint().host.as_str();
            chart.put(certificate(&facts, &chain, &access.inner.roots, database, host));
            Ok(())
        }
        Err(diagnosis) if is_certificate(&diagnosis) => {
            let offered = Check::new(CheckKind::Tls, Verdict::Ok, "offered");
            chart.end(Check { took, ..offered });
            let roots = &access.inner.roots;
            let chain = shown(access, line).await;
            let details = ancestry(&chain, roots).into_iter().chain(lacking(roots, database)).collect();
            let broken = Check::new(CheckKind::Certificate, Verdict::Failed, diagnosis.title.clone());
            chart.put(Check { details, diagnosis: Some(Box::new(diagnosis)), ..broken });
            Err(Broken)
        }
        Err(diagnosis) => Err(chart.break_at(CheckKind::Tls, took, diagnosis)),
    }
}

fn is_certificate(diagnosis: &Diagnosis) -> bool {
    matches!(diagnosis.kind, Kind::CertificateUnknown | Kind::CertificateName | Kind::CertificateDates)
}

/// The certificates that the server shows, over a wire of their own; none where it shows none in time.
async fn shown(access: &Access, line: &Line) -> Vec<TlsFacts> {
    let limit = access.settings().connect_timeout;
    let seen = tokio::time::timeout(limit, async {
        let (wire, _) = line.open(limit).await.ok()?;
        db::chain(wire, &line.endpoint().host).await.ok()
    });
    seen.await.ok().flatten().unwrap_or_default()
}

/// From the server's certificate up to a root that is known here, or to where that ends.
fn ancestry(chain: &[TlsFacts], roots: &Roots) -> Option<String> {
    let last = chain.last()?;
    let mut names: Vec<&str> = chain.iter().map(|facts| or(&facts.subject, "a certificate without a name")).collect();
    if last.issuer != last.subject {
        names.push(&last.issuer);
    }
    let top = names.last().copied().unwrap_or_default();
    let end = match roots.trusted().iter().find(|root| root.name == top) {
        Some(root) => format!("a root of {}", source(roots, &root.source)),
        None => format!("which is none of the {} roots known here", roots.trusted().len()),
    };
    Some(visible(&format!("chain: {}, {end}", names.join(" < "))).into_owned())
}

/// What a certificate that was found good says.
fn certificate(facts: &TlsFacts, chain: &[TlsFacts], roots: &Roots, database: &Database, host: &str) -> Check {
    let ends = facts.ends.map(diagnose::moment);
    let words = format!(
        "ends {}, issued by {}, for {host}",
        ends.as_deref().unwrap_or("on a day not told"),
        or(&facts.issuer, "nobody named"),
    );
    let mut check = Check::new(CheckKind::Certificate, Verdict::Ok, visible(&words));
    check.details.push(format!("names: {}", visible(&facts.names.join(", "))));
    if let Some(begins) = facts.begins {
        check.details.push(format!("valid from {}", diagnose::moment(begins)));
    }
    match ancestry(chain, roots) {
        Some(words) => check.details.push(words),
        None => check.details.push("the chain was not shown: the server does not speak TLS 1.2".to_owned()),
    }
    check.details.extend(lacking(roots, database));
    if let Some(left) =
        facts.ends.and_then(|ends| ends.duration_since(SystemTime::now()).ok()).filter(|left| *left < SOON)
    {
        check.details.push(format!("it ends in {}: RDS renews it by itself", diagnose::span(left.as_secs())));
    }
    check
}

/// What the embedded roots do not have of the authority that AWS names for the database, if that is so.
fn lacking(roots: &Roots, database: &Database) -> Option<String> {
    lacks(roots, &database.certificate.as_ref()?.authority, &database.place.region)
}

fn lacks(roots: &Roots, authority: &str, region: &str) -> Option<String> {
    let wanted = root_of(authority, region)?;
    if roots.trusted().iter().any(|root| root.name == wanted) {
        return None;
    }
    let as_of = roots.embedded_as_of().map(|at| format!(", as of {}", diagnose::moment(at))).unwrap_or_default();
    Some(format!("the embedded roots{as_of} lack {wanted}: give Amazon's newest bundle with --ca-bundle"))
}

/// `rds-ca-rsa2048-g1` in `eu-west-1` is the root `Amazon RDS eu-west-1 Root CA RSA2048 G1` (the names in Amazon's bundle).
fn root_of(authority: &str, region: &str) -> Option<String> {
    let (algorithm, generation) = authority.strip_prefix("rds-ca-")?.rsplit_once('-')?;
    let known = ["rsa2048", "rsa4096", "ecc384"].contains(&algorithm) && generation.starts_with('g');
    known.then(|| format!("Amazon RDS {region} Root CA {} {}", algorithm.to_uppercase(), generation.to_uppercase()))
}

fn source(roots: &Roots, source: &str) -> String {
    match (source, roots.embedded_as_of()) {
        ("embedded", Some(at)) => format!("the embedded ones, as of {}", diagnose::moment(at)),
        ("embedded", None) => "the embedded ones".to_owned(),
        (file, _) => file.to_owned(),
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_have_roots_by_region() {
        assert_eq!(
            root_of("rds-ca-rsa2048-g1", "eu-west-1").as_deref(),
            Some("Amazon RDS eu-west-1 Root CA RSA2048 G1")
        );
        assert_eq!(root_of("rds-ca-2019", "eu-west-1"), None);
        let roots = Roots::new(&[]).expect("embedded");
        for algorithm in ["rsa2048", "rsa4096", "ecc384"] {
            let name = root_of(&format!("rds-ca-{algorithm}-g1"), "us-east-1").expect("a root");
            assert!(roots.trusted().iter().any(|root| root.name == name), "{name}");
        }
    }

    #[test]
    fn what_the_embedded_roots_lack_is_named() {
        let roots = Roots::new(&[]).expect("embedded");
        assert_eq!(lacks(&roots, "rds-ca-rsa2048-g1", "eu-west-1"), None);
        assert_eq!(lacks(&roots, "a-private-authority", "eu-west-1"), None, "nothing is known of it");
        let words = lacks(&roots, "rds-ca-rsa4096-g9", "eu-west-1").expect("a generation to come");
        assert!(words.starts_with("the embedded roots, as of 20"), "{words}");
        assert!(words.contains("lack Amazon RDS eu-west-1 Root CA RSA4096 G9: give Amazon's newest bundle"), "{words}");
        let words = lacks(&roots, "rds-ca-rsa2048-g1", "mars-north-1").expect("a region to come");
        assert!(words.contains("mars-north-1"), "{words}");
    }
}
