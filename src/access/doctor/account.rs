//! Settings, credentials, clock: what has to be well before AWS is asked about a database. It must not know databases.

use super::chart::{Broken, Chart};
use super::{Subject, one_of_each_profile};
use crate::access::{Access, diagnose};
use crate::aws::{proxy_for, usual_endpoint};
use crate::model::{Check, CheckKind, Diagnosis, Identity, Kind, Place, Verdict};
use std::time::{Duration, SystemTime};

/// Seconds that a clock may be off without a word. `Date` has whole seconds, and answers take their time.
const NOTICED: u64 = 30;
/// Seconds beyond which AWS refuses signatures (AWS Signature Version 4: five minutes).
const REFUSED: u64 = 300;
/// Credentials that end sooner are about to be a trouble.
const SOON: Duration = Duration::from_secs(5 * 60);

/// Which places are meant, and what leads elsewhere than usual.
pub(super) async fn settings(access: &Access, subject: &Subject, chart: &mut Chart) -> Result<Vec<Place>, Broken> {
    chart.begin(CheckKind::Settings, "");
    let places = match subject {
        Subject::Endpoint(endpoint) => Ok(vec![endpoint.place.clone()]),
        Subject::Named(_) => access.list_places().await,
    };
    let places = places.map_err(|diagnosis| chart.break_at(CheckKind::Settings, None, diagnosis))?;
    let regions: Vec<String> = distinct(places.iter().map(|place| place.region.clone()));
    let profiles: Vec<String> = distinct(places.iter().filter_map(|place| place.profile.clone()));
    let profile = match profiles.as_slice() {
        [] => std::env::var("AWS_PROFILE")
            .ok()
            .filter(|name| !name.is_empty())
            .map_or_else(|| "the default profile".to_owned(), |name| format!("profile {name} (AWS_PROFILE)")),
        [one] => format!("profile {one}"),
        several => format!("profiles {}", several.join(", ")),
    };
    let settings = access.settings();
    let file = match &settings.file {
        Some(file) => format!("settings of {}", file.display()),
        None => "no settings file".to_owned(),
    };
    let found = format!("{profile}, {}, {file}", regions.join(" and "));
    let mut check = Check::new(CheckKind::Settings, Verdict::Ok, found);
    let named = |variable: &str, usual: &str| match std::env::var(variable) {
        Ok(file) if !file.is_empty() => format!("{file} ({variable})"),
        _ => usual.to_owned(),
    };
    check.details.push(match &settings.aws.credentials {
        Some(_) => "AWS keys were given to gatepost itself".to_owned(),
        None => format!(
            "AWS's own files: {}, {}",
            named("AWS_CONFIG_FILE", "~/.aws/config"),
            named("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
        ),
    });
    if let Some(url) = &settings.aws.endpoint_url {
        check.details.push(format!("all of AWS is asked at {url}"));
    }
    for bundle in &settings.ca_bundles {
        check.details.push(format!("certificate authorities besides the embedded ones: {}", bundle.display()));
    }
    if settings.ssm_document != crate::model::Settings::default().ssm_document {
        check.details.push(format!("SSM document {}", settings.ssm_document));
    }
    chart.end(check);
    Ok(places)
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept = Vec::new();
    for name in names {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

/// Credentials of every profile: had, whose, until when. Broken when none has any.
pub(super) async fn credentials(
    access: &Access,
    places: &[Place],
    chart: &mut Chart,
) -> Result<Vec<(Place, Identity)>, Broken> {
    let places = one_of_each_profile(places);
    let about = places.iter().map(Place::to_string).collect::<Vec<_>>().join(", ");
    chart.begin(CheckKind::Credentials, about);
    let (mut known, mut lines, mut details, mut failed) = (Vec::new(), Vec::new(), Vec::new(), None);
    let mut verdict = Verdict::Ok;
    let mut diagnosis = None;
    for place in &places {
        match access.credentials(place).await {
            Ok((Some(identity), words)) => {
                if let Some(ends) = identity.ends.filter(|ends| *ends < SystemTime::now() + SOON) {
                    verdict = Verdict::Doubtful;
                    diagnosis = Some(Box::new(
                        Diagnosis::new(Kind::LoginEnded, "Your AWS login ends soon")
                            .because(format!("the credentials end at {}", diagnose::moment(ends)))
                            .advise("Renew it first: a token lives no longer than the credentials that sign it"),
                    ));
                }
                details.push(match identity.ends {
                    Some(ends) => format!("{}, until {}", identity.arn, diagnose::moment(ends)),
                    None => format!("{}, until nobody says when", identity.arn),
                });
                known.push((place.clone(), identity));
                lines.push(words);
            }
            Ok((None, words)) => {
                verdict = Verdict::CouldNotLook;
                lines.push(words);
            }
            Err(refused) => failed = failed.or(Some(refused)),
        }
    }
    match (lines.is_empty(), failed) {
        (true, Some(refused)) => Err(chart.break_at(CheckKind::Credentials, None, refused)),
        (_, failed) => {
            let mut check = Check::new(CheckKind::Credentials, verdict, lines.join("; "));
            check.details = details;
            if let Some(refused) = failed {
                check.verdict = Verdict::Doubtful;
                check.details.push(refused.title.clone());
                check.diagnosis = Some(Box::new(refused));
            } else {
                check.diagnosis = diagnosis;
            }
            chart.end(check);
            Ok(known)
        }
    }
}

/// This machine's clock, by the `Date` of AWS's last answer. gatepost signs with AWS's time where the two differ much,
/// so this breaks nothing here; it does elsewhere.
pub(super) fn clock(access: &Access, chart: &mut Chart) {
    let Some(skew) = access.cloud().clock_skew() else {
        let check = Check::new(CheckKind::Clock, Verdict::CouldNotLook, "no answer of AWS told its time");
        return chart.put(check);
    };
    let off = skew.unsigned_abs();
    let words = diagnose::token::clock(skew);
    let check = match off {
        0..=NOTICED => Check::new(CheckKind::Clock, Verdict::Ok, "agrees with AWS's"),
        _ => Check {
            diagnosis: Some(Box::new(diagnose::token::set_clock(
                Diagnosis::new(Kind::Local, capital(&words)).because(if off > REFUSED {
                    "AWS refuses signatures that are five minutes off; gatepost signs with AWS's time, others do not"
                } else {
                    "AWS bears five minutes"
                }),
            ))),
            ..Check::new(CheckKind::Clock, if off > REFUSED { Verdict::Doubtful } else { Verdict::Ok }, words)
        },
    };
    chart.put(check);
}

fn capital(words: &str) -> String {
    let mut characters = words.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// The proxy that questions to AWS go through, without its password.
pub(super) fn proxy(access: &Access, region: &str) -> Option<String> {
    let settings = &access.settings().aws;
    let url = settings.endpoint_url.clone().unwrap_or_else(|| usual_endpoint("rds", region));
    let proxy = proxy_for(settings, &url)?;
    let (scheme, rest) = proxy.split_once("://")?;
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    Some(format!("{scheme}://{}", host.trim_end_matches('/')))
}
