//! The way: direct, or which bastion and why. The choice and the ranking are those of a connect. It must not open anything.

use super::chart::{Broken, Chart};
use crate::access::Access;
use crate::access::diagnose::span;
use crate::model::{Check, CheckKind, Endpoint, Ranked, Route, RouteChoice, Verdict};
use std::time::SystemTime;

/// Settles the way, and tells the others that there are.
pub(super) async fn choose(
    access: &Access,
    endpoint: &Endpoint,
    choice: &RouteChoice,
    chart: &mut Chart,
) -> Result<Route, Broken> {
    let kind = CheckKind::Bastion;
    chart.begin(kind, endpoint.address());
    let (route, why) = match access.choose_route(endpoint, choice).await {
        Ok(settled) => settled,
        Err(diagnosis) => return Err(chart.break_at(kind, None, diagnosis)),
    };
    let mut check = Check::new(kind, Verdict::Ok, crate::model::visible(&why));
    let mut why = vec![check.found.clone()];
    match &route {
        // None is gone through; none was looked for.
        Route::Direct => check.verdict = Verdict::NotApplicable,
        Route::Through(chosen) => {
            let ranked = access.rank(endpoint).await.unwrap_or_default();
            let now = SystemTime::now();
            // Its reasons first: a narrow screen shows no more.
            if let Some(one) = ranked.iter().find(|one| one.bastion.id == chosen.id) {
                check.found = format!("{}: {}", chosen.label(), one.reasons.join(", "));
            }
            let ranked = ranked.iter().enumerate().map(|(at, one)| {
                let taken = if one.bastion.id == chosen.id { ", taken" } else { "" };
                format!("{}. {}{taken}", at + 1, words(one, now))
            });
            why.extend(ranked);
            check.details = why;
        }
    }
    chart.end(check);
    Ok(route)
}

fn words(one: &Ranked, now: SystemTime) -> String {
    let Ranked { bastion, reasons, .. } = one;
    let heard = bastion.agent.last_ping.map(|at| {
        let ago = now.duration_since(at).unwrap_or_default().as_secs();
        format!(", last heard of {} ago", span(ago))
    });
    let id = if bastion.label() == bastion.id { String::new() } else { format!(" ({})", bastion.id) };
    format!("{}{id}: {}{}", bastion.label(), reasons.join(", "), heard.unwrap_or_default())
}
