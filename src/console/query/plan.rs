//! A plan on screen: which nodes are folded, where one stands, what keys do to it. It must not know how it is drawn, nor
//! how a plan is asked for.

use super::cell::Cell;
use super::keymap::{PLAN, Walk};
use super::pane::{Focus, Pane, Showing};
use super::{Order, shaping};
use crate::console::keys::find;
use crate::console::theme::Tone;
use crate::model::plan::{self, Plan};
use crate::model::{Column, visible};
use crossterm::event::KeyEvent;
use std::collections::BTreeSet;

/// `pg_type.oid` of `text` and of `json`, which EXPLAIN's result has in FORMAT JSON.
const TEXT: u32 = 25;
const JSON: u32 = 114;

/// A plan as it is looked at.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub plan: Plan,
    /// As the server sent it.
    json: String,
    /// Nodes whose children are not shown.
    pub folded: BTreeSet<usize>,
    /// The node one stands on.
    pub at: usize,
    /// The first row in sight.
    pub top: usize,
    /// The tree, or the row it was made from.
    pub shown: bool,
}

impl Tree {
    fn new(plan: Plan, json: &str) -> Tree {
        Tree { plan, json: json.to_owned(), folded: BTreeSet::new(), at: 0, top: 0, shown: true }
    }

    /// The nodes that are not folded away, in order.
    pub fn rows(&self) -> Vec<usize> {
        let mut rows = Vec::new();
        let mut deeper_than = None;
        for (at, node) in self.plan.nodes.iter().enumerate() {
            if deeper_than.is_some_and(|depth| node.depth > depth) {
                continue;
            }
            deeper_than = self.folded.contains(&at).then_some(node.depth);
            rows.push(at);
        }
        rows
    }

    /// Whether a node has children.
    pub fn has_children(&self, at: usize) -> bool {
        self.plan.nodes.get(at + 1).is_some_and(|next| next.parent == Some(at))
    }

    /// Brings the node one stands on into sight.
    pub fn fit(&mut self, height: usize) {
        let rows = self.rows();
        let row = rows.iter().rposition(|at| *at <= self.at).unwrap_or(0);
        self.at = rows.get(row).copied().unwrap_or(0);
        let height = height.max(1);
        self.top = self.top.clamp((row + 1).saturating_sub(height), row).min(rows.len().saturating_sub(height));
    }

    /// Stands on another row.
    pub fn step(&mut self, by: isize) {
        let rows = self.rows();
        let row = rows.iter().position(|at| *at == self.at).unwrap_or(0);
        let row = row.saturating_add_signed(by).min(rows.len().saturating_sub(1));
        self.at = rows.get(row).copied().unwrap_or(0);
    }

    /// Stands on the row that is drawn there.
    pub fn click(&mut self, line: usize) {
        if let Some(at) = self.rows().get(self.top + line) {
            self.at = *at;
        }
    }

    fn toggle(&mut self) {
        if !self.folded.remove(&self.at) && self.has_children(self.at) {
            self.folded.insert(self.at);
        }
    }

    /// Folds; what is folded or has no children goes to its parent.
    fn fold(&mut self) {
        if self.has_children(self.at) && self.folded.insert(self.at) {
            return;
        }
        if let Some(parent) = self.plan.nodes[self.at].parent {
            self.at = parent;
        }
    }

    /// Unfolds; what is unfolded goes to its first child.
    fn unfold(&mut self) {
        if !self.folded.remove(&self.at) && self.has_children(self.at) {
            self.at += 1;
        }
    }

    /// The next node that is worth a look, whatever is folded; from the last it goes on at the first.
    fn seek(&mut self, forward: bool) -> bool {
        let count = self.plan.nodes.len();
        let order = (1..=count).map(|step| if forward { self.at + step } else { self.at + count - step } % count);
        let Some(found) = order.into_iter().find(|at| !self.plan.nodes[*at].troubles.is_empty()) else { return false };
        let mut above = self.plan.nodes[found].parent;
        while let Some(at) = above {
            self.folded.remove(&at);
            above = self.plan.nodes[at].parent;
        }
        self.at = found;
        true
    }

