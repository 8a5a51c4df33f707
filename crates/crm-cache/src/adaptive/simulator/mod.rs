//! The adaptive policy once more, as plainly as it can be said: what the engine does for one client, hit for hit.
//!
//! It is a second writing of what `DESIGN.md` describes, and takes no code from the first: numbers stand in vectors, and
//! nothing is packed, shared between threads or done under locks. Where floating-point results must be the same to the
//! last bit, sums are taken in the same order. Entries have no end of life and nobody listens to removals.

mod agreement;
mod learner;

use std::collections::HashMap;

use learner::{Learner, Past, Seen};

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The upper half of a number, scaled to a range.
fn scaled(number: u64, range: usize) -> usize {
    (((number >> 32) * range as u64) >> 32) as usize
}

/// A cache of keys.
struct Simulator {
    shards: Vec<Shard>,
    learner: Learner,
    /// Entries that still fit.
    room: isize,
    /// The shard that gives way next when one that has nothing to evict needs room.
    next: usize,
}

impl Simulator {
    fn new(capacity: usize, shards: usize, seed: u64) -> Self {
        let share = capacity.div_ceil(shards);
        let seeds = (1..=shards as u64).map(|number| seed ^ number.wrapping_mul(GOLDEN));
        Self {
            shards: seeds.map(|seed| Shard::new(share, seed)).collect(),
            learner: Learner::new(capacity, share),
            room: capacity as isize,
            next: 0,
        }
    }

    fn shard(&self, hash: u64) -> usize {
        scaled(hash, self.shards.len())
    }

    /// Reads a key, and says whether it is here.
    fn get(&mut self, key: u64, hash: u64) -> bool {
        let shard = self.shard(hash);
        self.shards[shard].read(key, &mut self.learner)
    }

    /// Writes a key, and says whether it was here.
    fn insert(&mut self, key: u64, hash: u64) -> bool {
        let shard = self.shard(hash);
        if self.shards[shard].replace(key, &mut self.learner) {
            return true;
        }
        // A full cache with nothing in this shard: another shard gives way.
        if self.room <= 0 && self.shards[shard].by_key.is_empty() {
            self.evict_anywhere();
        }
        let has_room = self.room > 0;
        self.room -= isize::from(has_room);
        self.shards[shard].insert(key, hash as u32, has_room, &mut self.learner);
        false
    }

    /// Takes a key out, and says whether it was here.
    fn remove(&mut self, key: u64, hash: u64) -> bool {
        let shard = self.shard(hash);
        let slot = self.shards[shard].by_key.get(&key).copied();
        let removed = slot.and_then(|slot| self.shards[shard].vacate(slot));
        self.room += isize::from(removed.is_some());
        removed.is_some()
    }

    fn clear(&mut self) {
        for shard in &mut self.shards {
            self.room += shard.by_key.len() as isize;
            for slot in 0..shard.slots.len() {
                shard.vacate(slot);
            }
            shard.ghosts.iter_mut().for_each(Vec::clear);
        }
    }

    /// Raises or lowers the capacity. What is learned of and how large the shards are stays as it was built.
    fn resize(&mut self, by: isize) {
        self.room += by;
        while self.room < 0 {
            self.evict_anywhere();
        }
    }

    /// Evicts from the next shard that has an entry, in turn.
    fn evict_anywhere(&mut self) {
        let count = self.shards.len();
        let mut in_turn = (0..count).map(|step| (self.next + step) % count);
        let shard = in_turn.find(|&shard| !self.shards[shard].by_key.is_empty());
        self.shards[shard.expect("a full cache has an entry")].evict(&mut self.learner);
        self.next += 1;
        self.room += 1;
    }

    fn keys(&self) -> Vec<u64> {
        let shards = self.shards.iter();
        shards
            .flat_map(|shard| shard.by_key.keys().copied())
            .collect()
    }
}

struct Entry {
    key: u64,
    /// The lower half of the key's hash.
    home: u32,
    past: Past,
}

struct Ghost {
    fingerprint: u16,
    past: Past,
}

