//! A web that loses, repeats and swaps frames: [`super::Fault::FrameTrouble`], one direction of one web socket. It must not
//! know what is in a frame, nor send one.
//!
//! A web socket over TCP does none of this; the service between the two ends does, when it moves a session from one of its
//! hosts to another, and so the protocol has acknowledgements of its own (ssm-data-channel.md, section 5).

use super::faults::Faults;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;

/// One direction. The same seed does the same to the same frames.
#[derive(Debug)]
pub struct Unruly<F> {
    dice: StdRng,
    /// A frame that lets the next one pass.
    held: Option<F>,
    faults: Faults,
    changes: watch::Receiver<u64>,
    /// How many of a hundred, as the dial was last read.
    percent: u16,
}

impl<F: Clone> Unruly<F> {
    /// With a seed; how much goes wrong is asked of the dial.
    pub fn new(seed: u64, faults: &Faults) -> Unruly<F> {
        let mut changes = faults.changed();
        changes.mark_changed();
        Unruly { dice: StdRng::seed_from_u64(seed), held: None, faults: faults.clone(), changes, percent: 0 }
    }

    /// What becomes of `frame`: so many of a hundred are lost, as many repeated, and as many swapped with the next.
    pub fn pass(&mut self, frame: F) -> impl Iterator<Item = F> + use<F> {
        if self.changes.has_changed().unwrap_or(false) {
            self.changes.mark_unchanged();
            self.percent = u16::from(self.faults.frame_trouble());
        }
        let die = if self.percent == 0 { u16::MAX } else { self.dice.random_range(0..100) };
        let copies = match die / self.percent.max(1) {
            0 => [None, None],
            1 => [Some(frame.clone()), Some(frame)],
            2 if self.held.is_none() => {
                self.held = Some(frame);
                return [None, None, None].into_iter().flatten();
            }
            _ => [Some(frame), None],
        };
        let [first, second] = copies;
        [first, second, self.held.take()].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::super::faults::Fault;
    use super::*;

    #[test]
    fn each_trouble_comes_as_often_as_said() {
        let faults = Faults::default();
        faults.set(Fault::FrameTrouble(1));
        let mut unruly = Unruly::new(7, &faults);
        let out: Vec<u32> = (0..100_000).flat_map(|frame| unruly.pass(frame)).collect();
        let mut count = vec![0_u32; 100_000];
        let mut swapped = 0;
        for (at, frame) in out.iter().enumerate() {
            count[*frame as usize] += 1;
            swapped += u32::from(at > 0 && out[at - 1] > *frame);
        }
        let with = |times| count.iter().filter(|count| **count == times).count();
        for (what, found) in [("lost", with(0)), ("repeated", with(2)), ("swapped", swapped as usize)] {
            assert!((850..1_150).contains(&found), "{what}: {found} of 100,000");
        }
        let mut again = Unruly::new(7, &faults);
        assert_eq!(out, (0..100_000).flat_map(|frame| again.pass(frame)).collect::<Vec<u32>>());
    }

    #[test]
    fn nothing_is_done_while_nothing_is_wrong() {
        let faults = Faults::default();
        let mut unruly = Unruly::new(1, &faults);
        assert_eq!((0..10).flat_map(|frame| unruly.pass(frame)).collect::<Vec<i32>>(), (0..10).collect::<Vec<_>>());
        faults.set(Fault::FrameTrouble(33));
        assert_ne!((0..99).flat_map(|frame| unruly.pass(frame)).collect::<Vec<i32>>(), (0..99).collect::<Vec<_>>());
    }
}
