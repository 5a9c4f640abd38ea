//! What a diagnosis must tell apart (product.md, section 5), row by row: one table of faults, and for each the doctor's
//! transcript, what `query` says with its exit status, and the console's screen, all with the same words. It must not know
//! how a fault is played, nor how a word is found.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "transcripts/neighbour.rs"]
mod neighbour;
#[path = "support/terminal.rs"]
mod terminal;

use gatepost::sandbox::Fault;
use insta::assert_snapshot;
use neighbour::Neighbour;
use portable_pty::CommandBuilder;
use std::num::NonZero;
use terminal::Terminal;

/// A screen on which nothing has to be left out.
const WIDE: NonZero<u16> = NonZero::new(160).expect("not zero");
const TALL: NonZero<u16> = NonZero::new(60).expect("not zero");

/// A row: what is wrong, who asks for what, and what all three must say.
struct Row {
    /// For the snapshots.
    name: &'static str,
    /// Faults of the sandbox's dial.
    faults: &'static [&'static str],
    /// NAME and flags, the same for each.
    words: &'static [&'static str],
    /// Variables besides the sandbox's; without a value: taken away.
    environment: &'static [(&'static str, Option<&'static str>)],
    /// The link that the doctor finds broken.
    link: &'static str,
    /// Exit status of doctor and query.
    status: i32,
    /// The title: the doctor's finding, query's error, the head of the console's diagnosis.
    title: &'static str,
    /// What else is said, as cause or advice, by all three.
    says: &'static [&'static str],
}

const USUAL: Row = Row {
    name: "",
    faults: &[],
    words: &["orders-prod", "--user", "oncall"],
    environment: &[],
    link: "",
    status: 3,
    title: "",
    says: &[],
};

/// Away with the sandbox's keys, and nothing in their place.
const NO_KEYS: &[(&str, Option<&str>)] = &[
    ("AWS_ACCESS_KEY_ID", None),
    ("AWS_SECRET_ACCESS_KEY", None),
    ("AWS_SESSION_TOKEN", None),
    ("AWS_SHARED_CREDENTIALS_FILE", Some("/dev/null")),
];

fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "login_ended",
            faults: &["expired-login"],
            link: "credentials",
            status: 4,
            title: "Your AWS login has ended",
            says: &["The security token included in the request is expired"],
            ..USUAL
        },
        Row {
            name: "no_credentials",
            environment: NO_KEYS,
            link: "credentials",
            status: 4,
            title: "There are no AWS credentials",
            says: &["aws login"],
            ..USUAL
        },
        Row {
            name: "denied_describe",
            faults: &["denied:rds:DescribeDBClusters"],
            words: &["orders-prod", "--user", "oncall", "--region", "eu-west-1"],
            link: "database",
            status: 4,
            title: "You may not do rds:DescribeDBClusters on arn:aws:rds:eu-west-1:123456789012:cluster:*",
            says: &["\"Action\": \"rds:DescribeDBClusters\"", "prod-admin/oncall"],
            ..USUAL
        },
        Row {
            name: "stopped",
            words: &["hr-core", "--user", "analyst"],
            link: "database",
            title: "hr-core is stopped",
            says: &["aws rds start-db-instance --db-instance-identifier hr-core"],
            ..USUAL
        },
        Row {
            name: "denied_start_session",
            faults: &["denied:ssm:StartSession"],
            link: "session",
            status: 4,
            title: "You may not start a session on bastion-a",
            says: &["document/AWS-StartPortForwardingSessionToRemoteHost", "instance/i-0b2f61a54d1c9e083"],
            ..USUAL
        },
        Row {
            name: "region_refused",
            faults: &["region-refused:eu-west-1"],
            words: &["orders-prod", "--user", "oncall", "--region", "eu-west-1"],
            link: "credentials",
            status: 4,
            title: "eu-west-1 does not know these credentials",
            says: &["aws account enable-region --region-name eu-west-1"],
            ..USUAL
        },
        Row {
            name: "throttled",
            faults: &["throttled"],
            words: &["orders-prod", "--user", "oncall", "--region", "eu-west-1"],
            link: "region",
            status: 4,
            title: "AWS asks to slow down: rds:",
            says: &["in eu-west-1, tried 5 times", "Rate exceeded"],
            ..USUAL
        },
        Row {
            name: "aws_unreachable",
            words: &[
                "orders-prod",
                "--user",
                "oncall",
                "--region",
                "eu-west-1",
                "--endpoint-url",
                "http://127.0.0.1:9",
            ],
            link: "region",
            status: 4,
            title: "AWS does not answer: rds:",
            says: &["tried 5 times", "env | grep -iE 'AWS_ENDPOINT|_proxy'"],
            ..USUAL
        },
        Row {
            name: "proxy_in_the_way",
            faults: &["proxy-in-the-way"],
            words: &["orders-prod", "--user", "oncall", "--region", "eu-west-1"],
            link: "region",
            status: 4,
            title: "A proxy is in the way to rds:",
            says: &["HTTP 407", "NO_PROXY"],
            ..USUAL
        },
        Row {
            name: "bastion_offline",
            faults: &["bastion-offline"],
            words: &["orders-prod", "--user", "oncall", "--via", "bastion-a"],
            link: "bastion",
            title: "Bastion bastion-a has been offline since ",
            says: &["17 min ago", "same VPC"],
            ..USUAL
        },
        Row {
            name: "bastions_offline",
            faults: &["bastion-offline"],
            link: "bastion",
            title: "There is no bastion that could reach orders-prod",
            says: &["bastion-a: agent offline", "its subnet has no route to", "aws ssm describe-instance-information"],
            ..USUAL
        },
        Row {
            name: "agent_old",
            faults: &["agent-old"],
            link: "bastion",
            title: "There is no bastion that could reach orders-prod",
            says: &["agent 3.1.1080.0 is too old"],
            ..USUAL
        },
        Row {
            name: "bastion_unknown",
            words: &["orders-prod", "--user", "oncall", "--via", "bastion-z"],
            link: "bastion",
            title: "There is no bastion bastion-z in eu-west-1",
            says: &["nor those of other accounts", "--via i-0b2f61a54d1c9e083"],
            ..USUAL
        },
        Row {
            name: "port_closed",
            faults: &["port-closed"],
            link: "port",
            title: "bastion-a cannot reach orders-prod.cluster-",
            says: &["aws ec2 authorize-security-group-ingress --group-id sg-0db5c1ae77490f2d6", "--port 5432"],
            ..USUAL
        },
        Row {
            name: "host_unknown",
            faults: &["host-unknown"],
            link: "DNS",
            title: "bastion-a cannot resolve orders-prod.cluster-",
            says: &["no such host", "getent hosts orders-prod.cluster-"],
            ..USUAL
        },
        Row {
            name: "direct_refused",
            words: &[
                "orders-prod",
                "--user",
                "oncall",
                "--via",
                "direct",
                "--resolve",
                "orders-prod.cluster-c9akciq32xyz.eu-west-1.rds.amazonaws.com:5432:127.0.0.1:9",
            ],
            link: "port",
            title: "refuses connections from here",
            says: &["the database is private: only its own network reaches it", "--via i-0b2f61a54d1c9e083"],
            ..USUAL
        },
        Row {
            name: "socket_refused",
            faults: &["socket-refused"],
            link: "handshake",
            status: 4,
            title: "The data channel of the session on bastion-a was refused",
            says: &["See whether a proxy on the way refuses web sockets"],
            ..USUAL
        },
        Row {
            name: "no_tls",
            faults: &["no-tls"],
            link: "TLS",
            title: ":5432 does not offer TLS",
            says: &["rds.force_ssl = 1"],
            ..USUAL
        },
        Row {
            name: "certificate_name",
            faults: &["wrong-certificate"],
            link: "certificate",
            title: "The certificate is not for orders-prod.cluster-",
            says: &["names in it: ", "do not go on"],
            ..USUAL
        },
        Row {
            name: "certificate_ended",
            faults: &["expired-certificate"],
            link: "certificate",
            title: "The certificate of orders-prod.cluster-",
            says: &["ended on", "this machine's clock says", "See whether the clock is right"],
            ..USUAL
        },
        Row {
            name: "certificate_unknown",
            faults: &["unknown-ca"],
            link: "certificate",
            title: "is signed by an authority that is not known here",
            says: &["issuer: ", "--ca-bundle global-bundle.pem"],
            ..USUAL
        },
        Row {
            name: "token_refused",
            faults: &["token-refused"],
            link: "login",
            title: "orders-prod refused the token for oncall",
            says: &[
                "PAM authentication failed for user \"oncall\"",
                "likely not IAM's policies: rds-db:connect is allowed by databases (simulated)",
                "aws logs tail /aws/rds/cluster/orders-prod/iam-db-auth-error",
            ],
            ..USUAL
        },
        Row {
            name: "policy_lacks",
            faults: &["denied:rds-db:connect"],
            link: "login",
            title: "orders-prod refused the token for oncall",
            says: &[
                "likely: no IAM policy of role/people/prod-admin allows rds-db:connect",
                "\"Action\": \"rds-db:connect\"",
            ],
            ..USUAL
        },
        Row {
            name: "policy_denies",
            words: &["orders-prod", "--user", "payroll"],
            link: "login",
            title: "orders-prod refused the token for payroll",
            says: &["likely: databases of role/people/prod-admin denies rds-db:connect", "taken out of databases"],
            ..USUAL
        },
        Row {
            name: "policies_unseen",
            faults: &["denied:iam:SimulatePrincipalPolicy", "token-refused"],
            link: "login",
            title: "orders-prod refused the token for oncall",
            says: &[
                "likely: no IAM policy allows rds-db:connect",
                "likely: the role oncall does not exist, or lacks rds_iam",
            ],
            ..USUAL
        },
        Row {
            name: "iam_off",
            words: &["legacy-crm", "--user", "oncall", "--auth", "iam"],
            link: "login",
            title: "legacy-crm refused the token for oncall",
            says: &["IAM authentication is off on legacy-crm", "--enable-iam-database-authentication"],
            ..USUAL
        },
        Row {
            name: "iam_pending",
            words: &["ledger", "--user", "oncall", "--auth", "iam"],
            link: "login",
            title: "ledger refused the token for oncall",
            says: &["being switched on for ledger: it is not on yet", "--apply-immediately"],
            ..USUAL
        },
        Row {
            name: "role_without_rds_iam",
            words: &["orders-prod", "--user", "app"],
            link: "login",
            title: "orders-prod does not take a token from app",
            says: &["likely: the role app does not exist, or lacks rds_iam", "GRANT rds_iam TO \"app\";"],
            ..USUAL
        },
        Row {
            name: "user_in_other_letters",
            words: &["orders-prod", "--user", "OnCall"],
            link: "login",
            title: "orders-prod does not take a token from OnCall",
            says: &["user names are case-sensitive"],
            ..USUAL
        },
        Row {
            name: "password_of_a_token_role",
            words: &["orders-prod", "--user", "analyst", "--auth", "password"],
            environment: &[("PGPASSWORD", Some("wrong"))],
            link: "login",
            title: "analyst can only come in with a token",
            says: &["the role has rds_iam, itself or by inheritance"],
            ..USUAL
        },
        Row {
            name: "password_refused",
            words: &["orders-prod", "--user", "app", "--auth", "password"],
            environment: &[("PGPASSWORD", Some("wrong"))],
            link: "login",
            title: "password authentication failed for user \"app\"",
            says: &["only a token lets it in"],
            ..USUAL
        },
        Row {
            name: "no_such_database",
            words: &["orders-prod", "--user", "oncall", "--database", "shopp"],
            link: "login",
            title: "database \"shopp\" does not exist",
            says: &["orders-prod has no database shopp", "select datname from pg_database"],
            ..USUAL
        },
        Row {
            name: "too_many_connections",
            faults: &["too-many-connections"],
            link: "login",
            title: "remaining connection slots are reserved",
            says: &["from pg_stat_activity"],
            ..USUAL
        },
        Row {
            name: "role_at_its_limit",
            words: &["orders-prod", "--user", "batch"],
            link: "login",
            title: "too many connections for role \"batch\"",
            says: &["ALTER ROLE \"batch\" CONNECTION LIMIT -1;"],
            ..USUAL
        },
        Row {
            name: "starting_up",
            faults: &["starting-up"],
            link: "login",
            title: "the database system is starting up",
            says: &["try again in a minute"],
            ..USUAL
        },
        Row {
            name: "shutting_down",
            faults: &["shutting-down"],
            link: "login",
            title: "the database system is shutting down",
            says: &["Wait until the restart or failover is over"],
            ..USUAL
        },
        Row {
            name: "no_hot_standby",
            faults: &["no-hot-standby"],
            link: "login",
            title: "the database system is not accepting connections",
            says: &["a standby that takes no sessions", "Connect to the writer's endpoint"],
            ..USUAL
        },
    ]
}

