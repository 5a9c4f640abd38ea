//! What waits for acknowledgements against a slow uplink, on a simulated clock.

use crate::ssm::outgoing::Outgoing;
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// One megabit a second: 8 KiB take 65 ms, and a window queues for seconds.
#[test]
fn a_slow_uplink_is_not_filled_with_copies() {
    let start = Instant::now();
    let (mut outgoing, mut frames, mut now) = (Outgoing::new(), 0, start);
    let mut free = start;
    let mut arrivals: VecDeque<(Instant, i64)> = VecDeque::new();
    let mut longest = Duration::ZERO;
    while outgoing.next_sequence() < 400 || !outgoing.is_empty() {
        while outgoing.has_room() && outgoing.next_sequence() < 400 {
            outgoing.record(Bytes::new(), 8192, None);
        }
        outgoing.expire(now);
        while let Some((sequence, ..)) = outgoing.transmit(now) {
            frames += 1;
            free = free.max(now) + Duration::from_micros(65_536);
            arrivals.push_back((free + Duration::from_millis(40), sequence));
            if frames > 200 {
                longest = longest.max(free - now);
            }
        }
        let next = arrivals.front().map(|(at, _)| *at);
        now = [next, outgoing.check()].into_iter().flatten().min().expect("something is to come").max(now);
        while let Some((at, sequence)) = arrivals.front().copied()
            && at <= now
        {
            arrivals.pop_front();
            outgoing.acknowledge(sequence, now);
        }
    }
    assert!(frames < 440, "{frames} transmissions of 400 frames");
    assert!(longest < Duration::from_millis(1000), "the queue in front of a newcomer: {longest:?}");
}
