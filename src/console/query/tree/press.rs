//! Keys and answers of the tree. It must not know how it looks, nor who answers its questions.

use super::{BRANCH, Branch, Known, Limb, Node, SIFT, Sift, Tree};
use crate::access::explore::{Finding, Question, Thing};
use crate::console::keys::find;
use crate::console::query::cell::Cell;
use crate::console::query::order::{Order, Statement};
use crate::console::query::pane::{Focus, Pane, Sent};
use crate::console::query::{layout, running, shaping, update};
use crate::console::theme::Tone;
use crate::model::completion::identifier;
use crate::model::{Diagnosis, visible};
use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;
use std::sync::Arc;

/// Rows of a preview.
const PREVIEW: usize = 100;

/// Shows the tree and gives it the keys; if it has them already, it goes.
pub fn open(pane: &mut Pane, orders: &mut Vec<Order>) {
    if pane.tree.shown && pane.tree.focused {
        return shut(pane);
    }
    let names = Arc::clone(pane.completion.names());
    if names.schemas().is_empty() {
        let words = match &pane.completion.failed {
            Some(why) => format!("names could not be loaded: {}", visible(why)),
            None => "names are being loaded; it opens when they are here".to_owned(),
        };
        pane.say(Tone::Warn, words);
        if pane.completion.failed.is_some() {
            orders.push(Order::Names);
        }
    }
    pane.zoom = false;
    pane.tree.shown = true;
    pane.tree.focused = true;
    pane.tree.take(&names);
    measure(pane, orders);
}

fn measure(pane: &mut Pane, orders: &mut Vec<Order>) {
    let tree = &mut pane.tree;
    if tree.measures.is_empty() && !tree.measuring {
        tree.measuring = true;
        orders.push(Order::Explore(Question::Measures));
    }
}

fn shut(pane: &mut Pane) {
    pane.tree.shown = false;
    leave(pane);
}

/// Keys go to the editor again; where the tree lies over the results it goes.
fn leave(pane: &mut Pane) {
    pane.tree.focused = false;
    pane.tree.sifting = false;
    if !layout::beside(pane.area) {
        pane.tree.shown = false;
    }
    pane.focus = Focus::Editor;
}

/// Other names came.
pub fn refresh(pane: &mut Pane) {
    if pane.tree.shown {
        let names = Arc::clone(pane.completion.names());
        pane.tree.take(&names);
    }
}

/// A paste while the filter is typed.
pub fn paste(pane: &mut Pane, text: &str) {
    pane.tree.filter.extend(text.chars().filter(|c| !c.is_control()).take(200));
    pane.tree.choose_best();
}

/// The wheel scrolls, a click selects; whether it was for the tree.
pub fn mouse(pane: &mut Pane, mouse: &MouseEvent, areas: &layout::Areas) -> bool {
    let area = layout::tree(pane, areas);
    if !area.contains(Position::new(mouse.column, mouse.row)) {
        return false;
    }
    match mouse.kind {
        MouseEventKind::ScrollUp => go(&mut pane.tree, -3),
        MouseEventKind::ScrollDown => go(&mut pane.tree, 3),
        MouseEventKind::Down(MouseButton::Left) => {
            pane.tree.focused = true;
            // The first line is the heading.
            let at = pane.tree.top + usize::from(mouse.row - area.y).saturating_sub(1);
            if at < pane.tree.rows.len() {
                pane.tree.at = at;
            }
        }
        _ => {}
    }
    true
}

/// Takes a key.
pub fn key(pane: &mut Pane, key: &KeyEvent, orders: &mut Vec<Order>) {
    if pane.tree.sifting {
        sift(&mut pane.tree, key);
    } else if let Some(action) = find(BRANCH, key) {
        act(pane, action, orders);
    }
    want(pane, orders);
}

fn sift(tree: &mut Tree, key: &KeyEvent) {
    match find(SIFT, key) {
        Some(Sift::Take) => tree.sifting = false,
        Some(Sift::Drop) => {
            tree.sifting = false;
            drop_filter(tree);
        }
        Some(Sift::Erase) => {
            tree.filter.pop();
            tree.choose_best();
        }
        Some(Sift::Clear) => drop_filter(tree),
        Some(Sift::Up) => go(tree, -1),
        Some(Sift::Down) => go(tree, 1),
        None => {
            if let Some(c) = update::typed(key) {
                tree.filter.push(c);
                tree.choose_best();
            }
        }
    }
}

/// Shows everything again, with what was selected unfolded into sight.
fn drop_filter(tree: &mut Tree) {
    let selected = tree.selected().map(|row| row.node);
    if tree.filter.is_empty() {
        return;
    }
    let schema = tree.rows.iter().take(tree.at + 1).rev();
    let leading: Vec<Node> = schema
        .filter(|row| matches!(row.node, Node::Schema(_) | Node::Group(..) | Node::Extensions))
        .map(|row| row.node)
        .take(2)
        .collect();
    tree.filter.clear();
    tree.open.extend(leading);
    tree.rows = tree.flatten();
    if let Some(at) = selected.and_then(|node| tree.rows.iter().position(|row| row.node == node)) {
        tree.at = at;
    }
    tree.settle();
}

