//! The verbs that list, sign and forward.

use crate::neighbour::{self, shared};
use insta::assert_snapshot;
use std::io::{BufRead, BufReader};
use std::process::Command;

#[test]
fn list_is_a_table() {
    assert_snapshot!(shared().transcript(&["list"]));
}

#[test]
fn list_takes_regions_and_engines() {
    assert_snapshot!(shared().transcript(&[
        "list",
        "--region",
        "us-east-1",
        "--region",
        "eu-west-1",
        "--engine",
        "mysql"
    ]));
}

#[test]
fn list_json_has_what_scripts_need() {
    let said = shared().run(&["list", "--json"]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    let fleet: serde_json::Value = serde_json::from_str(&said.stdout).expect("an array");
    let rows = fleet.as_array().expect("an array");
    assert!(rows.len() > 15, "{} rows", rows.len());
    for row in rows {
        for key in [
            "kind",
            "identifier",
            "resource_id",
            "arn",
            "engine",
            "engine_version",
            "status",
            "iam_auth",
            "region",
            "cluster",
            "role",
            "endpoints",
            "vpc_id",
            "public",
        ] {
            assert!(row.get(key).is_some(), "{key} is missing in {row}");
        }
    }
    let by_name = |name: &str| rows.iter().find(|row| row["identifier"] == name).unwrap_or_else(|| panic!("no {name}"));
    let orders = by_name("orders-prod");
    assert_eq!((&orders["kind"], &orders["iam_auth"]), (&"cluster".into(), &"enabled".into()));
    assert_eq!(orders["endpoints"][0]["role"], "writer");
    assert_eq!(orders["endpoints"][0]["port"], 5432);
    assert_eq!(by_name("ledger")["iam_auth"], "pending");
    assert_eq!(by_name("legacy-crm")["iam_auth"], "disabled");
    assert_eq!(by_name("inventory-dev")["endpoints"], serde_json::json!([]));
    assert_eq!(by_name("orders-proxy")["kind"], "proxy");
    let member = rows.iter().find(|row| row["cluster"] == "orders-prod").expect("a member");
    assert_eq!((&member["kind"], &member["role"]), (&"instance".into(), &"writer".into()));
    // Regions in the order asked for.
    let regions: Vec<&str> = rows.iter().filter_map(|row| row["region"].as_str()).collect();
    let turn = regions.iter().position(|region| *region == "us-east-1").expect("both regions");
    assert!(regions[..turn].iter().all(|region| *region == "eu-west-1"));
    assert!(regions[turn..].iter().all(|region| *region == "us-east-1"));
}

#[test]
fn token_is_alone_on_stdout() {
    let words = ["token", "orders-prod", "--user", "a+b c@x.com"];
    let said = shared().run(&words);
    assert_eq!(said.stdout.lines().count(), 1);
    assert!(said.stdout.contains("&DBUser=a%2Bb%20c%40x.com&") || said.stdout.contains("DBUser=a%2Bb%20c%40x.com"));
    assert_snapshot!(shared().told(&words, &said));
}

#[test]
fn token_says_when_it_would_be_refused() {
    assert_snapshot!(shared().transcript(&["token", "legacy-crm", "--user", "oncall"]));
}

#[test]
fn policy_is_text_and_json() {
    assert_snapshot!(shared().transcript(&["policy", "orders-prod", "--user", "oncall"]));
    let said = shared().run(&["policy", "orders-prod", "--user", "oncall", "--json"]);
    let policy: serde_json::Value = serde_json::from_str(&said.stdout).expect("an object");
    assert_eq!(policy["document"]["Statement"][0]["Action"], "rds-db:connect");
    assert_eq!(policy["document"]["Statement"][0]["Resource"], policy["resource"]);
}

#[test]
fn names_that_fit_nothing() {
    assert_snapshot!("unknown", shared().transcript(&["token", "orders-prd", "--user", "oncall"]));
    assert_snapshot!("no_endpoint_yet", shared().transcript(&["token", "inventory-dev", "--user", "oncall"]));
    // The sandbox's environment names a user; without it there is none.
    let words = ["token", "billing"];
    let child = shared().command(&words).env_remove("GATEPOST_USER").spawn().expect("gatepost runs");
    assert_snapshot!("no_user", shared().told(&words, &neighbour::finish(child)));
}

#[test]
fn wrong_words_are_usage() {
    assert_snapshot!("no_sql", shared().transcript(&["query", "orders-prod"]));
    assert_snapshot!("wrong_setting", shared().transcript(&["list", "--resolve", "nonsense"]));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "user = \"oncall\"\nregion = \"eu-west-1\"\n").expect("written");
    let words = ["--config", config.to_str().expect("text"), "list"];
    let said = shared().run(&words);
    assert_eq!(said.status, 2);
    assert!(said.stderr.contains("config.toml:2: region: unknown key; did you mean regions?"), "{}", said.stderr);
}

