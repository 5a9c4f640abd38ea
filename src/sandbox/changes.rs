//! What was asked of RDS to be changed, and how far it is, by the sandbox's clock: IAM database authentication of instances
//! and clusters. It must not know how a change is asked for, nor who looks.

use super::cast::{Traits, cast};
use super::clock::Clock;
use jiff::civil::Weekday;
use jiff::{Span, Timestamp, ToSpan, tz::TimeZone};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The maintenance window that the cast has: Sundays at 03:30 UTC.
const WINDOW: (Weekday, i8, i8) = (Weekday::Sunday, 3, 30);
/// So long a change is pending before RDS begins with it.
const QUEUE: Duration = Duration::from_secs(2);
/// So long RDS is at it; AWS's own takes minutes.
const WORK: Duration = Duration::from_secs(4);

/// A region and an identifier; members have none of their own, they follow their cluster.
type Key = (String, String);

/// A change of IAM authentication.
#[derive(Clone, Copy, Debug)]
struct Change {
    before: bool,
    to: bool,
    begins: SystemTime,
}

/// All changes so far. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    clock: Clock,
    asked: Arc<Mutex<HashMap<Key, Change>>>,
}

/// How a database stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// AWS's status word.
    pub status: &'static str,
    /// IAM authentication now.
    pub iam: bool,
    /// What it is being changed to.
    pub pending: Option<bool>,
}

impl Changes {
    /// None yet.
    pub fn new(clock: Clock) -> Changes {
        Changes { clock, asked: Arc::default() }
    }

    /// IAM authentication of `id` is to be `to`: as soon as it can be, or in the maintenance window.
    pub fn iam(&self, region: &str, id: &str, traits: &Traits, to: bool, immediately: bool) {
        let now = self.clock.now();
        let standing = self.standing(region, id, traits);
        let begins = if immediately { now + QUEUE } else { next_window(now) };
        let change = Change { before: standing.iam, to, begins };
        let key = (region.to_owned(), id.to_ascii_lowercase());
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(key, change);
    }

    /// How `id` stands now; `traits` are what the cast has.
    pub fn standing(&self, region: &str, id: &str, traits: &Traits) -> Standing {
        let key = (region.to_owned(), id.to_ascii_lowercase());
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        let Some(Change { before, to, begins }) = asked else {
            return Standing { status: traits.status, iam: traits.iam, pending: traits.pending_iam };
        };
        let now = self.clock.now();
        match now {
            _ if before == to => Standing { status: traits.status, iam: to, pending: None },
            now if now < begins => Standing { status: traits.status, iam: before, pending: Some(to) },
            now if now < begins + WORK => Standing { status: "modifying", iam: before, pending: Some(to) },
            _ => Standing { status: traits.status, iam: to, pending: None },
        }
    }

    /// Whether the instance or proxy of that name takes tokens now; `usual` is what the cast says.
    pub fn takes_tokens(&self, region: &str, id: &str, usual: bool) -> bool {
        let cast = cast();
        let Some(instance) = cast.instance(region, id) else { return usual };
        match instance.cluster.and_then(|cluster| cast.cluster(region, cluster)) {
            Some(cluster) => self.standing(region, cluster.id, &cluster.traits).iam,
            None => self.standing(region, id, &instance.traits).iam,
        }
    }
}

/// When the next window begins.
fn next_window(now: SystemTime) -> SystemTime {
    let soon = now + Duration::from_secs(7 * 24 * 3600);
    let Ok(stamp) = Timestamp::try_from(now) else { return soon };
    let zoned = stamp.to_zoned(TimeZone::UTC);
    let (day, hour, minute) = WINDOW;
    let days = i64::from(day.since(zoned.weekday()));
    let at = |days: Span| zoned.date().at(hour, minute, 0, 0).checked_add(days)?.to_zoned(TimeZone::UTC);
    let this = at(days.days()).ok();
    let next = at((days + 7).days()).ok();
    let window = this.filter(|window| *window > zoned).or(next);
    window.map_or(soon, |window| window.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_pending_then_worked_at_then_done() {
        let clock = Clock::default();
        let changes = Changes::new(clock.clone());
        let instance = cast().instance("eu-west-1", "legacy-crm").expect("of the cast");
        let now = || changes.standing("eu-west-1", "legacy-crm", &instance.traits);
        assert_eq!((now().iam, now().pending), (false, None));
        changes.iam("eu-west-1", "legacy-crm", &instance.traits, true, true);
        assert_eq!(now(), Standing { status: "available", iam: false, pending: Some(true) });
        clock.advance(3);
        assert_eq!(now(), Standing { status: "modifying", iam: false, pending: Some(true) });
        assert!(!changes.takes_tokens("eu-west-1", "legacy-crm", false));
        clock.advance(4);
        assert_eq!(now(), Standing { status: "available", iam: true, pending: None });
        assert!(changes.takes_tokens("eu-west-1", "legacy-crm", false));
    }

    #[test]
    fn what_waits_for_the_window_waits_until_sunday() {
        let clock = Clock::default();
        let changes = Changes::new(clock.clone());
        let instance = cast().instance("eu-west-1", "legacy-crm").expect("of the cast");
        changes.iam("eu-west-1", "legacy-crm", &instance.traits, true, false);
        let window = next_window(clock.now());
        let until = window.duration_since(clock.now()).expect("it is to come");
        assert!(until <= Duration::from_secs(7 * 24 * 3600));
        clock.advance(i64::try_from(until.as_secs()).expect("a week") - 2);
        assert_eq!(changes.standing("eu-west-1", "legacy-crm", &instance.traits).pending, Some(true));
        clock.advance(10);
        assert!(changes.takes_tokens("eu-west-1", "legacy-crm", false));
    }
}