/// A text on one line, so that where it was broken does not matter.
fn flat(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || "│▏✗".contains(c)).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// The same without any blank: a long word is broken anywhere on a screen.
fn squeezed(text: &str) -> String {
    flat(text).replace(' ', "")
}

/// Says it, wherever its lines end.
fn says(row: &Row, who: &str, text: &str) {
    for words in std::iter::once(&row.title).chain(row.says) {
        assert!(squeezed(text).contains(&squeezed(words)), "{}: {who} does not say {words:?}:\n{text}", row.name);
    }
}

/// Which mark each link has, from the doctor's transcript.
fn mark(transcript: &str, link: &str) -> char {
    let has = |line: &&str| line.contains(&format!("  {link} ")) && line.chars().nth(1).is_some_and(|c| c != ' ');
    let line = transcript.lines().find(has).unwrap_or_else(|| panic!("no link {link} in:\n{transcript}"));
    line.chars().nth(1).expect("a mark")
}

fn command(neighbour: &Neighbour, row: &Row, verb: &str, more: &[&str]) -> std::process::Command {
    let words: Vec<&str> = std::iter::once(verb).chain(row.words.iter().copied()).chain(more.iter().copied()).collect();
    let mut command = neighbour.command(&words);
    command.env("GATEPOST_CONNECT_TIMEOUT", "8s");
    for (name, value) in row.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

fn told(neighbour: &Neighbour, row: &Row, verb: &str, more: &[&str]) -> (String, i32) {
    let mut command = command(neighbour, row, verb, more);
    let said = neighbour::finish(command.spawn().expect("gatepost runs"));
    let words: Vec<&str> = std::iter::once(verb).chain(row.words.iter().copied()).chain(more.iter().copied()).collect();
    (neighbour.told(&words, &said), said.status)
}

/// The calls of a region go out at once; whichever fails first is named. Session ids are made anew each time.
fn steady(text: &str) -> String {
    let mut text = text.to_owned();
    for call in [
        "DescribeDBClusterEndpoints",
        "DescribeDBClusters",
        "DescribeDBInstances",
        "DescribeDBProxies",
        "DescribeDBSubnetGroups",
    ] {
        if !text.contains("rds:Describe*") {
            text =
                text.replace(&format!("rds:{call} in"), "rds:CALL in").replace(&format!("(rds:{call})"), "(rds:CALL)");
        }
    }
    let mut out = String::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some(at) = rest.find("oncall-") {
            let (head, tail) = rest.split_at(at + "oncall-".len());
            let digits = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len();
            out.push_str(head);
            out.push_str(if digits > 8 { "SESSION" } else { &tail[..digits] });
            rest = &tail[digits..];
        }
        out.push_str(rest);
        out.push('\n');
    }
    times(&out)
}

