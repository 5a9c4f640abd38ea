//! Which way to an endpoint, and why that one. It must not open anything.

use super::diagnose::bastion;
use super::{Access, probe};
use crate::model::{Agent, Bastion, Diagnosis, Endpoint, Kind, Ranked, Route, RouteChoice};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

/// How long a database may take to answer from here before a bastion is taken.
const NEAR: Duration = Duration::from_millis(1200);

impl Access {
    /// Where settings say to dial instead of that endpoint.
    pub(super) fn resolved(&self, endpoint: &Endpoint) -> Option<SocketAddr> {
        self.settings()
            .resolve
            .iter()
            .find(|entry| entry.host.eq_ignore_ascii_case(&endpoint.host) && entry.port == endpoint.port)
            .and_then(|entry| entry.socket_address())
    }

    pub(super) async fn choose_route(
        &self,
        endpoint: &Endpoint,
        choice: &RouteChoice,
    ) -> Result<(Route, String), Diagnosis> {
        match choice {
            RouteChoice::Direct => Ok((Route::Direct, "direct, as asked".to_owned())),
            RouteChoice::Via(name) => Box::pin(self.named(endpoint, name)).await,
            RouteChoice::Auto => Box::pin(self.automatic(endpoint)).await,
        }
    }

    async fn automatic(&self, endpoint: &Endpoint) -> Result<(Route, String), Diagnosis> {
        let direct = |why: &str| Ok((Route::Direct, format!("direct: {why}")));
        if let Some(address) = self.resolved(endpoint) {
            return direct(&format!("the settings dial {address} for it"));
        }
        if endpoint.internet_gateway {
            return direct("reached through its internet access gateway");
        }
        let remembered = self.remembered(endpoint).route;
        let last_bastion = remembered.as_deref().filter(|route| *route != "direct");
        if last_bastion.is_none() && probe::answers(endpoint, NEAR).await {
            return direct(if endpoint.public { "public, and it answers" } else { "it answers in this network" });
        }
        let ranked = match self.rank(endpoint).await {
            Ok(ranked) => ranked,
            // It does not answer, and no other way can be looked for: dialling it tells more than this refusal, unless
            // it is private, which no dialling mends.
            Err(_) if endpoint.public => return direct("public"),
            Err(diagnosis) => return Err(diagnosis),
        };
        if let Some(last) = ranked.iter().find(|one| Some(one.bastion.id.as_str()) == last_bastion && one.usable)
            && self.is_connected(&last.bastion).await
        {
            return Ok((Route::Through(last.bastion.clone()), why(last, "as last time")));
        }
        let mut unconnected = Vec::new();
        for (at, one) in ranked.iter().filter(|one| one.usable).enumerate() {
            if self.is_connected(&one.bastion).await {
                let rank = if at == 0 { "best of those there are" } else { "better ones are not connected" };
                return Ok((Route::Through(one.bastion.clone()), why(one, rank)));
            }
            unconnected.push(one.bastion.id.as_str());
        }
        if endpoint.public {
            return direct("public");
        }
        Err(bastion::none(endpoint, &ranked, &unconnected))
    }

    async fn named(&self, endpoint: &Endpoint, name: &str) -> Result<(Route, String), Diagnosis> {
        let ranked = match self.rank(endpoint).await {
            Ok(ranked) => ranked,
            // Who may start sessions may still not list nodes: an id is enough for that.
            Err(diagnosis) if diagnosis.kind == Kind::AccessDenied && is_node(name) => {
                return Ok((Route::Through(unlisted(name, endpoint)), format!("{name}, as asked")));
            }
            Err(diagnosis) => return Err(diagnosis),
        };
        let named = |one: &&Ranked| {
            one.bastion.id == name || one.bastion.name.as_deref().is_some_and(|its| its.eq_ignore_ascii_case(name))
        };
        // Best first, so of several of one name (an auto-scaling group) the best one.
        let Some(one) = ranked.iter().find(named) else {
            // A container's task is a target of sessions, but not a node that is listed.
            if name.starts_with("ecs:") {
                return Ok((Route::Through(unlisted(name, endpoint)), format!("{name}, as asked")));
            }
            return Err(bastion::unknown(name, endpoint, &ranked));
        };
        if !one.usable {
            return Err(bastion::unusable(one, &ranked, SystemTime::now()));
        }
        // A form begins with the last one: who leaves it there has not asked.
        let last = self.remembered(endpoint).route.is_some_and(|last| last == one.bastion.id);
        Ok((Route::Through(one.bastion.clone()), why(one, if last { "as last time" } else { "as asked" })))
    }

    /// Whether Session Manager holds a connection to it now: `Online` says so only of some minutes ago. Where that may
    /// not be asked, the session will tell.
    async fn is_connected(&self, bastion: &Bastion) -> bool {
        self.cloud().is_connected(&bastion.place, &bastion.id).await.unwrap_or(true)
    }
}

fn why(one: &Ranked, how: &str) -> String {
    let mut words = format!("via {} ({}), {how}", one.bastion.label(), one.bastion.id);
    if !one.reasons.is_empty() {
        words.push_str(": ");
        words.push_str(&one.reasons.join(", "));
    }
    words
}

fn is_node(name: &str) -> bool {
    name.starts_with("i-") || name.starts_with("mi-") || name.starts_with("ecs:")
}

pub(super) fn unlisted(id: &str, endpoint: &Endpoint) -> Bastion {
    Bastion {
        id: id.to_owned(),
        name: None,
        place: endpoint.place.clone(),
        agent: Agent { online: true, last_ping: None, registered: None, version: String::new() },
        vpc_id: None,
        subnet_id: None,
        security_groups: Vec::new(),
        address: None,
        up_since: None,
    }
}
