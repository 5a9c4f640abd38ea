//! Inputs become orders: which part of the pane a key, a paste or a click is for. It must not know how anything is drawn,
//! nor who carries orders out.

use super::editor::Edit;
use super::editor::vi::Effect;
use super::keymap::{FILL, Fill, READ, Read, Reply, SEARCH, Search, WRITE, Write};
use super::layout::{self, areas};
use super::order::Means;
use super::pane::{Focus, Pane, Question, Run, Showing, Stop, Then};
use super::recall::Finder;
use super::shape::Needle;
use super::{
    Ask, Input, News, Order, Shelving, browse, completion, compose, entering, explain, hearing, plan, plan_view,
    running, shaping, sheet, shelf, tree,
};
use crate::console::keys::find;
use crate::console::theme::Tone;
use crate::model::Transaction;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

/// Takes one input; gives what is to be done. Pure: no I/O, no clock.
pub fn update(pane: &mut Pane, input: Input) -> Vec<Order> {
    let mut orders = Vec::new();
    match input {
        Input::Tick(now) => {
            pane.now = now;
            // A cell that is on its way to its end goes on, and so do colours that lag.
            let cell = pane.cell.as_ref().is_some_and(|cell| cell.is_busy());
            if !cell && !pane.editor.lags() {
                return orders;
            }
        }
        Input::Area(area) => pane.area = area,
        Input::Key(key) if key.kind == KeyEventKind::Release => return orders,
        Input::Key(key) => self::key(pane, &key, &mut orders),
        Input::Paste(text) => paste(pane, &text),
        Input::Composed(composed) => compose::take(pane, composed),
        Input::Mouse(mouse) => self::mouse(pane, mouse),
        Input::News(News::Shaped(ticket, shaped)) => shaping::hear(pane, ticket, shaped, &mut orders),
        Input::News(news) => {
            completion::hear(pane, &news);
            hearing::hear(pane, news);
        }
        Input::Names(names) => {
            pane.completion.take(names);
            tree::refresh(pane);
        }
        Input::Shelved(answer) => shelf::hear(pane, answer),
        Input::Explored(question, answer) => tree::hear(pane, question, answer),
    }
    settle(pane, &mut orders);
    completion::settle(pane, &mut orders);
    let types = pane.writes();
    completion::refresh(&mut pane.completion, &pane.editor, types);
    orders
}

/// What is on screen is scrolled into sight, and rows that are missing there are asked for.
fn settle(pane: &mut Pane, orders: &mut Vec<Order>) {
    let areas = areas(pane);
    pane.editor.fit(areas.editor.width.saturating_sub(1) as usize, areas.editor.height as usize);
    let (width, height) = (areas.results.width.saturating_sub(2) as usize, areas.results.height as usize);
    let over = layout::overlay(&areas);
    if let Some(cell) = &mut pane.cell {
        cell.fit(over.width.saturating_sub(2) as usize, over.height.saturating_sub(1) as usize);
    }
    pane.tree.fit(layout::tree(pane, &areas).height.saturating_sub(1 + u16::from(pane.tree.filters())) as usize);
    shaping::refresh(pane, orders);
    if let Some(tree) = plan::shown_mut(pane) {
        let height = plan_view::height(tree, areas.results);
        return tree.fit(height);
    }
    let expanded = pane.expanded;
    if pane.log.back > 0 {
        pane.log.back = pane.log.back.min(pane.log.furthest(areas.results.width as usize, height));
    }
    let Some(table) = pane.table_mut() else { return };
    table.fit(width, height);
    let wanted = table.wants();
    let (result, column) = (table.id, table.column);
    if expanded {
        pane.unfolded = pane.unfolded.clamp((column + 1).saturating_sub(height.saturating_sub(1).max(1)), column);
    }
    if let Some((first, count)) = wanted {
        orders.push(Order::Ask(Ask::Window { result, first, count }));
    }
}

