//! What AWS lists: databases of every kind, their endpoints, and where they live. It must not know how they are listed.

use super::ProxyLogin;
use std::fmt;
use std::time::SystemTime;

/// Where a question to AWS goes: one region, seen with one profile.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The profile of the shared AWS configuration, or `None` for the default chain.
    pub profile: Option<String>,
    /// The region's code, e.g. `eu-west-1`.
    pub region: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.profile {
            Some(profile) => write!(f, "{} ({profile})", self.region),
            None => f.write_str(&self.region),
        }
    }
}

/// Who AWS says we are (`sts:GetCallerIdentity`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The twelve-digit account number.
    pub account: String,
    /// The caller's ARN.
    pub arn: String,
    /// What policies know as `aws:userid`: `AROA…:SESSION` of an assumed role.
    pub user_id: String,
    /// When the credentials end, if they end.
    pub ends: Option<SystemTime>,
}

impl Identity {
    /// The short name people know: role name of an assumed role, user name of a user.
    pub fn short(&self) -> &str {
        let resource = self.arn.rsplit_once(':').map_or(self.arn.as_str(), |(_, resource)| resource);
        let mut parts = resource.split('/');
        match parts.next() {
            Some("assumed-role") => parts.next().unwrap_or(resource),
            _ => resource.rsplit('/').next().unwrap_or(resource),
        }
    }

    /// The partition of the ARN: `aws`, `aws-cn`, `aws-us-gov`, …
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }
}

/// What one region of one account listed at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// Where it was asked.
    pub place: Place,
    /// Clusters, each followed by its members (writer first, then by name), then instances on their own, then proxies;
    /// each group by identifier.
    pub databases: Vec<Database>,
    /// When the answer was complete.
    pub listed_at: SystemTime,
    /// What could not be looked up, though the rest could (for example proxies when `DescribeDBProxies` is denied).
    pub gaps: Vec<String>,
}

/// The database engine, as AWS spells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// `aurora-postgresql`
    AuroraPostgresql,
    /// `postgres`
    Postgres,
    /// `aurora-mysql`
    AuroraMysql,
    /// `mysql`
    Mysql,
    /// `mariadb`
    Mariadb,
    /// Anything else, e.g. `neptune`, `docdb`, `oracle-ee`.
    Other(String),
}

impl Engine {
    /// From AWS's spelling. RDS Proxy's engine families `POSTGRESQL` and `MYSQL` are understood too.
    pub fn parse(name: &str) -> Engine {
        match name.to_ascii_lowercase().as_str() {
            "aurora-postgresql" => Engine::AuroraPostgresql,
            "postgres" | "postgresql" => Engine::Postgres,
            "aurora-mysql" | "aurora" => Engine::AuroraMysql,
            "mysql" => Engine::Mysql,
            "mariadb" => Engine::Mariadb,
            _ => Engine::Other(name.to_owned()),
        }
    }

    /// AWS's spelling.
    pub fn name(&self) -> &str {
        match self {
            Engine::AuroraPostgresql => "aurora-postgresql",
            Engine::Postgres => "postgres",
            Engine::AuroraMysql => "aurora-mysql",
            Engine::Mysql => "mysql",
            Engine::Mariadb => "mariadb",
            Engine::Other(name) => name,
        }
    }

    /// Short enough for a table column.
    pub fn short(&self) -> &str {
        match self {
            Engine::AuroraPostgresql => "aurora-pg",
            other => other.name(),
        }
    }

    /// Whether the query pane can speak to it.
    pub fn is_postgres(&self) -> bool {
        matches!(self, Engine::AuroraPostgresql | Engine::Postgres)
    }

