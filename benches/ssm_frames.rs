//! What one frame costs the client of the data channel: nanoseconds, down and up, through the pure machines (codec, channel,
//! smux) and through the driver with a real web socket on loopback. `cargo bench --bench ssm_frames`. It must not judge.
//!
//! Allocations are counted from outside, for a counting allocator is `unsafe`. `cargo bench --bench ssm_frames -- down 10000`
//! does one thing only, and with `made` behind it stops where the frames are made: the difference of what
//! `valgrind --tool=dhat` says of the two, over the number of frames, is what a frame costs. `src/ssm/session.rs` has the
//! figures.

#[path = "ssm_frames/machines.rs"]
mod machines;

use std::time::Duration;

/// Each way is gone so often, and the best time told.
const TURNS: usize = 5;
const FRAMES: usize = 20_000;

/// A way of moving frames: its name, and what plays so many of them unless they are only to be made.
type Play = fn(usize, bool) -> Option<(Duration, usize)>;

const WAYS: [(&str, Play); 3] = [
    ("down", |frames, play| {
        let script = machines::download(frames);
        play.then(|| script.play_download())
    }),
    ("up", |frames, play| {
        let script = machines::upload(frames, 8 << 10);
        play.then(|| script.play_upload())
    }),
    ("up-small", |frames, play| {
        let script = machines::upload(frames, 1 << 10);
        play.then(|| script.play_upload())
    }),
];

fn main() {
    // cargo adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => WAYS.iter().for_each(|(name, play)| {
            let turns = (0..TURNS).filter_map(|_| play(FRAMES, true));
            if let Some((took, bytes)) = turns.min() {
                tell(name, FRAMES, took, bytes);
            }
        }),
        [name, frames, ref made @ ..] => {
            let (_, play) = WAYS.iter().find(|(known, _)| *known == name).expect("down, up or up-small");
            let frames = frames.parse().expect("a number of frames");
            if let Some((took, bytes)) = play(frames, made.is_empty()) {
                tell(name, frames, took, bytes);
            }
        }
        [_] => panic!("a way needs a number of frames"),
    }
}

fn tell(name: &str, frames: usize, took: Duration, bytes: usize) {
    let nanos = took.as_nanos() as f64 / frames as f64;
    println!("{name:10} {nanos:8.0} ns a frame, {:7.1} MB/s", bytes as f64 / 1e6 / took.as_secs_f64());
}
