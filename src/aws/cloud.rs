//! The clients of one place, made once: region, credentials, endpoints, HTTP, retries. It must not know what is asked.

use super::credentials::{self, Origin};
use super::error::{Error, Kind};
use super::network::Network;
use super::watch::{Skew, Watch, counted};
use crate::model::{AwsSettings, Place};
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::region::Region;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// How often one request is sent at most: the waits between (0.4 s doubling, with jitter) sum to about three seconds.
const ATTEMPTS: u32 = 5;
/// Seconds that a clock may be off before it is put right; signatures bear five minutes.
const SKEW: i64 = 240;
const FIRST_WAIT: Duration = Duration::from_millis(400);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// AWS, as the settings reach it. Cheap to clone; clients are made once per place.
#[derive(Clone)]
pub struct Cloud {
    inner: Arc<Inner>,
}

struct Inner {
    settings: AwsSettings,
    timeout: Duration,
    network: Network,
    places: Mutex<HashMap<Place, Arc<Clients>>>,
    skew: Skew,
}

/// What one place is asked with.
pub(super) struct Clients {
    pub(super) rds: aws_sdk_rds::Client,
    pub(super) ssm: aws_sdk_ssm::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) sdk: SdkConfig,
    credentials: SharedCredentialsProvider,
    pub(super) origin: Origin,
}

impl Cloud {
    /// Reads the bundle; asks nothing of the network. `timeout` bounds each question with its retries.
    pub fn new(settings: &AwsSettings, timeout: Duration) -> Result<Cloud, Error> {
        let nowhere = Place { profile: None, region: String::new() };
        let network = Network::new(settings).map_err(|reason| Error::configuration(&nowhere, reason))?;
        Ok(Cloud {
            inner: Arc::new(Inner {
                settings: settings.clone(),
                timeout,
                network,
                places: Mutex::default(),
                skew: Skew::default(),
            }),
        })
    }

    /// How AWS is reached.
    pub fn network(&self) -> &Network {
        &self.inner.network
    }

    /// Seconds that AWS's clock is ahead of this machine's, as of the last answer.
    pub fn clock_skew(&self) -> Option<i64> {
        self.inner.skew.seconds()
    }

    /// Now, as AWS sees it: this machine's clock, put right when AWS's answers have shown it to be far off, as the SDK does
    /// for its own signatures.
    pub fn now(&self) -> SystemTime {
        let now = SystemTime::now();
        match self.clock_skew() {
            Some(skew) if skew >= SKEW => now + Duration::from_secs(skew.unsigned_abs()),
            Some(skew) if skew <= -SKEW => now - Duration::from_secs(skew.unsigned_abs()),
            _ => now,
        }
    }

    pub(super) fn skew(&self) -> &Skew {
        &self.inner.skew
    }

    pub(super) fn timeout(&self) -> Duration {
        self.inner.timeout
    }

    pub(super) fn settings(&self) -> &AwsSettings {
        &self.inner.settings
    }

    /// The profiles of the AWS configuration files, sorted.
    pub async fn profiles(&self) -> Vec<String> {
        credentials::profiles().await
    }

    /// The region the AWS configuration names for a profile: `AWS_REGION`, `AWS_DEFAULT_REGION`, then the profile's.
    pub async fn region_of(&self, profile: Option<&str>) -> Option<String> {
        if let Some(region) = EnvironmentVariableRegionProvider::new().region().await {
            return Some(region.as_ref().to_owned()).filter(|region| !region.is_empty());
        }
        let mut provider = ProfileFileRegionProvider::builder();
        if let Some(profile) = profile {
            provider = provider.profile_name(profile);
        }
        provider.build().region().await.map(|region| region.as_ref().to_owned())
    }

    pub(super) async fn clients(&self, place: &Place) -> Arc<Clients> {
        let mut places = self.inner.places.lock().await;
        if let Some(clients) = places.get(place) {
            return clients.clone();
        }
        let clients = Arc::new(Box::pin(self.make(place)).await);
        places.insert(place.clone(), clients.clone());
        clients
    }

    /// After a login that has ended, everything is read anew: the user may have renewed it in the meantime.
    async fn forget(&self, place: &Place) {
        self.inner.places.lock().await.remove(place);
    }

