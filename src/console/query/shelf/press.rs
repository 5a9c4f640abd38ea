//! Keys and answers of saved queries. It must not know how they look, nor where they are kept.

use super::{Choose, LABEL, Label, List, Naming, PICK, Shelf};
use crate::access::saved::Saved;
use crate::console::keys::find;
use crate::console::query::order::{Order, Shelved, Shelving};
use crate::console::query::pane::{Pane, Question, Then};
use crate::console::query::update;
use crate::console::theme::Tone;
use crate::model::sql::{fills_secret, may_hold_secret};
use crate::model::{Diagnosis, visible};
use crossterm::event::KeyEvent;

/// Characters of a name or description.
const LONGEST: usize = 120;

/// The list is shown; what is in it is being read.
pub fn open(pane: &mut Pane, orders: &mut Vec<Order>) {
    pane.shelf = Some(Shelf::List(None));
    orders.push(Order::Shelf(Shelving::List));
}

/// The selection, the statement at the cursor or the whole text is to be saved: its name is asked for.
pub fn begin_save(pane: &mut Pane, orders: &mut Vec<Order>) {
    let buffer = pane.editor.buffer();
    let text = match pane.editor.selection() {
        Some(selected) => buffer.slice(selected),
        None => buffer.text(),
    };
    if text.trim().is_empty() {
        return pane.say(Tone::Dim, "there is nothing to save");
    }
    if may_hold_secret(&text) || fills_secret(&text, &pane.completion) {
        return pane.say(Tone::Warn, "a password may stand in it: it is not saved; write :'name' and \\set it first");
    }
    let saved = Saved { text: text.trim().to_owned(), here: true, ..Saved::default() };
    pane.shelf = Some(Shelf::Naming(Naming { saved, before: None, about: false, taken: None }));
    orders.push(Order::Shelf(Shelving::List));
}

/// Takes a key.
pub fn key(pane: &mut Pane, key: &KeyEvent, orders: &mut Vec<Order>) {
    match &mut pane.shelf {
        Some(Shelf::List(_)) => pick(pane, key),
        Some(Shelf::Naming(naming)) => match find(LABEL, key) {
            Some(Label::Save) => save(pane, orders),
            Some(Label::Shut) => pane.shelf = None,
            Some(Label::Other) => naming.about = !naming.about,
            Some(Label::Reach) => naming.saved.here = !naming.saved.here,
            Some(Label::Erase) => drop(field(naming).pop()),
            Some(Label::Clear) => field(naming).clear(),
            None => {
                if let Some(c) = update::typed(key) {
                    put(naming, &c.to_string());
                }
            }
        },
        None => {}
    }
}

/// A paste.
pub fn paste(pane: &mut Pane, text: &str) {
    match &mut pane.shelf {
        Some(Shelf::Naming(naming)) => put(naming, text),
        Some(Shelf::List(Some(list))) => {
            list.words.extend(text.chars().filter(|c| !c.is_control()).take(LONGEST));
            list.search();
        }
        Some(Shelf::List(None)) | None => {}
    }
}

fn field(naming: &mut Naming) -> &mut String {
    if naming.about { &mut naming.saved.about } else { &mut naming.saved.name }
}

fn put(naming: &mut Naming, text: &str) {
    let field = field(naming);
    let room = LONGEST.saturating_sub(field.chars().count());
    field.extend(text.chars().filter(|c| !c.is_control()).take(room));
}

fn save(pane: &mut Pane, orders: &mut Vec<Order>) {
    let Some(Shelf::Naming(naming)) = &mut pane.shelf else { return };
    naming.saved.name = naming.saved.name.trim().to_owned();
    naming.saved.about = naming.saved.about.trim().to_owned();
    if naming.saved.name.is_empty() {
        naming.about = false;
        return pane.say(Tone::Warn, "it needs a name");
    }
    let Some(taken) = &naming.taken else {
        return pane.say(Tone::Dim, "the names that are taken are being read; Enter again");
    };
    let same = |one: &Saved| one.name == naming.saved.name && one.here == naming.saved.here;
    let replaced = taken.iter().any(same) && !naming.before.as_ref().is_some_and(same);
    let order = Order::Shelf(Shelving::Save(naming.saved.clone(), naming.before.clone()));
    if replaced {
        let title = format!("Write over the saved query {}?", visible(&naming.saved.name));
        let lines = vec!["There is one of that name.".to_owned()];
        pane.question = Some(Question { title, lines, then: Then::Order(order) });
        return;
    }
    orders.push(order);
}

