//! Snapshots: what a cache holds, in bytes, so that a restarted service is warm at once.
//!
//! | file | what it holds |
//! |---|---|
//! | `entry.rs` | where an entry is found, a copy of it, its past |
//! | `format.rs` | the bytes, and their checks |
//! | `error.rs` | what can go wrong |
//! | `terms.rs` | what a builder says of them |

mod entry;
mod error;
mod format;
mod terms;

use std::hash::{BuildHasher, Hash};
use std::io::{Read, Write};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use entry::{Copied, Past, Place};
pub use error::{RestoreError, SnapshotError};

use crate::Cache;
#[cfg(doc)]
use crate::Tag;
use crate::arrival::Arrival;
use crate::time::{Millis, NEVER, millis};
use format::{Head, Record, Sink, Source, Title};
pub(crate) use terms::Terms;

/// Entries that are copied before they are written. As many at the most are copied under one hold of a shard's lock.
const COPIED_AT_ONCE: usize = 256;

/// The stamp of a value that knows of no invalidation of a tag since the cache was built.
const BEFORE_ALL: u64 = 0;

impl<K: Eq + Hash, V: Clone, S: BuildHasher + Clone> Cache<K, V, S> {
    /// Writes what the cache holds, for [`restore`](Self::restore) to read after a restart. Returns the number of
    /// entries.
    ///
    /// Each fresh entry goes with what is left of its life and with what the policy knows of it, the hottest first, as
    /// in [`hottest`](Self::hottest). Weights and tags are not written: the cache that restores computes them. See the
    /// [guide](crate#snapshots) for what is in a snapshot and what is not.
    ///
    /// The cache is in use meanwhile, and the snapshot is no picture of one instant: each entry is as it was at some
    /// moment during the call. At most 256 entries are cloned under one hold of a shard's lock, and nothing is written
    /// under it. While it runs it needs 32 bytes for each entry, those 256, and a block of 64 KiB or the largest entry.
    /// The writer gets whole blocks, so it needs no buffer of its own.
    ///
    /// Write to a file beside the last one and rename it when this has returned, so that there is a whole snapshot at
    /// every moment. Nothing that happens later reaches the file: after an [erasure](Self::forget) take a new one or
    /// delete it.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`] when the writer fails, or when a key or value cannot be written. The format is `postcard`,
    /// which does not describe itself: types that ask the data what it is, as untagged enums do, can be written but not
    /// read.
    pub fn snapshot(&self, writer: impl Write) -> Result<u64, SnapshotError>
    where
        K: Serialize + Clone,
        V: Serialize,
    {
        self.snapshot_of(writer, itself)
    }

    /// Writes what the values hold that are worth writing.
    pub(crate) fn snapshot_of<T: Serialize>(
        &self,
        writer: impl Write,
        held: impl Fn(&V) -> Option<&T>,
    ) -> Result<u64, SnapshotError>
    where
        K: Serialize + Clone,
    {
        // This clock first: what passes between the two counts as time that has passed.
        let taken_at = self.snapshots.since_1970();
        let begun = self.present().millis;
        let share = self.share();
        let mut sink = Sink::begin(writer, Head { taken_at, share }, &self.title::<T>())?;
        let mut places = self.places();
        places.sort_unstable();
        let left = |end: Millis| (end != NEVER).then(|| end.saturating_sub(begun));
        for places in places.chunks(COPIED_AT_ONCE) {
            for copied in self.copies(places).into_iter().flatten() {
                let Some(value) = held(&copied.value) else {
                    continue;
                };
                let record = Record {
                    past: copied.past,
                    life: left(copied.deadline),
                    idle: left(copied.idle_until),
                };
                sink.push(record, &copied.key, value)?;
            }
        }
        sink.end()
    }

    /// What is in a snapshot of this cache.
    fn title<T>(&self) -> Title {
        Title::new::<K, T>(&self.snapshots.version)
    }

    /// Copies of the entries at these places, in their order.
    fn copies(&self, places: &[Place]) -> Vec<Option<Copied<K, V>>>
    where
        K: Clone,
    {
        let mut copies: Vec<_> = std::iter::repeat_with(|| None).take(places.len()).collect();
        let mut by_shard: Vec<_> = places.iter().copied().enumerate().collect();
        by_shard.sort_unstable_by_key(|(at, place)| (place.shard(), *at));
        for places in by_shard.chunk_by(|(_, one), (_, other)| one.shard() == other.shard()) {
            self.copy(places[0].1.shard(), places, |at, copied| {
                copies[at] = Some(copied);
            });
        }
        copies
    }

    /// Takes in the entries of a [`snapshot`](Self::snapshot). Returns how many came in.
    ///
    /// It is for start-up: for a cache that nobody has written to. Others may use the cache while it runs, and find
    /// what has come in so far. It reads no further than the end of the snapshot.
    ///
    /// - **Nothing comes back that was invalidated** before the snapshot was taken, or in this cache before or during
    ///   the restore. What was invalidated in another process after its snapshot was taken is in the snapshot still:
    ///   see [`restore_if`](Self::restore_if). A restore is refused once a key was written or removed or the cache
    ///   was cleared, whether or not the key was here; what was only [loaded](Self::get_or_load) is no such write. Keys
    ///   that are written or removed while it runs are left alone from then on, and so are entries of which a
    ///   [tag](Tag) was invalidated at any time since the cache was built. A load under way is stored over what was
    ///   restored before it, never the other way around.
    /// - **Nothing leaves for it.** A key that is here keeps its value, and no entry is evicted. The hottest entries
    ///   come first, so they are what a smaller cache keeps.
    /// - **Time passes.** What has passed since the snapshot by the [time of day](crate::CacheBuilder::wall_clock) is
    ///   taken from each life, and what is over does not come in; if that clock was set back, nothing has passed. No
    ///   entry lives longer than one that would come in now.
    ///
    /// What has changed in the source meanwhile, and was not told to this cache, it cannot know. That is what a time to
    /// live is for: it bounds how old a value is, restarts included.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] when this is no whole and undamaged snapshot of a cache with these types, told apart by their
    /// names, and of the same [version](crate::CacheBuilder::snapshot_version), or when the cache was written to
    /// before. Entries of the blocks before the fault stay, for they were checked and are right;
    /// [`RestoreError::restored`] says how many. A checksum tells damage and not forgery: restore what you have written
    /// yourself.
    ///
    /// # Panics
    ///
    /// A panic of the user's functions goes through to the caller. What came in before stays.
    pub fn restore(&self, reader: impl Read) -> Result<u64, RestoreError>
    where
        K: DeserializeOwned,
        V: DeserializeOwned,
    {
        self.restore_of(reader, std::convert::identity, |_, _| true)
    }

