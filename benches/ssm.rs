//! The data channel's speed as a ratio against Amazon's session-manager-plugin, in the same run, on the same machine and
//! agent: round trips, both directions, several streams, what is in a hurry beside a bulk download, frames that are lost,
//! and what it costs. psql is the client on both ports. It must not judge: it prints a table.
//!
//! `cargo bench --bench ssm` runs against the sandbox's agent. The plugin is looked for in `SESSION_MANAGER_PLUGIN` and on
//! PATH, and left out of the table where there is none; it must be one that signs its web socket, 1.2.764 or newer: the
//! sandbox insists, as AWS does. `GATEPOST_BENCH_DATABASE` and `GATEPOST_BENCH_BASTION` (with `GATEPOST_USER` and the usual
//! AWS settings) point it at a real database and Amazon's own agent instead; there no frames are made to go missing.
//!
//! 2026-11-28, two idle cores, the sandbox's agent, a plugin built from the sources of 1.2.792:
//!
//! | | gatepost | plugin | ratio |
//! | --- | ---: | ---: | ---: |
//! | 64-byte query, idle tunnel, p50 | 0.35 ms | 1.53 ms | 4.4 |
//! | upload, one stream | 64.9 MB/s | 0.84 MB/s | 77 |
//! | CPU a megabyte up | 2.5 ms | 167 ms | 67 |
//! | download, one stream (the agent's pace) | 0.68 MB/s | 0.68 MB/s | 1.0 |
//! | CPU a megabyte down | 63 ms | 100 ms | 1.6 |
//! | key-sized query beside a download, p50 | 1.5 ms | 480 ms | 313 |
//! | login beside a download, p50 | 84 ms | 2501 ms | 30 |
//! | cancel beside a download until the statement has ended, p50 | 7.5 ms | 446 ms | 60 |
//! | download, 4 streams on 4 sessions | 2.69 MB/s | 0.68 MB/s | 4.0 |
//! | download, 1 % lost, 1 % repeated, 1 % swapped | 0.67 MB/s | incomplete | - |
//! | upload, same | 41.4 MB/s | 0.27 MB/s | 153 |

#[path = "ssm/psql.rs"]
mod psql;
#[path = "ssm/way.rs"]
mod way;

use psql::Psql;
use std::process::{Command, Stdio};
use std::time::Duration;
use way::{Target, Way};

