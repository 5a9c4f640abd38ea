//! A walk by key script through the real console, in a real terminal, with the sandbox's AWS and a real PostgreSQL: look into
//! the catalogue, write a query with completion, run, sort, search, open a cell, export, explain, roll back, cancel, switch
//! tabs, and go on after the sessions were ended and after the server was restarted. Every step waits for what is seen, never for a time.

#[allow(dead_code)]
#[path = "transcripts/neighbour.rs"]
mod neighbour;
#[path = "support/terminal.rs"]
mod terminal;

use neighbour::shared;
use portable_pty::CommandBuilder;
use terminal::Terminal;

const ESC: &str = "\x1b";
const F7: &str = "\x1b[18~";
const F9: &str = "\x1b[20~";

/// Puts `sql` into the empty editor and runs it by Enter.
fn run(terminal: &mut Terminal, sql: &str) {
    // Everything is selected and taken away first.
    terminal.press("\x1ba");
    terminal.press("\x1b[3~");
    terminal.press(&format!("\x1b[200~{sql}\x1b[201~"));
    let last = sql.lines().last().unwrap_or_default();
    // A long line is scrolled to its end.
    terminal.wait_for(&last[last.len().saturating_sub(30)..]);
    terminal.press("\r");
}

#[test]
fn a_query_from_the_first_letter_to_a_server_that_was_restarted() {
    let like_ours = shared().command(&[]);
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_gatepost"));
    command.env_clear();
    for (name, value) in like_ours.get_envs() {
        command.env(name, value.expect("set"));
    }
    command.env("TERM", "xterm-256color");
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::run(command);
    terminal.wait_for("62 databases");
    terminal.press("/billing !replica\r");
    terminal.wait_for("1 of 62");
    terminal.press("\r");
    terminal.wait_for("log in with");
    terminal.press("\r");
    terminal.wait_for("idle · autocommit");

    // The catalogue, once the names are here: filtered, described, its DDL.
    terminal.press(F9);
    terminal.wait_for("▸ pg_catalog");
    terminal.press("/pg_tables");
    terminal.wait_for(" fit");
    terminal.wait_for("pg_tables  view");
    terminal.press("\rD");
    terminal.wait_for("CREATE VIEW pg_catalog.pg_tables");
    terminal.press("q");
    terminal.wait_for("catalogue of");
    terminal.press("\x1b[20~");
    terminal.wait_for_not("catalogue of");

    // Completion: the name is finished by Tab. Rows, sorted, searched.
    terminal.press("select g as number, md5(g::text) as sum from generate_ser");
    terminal.wait_for("generate_series");
    terminal.press("\t");
    terminal.wait_for("generate_series(");
    run(&mut terminal, "select g as number, md5(g::text) as sum from generate_series(1, 5000) g;");
    terminal.wait_for("5,000 rows");
    terminal.press(ESC);
    terminal.wait_for("export");
    terminal.press("ss");
    terminal.wait_for("by number ▼");
    terminal.press("/f899139df5e1059396431415e770c6dd\r");
    terminal.wait_for("row 4,901");
    terminal.wait_for("│ f899139df5e1059396431415e770c6dd");
    terminal.press("\r");
    terminal.wait_for("· row 4,901 ·");
    terminal.press("q");
    let file = folder.path().join("rows.csv");
    terminal.press("e");
    terminal.press("\x15");
    terminal.press(&format!("\x1b[200~{}\x1b[201~", file.display()));
    terminal.press("\r");
    terminal.wait_for("wrote 5,000 rows");
    let text = std::fs::read_to_string(&file).expect("the export");
    assert_eq!(text.lines().count(), 5001);
    assert!(text.starts_with("number,sum\n5000,"), "{}", &text[..40.min(text.len())]);
    terminal.press("i");

    // The plan of the same statement, a node of it, its text.
    terminal.press(F7);
    terminal.wait_for("Function Scan on generate_series");
    terminal.press(ESC);

    // A transaction that is rolled back; a statement that is cancelled.
    run(&mut terminal, "begin;");
    terminal.wait_for("TRANSACTION OPEN");
    run(&mut terminal, "rollback;");
    terminal.wait_for("idle · autocommit");
    run(&mut terminal, "select pg_sleep(600);");
    terminal.wait_for("running");
    terminal.press("\x03");
    terminal.wait_for("ancelled");
    terminal.wait_for("idle · autocommit");

    // Another session at the same target, which ends the first one's; back there, the next statement goes on.
    terminal.press("\x14");
    terminal.wait_for("2 billing");
    terminal.wait_for("idle · autocommit");
    run(&mut terminal, "select pg_sleep(0.001), 'second' || ' tab' as here;");
    terminal.wait_for("second tab");
    terminal.press("\x1b1");
    terminal.wait_for_not("second tab");
    terminal.press("\x1b2");
    terminal.wait_for("second tab");
    run(
        &mut terminal,
        "select count(pg_terminate_backend(pid)) as ended from pg_stat_activity where usename = current_user and pid <> pg_backend_pid();",
    );
    terminal.wait_for("ended");
    terminal.press("\x1b1");
    terminal.wait_for("CONNECTION LOST");
    run(&mut terminal, "select 'still' || ' here' as answer;");
    terminal.wait_for("still here");
    terminal.wait_for("idle · autocommit");

    // The server is restarted: both sessions hear of it, what was set is gone, and each goes on with the next statement.
    run(&mut terminal, "set application_name = 'walker';");
    terminal.wait_for("SET");
    run(&mut terminal, "begin;");
    terminal.wait_for("TRANSACTION OPEN");
    shared().restart_database();
    terminal.wait_for("CONNECTION LOST");
    // Nothing of a transaction goes on without its beginning; once that is said, the next statement does.
    run(&mut terminal, "select 'half of ' || 'it' as answer;");
    terminal.wait_for("the statement was not sent");
    run(&mut terminal, "select 'named ' || current_setting('application_name') as after_restart;");
    terminal.wait_for("named gatepost");
    terminal.wait_for("idle · autocommit");
    terminal.press("\x1b2");
    terminal.wait_for("CONNECTION LOST");
    run(&mut terminal, "select 'second is ' || 'back' as answer;");
    terminal.wait_for("second is back");
    terminal.press("\x1b1");

    // Leaving with a transaction open asks once, naming the tab.
    run(&mut terminal, "begin;");
    terminal.wait_for("TRANSACTION OPEN");
    terminal.press("\x03");
    terminal.wait_for("Ctrl-C again leaves");
    terminal.press("\x03");
    terminal.wait_for("A transaction is open");
    terminal.press("y");
    let (status, _) = terminal.end();
    assert_eq!(status, 0);
}