/// The doctor's times stand before the names, so wide that they line up.
fn times(text: &str) -> String {
    let line = |line: &str| match line.split_once("N ms  ") {
        Some((head, tail)) if head.starts_with(' ') && head.chars().count() < 14 => {
            let mark: String = head.chars().take(2).collect();
            format!("{mark}      N ms  {tail}")
        }
        _ => line.to_owned(),
    };
    text.lines().map(line).fold(String::new(), |text, line| text + &line + "\n")
}

/// Blanks in rows are as many as the times leave.
fn narrow(text: &str) -> String {
    let line =
        |line: &str| line.split("   ").filter(|part| !part.is_empty()).map(str::trim).collect::<Vec<_>>().join("   ");
    text.lines().map(line).fold(String::new(), |text, line| text + line.trim_end() + "\n").trim_end().to_owned() + "\n"
}

/// The console's screen once the title is on it, and the doctor's once it has looked.
fn screens(neighbour: &Neighbour, row: &Row) -> (String, String) {
    let built = command(neighbour, row, "connect", &[]);
    let mut command = CommandBuilder::new(built.get_program());
    command.args(built.get_args());
    command.env_clear();
    for (name, value) in built.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.env("TERM", "xterm-256color");
    command.env("NO_COLOR", "1");
    let mut terminal = Terminal::sized(command, WIDE, TALL);
    // A screen is written in pieces: what is waited for is all that must be on it, down to its last row.
    let said: Vec<String> = std::iter::once(&row.title).chain(row.says).map(|words| squeezed(words)).collect();
    let is_whole = |text: &str, last: &[&str]| {
        let end = text.trim_end().lines().last().is_some_and(|line| last.iter().any(|word| line.contains(word)));
        let text = squeezed(text);
        end && said.iter().all(|words| text.contains(words))
    };
    terminal.wait_until(row.title, |text| is_whole(text, &["? help", "change something"]));
    let shown = terminal.contents();
    // Where nothing could be listed there is no way, and nothing to ask the doctor about.
    let on_way = shown.contains("change something");
    let mut doctor = String::new();
    if on_way {
        terminal.press("d");
        terminal.wait_until("the doctor's end", |text| text.contains("broken  ") && is_whole(text, &["details"]));
        doctor = terminal.contents();
    }
    let id = terminal.child.process_id().expect("it runs");
    let process = rustix::process::Pid::from_raw(id.try_into().expect("a process id")).expect("not zero");
    rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("it lives");
    terminal.end();
    (shown, doctor)
}

