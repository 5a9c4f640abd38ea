//! The login, and what the database itself says of role and server once one is in. Only catalogues are read.

use super::chart::{Broken, Chart};
use super::port::only;
use crate::access::beside::Beside;
use crate::access::connect::Arrived;
use crate::access::diagnose::{login as words, span};
use crate::access::line::Line;
use crate::access::walk::Walk;
use crate::access::{Access, diagnose};
use crate::model::{Auth, Check, CheckKind, Diagnosis, Endpoint, EndpointRole, Kind, StepKind, Target, Verdict};
use tokio::sync::mpsc::unbounded_channel;

/// Nobody was named who could log in.
pub(super) fn nobody(endpoint: &Endpoint, chart: &mut Chart) -> Broken {
    chart.begin(CheckKind::Login, "");
    chart.break_at(CheckKind::Login, None, diagnose::login::nobody(endpoint))
}

/// The engine is one that gatepost has no login for.
pub(super) fn foreign(endpoint: &Endpoint, user: Option<&str>, chart: &mut Chart) -> Broken {
    let rest = [CheckKind::Tls, CheckKind::Certificate];
    chart.skip(&rest, &format!("gatepost speaks PostgreSQL, not {}", endpoint.engine));
    chart.begin(CheckKind::Login, "");
    chart.break_at(CheckKind::Login, None, diagnose::login::foreign(endpoint, user))
}

/// Logs in over a wire of its own, asks, and leaves.
pub(super) async fn look(access: &Access, target: &Target, line: &Line, chart: &mut Chart) -> Result<(), Broken> {
    let (steps, told) = unbounded_channel();
    let walk = Walk::new(Some(steps), access.settings().connect_timeout);
    let hear = |chart: &mut Chart, step: crate::model::Step| {
        only(CheckKind::Login, StepKind::Login, chart, step);
    };
    let arrived = chart.follow(told, hear, Box::pin(access.arrive_over(target, line.clone(), &walk))).await;
    let Arrived { session, line, facts, .. } = match arrived {
        Ok(arrived) => arrived,
        Err(diagnosis) => {
            if !chart.has(CheckKind::Login) {
                chart.break_at(CheckKind::Login, None, diagnosis);
            }
            return Err(Broken);
        }
    };
    let mut beside = Beside::of(session, line, target.clone(), access.settings().connect_timeout);
    chart.begin(CheckKind::Role, target.user.clone());
    match beside.rows(ROLE).await {
        Ok(rows) => chart.end(role(&rows, target)),
        Err(diagnosis) => chart.end(unread(CheckKind::Role, &diagnosis)),
    }
    chart.begin(CheckKind::Server, "");
    match beside.rows(SERVER).await {
        Ok(rows) => chart.end(server(&rows, &facts.server_version, &target.endpoint)),
        Err(diagnosis) => chart.end(unread(CheckKind::Server, &diagnosis)),
    }
    beside.close().await;
    Ok(())
}

fn unread(kind: CheckKind, diagnosis: &Diagnosis) -> Check {
    Check::new(kind, Verdict::CouldNotLook, diagnosis.title.clone())
}

/// How the role has `rds_iam` and `rds_ad`: `direct`, the roles between, or nothing; its connections and their limits.
///
/// Only what clients have counts against `rolconnlimit` and `max_connections` (PostgreSQL, "Connection Settings" and CREATE
/// ROLE: neither background workers, parallel ones among them, nor what the server runs for itself; walsenders have had
/// slots of their own since 12). Who may not read all statistics is not told what another's process is: of those, what
/// belongs to a user and a database is counted, parallel workers too, and the next column says of how many that is so.
/// Reserved is what only administrators get of `max_connections`; RDS has a setting of its own for it.
const ROLE: &str = "\
with recursive above(role, via) as (
  select m.roleid, null::name from pg_catalog.pg_auth_members m
    join pg_catalog.pg_roles r on r.oid = m.member where r.rolname = session_user
  union
  select m.roleid, coalesce(a.via, r.rolname) from above a
    join pg_catalog.pg_auth_members m on m.member = a.role
    join pg_catalog.pg_roles r on r.oid = a.role
), has(name, via) as (
  select r.rolname::text,
    case when bool_or(a.via is null) then 'direct' else string_agg(distinct a.via::text, ', ') end
  from above a join pg_catalog.pg_roles r on r.oid = a.role group by r.rolname
)
select (select via from has where name = 'rds_iam'), (select via from has where name = 'rds_ad'),
  r.rolconnlimit,
  (select count(*) from pg_catalog.pg_stat_activity s
    where s.usename = session_user and s.backend_type = 'client backend'),
  (select setting from pg_catalog.pg_settings where name = 'max_connections'),
  clients.counted, clients.guessed,
  (select coalesce(sum(setting::int), 0) from pg_catalog.pg_settings where name in
    ('superuser_reserved_connections', 'reserved_connections', 'rds.rds_superuser_reserved_connections'))
