//! The source of truth, and from which version on everybody may rely on it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Keys of one group share a tag.
pub(crate) const GROUP: u32 = 3;

pub(crate) fn group(key: u32) -> u32 {
    key / GROUP
}

/// Everything is sequentially consistent: a record that changes before an invalidation begins must be seen by loads that
/// begin after it, as in a database.
#[derive(Debug)]
struct Row {
    version: AtomicU64,
    /// The oldest version that a reader may still see.
    values: AtomicU64,
    /// The same for what a loader failed with.
    failures: AtomicU64,
}

/// The oldest versions that a read which begins now may give.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Oldest {
    pub(crate) value: u64,
    pub(crate) failure: u64,
}

/// What an invalidation takes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    ValuesAndFailures,
    /// A failure has no tags, so an invalidated tag leaves it.
    Values,
}

#[derive(Debug)]
pub(crate) struct Truth {
    rows: Vec<Row>,
    /// A record that changes between the look at it and its insertion would put an old version into the cache after the
    /// invalidation: a mistake of the writer, not of the cache. So who inserts has its group alone. Invalidations meet each
    /// other and every load as they like.
    turns: Vec<RwLock<()>>,
}

impl Truth {
    /// The first version of every record is one.
    pub(crate) fn new(keys: u32) -> Self {
        let row = |_| Row {
            version: AtomicU64::new(1),
            values: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        };
        Self {
            rows: (0..keys).map(row).collect(),
            turns: (0..=group(keys)).map(|_| RwLock::new(())).collect(),
        }
    }

    fn row(&self, key: u32) -> &Row {
        &self.rows[key as usize]
    }

    pub(crate) fn keys(&self) -> u32 {
        self.rows.len() as u32
    }

    /// The version as it is now.
    pub(crate) fn version(&self, key: u32) -> u64 {
        self.row(key).version.load(Ordering::SeqCst)
    }

    pub(crate) fn oldest(&self, key: u32) -> Oldest {
        Oldest {
            value: self.row(key).values.load(Ordering::SeqCst),
            failure: self.row(key).failures.load(Ordering::SeqCst),
        }
    }

    /// Changes some records, which are to be invalidated then.
    pub(crate) fn change(&self, keys: impl Iterator<Item = u32>) -> Change<'_> {
        let keys: Vec<u32> = keys.collect();
        let mut groups: Vec<u32> = keys.iter().map(|key| group(*key)).collect();
        groups.dedup();
        let shared = |group: &u32| {
            let turn = self.turns[*group as usize].read();
            turn.unwrap_or_else(PoisonError::into_inner)
        };
        let turn = Turn::Shared(groups.iter().map(shared).collect());
        self.begin(keys, turn)
    }

    /// Changes a record that is to be written to the cache then.
    pub(crate) fn change_alone(&self, key: u32) -> Change<'_> {
        let turn = self.turns[group(key) as usize].write();
        let turn = turn.unwrap_or_else(PoisonError::into_inner);
        self.begin(vec![key], Turn::Alone(turn))
    }

    fn begin<'a>(&'a self, keys: Vec<u32>, turn: Turn<'a>) -> Change<'a> {
        let next = |key| {
            (
                key,
                self.row(key).version.fetch_add(1, Ordering::SeqCst) + 1,
            )
        };
        Change {
            truth: self,
            versions: keys.into_iter().map(next).collect(),
            turn,
        }
    }
}

/// Held until it is dropped.
#[expect(dead_code, reason = "held, not looked at")]
#[derive(Debug)]
enum Turn<'a> {
    Shared(Vec<RwLockReadGuard<'a, ()>>),
    Alone(RwLockWriteGuard<'a, ()>),
}

/// Records that have changed, while the cache is told.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    truth: &'a Truth,
    versions: Vec<(u32, u64)>,
    turn: Turn<'a>,
}

impl Change<'_> {
    /// The new version of a record, if it is among those that have changed.
    pub(crate) fn version(&self, key: u32) -> Option<u64> {
        let changed = self.versions.iter().find(|(other, _)| *other == key);
        changed.map(|(_, version)| *version)
    }

    /// The cache was told: from now on nobody may see what was before.
    pub(crate) fn was_told(self, reach: Reach) {
        for (key, version) in self.versions {
            let row = self.truth.row(key);
            row.values.fetch_max(version, Ordering::SeqCst);
            if reach == Reach::ValuesAndFailures {
                row.failures.fetch_max(version, Ordering::SeqCst);
            }
        }
        drop(self.turn);
    }
}
