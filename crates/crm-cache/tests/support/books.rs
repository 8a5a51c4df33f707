//! Compares everything that can be seen of a cache with the oracle, after every operation.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use crm_cache::{Cache, RemovalCause, Stats};

use super::homes::KEYS;
use super::oracle::{Held, Leaving, Oracle};
use super::plan::{Configuration, Operation};
use super::subject::{Hashing, Key, Value};

pub(crate) type Subject = Cache<Key, Value, Hashing>;

/// What the listener was told: key, number of the value, cause.
pub(crate) type Heard = Arc<Mutex<Vec<(u8, u32, RemovalCause)>>>;

/// What an operation must have done to the entries.
#[derive(Default)]
pub(crate) struct Expected {
    pub(crate) leaving: Vec<Leaving>,
    /// How many may have been evicted beside those, where nobody tells which.
    pub(crate) evictions: usize,
    /// The key and value that were written just now, and must not be evicted for it.
    pub(crate) written: Option<(u8, u32)>,
    /// Whether others were written before it. Which of them an entry was evicted for is not known then, nor whether there was
    /// more in between than there is now, after a light value has taken the place of a heavy one past its life.
    pub(crate) is_batch: bool,
}

impl From<Vec<Leaving>> for Expected {
    fn from(leaving: Vec<Leaving>) -> Self {
        Self {
            leaving,
            ..Self::default()
        }
    }
}

impl Expected {
    /// The key for which others may have been evicted, if it is known.
    fn makes_room_for(&self) -> Option<u8> {
        self.written.filter(|_| !self.is_batch).map(|(key, _)| key)
    }
}

/// A cache, and all that is known of it.
pub(crate) struct Books<'a> {
    pub(crate) configuration: &'a Configuration,
    pub(crate) cache: Arc<Subject>,
    pub(crate) oracle: Oracle,
    /// What the statistics must say.
    pub(crate) stats: Stats,
    pub(crate) heard: Option<Heard>,
    /// How many operations were done, and the last one begun.
    pub(crate) done: usize,
    pub(crate) current: Option<Operation>,
}

