//! The most hits that any cache of a capacity can have, by looking into the future (Belady, 1966).
//!
//! On a miss the optimum keeps, of the entries that it holds and the one just asked for, those that are wanted soonest.
//! It need not keep the one just asked for: a cache may turn a newcomer away at once, and a bound that forbade this
//! would not hold for it.

use std::collections::BinaryHeap;

use crate::progress::{Progress, STRIDE};

/// A position after all others: the key is not asked for again.
const NEVER: u32 = u32::MAX;

/// For each request, at which position its key is asked for next.
#[derive(Debug)]
pub(crate) struct NextUse(Vec<u32>);

impl NextUse {
    /// Reads the requests from the last to the first. Keys are numbers below `distinct`.
    pub(crate) fn of(requests: &[u32], distinct: usize) -> Self {
        let mut seen = vec![NEVER; distinct];
        let mut next = vec![NEVER; requests.len()];
        for (position, &key) in requests.iter().enumerate().rev() {
            next[position] = std::mem::replace(&mut seen[key as usize], position as u32);
        }
        Self(next)
    }

    /// The hits of the optimum with room for `capacity` entries.
    ///
    /// An entry is known by the position at which it is wanted next, which it shares with no other; one that is never
    /// wanted again is never worth its place. The heap gives the entry wanted last. A hit leaves its position in the
    /// heap, which does no harm: it lies before all positions of entries held, and so comes up after all of them.
    pub(crate) fn hits(&self, capacity: usize, progress: &Progress) -> u64 {
        let mut wanted_at = vec![false; self.0.len()];
        let mut latest = BinaryHeap::new();
        let (mut held, mut hits) = (0, 0);
        for (block, nexts) in self.0.chunks(STRIDE).enumerate() {
            for (offset, &next) in nexts.iter().enumerate() {
                if wanted_at[block * STRIDE + offset] {
                    hits += 1;
                    held -= 1;
                }
                if next == NEVER {
                    continue;
                }
                latest.push(next);
                wanted_at[next as usize] = true;
                held += 1;
                if held > capacity {
                    if let Some(position) = latest.pop() {
                        wanted_at[position as usize] = false;
                    }
                    held -= 1;
                }
            }
            progress.advance(nexts.len());
        }
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(requests: &[u32], capacity: usize) -> u64 {
        let distinct = requests.iter().max().map_or(0, |&key| key as usize + 1);
        NextUse::of(requests, distinct).hits(capacity, &Progress::reading())
    }

    /// Tries everything: after each request, any of the entries held or the one asked for may be the one to go.
    fn brute_force(requests: &[u32], held: &[u32], capacity: usize) -> u64 {
        let Some((key, rest)) = requests.split_first() else {
            return 0;
        };
        if held.contains(key) {
            return 1 + brute_force(rest, held, capacity);
        }
        let mut with_it = held.to_vec();
        with_it.push(*key);
        if with_it.len() <= capacity {
            return brute_force(rest, &with_it, capacity);
        }
        let without = |out: usize| {
            let mut kept = with_it.clone();
            kept.remove(out);
            brute_force(rest, &kept, capacity)
        };
        (0..with_it.len()).map(without).max().unwrap_or(0)
    }

    #[test]
    fn no_choice_of_entries_has_more_hits() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..300 {
            let keys = random.u32(1..6);
            let length = random.usize(0..11);
            let requests: Vec<u32> = (0..length).map(|_| random.u32(0..keys)).collect();
            for capacity in 1..5 {
                assert_eq!(
                    hits(&requests, capacity),
                    brute_force(&requests, &[], capacity),
                    "{requests:?} at {capacity}"
                );
            }
        }
    }

    #[test]
    fn a_loop_larger_than_the_cache_hits_for_what_it_can_hold() {
        // Ten rounds over 100 keys: 40 of them stay, and hit in all rounds but the first.
        let requests: Vec<u32> = (0..1_000).map(|i| i % 100).collect();
        assert_eq!(hits(&requests, 40), 9 * 40);
        assert_eq!(hits(&requests, 100), 9 * 100);
        assert_eq!(hits(&requests, 1_000_000), 9 * 100);
    }

    #[test]
    fn a_newcomer_may_be_turned_away() {
        // Key 0 is kept while the others pass by, each only once.
        assert_eq!(hits(&[0, 1, 0, 2, 0, 3, 0], 1), 3);
    }

    #[test]
    fn positions_are_right_beyond_one_stride() {
        let length = 2 * STRIDE + 10;
        let requests: Vec<u32> = (0..length).map(|i| (i % 3) as u32).collect();
        assert_eq!(hits(&requests, 3), length as u64 - 3);
    }
}
