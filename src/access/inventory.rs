//! Listing and asking who we are, over the places the settings name. It must not know what a row looks like.

use super::ranking::Terrain;
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
        let place = &endpoint.place;
        let (bastions, ingress) =
            tokio::join!(Box::pin(cloud.bastions(place)), Box::pin(cloud.ingress(place, &endpoint.security_groups)),);
        let (bastions, mut gaps) = bastions.map_err(|error| diagnose::aws::of(&error))?;
        // Where another VPC's subnets lead is asked only where there is a bastion in one.
        let mut others: Vec<String> = bastions.iter().filter_map(|bastion| bastion.vpc_id.clone()).collect();
        others.retain(|vpc| Some(vpc) != endpoint.vpc_id.as_ref());
        others.sort();
        others.dedup();
        let roads = match &endpoint.vpc_id {
            Some(vpc) if !others.is_empty() => Some(Box::pin(cloud.roads(place, &others, vpc)).await),
            _ => None,
        };
        let ingress: Option<Vec<Ingress>> = ingress.map_err(|error| gaps.push(error)).ok();
        let roads = roads.and_then(|roads| roads.map_err(|error| gaps.push(error)).ok());
        for gap in &gaps {
            tracing::info!(operation = gap.operation, message = %gap.message, "bastions are ranked without it");
        }
        let terrain = Terrain { ingress: ingress.as_deref(), roads: roads.as_ref() };
        Ok(super::ranking::rank(endpoint, bastions, terrain))
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