from pg_catalog.pg_roles r, (
  select count(*) filter (where s.backend_type = 'client backend' or s.backend_type is null) as counted,
    count(*) filter (where s.backend_type is null) as guessed
  from pg_catalog.pg_stat_activity s where s.usesysid is not null and s.datid is not null
) clients where r.rolname = session_user";

/// What a role is, and what is wrong with it.
fn role(rows: &[Vec<String>], target: &Target) -> Check {
    let kind = CheckKind::Role;
    let Some([iam, ad, limit, connections, most, all, guessed, reserved]) = rows.first().map(Vec::as_slice) else {
        return Check::new(kind, Verdict::CouldNotLook, "the catalogue does not know the role that is logged in");
    };
    let from = |via: &str, what: &str| match via {
        "" => format!("no {what}"),
        "direct" => what.to_owned(),
        roles => format!("{what} through {roles}"),
    };
    let of = match limit.parse::<i64>() {
        Ok(limit) if limit >= 0 => format!(" of {limit}"),
        _ => String::new(),
    };
    let about = if guessed == "0" { "" } else { "about " };
    let kept = match reserved.as_str() {
        "0" => String::new(),
        reserved => format!(", {reserved} of them reserved for administrators"),
    };
    let (iam_words, ad_words) = (from(iam, "rds_iam"), from(ad, "rds_ad"));
    let mut check = Check::new(
        kind,
        Verdict::Ok,
        format!(
            "{iam_words}, {ad_words}; connections: {connections}{of} of its own, {about}{all} of {most} in all{kept}"
        ),
    );
    let conflict = if !iam.is_empty() && !ad.is_empty() {
        Some(words::both_kinds(&target.user, iam, ad))
    } else if !iam.is_empty() && !matches!(target.auth, Auth::Iam) {
        Some(words::password_of_token_role(&target.user, &iam_words))
    } else {
        match (connections.parse::<i64>(), limit.parse::<i64>()) {
            (Ok(used), Ok(most)) if most >= 0 && used >= most => Some(words::at_its_limit(&target.user, most)),
            _ => None,
        }
    };
    if let Some(diagnosis) = conflict {
        check.verdict = Verdict::Doubtful;
        check.found = format!("{}; {}", diagnosis.title, check.found);
        check.diagnosis = Some(Box::new(diagnosis));
    }
    check
}

const SERVER: &str = "\
select pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only'),
  extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.pg_postmaster_start_time())::bigint";

