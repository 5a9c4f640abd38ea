//! SSM's control calls: which nodes there are, whether their agents answer, and the door to sessions. It must not know
//! the data channel.

use super::answer::Failure;
use super::ec2;
use super::page::page;
use super::session_door::{Begun, SessionDoor, StartSession};
use crate::sandbox::cast::{Node, cast};
use crate::sandbox::clock::Clock;
use crate::sandbox::faults::{Fault, Faults};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// The documents of the sandbox, with their parameters and whether each must be given.
const DOCUMENTS: &[(&str, &[(&str, bool)])] = &[
    ("SSM-SessionManagerRunShell", &[]),
    ("AWS-StartSSHSession", &[("portNumber", false)]),
    ("AWS-StartPortForwardingSession", &[("portNumber", false), ("localPortNumber", false)]),
    (
        "AWS-StartPortForwardingSessionToRemoteHost",
        &[("host", true), ("portNumber", false), ("localPortNumber", false)],
    ),
];
/// What agents report while the fault `agent-old` is on: one release before forwarding to another host came.
const OLD_AGENT: &str = "3.1.1080.0";
/// How long agents have been silent when the fault `bastion-offline` says they are.
const SILENT: Duration = Duration::from_secs(17 * 60);
/// AWS may put fewer on a page than were asked for, and with this few nodes a second page has to come from that.
const LARGEST_PAGE: usize = 2;

