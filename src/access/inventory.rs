//! Listing and asking who we are, over the places the settings name. It must not know what a row looks like.

use super::{Access, diagnose};
use crate::aws::Ingress;
use crate::model::{Diagnosis, Endpoint, Identity, Inventory, Kind, Place, Ranked};

impl Access {
    pub(super) async fn list_places(&self) -> Result<Vec<Place>, Diagnosis> {
        let settings = &self.settings().aws;
        let profiles: Vec<Option<String>> = match settings.profiles.as_slice() {
            [] => vec![None],
            named => named.iter().cloned().map(Some).collect(),
        };
        let mut places = Vec::new();
        for profile in profiles {
            let regions = match settings.regions.as_slice() {
                [] => vec![
                    self.cloud().region_of(profile.as_deref()).await.ok_or_else(|| no_region(profile.as_deref()))?,
                ],
                named => named.to_vec(),
            };
            for region in regions {
                let place = Place { profile: profile.clone(), region };
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        Ok(places)
    }

    /// The profiles that can be chosen: those of the settings first, then what the AWS configuration files have.
    pub async fn profiles(&self) -> Vec<String> {
        let mut profiles = self.settings().aws.profiles.clone();
        for profile in self.cloud().profiles().await {
            if !profiles.contains(&profile) {
                profiles.push(profile);
            }
        }
        profiles
    }

    pub(super) async fn who(&self, place: &Place) -> Result<Identity, Diagnosis> {
        Box::pin(self.cloud().identity(place)).await.map_err(|error| diagnose::aws::of(&error))
    }

    pub(super) async fn list(&self, place: &Place) -> Result<Inventory, Diagnosis> {
        Box::pin(self.cloud().inventory(place)).await.map_err(|error| diagnose::aws::of(&error))
    }

    pub(super) async fn rank(&self, endpoint: &Endpoint) -> Result<Vec<Ranked>, Diagnosis> {
        let cloud = self.cloud();
        let (bastions, ingress) = tokio::join!(
            Box::pin(cloud.bastions(&endpoint.place)),
            Box::pin(cloud.ingress(&endpoint.place, &endpoint.security_groups)),
        );
        let (bastions, gaps) = bastions.map_err(|error| diagnose::aws::of(&error))?;
        for gap in gaps.iter().chain(ingress.as_ref().err()) {
            tracing::info!(operation = gap.operation, message = %gap.message, "bastions are ranked without it");
        }
        let ingress: Option<Vec<Ingress>> = ingress.ok();
        Ok(super::ranking::rank(endpoint, bastions, ingress.as_deref()))
    }
}

fn no_region(profile: Option<&str>) -> Diagnosis {
    let name = profile.unwrap_or("default");
    Diagnosis::new(Kind::Usage, "No AWS region is set")
        .because("neither --region, nor AWS_REGION, nor the profile names one")
        .advise_paste("Name it", "gatepost --region eu-west-1")
        .advise_paste(
            "Or set it in the profile",
            format!("aws configure set region eu-west-1 --profile {}", diagnose::shell(name)),
        )
}
