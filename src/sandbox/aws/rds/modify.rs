//! `ModifyDBInstance` and `ModifyDBCluster`, of which EnableIAMDatabaseAuthentication alone is played. It must not know what
//! becomes of a change.

use super::{Call, clusters, instances, means};
use crate::sandbox::aws::answer::Failure;
use crate::sandbox::aws::xml::Xml;
use crate::sandbox::cast::{Traits, cast};

/// What was asked: on or off, and whether at once.
fn asked(call: &Call<'_>) -> Result<(bool, bool), Failure> {
    let invalid = |message: &str| Failure::new(400, "InvalidParameterCombination", message);
    let flag = |name: &str| match call.parameters.get(name) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => Err(Failure::new(400, "MalformedInput", format!("{name}: {other} is no boolean"))),
    };
    let to = flag("EnableIAMDatabaseAuthentication")?
        .ok_or_else(|| invalid("No modifications were requested that this sandbox plays."))?;
    Ok((to, flag("ApplyImmediately")?.unwrap_or(false)))
}

/// AWS changes nothing while something else is at work.
fn is_available(kind: &str, id: &str, status: &str, code: &str) -> Result<(), Failure> {
    if status == "available" {
        return Ok(());
    }
    Err(Failure::new(400, code, format!("{kind} {id} is not in the available state: {status}")))
}

fn takes(engine: &str) -> Result<(), Failure> {
    if matches!(engine, "postgres" | "aurora-postgresql" | "mysql" | "aurora-mysql" | "mariadb") {
        return Ok(());
    }
    let message = format!("IAM Database Authentication is not supported for this configuration: {engine}");
    Err(Failure::new(400, "InvalidParameterCombination", message))
}

/// `ModifyDBInstance`.
pub fn instance(call: &Call<'_>) -> Result<String, Failure> {
    let name = call.parameters.get("DBInstanceIdentifier").unwrap_or_default();
    let mut all = cast().instances.iter().filter(|instance| instance.region == call.region);
    let instance = all
        .find(|instance| means(name, instance.id, &instance.arn()))
        .ok_or_else(|| Failure::new(404, "DBInstanceNotFound", format!("DBInstance {name} not found.")))?;
    let (to, immediately) = asked(call)?;
    takes(instance.engine)?;
    if let Some(cluster) = instance.cluster {
        let message = format!(
            "The specified DB instance is a member of a cluster ({cluster}). Modify the IAM database authentication of the \
             DB cluster."
        );
        return Err(Failure::new(400, "InvalidParameterCombination", message));
    }
    change(call, "DBInstance", instance.id, &instance.traits, "InvalidDBInstanceState", (to, immediately))?;
    Ok(call.envelope(|xml: &mut Xml| xml.element("DBInstance", |xml| instances::instance(call, xml, instance))))
}

/// `ModifyDBCluster`.
pub fn cluster(call: &Call<'_>) -> Result<String, Failure> {
    let name = call.parameters.get("DBClusterIdentifier").unwrap_or_default();
    let mut all = cast().clusters.iter().filter(|cluster| cluster.region == call.region);
    let cluster = all
        .find(|cluster| means(name, cluster.id, &cluster.arn()))
        .ok_or_else(|| Failure::new(404, "DBClusterNotFoundFault", format!("DBCluster {name} not found.")))?;
    let asked = asked(call)?;
    takes(cluster.engine)?;
    change(call, "DBCluster", cluster.id, &cluster.traits, "InvalidDBClusterStateFault", asked)?;
    Ok(call.envelope(|xml: &mut Xml| xml.element("DBCluster", |xml| clusters::cluster(call, xml, cluster))))
}

fn change(
    call: &Call<'_>,
    kind: &str,
    id: &str,
    traits: &Traits,
    code: &str,
    (to, immediately): (bool, bool),
) -> Result<(), Failure> {
    let standing = call.changes.standing(call.region, id, traits);
    is_available(kind, id, standing.status, code)?;
    call.changes.iam(call.region, id, traits, to, immediately);
    Ok(())
}