/// What SSM works with.
#[derive(Clone, Copy, Debug)]
pub struct Ssm<'a> {
    /// The region asked.
    pub region: &'a str,
    /// Now.
    pub clock: &'a Clock,
    /// What goes wrong.
    pub faults: &'a Faults,
    /// The sessions.
    pub door: &'a SessionDoor,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeInput {
    max_results: Option<i64>,
    next_token: Option<String>,
    #[serde(default)]
    filters: Vec<NewFilter>,
    #[serde(default)]
    instance_information_filter_list: Vec<OldFilter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NewFilter {
    key: String,
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldFilter {
    key: String,
    value_set: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartInput {
    target: String,
    document_name: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    parameters: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TargetInput {
    target: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SessionInput {
    session_id: String,
}

impl Ssm<'_> {
    /// Answers `action` with JSON.
    pub fn answer(&self, action: &str, body: &[u8]) -> Result<String, Failure> {
        let answer = match action {
            "DescribeInstanceInformation" => self.describe(read(body)?),
            "GetConnectionStatus" => self.connection_status(read(body)?),
            "StartSession" => self.start(read(body)?),
            "ResumeSession" => self.resume(read(body)?),
            "TerminateSession" => self.terminate(read(body)?),
            _ => Err(Failure::new(400, "UnknownOperationException", "")),
        };
        answer.map(|answer| answer.to_string())
    }

    /// The ARN that the action of `body` is on, for saying that it is denied there.
    pub fn resource(&self, action: &str, body: &[u8]) -> String {
        let account = crate::sandbox::keys::ACCOUNT;
        let input: Value = serde_json::from_slice(body).unwrap_or_default();
        let field = |name: &str| input[name].as_str().unwrap_or("*").to_owned();
        match action {
            "StartSession" | "GetConnectionStatus" => {
                format!("arn:aws:ec2:{}:{account}:instance/{}", self.region, field("Target"))
            }
            "ResumeSession" | "TerminateSession" => {
                format!("arn:aws:ssm:{}:{account}:session/{}", self.region, field("SessionId"))
            }
            _ => format!("arn:aws:ssm:{}:{account}:*", self.region),
        }
    }

    fn silent_for(&self, node: &Node) -> Option<Duration> {
        let offline = self.faults.is_on(&Fault::BastionOffline).then_some(SILENT);
        node.silent_for.map(Duration::from_secs).or(offline)
    }

    fn ping_status(&self, node: &Node) -> &'static str {
        if self.silent_for(node).is_none() { "Online" } else { "ConnectionLost" }
    }

    fn agent_version(&self, node: &Node) -> &'static str {
        if self.faults.is_on(&Fault::AgentOld) { OLD_AGENT } else { node.agent }
    }

    fn node(&self, target: &str) -> Option<&'static Node> {
        cast().nodes.iter().find(|node| node.region == self.region && node.id == target)
    }

    fn is_connected(&self, target: &str) -> bool {
        let lost = self.faults.is_on(&Fault::BastionDisconnected);
        self.node(target).is_some_and(|node| !lost && self.silent_for(node).is_none())
    }

    fn describe(&self, input: DescribeInput) -> Result<Value, Failure> {
        let size = input.max_results.unwrap_or(10);
        if !(5..=50).contains(&size) {
            let (side, limit) = if size < 5 { ("greater", 5) } else { ("less", 50) };
            return Err(Failure::new(
                400,
                "ValidationException",
                format!(
                    "1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: Member \
                     must have value {side} than or equal to {limit}"
                ),
            ));
        }
        let filters: Vec<(String, Vec<String>)> = input
            .filters
            .into_iter()
            .map(|filter| (filter.key, filter.values))
            .chain(input.instance_information_filter_list.into_iter().map(|filter| (filter.key, filter.value_set)))
            .collect();
        let mut found = Vec::new();
        for node in cast().nodes.iter().filter(|node| node.region == self.region) {
            if self.all_fit(node, &filters)? {
                found.push(node);
            }
        }
        let paged = page("nodes", found, LARGEST_PAGE, input.next_token.as_deref())
            .map_err(|_| Failure::new(400, "InvalidNextToken", "The specified token isn't valid."))?;
        let nodes: Vec<Value> = paged.items.into_iter().map(|node| self.information(node)).collect();
        let mut answer = json!({ "InstanceInformationList": nodes });
        if let Some(next) = paged.next {
            answer["NextToken"] = next.into();
        }
        Ok(answer)
    }

    fn all_fit(&self, node: &Node, filters: &[(String, Vec<String>)]) -> Result<bool, Failure> {
        for (key, values) in filters {
            let tag = key.strip_prefix("tag:");
            let found: Vec<&str> = match (key.as_str(), tag) {
                ("InstanceIds", _) => vec![node.id],
                ("PingStatus", _) => vec![self.ping_status(node)],
                ("AgentVersion", _) => vec![self.agent_version(node)],
                ("PlatformTypes", _) => vec!["Linux"],
                ("ResourceType", _) => vec!["EC2Instance"],
                (_, Some(tag)) => ec2::tags(node).filter(|(name, _)| *name == tag).map(|(_, value)| value).collect(),
                _ => {
                    return Err(Failure::new(400, "InvalidFilterKey", format!("The specified key isn't valid: {key}")));
                }
            };
            if !values.iter().any(|value| found.contains(&value.as_str())) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn information(&self, node: &Node) -> Value {
        // An agent that is online pings every five minutes; half of that is an honest middle.
        let age = self.silent_for(node).unwrap_or(Duration::from_secs(150));
        let last_ping = (self.clock.now() - age)
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0.0, |since| since.as_millis() as f64 / 1000.0);
        json!({
            "InstanceId": node.id,
            "PingStatus": self.ping_status(node),
            "LastPingDateTime": last_ping,
            "AgentVersion": self.agent_version(node),
            "IsLatestVersion": false,
            "PlatformType": "Linux",
            "PlatformName": "Amazon Linux",
            "PlatformVersion": "2023",
            "ResourceType": "EC2Instance",
            "IPAddress": node.address,
            "ComputerName": ec2::private_name(node),
            "SourceId": node.id,
            "SourceType": "AWS::EC2::Instance",
        })
    }

    fn connection_status(&self, input: TargetInput) -> Result<Value, Failure> {
        let status = if self.is_connected(&input.target) { "connected" } else { "notconnected" };
        Ok(json!({ "Target": input.target, "Status": status }))
    }

    fn start(&self, input: StartInput) -> Result<Value, Failure> {
        let document = input.document_name.unwrap_or_else(|| "SSM-SessionManagerRunShell".to_owned());
        let Some((_, known)) = DOCUMENTS.iter().find(|(name, _)| *name == document) else {
            return Err(Failure::new(400, "InvalidDocument", format!("Document with name {document} does not exist.")));
        };
        check_parameters(known, &input.parameters)?;
        if let Some(reason) = &input.reason
            && !(1..=256).contains(&reason.chars().count())
        {
            return Err(Failure::new(
                400,
                "ValidationException",
                "1 validation error detected: Value at 'reason' failed to satisfy constraint: Member must have length \
                 less than or equal to 256 and greater than or equal to 1",
            ));
        }
        if !self.is_connected(&input.target) {
            return Err(Failure::new(400, "TargetNotConnected", format!("{} is not connected.", input.target)));
        }
        let begun = (self.door.start)(StartSession {
            region: self.region.to_owned(),
            target: input.target,
            document,
            parameters: input.parameters,
            reason: input.reason,
        })
        .map_err(|refused| Failure::new(400, refused.code, refused.message))?;
        Ok(session(&begun))
    }

    fn resume(&self, input: SessionInput) -> Result<Value, Failure> {
        Ok(match (self.door.resume)(&input.session_id) {
            Some(begun) => session(&begun),
            // A session that has ended is a success without a token: the plugin's source (ssm-data-channel.md §1).
            None => json!({ "SessionId": input.session_id }),
        })
    }

    fn terminate(&self, input: SessionInput) -> Result<Value, Failure> {
        (self.door.terminate)(&input.session_id);
        Ok(json!({ "SessionId": input.session_id }))
    }
}

fn session(begun: &Begun) -> Value {
    json!({ "SessionId": begun.session_id, "TokenValue": begun.token, "StreamUrl": begun.stream_url })
}

fn check_parameters(known: &[(&str, bool)], given: &BTreeMap<String, Vec<String>>) -> Result<(), Failure> {
    let invalid = |message: String| Err(Failure::new(400, "InvalidParameters", message));
    for (name, values) in given {
        if !known.iter().any(|(known, _)| known == name) {
            return invalid(format!("Parameter \"{name}\" is not defined in the document."));
        }
        let [value] = values.as_slice() else {
            return invalid(format!("Parameter \"{name}\" must have one value."));
        };
        let is_port = value.parse::<u16>().is_ok() && !value.starts_with('+');
        if name.ends_with("ortNumber") && !is_port {
            return invalid(format!(
                "Parameter \"{name}\" has value \"{value}\" not matching the allowed pattern for a port."
            ));
        }
        if name == "host" && (value.is_empty() || value.contains(|c: char| c.is_whitespace() || c.is_control())) {
            return invalid(format!("Parameter \"{name}\" does not match its allowed pattern."));
        }
    }
    match known.iter().find(|(name, needed)| *needed && !given.contains_key(*name)) {
        Some((name, _)) => invalid(format!("Parameter \"{name}\" requires a value.")),
        None => Ok(()),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Failure::new(400, "ValidationException", error.to_string()),
        _ => Failure::new(400, "SerializationException", ""),
    })
}