fn key(pane: &mut Pane, key: &KeyEvent, orders: &mut Vec<Order>) {
    let stopping = std::mem::take(&mut pane.stopping);
    pane.said = None;
    if pane.question.is_some() {
        match find(pane.replies(), key) {
            Some(Reply::Yes) => {
                if let Some(question) = pane.question.take() {
                    match question.then {
                        Then::Run(sent) => running::send(pane, sent, orders),
                        Then::Press(means) => {
                            if let Some(run) = &mut pane.run {
                                run.stop = Stop::Pressing(means);
                            }
                            orders.push(Order::Ask(Ask::Press(means)));
                        }
                        Then::Order(order) => orders.push(order),
                        Then::Shape(shape) => shaping::ask(pane, *shape, orders),
                        Then::Answer => orders.push(Order::Ask(Ask::Answer(true))),
                        Then::Drop => {
                            if let Some(run) = &mut pane.run {
                                run.stop = Stop::Dropped;
                            }
                            orders.push(Order::Ask(Ask::Drop));
                        }
                    }
                }
            }
            Some(Reply::Count) => {
                if let Some(Question { then: Then::Run(sent), .. }) = pane.question.take() {
                    running::try_out(pane, sent, orders);
                }
            }
            Some(Reply::No) => {
                if pane.question.take().is_some_and(|question| matches!(question.then, Then::Answer)) {
                    orders.push(Order::Ask(Ask::Answer(false)));
                }
                pane.say(Tone::Dim, "left alone");
            }
            None => {}
        }
    } else if pane.cell.is_some() {
        read(pane, key, orders);
    } else if pane.finder.is_some() {
        search(pane, key, orders);
    } else if pane.shelf.is_some() {
        shelf::key(pane, key, orders);
    } else if pane.shaping.sheet.is_some() {
        sheet::key(pane, key, orders);
    } else if pane.tree.focused {
        tree::key(pane, key, orders);
    } else if pane.focus == Focus::Results {
        browse::key(pane, key, stopping, orders);
    } else if pane.types() && !ends_insert(pane, key) && completion::press(pane, key) {
        // The list of names took it.
    } else if !by_vi(pane, key, orders) {
        let before = pane.editor.edition();
        let action = find(WRITE, key);
        let typed = if action.is_none() { typed(key).filter(|_| pane.types()) } else { None };
        match (action, typed) {
            (Some(action), _) => write(pane, action, stopping, orders),
            (None, Some(c)) => {
                entering::begin_line(pane, c.encode_utf8(&mut [0; 4]));
                pane.editor.type_in(c);
            }
            (None, None) => {}
        }
        if pane.types() && !matches!(action, Some(Write::Complete | Write::Edit(Edit::Indent))) {
            completion::follow(pane, key, typed, before);
        }
        settle_vi(pane, before);
    }
}

/// Whether it ends vi's insert mode, with an open list of names or without: one key is enough for both.
fn ends_insert(pane: &mut Pane, key: &KeyEvent) -> bool {
    let ends = pane.vi.is_some() && key.code == KeyCode::Esc;
    if ends {
        pane.completion.popup = None;
    }
    ends
}

/// Has vi's keys take it, where they are wanted; whether they did.
fn by_vi(pane: &mut Pane, key: &KeyEvent, orders: &mut Vec<Order>) -> bool {
    let Some(vi) = &mut pane.vi else { return false };
    match vi.key(&mut pane.editor, key) {
        Effect::Passed => return false,
        Effect::Taken => {}
        Effect::Line(words) => command_line(pane, words, orders),
        Effect::Results => write(pane, Write::Results, false, orders),
        Effect::Said(words) => pane.say(Tone::Dim, words),
        Effect::Yanked(text) => orders.push(Order::Copy(text)),
        Effect::Missing(words) => pane.say(Tone::Dim, format!("{words} is not in the text")),
    }
    true
}

/// What was entered after `:` and is not about the text alone; what is not vi's is looked for among all commands.
fn command_line(pane: &mut Pane, words: String, orders: &mut Vec<Order>) {
    match words.as_str() {
        "q" | "q!" | "quit" | "close" => leave(pane, Order::Close, orders),
        "w" | "write" => write(pane, Write::Save, false, orders),
        "wq" | "x" => pane.say(Tone::Dim, ":w saves the text under a name, :q closes the tab"),
        "h" | "help" => orders.push(Order::Help),
        "noh" | "nohlsearch" => {}
        _ => orders.push(Order::Palette(words)),
    }
}

