//! The table: what is wrong, who asks for what, which link the doctor finds broken, and what all three must say. It must not
//! know how a fault is played, nor who says it.

/// A row: what is wrong, who asks for what, and what all three must say.
pub struct Row {
    /// For the snapshots.
    pub name: &'static str,
    /// Faults of the sandbox's dial.
    pub faults: &'static [&'static str],
    /// NAME and flags, the same for each.
    pub words: &'static [&'static str],
    /// Variables besides the sandbox's; without a value: taken away.
    pub environment: &'static [(&'static str, Option<&'static str>)],
    /// The link that the doctor finds broken.
    pub link: &'static str,
    /// Exit status of doctor and query.
    pub status: i32,
    /// The title: the doctor's finding, query's error, the head of the console's diagnosis.
    pub title: &'static str,
    /// What else is said, as cause or advice, by all three.
    pub says: &'static [&'static str],
    /// What none of the three may say: what was seen excludes it.
    pub unsaid: &'static [&'static str],
    /// Seconds that AWS's clock is ahead.
    pub ahead: i64,
}

/// What most rows are: orders-prod, as oncall.
pub const USUAL: Row = Row {
    name: "",
    faults: &[],
    words: &["orders-prod", "--user", "oncall"],
    environment: &[],
    link: "",
    status: 3,
    title: "",
    says: &[],
    unsaid: &[],
    ahead: 0,
};

/// Away with the sandbox's keys, and nothing in their place.
const NO_KEYS: &[(&str, Option<&str>)] = &[
    ("AWS_ACCESS_KEY_ID", None),
    ("AWS_SECRET_ACCESS_KEY", None),
    ("AWS_SESSION_TOKEN", None),
    ("AWS_SHARED_CREDENTIALS_FILE", Some("/dev/null")),
];

/// A profile of IAM Identity Center whose login has ended.
const SSO: &[(&str, Option<&str>)] = &[
    ("AWS_PROFILE", Some("work")),
    ("AWS_CONFIG_FILE", Some("HOME/.aws/config")),
    ("AWS_ACCESS_KEY_ID", None),
    ("AWS_SECRET_ACCESS_KEY", None),
    ("AWS_SESSION_TOKEN", None),
];

/// A profile of `aws login` that nobody logged in with.
const CONSOLE_LOGIN: &[(&str, Option<&str>)] = &[
    ("AWS_PROFILE", Some("desk")),
    ("AWS_CONFIG_FILE", Some("HOME/.aws/config")),
    ("AWS_ACCESS_KEY_ID", None),
    ("AWS_SECRET_ACCESS_KEY", None),
    ("AWS_SESSION_TOKEN", None),
];

/// What is in `HOME/.aws/config`.
pub const CONFIG: &str = "[profile work]\nregion = eu-west-1\nsso_session = corp\nsso_account_id = 1\nsso_role_name = dev\n\
    [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.example.com/start\n\
    [profile desk]\nregion = eu-west-1\nlogin_session = arn:aws:iam::123456789012:user/oncall\n";

/// What is in `HOME/.aws/sso/cache`, in the file that is named by the SHA-1 of `corp`.
pub const SSO_CACHE: (&str, &str) = (
    "ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
    r#"{"accessToken": "x", "expiresAt": "2020-01-01T00:00:00Z", "region": "eu-west-1",
    "startUrl": "https://corp.awsapps.example.com/start"}"#,
);

