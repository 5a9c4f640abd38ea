//! What is in the server: roles, databases, the shop, and its million events. It must not know who will read it.

use super::client::literal;
use super::{Postgres, ServerError};

/// Rows of events, how they fall on the partitions (25 seconds a row from the first of January 2026), first and last.
const EVENTS: [(&str, u32, u32); 4] = [
    ("events_2026_q1", 1, 311_040),
    ("events_2026_q2", 311_041, 625_536),
    ("events_2026_q3", 625_537, 943_488),
    ("events_2026_q4", 943_489, 1_000_000),
];

/// The databases besides `postgres` and `shop`: what they hold is one table, enough to see that it is another one.
const SMALL: [(&str, &str); 6] = [
    ("billing", "invoices"),
    ("crm", "contacts"),
    ("reports", "reports"),
    ("ledger", "entries"),
    ("inventory", "stock"),
    ("analytics", "visits"),
];

/// Fills the server. `events`: with the million rows too (about a second, on two connections).
pub async fn fill(postgres: &Postgres, events: bool) -> Result<(), ServerError> {
    let mut administrator = postgres.administer("postgres").await?;
    administrator.query(include_str!("../../../assets/roles.sql")).await?;
    administrator.query("create database shop owner postgres").await?;
    // CREATE DATABASE must stand alone; the others are made while the shop is filled.
    let (shop, small) = tokio::join!(shop(postgres, events), async {
        for (database, table) in SMALL {
            administrator.query(&format!("create database {database} owner postgres")).await?;
            let mut client = postgres.administer(database).await?;
            client.query(&small_database(database, table)).await?;
        }
        Ok::<_, ServerError>(())
    });
    shop.and(small)
}

async fn shop(postgres: &Postgres, events: bool) -> Result<(), ServerError> {
    let mut client = postgres.administer("shop").await?;
    // The schema is committed in the middle of the file; the events' partitions are there from then on.
    let (schema, rest) = SHOP.split_once("commit;\nbegin;").unwrap_or((SHOP, ""));
    client.query(schema).await?;
    let mut others = tokio::task::JoinSet::new();
    if events {
        // Two at a time: more would only contend for the two cores of a small machine.
        for partitions in [[EVENTS[0], EVENTS[3]], [EVENTS[1], EVENTS[2]]] {
            let mut client = postgres.administer("shop").await?;
            others.spawn(async move {
                for (partition, from, to) in partitions {
                    client.query(&events_statement(partition, from, to)).await?;
                }
                Ok::<_, ServerError>(())
            });
        }
    }
    client.query(rest).await?;
    while let Some(joined) = others.join_next().await {
        joined.map_err(std::io::Error::other)??;
    }
    client.query("create index events_time on events using brin (occurred_at); analyze").await?;
    Ok(())
}

const SHOP: &str = include_str!("../../../assets/shop.sql");

fn events_statement(partition: &str, from: u32, to: u32) -> String {
    include_str!("../../../assets/shop-events.sql")
        .replace("\n-- ", "\n")
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect::<Vec<_>>()
        .join("\n")
        .replace(":partition", partition)
        .replace(":from", &from.to_string())
        .replace(":to", &to.to_string())
}

fn small_database(database: &str, table: &str) -> String {
    let comment = literal(&format!("A little of what {database} would hold."));
    format!(
        "set role postgres; \
         create table {table} (id integer generated always as identity primary key, reference text not null, \
         amount numeric(12,2), booked_at timestamptz not null); \
         comment on table {table} is {comment}; \
         insert into {table} (reference, amount, booked_at) \
         select upper(left({name}, 3)) || '-' || lpad(n::text, 6, '0'), round((n * 7919 % 100000) / 100.0, 2), \
                timestamptz '2026-01-01 00:00Z' + n * interval '7 hours' \
         from generate_series(1, 500) n; \
         grant usage on schema public to shop_readers, shop_writers; \
         grant select on {table} to shop_readers; \
         grant select, insert, update, delete on {table} to shop_writers",
        name = literal(database)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::postgres::{Binaries, Folder};

    #[test]
    fn the_events_are_a_million_without_a_gap() {
        assert_eq!(EVENTS[0].1, 1);
        assert!(EVENTS.windows(2).all(|pair| pair[0].2 + 1 == pair[1].1));
        assert_eq!(EVENTS[3].2, 1_000_000);
    }

    #[tokio::test]
    async fn a_real_server_starts_holds_the_shop_and_goes() {
        let folder = Folder::new().expect("a folder");
        let binaries = Binaries::find(None, &folder.path().join("postgresql")).expect("a PostgreSQL on this machine");
        let begun = std::time::Instant::now();
        let postgres = Postgres::start(&binaries, &folder).await.expect("a server");
        let started = begun.elapsed();
        fill(&postgres, true).await.expect("filled");
        println!("started after {started:?}, filled after {:?}", begun.elapsed());
        let mut client = postgres.administer("shop").await.expect("a connection");
        let one = |rows: Vec<super::super::client::Row>| rows[0][0].clone().expect("a value");
        assert_eq!(one(client.query("select count(*) from events").await.expect("counted")), "1000000");
        assert_eq!(one(client.query("select count(*) from orders").await.expect("counted")), "24000");
        assert_eq!(
            one(client.query("select pg_has_role('analyst', 'rds_iam', 'member')").await.expect("asked")),
            "t",
            "membership is inherited"
        );
        let error = client.query("select * from nothing").await.expect_err("no such table");
        assert!(matches!(error, ServerError::Refused { code, .. } if code == "42P01"));
        let path = folder.path().to_owned();
        drop((client, postgres, folder));
        assert!(!path.exists());
    }
}