/// After something that vi's keys did not do.
fn settle_vi(pane: &mut Pane, edition: u64) {
    if let Some(vi) = &mut pane.vi {
        if pane.editor.edition() == edition { vi.settle(&mut pane.editor) } else { vi.interrupted(&mut pane.editor) }
    }
}

/// The character a key types, if it types one.
pub(super) fn typed(key: &KeyEvent) -> Option<char> {
    let held = key.modifiers - KeyModifiers::SHIFT;
    match key.code {
        // AltGr arrives as Ctrl and Alt together on some terminals.
        KeyCode::Char(c) if held.is_empty() || held == (KeyModifiers::CONTROL | KeyModifiers::ALT) => Some(c),
        _ => None,
    }
}

/// Keys of the editor that work from the results: what runs its text, its plan, the history.
pub(super) fn write_from_results(pane: &mut Pane, key: &KeyEvent, orders: &mut Vec<Order>) {
    if let Some(action @ (Write::Run | Write::RunAll | Write::Plan | Write::Analyze | Write::History)) =
        find(WRITE, key)
    {
        write(pane, action, false, orders);
    }
}

fn write(pane: &mut Pane, action: Write, stopping: bool, orders: &mut Vec<Order>) {
    match action {
        Write::Run => running::run(pane, false, orders),
        Write::Try => running::try_here(pane, orders),
        Write::RunAll => running::run(pane, true, orders),
        Write::Plan => explain::explain(pane, false, orders),
        Write::Analyze => explain::explain(pane, true, orders),
        Write::Enter if entering::runs(pane) => entering::run(pane, orders),
        Write::Enter => pane.editor.edit(Edit::Newline),
        Write::Go(super::editor::Motion::Up) if walks(pane) => recall(pane, true),
        Write::Go(motion) => pane.editor.travel(motion, false),
        Write::Select(motion) => pane.editor.travel(motion, true),
        Write::Edit(Edit::Indent) if completion::tab(pane) => {}
        Write::Edit(edit) => pane.editor.edit(edit),
        Write::Complete => {
            if !completion::open(pane) {
                pane.say(Tone::Dim, "nothing to complete here");
            }
        }
        Write::Names => {
            pane.say(Tone::Dim, "names are loaded again");
            orders.push(Order::Names);
        }
        Write::Copy => copy(pane, orders),
        Write::Cut => {
            if pane.editor.selection().is_some() {
                copy(pane, orders);
                pane.editor.edit(Edit::Delete);
            }
        }
        Write::Older => recall(pane, true),
        Write::Newer => recall(pane, false),
        Write::History => {
            let mut finder = Finder::default();
            pane.recall.search(&mut finder);
            if finder.found.is_empty() {
                pane.say(Tone::Dim, "no statement was run on this target yet");
            } else {
                pane.finder = Some(finder);
            }
        }
        Write::Results if pane.table().is_some() || !pane.log.is_empty() => pane.focus = Focus::Results,
        Write::Results => pane.say(Tone::Dim, "no results yet; F2 goes to the fleet"),
        Write::Stop => stop(pane, stopping, orders),
        Write::Format => match pane.editor.format() {
            Ok(true) => {}
            Ok(false) => pane.say(Tone::Dim, "it is laid out already"),
            Err(why) => pane.say(Tone::Warn, why.to_string()),
        },
        Write::Compose => compose::begin(pane, None, orders),
        Write::Shelf => shelf::open(pane, orders),
        Write::Save => shelf::begin_save(pane, orders),
        Write::Catalogue => tree::open(pane, orders),
        Write::Help => orders.push(Order::Help),
        Write::Back => orders.push(Order::Back),
        Write::Close => leave(pane, Order::Close, orders),
        Write::DeleteOrClose if pane.editor.buffer().is_empty() => leave(pane, Order::Close, orders),
        Write::DeleteOrClose => pane.editor.edit(Edit::Delete),
    }
}

