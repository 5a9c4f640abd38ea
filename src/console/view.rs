//! The screen as a function of the state: which pane where, what lies over it, and the last row. It changes nothing.

use super::event::TabId;
use super::keys::{Hint, hints, hints_where, show};
use super::layout;
use super::panes::{
    activity, connect, consent, diagnosis, doctor, document, enable_iam, fleet, help, lines, listen, menu, palette,
    picker, prompt,
};
use super::query;
use super::state::{Focus, GLOBAL_KEYS, Overlay, State};
use super::tabs;
use super::theme::{Theme, Tone};
use super::widgets::paint::{self, Run, run};
use super::widgets::text;
use ratatui::Frame;
use ratatui::layout::{Rect, Size};

/// Draws everything.
pub fn view(state: &State, frame: &mut Frame<'_>) {
    let theme = state.theme();
    let size = Size { width: frame.area().width, height: frame.area().height };
    let areas = layout::areas(size);
    match state.focus {
        Focus::Fleet => {
            fleet::draw_header(&state.fleet, frame, areas.header, theme, state.now);
            fleet::view(&state.fleet, frame, areas.body, theme, state.now);
        }
        Focus::Connect => {
            if let Some(pane) = &state.connect {
                connect::draw_header(pane, frame, areas.header, theme);
                connect::view(pane, frame, areas.body, theme, state.now);
            }
        }
        Focus::Lines => {
            let title = [run(" gatepost  ", Tone::Accent), run("lines", Tone::Strong)];
            paint::runs(frame, areas.header, &title, theme, None);
            lines::view(&state.lines, frame, areas.body, theme, state.now);
        }
        Focus::Activity => {
            if let Some(pane) = &state.activity {
                activity::view(pane, frame, areas.header, areas.body, theme, state.now);
            }
        }
        Focus::Doctor => {
            if let Some(pane) = &state.doctor {
                doctor::draw_header(pane, frame, areas.header, theme, state.now);
                doctor::view(pane, frame, areas.body, theme, state.now);
            }
        }
        Focus::Query => {
            if let Some(arrival) = &state.arrival {
                connect::draw_header(&arrival.pane, frame, areas.header, theme);
                connect::view(&arrival.pane, frame, areas.body, theme, state.now);
                let done = format!(" ✓ connected in {}", text::took(arrival.took));
                paint::runs(frame, areas.keys, &[run(done, Tone::Good)], theme, None);
            } else if let Some(tab) = state.shown_tab() {
                let area = query_area(size, state.tabs.len());
                if area.y > 0 {
                    draw_tabs(state, frame, Rect { height: 1, ..frame.area() }, theme);
                }
                query::view(&tab.pane, frame, area, theme);
            }
        }
    }
    if let Some(overlay) = &state.overlay {
        draw_overlay(overlay, frame, overlay_area(size), theme);
    }
    if let Some(notice) = &state.notice {
        draw_notice(&notice.text, frame, areas.keys, theme);
    } else if state.focus != Focus::Query || state.overlay.is_some() {
        draw_keys(&key_line(state), frame, areas.keys, theme);
    }
}

/// Where overlays may lie: all but the first and the last row.
pub fn overlay_area(size: Size) -> Rect {
    layout::areas(size).body
}

/// The box that a text to read takes.
pub fn reading_area(size: Size) -> Rect {
    let area = overlay_area(size);
    let width = (area.width * 9 / 10).clamp(60, 110);
    layout::middle(area, width, area.height)
}

/// Where a query tab is drawn: below the row of tabs when there are several.
pub fn query_area(size: Size, tabs: usize) -> Rect {
    let above = u16::from(tabs > 1).min(size.height);
    Rect::new(0, above, size.width, size.height - above)
}

fn draw_overlay(overlay: &Overlay, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let reading = reading_area(Size { width: frame.area().width, height: frame.area().height });
    match overlay {
        Overlay::Help(pane) => help::view(pane, frame, reading, theme),
        Overlay::Palette(pane) => palette::view(pane, frame, area, theme),
        Overlay::Menu(pane) => menu::view(pane, frame, area, theme),
        Overlay::Picker(pane) => picker::view(pane, frame, area, theme),
        Overlay::Listen(pane) => listen::view(pane, frame, area, theme),
        Overlay::Consent(pane) => consent::view(pane, frame, area, theme),
        Overlay::EnableIam(pane) => enable_iam::view(pane, frame, area, theme),
        Overlay::Prompt(pane) => prompt::view(pane, frame, area, theme),
        Overlay::Document(pane) => document::view(pane, frame, document_area(pane, reading), theme),
        Overlay::Diagnosis(pane) => {
            let inner = paint::frame(frame, diagnosis_area(pane, reading), "", theme);
            diagnosis::view(pane, frame, inner, theme);
        }
        Overlay::Leave(reasons) => prompt::question(reasons, frame, area, theme),
    }
}

