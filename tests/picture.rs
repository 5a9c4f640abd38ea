//! Draws README's picture of the console from the real screens: the real binary runs the demo on a pseudo-terminal, a
//! terminal emulator reads it, and what stands on the screen becomes `assets/console.svg`. It must know nothing of the
//! console but its keys. Ignored by default; `cargo test --release --test picture -- --ignored` makes the picture anew.

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const COLUMNS: u16 = 120;
const ROWS: u16 = 30;
/// What is pasted; the Enter behind it runs it.
const STATEMENT: &str =
    "\x1b[200~select p.tags[1] as shelf, count(*) as sold, sum(i.quantity * i.unit_price) as revenue,
       max(o.placed_at) as latest, jsonb_agg(distinct o.status) as states
  from orders o
  join order_items i on i.order_id = o.id
  join products p on p.id = i.product_id
 group by 1 order by revenue desc limit 5;\x1b[201~\r";
/// Pixels of a character cell in the picture.
const CELL: (f32, f32) = (8.4, 18.0);

#[test]
#[ignore = "writes assets/console.svg; run it when the screens have changed"]
fn draw_the_console() {
    let pty = native_pty_system()
        .openpty(PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 })
        .expect("a pseudo-terminal");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_gatepost"));
    command.arg("demo");
    command.env("TERM", "xterm-256color");
    command.env_remove("NO_COLOR");
    let mut child = pty.slave.spawn_command(command).expect("gatepost demo starts");
    drop(pty.slave);
    let rows = NonZero::new(ROWS).expect("not zero");
    let columns = NonZero::new(COLUMNS).expect("not zero");
    let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
    let mut reader = pty.master.try_clone_reader().expect("a reader");
    let fed = Arc::clone(&screen);
    std::thread::spawn(move || {
        let mut chunk = [0; 8192];
        while let Ok(n @ 1..) = reader.read(&mut chunk) {
            fed.lock().expect("the emulator did not panic").process(&chunk[..n]);
        }
    });
    let mut keys = pty.master.take_writer().expect("a writer");
    let wait = |what: &str| {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let text = screen.lock().expect("the emulator did not panic").screen().contents();
            if text.contains(what) {
                return;
            }
            assert!(Instant::now() < deadline, "{what:?} did not come up on:\n{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let mut press = |text: &str| keys.write_all(text.as_bytes()).expect("the demo reads keys");

    wait("62 databases");
    // Down to the cluster that is worth a look; its members follow it.
    press("/orders-prod\r");
    wait("of 62 databases");
    press("\x1b");
    wait(" of 62 ─");
    let fleet = svg_lines(screen.lock().expect("the emulator did not panic").screen());
    press("/orders-prod\r");
    wait("of 62 databases");
    press("\r");
    wait("log in with");
    press("\r");
    wait("oncall@shop");
    press(STATEMENT);
    wait("5 rows");
    wait("idle · autocommit");
    let query = svg_lines(screen.lock().expect("the emulator did not panic").screen());
    child.kill().expect("the demo can be ended");
    child.wait().expect("the demo ends");

    let width = f32::from(COLUMNS) * CELL.0 + 32.0;
    let height = f32::from(ROWS) * CELL.1 + 24.0;
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {}\" font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\">\n",
        2.0 * height + 16.0
    );
    for (top, lines) in [(0.0, fleet), (height + 16.0, query)] {
        write!(
            picture,
            "<g transform=\"translate(0 {top})\"><rect width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"#16181d\"/>\n{lines}</g>\n"
        )
        .expect("a string takes all");
    }
    picture.push_str("</svg>\n");
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/console.svg"), picture).expect("assets/ is writable");
}

/// Every run of equal style of every line as one `<text>`, stretched to its cells so that any font keeps the grid.
fn svg_lines(screen: &vt100::Screen) -> String {
    let mut lines = String::new();
    for row in 0..ROWS {
        let mut column = 0;
        while column < COLUMNS {
            let Some(first) = screen.cell(row, column) else { break };
            let style = style_of(first);
            let start = column;
            let mut text = String::new();
            while let Some(cell) = screen.cell(row, column).filter(|cell| style_of(cell) == style) {
                if !cell.is_wide_continuation() {
                    text.push_str(if cell.has_contents() { cell.contents() } else { " " });
                }
                column += 1;
                if column == COLUMNS {
                    break;
                }
            }
            let (ink, paper, bold) = style;
            let (x, y) = (16.0 + f32::from(start) * CELL.0, 12.0 + f32::from(row) * CELL.1);
            let width = f32::from(column - start) * CELL.0;
            if let Some(paper) = paper {
                writeln!(
                    lines,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{paper}\"/>",
                    CELL.1
                )
                .expect("a string takes all");
            }
            if text.trim().is_empty() {
                continue;
            }
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let weight = if bold { " font-weight=\"bold\"" } else { "" };
            writeln!(
                lines,
                "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{ink}\"{weight} textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\">{escaped}</text>",
                y + 13.5
            )
            .expect("a string takes all");
        }
    }
    lines
}

/// Ink, paper (where it is not the background) and weight of a cell.
fn style_of(cell: &vt100::Cell) -> (String, Option<String>, bool) {
    let ink = if cell.dim() { None } else { colour(cell.fgcolor()).or_else(|| Some("#d7dae0".to_owned())) };
    let ink = ink.unwrap_or_else(|| "#8b919c".to_owned());
    let paper = colour(cell.bgcolor());
    if cell.inverse() {
        (paper.unwrap_or_else(|| "#16181d".to_owned()), Some(ink), cell.bold())
    } else {
        (ink, paper, cell.bold())
    }
}

/// The sixteen as a calm palette has them, the greys and the cube as xterm has them.
fn colour(colour: vt100::Color) -> Option<String> {
    let index = match colour {
        vt100::Color::Default => return None,
        vt100::Color::Rgb(red, green, blue) => return Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        vt100::Color::Idx(index) => index,
    };
    const SIXTEEN: [&str; 8] = ["#16181d", "#ef6b73", "#8cc570", "#e2b86b", "#61afef", "#c678dd", "#56b6c2", "#d7dae0"];
    Some(match index {
        8 => "#7a818e".to_owned(),
        0..=15 => SIXTEEN[usize::from(index % 8)].to_owned(),
        232..=255 => {
            let grey = 8 + 10 * (index - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
        _ => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let cube = index - 16;
            format!("#{:02x}{:02x}{:02x}", level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
    })
}