impl Books<'_> {
    #[track_caller]
    pub(crate) fn fail(&self, what: &str) -> ! {
        panic!(
            "{what}\nafter {} operations, the last one {:?}\nof {:?}",
            self.done, self.current, self.configuration
        )
    }

    #[track_caller]
    pub(crate) fn demand(&self, holds: bool, what: &str) {
        if !holds {
            self.fail(what);
        }
    }

    #[track_caller]
    pub(crate) fn agree<T: Debug + PartialEq>(&self, real: T, obvious: T, what: &str) {
        if real != obvious {
            self.fail(&format!(
                "{what}: the cache says {real:?}, the oracle {obvious:?}"
            ));
        }
    }

    /// Compares, and takes over from the real cache what only that one decides.
    pub(crate) fn settle(&mut self, expected: Expected) {
        let real = self.cache.stats();
        let heard = self.heard.as_ref().map(|heard| {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *heard)
        });
        match heard {
            Some(heard) => self.settle_heard(heard, expected),
            None => self.settle_unheard(&real, expected),
        }
        // What they weigh is compared with the entries.
        self.stats.weight = real.weight;
        self.agree(real, self.stats, "statistics");
        self.compare(&real);
    }

    /// Goes through what the listener was told: each entry that had to leave has, once, and nobody else without a reason.
    fn settle_heard(&mut self, heard: Vec<(u8, u32, RemovalCause)>, mut expected: Expected) {
        let written = expected.makes_room_for();
        for (key, id, cause) in heard {
            count(&mut self.stats, cause, 1);
            let told = format!("value {id} of key {key} was told as {cause}");
            let is_it = |leaving: &Leaving| leaving.key == key && leaving.id == id;
            if let Some(due) = expected.leaving.iter().position(is_it) {
                let leaving = expected.leaving.remove(due);
                self.demand(leaving.causes.contains(&cause), &told);
                continue;
            }
            let Some(held) = self.oracle.find(key).filter(|held| held.id == id) else {
                self.fail(&format!("{told}, but was not here"))
            };
            match cause {
                RemovalCause::Expired => self.demand(!self.oracle.is_fresh(&held), &told),
                RemovalCause::Evicted => {
                    self.demand(expected.written != Some((key, id)), &told);
                    let has_to = expected.is_batch || self.oracle.is_exceeded();
                    self.demand(has_to, &format!("{told}, though there was space"));
                    let is_due = self.oracle.is_due(&held, written, true);
                    self.demand(is_due, &format!("{told}, though not the next one"));
                }
                _ => self.fail(&told),
            }
            self.oracle.take(key);
        }
        self.demand(
            expected.leaving.is_empty(),
            &format!("left untold: {:?}", expected.leaving),
        );
    }

    /// Without a listener: what is missing was evicted. Entries past their life may be missing unseen, so that the
    /// statistics are held to what is possible.
    fn settle_unheard(&mut self, real: &Stats, expected: Expected) {
        let is_exact = self.oracle.is_exact();
        let (mut least, mut most) = (self.stats, self.stats);
        if !is_exact {
            count(&mut most, RemovalCause::Expired, self.oracle.over() as u64);
        }
        for Leaving { causes, .. } in &expected.leaving {
            for &cause in causes {
                let is_certain = causes.len() == 1 && (is_exact || cause != RemovalCause::Expired);
                count(&mut least, cause, u64::from(is_certain));
                count(&mut most, cause, 1);
            }
        }
        if !is_exact {
            if expected.is_batch || self.oracle.is_exceeded() {
                most.evictions += expected.evictions as u64;
            }
            let here = self.ids();
            let written = expected.makes_room_for();
            let missing = |held: &&Held| here[usize::from(held.key)].is_none();
            let mut missing: Vec<Held> = self.oracle.fresh().filter(missing).copied().collect();
            // The shard of what was written gives way first.
            missing.sort_by_key(|held| {
                written.is_some_and(|key| !self.oracle.are_together(key, held.key))
            });
            for held in missing {
                least.evictions += 1;
                let is_new = expected.written == Some((held.key, held.id));
                self.demand(!is_new, "what was just written is missing");
                // Those before it in its shard are gone from the oracle by now, or past their life.
                let is_due = self.oracle.is_due(&held, written, false);
                self.demand(
                    is_due,
                    &format!("key {} is missing, and was not the next", held.key),
                );
                self.oracle.take(held.key);
            }
        }
        let counts = |stats: &Stats| {
            [
                stats.replacements,
                stats.removals,
                stats.expirations,
                stats.evictions,
            ]
        };
        for (real, (least, most)) in
            std::iter::zip(counts(real), std::iter::zip(counts(&least), counts(&most)))
        {
            self.demand(
                (least..=most).contains(&real),
                &format!("{real} have left for a cause that {least} to {most} had"),
            );
        }
        [
            self.stats.replacements,
            self.stats.removals,
            self.stats.expirations,
            self.stats.evictions,
        ] = counts(real);
    }

    /// The number of the value that is listed for each key.
    fn ids(&self) -> [Option<u32>; KEYS as usize] {
        let mut ids = [None; KEYS as usize];
        for (key, value) in self.cache.entries() {
            let listed = ids[usize::from(key.number)].replace(value.id_for(key.number));
            self.demand(listed.is_none(), "a key is listed twice");
        }
        ids
    }

    fn compare(&self, real: &Stats) {
        let (cache, oracle) = (&self.cache, &self.oracle);
        let len = cache.len();
        self.agree(cache.capacity(), oracle.capacity(), "capacity");
        self.agree(cache.max_weight(), oracle.max_weight(), "max_weight");
        self.agree(cache.weight(), real.weight, "weight");
        self.agree(cache.is_empty(), len == 0, "is_empty");
        self.demand(len <= cache.capacity(), "more entries than fit");
        let fits = |most| real.weight <= most;
        self.demand(
            oracle.max_weight().is_none_or(fits),
            "more weight than fits",
        );
        let (weight, weight_of_fresh) = oracle.weights();
        let real_weight = u128::from(real.weight);
        if self.heard.is_some() || oracle.is_exact() {
            self.agree(len, oracle.len(), "len");
            self.agree(real_weight, weight, "weight");
        } else {
            let fresh = oracle.len() - oracle.over();
            self.demand((fresh..=oracle.len()).contains(&len), "len");
            let is_possible = (weight_of_fresh..=weight).contains(&real_weight);
            self.demand(is_possible, "weight");
        }
        let left = real.evictions + real.expirations + real.removals;
        self.agree(real.insertions, len as u64 + left, "insertions");
        let mut obvious = [None; KEYS as usize];
        for held in oracle.fresh() {
            obvious[usize::from(held.key)] = Some(held.id);
        }
        self.agree(self.ids(), obvious, "entries");
    }
}

fn count(stats: &mut Stats, cause: RemovalCause, more: u64) {
    *match cause {
        RemovalCause::Replaced => &mut stats.replacements,
        RemovalCause::Removed => &mut stats.removals,
        RemovalCause::Expired => &mut stats.expirations,
        RemovalCause::Evicted => &mut stats.evictions,
        // Counted where it is expected, since not every refusal is told.
        RemovalCause::Refused => return,
        other => panic!("an unknown cause: {other}"),
    } += more;
}
