//! What in a plan is worth a look: expectations missed by far, what took most of the time, what went to disk, rows read
//! for nothing. It must not know how it is shown.

use super::{Node, Trouble};

/// Expectations missed by so much are marked.
const MISSED: f64 = 10.0;
/// From this part of the whole on a node is costly.
const COSTLY: f64 = 0.2;
/// Fewer rows thrown away than this are nobody's trouble.
const REMOVED: f64 = 1000.0;

/// Marks every node.
pub(super) fn find(nodes: &mut [Node]) {
    for at in 0..nodes.len() {
        let stopped = stopped_early(nodes, at);
        nodes[at].troubles = of(&nodes[at], stopped, nodes.len() > 1);
    }
}

fn of(node: &Node, stopped: bool, several: bool) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    let number = |name: &str| node.number(name).unwrap_or(0.0);
    if several && node.share >= COSTLY && !node.never() {
        troubles.push(Trouble::Costly);
    }
    match node.missed() {
        Some(factor) if factor >= MISSED => troubles.push(Trouble::More(factor)),
        Some(factor) if factor <= 1.0 / MISSED && !stopped && counts(node) => {
            troubles.push(Trouble::Fewer(1.0 / factor))
        }
        _ => {}
    }
    if node.word("Sort Space Type") == Some("Disk") {
        troubles.push(Trouble::Spilled(format!("sorted on disk: {:.0} kB", number("Sort Space Used"))));
    }
    let batches = number("Hash Batches");
    if batches > 1.0 {
        troubles.push(Trouble::Spilled(format!("hash in {batches:.0} batches on disk")));
    }
    let batches = number("HashAgg Batches");
    if batches > 1.0 || (node.word("Strategy") == Some("Hashed") && number("Disk Usage") > 0.0) {
        troubles
            .push(Trouble::Spilled(format!("groups in {batches:.0} batches, {:.0} kB on disk", number("Disk Usage"))));
    }
    let loops = node.actual.map_or(0.0, |actual| actual.loops);
    let rows = node.actual.map_or(0.0, |actual| actual.rows * actual.loops);
    let removed = (number("Rows Removed by Filter") + number("Rows Removed by Join Filter")) * loops;
    if removed >= REMOVED && removed >= rows * MISSED {
        troubles.push(Trouble::Removed(removed));
    }
    let (planned, launched) = (number("Workers Planned"), node.number("Workers Launched"));
    if let Some(launched) = launched.filter(|launched| *launched < planned) {
        troubles.push(Trouble::Workers(launched as u64, planned as u64));
    }
    let fetches = number("Heap Fetches");
    if fetches >= REMOVED && fetches * 2.0 >= rows {
        troubles.push(Trouble::HeapFetches(fetches));
    }
    if number("Lossy Heap Blocks") > 0.0 {
        troubles.push(Trouble::Lossy(number("Lossy Heap Blocks")));
    }
    troubles
}

/// Whether the rows it gave are counted at all: bitmaps of several indexes and commands without RETURNING say 0.
fn counts(node: &Node) -> bool {
    !matches!(node.word("Node Type"), Some("BitmapAnd" | "BitmapOr" | "ModifyTable"))
}

/// Whether it may have been left before its end, so that few rows say nothing: it feeds a Limit, or an inner side that
/// stops at the first match, and nothing between takes all rows first.
fn stopped_early(nodes: &[Node], at: usize) -> bool {
    let mut from = at;
    while let Some(parent) = nodes[from].parent {
        let side = nodes[from].word("Parent Relationship");
        let parent_node = &nodes[parent];
        let kind = parent_node.word("Node Type").unwrap_or_default();
        let first_match = parent_node.says.get("Inner Unique").and_then(serde_json::Value::as_bool) == Some(true)
            || matches!(parent_node.word("Join Type"), Some("Semi" | "Anti"));
        match kind {
            "Limit" => return true,
            "Merge Join" => return true,
            "Nested Loop" if side == Some("Inner") && first_match => return true,
            "Sort" | "Hash" | "Aggregate" | "ModifyTable" | "WindowAgg" => return false,
            _ if matches!(side, Some("SubPlan")) => return true,
            _ => {}
        }
        from = parent;
    }
    false
}
