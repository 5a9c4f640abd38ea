//! A script as a vendor ships it: role, database, schemas, some hundred statements of DDL, grants, data by COPY. It runs
//! through `gatepost exec … -- psql -f` and through `gatepost query -f`, and pg_dump finds the same in both databases.

use gatepost::sandbox::{Options, Sandbox};
use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

const GATEPOST: &str = env!("CARGO_BIN_EXE_gatepost");

/// Everything under one name, so that two of them can stand side by side.
fn script(name: &str) -> String {
    let mut text = format!(
        "-- Set-up of {name}; \"quoted; here\" and 'there\n\\set ON_ERROR_STOP on\n\\set app {name}\n\\set QUIET on\n\
         CREATE ROLE :app LOGIN PASSWORD 'it''s; secret';\nCREATE ROLE {name}_read NOLOGIN;\nGRANT {name}_read TO :app;\n\
         CREATE DATABASE :\"app\" ENCODING 'UTF8' TEMPLATE template0;\nCOMMENT ON DATABASE {name} IS :'app';\n\
         \\connect :app\nSET client_encoding = 'UTF8';\nSET check_function_bodies = false;\n\
         SELECT pg_catalog.set_config('search_path', '', false);\n"
    );
    for schema in ["core", "audit", "\"Odd; Name\""] {
        write!(
            text,
            "CREATE SCHEMA {schema};\nGRANT USAGE ON SCHEMA {schema} TO {name}_read;\n\
             ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {name}_read;\n"
        )
        .expect("a String takes it");
    }
    text.push_str(
        "CREATE TYPE core.state AS ENUM ('new', 'it''s; done', 'gone');\nCREATE DOMAIN core.amount AS numeric(12,2) \
         CHECK (VALUE >= 0);\nCREATE TABLE audit.changes (id bigserial PRIMARY KEY, at timestamptz, what text, by name);\n\
         CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql AS $body$\nBEGIN\n  -- a ; and a 'quote\n  \
         INSERT INTO audit.changes (what, by) VALUES (TG_TABLE_NAME || $q$; x$q$, 'v');\n  RETURN NEW;\nEND;\n$body$;\n\
         CREATE FUNCTION core.twice(n int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT n; SELECT n * 2; END;\n\
         CREATE PROCEDURE core.settle() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;\nCALL core.settle();\n",
    );
    for n in 0..120 {
        write!(
            text,
            "CREATE TABLE core.t{n} (\n    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n    name text NOT NULL DEFAULT \
             'a;b', -- not; an end\n    state core.state DEFAULT 'new', price core.amount, parent integer\n);\n\
             CREATE INDEX t{n}_name ON core.t{n} (lower(name)) WHERE state <> 'gone';\nCOMMENT ON TABLE core.t{n} IS \
             E'No. {n}\\nwith a line';\nCREATE VIEW core.v{n} AS SELECT id, name /* ; */ FROM core.t{n};\n\
             CREATE TRIGGER t{n}_note AFTER UPDATE ON core.t{n} FOR EACH ROW EXECUTE FUNCTION audit.note();\n\
             GRANT SELECT, INSERT ON core.t{n} TO :app;\n"
        )
        .expect("a String takes it");
        if n > 0 {
            writeln!(text, "ALTER TABLE core.t{n} ADD FOREIGN KEY (parent) REFERENCES core.t{} (id);", n - 1)
                .expect("taken");
        }
    }
    text.push_str("BEGIN;\nCOPY core.t0 (name, state, price) FROM stdin;\n");
    for n in 0..20_000 {
        writeln!(text, "row {n}\\tand; a tab\t{}\t{n}.25", if n % 3 == 0 { "new" } else { "it's; done" })
            .expect("taken");
    }
    text.push_str("\\.\nCOPY core.t1 (name, price) FROM stdin WITH (FORMAT csv, NULL 'none');\n");
    for n in 0..5_000 {
        writeln!(text, "\"line {n}\nand \"\"more\"\"; ü\",{}", if n % 7 == 0 { "none" } else { "1.50" })
            .expect("taken");
    }
    text.push_str(
        "\\.\nUPDATE core.t0 SET price = price + 1 WHERE id % 1000 = 0;\nCOMMIT;\nCREATE INDEX CONCURRENTLY t0_price ON \
         core.t0 (price);\nVACUUM ANALYZE core.t0;\nDO $$ BEGIN FOR n IN 1..3 LOOP EXECUTE format('CREATE TABLE \
         audit.part_%s (n int)', n); END LOOP; END $$;\nSELECT count(*) AS rows, count(*) > 0 AS any FROM core.t0 \\gset n_\n\\if :n_any\nCREATE \
         TABLE core.counted AS SELECT :n_rows::int AS rows, core.twice(21) AS twice;\n\\else\nSELECT 1/0;\n\\endif\n\
         SELECT format('CREATE TABLE core.g%s (n int)', n) FROM generate_series(1, 40) n \\gexec\nANALYZE;\n",
    );
    text
}