fn pick(pane: &mut Pane, key: &KeyEvent) {
    let page = (pane.area.height / 2).max(1) as usize;
    let action = find(PICK, key);
    if action == Some(Choose::Shut) {
        pane.shelf = None;
        return;
    }
    let Some(Shelf::List(Some(list))) = &mut pane.shelf else { return };
    let last = list.found.len().saturating_sub(1);
    match action {
        Some(Choose::Up) => list.at = list.at.saturating_sub(1),
        Some(Choose::Down) => list.at = (list.at + 1).min(last),
        Some(Choose::PageUp) => list.at = list.at.saturating_sub(page),
        Some(Choose::PageDown) => list.at = (list.at + page).min(last),
        Some(Choose::Erase) => {
            list.words.pop();
            list.search();
        }
        Some(Choose::Clear) => {
            list.words.clear();
            list.search();
        }
        Some(Choose::Take) => {
            let Some(text) = list.selected().map(|saved| saved.text.clone()) else { return };
            pane.shelf = None;
            // A paste: one undo takes it back.
            pane.editor.paste(&text);
        }
        Some(Choose::Rename) => {
            let Some(saved) = list.selected().cloned() else { return };
            let taken = Some(std::mem::take(&mut list.all));
            pane.shelf = Some(Shelf::Naming(Naming { before: Some(saved.clone()), saved, about: false, taken }));
        }
        Some(Choose::Delete) => {
            let Some(saved) = list.selected().cloned() else { return };
            let title = format!("Delete the saved query {}?", visible(&saved.name));
            let where_to = if saved.here { "of this target" } else { "of all targets" };
            let lines = vec![
                where_to.to_owned(),
                saved.text.lines().next().map(|line| visible(line).into_owned()).unwrap_or_default(),
            ];
            pane.question = Some(Question { title, lines, then: Then::Order(Order::Shelf(Shelving::Delete(saved))) });
        }
        Some(Choose::Shut) => {}
        None => {
            if let Some(c) = update::typed(key) {
                list.words.push(c);
                list.search();
            }
        }
    }
}

/// An answer.
pub fn hear(pane: &mut Pane, answer: Result<Shelved, Diagnosis>) {
    match answer {
        Ok(Shelved::Everywhere(past)) => {
            if let Some(finder) = &mut pane.finder {
                finder.everywhere = Some(past);
                pane.recall.search(finder);
            }
        }
        Ok(Shelved::Forgotten(text)) => {
            pane.recall.forget(&text);
            if let Some(finder) = &mut pane.finder {
                let at = finder.at;
                pane.recall.search(finder);
                finder.at = at.min(finder.found.len().saturating_sub(1));
            }
            pane.say(Tone::Good, "it is out of the history");
        }
        Ok(Shelved::Saved(saved, all)) => {
            pane.say(Tone::Good, format!("saved as {}", visible(&saved.name)));
            // Where it was renamed the list is looked at again.
            let renamed = matches!(&pane.shelf, Some(Shelf::Naming(naming)) if naming.before.is_some());
            pane.shelf = renamed.then(|| Shelf::List(Some(List::new(all))));
        }
        Ok(Shelved::List(all)) => match &mut pane.shelf {
            Some(Shelf::Naming(naming)) => naming.taken = Some(all),
            Some(Shelf::List(list)) => {
                let words = list.take().map(|list| (list.words, list.at)).unwrap_or_default();
                let mut new = List { words: words.0, ..List::new(all) };
                new.search();
                new.at = words.1.min(new.found.len().saturating_sub(1));
                *list = Some(new);
            }
            None => {}
        },
        Err(diagnosis) => {
            let because = diagnosis.because.first().cloned().unwrap_or_default();
            pane.say(Tone::Bad, visible(&format!("{} {because}", diagnosis.title)).into_owned());
            if matches!(pane.shelf, Some(Shelf::List(None))) {
                pane.shelf = None;
            }
        }
    }
}
