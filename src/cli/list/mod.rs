//! `gatepost list`: everything that can be reached, over all profiles and regions. It must not know how AWS is asked.

mod json;
mod table;

use super::{Failure, Terminal, failure};
use crate::access::Access;
use crate::model::{Database, Diagnosis, Inventory, Place, visible};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::io::{self, Write};

/// List clusters, their members, instances and RDS Proxies
///
/// Regions are asked in parallel and shown in the order in which they were named. A region that fails is told on stderr;
/// the others are listed all the same, and the exit status says that something is missing.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Only this engine, as AWS spells it (aurora-postgresql, postgres, mysql, …); repeat it for several
    #[arg(long, short, value_name = "ENGINE")]
    pub engine: Vec<String>,
    /// An array of objects, complete
    #[arg(long)]
    pub json: bool,
}

/// Runs it.
pub async fn run(access: &Access, args: &Args, terminal: &Terminal) -> Result<(), Failure> {
    let places = access.places().await?;
    let mut databases: Vec<Database> = Vec::new();
    let mut status = 0;
    for (place, answer) in places.iter().zip(ask(access, &places, terminal).await) {
        match answer {
            Ok(inventory) => {
                for gap in &inventory.gaps {
                    writeln!(io::stderr().lock(), "note: {}: {}", visible(&place.to_string()), visible(gap))?;
                }
                databases.extend(inventory.databases.into_iter().filter(|database| wanted(args, database)));
            }
            Err(diagnosis) => {
                failure::tell(&with_place(diagnosis.clone(), place), terminal.color_on_stderr());
                status = status.max(diagnosis.kind.exit_status());
            }
        }
    }
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    if args.json {
        json::write(&mut stdout, &databases)?;
    } else if databases.is_empty() {
        if status == 0 {
            let asked: Vec<String> = places.iter().map(|place| visible(&place.to_string()).into_owned()).collect();
            writeln!(io::stderr().lock(), "nothing found in {}", asked.join(", "))?;
        }
    } else {
        table::write(&mut stdout, &databases, terminal)?;
    }
    stdout.flush()?;
    if status == 0 { Ok(()) } else { Err(Failure::Told(status)) }
}

/// Asks all places at once; the answers are in the order of `places`.
async fn ask(access: &Access, places: &[Place], terminal: &Terminal) -> Vec<Result<Inventory, Diagnosis>> {
    let mut open: FuturesUnordered<_> =
        places.iter().enumerate().map(|(at, place)| async move { (at, access.inventory(place).await) }).collect();
    let mut answers: Vec<Option<Result<Inventory, Diagnosis>>> = places.iter().map(|_| None).collect();
    // A line that is overwritten; nobody minds where it cannot be written.
    let tell = |waiting: usize| {
        if terminal.stderr {
            let _ = match waiting {
                0 => write!(io::stderr().lock(), "\r\x1b[K"),
                n => {
                    write!(io::stderr().lock(), "\r\x1b[Kasking AWS: {} of {} regions", places.len() - n, places.len())
                }
            };
        }
    };
    tell(places.len());
    while let Some((at, answer)) = open.next().await {
        answers[at] = Some(answer);
        tell(open.len());
    }
    answers.into_iter().flatten().collect()
}

/// The diagnosis, naming its place if it does not yet.
fn with_place(diagnosis: Diagnosis, place: &Place) -> Diagnosis {
    if diagnosis.title.contains(&place.region) {
        return diagnosis;
    }
    Diagnosis { title: format!("{place}: {}", diagnosis.title), ..diagnosis }
}

fn wanted(args: &Args, database: &Database) -> bool {
    args.engine.is_empty()
        || args.engine.iter().any(|engine| {
            engine.eq_ignore_ascii_case(database.engine.name()) || engine.eq_ignore_ascii_case(database.engine.short())
        })
}

/// The account number in an ARN.
fn account(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}