    async fn make(&self, place: &Place) -> Clients {
        let inner = &self.inner;
        let region = Region::new(place.region.clone());
        let retry = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(FIRST_WAIT)
            .with_max_backoff(LONGEST_WAIT);
        let attempt = inner.timeout.min(Duration::from_secs(15));
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(inner.timeout.min(Duration::from_secs(5)))
            .operation_attempt_timeout(attempt)
            .operation_timeout(inner.timeout)
            .build();
        let origin = credentials::origin(&inner.settings, place).await;
        let provider_configuration = ProviderConfig::default().with_http_client(inner.network.client.clone());
        let credentials = credentials::provider(&inner.settings, place, provider_configuration).await;
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(region)
            .retry_config(retry)
            .timeout_config(timeouts)
            .http_client(inner.network.client.clone())
            .credentials_provider(credentials.clone());
        if let Some(profile) = &place.profile {
            loader = loader.profile_name(profile);
        }
        let sdk = loader.load().await;
        // An endpoint given to gatepost rules over every form in the environment and the profile, as `--endpoint-url`
        // does for the AWS CLI; set on the services, for on the loader `AWS_ENDPOINT_URL_RDS` would still win.
        let endpoint = inner.settings.endpoint_url.clone();
        let watch = || Watch(inner.skew.clone());
        let mut rds = aws_sdk_rds::config::Builder::from(&sdk).interceptor(watch());
        let mut ssm = aws_sdk_ssm::config::Builder::from(&sdk).interceptor(watch());
        let mut sts = aws_sdk_sts::config::Builder::from(&sdk).interceptor(watch());
        if let Some(endpoint) = &endpoint {
            rds = rds.endpoint_url(endpoint);
            ssm = ssm.endpoint_url(endpoint);
            sts = sts.endpoint_url(endpoint);
        }
        Clients {
            rds: aws_sdk_rds::Client::from_conf(rds.build()),
            ssm: aws_sdk_ssm::Client::from_conf(ssm.build()),
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            sdk,
            credentials,
            origin,
        }
    }

    /// Credentials as they are now; ended ones are an error, for what they sign would be refused without a reason.
    pub(super) async fn credentials(&self, operation: &'static str, place: &Place) -> Result<Credentials, Error> {
        let clients = self.clients(place).await;
        let asked = tokio::time::timeout(self.inner.timeout, clients.credentials.provide_credentials()).await;
        let failed = match asked {
            Ok(Ok(credentials)) if credentials.expiry().is_none_or(|end| end > SystemTime::now()) => {
                return Ok(credentials);
            }
            Ok(Ok(_)) => Error {
                operation,
                code: None,
                message: "the credentials have ended".to_owned(),
                kind: Kind::Expired(clients.origin.clone()),
                place: place.clone(),
                attempts: 0,
                source: None,
            },
            Ok(Err(error)) => Error::from_credentials(operation, place, clients.origin.clone(), error),
            Err(_) => Error {
                operation,
                code: None,
                message: format!("no credentials within {} s", self.inner.timeout.as_secs()),
                kind: Kind::NoCredentials(clients.origin.clone()),
                place: place.clone(),
                attempts: 0,
                source: None,
            },
        };
        self.forget(place).await;
        Err(failed)
    }

    /// Awaits an SDK call, with its failure as ours.
    pub(super) async fn ask<T, E>(
        &self,
        operation: &'static str,
        place: &Place,
        clients: &Clients,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Error>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        // On the heap: an SDK call's state is many kilobytes, and the ways through here are nested deep.
        let (answer, attempts) = Box::pin(counted(call)).await;
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self
                .failed(place, Error::from_sdk(operation, place, attempts, clients.origin.clone(), error))
                .await),
        }
    }

    /// Passes `error` on; a login that has ended is forgotten, and so is what the SDK believed of the clocks.
    pub(super) async fn failed(&self, place: &Place, error: Error) -> Error {
        if matches!(
            error.kind,
            Kind::NoCredentials(_) | Kind::Expired(_) | Kind::RegionRefused | Kind::SignatureRefused
        ) {
            self.forget(place).await;
        }
        error
    }
}
