//! Who belongs together when pairs are joined, and how that compares with what is known.

use std::collections::HashMap;

use serde::Serialize;

use crate::table::UNKNOWN;

/// Records joined into clusters, by union-find: each cluster is a tree, trees are joined by size, and each look-up halves
/// its path (Tarjan and van Leeuwen 1984).
#[derive(Debug)]
pub(crate) struct Clusters {
    parents: Vec<u32>,
    sizes: Vec<u32>,
}

impl Clusters {
    /// Each record alone.
    pub(crate) fn alone(records: usize) -> Self {
        Self {
            parents: (0..records as u32).collect(),
            sizes: vec![1; records],
        }
    }

    /// The cluster of a record, named by one of its records.
    pub(crate) fn of(&mut self, record: u32) -> u32 {
        let mut at = record;
        while self.parents[at as usize] != at {
            let parent = self.parents[at as usize];
            self.parents[at as usize] = self.parents[parent as usize];
            at = parent;
        }
        at
    }

    /// Makes the clusters of both records one.
    pub(crate) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.of(a), self.of(b));
        if a == b {
            return;
        }
        let is_smaller = self.sizes[a as usize] < self.sizes[b as usize];
        let (root, leaf) = if is_smaller { (b, a) } else { (a, b) };
        self.parents[leaf as usize] = root;
        self.sizes[root as usize] += self.sizes[leaf as usize];
    }

    /// How many records each cluster of more than one has.
    pub(crate) fn sizes(&mut self) -> Vec<u64> {
        let records = 0..self.parents.len() as u32;
        let roots: Vec<u32> = records
            .filter(|record| self.of(*record) == *record)
            .collect();
        let sizes = roots
            .iter()
            .map(|root| u64::from(self.sizes[*root as usize]));
        sizes.filter(|size| *size > 1).collect()
    }

    /// All pairs within the clusters of records whose known cluster is known, and those of them that are right.
    pub(crate) fn judge(&mut self, known: &[u32]) -> Judgement {
        let mut found: HashMap<u32, u64> = HashMap::new();
        let mut right: HashMap<(u32, u32), u64> = HashMap::new();
        for (record, cluster) in (0_u32..).zip(known) {
            if *cluster != UNKNOWN {
                let of = self.of(record);
                *found.entry(of).or_default() += 1;
                *right.entry((of, *cluster)).or_default() += 1;
            }
        }
        Judgement {
            found: found.values().map(|size| pairs(*size)).sum(),
            right: right.values().map(|size| pairs(*size)).sum(),
            known: known_pairs(known),
        }
    }
}

/// Pairs of records, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// Of those that were found.
    pub(crate) found: u64,
    /// Of those that are found and known.
    pub(crate) right: u64,
    /// Of those that are known.
    pub(crate) known: u64,
}

/// How good a judgement is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Quality {
    /// The share of what was found that is right.
    pub(crate) precision: f64,
    /// The share of what is known that was found.
    pub(crate) recall: f64,
    /// The harmonic mean of both.
    pub(crate) f1: f64,
}

impl Judgement {
    /// Nothing found is nothing wrong, and nothing known is nothing missed.
    pub(crate) fn quality(self) -> Quality {
        let share = |of: u64| {
            if of == 0 {
                1.0
            } else {
                self.right as f64 / of as f64
            }
        };
        let both = self.found + self.known;
        Quality {
            precision: share(self.found),
            recall: share(self.known),
            f1: if both == 0 {
                1.0
            } else {
                2.0 * self.right as f64 / both as f64
            },
        }
    }
}

/// Pairs of records that are known to be one.
pub(crate) fn known_pairs(known: &[u32]) -> u64 {
    let mut sizes: HashMap<u32, u64> = HashMap::new();
    for cluster in known.iter().filter(|cluster| **cluster != UNKNOWN) {
        *sizes.entry(*cluster).or_default() += 1;
    }
    sizes.values().map(|size| pairs(*size)).sum()
}

fn pairs(records: u64) -> u64 {
    records * records.saturating_sub(1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_pairs_are_clusters_and_so_is_what_follows_from_them() {
        let mut clusters = Clusters::alone(7);
        for (a, b) in [(0, 1), (2, 3), (1, 3), (3, 0), (5, 6)] {
            clusters.join(a, b);
        }
        assert_eq!(clusters.of(0), clusters.of(2));
        assert_ne!(clusters.of(0), clusters.of(4));
        let mut sizes = clusters.sizes();
        sizes.sort_unstable();
        assert_eq!(sizes, [2, 4]);
    }

    #[test]
    fn a_long_chain_of_pairs_is_a_flat_tree() {
        let mut clusters = Clusters::alone(1_000);
        (1..1_000).for_each(|record| clusters.join(record, record - 1));
        let mut steps = 0;
        let mut at = 0;
        while clusters.parents[at] as usize != at {
            at = clusters.parents[at] as usize;
            steps += 1;
        }
        assert!(steps <= 10, "{steps}");
    }

    #[test]
    fn clusters_are_those_of_a_plain_search() {
        let mut rng = fastrand::Rng::with_seed(9);
        let edges: Vec<(u32, u32)> = (0..150).map(|_| (rng.u32(..200), rng.u32(..200))).collect();
        let mut clusters = Clusters::alone(200);
        let mut labels: Vec<u32> = (0..200).collect();
        for (a, b) in edges {
            clusters.join(a, b);
            let (old, new) = (labels[a as usize], labels[b as usize]);
            labels
                .iter_mut()
                .filter(|label| **label == old)
                .for_each(|label| *label = new);
        }
        for a in 0..200 {
            for b in 0..200 {
                let same = labels[a as usize] == labels[b as usize];
                assert_eq!(clusters.of(a) == clusters.of(b), same, "{a} {b}");
            }
        }
    }

    #[test]
    fn a_judgement_counts_pairs() {
        // Found: 0 1 2 and 3 4. Known: 0 1, 2 3 4, and nothing of 5.
        let known = [7, 7, 8, 8, 8, UNKNOWN];
        let mut clusters = Clusters::alone(6);
        for (a, b) in [(0, 1), (1, 2), (3, 4), (4, 5)] {
            clusters.join(a, b);
        }
        let judgement = clusters.judge(&known);
        let expected = Judgement {
            found: 4,
            right: 2,
            known: 4,
        };
        assert_eq!(judgement, expected);
        let quality = judgement.quality();
        assert_eq!(
            (quality.precision, quality.recall, quality.f1),
            (0.5, 0.5, 0.5)
        );
        let nothing = Clusters::alone(6).judge(&known).quality();
        assert_eq!(
            (nothing.precision, nothing.recall, nothing.f1),
            (1.0, 0.0, 0.0)
        );
    }
}