#[test]
fn every_row_is_told_apart_and_with_the_same_words_everywhere() {
    let neighbour = Neighbour::start();
    let only = std::env::var("GATEPOST_ROW").ok();
    let mut wrong = Vec::new();
    for row in rows().into_iter().filter(|row| only.as_deref().is_none_or(|name| name == row.name)) {
        let faults: Vec<Fault> = row.faults.iter().map(|name| Fault::parse(name).expect("a fault")).collect();
        faults.iter().for_each(|fault| neighbour.sandbox.faults().set(fault.clone()));
        // All rows are looked at, whatever is wrong with one.
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| look(&neighbour, &row)));
        wrong.extend(looked.is_err().then_some(row.name));
        for fault in &faults {
            neighbour.sandbox.faults().clear(fault);
        }
        if neighbour.sandbox.sessions().live() != Vec::<String>::new() {
            println!("{}: a session was left", row.name);
            wrong.push(row.name);
        }
    }
    assert!(wrong.is_empty(), "not told apart, or not in the same words: {wrong:?}");
}

fn look(neighbour: &Neighbour, row: &Row) {
    let (doctor, status) = told(neighbour, row, "doctor", &[]);
    assert_eq!(status, row.status, "{}: the doctor's exit status\n{doctor}", row.name);
    assert_eq!(mark(&doctor, row.link), '✗', "{}: {} is not what is broken\n{doctor}", row.name, row.link);
    assert!(doctor.contains("Do this first: "), "{}: nothing to do first\n{doctor}", row.name);
    says(row, "the doctor", &doctor);
    assert_snapshot!(format!("{}_doctor", row.name), steady(&doctor));

    let (query, status) = told(neighbour, row, "query", &["-c", "select 1"]);
    assert_eq!(status, row.status, "{}: query's exit status\n{query}", row.name);
    says(row, "query", &query);
    assert_snapshot!(format!("{}_query", row.name), steady(&query));

    let (console, doctor) = screens(neighbour, row);
    says(row, "the console", &console);
    if !doctor.is_empty() {
        // From where connecting failed, d has the doctor say the same.
        says(row, "the console's doctor", &doctor);
    }
    // The first row says who we are as soon as that is known, which may be a moment later; the last one may be half drawn.
    let rows: Vec<&str> = console.trim_end().lines().skip(1).collect();
    let body = rows[..rows.len().saturating_sub(1)].join("\n");
    assert_snapshot!(format!("{}_console", row.name), narrow(&steady(&neighbour.tidied(&body))));
}
