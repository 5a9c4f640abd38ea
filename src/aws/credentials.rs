//! Where credentials come from, and a keyring that asks there only when it must. It must not sign anything.

use crate::model::{AwsSettings, Place};
use aws_config::BehaviorVersion;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::region::Region;
use std::fmt;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

/// Where credentials come from, as far as the configuration tells: for saying how to renew them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// IAM Identity Center; the profile to log in with.
    Sso(Option<String>),
    /// `aws login`.
    Login(Option<String>),
    /// A `credential_process`.
    Process(String),
    /// The environment's `AWS_ACCESS_KEY_ID`.
    Environment,
    /// A profile's own keys or role.
    Profile(String),
    /// Given to gatepost as settings.
    Keys,
    /// Nothing says.
    Unknown,
}

/// Reads from environment and profile files how this place's credentials are made, as botocore orders it.
pub(super) async fn origin(settings: &AwsSettings, place: &Place) -> Origin {
    if settings.credentials.is_some() {
        return Origin::Keys;
    }
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if place.profile.is_none() && environment("AWS_ACCESS_KEY_ID").is_some() {
        return Origin::Environment;
    }
    let profiles = aws_config::profile::load(&Fs::real(), &Env::real(), &Default::default(), None).await;
    let Ok(profiles) = profiles else { return Origin::Unknown };
    let start = place.profile.clone().unwrap_or_else(|| profiles.selected_profile().to_owned());
    let mut name = start.clone();
    // source_profile chains end where the first credentials come from; the bound ends a loop.
    for _ in 0..8 {
        let Some(profile) = profiles.get_profile(&name) else { return Origin::Unknown };
        let has = |key: &str| profile.get(key).is_some();
        if has("sso_session") || has("sso_start_url") {
            return Origin::Sso(named(&name));
        }
        if has("login_session") {
            return Origin::Login(named(&name));
        }
        if let Some(command) = profile.get("credential_process") {
            // The program only: arguments can hold secrets.
            return Origin::Process(command.split_whitespace().next().unwrap_or_default().to_owned());
        }
        match profile.get("source_profile") {
            Some(source) if source != name => name = source.to_owned(),
            _ if has("aws_access_key_id") || has("role_arn") => return Origin::Profile(name),
            _ => return Origin::Unknown,
        }
    }
    Origin::Profile(start)
}

/// The profiles of the AWS configuration files, sorted; none where there are no files, or none that can be read (whoever
/// uses one hears why).
pub(super) async fn profiles() -> Vec<String> {
    let Ok(profiles) = aws_config::profile::load(&Fs::real(), &Env::real(), &Default::default(), None).await else {
        return Vec::new();
    };
    let mut names: Vec<String> = profiles.profiles().map(str::to_owned).collect();
    names.sort();
    names
}

fn named(profile: &str) -> Option<String> {
    (profile != "default").then(|| profile.to_owned())
}

/// The provider for one place: given keys; an explicitly named profile alone (as with `aws --profile`, which the
/// environment's keys do not override); else the default chain.
pub(super) async fn provider(
    settings: &AwsSettings,
    place: &Place,
    configuration: ProviderConfig,
) -> SharedCredentialsProvider {
    if let Some(given) = &settings.credentials {
        return SharedCredentialsProvider::new(Credentials::new(
            given.access_key_id.clone(),
            given.secret_access_key.reveal(),
            given.session_token.as_ref().map(|token| token.reveal().to_owned()),
            None,
            "gatepost settings",
        ));
    }
    let configuration = configuration
        .with_behavior_version(Some(BehaviorVersion::latest()))
        .with_region(Some(Region::new(place.region.clone())));
    let profile = place.profile.clone();
    SharedCredentialsProvider::new(Keyring::new(move || {
        let (configuration, profile) = (configuration.clone(), profile.clone());
        Box::pin(async move {
            match profile {
                Some(profile) => SharedCredentialsProvider::new(
                    ProfileFileCredentialsProvider::builder().configure(&configuration).profile_name(profile).build(),
                ),
                None => SharedCredentialsProvider::new(
                    DefaultCredentialsChain::builder().configure(configuration).build().await,
                ),
            }
        })
    }))
}

/// Ask anew this long before credentials end, so that what is signed with them lives a while.
const MARGIN: Duration = Duration::from_secs(300);
/// Credentials that do not say when they end are asked for again after this.
const ENDLESS: Duration = Duration::from_secs(900);