    /// As [`restore`](Self::restore), for the entries for which `keep` holds; the others stay away. For a service that
    /// keeps a log of what was erased or changed, and holds a snapshot against it that was taken before.
    ///
    /// `keep` is asked about each entry whose life is not over, under no lock.
    ///
    /// ```
    /// use crm_cache::Cache;
    /// use std::collections::HashSet;
    ///
    /// let build = || Cache::<u64, String>::builder(100).snapshot_version("customers 1").build();
    /// let customers = build()?;
    /// customers.insert(7, "Ada".to_owned());
    /// customers.insert(8, "Grace".to_owned());
    /// let mut file = Vec::new();
    /// customers.snapshot(&mut file)?;
    /// customers.forget(&7); // the file does not know of it; the log of erasures does
    ///
    /// let erased = HashSet::from([7]);
    /// let customers = build()?;
    /// assert_eq!(customers.restore_if(&file[..], |id, _| !erased.contains(id))?, 1);
    /// assert_eq!((customers.get(&7), customers.get(&8).as_deref()), (None, Some("Grace")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`restore`](Self::restore).
    ///
    /// # Panics
    ///
    /// As [`restore`](Self::restore).
    pub fn restore_if(
        &self,
        reader: impl Read,
        keep: impl FnMut(&K, &V) -> bool,
    ) -> Result<u64, RestoreError>
    where
        K: DeserializeOwned,
        V: DeserializeOwned,
    {
        self.restore_of(reader, std::convert::identity, keep)
    }

    /// Takes in values that hold what was written.
    pub(crate) fn restore_of<T: DeserializeOwned>(
        &self,
        reader: impl Read,
        hold: impl Fn(T) -> V,
        mut keep: impl FnMut(&K, &T) -> bool,
    ) -> Result<u64, RestoreError>
    where
        K: DeserializeOwned,
    {
        let restoring = self
            .flights
            .begin_restore(self.capacity())
            .ok_or(RestoreError::InUse)?;
        let (mut source, head) =
            Source::begin(reader, &self.title::<T>()).map_err(|fault| fault.after(0))?;
        // The cache's clock first: what passes between the two is lost to the lives.
        let now = self.present().millis;
        let lives = Lives::since(head.taken_at, now, self.snapshots.since_1970());
        let share = self.share();
        let mut restored = 0;
        while let Some((record, key, value)) =
            source.next().map_err(|fault| fault.after(restored))?
        {
            let (Some(deadline), Some(idle_until)) =
                (lives.end(record.life), lives.end(record.idle))
            else {
                continue;
            };
            if !keep(&key, &value) {
                continue;
            }
            let mut arrival = self.arrival(key, hold(value), BEFORE_ALL);
            self.shorten(&mut arrival, deadline, idle_until);
            if self.is_invalidated(&arrival) {
                continue;
            }
            let (past, hash) = (record.past.scaled(head.share, share), arrival.hash);
            let came_in = self.take_back(arrival, past, || restoring.may_store(hash));
            restored += u64::from(came_in);
        }
        Ok(restored)
    }

    /// Ends the life of an entry that comes in at the latest then, where entries of this cache end so.
    fn shorten(&self, arrival: &mut Arrival<K, V>, deadline: Millis, idle_until: Millis) {
        if self.lifetimes.clock.is_some() {
            let fresh_until = arrival.mark.fresh_until.min(deadline);
            arrival.mark.fresh_until = fresh_until;
            // Beyond that it is kept only as long as a stale value is.
            let kept_until = fresh_until.saturating_add(millis(self.lifetimes.stale));
            arrival.deadline = arrival.deadline.min(kept_until);
        }
        if self.lifetimes.time_to_idle.is_some() {
            arrival.idle_until = arrival.idle_until.min(idle_until);
        }
    }
}

/// From what was left of lives to their ends on the clock of this cache.
struct Lives {
    now: Millis,
    passed: Millis,
}

impl Lives {
    /// At this moment of the cache's clock and of the day.
    fn since(taken_at: Duration, now: Millis, day: Duration) -> Self {
        let passed = day.saturating_sub(taken_at);
        // Rounded up: an entry may end early, never late.
        let passed = Millis::try_from(passed.as_nanos().div_ceil(1_000_000)).unwrap_or(NEVER);
        Self { now, passed }
    }

    /// When a life ends; none if it is over.
    fn end(&self, left: Option<Millis>) -> Option<Millis> {
        match left {
            None => Some(NEVER),
            Some(left) if left <= self.passed => None,
            Some(left) => Some(self.now.saturating_add(left - self.passed)),
        }
    }
}

/// A value that holds itself.
fn itself<V>(value: &V) -> Option<&V> {
    Some(value)
}