    /// Whether IAM database authentication exists for it
    /// (AWS: "IAM database authentication for MariaDB, MySQL, and PostgreSQL").
    pub fn has_iam_auth(&self) -> bool {
        !matches!(self, Engine::Other(_))
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// IAM database authentication on a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IamAuth {
    /// On.
    Enabled,
    /// Off.
    Disabled,
    /// Being changed (`PendingModifiedValues.IAMDatabaseAuthenticationEnabled`).
    Pending {
        /// What it will be.
        to: bool,
    },
}

impl IamAuth {
    /// `enabled`, `disabled` or `pending`.
    pub fn name(self) -> &'static str {
        match self {
            IamAuth::Enabled => "enabled",
            IamAuth::Disabled => "disabled",
            IamAuth::Pending { .. } => "pending",
        }
    }

    /// Whether a token would be accepted now. A pending change has not happened yet.
    pub fn accepts_tokens(self) -> bool {
        matches!(self, IamAuth::Enabled | IamAuth::Pending { to: false })
    }
}

/// Which of AWS's resources a [`Database`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DatabaseKind {
    /// An Aurora or Multi-AZ DB cluster.
    Cluster,
    /// A DB instance, alone or a member of a cluster.
    Instance,
    /// An RDS Proxy.
    Proxy,
}

impl DatabaseKind {
    /// `cluster`, `instance` or `proxy`.
    pub fn name(self) -> &'static str {
        match self {
            DatabaseKind::Cluster => "cluster",
            DatabaseKind::Instance => "instance",
            DatabaseKind::Proxy => "proxy",
        }
    }
}

/// What part a database plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A cluster as a whole.
    Cluster,
    /// The member that takes writes.
    Writer,
    /// A member that reads.
    Reader,
    /// An instance on its own, or a read replica's source.
    Instance,
    /// A read replica of another instance.
    Replica,
    /// An RDS Proxy.
    Proxy,
}

impl Role {
    /// One lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Role::Cluster => "cluster",
            Role::Writer => "writer",
            Role::Reader => "reader",
            Role::Instance => "instance",
            Role::Replica => "replica",
            Role::Proxy => "proxy",
        }
    }
}

/// One line of the fleet: a cluster, an instance or a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Which resource it is.
    pub kind: DatabaseKind,
    /// `DBClusterIdentifier`, `DBInstanceIdentifier` or `DBProxyName`.
    pub identifier: String,
    /// `cluster-…`, `db-…` or `prx-…`: its own, not its cluster's.
    pub resource_id: String,
    /// The ARN.
    pub arn: String,
    /// The engine.
    pub engine: Engine,
    /// `EngineVersion`; empty for a proxy.
    pub engine_version: String,
    /// AWS's status word, e.g. `available`, `creating`, `modifying`.
    pub status: String,
    /// IAM database authentication (a member's is its cluster's).
    pub iam: IamAuth,
    /// Where it was listed.
    pub place: Place,
    /// The cluster's identifier, for a member.
    pub cluster: Option<String>,
    /// The part it plays.
    pub role: Role,
    /// Endpoints, best first: writer, reader, custom by name; one for an instance or proxy; none while it is created.
    pub endpoints: Vec<Endpoint>,
    /// The VPC, where the database has one.
    pub vpc_id: Option<String>,
    /// The DB subnet group's name.
    pub subnet_group: Option<String>,
    /// VPC security group ids.
    pub security_groups: Vec<String>,
    /// `PubliclyAccessible`. `None` where AWS does not say (Aurora clusters: see the members; proxies: never public).
    pub public: Option<bool>,
    /// Instance class, e.g. `db.r7g.large`.
    pub class: Option<String>,
    /// Whether a standby is kept in another zone.
    pub multi_az: bool,
    /// The server certificate's authority and end.
    pub certificate: Option<Certificate>,
    /// The database made with it (`DBName`, `DatabaseName`).
    pub database_name: Option<String>,
    /// The master user's name.
    pub master_user: Option<String>,
    /// The ARN of the Secrets Manager secret of the master user, when RDS manages it.
    pub master_secret: Option<String>,
    /// Active Directory domains it has joined (Kerberos).
    pub domains: Vec<Domain>,
    /// Tags, by key.
    pub tags: Vec<(String, String)>,
    /// Aurora "express configuration": reached through an internet access gateway, has no VPC, takes IAM tokens only.
    pub internet_gateway: bool,
}

