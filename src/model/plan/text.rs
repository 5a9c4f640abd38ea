//! A plan as the text that EXPLAIN writes, for pasting where people and programs read plans. Properties that are not known
//! here follow the known ones under the server's own names. It must not know a clipboard.

use super::parse::plain;
use super::{Node, Plan};
use serde_json::{Map, Value};

/// In the order in which EXPLAIN writes them.
const LINES: &[&str] = &[
    "Output",
    "Function Call",
    "Sampling Method",
    "TID Cond",
    "Index Cond",
    "Recheck Cond",
    "Rows Removed by Index Recheck",
    "Order By",
    "Hash Cond",
    "Merge Cond",
    "Join Filter",
    "Rows Removed by Join Filter",
    "Group Key",
    "One-Time Filter",
    "Filter",
    "Rows Removed by Filter",
    "Heap Fetches",
    "Index Searches",
    "Workers Planned",
    "Params Evaluated",
    "Workers Launched",
    "Sort Key",
    "Presorted Key",
    "Cache Key",
    "Cache Mode",
    "Window",
    "Run Condition",
    "Subplans Removed",
    "Conflict Resolution",
    "Conflict Arbiter Indexes",
    "Conflict Filter",
    "Rows Removed by Conflict Filter",
    "Tuples Inserted",
    "Conflicting Tuples",
];

/// Said in the head of a node, by a line made of several of them, or only where somebody asked for everything.
const ELSEWHERE: &[&str] = &[
    "Sampling Parameters",
    "Repeatable Seed",
    "Node Type",
    "Parent Relationship",
    "Subplan Name",
    "Strategy",
    "Partial Mode",
    "Operation",
    "Custom Plan Provider",
    "Parallel Aware",
    "Async Capable",
    "Join Type",
    "Command",
    "Scan Direction",
    "Index Name",
    "Relation Name",
    "Function Name",
    "Table Function Name",
    "CTE Name",
    "Tuplestore Name",
    "Schema",
    "Alias",
    "Startup Cost",
    "Total Cost",
    "Plan Rows",
    "Plan Width",
    "Actual Startup Time",
    "Actual Total Time",
    "Actual Rows",
    "Actual Loops",
    "Disabled",
    "Sort Method",
    "Sort Space Used",
    "Sort Space Type",
    "Hash Buckets",
    "Original Hash Buckets",
    "Hash Batches",
    "Original Hash Batches",
    "Peak Memory Usage",
    "Storage",
    "Maximum Storage",
    "HashAgg Batches",
    "Planned Partitions",
    "Disk Usage",
    "Cache Hits",
    "Cache Misses",
    "Cache Evictions",
    "Cache Overflows",
    "Exact Heap Blocks",
    "Lossy Heap Blocks",
    "Inner Unique",
    "Single Copy",
    "Grouping Sets",
    "Full-sort Groups",
    "Pre-sorted Groups",
    "Workers",
];

/// Counts that EXPLAIN's text keeps silent about where they are 0.
const SILENT: &[&str] = &[
    "Rows Removed by Index Recheck",
    "Rows Removed by Join Filter",
    "Rows Removed by Filter",
    "Rows Removed by Conflict Filter",
    "Subplans Removed",
];

/// The plan as `EXPLAIN (FORMAT TEXT)` would have written it.
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    let mut indents = vec![0; plan.nodes.len()];
    for (at, node) in plan.nodes.iter().enumerate() {
        let mut indent = node.parent.map_or(0, |parent| indents[parent]);
        if let Some(name) = &node.subplan {
            line(&mut out, indent, name);
            indent += 1;
        }
        let arrow = if indent > 0 { "->  " } else { "" };
        line(&mut out, indent, &format!("{arrow}{}{}", node.title, numbers(node)));
        indent += if indent > 0 { 3 } else { 1 };
        indents[at] = indent;
        for words in properties(node) {
            line(&mut out, indent, &words);
        }
    }
    if !plan.settings.is_empty() {
        let settings: Vec<String> = plan.settings.iter().map(|(name, value)| format!("{name} = '{value}'")).collect();
        line(&mut out, 0, &format!("Settings: {}", settings.join(", ")));
    }
    for (name, value) in &plan.rest {
        line(&mut out, 0, &format!("{name}: {value}"));
    }
    if let Some(time) = plan.planning {
        line(&mut out, 0, &format!("Planning Time: {time:.3} ms"));
    }
    for trigger in &plan.triggers {
        let time = trigger.time.map(|time| format!("time={time:.3} ")).unwrap_or_default();
        let on = trigger.relation.as_deref().map(|relation| format!(" on {relation}")).unwrap_or_default();
        line(&mut out, 0, &format!("Trigger {}{on}: {time}calls={}", trigger.name, trigger.calls));
    }
    if let Some((functions, time)) = plan.jit {
        line(&mut out, 0, "JIT:");
        line(&mut out, 1, &format!("Functions: {functions}"));
        line(&mut out, 1, &format!("Timing: Total {time:.3} ms"));
    }
    if let Some(time) = plan.execution {
        line(&mut out, 0, &format!("Execution Time: {time:.3} ms"));
    }
    out
}