/// Whether Up means the history: there is nothing to move in, or a walk is under way and the cursor is at its top.
fn walks(pane: &Pane) -> bool {
    let buffer = pane.editor.buffer();
    buffer.is_empty() || (pane.editor.cursor().line == 0 && pane.recall.standing(&buffer.text()).is_some())
}

fn recall(pane: &mut Pane, older: bool) {
    let now = pane.editor.buffer().text();
    let text = if older { pane.recall.older(&now) } else { pane.recall.newer(&now) };
    match text.map(str::to_owned) {
        Some(text) => pane.editor.set(&text),
        None if older => pane.say(Tone::Dim, "nothing older"),
        None => pane.say(Tone::Dim, "nothing newer"),
    }
}

fn copy(pane: &mut Pane, orders: &mut Vec<Order>) {
    match pane.editor.copy() {
        Some(text) => {
            pane.say(Tone::Good, "copied");
            orders.push(Order::Copy(text));
        }
        None => pane.say(Tone::Dim, "nothing is selected"),
    }
}

/// Ctrl-C: cancels what runs; while that takes its time, offers to drop the connection; where nothing runs, leaves at the
/// second time.
pub(super) fn stop(pane: &mut Pane, again: bool, orders: &mut Vec<Order>) {
    if pane.run.is_none() && shaping::halt(pane, orders) {
        return;
    }
    match &mut pane.run {
        Some(run) if run.stop == Stop::No => {
            run.stop = Stop::Asked;
            orders.push(Order::Ask(Ask::Cancel));
        }
        Some(Run { stop: Stop::Unmoved(Some(means)), .. }) => {
            let means = *means;
            ask_to_press(pane, means);
        }
        Some(_) => ask_to_drop(pane),
        // Who runs all tabs asks for all of them at once.
        None if again => orders.push(Order::Quit),
        None => {
            pane.stopping = true;
            // The hand that knows psql wants a line cleared.
            let words = match pane.editor.buffer().is_empty() || pane.focus != Focus::Editor || pane.vi.is_some() {
                true => "nothing runs; Ctrl-C again leaves gatepost",
                false => "Ctrl-C again leaves gatepost; Ctrl-U clears the line",
            };
            pane.say(Tone::Warn, words);
        }
    }
}

/// The server goes on although it was asked to cancel: a second session can do more.
fn ask_to_press(pane: &mut Pane, means: Means) {
    let (function, pid) = (means.function(), pane.facts.pid);
    let mut lines = vec![format!("A second session of {} runs {function}({pid}).", pane.setup.user)];
    match (means, pane.transaction) {
        (Means::Cancel, _) => {
            lines.push("It ends the statement; an open transaction fails, the session lives on.".into())
        }
        (Means::Terminate, Transaction::Idle) => {
            lines.push("It ends the session: SET, temporary tables, locks are lost.".into())
        }
        (Means::Terminate, _) => lines.push("It ends the session: the open transaction is rolled back.".into()),
    }
    let title = format!("Stop backend {pid} on {} by {function}?", pane.setup.name);
    pane.question = Some(Question { title, lines, then: Then::Press(means) });
}

/// The cancel is under way: the connection can be dropped instead, which is done at once.
fn ask_to_drop(pane: &mut Pane) {
    let Some(run) = &pane.run else { return };
    let stopped = matches!(run.stop, Stop::Draining(_));
    let mut lines = Vec::new();
    lines.push(match (stopped, pane.transaction) {
        (true, _) => "The statement has stopped; what was under way is being thrown away.",
        (false, Transaction::Idle) => "The statement may or may not have run.",
        (false, _) => "The statement may go on at the server until it notices.",
    });
    if pane.transaction != Transaction::Idle {
        lines.push("The open transaction is rolled back.");
    }
    lines.push("Settings, temporary tables and locks of this session are lost; the next");
    lines.push("statement connects again.");
    let title = format!("Drop the connection to {}, without waiting for the server?", pane.setup.name);
    let lines = lines.into_iter().map(str::to_owned).collect();
    pane.question = Some(Question { title, lines, then: Then::Drop });
}