    /// All that is known of the node one stands on.
    fn details(&self) -> String {
        let node = &self.plan.nodes[self.at];
        let mut lines = Vec::new();
        if let Some(subplan) = &node.subplan {
            lines.push(subplan.clone());
        }
        lines.push(node.title.clone());
        lines.extend(node.troubles.iter().map(|trouble| format!("  ! {}", trouble.words())));
        lines.push(String::new());
        lines.extend(plan::properties(node).into_iter().map(|line| format!("  {line}")));
        lines.push(String::new());
        let unit = if self.plan.has_times() { "ms" } else { "cost" };
        lines.push(format!("  of its own {:.3} {unit}, with what is below {:.3} {unit}", node.own, node.whole));
        let expected = &node.expected;
        lines.push(format!(
            "  expected: cost {:.2} to {:.2}, {:.0} rows of {} bytes a loop",
            expected.startup, expected.total, expected.rows, expected.width
        ));
        match node.actual {
            Some(actual) if actual.loops == 0.0 => lines.push("  never executed".to_owned()),
            Some(actual) => {
                let total = actual.rows * actual.loops;
                lines.push(format!(
                    "  happened: {} rows a loop, {:.0} loops, {total:.0} rows in all",
                    actual.rows, actual.loops
                ));
            }
            None => {}
        }
        lines.push(String::new());
        lines.push(serde_json::to_string_pretty(&node.says).unwrap_or_default());
        lines.join("\n")
    }
}

/// Looks whether a result is a plan: one column of that name and type whose one row can be read.
pub(super) fn recognize(pane: &mut Pane, result: super::ResultId) {
    let asked = pane.run.as_ref().and_then(|run| run.sent.get(run.index)).is_some_and(|sent| sent.lead > 0);
    let Some(output) = pane.outputs.iter_mut().find(|output| output.table.id == result) else { return };
    let is_plan = matches!(&*output.table.columns, [column] if column.oid == JSON && column.name == "QUERY PLAN");
    if !is_plan || output.plan.is_some() {
        return;
    }
    let Some(json) = output.table.find(0).and_then(|(page, row)| page.cell(row, 0)) else { return };
    if let Ok(plan) = plan::parse(json) {
        output.plan = Some(Box::new(Tree::new(plan, json)));
        if asked {
            pane.focus = Focus::Results;
        }
    }
}

/// The plan in sight.
pub(super) fn shown(pane: &Pane) -> Option<&Tree> {
    let tree = pane.output()?.plan.as_deref()?;
    (pane.showing == Showing::Rows && tree.shown && !pane.expanded).then_some(tree)
}

/// The plan in sight.
pub(super) fn shown_mut(pane: &mut Pane) -> Option<&mut Tree> {
    shown(pane)?;
    pane.outputs.get_mut(pane.current)?.plan.as_deref_mut()
}

/// A key while a plan is in sight; whether it was for the plan.
pub(super) fn key(pane: &mut Pane, key: &KeyEvent, orders: &mut Vec<Order>) -> bool {
    let Some(action) = find(PLAN, key) else { return false };
    if action == Walk::Rows && shown(pane).is_none() {
        // Back from the row to the tree.
        let Some(tree) = pane.outputs.get_mut(pane.current).and_then(|output| output.plan.as_deref_mut()) else {
            return false;
        };
        if pane.showing != Showing::Rows {
            return false;
        }
        tree.shown = true;
        pane.expanded = false;
        return true;
    }
    let page = super::layout::areas(pane).results.height.max(2) as isize - 1;
    let Some(tree) = shown_mut(pane) else { return false };
    match action {
        Walk::Up => tree.step(-1),
        Walk::Down => tree.step(1),
        Walk::PageUp => tree.step(-page),
        Walk::PageDown => tree.step(page),
        Walk::Top => tree.step(isize::MIN),
        Walk::Bottom => tree.step(isize::MAX),
        Walk::Toggle => tree.toggle(),
        Walk::Fold => tree.fold(),
        Walk::Unfold => tree.unfold(),
        Walk::FoldAll => {
            let folded = (0..tree.plan.nodes.len()).filter(|at| tree.has_children(*at)).collect();
            tree.folded = folded;
        }
        Walk::UnfoldAll => tree.folded.clear(),
        Walk::Next | Walk::Before => {
            if !tree.seek(action == Walk::Next) {
                pane.say(Tone::Dim, "nothing in this plan is marked");
            }
        }
        Walk::Details => {
            let title = visible(&tree.plan.nodes[tree.at].title).into_owned();
            let (details, at) = (tree.details(), tree.at as u64);
            pane.cell = Some(Cell::new(&Column { name: title, oid: TEXT }, at, Some(&details)));
        }
        Walk::Rows => tree.shown = false,
        Walk::CopyText => {
            let text = plan::text(&tree.plan);
            shaping::copied(pane, "copied the plan as text; Y copies its JSON".to_owned(), text, orders);
        }
        Walk::CopyJson => {
            let json = tree.json.clone();
            shaping::copied(pane, "copied the plan as JSON".to_owned(), json, orders);
        }
    }
    true
}