fn line(out: &mut String, indent: usize, words: &str) {
    out.push_str(&" ".repeat(indent * 2));
    out.push_str(words);
    out.push('\n');
}

/// `  (cost=0.00..1.05 rows=1 width=4) (actual time=0.01..0.02 rows=1 loops=1)`.
fn numbers(node: &Node) -> String {
    let mut words = String::new();
    if node.says.contains_key("Total Cost") {
        let expected = &node.expected;
        words = format!(
            "  (cost={:.2}..{:.2} rows={:.0} width={})",
            expected.startup, expected.total, expected.rows, expected.width
        );
    }
    match node.actual {
        Some(actual) if actual.loops == 0.0 => words.push_str(" (never executed)"),
        Some(actual) => {
            let time = actual.time.map(|(first, last)| format!("time={first:.3}..{last:.3} ")).unwrap_or_default();
            // Since PostgreSQL 18 rows of a loop are told in hundredths.
            let told = node.says.get("Actual Rows").is_some_and(Value::is_f64);
            let rows = if told { format!("{:.2}", actual.rows) } else { format!("{:.0}", actual.rows) };
            words.push_str(&format!(" (actual {time}rows={rows} loops={:.0})", actual.loops));
        }
        None => {}
    }
    words
}

/// What EXPLAIN's text has below the head of a node, a line each.
pub fn properties(node: &Node) -> Vec<String> {
    let mut lines = Vec::new();
    if node.says.get("Disabled").and_then(Value::as_bool) == Some(true) {
        lines.push("Disabled: true".to_owned());
    }
    for name in LINES {
        // What an aggregate's memory was stands between its filter and what that removed.
        if *name == "Rows Removed by Filter" {
            lines.extend(groups(node));
        }
        match node.says.get(*name) {
            Some(value) if SILENT.contains(name) && value.as_f64() == Some(0.0) => {}
            Some(value) if *name == "Sampling Method" => {
                let part = |name: &str| node.says.get(name).map(listed).unwrap_or_default();
                let seed = node.says.get("Repeatable Seed").map(|seed| format!(" REPEATABLE ({})", listed(seed)));
                let (method, parameters) = (listed(value), part("Sampling Parameters"));
                lines.push(format!("Sampling: {method} ({parameters}){}", seed.unwrap_or_default()));
            }
            Some(value) => lines.push(format!("{name}: {}", listed(value))),
            None => {}
        }
        if *name == "Group Key" {
            lines.extend(grouping_sets(node.says.get("Grouping Sets")));
        }
    }
    if node.says.get("Single Copy").and_then(Value::as_bool) == Some(true) {
        lines.push("Single Copy: true".to_owned());
    }
    lines.extend(memory(node));
    let count = |name: &str| node.number(name).unwrap_or(0.0);
    let known = |name: &str| {
        LINES.contains(&name) || ELSEWHERE.contains(&name) || name.contains("Blocks") || name.contains("I/O ")
    };
    for (name, value) in node.says.iter().filter(|(name, _)| !known(name)) {
        lines.push(format!("{name}: {}", listed(value)));
    }
    let mut pages = Vec::new();
    for kind in ["Shared", "Local", "Temp"] {
        let told = ["Hit", "Read", "Dirtied", "Written"]
            .iter()
            .map(|what| (what.to_lowercase(), count(&format!("{kind} {what} Blocks"))))
            .filter(|(_, blocks)| *blocks > 0.0)
            .map(|(what, blocks)| format!(" {what}={blocks:.0}"))
            .collect::<String>();
        if !told.is_empty() {
            pages.push(format!("{}{told}", kind.to_lowercase()));
        }
    }
    if !pages.is_empty() {
        lines.push(format!("Buffers: {}", pages.join(", ")));
    }
    let waits: String = node
        .says
        .iter()
        .filter(|(name, value)| name.contains("I/O ") && value.as_f64().is_some_and(|time| time > 0.0))
        .map(|(name, value)| {
            let short = name.replace("I/O ", "").replace(" Time", "").to_lowercase();
            format!(" {short}={:.3}", value.as_f64().unwrap_or(0.0))
        })
        .collect();
    if !waits.is_empty() {
        lines.push(format!("I/O Timings:{waits}"));
    }
    lines
}

fn listed(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| format!("{name} {}", listed(value))).collect::<Vec<_>>().join("  ")
        }
        other => plain(other),
    }
}

