//! Draws a plan: numbers on the left in columns, the tree on the right, below it what the selected node says and the
//! summary. What is worth a look has a sign and words, not colour alone. It must not change anything.

use super::plan::Tree;
use super::text;
use crate::console::theme::{Theme, Tone};
use crate::model::plan::{Node, Trouble, properties};
use crate::model::visible;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// From this width on there is room for bar, expectation, loops and buffers.
const WIDE: u16 = 100;
/// Lines for what the selected node says, at most.
const SAYS: usize = 6;

/// Rows left for the tree in an area of that height.
pub(super) fn height(tree: &Tree, area: Rect) -> usize {
    usize::from(area.height).saturating_sub(below(tree, area).len())
}

/// What stands below the tree: the node's own words, then the summary.
fn below(tree: &Tree, area: Rect) -> Vec<(String, Tone)> {
    let room = usize::from(area.height / 3);
    if room == 0 {
        return Vec::new();
    }
    let width = usize::from(area.width).saturating_sub(4);
    let node = &tree.plan.nodes[tree.at];
    let mut lines: Vec<(String, Tone)> = Vec::new();
    let troubles: Vec<String> = node.troubles.iter().map(Trouble::words).collect();
    if !troubles.is_empty() {
        lines.push((format!("! {}", troubles.join(" · ")), Tone::Warn));
    }
    for property in properties(node) {
        lines.push((property, Tone::Dim));
    }
    if lines.len() > SAYS.min(room.saturating_sub(1)) {
        lines.truncate(SAYS.min(room.saturating_sub(1)).saturating_sub(1));
        lines.push(("… ↵ shows all of it".to_owned(), Tone::Dim));
    }
    let mut out: Vec<(String, Tone)> = Vec::new();
    out.push(("─".repeat(width + 2), Tone::Dim));
    out.extend(lines.into_iter().map(|(line, tone)| (text::cut(&line, width).0, tone)));
    out.push((text::cut(&summary(tree), width).0, Tone::Text));
    out
}

fn summary(tree: &Tree) -> String {
    let plan = &tree.plan;
    let mut words = Vec::new();
    match (plan.execution, plan.was_run()) {
        (Some(time), _) => words.push(format!("execution {time:.1} ms")),
        (None, false) => words.push("not run: costs and expectations only".to_owned()),
        (None, true) => {}
    }
    if let Some(time) = plan.planning {
        words.push(format!("planning {time:.1} ms"));
    }
    for trigger in &plan.triggers {
        let time = trigger.time.map(|time| format!(" {time:.1} ms")).unwrap_or_default();
        words.push(format!("trigger {}{time} × {}", trigger.name, trigger.calls));
    }
    if let Some((functions, time)) = plan.jit {
        words.push(format!("JIT {functions} functions {time:.1} ms"));
    }
    words.extend(plan.settings.iter().map(|(name, value)| format!("{name} = {value}")));
    words.extend(plan.rest.iter().map(|(name, value)| format!("{name} {value}")));
    words.join(" · ")
}

/// Draws the plan; `header` may have no height.
pub(super) fn draw(tree: &Tree, focused: bool, out: &mut Buffer, header: Rect, area: Rect, theme: Theme) {
    let wide = area.width >= WIDE;
    heads(tree, wide, out, header, theme);
    let below = below(tree, area);
    let height = usize::from(area.height).saturating_sub(below.len());
    for (line, at) in tree.rows().into_iter().skip(tree.top).take(height).enumerate() {
        let place = Rect { y: area.y + line as u16, height: 1, ..area };
        let chosen = at == tree.at;
        let mut spans = vec![Span::styled(if chosen { "▌ " } else { "  " }, theme.style(Tone::Accent))];
        spans.extend(numbers(tree, &tree.plan.nodes[at], wide, theme));
        let left: usize = spans.iter().map(|span| text::width(&span.content, 500)).sum();
        spans.extend(name(tree, at, usize::from(area.width).saturating_sub(left + 1), theme));
        Line::from(spans).render(place, out);
        if chosen && focused {
            out.set_style(place, theme.style(Tone::Selected));
        }
    }
    for (line, (words, tone)) in below.into_iter().enumerate() {
        let y = area.y + (height + line) as u16;
        if y < area.bottom() {
            let place = Rect { y, height: 1, ..area };
            Line::styled(format!(" {words}"), theme.style(tone)).render(place, out);
        }
    }
}

fn heads(tree: &Tree, wide: bool, out: &mut Buffer, header: Rect, theme: Theme) {
    let own = if tree.plan.has_times() { "own time" } else { "own cost" };
    let words = match (wide, tree.plan.was_run()) {
        (true, true) => {
            format!(
                "  {own:>9}  share       {:>7} {:>9} {:>7} {:>7} {:>7} {:>7}  node",
                "rows", "expected", "off by", "loops", "hit", "read"
            )
        }
        (true, false) => format!("  {own:>9}  share       {:>9}  node", "expected"),
        (false, true) => format!("  {own:>9} share {:>6} {:>7}  node", "rows", "off by"),
        (false, false) => format!("  {own:>9} share {:>9}  node", "expected"),
    };
    if header.height > 0 {
        Line::styled(words, theme.style(Tone::Strong)).render(header, out);
    }
}

