//! What the bastions' network is like: names, forbidden addresses, what can be dialled from which bastion. It must not
//! know the data channel. Nothing here ever dials anything but a gate.

use crate::sandbox::cast::{Node, cast};
use crate::sandbox::faults::{Fault, Faults};
use crate::sandbox::gate::Gate;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// The network seen from one bastion.
#[derive(Clone, Debug)]
pub struct Network {
    gates: Arc<Vec<Gate>>,
    faults: Faults,
    node: &'static Node,
}

/// What a name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A name that the cast has.
    Known(String),
    /// The bastion itself; nothing listens there.
    Itself,
    /// An address that nobody has.
    Nowhere,
}

/// How a dial ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dial {
    /// Something listens: dial this.
    There(SocketAddr),
    /// Connection refused, at once.
    Refused,
    /// A security group or a route swallows it.
    Silent,
}

impl Network {
    /// Seen from `node`.
    pub fn new(gates: Arc<Vec<Gate>>, faults: Faults, node: &'static Node) -> Network {
        Network { gates, faults, node }
    }

    /// Resolves a name, once a session, as the agent does; the error is what the session ends with.
    pub fn resolve(&self, host: &str) -> Result<Destination, String> {
        let unknown = || Err(format!("lookup {host} on 10.0.0.2:53: no such host"));
        if self.faults.is_on(&Fault::HostUnknown) {
            return unknown();
        }
        let forbidden = || Err(format!("Forwarding to IP address {host} is forbidden."));
        if self.faults.is_on(&Fault::HostForbidden) {
            return forbidden();
        }
        // An agent older than 3.1.1188 does not know the parameter and dials the bastion itself.
        if host.is_empty()
            || host == "localhost"
            || !crate::ssm::handshake::newer(self.agent_version(), OLDER_THAN_HOST)
        {
            return Ok(Destination::Itself);
        }
        match host.parse::<IpAddr>() {
            Ok(address) if is_forbidden(address) => forbidden(),
            Ok(address) if address.is_loopback() => Ok(Destination::Itself),
            Ok(_) => Ok(Destination::Nowhere),
            Err(_) if self.gate(host).is_some() || is_a_name_of_the_cast(host) => {
                Ok(Destination::Known(host.to_owned()))
            }
            Err(_) => unknown(),
        }
    }

    /// Dials.
    pub fn dial(&self, destination: &Destination, port: u16) -> Dial {
        if self.faults.is_on(&Fault::PortSilent) {
            return Dial::Silent;
        }
        if self.faults.is_on(&Fault::PortClosed) {
            return Dial::Refused;
        }
        match destination {
            Destination::Itself => Dial::Refused,
            Destination::Nowhere => Dial::Silent,
            // MySQL and its like, and databases that are stopped: a name, and nothing behind it here.
            Destination::Known(host) => self.gate(host).map_or(Dial::Refused, |gate| {
                if !self.is_let_in(gate) {
                    Dial::Silent
                } else if gate.spec().port == port {
                    Dial::There(gate.address())
                } else {
                    Dial::Refused
                }
            }),
        }
    }

    /// The version that the agent reports.
    pub fn agent_version(&self) -> &str {
        if self.faults.is_on(&Fault::AgentOld) { OLD_AGENT } else { self.node.agent }
    }

    fn gate(&self, host: &str) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.spec().hosts.iter().any(|known| known == host))
    }

    /// Whether the database's security groups let this bastion in. Where they do, the VPCs are taken to be connected.
    fn is_let_in(&self, gate: &Gate) -> bool {
        let (spec, cast) = (gate.spec(), cast());
        let proxy = cast.proxies.iter().find(|proxy| spec.pooler.is_some() && proxy.resource_id() == spec.resource_id);
        let groups = match (proxy, cast.instance(&spec.region, &spec.identifier)) {
            (Some(proxy), _) => proxy.security_groups.clone(),
            (None, Some(instance)) => {
                instance.traits.network.as_ref().map(|network| network.security_groups.clone()).unwrap_or_default()
            }
            (None, None) => Vec::new(),
        };
        let rules =
            cast.security_groups.iter().filter(|group| groups.contains(&group.id)).flat_map(|group| &group.ingress);
        rules.filter(|rule| rule.port == spec.port).any(|rule| {
            rule.groups.iter().any(|group| self.node.security_groups.contains(group))
                || rule.networks.iter().any(|network| contains(network, self.node.address))
        })
    }
}

/// The last release before the parameter `host`.
const OLDER_THAN_HOST: [u64; 4] = [3, 1, 1187, 0];
/// What agents are while `agent-old` is on.
const OLD_AGENT: &str = "3.1.1080.0";

/// The agent's own list of addresses that it never forwards to: metadata, DNS, time and licensing of EC2.
fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets().starts_with(&[169, 254, 169]) || v4 == Ipv4Addr::new(169, 254, 170, 2),
        IpAddr::V6(v6) => v6.segments()[..3] == [0xfd00, 0x0ec2, 0],
    }
}

fn is_a_name_of_the_cast(host: &str) -> bool {
    let cast = cast();
    cast.instances.iter().any(|instance| instance.has_endpoint() && instance.endpoint() == host)
        || cast.proxies.iter().any(|proxy| proxy.endpoint() == host)
        || cast.clusters.iter().any(|cluster| {
            cluster.has_endpoints()
                && (cluster.endpoint() == host
                    || cluster.reader_endpoint() == host
                    || cluster.custom.iter().any(|custom| cluster.custom_endpoint(custom) == host))
        })
}

/// Whether a network in CIDR notation has an address.
fn contains(network: &str, address: &str) -> bool {
    let Some((base, bits)) = network.split_once('/') else { return false };
    let (Ok(base), Ok(bits), Ok(address)) =
        (base.parse::<Ipv4Addr>(), bits.parse::<u32>(), address.parse::<Ipv4Addr>())
    else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0);
    base.to_bits() & mask == address.to_bits() & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses() {
        assert!(contains("10.40.0.0/16", "10.40.2.9"));
        assert!(!contains("10.40.0.0/16", "10.41.2.9"));
        assert!(contains("0.0.0.0/0", "10.41.2.9"));
        assert!(contains("198.51.100.17/32", "198.51.100.17"));
    }

    #[test]
    fn names_resolve_as_from_a_bastion() {
        let node = cast().nodes.iter().find(|node| node.name == "bastion-a").expect("in the cast");
        let faults = Faults::default();
        let network = Network::new(Arc::default(), faults.clone(), node);
        let wiki = "wiki.c9akciq32xyz.eu-west-1.rds.amazonaws.com";
        let known = network.resolve(wiki).expect("a name of the cast");
        assert_eq!(network.dial(&known, 3306), Dial::Refused);
        let words = network.resolve("nobody.example.com").expect_err("unknown");
        assert_eq!(words, "lookup nobody.example.com on 10.0.0.2:53: no such host");
        let words = network.resolve("169.254.169.254").expect_err("forbidden");
        assert_eq!(words, "Forwarding to IP address 169.254.169.254 is forbidden.");
        faults.set(Fault::HostForbidden);
        assert_eq!(network.resolve(wiki), Err(format!("Forwarding to IP address {wiki} is forbidden.")));
        faults.clear(&Fault::HostForbidden);
        faults.set(Fault::AgentOld);
        assert_eq!(network.resolve("nobody.example.com"), Ok(Destination::Itself));
    }
}