fn go(tree: &mut Tree, by: isize) {
    tree.at = tree.at.saturating_add_signed(by);
    tree.settle();
}

fn act(pane: &mut Pane, action: Branch, orders: &mut Vec<Order>) {
    let page = pane.tree.height.saturating_sub(1).max(1) as isize;
    let selected = pane.tree.selected();
    match action {
        Branch::Leave if !pane.tree.filter.is_empty() => drop_filter(&mut pane.tree),
        Branch::Leave => leave(pane),
        Branch::Shut => shut(pane),
        Branch::Up => go(&mut pane.tree, -1),
        Branch::Down => go(&mut pane.tree, 1),
        Branch::PageUp => go(&mut pane.tree, -page),
        Branch::PageDown => go(&mut pane.tree, page),
        Branch::Top => go(&mut pane.tree, isize::MIN),
        Branch::Bottom => go(&mut pane.tree, isize::MAX),
        Branch::Filter => pane.tree.sifting = true,
        Branch::Reload => {
            pane.tree.measures.clear();
            pane.tree.parts.clear();
            pane.say(Tone::Dim, "names, sizes and estimates are loaded again");
            orders.push(Order::Names);
            measure(pane, orders);
        }
        Branch::Stop => update::stop(pane, false, orders),
        Branch::Help => orders.push(Order::Help),
        Branch::Enter
        | Branch::Unfold
        | Branch::Fold
        | Branch::Insert
        | Branch::Copy
        | Branch::Preview
        | Branch::Definition
        | Branch::Describe => {
            if let Some(row) = selected {
                on_row(pane, action, row.node, orders);
            }
        }
    }
}

fn on_row(pane: &mut Pane, action: Branch, node: Node, orders: &mut Vec<Order>) {
    let folds = Tree::folds(node);
    match action {
        Branch::Enter if folds => pane.tree.toggle(node),
        Branch::Enter | Branch::Insert => insert(pane, node),
        Branch::Unfold if folds && !pane.tree.is_open(node) => pane.tree.toggle(node),
        Branch::Unfold if folds => go(&mut pane.tree, 1),
        Branch::Fold if folds && pane.tree.open.contains(&node) => pane.tree.toggle(node),
        Branch::Fold => up(&mut pane.tree),
        Branch::Copy => match pane.tree.written(node, &path(pane)) {
            Some(name) => shaping::copied(pane, format!("copied {}", visible(&name)), name, orders),
            None => pane.say(Tone::Dim, "this has no name"),
        },
        Branch::Preview => preview(pane, node, orders),
        Branch::Definition => match pane.tree.thing(node) {
            Some(thing) => read(pane, format!("DDL of {}", words(&thing)), Question::Definition(thing), orders),
            None => pane.say(Tone::Dim, "this has no definition of its own"),
        },
        Branch::Describe => match pane.tree.thing(node) {
            Some(Thing::Relation(named)) => {
                let title = format!("\\d+ {}.{}", visible(&named.schema), visible(&named.name));
                read(pane, title, Question::Description(named), orders);
            }
            _ => pane.say(Tone::Dim, "\\d+ is about relations; D shows the DDL"),
        },
        _ => {}
    }
}

fn words(thing: &Thing) -> String {
    let words = match thing {
        Thing::Relation(named) | Thing::Type(named) => format!("{}.{}", named.schema, named.name),
        Thing::Function(named, arguments) => format!("{}.{}({arguments})", named.schema, named.name),
        Thing::Schema(name) | Thing::Extension(name) => name.clone(),
    };
    visible(&words).into_owned()
}

/// A text to read is asked for; it opens when it is here, unless another was asked for meanwhile.
fn read(pane: &mut Pane, title: String, question: Question, orders: &mut Vec<Order>) {
    pane.say(Tone::Dim, format!("{title} is being fetched"));
    pane.tree.awaited = Some((title, question.clone()));
    orders.push(Order::Explore(question));
}

/// To what this belongs to.
fn up(tree: &mut Tree) {
    let Some(row) = tree.selected() else { return };
    if let Some(at) = tree.rows[..tree.at].iter().rposition(|above| above.depth < row.depth) {
        tree.at = at;
        tree.settle();
    }
}

/// The schemas that names are looked up in, as this session has them.
fn path(pane: &Pane) -> Vec<String> {
    pane.completion.search_path().to_vec()
}

fn insert(pane: &mut Pane, node: Node) {
    match pane.tree.written(node, &path(pane)) {
        Some(name) => {
            pane.editor.paste(&name);
            pane.say(Tone::Good, format!("{} is in the editor", visible(&name)));
        }
        None => pane.say(Tone::Dim, "this has no name"),
    }
}