struct Shard {
    share: u64,
    /// Counts misses, and uses that are not warm.
    clock: u64,
    /// The clock as readers see it: in steps of a 256th of the share.
    shown: u64,
    /// Uses move the clock up to here.
    limit: u64,
    slots: Vec<Option<Entry>>,
    /// Slots that were vacated; the last one is used again first.
    free: Vec<usize>,
    by_key: HashMap<u64, usize>,
    /// Buckets of eight, the newest first.
    ghosts: Vec<Vec<Ghost>>,
    random: u64,
    /// Slots that were nearly evicted, and the one filled last.
    pool: Vec<usize>,
    newest: usize,
    /// The random slots to look at in the next eviction; drawn at the end of the one before.
    sample: Vec<usize>,
    /// Where the census goes on.
    census: u64,
    /// The clock when the learner was last told, and the places for entries and ghosts that it was not told of.
    told: u64,
    new_places: usize,
}

impl Shard {
    fn new(share: usize, seed: u64) -> Self {
        let ghosts: Vec<_> = (0..(2 * share).div_ceil(8)).map(|_| Vec::new()).collect();
        Self {
            share: share as u64,
            clock: 0,
            shown: 0,
            limit: 0,
            slots: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::new(),
            new_places: 8 * ghosts.len(),
            ghosts,
            random: seed | 1,
            pool: vec![0; 4],
            newest: 0,
            sample: Vec::new(),
            census: 0,
            told: 0,
        }
    }

    /// An entry used less than a 64th of the share ago is warm.
    fn is_warm(&self, age: u64) -> bool {
        age < (self.share / 64).max(1)
    }

    fn set_clock(&mut self, clock: u64) {
        self.clock = clock;
        if clock - self.shown >= (self.share / 256).max(1) {
            self.shown = clock;
        }
    }

    fn entry(&mut self, slot: usize) -> &mut Entry {
        self.slots[slot]
            .as_mut()
            .expect("a key's slot has an entry")
    }

    fn read(&mut self, key: u64, learner: &mut Learner) -> bool {
        let Some(&slot) = self.by_key.get(&key) else {
            return false;
        };
        let Entry { home, past, .. } = *self.entry(slot);
        // An entry that came in at the true clock may be ahead of the shown one.
        let age = self.shown.saturating_sub(past.last);
        if self.is_warm(age) {
            return true;
        }
        // In a large shard one use in four stands for four, chosen by entry and time.
        let stands_for = if self.share < 4096 { 1 } else { 4 };
        let mark = (u64::from(home) << 32) | self.shown;
        if stands_for == 1 || mark.wrapping_mul(GOLDEN) >> 62 == 0 {
            learner.saw(Seen::Reused, past.class, age, stands_for);
            if self.clock < self.limit {
                self.set_clock(self.clock + stands_for);
            }
        }
        let class = learner.after_reuse(past.class, age);
        self.entry(slot).past = Past {
            last: self.shown,
            class,
        };
        true
    }

    /// Writes to a key that is here: a use that does not move the clock. The entry goes to another slot.
    fn replace(&mut self, key: u64, learner: &mut Learner) -> bool {
        let Some(&slot) = self.by_key.get(&key) else {
            return false;
        };
        let past = self.entry(slot).past;
        let age = self.clock - past.last;
        if !self.is_warm(age) {
            learner.saw(Seen::Reused, past.class, age, 1);
            let class = learner.after_reuse(past.class, age);
            self.entry(slot).past = Past {
                last: self.clock,
                class,
            };
        }
        let to = self.vacant_slot();
        self.slots.swap(slot, to);
        self.free.push(slot);
        self.by_key.insert(key, to);
        if self.newest == slot {
            self.newest = to;
        }
        true
    }

    fn insert(&mut self, key: u64, home: u32, has_room: bool, learner: &mut Learner) {
        self.set_clock(self.clock + 1);
        self.limit = self.clock + self.share.max(64);
        let class = self.recall(home).and_then(|past| {
            let age = self.clock - past.last;
            learner.saw(Seen::Reused, past.class, age, 1);
            learner.after_reuse(past.class, age)
        });
        if !has_room {
            self.evict(learner);
        }
        let slots_before = self.slots.len();
        let slot = self.vacant_slot();
        let past = Past {
            last: self.clock,
            class,
        };
        self.slots[slot] = Some(Entry { key, home, past });
        self.by_key.insert(key, slot);
        self.newest = slot;
        self.new_places += self.slots.len() - slots_before;
        let looked_at = self.show_to_census(learner);
        if self.clock - self.told >= 16 || looked_at > 0 {
            learner.advance(self.clock - self.told, self.new_places, looked_at);
            (self.told, self.new_places) = (self.clock, 0);
        }
    }