/// Every row that breaks the way.
pub fn rows() -> Vec<Row> {
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
            name: "sso_ended",
            environment: SSO,
            words: &["orders-prod", "--user", "oncall", "--region", "eu-west-1"],
            link: "credentials",
            status: 4,
            title: "Your AWS login has ended",
            says: &["aws sso login --profile work"],
            ..USUAL
        },
        Row {
            name: "console_login_none",
            environment: CONSOLE_LOGIN,
            words: &["orders-prod", "--user", "oncall", "--region", "eu-west-1"],
            link: "credentials",
            status: 4,
            title: "There are no AWS credentials",
            says: &["aws login --profile desk"],
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
            name: "bastions_disconnected",
            faults: &["bastion-disconnected"],
            link: "bastion",
            title: "No bastion that could reach orders-prod is connected to Session Manager",
            says: &[
                "bastion-a: Session Manager holds no connection to it now, though it lists it as online",
                "aws ssm get-connection-status --target i-0b2f61a54d1c9e083",
                "sudo systemctl restart amazon-ssm-agent",
            ],
            unsaid: &["There is no bastion", "Start one in the database's VPC"],
            ..USUAL
        },
        Row {
            name: "agent_old",
            faults: &["agent-old"],
            link: "bastion",
            title: "There is no bastion that could reach orders-prod",
            says: &["agent 3.1.1080.0 is too old", "Update the agent of bastion-a to 3.1.1374 or newer"],
            ..USUAL
        },
        Row {
            name: "agent_old_named",
            faults: &["agent-old"],
            words: &["orders-prod", "--user", "oncall", "--via", "bastion-a"],
            link: "bastion",
            title: "Bastion bastion-a cannot serve",
            says: &[
                "agent 3.1.1080.0 is too old",
                "Update the agent to 3.1.1374 or newer",
                "aws ssm send-command --document-name AWS-UpdateSSMAgent --instance-ids i-0b2f61a54d1c9e083",
            ],
            unsaid: &["Start it"],
            ..USUAL
        },
        Row {
            name: "bastion_unknown",
            words: &["orders-prod", "--user", "oncall", "--via", "bastion-z"],
            link: "bastion",
            title: "There is no bastion bastion-z in eu-west-1",
            says: &["nor those of other accounts", "Take bastion-a: same VPC"],
            unsaid: &["Take bastion-b", "does not let it in"],
            ..USUAL
        },
        Row {
            name: "port_closed",
            faults: &["port-closed"],
            link: "port",
            title: "bastion-a cannot reach orders-prod.cluster-",
            says: &[
                "the agent's connection was refused",
                "See whether orders-prod restarts or fails over: AWS still calls it available",
                "aws rds describe-events --source-type db-cluster --source-identifier orders-prod",
            ],
            unsaid: &["authorize-security-group-ingress"],
            ..USUAL
        },
        Row {
            name: "port_silent",
            faults: &["port-silent"],
            link: "port",
            title: "bastion-a cannot reach orders-prod.cluster-",
            says: &[
                "nothing answered the agent within",
                "sg-0db5c1ae77490f2d6 lets this bastion in",
                "getent hosts orders-prod.cluster-",
                "aws ec2 describe-network-acls --filters Name=vpc-id,Values=vpc-0a1c7be04d2f9e6a3",
            ],
            unsaid: &["authorize-security-group-ingress"],
            ..USUAL
        },
        Row {
            name: "storage_full",
            words: &["restored-20261118", "--user", "oncall"],
            link: "port",
            title: "cannot reach restored-20261118.",
            says: &[
                "AWS says that restored-20261118 is storage-full",
                "its storage is full: it cannot write",
                "aws rds modify-db-instance --db-instance-identifier restored-20261118 --allocated-storage GIB",
            ],
            unsaid: &["authorize-security-group-ingress", "stopped, restarting or failing over"],
            ..USUAL
        },
        Row {
            name: "upgrading",
            words: &["feature-flags", "--user", "oncall"],
            link: "port",
            title: "bastion-a cannot reach feature-flags.",
            says: &[
                "AWS says that feature-flags is upgrading",
                "aws rds wait db-instance-available --db-instance-identifier feature-flags",
            ],
            unsaid: &["authorize-security-group-ingress", "stopped, restarting or failing over"],
            ..USUAL
        },
        Row {
            name: "another_network",
            words: &["orders-prod", "--user", "oncall", "--via", "bastion-b"],
            link: "port",
            title: "bastion-b cannot reach orders-prod.cluster-",
            says: &[
                "the bastion is in vpc-0d4418ce2b70a95f1, the database in vpc-0a1c7be04d2f9e6a3",
                "Take a bastion in the database's VPC",
            ],
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
            name: "host_forbidden",
            faults: &["host-forbidden"],
            link: "DNS",
            title: "The agent on bastion-a refuses to forward to orders-prod.cluster-",
            says: &["is forbidden.", "it denies loopback, metadata, DNS", "getent hosts orders-prod.cluster-"],
            ..USUAL
        },
        Row {
            name: "agent_silent",
            faults: &["agent-silent"],
            link: "handshake",
            title: "The agent on bastion-a did not",
            says: &[
                "its agent is 3.3.987.0",
                "Restart its agent there",
                "bastion-b likely cannot reach it",
                "sudo systemctl restart amazon-ssm-agent",
            ],
            ..USUAL
        },
        Row {
            name: "direct_silent",
            words: &[
                "orders-prod",
                "--user",
                "oncall",
                "--via",
                "direct",
                "--resolve",
                "orders-prod.cluster-c9akciq32xyz.eu-west-1.rds.amazonaws.com:5432:SILENT",
            ],
            link: "port",
            title: "did not answer from here within",
            says: &["the database is private: only its own network reaches it", "Go through bastion-a: same VPC"],
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
            says: &["the database is private: only its own network reaches it", "Go through bastion-a: same VPC"],
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
                "likely not IAM's policies: rds-db:connect is allowed by the policy databases (simulated)",
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
            says: &["is denied by the policy databases of role/people/prod-admin", "taken out of the policy databases"],
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
            says: &[
                "IAM authentication is off on legacy-crm",
                "gatepost enable-iam legacy-crm",
                "--enable-iam-database-authentication",
            ],
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
            name: "clock_off",
            faults: &["token-refused"],
            // Not a whole number of minutes: a second more or less is the same in words.
            ahead: 630,
            link: "login",
            title: "orders-prod refused the token for oncall",
            says: &["this machine's clock is 10 min behind AWS's, which the token allows for", "likely"],
            ..USUAL
        },
        Row {
            name: "login_revoked",
            faults: &["login-revoked"],
            // A session at AWS could not be ended any more.
            words: &["reports", "--user", "oncall", "--via", "direct"],
            link: "login",
            status: 4,
            title: "reports refused the token for oncall",
            says: &[
                "the credentials that signed the token hold no more: The security token included in the request is expired",
                "AWS_SESSION_TOKEN",
            ],
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
            says: &["ALTER ROLE \"batch\" CONNECTION LIMIT 10;", "with a limit of 0 it may have none at all"],
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
