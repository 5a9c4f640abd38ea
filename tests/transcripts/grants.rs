//! What is to be granted, and what no grant helps: policies, trusts, proxies, engines without tokens.

use crate::neighbour::{self, shared};
use insta::assert_snapshot;
use std::io::{BufRead, BufReader};

#[test]
fn an_engine_without_tokens_is_refused_in_the_same_words() {
    assert_snapshot!("no_iam", shared().transcript(&["policy", "erp", "--user", "oncall"]));
    for name in ["erp", "catalog-docs", "search-graph"] {
        let said = shared().run(&["policy", name, "--user", "oncall"]);
        assert!(said.status == 2 && said.stdout.is_empty(), "{}{}", said.stdout, said.stderr);
        for other in [&["token", name, "--user", "oncall"][..], &["enable-iam", name]] {
            let other = shared().run(other);
            assert_eq!((other.status, &other.stderr), (2, &said.stderr));
        }
    }
}

#[test]
fn a_trust_is_for_whom_iam_knows() {
    assert_snapshot!(
        "trust_everybody",
        shared().transcript(&["policy", "orders-prod", "--user", "oncall", "--trust=*"])
    );
    assert_snapshot!(
        "role_name",
        shared().transcript(&["policy", "orders-prod", "--user", "oncall", "--trust", "--role", "my role"])
    );
    for wrong in ["--trust=foo", "--trust=12345", "--trust=arn:aws-cn:iam::123456789012:root"] {
        let said = shared().run(&["policy", "orders-prod", "--user", "oncall", wrong]);
        assert!(said.status == 2 && said.stdout.is_empty(), "{wrong}: {}", said.stdout);
    }
    let said = shared().run(&["policy", "orders-prod", "--user", "oncall", "--trust=210987654321"]);
    assert!(said.status == 0 && said.stdout.contains("\"AWS\": \"arn:aws:iam::210987654321:root\""), "{}", said.stdout);
}

/// Without the grants, which are those of any database.
fn policy_of(name: &str) -> String {
    let told = shared().transcript(&["policy", name, "--user", "oncall"]);
    let (policy, _) = told.split_once("-- What people ask for next").expect("grants");
    policy.to_owned()
}

#[test]
fn a_proxys_user_needs_what_the_proxy_logs_in_with() {
    assert_snapshot!("policy_proxy_secrets", policy_of("orders-us-proxy"));
    assert_snapshot!("policy_proxy_end_to_end", policy_of("orders-proxy"));
    assert_snapshot!("policy_proxy_mysql", policy_of("shop-web-proxy"));
    let said = shared().run(&["policy", "orders-us-proxy", "--user", "oncall", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&said.stdout).expect("an object");
    assert_eq!(json["proxy"].as_array().map(Vec::len), Some(3));
    let query = |name, user| shared().transcript(&["query", name, "--user", user, "-c", "select current_user"]);
    assert_snapshot!("query_proxy_secrets", query("orders-us-proxy", "oncall"));
    assert_snapshot!("query_proxy_end_to_end", query("orders-proxy", "app"));
    for (name, user) in [("orders-us-proxy", "app"), ("orders-proxy", "oncall")] {
        let said = query(name, user);
        assert!(said.contains(&format!("\n {user}")) && said.contains("exit status 0"), "{said}");
    }
    assert_snapshot!(
        "enable_iam_proxy",
        shared().transcript(&["enable-iam", "orders-us-proxy", "--profile", "default"])
    );
}

/// Where AWS's own list says that no token will be taken, or that nothing answers, it is said beforehand.
#[test]
fn what_will_fail_is_noted_beforehand() {
    let off = |name: &str| format!("note: IAM authentication of {name} is disabled: it will refuse tokens");
    for verb in ["token", "policy"] {
        let said = shared().run(&[verb, "legacy-crm", "--user", "oncall"]);
        assert!(said.status == 0 && said.stderr.lines().any(|line| line == off("legacy-crm")), "{}", said.stderr);
    }
    let said = shared().run(&["exec", "metabase", "--user", "oncall", "--", "true"]);
    assert!(said.status == 0 && said.stderr.lines().any(|line| line == off("metabase")), "{}", said.stderr);
    let stopped = "note: warehouse-staging is stopped: logins there will fail".to_owned();
    for (name, note) in
        [("metabase", off("metabase")), ("legacy-crm", off("legacy-crm")), ("warehouse-staging", stopped)]
    {
        let mut listener = shared().command(&["proxy", name, "--user", "oncall"]).spawn().expect("gatepost runs");
        let stdout = BufReader::new(listener.stdout.take().expect("a pipe"));
        let ready = stdout.lines().next().expect("a line").expect("text");
        assert!(ready.contains(&format!(" is {name} (")), "{ready}");
        // It goes on until it is interrupted, and what it has begun to say it says to the end.
        let process =
            rustix::process::Pid::from_raw(listener.id().try_into().expect("a process id")).expect("not zero");
        rustix::process::kill_process(process, rustix::process::Signal::INT).expect("it lives");
        let said = neighbour::finish(listener);
        assert_eq!(said.status, 0, "to be interrupted is how a listener ends");
        assert!(said.stderr.lines().any(|line| line == note), "{note}: {}", said.stderr);
    }
}
