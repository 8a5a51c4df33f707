//! From the values of a family's labels to its instruments.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use foldhash::quality::RandomState;
use parking_lot::RwLock;

use crate::reading::Labels;

/// How many parts the index has, each with a lock of its own: readers of one lock share its cache line.
const SHARDS: usize = 16;

/// The instruments of a family by the values of its labels.
///
/// Looking one up shares a lock with other lookups, compares texts in place, and allocates nothing. The lock is held alone
/// for the insertion and the removal of one entry.
pub(crate) struct Index<T, const N: usize, S = RandomState> {
    /// Seeded at random for each index, since values of labels may come from outside. Whoever found values that collide all the same
    /// would make a lookup compare no more of them than the family has series.
    hasher: S,
    shards: [Shard<T>; SHARDS],
}

/// A part on a cache line of its own, and the one that processors fetch with it.
#[repr(align(128))]
struct Shard<T> {
    entries: RwLock<Entries<T>>,
}

/// By hash; texts of one hash lie side by side, and there is hardly ever more than one.
type Entries<T> = HashMap<u64, Vec<Entry<T>>, BuildHasherDefault<Hashed>>;

struct Entry<T> {
    /// The labels that vary, and behind them those that do not.
    labels: Labels,
    instrument: T,
}

impl<T> Entry<T> {
    fn has<const N: usize>(&self, values: &[&str; N]) -> bool {
        // Zip ends with the labels that vary.
        self.labels
            .iter()
            .zip(values)
            .all(|((_, own), other)| own == *other)
    }
}

impl<T: Clone, const N: usize, S: BuildHasher + Default> Index<T, N, S> {
    pub(crate) fn new() -> Self {
        Self {
            hasher: S::default(),
            shards: std::array::from_fn(|_| Shard {
                entries: RwLock::new(Entries::default()),
            }),
        }
    }

    /// The instrument of these values.
    pub(crate) fn get(&self, values: &[&str; N]) -> Option<T> {
        let (hash, shard) = self.place(values);
        let entries = shard.entries.read();
        entries
            .get(&hash)?
            .iter()
            .find(|entry| entry.has(values))
            .map(|entry| entry.instrument.clone())
    }

    /// Puts an instrument in, which is not there: whoever inserts has looked, and holds other inserters off.
    pub(crate) fn insert(&self, values: &[&str; N], labels: Labels, instrument: T) {
        let (hash, shard) = self.place(values);
        shard
            .entries
            .write()
            .entry(hash)
            .or_default()
            .push(Entry { labels, instrument });
    }

    /// Takes an instrument out.
    pub(crate) fn remove(&self, values: &[&str; N]) -> Option<T> {
        let (hash, shard) = self.place(values);
        let mut entries = shard.entries.write();
        let same_hash = entries.get_mut(&hash)?;
        let at = same_hash.iter().position(|entry| entry.has(values))?;
        let entry = same_hash.swap_remove(at);
        if same_hash.is_empty() {
            entries.remove(&hash);
        }
        Some(entry.instrument)
    }

    fn place(&self, values: &[&str; N]) -> (u64, &Shard<T>) {
        let hash = self.hasher.hash_one(values);
        // The table inside takes the lowest bits for the place and the highest seven for the tag; these are between.
        (hash, &self.shards[(hash >> 48) as usize % SHARDS])
    }
}

impl<T, const N: usize, S> fmt::Debug for Index<T, N, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").finish_non_exhaustive()
    }
}

/// Passes a hash on as it is.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("the keys are u64, which are written whole")
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasherDefault, Hasher};

    use super::Index;
    use crate::reading::Labels;

    /// One hash for all.
    #[derive(Default)]
    struct Same;

    impl Hasher for Same {
        fn write(&mut self, _: &[u8]) {}

        fn finish(&self) -> u64 {
            7
        }
    }

    #[test]
    fn values_of_one_hash_are_told_apart() {
        let index: Index<u32, 2, BuildHasherDefault<Same>> = Index::new();
        let all = [["a", "b"], ["a", "c"], ["b", "b"], ["ab", ""]];
        let labels = |values: [&str; 2]| {
            let names = ["one".into(), "other".into()];
            Labels::new(names.into_iter().zip(values.map(Into::into)))
        };
        for (number, values) in (0..).zip(all) {
            assert_eq!(index.get(&values), None);
            index.insert(&values, labels(values), number);
        }
        for (number, values) in (0..).zip(all) {
            assert_eq!(index.get(&values), Some(number));
        }
        assert_eq!(index.remove(&["a", "c"]), Some(1));
        assert_eq!(index.remove(&["a", "c"]), None);
        assert_eq!(index.get(&["a", "b"]), Some(0));
        assert_eq!(index.get(&["ab", ""]), Some(3));
        for values in [["a", "b"], ["b", "b"], ["ab", ""]] {
            assert!(index.remove(&values).is_some());
        }
        assert_eq!(index.get(&["a", "b"]), None);
    }
}
