//! The head of a node, as EXPLAIN's text writes it. It must not know what the node cost.

use crate::model::completion::identifier;
use serde_json::{Map, Value};

/// `Parallel Index Only Scan Backward using orders_pkey on public.orders o`.
pub(super) fn title(says: &Map<String, Value>) -> String {
    let word = |name: &str| says.get(name).and_then(Value::as_str);
    let is = |name: &str| says.get(name).and_then(Value::as_bool).unwrap_or(false);
    let kind = word("Node Type").unwrap_or("?");
    let mut title = String::new();
    match word("Partial Mode") {
        Some("Partial") => title.push_str("Partial "),
        Some("Finalize") => title.push_str("Finalize "),
        _ => {}
    }
    if is("Parallel Aware") {
        title.push_str("Parallel ");
    }
    if is("Async Capable") {
        title.push_str("Async ");
    }
    match (kind, word("Strategy")) {
        ("Aggregate", Some("Sorted")) => title.push_str("GroupAggregate"),
        ("Aggregate", Some("Hashed")) => title.push_str("HashAggregate"),
        ("Aggregate", Some("Mixed")) => title.push_str("MixedAggregate"),
        ("SetOp", Some("Hashed")) => title.push_str("HashSetOp"),
        ("ModifyTable" | "Foreign Scan", _) => {
            title.push_str(word("Operation").map_or(kind, |operation| match (kind, operation) {
                ("Foreign Scan", "Select") => "Foreign Scan",
                ("Foreign Scan", "Insert") => "Foreign Insert",
                ("Foreign Scan", "Update") => "Foreign Update",
                ("Foreign Scan", "Delete") => "Foreign Delete",
                _ => operation,
            }))
        }
        ("Custom Scan", _) => {
            title.push_str(
                &word("Custom Plan Provider").map_or(kind.to_owned(), |name| format!("Custom Scan ({name})")),
            );
        }
        _ => title.push_str(kind),
    }
    match (kind, word("Join Type")) {
        ("Nested Loop", Some(join)) if join != "Inner" => title.push_str(&format!(" {join} Join")),
        ("Hash Join" | "Merge Join", Some(join)) if join != "Inner" => {
            let at = title.len() - "Join".len();
            title.insert_str(at, &format!("{join} "));
        }
        _ => {}
    }
    if kind == "SetOp"
        && let Some(command) = word("Command")
    {
        title.push_str(&format!(" {command}"));
    }
    if word("Scan Direction") == Some("Backward") {
        title.push_str(" Backward");
    }
    if let Some(index) = word("Index Name") {
        // A bitmap is made of an index alone.
        let joins = if kind == "Bitmap Index Scan" { "on" } else { "using" };
        title.push_str(&format!(" {joins} {}", identifier(index)));
    }
    // What has no relation (a subquery, VALUES) has its alias alone.
    let object = ["Relation Name", "Function Name", "Table Function Name", "CTE Name", "Tuplestore Name"]
        .iter()
        .find_map(|name| word(name));
    let alias = word("Alias");
    if object.is_some() || (alias.is_some() && kind != "Bitmap Index Scan") {
        title.push_str(" on");
    }
    if let Some(object) = object {
        title.push(' ');
        if let Some(schema) = word("Schema") {
            title.push_str(&format!("{}.", identifier(schema)));
        }
        title.push_str(&identifier(object));
    }
    if let Some(alias) = alias.filter(|alias| object != Some(alias)) {
        title.push_str(&format!(" {}", identifier(alias)));
    }
    title
}