/// Leaves, after a question where something would be lost.
pub(super) fn leave(pane: &mut Pane, order: Order, orders: &mut Vec<Order>) {
    match pane.would_lose() {
        Some(title) => {
            let lines = vec![format!("{} · {}@{}", pane.setup.host, pane.setup.user, pane.setup.database)];
            pane.question = Some(Question { title, lines, then: Then::Order(order) });
        }
        None => orders.push(order),
    }
}

fn read(pane: &mut Pane, key: &KeyEvent, orders: &mut Vec<Order>) {
    let Some(cell) = &mut pane.cell else { return };
    if let Some(asked) = &mut cell.asked {
        match find(FILL, key) {
            Some(Fill::Shut) => cell.asked = None,
            Some(Fill::Erase) => drop(asked.pop()),
            Some(Fill::Clear) => asked.clear(),
            Some(Fill::Take) => {
                let words = cell.asked.take().unwrap_or_default();
                if !words.is_empty() {
                    cell.needle = Some(Needle::new(&words));
                }
                seek(pane, true);
            }
            Some(_) => {}
            None => asked.extend(typed(key)),
        }
        return;
    }
    let Some(action) = find(READ, key) else { return };
    match action {
        Read::Find => cell.asked = Some(String::new()),
        Read::FindNext => seek(pane, true),
        Read::FindBefore => seek(pane, false),
        Read::Shut => pane.cell = None,
        Read::Up => cell.scroll(-1),
        Read::Down => cell.scroll(1),
        Read::PageUp => cell.page(-1),
        Read::PageDown => cell.page(1),
        Read::Left => cell.sideways(-8),
        Read::Right => cell.sideways(8),
        Read::Top => cell.scroll(isize::MIN),
        Read::Bottom => cell.scroll(isize::MAX),
        Read::Raw => cell.toggle(),
        Read::Copy => {
            let value = cell.value.clone().unwrap_or_default();
            let what = if cell.document { "text" } else { "cell" };
            let words = format!("copied the {what}, {}", super::text::size(value.len() as u64));
            shaping::copied(pane, words, value, orders);
        }
        Read::Stop => stop(pane, false, orders),
    }
}

/// What is looked for in the open cell, next or before.
pub(super) fn seek(pane: &mut Pane, forward: bool) {
    let Some(cell) = &mut pane.cell else { return };
    let Some(needle) = cell.needle.clone() else {
        pane.say(Tone::Dim, "nothing was looked for yet; / asks");
        return;
    };
    if !cell.find(forward) {
        pane.say(Tone::Warn, format!("{} is not in this cell", crate::model::visible(needle.text())));
    }
}

fn search(pane: &mut Pane, key: &KeyEvent, orders: &mut Vec<Order>) {
    let Some(finder) = &mut pane.finder else { return };
    let last = finder.found.len().saturating_sub(1);
    let page = pane.area.height.saturating_sub(6).max(1) as usize;
    match find(SEARCH, key) {
        // The list is drawn with the newest at the bottom, as it would be in a shell: up is older.
        Some(Search::Up) => finder.at = (finder.at + 1).min(last),
        Some(Search::Down) => finder.at = finder.at.saturating_sub(1),
        Some(Search::PageUp) => finder.at = (finder.at + page).min(last),
        Some(Search::PageDown) => finder.at = finder.at.saturating_sub(page),
        Some(Search::Erase) => {
            finder.words.pop();
            pane.recall.search(finder);
        }
        Some(Search::Clear) => {
            finder.words.clear();
            pane.recall.search(finder);
        }
        Some(Search::Shut) => pane.finder = None,
        Some(action @ (Search::Take | Search::Run)) => {
            let taken = pane.recall.selected(finder).map(|past| past.text.clone());
            pane.finder = None;
            if let Some(text) = taken {
                pane.editor.set(&text);
                if action == Search::Run {
                    running::run(pane, true, orders);
                }
            }
        }
        Some(Search::Everywhere) if finder.everywhere.take().is_some() => pane.recall.search(finder),
        Some(Search::Everywhere) => orders.push(Order::Shelf(Shelving::Everywhere)),
        Some(Search::Forget) if finder.everywhere.is_some() => {
            pane.say(Tone::Dim, "Alt-a goes back to this target; what is of others is theirs");
        }
        Some(Search::Forget) => {
            if let Some(text) = pane.recall.selected(finder).map(|past| past.text.clone()) {
                let title = "Take this statement out of the history of this target?".to_owned();
                let lines = text.lines().take(5).map(|line| crate::model::visible(line).into_owned()).collect();
                let then = Then::Order(Order::Shelf(Shelving::Forget(text)));
                pane.question = Some(Question { title, lines, then });
            }
        }
        None => {
            if let Some(c) = typed(key) {
                finder.words.push(c);
                pane.recall.search(finder);
            }
        }
    }
}