type Making = Pin<Box<dyn Future<Output = SharedCredentialsProvider> + Send>>;

/// Credentials kept until shortly before their end. The SDK's own cache is per client; tokens, upgrades and the clients
/// share this one, so that a `credential_process` runs once.
struct Keyring {
    /// Makes what is asked for credentials.
    make: Box<dyn Fn() -> Making + Send + Sync>,
    state: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    /// None where there was none yet or the last one failed: the SDK's provider reads a profile once, tells why it could not
    /// to the first who asks, and can never be used again. A new one reads what was mended since.
    provider: Option<SharedCredentialsProvider>,
    kept: Option<(Credentials, SystemTime)>,
}

impl Keyring {
    fn new(make: impl Fn() -> Making + Send + Sync + 'static) -> Keyring {
        Keyring { make: Box::new(make), state: tokio::sync::Mutex::default() }
    }

    async fn get(&self) -> Result<Credentials, CredentialsError> {
        let mut state = self.state.lock().await;
        let now = SystemTime::now();
        if let Some((credentials, until)) = state.kept.as_ref()
            && now < *until
        {
            return Ok(credentials.clone());
        }
        let provider = match state.provider.take() {
            Some(provider) => provider,
            None => (self.make)().await,
        };
        let credentials = match (provider.provide_credentials().await, state.kept.as_ref()) {
            (Ok(credentials), _) => {
                state.provider = Some(provider);
                credentials
            }
            // The margin is for comfort: until they have ended, the old ones serve.
            (Err(_), Some((old, _))) if old.expiry().is_some_and(|end| now < end) => old.clone(),
            (Err(error), _) => return Err(error),
        };
        let until = match credentials.expiry() {
            Some(end) => end.checked_sub(MARGIN).unwrap_or(now),
            None => now + ENDLESS,
        };
        state.kept = Some((credentials.clone(), until));
        Ok(credentials)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

impl ProvideCredentials for Keyring {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[derive(Debug)]
    struct Counting(Arc<AtomicU32>, Duration);

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let asked = self.0.fetch_add(1, Ordering::Relaxed);
            let end = SystemTime::now() + self.1;
            future::ProvideCredentials::ready(Ok(Credentials::new(format!("K{asked}"), "s", None, Some(end), "test")))
        }
    }

    #[tokio::test]
    async fn good_credentials_are_kept_and_ending_ones_renewed() {
        let asked = Arc::new(AtomicU32::new(0));
        let keyring = |lifetime| {
            let asked = asked.clone();
            Keyring::new(move || {
                let provider = SharedCredentialsProvider::new(Counting(asked.clone(), Duration::from_secs(lifetime)));
                Box::pin(async { provider })
            })
        };
        let long = keyring(3600);
        let first = long.get().await.expect("credentials");
        assert_eq!(long.get().await.expect("credentials").access_key_id(), first.access_key_id());
        assert_eq!(asked.load(Ordering::Relaxed), 1);

        asked.store(0, Ordering::Relaxed);
        let short = keyring(60);
        short.get().await.expect("credentials");
        short.get().await.expect("credentials");
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    #[expect(deprecated, reason = "what is to be used instead is in a crate of the SDK that we do not name otherwise")]
    async fn everybody_hears_why_a_profile_cannot_be_used_and_it_works_once_it_is_mended() {
        use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};

        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("config");
        std::fs::write(&file, "[profile other]\n").expect("written");
        let path = file.clone();
        let keyring = Keyring::new(move || {
            let files = ProfileFiles::builder().with_file(ProfileFileKind::Config, &path).build();
            let provider = ProfileFileCredentialsProvider::builder().profile_name("late").profile_files(files).build();
            Box::pin(async { SharedCredentialsProvider::new(provider) })
        });
        for _ in 0..2 {
            let why = keyring.get().await.expect_err("no such profile");
            let why = aws_smithy_types::error::display::DisplayErrorContext(&why).to_string();
            assert!(why.contains("late"), "{why}");
        }
        let text = "[profile late]\naws_access_key_id = A\naws_secret_access_key = B\n";
        std::fs::write(&file, text).expect("written");
        assert_eq!(keyring.get().await.expect("it is there now").access_key_id(), "A");
    }
}