/// The box that a diagnosis takes: as high as it needs.
pub fn diagnosis_area(pane: &diagnosis::Pane, area: Rect) -> Rect {
    let lines = diagnosis::lines(&pane.diagnosis, area.width.saturating_sub(4), true).len();
    layout::middle(area, area.width, lines as u16 + 3)
}

/// The box that a text takes: as high as it needs.
pub fn document_area(pane: &document::Pane, area: Rect) -> Rect {
    layout::middle(area, area.width, pane.lines(area.width.saturating_sub(4)).len() as u16 + 2)
}

/// The keys worth showing now, the most wanted first.
pub fn key_line(state: &State) -> Vec<Hint> {
    let mut line: Vec<Hint> = Vec::new();
    let word = |keys: &'static [&'static str], label: &'static str| Hint { keys, label, help: "" };
    match (&state.overlay, state.focus) {
        (Some(Overlay::Diagnosis(pane)), _) => {
            let paste = pane.pasteable(0).is_some();
            return hints(diagnosis::KEYS).filter(|hint| paste || hint.keys[0] != "y").collect();
        }
        (Some(Overlay::Help(_)), _) => return vec![word(&["Esc"], "back"), word(&["Down"], "scroll")],
        (Some(Overlay::Document(pane)), _) => {
            let (back, scroll) = (word(&["Esc"], "back"), word(&["Down"], "scroll"));
            return match pane.content {
                document::Content::Parts(_) => {
                    let first = word(&["y"], "copy what stands first");
                    vec![word(&["1–9"], "copy that one"), first, back, scroll]
                }
                document::Content::Fields(_) => vec![word(&["y"], "copy"), back, scroll],
            };
        }
        (Some(Overlay::Menu(_)), _) => return vec![word(&["Enter"], "copy"), word(&["Esc"], "back")],
        (Some(Overlay::Palette(_)), _) => {
            return vec![word(&["Enter"], "do it"), word(&["Tab"], "complete"), word(&["Esc"], "back")];
        }
        (Some(Overlay::Prompt(_)), _) => return vec![word(&["Enter"], "go on"), word(&["Esc"], "back")],
        (Some(Overlay::Listen(_)), _) => return hints(listen::KEYS).chain([word(&["F1"], "help")]).collect(),
        (Some(Overlay::Consent(_)), _) => return hints(consent::KEYS).chain([word(&["F1"], "help")]).collect(),
        (Some(Overlay::EnableIam(_)), _) => return hints(enable_iam::KEYS).chain([word(&["F1"], "help")]).collect(),
        (Some(Overlay::Leave(_)), _) => return vec![word(&["y"], "leave"), word(&["Esc"], "stay")],
        (Some(Overlay::Picker(_)), _) => return hints(picker::KEYS).collect(),
        (None, Focus::Fleet) if state.fleet.filtering => return hints(fleet::TYPING_KEYS).collect(),
        (None, Focus::Fleet) => {
            let rows = !state.fleet.rows.is_empty();
            line.extend(hints_where(fleet::KEYS, |action: fleet::Action| rows || !action.needs_row()));
            if !state.fleet.filter.is_empty() {
                line.insert(usize::from(rows), word(&["Esc"], "drop the filter"));
            }
            if !state.tabs.is_empty() {
                line.insert(usize::from(rows), word(&["Tab"], "sessions"));
            }
            if state.fleet.shows_failure() {
                line.retain(|hint| matches!(hint.keys[0], "r" | "R" | "P" | "q"));
                if state.fleet.advice().is_some() {
                    line.insert(0, word(&["y"], "copy the advice"));
                }
            }
        }
        (None, Focus::Connect) => match state.connect.as_ref().and_then(|pane| pane.attempt.as_ref().map(|a| &a.way)) {
            Some(way) if way.walks() => return hints(connect::WALKING_KEYS).collect(),
            Some(way) => {
                let paste = way.failed.as_ref().is_some_and(|failed| failed.pasteable(0).is_some());
                return hints(connect::FAILED_KEYS).filter(|hint| paste || hint.keys[0] != "y").collect();
            }
            None => {
                line.extend(hints(connect::KEYS));
                if state.types() {
                    line.retain(|hint| hint.label != "change");
                    line.push(word(&["F1"], "help"));
                    return line;
                }
            }
        },
        (None, Focus::Lines) => {
            line.extend(hints_where(lines::KEYS, |action| state.lines.answers(action)));
        }
        (None, Focus::Activity) => match &state.activity {
            Some(pane) if pane.question.is_some() => return hints(activity::REPLY_KEYS).collect(),
            Some(pane) if pane.filtering => return hints(activity::TYPING_KEYS).collect(),
            Some(pane) if pane.detail.is_some() => return hints(activity::DETAIL_KEYS).collect(),
            _ => line.extend(hints(activity::KEYS)),
        },
        (None, Focus::Doctor) => {
            let paste = state.doctor.as_ref().is_some_and(|pane| pane.pasteable(0).is_some());
            line.extend(hints(doctor::KEYS).filter(|hint| paste || hint.keys[0] != "y"));
        }
        (None, Focus::Query) => {}
    }
    line.extend(hints(GLOBAL_KEYS));
    line
}