    fn vacant_slot(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        })
    }

    fn vacate(&mut self, slot: usize) -> Option<Entry> {
        let entry = self.slots[slot].take()?;
        self.by_key.remove(&entry.key);
        self.free.push(slot);
        Some(entry)
    }

    /// Takes the ghost of a key out: the newest of the bucket with the key's fingerprint.
    fn recall(&mut self, home: u32) -> Option<Past> {
        let bucket = self.ghosts_at(home);
        let found = bucket
            .iter()
            .position(|ghost| ghost.fingerprint == home as u16)?;
        Some(bucket.remove(found).past)
    }

    fn ghosts_at(&mut self, home: u32) -> &mut Vec<Ghost> {
        let bucket = scaled(u64::from(home) << 32, self.ghosts.len());
        &mut self.ghosts[bucket]
    }

    fn evict(&mut self, learner: &mut Learner) {
        let victim = self.choose_victim(learner);
        let Entry { home, past, .. } = self.vacate(victim).expect("a victim is an entry");
        let bucket = self.ghosts_at(home);
        bucket.insert(
            0,
            Ghost {
                fingerprint: home as u16,
                past,
            },
        );
        if bucket.len() > 8 {
            let forgotten = bucket.remove(8).past;
            learner.saw(
                Seen::Dropped,
                forgotten.class,
                self.clock - forgotten.last,
                1,
            );
        }
    }

    /// The slot of least worth among the pool, the newest and eight random ones. The next four become the pool.
    fn choose_victim(&mut self, learner: &Learner) -> usize {
        if self.sample.is_empty() {
            self.sample = self.random_slots();
        }
        let mut candidates = self.pool.clone();
        candidates.push(self.newest);
        let mut next = self.sample[0];
        candidates.append(&mut self.sample);
        loop {
            let with_worth = |&slot: &usize| {
                let Entry { past, .. } = self.slots.get(slot)?.as_ref()?;
                Some((learner.worth(past.class, self.clock - past.last), slot))
            };
            let mut by_worth: Vec<_> = candidates.iter().filter_map(with_worth).collect();
            by_worth.sort_unstable();
            let mut slots = by_worth.iter().map(|&(_, slot)| slot);
            if let Some(victim) = slots.next() {
                self.pool = slots.take(4).collect();
                self.sample = self.random_slots();
                return victim;
            }
            // All vacant: through all slots in order, thirteen at a time.
            candidates = (next..next + 13)
                .map(|slot| slot % self.slots.len())
                .collect();
            next = (next + 13) % self.slots.len();
        }
    }

    /// Eight slots, two from each number that xorshift gives: the first by its upper half.
    fn random_slots(&mut self) -> Vec<usize> {
        let mut slots = Vec::new();
        for _ in 0..4 {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            slots.push(scaled(self.random, self.slots.len()));
            slots.push(scaled(self.random << 32, self.slots.len()));
        }
        slots
    }

    /// Shows slots and places of ghosts, spread evenly over all of them.
    fn show_to_census(&mut self, learner: &mut Learner) -> usize {
        let (count, slots) = (learner.wants(), self.slots.len());
        for _ in 0..count {
            self.census = self.census.wrapping_add(GOLDEN);
            let past = match scaled(self.census, slots + 8 * self.ghosts.len()) {
                slot if slot < slots => self.slots[slot].as_ref().map(|entry| entry.past),
                place => {
                    let (bucket, way) = ((place - slots) / 8, (place - slots) % 8);
                    self.ghosts[bucket].get(way).map(|ghost| ghost.past)
                }
            };
            if let Some(past) = past {
                learner.saw(Seen::Waiting, past.class, self.clock - past.last, 1);
            }
        }
        count
    }
}