fn numbers(tree: &Tree, node: &Node, wide: bool, theme: Theme) -> Vec<Span<'static>> {
    let run = tree.plan.was_run();
    let costly = node.troubles.contains(&Trouble::Costly);
    let own = match (node.never(), tree.plan.has_times()) {
        (true, _) => String::new(),
        (_, true) => format!("{} ms", milliseconds(node.own)),
        (_, false) => short(node.own),
    };
    let tone = if costly { Tone::Strong } else { Tone::Text };
    let sign = if costly { "●" } else { " " };
    let percent = if node.never() { String::new() } else { format!("{:.0}%", node.share * 100.0) };
    let mut spans = vec![Span::styled(format!("{own:>9}"), theme.style(tone))];
    spans.push(Span::styled(sign, theme.style(Tone::Warn)));
    spans.push(Span::styled(format!("{percent:>4}"), theme.style(tone)));
    if wide {
        spans.push(Span::styled(
            format!(" {} ", bar(node.share)),
            theme.style(if costly { Tone::Warn } else { Tone::Dim }),
        ));
    }
    let expected = short(node.expected.rows);
    let rows = match node.actual {
        Some(actual) if actual.loops == 0.0 => "never".to_owned(),
        Some(actual) => short(actual.rows),
        None => String::new(),
    };
    let (missed, missed_tone) = missed(node);
    match (wide, run) {
        (true, true) => {
            let loops = node.actual.map_or(String::new(), |actual| short(actual.loops));
            let (hit, read) =
                node.buffers().map_or((String::new(), String::new()), |(hit, read)| (short(hit), short(read)));
            spans.push(Span::raw(format!("{rows:>8} {expected:>9} ")));
            spans.push(Span::styled(format!("{missed:>7}"), theme.style(missed_tone)));
            spans.push(Span::styled(format!(" {loops:>7} {hit:>7} {read:>7}"), theme.style(Tone::Dim)));
        }
        (true, false) => spans.push(Span::raw(format!("{expected:>10}"))),
        (false, true) => {
            spans.push(Span::raw(format!("  {rows:>6} ")));
            spans.push(Span::styled(format!("{missed:>7}"), theme.style(missed_tone)));
        }
        (false, false) => spans.push(Span::raw(format!("  {expected:>9}"))),
    }
    spans.push(Span::raw("  "));
    spans
}

/// `▲100×`: more rows than expected; `▼100×`: fewer.
fn missed(node: &Node) -> (String, Tone) {
    for trouble in &node.troubles {
        match trouble {
            Trouble::More(factor) => return (format!("▲{}×", short(factor.round())), Tone::Bad),
            Trouble::Fewer(factor) => return (format!("▼{}×", short(factor.round())), Tone::Warn),
            _ => {}
        }
    }
    (String::new(), Tone::Dim)
}

fn name(tree: &Tree, at: usize, room: usize, theme: Theme) -> Vec<Span<'static>> {
    let node = &tree.plan.nodes[at];
    // Deep plans stay in sight: beyond half of the room nothing moves further to the right.
    let indent = (node.depth * 2).min(room / 2);
    let sign = match (tree.has_children(at), tree.folded.contains(&at)) {
        (true, true) => "▸ ",
        (true, false) => "▾ ",
        (false, _) => "· ",
    };
    let mut spans = vec![Span::styled(format!("{:indent$}{sign}", ""), theme.style(Tone::Dim))];
    let mut left = room.saturating_sub(indent + 2);
    let mut put = |words: &str, tone: Tone| {
        let (words, wide) = text::cut(words, left);
        left -= wide.min(left);
        spans.push(Span::styled(words, theme.style(tone)));
    };
    if let Some(subplan) = &node.subplan {
        put(&format!("{}: ", visible(subplan)), Tone::Accent);
    }
    put(&visible(&node.title), if node.never() { Tone::Dim } else { Tone::Text });
    for trouble in &node.troubles {
        let words = match trouble {
            Trouble::Spilled(_) => "disk",
            Trouble::Removed(_) => "filtered",
            Trouble::Workers(..) => "workers",
            Trouble::HeapFetches(_) => "heap",
            Trouble::Lossy(_) => "lossy",
            Trouble::More(_) | Trouble::Fewer(_) | Trouble::Costly => continue,
        };
        put(&format!("  !{words}"), Tone::Warn);
    }
    spans
}

fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share * 48.0).round() as usize;
    let filled = format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8]);
    format!("{filled:<6}")
}

fn milliseconds(time: f64) -> String {
    match time {
        ..10.0 => format!("{time:.2}"),
        10.0..1000.0 => format!("{time:.1}"),
        _ => format!("{time:.0}"),
    }
}

/// A count in few columns: `1234`, `12.3k`, `4.5M`.
pub(super) fn short(number: f64) -> String {
    match number {
        ..10_000.0 if number.fract() != 0.0 && number < 100.0 => format!("{number:.1}"),
        ..10_000.0 => format!("{number:.0}"),
        ..100_000.0 => format!("{:.1}k", number / 1e3),
        ..1_000_000.0 => format!("{:.0}k", number / 1e3),
        ..1e9 => format!("{:.1}M", number / 1e6),
        ..1e12 => format!("{:.1}G", number / 1e9),
        _ => format!("{number:.0e}"),
    }
}
