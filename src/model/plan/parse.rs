//! From JSON text to a [`Plan`]. Whatever is missing or odd is left out rather than refused: servers and extensions add
//! properties with every version. It must not judge what it reads.

use super::{Actual, Expected, Node, Plan, Trigger, shares, title, trouble};
use serde_json::{Map, Value};
use std::fmt;

/// The text is no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected the JSON of EXPLAIN (FORMAT JSON): a list with an object that has a \"Plan\"")
    }
}

impl std::error::Error for Unreadable {}

/// Reads the JSON that `EXPLAIN (FORMAT JSON)` gives. Of several plans (rules can make them) each is a root of its own.
pub fn parse(json: &str) -> Result<Plan, Unreadable> {
    let value: Value = serde_json::from_str(json).map_err(|_| Unreadable)?;
    let queries = match value {
        Value::Array(queries) => queries,
        Value::Object(query) => vec![Value::Object(query)],
        _ => return Err(Unreadable),
    };
    let mut plan = Plan {
        nodes: Vec::new(),
        planning: None,
        execution: None,
        triggers: Vec::new(),
        jit: None,
        settings: Vec::new(),
        rest: Vec::new(),
    };
    for query in queries {
        let Value::Object(query) = query else { continue };
        one(&mut plan, query);
    }
    if plan.nodes.is_empty() {
        return Err(Unreadable);
    }
    shares::settle(&mut plan.nodes);
    trouble::find(&mut plan.nodes);
    Ok(plan)
}

fn one(plan: &mut Plan, query: Map<String, Value>) {
    let add = |sum: &mut Option<f64>, value: &Value| {
        if let Some(value) = value.as_f64() {
            *sum = Some(sum.unwrap_or(0.0) + value);
        }
    };
    for (name, value) in query {
        match (name.as_str(), value) {
            ("Plan", Value::Object(root)) => node(&mut plan.nodes, root, None, 0),
            ("Planning Time", value) => add(&mut plan.planning, &value),
            ("Execution Time", value) => add(&mut plan.execution, &value),
            ("Triggers", Value::Array(triggers)) => plan.triggers.extend(triggers.iter().map(trigger)),
            ("JIT", Value::Object(jit)) => {
                let functions = jit.get("Functions").and_then(Value::as_u64).unwrap_or(0);
                let time = jit.get("Timing").and_then(|timing| timing.get("Total")).and_then(Value::as_f64);
                plan.jit = Some((functions, time.unwrap_or(0.0)));
            }
            ("Settings", Value::Object(settings)) => {
                plan.settings.extend(settings.iter().map(|(name, value)| (name.clone(), plain(value))));
            }
            ("Planning", Value::Object(planning)) => {
                let told = planning.iter().filter(|(_, value)| value.as_f64().is_none_or(|value| value != 0.0));
                plan.rest.extend(told.map(|(name, value)| (format!("Planning {name}"), plain(value))));
            }
            (_, value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => {
                plan.rest.push((name, plain(&value)));
            }
            _ => {}
        }
    }
}

/// A property as people read it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn trigger(value: &Value) -> Trigger {
    let word = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    Trigger {
        name: word("Constraint Name").or_else(|| word("Trigger Name")).unwrap_or_default(),
        relation: word("Relation"),
        time: value.get("Time").and_then(Value::as_f64),
        calls: value.get("Calls").and_then(Value::as_f64).unwrap_or(0.0) as u64,
    }
}

fn node(nodes: &mut Vec<Node>, mut says: Map<String, Value>, parent: Option<usize>, depth: usize) {
    let children = says.remove("Plans");
    let number = |name: &str| says.get(name).and_then(Value::as_f64).filter(|number| number.is_finite());
    let expected = Expected {
        startup: number("Startup Cost").unwrap_or(0.0),
        total: number("Total Cost").unwrap_or(0.0),
        rows: number("Plan Rows").unwrap_or(0.0),
        width: number("Plan Width").unwrap_or(0.0) as u64,
    };
    let actual = number("Actual Loops").map(|loops| Actual {
        time: number("Actual Total Time").map(|total| (number("Actual Startup Time").unwrap_or(0.0), total)),
        rows: number("Actual Rows").unwrap_or(0.0),
        loops,
    });
    let subplan = says.get("Subplan Name").and_then(Value::as_str).map(str::to_owned);
    let title = title::title(&says);
    let here = nodes.len();
    nodes.push(Node {
        depth,
        parent,
        subplan,
        title,
        expected,
        actual,
        own: 0.0,
        whole: 0.0,
        share: 0.0,
        troubles: Vec::new(),
        says,
    });
    if let Some(Value::Array(children)) = children {
        // EXPLAIN's text has what is evaluated first before the node's own children, and subplans after them.
        for child in children {
            if let Value::Object(child) = child {
                node(nodes, child, Some(here), depth + 1);
            }
        }
    }
}
