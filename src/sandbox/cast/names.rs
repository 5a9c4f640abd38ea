//! Identifiers, ARNs and endpoint names of the cast, shaped as AWS shapes them. It must not know which databases there are.

use super::{Cluster, CustomEndpoint, Instance, Proxy};
use crate::sandbox::keys::{ACCOUNT, REGION};
use sha2::{Digest, Sha256};

impl Cluster {
    /// `DbClusterResourceId`.
    pub fn resource_id(&self) -> String {
        base32_id("cluster", &format!("{}/{}", self.region, self.id))
    }

    /// `DBClusterArn`.
    pub fn arn(&self) -> String {
        format!("arn:aws:rds:{}:{ACCOUNT}:cluster:{}", self.region, self.id)
    }

    /// Whether its names exist yet.
    pub fn has_endpoints(&self) -> bool {
        self.traits.status != "creating"
    }

    /// The writer's name.
    pub fn endpoint(&self) -> String {
        endpoint_host(self.id, "cluster-", self.region, self.engine)
    }

    /// The readers' name.
    pub fn reader_endpoint(&self) -> String {
        endpoint_host(self.id, "cluster-ro-", self.region, self.engine)
    }

    /// The name of a custom endpoint.
    pub fn custom_endpoint(&self, custom: &CustomEndpoint) -> String {
        endpoint_host(custom.id, "cluster-custom-", self.region, self.engine)
    }
}

impl Instance {
    /// `DbiResourceId`.
    pub fn resource_id(&self) -> String {
        base32_id("db", &format!("{}/{}", self.region, self.id))
    }

    /// `DBInstanceArn`.
    pub fn arn(&self) -> String {
        format!("arn:aws:rds:{}:{ACCOUNT}:db:{}", self.region, self.id)
    }

    /// Whether its name exists yet.
    pub fn has_endpoint(&self) -> bool {
        self.traits.status != "creating"
    }

    /// Its name.
    pub fn endpoint(&self) -> String {
        endpoint_host(self.id, "", self.region, self.engine)
    }
}

impl Proxy {
    /// Users whose secrets are registered with it.
    pub fn secrets(&self) -> &'static [&'static str] {
        if self.end_to_end { &[] } else { &["app"] }
    }

    /// The last part of its ARN, which `rds-db:connect` names.
    pub fn resource_id(&self) -> String {
        hex_id("prx", &format!("{}/{}", self.region, self.name))
    }

    /// `DBProxyArn`.
    pub fn arn(&self) -> String {
        format!("arn:aws:rds:{}:{ACCOUNT}:db-proxy:{}", self.region, self.resource_id())
    }

    /// Its name.
    pub fn endpoint(&self) -> String {
        endpoint_host(self.name, "proxy-", self.region, "postgres")
    }

    /// The name of the endpoint for reading that is called `name`.
    pub fn read_only_endpoint(&self, name: &str) -> String {
        endpoint_host(&format!("{name}.endpoint"), "proxy-", self.region, "postgres")
    }

    /// 5432 or 3306.
    pub fn port(&self) -> u16 {
        if self.family == "POSTGRESQL" { 5432 } else { 3306 }
    }
}

/// `NAME.KIND` + the account's label in that region + the service's domain.
fn endpoint_host(name: &str, kind: &str, region: &str, engine: &str) -> String {
    let label = if region == REGION { "c9akciq32xyz" } else { "c4t7wmq0kuvp" };
    let service = match engine {
        "neptune" => "neptune",
        "docdb" => "docdb",
        _ => "rds",
    };
    format!("{name}.{kind}{label}.{region}.{service}.amazonaws.com")
}

/// `PREFIX-` and 26 characters of base 32, as RDS makes resource ids; always the same for the same seed.
fn base32_id(prefix: &str, seed: &str) -> String {
    let digest = Sha256::digest(format!("{prefix}/{seed}"));
    let letters =
        digest.iter().take(26).map(|byte| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::from(byte & 31)]));
    format!("{prefix}-{}", letters.collect::<String>())
}

/// `PREFIX-0` and 16 hexadecimal digits, as EC2 and RDS Proxy make ids; always the same for the same seed.
pub fn hex_id(prefix: &str, seed: &str) -> String {
    let digest = Sha256::digest(format!("{prefix}/{seed}"));
    let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}-0{digits}")
}
