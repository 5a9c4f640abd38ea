//! Credentials and endpoints as the AWS CLI finds them: environment, profiles, processes, SSO. Each case runs in a process
//! of its own, for the environment belongs to a whole process.

#[path = "support/world.rs"]
mod world;

use gatepost::access::Access;
use gatepost::model::{AwsSettings, Settings};
use gatepost::sandbox::keys;
use std::process::Command;
use world::World;

const CHILD: &str = "GATEPOST_TEST_CHILD";

/// What a case runs: the door with settings that name a profile at most.
#[tokio::test]
async fn child() {
    let Ok(profile) = std::env::var(CHILD) else { return };
    let profiles = Some(profile).filter(|name| !name.is_empty()).into_iter().collect();
    let settings = Settings { aws: AwsSettings { profiles, ..AwsSettings::default() }, ..Settings::default() };
    let access = Access::new(settings).expect("good settings");
    let answer = async {
        let place = access.places().await?.remove(0);
        let identity = access.identity(&place).await?;
        let bastions = access.inventory(&place).await?.databases.len();
        Ok::<_, gatepost::model::Diagnosis>(format!("{} in {place}, {bastions} databases", identity.short()))
    };
    match answer.await {
        Ok(words) => println!("ANSWER {words}"),
        Err(diagnosis) => println!("ANSWER {:?} {diagnosis}", diagnosis.kind),
    }
}

fn run(folder: &std::path::Path, profile: &str, environment: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "child", "--nocapture"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("AWS_CONFIG_FILE", folder.join("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", folder.join("credentials"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env(CHILD, profile)
        .envs(environment.iter().copied())
        .output()
        .expect("the child runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answer = text.find("ANSWER ").unwrap_or_else(|| panic!("no answer in {text}"));
    text[answer + 7..].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_found_where_the_aws_cli_finds_them() {
    let world = World::new().await;
    let endpoint = world.settings.aws.endpoint_url.clone().expect("the sandbox's");
    let folder = tempfile::tempdir().expect("temporary folder");
    let process = folder.path().join("give-keys");
    let answer = serde_json::json!({
        "Version": 1,
        "AccessKeyId": keys::ACCESS_KEY_ID,
        "SecretAccessKey": keys::SECRET_ACCESS_KEY,
        "SessionToken": keys::SESSION_TOKEN,
    });
    std::fs::write(&process, format!("#!/bin/sh\necho '{answer}'\n")).expect("written");
    std::fs::set_permissions(&process, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("executable");
    let (id, secret, token) = (keys::ACCESS_KEY_ID, keys::SECRET_ACCESS_KEY, keys::SESSION_TOKEN);
    let config = format!(
        "[profile process]\nregion = us-east-1\ncredential_process = {}\nendpoint_url = {endpoint}\n\
         [profile failing]\nregion = eu-west-1\ncredential_process = /bin/false --token hunter2\nendpoint_url = {endpoint}\n\
         [profile sso]\nregion = eu-west-1\nsso_session = corp\nsso_account_id = 1\nsso_role_name = dev\n\
         endpoint_url = {endpoint}\n\
         [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.example.com/start\n\
         [profile services]\nregion = eu-west-1\ncredential_process = {}\nservices = here\nendpoint_url = http://127.0.0.1:9\n\
         [services here]\nrds =\n  endpoint_url = {endpoint}\nsts =\n  endpoint_url = {endpoint}\n\
         [profile keys]\nregion = eu-west-1\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n\
         aws_session_token = {token}\n",
        process.display(),
        process.display(),
    );
    std::fs::write(folder.path().join("config"), config).expect("written");
    let run = |profile: &'static str, environment: Vec<(&'static str, String)>| {
        let folder = folder.path().to_owned();
        async move {
            let environment: Vec<(&str, &str)> =
                environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
            tokio::task::block_in_place(|| run(&folder, profile, &environment))
        }
    };
    let given = |more: Vec<(&'static str, String)>| {
        let mut environment = vec![
            ("AWS_ACCESS_KEY_ID", id.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", secret.to_owned()),
            ("AWS_SESSION_TOKEN", token.to_owned()),
            ("AWS_REGION", "eu-west-1".to_owned()),
        ];
        environment.extend(more);
        environment
    };
    let url = |name: &'static str| (name, endpoint.clone());

    let answer = run("", given(vec![url("AWS_ENDPOINT_URL")])).await;
    assert!(answer.starts_with("prod-admin in eu-west-1, "), "{answer}");
    let nowhere = ("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned());
    let answer = run("", given(vec![nowhere, url("AWS_ENDPOINT_URL_RDS"), url("AWS_ENDPOINT_URL_STS")])).await;
    assert!(answer.starts_with("prod-admin in eu-west-1, "), "each service's own form rules: {answer}");
    let answer = run("process", vec![]).await;
    assert!(answer.starts_with("prod-admin in us-east-1 (process), "), "{answer}");
    let answer = run("", vec![("AWS_PROFILE", "process".to_owned())]).await;
    assert!(answer.starts_with("prod-admin in us-east-1, "), "{answer}");
    let answer = run("services", vec![]).await;
    assert!(answer.starts_with("prod-admin in eu-west-1 (services), "), "{answer}");
    let answer = run("keys", vec![url("AWS_ENDPOINT_URL")]).await;
    assert!(answer.starts_with("prod-admin in eu-west-1 (keys), "), "{answer}");

    // What fails says how to mend it, and never shows what could be secret.
    let answer = run("sso", vec![]).await;
    assert!(answer.starts_with("LoginEnded") && answer.contains("aws sso login --profile sso"), "{answer}");
    // A profile named outright is not overruled by the environment's keys.
    let answer = run("failing", given(vec![])).await;
    assert!(answer.starts_with("LoginEnded") && answer.contains("/bin/false (credential_process)"), "{answer}");
    assert!(!answer.contains("hunter2"), "{answer}");
    let answer = run("", vec![("AWS_REGION", "eu-west-1".to_owned())]).await;
    assert!(answer.starts_with("LoginEnded There are no AWS credentials") && answer.contains("aws login"), "{answer}");
    let answer = run("missing", vec![("AWS_REGION", "eu-west-1".to_owned())]).await;
    assert!(answer.starts_with("LoginEnded") && answer.contains("aws configure list-profiles"), "{answer}");
    let answer = run("", vec![]).await;
    assert!(answer.starts_with("Usage No AWS region is set"), "{answer}");
    let answer = run("", given(vec![("AWS_SECRET_ACCESS_KEY", "wrong".to_owned()), url("AWS_ENDPOINT_URL")])).await;
    assert!(answer.starts_with("AwsRefused AWS refused the signature"), "{answer}");
}