fn preview(pane: &mut Pane, node: Node, orders: &mut Vec<Order>) {
    let relation = match node {
        Node::Relation(at) | Node::Limb(at, _) | Node::Part(at, ..) => at,
        _ => return pane.say(Tone::Dim, "rows are of tables and views"),
    };
    let catalogue = &pane.tree.index.catalogue;
    let has_rows = catalogue.relations().get(relation as usize).is_some_and(|relation| relation.kind.has_rows());
    let Some(name) = pane.tree.written(Node::Relation(relation), &path(pane)).filter(|_| has_rows) else {
        return pane.say(Tone::Dim, "rows are of tables and views");
    };
    let sql = format!("select * from {name} limit {PREVIEW}");
    let note = pane.completion.kept(&sql).map(|sql| format!("{sql};"));
    let before = pane.runs;
    running::consider(
        pane,
        vec![Sent { statement: Statement { sql, note, always: false }, start: None, lead: 0 }],
        orders,
    );
    if pane.runs > before && !layout::beside(pane.area) {
        leave(pane);
    }
}

/// What is unfolded in sight and not known yet is asked for, once.
fn want(pane: &mut Pane, orders: &mut Vec<Order>) {
    let tree = &mut pane.tree;
    let height = tree.height.max(1);
    let mut wanted: Vec<u32> = Vec::new();
    for row in tree.rows.iter().skip(tree.top).take(height) {
        let at = match row.node {
            Node::Relation(at) if tree.open.contains(&row.node) => at,
            Node::Limb(at, _) | Node::Part(at, ..) => at,
            _ => continue,
        };
        if !tree.parts.contains_key(&at) && !wanted.contains(&at) {
            wanted.push(at);
        }
    }
    for at in wanted {
        let Some(named) = tree.named(at) else { continue };
        tree.parts.insert(at, Known::Asked);
        orders.push(Order::Explore(Question::Parts(named)));
    }
}

/// An answer.
pub fn hear(pane: &mut Pane, question: Question, answer: Result<Finding, Diagnosis>) {
    match (question, answer) {
        (Question::Measures, Ok(Finding::Measures(measures))) => pane.tree.measured(measures),
        (Question::Measures, Err(diagnosis)) => {
            pane.tree.measuring = false;
            pane.tree.unmeasured = Some(diagnosis.title);
        }
        (Question::Parts(named), answer) => {
            let tree = &mut pane.tree;
            let Some(at) = tree.index.catalogue.find(Some(&named.schema), &named.name, &[]) else { return };
            let known = match answer {
                Ok(Finding::Parts(parts)) => Known::There(Arc::new(parts)),
                Ok(_) => return,
                Err(diagnosis) => Known::Failed(diagnosis.title),
            };
            tree.parts.insert(at as u32, known);
            let selected = tree.selected().map(|row| row.node);
            tree.rows = tree.flatten();
            if let Some(at) = selected.and_then(|node| tree.rows.iter().position(|row| row.node == node)) {
                tree.at = at;
            }
            tree.settle();
        }
        (question @ (Question::Definition(_) | Question::Description(_)), answer) => {
            let Some((title, _)) = pane.tree.awaited.take_if(|(_, awaited)| *awaited == question) else { return };
            match answer {
                Ok(Finding::Text(text)) => {
                    pane.said = None;
                    pane.cell = Some(Cell::document(title, text));
                }
                Ok(_) => {}
                Err(diagnosis) => pane.say(Tone::Bad, format!("{title}: {}", visible(&diagnosis.title))),
            }
        }
        (Question::Measures, Ok(_)) => {}
    }
}

impl Tree {
    /// A node's name as it is written in a statement, with its schema where the path would not find it.
    pub(super) fn written(&self, node: Node, path: &[String]) -> Option<String> {
        let catalogue = &self.index.catalogue;
        let qualified = |schema: &str, name: &str, bare: bool| match bare {
            true => identifier(name),
            false => format!("{}.{}", identifier(schema), identifier(name)),
        };
        let on_path = |schema: &str| path.iter().any(|on| on == schema);
        Some(match node {
            Node::Schema(at) => identifier(catalogue.text(self.index.schemas.get(at as usize)?.name)),
            Node::Relation(at) => {
                let named = self.named(at)?;
                let bare = catalogue.find(None, &named.name, path) == Some(at as usize);
                qualified(&named.schema, &named.name, bare)
            }
            Node::Limb(at, _) => return self.written(Node::Relation(at), path),
            Node::Part(at, limb, part) => {
                let name = self.part(at, limb, part)?.0;
                match limb {
                    Limb::Indexes => qualified(&self.named(at)?.schema, name, on_path(&self.named(at)?.schema)),
                    _ => identifier(name),
                }
            }
            Node::Function(at) => {
                let function = catalogue.functions().get(at as usize)?;
                let schema = catalogue.text(function.schema);
                qualified(schema, catalogue.text(function.name), on_path(schema))
            }
            Node::Type(at) => {
                let of_type = catalogue.types().get(at as usize)?;
                let schema = catalogue.text(of_type.schema);
                qualified(schema, catalogue.text(of_type.name), on_path(schema))
            }
            Node::Extension(at) => identifier(catalogue.text(*catalogue.extensions().get(at as usize)?)),
            Node::Extensions | Node::Group(..) => return None,
        })
    }
}