fn groups(node: &Node) -> Option<String> {
    let count = |name: &str| node.number(name).unwrap_or(0.0);
    if node.word("Node Type") != Some("Aggregate") {
        return None;
    }
    let mut words = Vec::new();
    if count("Planned Partitions") > 0.0 {
        words.push(format!("Planned Partitions: {:.0}", count("Planned Partitions")));
    }
    if count("HashAgg Batches") > 0.0 {
        words.push(format!("Batches: {:.0}", count("HashAgg Batches")));
        words.push(format!("Memory Usage: {:.0}kB", count("Peak Memory Usage")));
        if count("Disk Usage") > 0.0 {
            words.push(format!("Disk Usage: {:.0}kB", count("Disk Usage")));
        }
    }
    (!words.is_empty()).then(|| words.join("  "))
}

fn grouping_sets(sets: Option<&Value>) -> Vec<String> {
    let mut lines = Vec::new();
    for set in sets.and_then(Value::as_array).into_iter().flatten() {
        for (name, singular) in [("Hash Keys", "Hash Key"), ("Group Keys", "Group Key")] {
            for keys in set.get(name).and_then(Value::as_array).into_iter().flatten() {
                let words = plain(keys);
                lines.push(format!("{singular}: {}", if words.is_empty() { "()" } else { &words }));
            }
        }
    }
    lines
}

/// Lines that EXPLAIN makes of several numbers.
fn memory(node: &Node) -> Vec<String> {
    let count = |name: &str| node.number(name).unwrap_or(0.0);
    let mut lines = Vec::new();
    if let Some(method) = node.word("Sort Method") {
        let place = node.word("Sort Space Type").unwrap_or("Memory");
        lines.push(format!("Sort Method: {method}  {place}: {:.0}kB", count("Sort Space Used")));
    }
    for name in ["Full-sort Groups", "Pre-sorted Groups"] {
        if let Some(Value::Object(groups)) = node.says.get(name) {
            lines.push(sorted_groups(name, groups));
        }
    }
    if node.says.contains_key("Hash Buckets") {
        let originally = |name: &str| match count(&format!("Original {name}")) {
            original if original == count(name) => String::new(),
            original => format!(" (originally {original:.0})"),
        };
        let (mut buckets, mut batches) = (originally("Hash Buckets"), originally("Hash Batches"));
        if !(buckets.is_empty() && batches.is_empty()) {
            // Where one of them has changed, both are told.
            buckets = format!(" (originally {:.0})", count("Original Hash Buckets"));
            batches = format!(" (originally {:.0})", count("Original Hash Batches"));
        }
        lines.push(format!(
            "Buckets: {:.0}{buckets}  Batches: {:.0}{batches}  Memory Usage: {:.0}kB",
            count("Hash Buckets"),
            count("Hash Batches"),
            count("Peak Memory Usage")
        ));
    }
    if count("Cache Misses") > 0.0 {
        lines.push(format!(
            "Hits: {:.0}  Misses: {:.0}  Evictions: {:.0}  Overflows: {:.0}  Memory Usage: {:.0}kB",
            count("Cache Hits"),
            count("Cache Misses"),
            count("Cache Evictions"),
            count("Cache Overflows"),
            count("Peak Memory Usage")
        ));
    }
    // Since 18: what a CTE, a materialised result, a window or a table function kept.
    if let Some(storage) = node.word("Storage") {
        lines.push(format!("Storage: {storage}  Maximum Storage: {:.0}kB", count("Maximum Storage")));
    }
    let (exact, lossy) = (count("Exact Heap Blocks"), count("Lossy Heap Blocks"));
    if exact + lossy > 0.0 {
        let exact = if exact > 0.0 { format!(" exact={exact:.0}") } else { String::new() };
        let lossy = if lossy > 0.0 { format!(" lossy={lossy:.0}") } else { String::new() };
        lines.push(format!("Heap Blocks:{exact}{lossy}"));
    }
    lines
}

fn sorted_groups(name: &str, groups: &Map<String, Value>) -> String {
    let mut words = vec![format!("{name}: {}", groups.get("Group Count").map(plain).unwrap_or_default())];
    if let Some(methods) = groups.get("Sort Methods Used").and_then(Value::as_array) {
        let label = if methods.len() > 1 { "Sort Methods" } else { "Sort Method" };
        words.push(format!("{label}: {}", plain(&Value::Array(methods.clone()))));
    }
    for place in ["Memory", "Disk"] {
        let Some(space) = groups.get(&format!("Sort Space {place}")) else { continue };
        let number = |name: &str| space.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        words.push(format!("Average {place}: {:.0}kB", number("Average Sort Space Used")));
        words.push(format!("Peak {place}: {:.0}kB", number("Peak Sort Space Used")));
    }
    words.join("  ")
}
