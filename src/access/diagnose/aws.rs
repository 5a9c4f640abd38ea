//! What AWS refused, in words. It must not know databases.

use super::{because_lines, shell};
use crate::access::policy::statement;
use crate::aws::{Error, Kind as Refused, Origin, home_region, usual_endpoint};
use crate::model::{Bastion, Diagnosis, Endpoint, Kind, Place};

/// Any failure of a question to AWS.
pub(in crate::access) fn of(error: &Error) -> Diagnosis {
    let Error { operation, message, place, .. } = error;
    let tried = match error.attempts {
        0 | 1 => String::new(),
        n => format!(", tried {n} times"),
    };
    match &error.kind {
        Refused::Expired(origin) => login_ended("Your AWS login has ended", error, origin),
        Refused::NoCredentials(origin) => {
            let title = match &place.profile {
                Some(profile) => format!("There are no AWS credentials for profile {profile}"),
                None => "There are no AWS credentials".to_owned(),
            };
            login_ended(&title, error, origin)
        }
        Refused::AccessDenied { resource, principal } => {
            let title = match resource {
                Some(resource) => format!("You may not do {operation} on {resource}"),
                None => format!("You may not do {operation} in {}", place.region),
            };
            let mut diagnosis = because_lines(Diagnosis::new(Kind::AccessDenied, title), message);
            if let Some(principal) = principal {
                diagnosis = diagnosis.because(format!("AWS knows you as {principal}"));
            }
            let resource = resource.clone().unwrap_or_else(|| "*".to_owned());
            granted(diagnosis, message, operation, &[resource])
        }
        Refused::Throttled => because_lines(
            Diagnosis::new(Kind::Throttled, format!("AWS asks to slow down: {operation} in {place}{tried}")),
            message,
        )
        .advise("Wait a minute and try again")
        .advise("List fewer regions or profiles at once: the limit is shared by everyone in the account"),
        Refused::RegionRefused => region_refused(error),
        Refused::SignatureRefused => because_lines(
            Diagnosis::new(Kind::AwsRefused, format!("AWS refused the signature of {operation} in {place}")),
            message,
        )
        .advise_paste(
            "See whether this machine's clock is right: a signature lives five minutes",
            "date -u; timedatectl",
        )
        .advise("See whether the secret access key is complete"),
        Refused::Unreachable => unreachable(error, &tried),
        Refused::ProxyRefused => because_lines(
            Diagnosis::new(Kind::AwsUnreachable, format!("A proxy is in the way to {operation} in {place}{tried}")),
            message,
        )
        .advise_paste("Look at the proxy settings", "env | grep -i _proxy")
        .advise("Name AWS's endpoints in NO_PROXY, or give the proxy's user and password in HTTPS_PROXY"),
        Refused::TargetNotConnected => because_lines(
            Diagnosis::new(
                Kind::BastionUnusable,
                format!("The bastion is not connected to Session Manager in {place}"),
            ),
            message,
        )
        .advise("See whether it runs, and whether account and region are the right ones")
        .advise_paste(
            "List the nodes that are online",
            format!("aws ssm describe-instance-information --filters Key=PingStatus,Values=Online{}", options(place)),
        ),
        Refused::InvalidDocument => {
            because_lines(Diagnosis::new(Kind::AwsRefused, format!("The SSM document was refused in {place}")), message)
                .advise("Name another document, or its parameters, in the settings: ssm_document, ssm_parameters")
        }
        Refused::Configuration => because_lines(Diagnosis::new(Kind::Usage, "The AWS configuration is wrong"), message)
            .advise("Look at ~/.aws/config, AWS_CA_BUNDLE, AWS_ENDPOINT_URL and HTTPS_PROXY"),
        Refused::NotFound | Refused::Other => {
            let code = error.code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
            because_lines(
                Diagnosis::new(Kind::AwsRefused, format!("{operation} failed in {place}{code}{tried}")),
                message,
            )
        }
    }
}