/// Draws the keys, as many as fit; `? help` keeps its place.
fn draw_keys(hints: &[Hint], frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let piece = |hint: &Hint| -> [Run; 2] {
        let key = hint.keys.first().map(|key| show(key)).unwrap_or_default();
        [run(format!(" {key}"), Tone::Accent), run(format!(" {} ", hint.label), Tone::Dim)]
    };
    let hints: Vec<&Hint> = hints.iter().filter(|hint| !hint.label.is_empty()).collect();
    let help = hints.iter().find(|hint| hint.label == "help");
    let reserved = help.map_or(0, |hint| paint::width(&piece(hint)));
    let mut line: Vec<Run> = Vec::new();
    for hint in hints.iter().filter(|hint| hint.label != "help") {
        let piece = piece(hint);
        if paint::width(&line) + paint::width(&piece) + reserved + usize::from(reserved > 0) > area.width.into() {
            break;
        }
        line.extend(piece);
    }
    let help: Vec<Run> = help.into_iter().flat_map(|hint| piece(hint)).collect();
    // A query tab has drawn its own keys there.
    frame.render_widget(ratatui::widgets::Clear, area);
    paint::sides(frame, area, &line, &help, theme);
}

fn draw_notice(notice: &str, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    paint::runs(frame, area, &[run(format!(" {notice}{}", " ".repeat(area.width.into())), Tone::Strong)], theme, None);
}

/// Columns kept for the keys at the end of the row of tabs.
const TAB_KEYS: u16 = 24;

/// The row of tabs, and whether there is room for its keys: in a narrow window with many tabs those need it more.
fn tabs_in(state: &State, width: u16) -> (tabs::Row, bool) {
    let row = tabs::row(state, usize::from(width.saturating_sub(TAB_KEYS)));
    if width >= 100 || row.before + row.after == 0 {
        return (row, true);
    }
    (tabs::row(state, width.into()), false)
}

fn draw_tabs(state: &State, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let (row, has_keys) = tabs_in(state, area.width);
    let mut line = Vec::new();
    if row.before + row.after > 0 {
        line.push(run(if row.before > 0 { "‹ " } else { "  " }, Tone::Accent));
    }
    for slot in &row.slots {
        let shown = slot.at == state.tab;
        let name = slot.label.trim_end();
        line.push(run(if shown { "▌" } else { " " }, Tone::Accent));
        // The mark is behind the last space: a word may follow it.
        let split = name.find(['⠸', '✓', '✗', '◦']).unwrap_or(name.len());
        line.push(run(name[1..split].to_owned(), if shown { Tone::Strong } else { Tone::Dim }));
        line.push(run(name[split..].to_owned(), slot.tone));
        line.push(run("  ", Tone::Dim));
    }
    if row.after > 0 {
        line.push(run("›", Tone::Accent));
    }
    let keys =
        [run("F3 F4 ", Tone::Accent), run("sessions  ", Tone::Dim), run("F2 ", Tone::Accent), run("fleet ", Tone::Dim)];
    paint::sides(frame, area, &line, if has_keys { &keys } else { &[] }, theme);
}

/// The tab under a column of the tab bar.
pub fn tab_at(state: &State, column: u16) -> Option<TabId> {
    let column = usize::from(column);
    let (row, _) = tabs_in(state, state.size.width);
    let slot = row.slots.iter().find(|slot| (slot.x..slot.x + text::width(&slot.label) + 1).contains(&column))?;
    state.tabs.get(slot.at).map(|tab| tab.id)
}
