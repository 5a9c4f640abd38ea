//! Who blocks whom, as a tree: those that block others and wait for nobody come first, each with those that wait for it
//! below. It must not know which sessions are shown.

use super::Backend;

/// Places among `backends` and depths, in the order in which a tree shows them: chains first, the largest first, then all
/// who have nothing to do with locks in the order given. Whoever waits for several stands below the first of them; in a
/// circle (until the server's deadlock check ends it) one of them stands first. Every session comes once.
pub fn chains(backends: &[Backend]) -> Vec<(usize, usize)> {
    let place = |pid: i32| backends.iter().position(|backend| backend.pid == pid);
    let above: Vec<Option<usize>> = backends
        .iter()
        .enumerate()
        .map(|(at, backend)| backend.blocked_by.iter().filter_map(|pid| place(*pid)).find(|blocker| *blocker != at))
        .collect();
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); backends.len()];
    for (at, above) in above.iter().enumerate() {
        if let Some(above) = above {
            below[*above].push(at);
        }
    }
    let mut tree = Vec::with_capacity(backends.len());
    let mut seen = vec![false; backends.len()];
    let mut roots: Vec<Vec<(usize, usize)>> = Vec::new();
    let heads = (0..backends.len()).filter(|at| above[*at].is_none() && !below[*at].is_empty());
    // What is in a circle has no head: whoever comes first is taken for it.
    for head in heads.chain((0..backends.len()).filter(|at| above[*at].is_some())) {
        let mut chain = Vec::new();
        let mut open = vec![(head, 0)];
        while let Some((at, depth)) = open.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                chain.push((at, depth));
                open.extend(below[at].iter().rev().map(|waiting| (*waiting, depth + 1)));
            }
        }
        if !chain.is_empty() {
            roots.push(chain);
        }
    }
    roots.sort_by_key(|chain| std::cmp::Reverse(chain.len()));
    tree.extend(roots.into_iter().flatten());
    tree.extend((0..backends.len()).filter(|at| !seen[*at]).map(|at| (at, 0)));
    tree
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn backend(pid: i32, blocked_by: &[i32]) -> Backend {
        Backend { pid, blocked_by: blocked_by.to_vec(), ..Backend::default() }
    }

    fn pids(backends: &[Backend]) -> Vec<(i32, usize)> {
        chains(backends).into_iter().map(|(at, depth)| (backends[at].pid, depth)).collect()
    }

    #[test]
    fn whoever_blocks_stands_above_whoever_waits() {
        let chain = [backend(1, &[]), backend(2, &[3]), backend(3, &[4]), backend(4, &[]), backend(5, &[3])];
        assert_eq!(pids(&chain), [(4, 0), (3, 1), (2, 2), (5, 2), (1, 0)]);
        // Waiting for somebody who is not seen, or for a prepared transaction.
        assert_eq!(pids(&[backend(1, &[]), backend(2, &[0])]), [(1, 0), (2, 0)]);
        assert_eq!(pids(&[backend(1, &[2]), backend(2, &[1]), backend(3, &[2])]), [(1, 0), (2, 1), (3, 2)]);
        assert_eq!(pids(&[backend(1, &[1])]), [(1, 0)]);
    }

    proptest! {
        #[test]
        fn every_session_comes_once(edges in prop::collection::vec(prop::collection::vec(0..12, 0..3), 0..12)) {
            let backends: Vec<Backend> =
                edges.iter().enumerate().map(|(at, blocked)| backend(at as i32 + 1, blocked)).collect();
            let mut places: Vec<usize> = chains(&backends).into_iter().map(|(at, _)| at).collect();
            places.sort_unstable();
            prop_assert_eq!(places, (0..backends.len()).collect::<Vec<_>>());
        }
    }
}
