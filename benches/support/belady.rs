//! The most that any cache could have hit, had it known the future.

use std::collections::{BinaryHeap, HashMap, HashSet};

/// The share of hits of a cache that evicts the entry whose next request is furthest away (Belady, "A study of replacement
/// algorithms for a virtual-storage computer", 1966), the one that just came in included.
pub(crate) fn hit_ratio(trace: &[u32], capacity: usize) -> f64 {
    let next = next_requests(trace);
    let mut held = HashSet::with_capacity(capacity);
    // By next request. What was overtaken by a hit stays inside, but no longer comes out: its request lies in the past,
    // those of all that are held in the future.
    let mut order = BinaryHeap::new();
    let mut hits = 0_usize;
    for (&key, &next) in trace.iter().zip(&next) {
        if held.contains(&key) {
            hits += 1;
        } else {
            held.insert(key);
        }
        order.push((next, key));
        if held.len() > capacity
            && let Some((_, victim)) = order.pop()
        {
            held.remove(&victim);
        }
    }
    hits as f64 / trace.len() as f64
}

/// For each request the position of the next one for the same key; beyond the end if there is none.
fn next_requests(trace: &[u32]) -> Vec<usize> {
    let mut next = vec![usize::MAX; trace.len()];
    let mut seen = HashMap::new();
    for (position, &key) in trace.iter().enumerate().rev() {
        if let Some(later) = seen.insert(key, position) {
            next[position] = later;
        }
    }
    next
}