/// A refused StartSession: the statement names node and document, for both are asked for.
pub(in crate::access) fn of_start(error: &Error, bastion: &Bastion, endpoint: &Endpoint, document: &str) -> Diagnosis {
    let mut diagnosis = of(error);
    match &error.kind {
        Refused::AccessDenied { .. } => {
            diagnosis.title = format!("You may not start a session on {}", bastion.label());
            diagnosis.advice.clear();
            let resources = session_resources(bastion, endpoint, document);
            granted(diagnosis, &error.message, "ssm:StartSession", &resources)
        }
        Refused::TargetNotConnected => {
            diagnosis.title = format!("Bastion {} is not connected to Session Manager", bastion.label());
            diagnosis
        }
        _ => diagnosis,
    }
}

/// Kinds of policies that AWS names in what it denies (IAM User Guide, "Troubleshoot access denied error messages").
const KINDS: [&str; 7] = [
    "identity-based policy",
    "permissions boundary",
    "session policy",
    "service control policy",
    "resource control policy",
    "resource-based policy",
    "vpc endpoint policy",
];

/// What would let the action in: AWS's `message` says whose policy is in the way, and a statement in one's own does not help
/// against another.
pub(in crate::access) fn granted(diagnosis: Diagnosis, message: &str, action: &str, resources: &[String]) -> Diagnosis {
    let lower = message.to_ascii_lowercase();
    let denies = KINDS.iter().find(|kind| ["a", "an"].iter().any(|a| lower.contains(&format!("deny in {a} {kind}"))));
    if let Some(kind) = denies {
        return diagnosis.advise(match *kind {
            "identity-based policy" => format!(
                "Have the denial of {action} taken out of your IAM policies, or log in as somebody whom they do not name"
            ),
            kind => format!(
                "Have the denial of {action} taken out of the {kind}: no statement in a policy of your own allows what that denies"
            ),
        });
    }
    let lacks = KINDS.iter().find(|kind| lower.contains(&format!("no {kind} allows")));
    let statement = statement(&[action], resources);
    match lacks.copied() {
        Some("permissions boundary") => {
            diagnosis.advise_paste("Have this statement added to your permissions boundary", statement)
        }
        Some("session policy") => diagnosis.advise_paste(
            "Have this statement added to the session policy that the role was assumed with, or assume it without one",
            statement,
        ),
        None | Some("identity-based policy") => {
            diagnosis.advise_paste("Have this statement added to your IAM policy", statement)
        }
        Some(kind) => diagnosis
            .advise(format!("Have {action} allowed by the {kind}: a statement in a policy of your own is not enough")),
    }
}

/// What `ssm:StartSession` has to be allowed on: the node, and the document.
pub(in crate::access) fn session_resources(bastion: &Bastion, endpoint: &Endpoint, document: &str) -> [String; 2] {
    let region = &bastion.place.region;
    let (partition, account) = (&endpoint.partition, &endpoint.account);
    let node = if bastion.id.starts_with("mi-") {
        format!("arn:{partition}:ssm:{region}:{account}:managed-instance/{}", bastion.id)
    } else {
        format!("arn:{partition}:ec2:{region}:{account}:instance/{}", bastion.id)
    };
    // AWS's own documents belong to no account.
    let owner = if document.starts_with("AWS-") { "" } else { account };
    [node, format!("arn:{partition}:ssm:{region}:{owner}:document/{document}")]
}