fn server(rows: &[Vec<String>], version: &str, endpoint: &Endpoint) -> Check {
    let kind = CheckKind::Server;
    let Some([recovery, read_only, uptime]) = rows.first().map(Vec::as_slice) else {
        return Check::new(kind, Verdict::CouldNotLook, "it answers, and does not say");
    };
    let (recovery, read_only) = (recovery == "t", read_only == "on");
    let writes = match (recovery, read_only) {
        (true, _) => "in recovery (a reader)",
        (false, true) => "read-only by its settings",
        (false, false) => "takes writes",
    };
    let up = uptime.parse::<u64>().map(|seconds| format!(", up {}", span(seconds))).unwrap_or_default();
    let mut check = Check::new(kind, Verdict::Ok, format!("PostgreSQL {version}, {writes}{up}"));
    if endpoint.role == EndpointRole::Writer && (recovery || read_only) {
        check.verdict = Verdict::Doubtful;
        check.diagnosis = Some(Box::new(
            Diagnosis::new(
                Kind::ServerBusy,
                format!("{} is the writer's endpoint, and the server only reads", endpoint.host),
            )
            .because(writes)
            .advise("Look again in a minute: a failover may be under way"),
        ));
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::endpoint;
    use crate::model::Route;

    fn target(auth: Auth) -> Target {
        Target {
            endpoint: endpoint(),
            route: Route::Direct,
            database: "shop".to_owned(),
            user: "ann".to_owned(),
            auth,
            read_only: false,
        }
    }

    fn row(words: [&str; 8]) -> Vec<Vec<String>> {
        vec![words.map(str::to_owned).to_vec()]
    }

    #[test]
    fn what_a_role_has_is_told_and_conflicts_are_found() {
        let check = role(&row(["people", "", "-1", "2", "100", "9", "0", "0"]), &target(Auth::Iam));
        assert_eq!(check.verdict, Verdict::Ok);
        assert_eq!(check.found, "rds_iam through people, no rds_ad; connections: 2 of its own, 9 of 100 in all");
        let guessed = role(&row(["direct", "", "-1", "2", "100", "9", "4", "5"]), &target(Auth::Iam));
        assert!(
            guessed.found.ends_with("2 of its own, about 9 of 100 in all, 5 of them reserved for administrators"),
            "{}",
            guessed.found
        );
        let check = role(&row(["direct", "staff", "-1", "2", "100", "9", "0", "0"]), &target(Auth::Iam));
        assert_eq!(check.verdict, Verdict::Doubtful);
        // Others are in staff, too: it keeps what it has.
        assert_eq!(check.diagnosis.expect("one").advice[0].paste.as_deref(), Some(r#"REVOKE "staff" FROM "ann";"#));
        let check = role(&row(["direct", "direct", "-1", "2", "100", "9", "0", "0"]), &target(Auth::Iam));
        assert_eq!(check.diagnosis.expect("one").advice[0].paste.as_deref(), Some(r#"REVOKE rds_ad FROM "ann";"#));
        let check = role(&row(["direct", "", "3", "3", "100", "9", "0", "0"]), &target(Auth::Iam));
        assert_eq!(check.verdict, Verdict::Doubtful, "{}", check.found);
        let said = |limit: &str| {
            let check = role(&row(["direct", "", limit, "30", "100", "9", "0", "0"]), &target(Auth::Iam));
            let diagnosis = check.diagnosis.expect("at its limit");
            (diagnosis.title.clone(), diagnosis.advice[0].paste.clone().expect("a statement"))
        };
        let (title, paste) = said("0");
        assert_eq!(title, "ann may have no connections at all: its limit is 0");
        assert_eq!(paste, r#"ALTER ROLE "ann" CONNECTION LIMIT 10;"#);
        assert_eq!(said("30").1, r#"ALTER ROLE "ann" CONNECTION LIMIT 60;"#);
        let check = role(&row(["direct", "", "-1", "1", "100", "9", "0", "0"]), &target(Auth::Passfile));
        assert_eq!(check.verdict, Verdict::Doubtful);
        assert_eq!(role(&[], &target(Auth::Iam)).verdict, Verdict::CouldNotLook);
    }

    #[test]
    fn a_writer_that_only_reads_is_no_writer() {
        let said = |recovery: &str, read_only: &str| {
            let rows = vec![[recovery, read_only, "7200"].map(str::to_owned).to_vec()];
            server(&rows, "16.6", &endpoint())
        };
        assert_eq!(said("f", "off").found, "PostgreSQL 16.6, takes writes, up 2 h");
        assert_eq!(said("t", "on").verdict, Verdict::Doubtful);
        assert_eq!(said("f", "on").verdict, Verdict::Doubtful);
    }
}