/// The certificate authority a server certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// `CAIdentifier`, e.g. `rds-ca-rsa2048-g1`.
    pub authority: String,
    /// `ValidTill` of the server certificate.
    pub valid_till: Option<SystemTime>,
}

/// A directory that the database is a member of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Directory id, e.g. `d-1234567890`.
    pub id: String,
    /// Fully qualified domain name.
    pub fqdn: String,
    /// `joined`, `pending-join`, `failed`, …
    pub status: String,
}

/// What an endpoint of a database is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndpointRole {
    /// The cluster's writer.
    Writer,
    /// The cluster's readers, balanced.
    Reader,
    /// A custom cluster endpoint.
    Custom,
    /// One instance.
    Instance,
    /// An RDS Proxy's endpoint.
    Proxy,
}

impl EndpointRole {
    /// One lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            EndpointRole::Writer => "writer",
            EndpointRole::Reader => "reader",
            EndpointRole::Custom => "custom",
            EndpointRole::Instance => "instance",
            EndpointRole::Proxy => "proxy",
        }
    }
}

impl Endpoint {
    /// What tells it from the other endpoints of its database: its role; of one that was added to an RDS Proxy also its own
    /// name, the first label of its host. Source: RDS User Guide, "Creating a proxy endpoint": such a host is
    /// `NAME.endpoint.proxy-….REGION.rds.amazonaws.com`, the default one `PROXY.proxy-…`.
    pub fn label(&self) -> String {
        let mut labels = self.host.split('.');
        match (self.role, labels.next(), labels.next()) {
            (EndpointRole::Proxy, Some(name), Some("endpoint")) => format!("{} {name}", self.role.name()),
            _ => self.role.name().to_owned(),
        }
    }
}

/// A name and port that can be dialled, with all that later floors need to know, so that nobody looks back up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// What it is for.
    pub role: EndpointRole,
    /// DNS name; what certificates and tokens are made out to.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Identifier of the database it belongs to (the cluster, for a cluster endpoint).
    pub owner: String,
    /// Resource id for `rds-db:connect`: the **cluster's** for every endpoint of an Aurora cluster, also its members'.
    pub resource_id: String,
    /// IAM database authentication.
    pub iam: IamAuth,
    /// The engine.
    pub engine: Engine,
    /// Where it was listed; tokens are signed for this region.
    pub place: Place,
    /// The account number of the owner's ARN.
    pub account: String,
    /// The partition of the owner's ARN.
    pub partition: String,
    /// Whether its name resolves to a public address.
    pub public: bool,
    /// The VPC it is in.
    pub vpc_id: Option<String>,
    /// VPC security groups that guard it.
    pub security_groups: Vec<String>,
    /// The database made with it.
    pub database_name: Option<String>,
    /// See [`Database::internet_gateway`]: no bastion can or need reach it.
    pub internet_gateway: bool,
    /// Tags of the owner (for marking production).
    pub tags: Vec<(String, String)>,
    /// How the proxy logs in to the database behind it, where this is a proxy's.
    pub proxy: Option<ProxyLogin>,
}

impl Endpoint {
    /// `host:port`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The resource of `rds-db:connect` for `user`, as a request names it.
    ///
    /// Source: AWS, "Creating and using an IAM policy for IAM database access".
    pub fn connect_resource(&self, user: &str) -> String {
        format!(
            "arn:{}:rds-db:{}:{}:dbuser:{}/{user}",
            self.partition, self.place.region, self.account, self.resource_id
        )
    }

    /// The same as a policy names it.
    pub fn connect_arn(&self, user: &str) -> String {
        self.connect_resource(&in_policy(user))
    }
}

/// A name as it stands for itself in a policy's resource, where stars, question marks and dollars are more (IAM User Guide,
/// "Policy variables").
pub fn in_policy(name: &str) -> String {
    name.replace('$', "${$}").replace('*', "${*}").replace('?', "${?}")
}