fn login_ended(title: &str, error: &Error, origin: &Origin) -> Diagnosis {
    if let Some((_, rest)) = error.message.split_once("profile `")
        && let Some((name, _)) = rest.split_once("` was not defined")
    {
        return Diagnosis::new(Kind::LoginEnded, format!("There is no profile {name} in the AWS configuration"))
            .advise_paste("See which profiles there are", "aws configure list-profiles")
            .advise("Look at AWS_PROFILE, AWS_CONFIG_FILE and --profile");
    }
    let diagnosis = because_lines(Diagnosis::new(Kind::LoginEnded, title), &error.message);
    let profile = |name: &Option<String>| match name.as_deref().or(error.place.profile.as_deref()) {
        Some(name) => format!(" --profile {}", shell(name)),
        None => String::new(),
    };
    match origin {
        Origin::Sso(name) => diagnosis.advise_paste("Log in again", format!("aws sso login{}", profile(name))),
        Origin::Login(name) => diagnosis.advise_paste("Log in again", format!("aws login{}", profile(name))),
        Origin::Process(program) => diagnosis
            .because(format!("the credentials come from the program {program} (credential_process)"))
            .advise_paste("Run what renews them, then see", format!("aws sts get-caller-identity{}", profile(&None))),
        Origin::Environment => diagnosis
            .because("the credentials come from AWS_ACCESS_KEY_ID in the environment")
            .advise("Get new keys where those came from, export them again, and start gatepost anew: a program keeps the environment that it began with")
            .advise_paste(
                "Or leave them and use a profile",
                "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN",
            ),
        Origin::Profile(name) => diagnosis
            .because(format!("the credentials come from the keys of profile {name}"))
            .advise_paste("Put new keys in", format!("aws configure --profile {}", shell(name))),
        Origin::Keys => diagnosis.because("the keys were given to gatepost itself").advise("Give it new ones"),
        Origin::Unknown => {
            let diagnosis = match &error.place.profile {
                Some(_) => diagnosis.advise_paste("See which profiles there are", "aws configure list-profiles"),
                None => diagnosis,
            };
            diagnosis
                .advise_paste("Log in with your console credentials", format!("aws login{}", profile(&None)))
                .advise_paste("Or set up IAM Identity Center", format!("aws configure sso{}", profile(&None)))
        }
    }
}

fn region_refused(error: &Error) -> Diagnosis {
    let region = &error.place.region;
    if error.operation.starts_with("iam:") {
        let title =
            format!("{region}, where IAM is for all regions, does not know these credentials ({})", error.operation);
        return because_lines(Diagnosis::new(Kind::RegionRefused, title), &error.message).advise_paste(
            "See whether the keys are good there",
            format!("aws sts get-caller-identity{}", options(&error.place)),
        );
    }
    because_lines(
        Diagnosis::new(Kind::RegionRefused, format!("{region} does not know these credentials ({})", error.operation)),
        &error.message,
    )
    .because("an opt-in region says so until it is enabled for the account; any region says so of keys that are wrong")
    .advise_paste(
        "See whether the keys are good elsewhere",
        format!("aws sts get-caller-identity --region {}{}", home_region(region), profile(&error.place)),
    )
    .advise_paste(
        "Enable the region",
        format!("aws account enable-region --region-name {}{}", shell(region), profile(&error.place)),
    )
    .advise("Or leave the region out of --region")
}

fn unreachable(error: &Error, tried: &str) -> Diagnosis {
    let Error { operation, place, .. } = error;
    let service = operation.split(':').next().unwrap_or_default();
    if error.message.contains("invalid peer certificate") {
        return because_lines(
            Diagnosis::new(
                Kind::AwsUnreachable,
                format!("The certificate of AWS's endpoint is not trusted: {operation} in {place}"),
            ),
            &error.message,
        )
        .advise_paste(
            "Where a proxy inspects TLS, or the endpoint is your own: give the authority's certificate, as PEM",
            "export AWS_CA_BUNDLE=/path/to/authorities.pem",
        )
        .advise_paste(
            "See what leads elsewhere: an endpoint or a proxy",
            "env | grep -iE 'AWS_ENDPOINT|AWS_CA_BUNDLE|_proxy'",
        );
    }
    because_lines(
        Diagnosis::new(Kind::AwsUnreachable, format!("AWS does not answer: {operation} in {place}{tried}")),
        &error.message,
    )
    .advise("See whether this machine is on the network, and whether the region's name is spelt right")
    .advise_paste("See what leads elsewhere: an endpoint or a proxy", "env | grep -iE 'AWS_ENDPOINT|_proxy'")
    .advise_paste(
        "Ask the endpoint",
        format!("curl -sv --max-time 10 {}/ -o /dev/null", usual_endpoint(service, &place.region)),
    )
}

/// `--region R --profile P`, with a leading blank.
pub(in crate::access) fn options(place: &Place) -> String {
    format!(" --region {}{}", shell(&place.region), profile(place))
}

/// `--profile P`, with a leading blank, where one was named: without it another account is asked.
pub(in crate::access) fn profile(place: &Place) -> String {
    place.profile.as_deref().map(|profile| format!(" --profile {}", shell(profile))).unwrap_or_default()
}
