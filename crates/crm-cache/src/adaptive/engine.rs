//! All shards of a cache under the adaptive policy, with what they share: the learner, the room left, the counts.

use std::hash::Hash as StdHash;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicIsize, Ordering};

use super::learner::Learner;
use super::shard::{Aftermath, Shard, ShardWriter, is_over};
use crate::flight::Voided;
use crate::outflow::Listener;
use crate::store::Hash;
use crate::tally::Tallies;
use crate::time::Millis;
use crate::{RemovalCause, Stats};

pub(crate) struct Engine<K, V> {
    shards: Box<[Shard<K, V>]>,
    learner: Learner,
    /// Entries that still fit. The whole cache shares it, so that a shard evicts only when the cache is full. Below
    /// zero for a moment while the capacity is being lowered.
    room: AtomicIsize,
    tallies: Tallies,
}

impl<K: Eq + StdHash, V: Clone> Engine<K, V> {
    pub(crate) fn new(capacity: usize, shards: usize, seed: u64) -> Self {
        let share = capacity.div_ceil(shards);
        let shard = |index: usize| {
            Shard::new(
                share,
                seed ^ (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            )
        };
        Self {
            shards: (0..shards).map(shard).collect(),
            learner: Learner::new(capacity, share),
            room: AtomicIsize::new(isize::try_from(capacity).unwrap_or(isize::MAX)),
            tallies: Tallies::new(),
        }
    }

    #[inline]
    fn shard(&self, hash: u64) -> &Shard<K, V> {
        &self.shards[crate::hash::shard(hash, self.shards.len())]
    }

    /// Shows the fresh value of a key to `read`. Takes no lock.
    #[inline]
    pub(crate) fn get<R>(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        now: Millis,
        read: impl FnOnce(&V) -> R,
    ) -> Option<R> {
        let shard = self.shard(hash);
        let Some(reader) = shard.read() else {
            return self.get_without_visit(hash, is_it, now, read);
        };
        match reader.find(Hash::new(hash), is_it) {
            Some(entry) if !is_over(entry.deadline(), now) => {
                shard.touch(&entry, reader.turn(), &self.learner);
                self.tallies.hit(reader.thread());
                Some(read(entry.value()))
            }
            _ => {
                self.tallies.miss(reader.thread());
                None
            }
        }
    }

    /// For a thread that is being taken down and has no word any more to announce its visit with.
    #[cold]
    fn get_without_visit<R>(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        now: Millis,
        read: impl FnOnce(&V) -> R,
    ) -> Option<R> {
        let value = self.peek(hash, is_it, now);
        self.tallies.count_shared(value.is_some());
        value.map(|value| read(&value))
    }

    /// The fresh value of a key, without a trace in policy or statistics.
    pub(crate) fn peek(&self, hash: u64, is_it: impl Fn(&K) -> bool, now: Millis) -> Option<V> {
        let writer = self.shard(hash).write(&self.learner, None);
        let found = writer.find(Hash::new(hash), is_it)?;
        fresh_value(&writer, found.index, now)
    }

    pub(crate) fn insert(
        &self,
        hash: u64,
        pair: (K, V),
        deadline: Millis,
        now: Millis,
        listener: &Listener<K, V>,
        may_store: impl Fn() -> bool,
    ) -> Result<Option<V>, Voided> {
        let shard = self.shard(hash);
        let hashed = Hash::new(hash);
        let watcher = if listener.is_listening() {
            shard.read()
        } else {
            None
        };
        let mut room = None;
        loop {
            let mut writer = shard.write(&self.learner, watcher.as_ref());
            if !may_store() {
                settle(writer.finish(), listener);
                return Err(Voided);
            }
            if let Some(found) = writer.find(hashed, |other| *other == pair.0) {
                let previous = fresh_value(&writer, found.index, now);
                writer.replace(hashed, found, pair, deadline, now);
                settle(writer.finish(), listener);
                return Ok(previous);
            }
            room = room.or_else(|| self.take_room());
            // A full cache with nothing in this shard: another shard must give way first, under its own lock.
            if room.is_some() || writer.len() > 0 {
                writer.insert(hashed, pair, deadline, room.is_some());
                if let Some(room) = room {
                    room.fill();
                }
                if deadline != crate::time::NEVER {
                    let swept = writer.sweep(now);
                    if swept > 0 {
                        self.give_room(swept);
                    }
                }
                settle(writer.finish(), listener);
                return Ok(None);
            }
            settle(writer.finish(), listener);
            room = self.evict_anywhere(listener);
        }
    }

    /// Evicts an entry from the first shard that has one.
    fn evict_anywhere(&self, listener: &Listener<K, V>) -> Option<Room<'_>> {
        self.shards.iter().find_map(|shard| {
            let watcher = if listener.is_listening() {
                shard.read()
            } else {
                None
            };
            let mut writer = shard.write(&self.learner, watcher.as_ref());
            let room = writer.evict().then(|| Room(&self.room));
            settle(writer.finish(), listener);
            room
        })
    }

