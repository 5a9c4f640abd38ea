//! How much of the time each node took by itself. EXPLAIN gives the average of a loop with all children in it: loops are
//! multiplied, processes that worked side by side count once, children are taken off, and what an InitPlan or CTE took is
//! taken off where it was waited for, so that the shares sum up to the whole. It must not know what is worth a look.

use super::Node;
use serde_json::Value;

/// Fills in `whole`, `own` and `share`.
pub(super) fn settle(nodes: &mut [Node]) {
    let timed = nodes.first().and_then(|root| root.actual).is_some_and(|actual| actual.time.is_some());
    let mut processes = vec![1.0; nodes.len()];
    for at in 0..nodes.len() {
        let above = nodes[at].parent.map(|parent| (parent, processes[parent]));
        processes[at] = above.map_or(1.0, |(parent, above)| {
            let gathers = nodes[parent].word("Node Type").is_some_and(|kind| kind.starts_with("Gather"));
            // What is below a Gather runs once in each process: its loops tell how many there were, the leader with them
            // if it took part. InitPlans of a Gather run before, in the leader alone.
            match (nodes[parent].actual, nodes[at].actual) {
                (Some(parent), Some(own)) if gathers && nodes[at].subplan.is_none() && parent.loops > 0.0 => {
                    above * (own.loops / parent.loops).max(1.0)
                }
                _ => above,
            }
        });
        nodes[at].whole = match nodes[at].actual {
            Some(actual) if timed => actual.time.map_or(0.0, |(_, total)| total * actual.loops / processes[at]),
            _ => nodes[at].expected.total,
        };
        nodes[at].own = nodes[at].whole;
    }
    for at in (0..nodes.len()).rev() {
        if let Some(parent) = nodes[at].parent.filter(|_| !waits_elsewhere(&nodes[at])) {
            nodes[parent].own -= nodes[at].whole;
        }
    }
    for node in nodes.iter_mut() {
        node.own = node.own.max(0.0);
    }
    for at in 0..nodes.len() {
        if waits_elsewhere(&nodes[at]) {
            take_off(nodes, at);
        }
    }
    let mut root = 0.0;
    for node in nodes.iter_mut() {
        if node.parent.is_none() {
            root = node.whole;
        }
        node.share = if root > 0.0 { (node.own / root).clamp(0.0, 1.0) } else { 0.0 };
    }
}

/// Whether its time is part of that of other nodes than its parent.
fn waits_elsewhere(node: &Node) -> bool {
    node.word("Parent Relationship") == Some("InitPlan")
}

/// Takes the time of an InitPlan or CTE off those that waited for it, and what is left off its parent.
fn take_off(nodes: &mut [Node], at: usize) {
    let Some(parent) = nodes[at].parent else { return };
    let end = |from: usize| {
        let depth = nodes[from].depth;
        nodes[from + 1..].iter().position(|node| node.depth <= depth).map_or(nodes.len(), |rest| from + 1 + rest)
    };
    let (inside, below) = (at..end(at), parent..end(parent));
    let mut users: Vec<usize> =
        below.filter(|user| !inside.contains(user) && uses(&nodes[*user], nodes[at].subplan.as_deref())).collect();
    // Workers cannot run it: their Gather does, before it starts them.
    if let Some(gather) = users.iter().copied().find(|user| nodes[*user].says.contains_key("Params Evaluated")) {
        users = vec![gather];
    }
    let mut left = nodes[at].whole;
    let all: f64 = users.iter().map(|user| nodes[*user].own).sum();
    if all > 0.0 {
        let part = (left / all).min(1.0);
        for user in users {
            let taken = nodes[user].own * part;
            nodes[user].own -= taken;
            left -= taken;
        }
    }
    nodes[parent].own = (nodes[parent].own - left.max(0.0)).max(0.0);
}

/// Whether a node reads what the subplan of that name gives: `CTE x` is scanned by name, `InitPlan 1 (returns $0)` stands
/// as `$0` in an expression (up to 16) or as `InitPlan 1` (since 17).
fn uses(node: &Node, subplan: Option<&str>) -> bool {
    let Some(name) = subplan else { return false };
    if let Some(cte) = name.strip_prefix("CTE ") {
        return node.word("CTE Name") == Some(cte);
    }
    let (short, parameters) = name.split_once(" (returns ").unwrap_or((name, ""));
    let wanted: Vec<&str> =
        parameters.trim_end_matches(')').split(',').filter(|name| !name.is_empty()).chain([short]).collect();
    let mentions = |text: &str| {
        wanted.iter().any(|name| {
            text.match_indices(name).any(|(at, _)| !text[at + name.len()..].starts_with(|c: char| c.is_ascii_digit()))
        })
    };
    node.says.iter().filter(|(key, _)| *key != "Subplan Name").any(|(_, value)| match value {
        Value::String(text) => mentions(text),
        Value::Array(items) => items.iter().filter_map(Value::as_str).any(mentions),
        _ => false,
    })
}