struct Machine {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Machine {
    async fn run(&self, words: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(GATEPOST);
        command.args(words).envs(self.sandbox.environment()).env("PGPASSWORD", "postgres-master-password");
        command.env("GATEPOST_STATE_DIR", self.folder.path().join("state")).env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    async fn exec(&self, words: &[&str]) -> (Option<i32>, String, String) {
        let login = ["exec", "orders-prod", "--user", "postgres", "--auth", "password", "--write", "--"];
        self.run(&[&login[..], words].concat()).await
    }

    fn script(&self, name: &str) -> String {
        let path = self.folder.path().join(format!("{name}.sql"));
        std::fs::write(&path, script(name)).expect("written");
        path.display().to_string()
    }

    /// What pg_dump makes of it, the name taken out.
    async fn dumped(&self, name: &str) -> String {
        let (status, out, err) = self.exec(&["pg_dump", "--create", name]).await;
        assert_eq!(status, Some(0), "{err}");
        let lines = out.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
        lines.collect::<Vec<_>>().join("\n").replace(name, "NAME")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendors_script_ends_the_same_through_exec_and_query() {
    let answers = |program: &str| std::process::Command::new(program).arg("--version").output().is_ok();
    if !answers("psql") || !answers("pg_dump") {
        return eprintln!("skipped: psql or pg_dump is not here: apt-get install postgresql-client");
    }
    let sandbox = Sandbox::start(Options { events: false, ..Options::default() }).await.expect("the sandbox starts");
    let machine = Machine { sandbox, folder: tempfile::tempdir().expect("a temporary folder") };
    let (one, other) = (machine.script("vendor_one"), machine.script("vendor_two"));
    assert!(Path::new(&one).metadata().expect("there").len() > 800_000);
    let (status, _, err) = machine.exec(&["psql", "-X", "-f", &one]).await;
    assert_eq!(status, Some(0), "{err}");
    let login = ["query", "orders-prod", "--user", "postgres", "--auth", "password", "--write", "-f", &other];
    let (status, _, err) = machine.run(&login).await;
    assert_eq!(status, Some(0), "{err}");
    let (one, other) = (machine.dumped("vendor_one").await, machine.dumped("vendor_two").await);
    let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    assert!(one == other, "{differs:?}, of {} and {} bytes", one.len(), other.len());
    for part in
        ["CREATE TABLE core.t119", "CREATE TABLE core.g40", "row 19999\\tand; a tab", "audit.part_3", "NAME_read"]
    {
        assert!(one.contains(part), "{part}");
    }

    // One that fails half way ends with psql's own status there and ours here, and leaves the same.
    let broken = |name: &str| {
        let path = machine.folder.path().join(format!("{name}.broken.sql"));
        let text = format!(
            "\\set ON_ERROR_STOP on\n\\connect {name}\nCREATE TABLE core.before (n int);\nCREATE TABLE core.before (n int);\n\
             CREATE TABLE core.after (n int);\n"
        );
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let (status, _, err) = machine.exec(&["psql", "-X", "-f", &broken("vendor_one")]).await;
    assert!(status == Some(3) && err.contains("already exists"), "{status:?} {err}");
    let other = broken("vendor_two");
    let (status, _, err) = machine.run(&[&login[..8], &[other.as_str()]].concat()).await;
    assert!(status == Some(1) && err.contains("already exists"), "{status:?} {err}");
    assert_eq!(machine.dumped("vendor_one").await, machine.dumped("vendor_two").await);
    assert!(machine.sandbox.sessions().live().is_empty());
    machine.sandbox.stop().await;
}
