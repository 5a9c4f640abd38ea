//! The region's answer and the database in it: state, engine, IAM flag, public or private. It must not go there.

use super::account::proxy;
use super::chart::{Broken, Chart};
use super::{Subject, Wish};
use crate::access::{Access, Found, diagnose};
use crate::model::{Auth, Check, CheckKind, Database, Diagnosis, IamAuth, Inventory, Kind, Place, Verdict};
use futures_util::future::join_all;

/// Lists every place, and finds the one database in what was listed.
pub(super) async fn find(access: &Access, wish: &Wish, places: &[Place], chart: &mut Chart) -> Result<Found, Broken> {
    let subject = &wish.subject;
    let regions = places.iter().map(Place::to_string).collect::<Vec<_>>().join(", ");
    chart.begin(CheckKind::Region, regions);
    let answers: Vec<(&Place, Result<Inventory, Diagnosis>)> =
        join_all(places.iter().map(|place| async move { (place, access.list(place).await) })).await;
    let mut databases = Vec::new();
    let mut failed: Option<Diagnosis> = None;
    let mut gaps = Vec::new();
    let (mut heard, mut silent) = (Vec::new(), Vec::new());
    for (place, answer) in answers {
        match answer {
            Ok(inventory) => {
                heard.push(place.to_string());
                gaps.extend(inventory.gaps);
                databases.extend(inventory.databases);
            }
            Err(diagnosis) => {
                // Whoever refuses has answered.
                match diagnosis.kind {
                    Kind::AccessDenied => heard.push(place.to_string()),
                    _ => silent.push(diagnosis.clone()),
                }
                failed = failed.or(Some(diagnosis));
            }
        }
    }
    let way = match proxy(access, &places.first().map(|place| place.region.clone()).unwrap_or_default()) {
        Some(proxy) => format!("through the proxy {proxy}"),
        None => "no proxy in the way".to_owned(),
    };
    let found = choose(subject, &databases);
    // What a region did not tell may be what was asked for.
    if let (Some(diagnosis), Err(_)) = (silent.first(), &found) {
        return Err(chart.break_at(CheckKind::Region, None, diagnosis.clone()));
    }
    let answer = if heard.len() == 1 { "answers" } else { "answer" };
    let mut region = Check::new(CheckKind::Region, Verdict::Ok, format!("{} {answer}, {way}", heard.join(" and ")));
    if let Some(diagnosis) = silent.first() {
        region.verdict = Verdict::Doubtful;
        region.found = format!("{}; {}", region.found, diagnosis.title);
        region.diagnosis = Some(Box::new(diagnosis.clone()));
    }
    region.details = gaps;
    chart.end(region);
    chart.begin(CheckKind::Database, "");
    match found {
        Ok(found) => {
            state(&found, &wish.auth, chart)?;
            Ok(found)
        }
        Err(diagnosis) if diagnosis.kind == Kind::NotFound => {
            Err(chart.break_at(CheckKind::Database, None, failed.unwrap_or(diagnosis)))
        }
        Err(diagnosis) => Err(chart.break_at(CheckKind::Database, None, diagnosis)),
    }
}

fn choose(subject: &Subject, databases: &[Database]) -> Result<Found, Diagnosis> {
    match subject {
        Subject::Named(name) => crate::access::find::choose(name, databases),
        Subject::Endpoint(endpoint) => crate::access::find::choose(&endpoint.address(), databases),
    }
}

/// What AWS says of it.
fn state(found: &Found, auth: &Auth, chart: &mut Chart) -> Result<(), Broken> {
    let Found { database, endpoint } = found;
    if let Some(diagnosis) = diagnose::database::unavailable(database) {
        return Err(chart.break_at(CheckKind::Database, None, diagnosis));
    }
    let engine = format!("{} {}", database.engine.name(), database.engine_version);
    let reach = if endpoint.public { "public" } else { "private" };
    let vpc = endpoint.vpc_id.as_deref().map(|vpc| format!(" in {vpc}")).unwrap_or_default();
    let login = match endpoint.engine.has_iam_auth() {
        true => format!("IAM {}", iam(endpoint.iam)),
        false => "no IAM login".to_owned(),
    };
    let behind = endpoint.proxy.as_ref().and_then(|login| login.target.as_ref());
    let leads = behind.map(|target| format!(", leads to {}", target.identifier)).unwrap_or_default();
    let words = format!("{}, {}, {login}, {reach}{vpc}{leads}", database.status, engine.trim_end());
    let mut check = Check::new(CheckKind::Database, Verdict::Ok, words);
    check.details.push(format!("{} endpoint {}", endpoint.role.name(), endpoint.address()));
    if !endpoint.security_groups.is_empty() {
        check.details.push(format!("guarded by {}", endpoint.security_groups.join(", ")));
    }
    if let Some(certificate) = &database.certificate {
        let ends = certificate.valid_till.map(|ends| format!(", ends {}", diagnose::moment(ends))).unwrap_or_default();
        check.details.push(format!("certificate of {}{ends}", certificate.authority));
    }
    // Where there is no login anyhow, a flag is no thing to do first.
    let no_tokens = || {
        diagnose::token::no_tokens(endpoint, database)
            .or_else(|| endpoint.proxy.as_ref().and_then(|login| diagnose::proxy::without_iam(&endpoint.place, login)))
    };
    if matches!(auth, Auth::Iam)
        && endpoint.engine.is_postgres()
        && let Some(diagnosis) = no_tokens()
    {
        check.verdict = Verdict::Doubtful;
        check.found = format!("{}; {}", diagnosis.title, check.found);
        check.diagnosis = Some(Box::new(diagnosis));
    }
    chart.end(check);
    Ok(())
}

fn iam(flag: IamAuth) -> &'static str {
    match flag {
        IamAuth::Enabled => "on",
        IamAuth::Disabled => "off",
        IamAuth::Pending { to: true } => "off, being switched on",
        IamAuth::Pending { to: false } => "on, being switched off",
    }
}