fn paste(pane: &mut Pane, text: &str) {
    if let Some(finder) = &mut pane.finder {
        finder.words.extend(text.chars().filter(|c| !c.is_control()).take(200));
        pane.recall.search(finder);
    } else if pane.shelf.is_some() {
        shelf::paste(pane, text);
    } else if let Some(sheet) = &mut pane.shaping.sheet {
        sheet.paste(text);
    } else if pane.tree.sifting && pane.question.is_none() && pane.cell.is_none() {
        tree::paste(pane, text);
    } else if pane.question.is_none() && pane.cell.is_none() {
        // What is pasted is meant for the editor, wherever the focus was.
        pane.focus = Focus::Editor;
        pane.tree.focused = false;
        entering::begin_line(pane, text);
        pane.editor.paste(text);
    }
}

fn mouse(pane: &mut Pane, mouse: MouseEvent) {
    let areas = areas(pane);
    let at = Position::new(mouse.column, mouse.row);
    let by = match mouse.kind {
        MouseEventKind::ScrollUp => -3,
        MouseEventKind::ScrollDown => 3,
        _ => 0,
    };
    if pane.question.is_some() || pane.finder.is_some() || pane.shelf.is_some() || pane.shaping.sheet.is_some() {
        return;
    }
    if let Some(cell) = &mut pane.cell {
        cell.scroll(by);
        return;
    }
    if tree::mouse(pane, &mouse, &areas) {
        return;
    }
    if areas.editor.contains(at) {
        pane.tree.focused = false;
        let place =
            pane.editor.at((at.y - areas.editor.y) as usize, (at.x - areas.editor.x).saturating_sub(1) as usize);
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                pane.focus = Focus::Editor;
                pane.editor.go(place, mouse.modifiers.contains(KeyModifiers::SHIFT));
            }
            MouseEventKind::Drag(MouseButton::Left) if pane.focus == Focus::Editor => pane.editor.go(place, true),
            _ if by != 0 => pane.editor.scroll(by),
            _ => {}
        }
        settle_vi(pane, pane.editor.edition());
    } else if mouse.kind == MouseEventKind::Drag(MouseButton::Left) && pane.editor.dragging() {
        // Beyond the editor's edge the text follows, a line for each move of the mouse.
        let by = if at.y < areas.editor.y { -1 } else { 1 };
        pane.editor.travel_lines(by, true);
    } else if areas.results.contains(at) || areas.header.contains(at) {
        if by != 0 && pane.showing == Showing::Rows && !pane.expanded {
            if let Some(tree) = plan::shown_mut(pane) {
                tree.step(by);
            } else if let Some(table) = pane.table_mut() {
                table.scroll(by as i64);
            }
        } else if by != 0 {
            pane.log.back = pane.log.back.saturating_add_signed(-by);
        }
        if mouse.kind == MouseEventKind::Down(MouseButton::Left) {
            pane.focus = Focus::Results;
            pane.tree.focused = false;
            browse::click(pane, &areas, at);
        }
    }
}