#[test]
fn the_console_needs_a_terminal() {
    assert_snapshot!(shared().transcript(&[]));
}

#[test]
fn settings_say_where_they_come_from() {
    let said = shared().run(&["settings", "--ca-bundle", "/x.pem"]);
    assert_eq!(said.status, 0);
    assert!(
        said.stdout.contains("regions = [\"eu-west-1\", \"us-east-1\"]  # from GATEPOST_REGIONS"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("ca_bundles = [\"/x.pem\"]  # from --ca-bundle"), "{}", said.stdout);
}

#[test]
fn completions_and_manual_pages_are_made() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = shared().run(&["completions", shell]);
        assert_eq!(said.status, 0);
        assert!(said.stdout.contains("tunnel"), "{shell}");
    }
    assert!(shared().run(&["man"]).stdout.contains(".TH gatepost"));
    assert!(shared().run(&["man", "query"]).stdout.contains("gatepost\\-query"));
    assert_eq!(shared().run(&["man", "nonsense"]).status, 2);
}

/// What issue 2 asks of the tunnel: psql, verify-full under the real name, a token from `gatepost token`.
#[test]
fn psql_logs_in_through_a_tunnel() {
    let neighbour = shared();
    let mut tunnel = neighbour.command(&["tunnel", "orders-prod", "--user", "oncall"]).spawn().expect("gatepost runs");
    let mut lines = BufReader::new(tunnel.stdout.take().expect("a pipe")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    let (port_line, psql) = (line(), line());
    assert!(port_line.starts_with("127.0.0.1:"), "{port_line}");
    assert!(psql.contains("PGSSLMODE=verify-full") && psql.contains("PGHOSTADDR=127.0.0.1"), "{psql}");
    // The line as it is pasted, with a statement; `gatepost` is this build's.
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_gatepost")).parent().expect("a folder");
    let path = format!("{}:{}", folder.display(), neighbour.variable("PATH"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{psql} -XAtc 'select current_user, count(*) > 0 from orders'")]);
    let mut like_us = neighbour.command(&[]);
    for (name, value) in like_us.get_envs() {
        shell.env(name, value.expect("set"));
    }
    let _ = &mut like_us;
    let output = shell.env("PATH", path).output().expect("sh runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "oncall|t\n", "{}", String::from_utf8_lossy(&output.stderr));

    let process = rustix::process::Pid::from_raw(tunnel.id().try_into().expect("a process id")).expect("not zero");
    rustix::process::kill_process(process, rustix::process::Signal::INT).expect("it lives");
    assert_eq!(neighbour::wait(&mut tunnel), 0, "to be interrupted is how a tunnel ends");
}

#[test]
fn a_tunnel_goes_to_anything_the_bastion_reaches() {
    assert_snapshot!("unlisted_without_bastion", shared().transcript(&["tunnel", "cache.internal:6379"]));
    assert_snapshot!("no_such_bastion", shared().transcript(&["tunnel", "cache.internal:6379", "--via", "nobody"]));
}

/// What `policy` prints is run as it stands, for a name that needs quoting; and undone.
#[test]
fn the_sql_of_a_policy_runs() {
    let neighbour = shared();
    let user = "o'neil $grant0$ \"x\" %";
    let words = ["policy", "orders-prod", "--user", user, "--schema", "public", "--table", "orders", "--json"];
    let json: serde_json::Value = serde_json::from_str(&neighbour.run(&words).stdout).expect("JSON");
    assert_eq!(json["scopes"].as_array().map(Vec::len), Some(4));
    assert_eq!(json["trust"]["document"]["Statement"][0]["Action"], "sts:AssumeRole");
    let mut script = format!("begin;\n{}\n", json["sql"].as_str().expect("SQL"));
    for grant in json["grants"].as_array().expect("a list") {
        let sql = grant["sql"].as_str().expect("SQL");
        script.push_str(&format!("{sql}\n"));
    }
    let literal = user.replace('\'', "''");
    script
        .push_str(&format!("select has_table_privilege('{literal}', 'public.orders', 'select, delete');\nrollback;\n"));
    let query = ["query", "orders-prod", "--auth", "secret", "--user", "postgres", "--write", "--format", "tsv", "-"];
    let said = neighbour.feed(&query, &script);
    assert!(said.status == 0 && said.stdout.trim_end().ends_with('t'), "{}{}", said.stdout, said.stderr);
}