const ROUND_TRIPS: usize = 400;
const DOWNLOAD: usize = 3_000_000;
/// A slow uploader is not asked for as much.
const UPLOAD: (usize, usize) = (24_000_000, 2_000_000);
/// How often each direction is measured.
const TURNS: usize = 3;
const STREAMS: usize = 4;
const TROUBLED: usize = 1_500_000;
/// One that has not brought so much by then, or whose psql has lost its connection, is said to be incomplete.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// A row: name, unit, whether more is better, ours, theirs.
struct Row(String, &'static str, bool, Option<f64>, Option<f64>);

fn main() {
    let plugin = plugin();
    let named = Target::named();
    let on_sandbox = named.is_none();
    let target = named.unwrap_or_else(|| Target::sandbox(None));
    let mut rows = Vec::new();
    {
        let ours = target.ours(2);
        let theirs = plugin.as_deref().map(|plugin| target.plugins(plugin, &ours));
        let (mine, its) = round_trips(&ours, theirs.as_ref());
        rows.push(Row("64-byte query, idle tunnel, p50".to_owned(), "ms", false, Some(mine), its));
        let both = |measure: fn(&Way<'_>, usize) -> f64, (mine, its): (usize, usize)| {
            // Turn by turn, and the middle one of three: the agent's own pace is the same for both.
            let mut rates = (Vec::new(), Vec::new());
            for _ in 0..TURNS {
                rates.0.push(measure(&ours, mine));
                rates.1.extend(theirs.as_ref().map(|theirs| measure(theirs, its)));
            }
            (middle(rates.0), middle(rates.1))
        };
        let cpu = |way: Option<&Way<'_>>| way.map(Way::cpu).unwrap_or_default();
        for (name, cost, measure, sizes) in [
            ("upload, one stream", "CPU a megabyte up", upload as fn(&Way<'_>, usize) -> f64, UPLOAD),
            ("download, one stream", "CPU a megabyte down", download, (DOWNLOAD, DOWNLOAD)),
        ] {
            let before = (ours.cpu(), cpu(theirs.as_ref()));
            let (mine, its) = both(measure, sizes);
            rows.push(Row(name.to_owned(), "MB/s", true, mine, its));
            let costs = |before: f64, after: f64, bytes: usize| (after - before) * 1e9 / (bytes * TURNS) as f64;
            let of_theirs = theirs.as_ref().map(|theirs| costs(before.1, theirs.cpu(), sizes.1));
            rows.push(Row(cost.to_owned(), "ms", false, Some(costs(before.0, ours.cpu(), sizes.0)), of_theirs));
        }
        let names = ["key-sized query", "login", "cancel"];
        let (mine, its) = (hurried(&ours), theirs.as_ref().map(hurried));
        for (at, name) in names.into_iter().enumerate() {
            let its = its.map(|its| its[at]);
            rows.push(Row(format!("{name} beside a download, p50"), "ms", false, Some(mine[at]), its));
        }
    }
    {
        let ours = target.ours(STREAMS);
        let mine = together(&ours);
        let theirs = plugin.as_deref().map(|plugin| together(&target.plugins(plugin, &ours)));
        rows.push(Row("download, 4 streams on 4 sessions".to_owned(), "MB/s", true, Some(mine), theirs));
    }
    if on_sandbox {
        drop(target);
        let target = Target::sandbox(Some("frame-trouble:1"));
        for (name, measure) in [
            ("download, 1 % of frames in trouble", troubled_download as fn(&Way<'_>) -> Option<f64>),
            ("upload, same", troubled_upload),
        ] {
            let ours = target.ours(1);
            let theirs = plugin.as_deref().map(|plugin| target.plugins(plugin, &ours));
            rows.push(Row(
                name.to_owned(),
                "MB/s",
                true,
                measure(&ours),
                theirs.as_ref().map(|way| measure(way).unwrap_or(0.0)),
            ));
        }
    }
    table(&rows);
}

fn table(rows: &[Row]) {
    println!("\n{:40} {:>12} {:>12} {:>8}", "", "gatepost", "plugin", "ratio");
    for Row(name, unit, more_is_better, mine, its) in rows {
        let figure = |value: Option<f64>| match value {
            None => "-".to_owned(),
            Some(0.0) if *unit == "MB/s" => "incomplete".to_owned(),
            Some(value) => format!("{value:.2} {unit}"),
        };
        let ratio = match (mine, its) {
            (Some(mine), Some(its)) if *mine > 0.0 && *its > 0.0 => {
                format!("{:.2}x", if *more_is_better { mine / its } else { its / mine })
            }
            _ => "-".to_owned(),
        };
        println!("{name:40} {:>12} {:>12} {ratio:>8}", figure(mine.or(Some(0.0))), figure(*its));
    }
}

/// Turn by turn, so that what else the machine does meets both.
fn round_trips(ours: &Way<'_>, theirs: Option<&Way<'_>>) -> (f64, Option<f64>) {
    // A message of 64 bytes: a letter, four bytes of length, the text, a zero.
    let query = format!("select 1 as {}", "n".repeat(46));
    let mut asked: Vec<(Psql, Vec<Duration>)> =
        [Some(ours), theirs].into_iter().flatten().map(|way| (Psql::start(way), Vec::new())).collect();
    for (psql, _) in &mut asked {
        psql.ask("select 1");
    }
    for _ in 0..ROUND_TRIPS {
        for (psql, times) in &mut asked {
            times.push(psql.ask(&query));
        }
    }
    let mut medians = asked.iter_mut().map(|(_, times)| median(times));
    (medians.next().unwrap_or_default(), medians.next())
}

/// Bytes a second.
fn rate(bytes: usize, took: Duration) -> f64 {
    bytes as f64 / 1e6 / took.as_secs_f64()
}

fn download(way: &Way<'_>, bytes: usize) -> f64 {
    let mut psql = Psql::start(way);
    psql.ask("select 1");
    rate(bytes, psql.ask(&format!("select repeat('x', {bytes})")))
}

fn upload(way: &Way<'_>, bytes: usize) -> f64 {
    let mut psql = Psql::start(way);
    psql.ask("select 1");
    rate(bytes, psql.ask(&format!("select length('{}')", "y".repeat(bytes))))
}

/// All that several downloads at once bring.
fn together(way: &Way<'_>) -> f64 {
    let bytes = DOWNLOAD / 2;
    let mut psqls: Vec<Psql> = (0..STREAMS).map(|_| Psql::start(way)).collect();
    for psql in &mut psqls {
        psql.ask("select 1");
    }
    std::thread::scope(|scope| {
        let rates: Vec<_> = psqls
            .iter_mut()
            .map(|psql| scope.spawn(move || rate(bytes, psql.ask(&format!("select repeat('x', {bytes})")))))
            .collect();
        // Those that end first leave more to the others; the sum of what each had is what they had together at most.
        let slowest = rates.into_iter().map(|rate| rate.join().expect("it did not panic")).fold(f64::MAX, f64::min);
        slowest * STREAMS as f64
    })
}

/// Beside a bulk download on a connection of its own: a small query on one that is there, new logins with one, and from a
/// CancelRequest until the statement has ended.
fn hurried(way: &Way<'_>) -> [f64; 3] {
    let mut bulk = Psql::start(way);
    bulk.ask("select 1");
    bulk.tell("select repeat('x', 60000000)");
    std::thread::sleep(Duration::from_secs(2));
    let mut beside = Psql::start(way);
    beside.ask("select 1");
    let mut queries: Vec<Duration> = (0..60).map(|_| beside.ask("select id from orders where id = 7")).collect();
    let mut logins: Vec<Duration> = (0..5)
        .map(|_| {
            let begun = std::time::Instant::now();
            Psql::start(way).ask("select 1");
            begun.elapsed()
        })
        .collect();
    let mut cancels: Vec<Duration> = (0..5)
        .map(|_| {
            let mut psql = Psql::start(way);
            psql.ask("select 1");
            psql.tell("select pg_sleep(600)");
            // Until the server has it, behind whatever is on its way.
            std::thread::sleep(Duration::from_secs(1));
            psql.interrupt()
        })
        .collect();
    [median(&mut queries), median(&mut logins), median(&mut cancels)]
}

/// What arrived must be what was sent; `None`: it did not all arrive.
fn troubled_download(way: &Way<'_>) -> Option<f64> {
    let mut psql = Psql::start(way);
    psql.try_ask("select 1", GIVEN_UP)?;
    let (text, took) = psql.try_ask(&format!("select repeat('0123456789', {})", TROUBLED / 10), GIVEN_UP)?;
    assert!(text == "0123456789".repeat(TROUBLED / 10), "what arrived is not what was sent");
    Some(rate(TROUBLED, took))
}

fn troubled_upload(way: &Way<'_>) -> Option<f64> {
    let mut psql = Psql::start(way);
    psql.try_ask("select 1", GIVEN_UP)?;
    let text = "0123456789".repeat(TROUBLED / 10);
    let (same, took) = psql.try_ask(&format!("select '{text}' = repeat('0123456789', {})", TROUBLED / 10), GIVEN_UP)?;
    assert_eq!(same, "t", "what arrived is not what was sent");
    Some(rate(TROUBLED, took))
}

/// The middle one.
fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// In milliseconds.
fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

fn plugin() -> Option<String> {
    let named = std::env::var("SESSION_MANAGER_PLUGIN").ok();
    let program = named.unwrap_or_else(|| "session-manager-plugin".to_owned());
    let found = Command::new(&program).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !found {
        println!("no session-manager-plugin: name one in SESSION_MANAGER_PLUGIN to compare with it");
    }
    found.then_some(program)
}