    pub(crate) fn remove(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        now: Millis,
        listener: &Listener<K, V>,
    ) -> Option<V> {
        let shard = self.shard(hash);
        let watcher = if listener.is_listening() {
            shard.read()
        } else {
            None
        };
        let mut writer = shard.write(&self.learner, watcher.as_ref());
        let found = writer.find(Hash::new(hash), is_it)?;
        let previous = fresh_value(&writer, found.index, now);
        writer.remove(found, now, RemovalCause::Removed);
        self.give_room(1);
        writer.reclaim();
        settle(writer.finish(), listener);
        previous
    }

    pub(crate) fn clear(&self, listener: &Listener<K, V>) {
        for shard in &self.shards {
            let watcher = if listener.is_listening() {
                shard.read()
            } else {
                None
            };
            let mut writer = shard.write(&self.learner, watcher.as_ref());
            let before = writer.len();
            for index in 0..writer.slots() {
                if let Some(found) = writer.find_slot(index) {
                    writer.remove(found, 0, RemovalCause::Removed);
                }
            }
            self.give_room(before);
            writer.forget_ghosts();
            writer.reclaim();
            settle(writer.finish(), listener);
        }
    }

    /// Shows every fresh entry, shard by shard.
    pub(crate) fn for_each(&self, now: Millis, mut visit: impl FnMut(&K, &V)) {
        for shard in &self.shards {
            let writer = shard.write(&self.learner, None);
            for entry in (0..writer.slots()).filter_map(|index| writer.entry(index)) {
                if !is_over(entry.deadline(), now) {
                    visit(entry.key(), entry.value());
                }
            }
        }
    }

    /// Raises or lowers the capacity, and evicts until what is left fits; a panic in a destructor waits for that.
    pub(crate) fn change_capacity(&self, by: isize, listener: &Listener<K, V>) {
        self.room.fetch_add(by, Ordering::Relaxed);
        let mut panic = None;
        while self.room.load(Ordering::Relaxed) < 0 {
            match catch_unwind(AssertUnwindSafe(|| self.evict_anywhere(listener))) {
                Ok(Some(room)) => drop(room),
                Ok(None) => break,
                Err(payload) => panic = Some(payload),
            }
        }
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    }

    fn take_room(&self) -> Option<Room<'_>> {
        let take = |room: isize| (room > 0).then(|| room - 1);
        // Looked at first, so that a full cache shares the line without writing it.
        if self.room.load(Ordering::Relaxed) <= 0 {
            return None;
        }
        let taken = self
            .room
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.is_ok().then(|| Room(&self.room))
    }

    /// To be called before anything of the user's runs again: a panic must not lose the room.
    fn give_room(&self, entries: usize) {
        self.room.fetch_add(entries as isize, Ordering::Relaxed);
    }

    pub(crate) fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.write(&self.learner, None).len())
            .sum()
    }

    pub(crate) fn stats(&self) -> Stats {
        let (hits, misses) = self.tallies.sum();
        let mut stats = Stats {
            hits,
            misses,
            ..Stats::default()
        };
        self.shards
            .iter()
            .for_each(|shard| stats.add(&shard.write(&self.learner, None).stats()));
        stats
    }

    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }
}

/// Room for one entry, taken from the cache. It goes back when dropped, on a panic of the user's too.
struct Room<'a>(&'a AtomicIsize);

impl Room<'_> {
    /// An entry is in it now.
    fn fill(self) {
        std::mem::forget(self);
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn fresh_value<K: Eq + StdHash, V: Clone>(
    writer: &ShardWriter<'_, K, V>,
    index: u32,
    now: Millis,
) -> Option<V> {
    writer
        .entry(index)
        .filter(|entry| !is_over(entry.deadline(), now))
        .map(|entry| entry.value().clone())
}

/// Tells the listener who has left. The lock is gone by now.
fn settle<K, V>(aftermath: Aftermath<'_, K, V>, listener: &Listener<K, V>) {
    for (entry, cause) in aftermath.departed() {
        listener.tell(entry.key(), entry.value(), *cause);
    }
}
