//! One shard under the adaptive policy: which entry to evict, what a use leaves behind.

use std::hash::Hash as StdHash;
use std::sync::atomic::{AtomicU32, Ordering};

use super::class::Class;
use super::ghosts::{Ghost, Ghosts};
use super::idle::IdleTimes;
use super::learner::{Learner, Learners, Passed};
use super::members::Members;
use super::victims::{Priced, Pricing, Victims};
use crate::arrival::Arrival;
use crate::bound::{Bound, Space};
use crate::content::{Content, Present, Standing};
use crate::shares::{Claim, Group, OTHERS, Want};
#[cfg(feature = "serde")]
use crate::snapshot::{Copied, Past};
use crate::store::{
    Entry, Found, Hash, Left, NewEntry, OwnLines, Reader, Slots, Store, Unlinked, Writer,
};
use crate::time::Millis;
#[cfg(feature = "serde")]
use crate::time::NEVER;
use crate::{RemovalCause, Stats};

/// Ghosts for each entry of the capacity.
const GHOSTS: usize = 2;

/// An entry used less than this share of the capacity ago, in ticks, is warm: using it again leaves no trace.
const WARM_SHARE: usize = 64;

/// Readers see the clock in steps of this share of the capacity.
const SHOWN_SHARE: usize = 256;

/// From this capacity of a shard on, one use in four stands for four: less is written, and enough is left to learn from.
const SAMPLED_FROM: usize = 4096;

/// Ticks that a shard keeps to itself before it tells the learner.
const TICKS_TO_TELL: u32 = 16;

/// Entries looked at for the end of their life at each insertion.
const SWEPT_AT_ONCE: u32 = 4;

#[repr(align(128))]
pub(crate) struct Shard<K, C> {
    pace: Pace,
    time: OwnLines<Time>,
    /// Of the groups from the second one on.
    more: Box<[(Pace, OwnLines<Time>)]>,
    /// None without a time to idle.
    idle: Option<IdleTimes>,
    store: Store<K, C, Selector>,
}

/// How a shard's clock goes. Where tenants have shares, the entries of each group have a clock of their own, as if they
/// were alone in a cache of the size that they are guaranteed.
struct Pace {
    /// The clock as readers see it: behind the true one by less than `granularity`, so that this line, which every
    /// reader reads, is seldom written.
    shown: AtomicU32,
    granularity: u32,
    warm: u32,
    stride: u32,
    ticks_after_a_miss: u32,
}

/// What a cache keeps of its entries beyond what every cache does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extras<'a> {
    pub(crate) time_to_idle: Option<Millis>,
    pub(crate) weighs: bool,
    /// How many entries of each group a shard will hold about; none without tenants.
    pub(crate) groups: &'a [usize],
}

/// The true clock of a shard. Ages are differences of it.
struct Time {
    /// Counts misses, and uses of entries that were not warm.
    clock: AtomicU32,
    /// Uses move the clock up to here: by one capacity after each miss. In a cache that misses nothing the clock comes to
    /// stand, all entries become warm, and reading writes nothing any more.
    limit: AtomicU32,
}

/// What the policy keeps under the shard's lock.
struct Selector {
    memory: Memory,
    /// Of the groups from the second one on.
    more: Box<[Memory]>,
    /// The weight of each slot's entry; none without a weigher.
    weights: Option<Vec<u64>>,
    /// Whose the entries are; none without tenants.
    members: Option<Members>,
    /// Where the sweep for expired entries goes on.
    sweep: u32,
    stats: Stats,
}

/// What the policy remembers of a group of entries.
struct Memory {
    ghosts: Ghosts,
    victims: Victims,
    /// Where the census goes on.
    census: u64,
    /// What the learner was not told yet, and the clock when it last was.
    passed: Passed,
    told_at: u32,
}

impl Memory {
    /// For about `share` entries in a shard.
    fn new(share: usize, seed: u64) -> Self {
        let ghosts = Ghosts::new(GHOSTS * share);
        let passed = Passed {
            new_places: u32::try_from(ghosts.places()).unwrap_or(u32::MAX),
            ..Passed::default()
        };
        Self {
            ghosts,
            victims: Victims::new(seed),
            census: 0,
            passed,
            told_at: 0,
        }
    }
}

impl Selector {
    #[inline]
    fn memory<C: Content>(&mut self, group: Group) -> &mut Memory {
        if C::HAS_GROUPS && group != OTHERS {
            &mut self.more[group as usize - 1]
        } else {
            &mut self.memory
        }
    }
}

impl Pace {
    /// For about `share` entries in a shard.
    fn new(share: usize) -> Self {
        let in_ticks = |entries: usize| u32::try_from(entries).unwrap_or(u32::MAX);
        Self {
            shown: AtomicU32::new(0),
            granularity: in_ticks(share / SHOWN_SHARE).max(1),
            warm: in_ticks(share / WARM_SHARE).max(1),
            stride: if share < SAMPLED_FROM { 1 } else { 4 },
            ticks_after_a_miss: in_ticks(share).clamp(64, 1 << 30),
        }
    }
}

impl Time {
    fn new() -> OwnLines<Self> {
        OwnLines(Self {
            clock: AtomicU32::new(0),
            limit: AtomicU32::new(0),
        })
    }
}

impl<K: Eq + StdHash, C: Content> Shard<K, C> {
    /// A shard that will hold about `share` entries.
    pub(crate) fn new(share: usize, seed: u64, extras: Extras<'_>) -> Self {
        let (first, more) = match extras.groups {
            [] => (share, &[][..]),
            [first, more @ ..] => (*first, more),
        };
        // Shares differ by chance from shard to shard: four standard deviations of room, so that tables never grow.
        let planned = share + 4 * share.isqrt() + 8;
        let memories = more.iter().map(|&share| Memory::new(share, seed));
        let selector = Selector {
            memory: Memory::new(first, seed),
            more: memories.collect(),
            weights: extras.weighs.then(|| Vec::with_capacity(planned)),
            members: (!extras.groups.is_empty()).then(|| Members::new(extras.groups.len())),
            sweep: 0,
            stats: Stats::default(),
        };
        let clocks = more.iter().map(|&share| (Pace::new(share), Time::new()));
        Self {
            pace: Pace::new(first),
            time: Time::new(),
            more: clocks.collect(),
            idle: extras
                .time_to_idle
                .map(|life| IdleTimes::new(planned, life)),
            store: Store::new(planned, selector),
        }
    }

    /// The clock of a group, and how it goes.
    #[inline]
    fn clock(&self, group: Group) -> Clock<'_> {
        if C::HAS_GROUPS && group != OTHERS {
            let (pace, time) = &self.more[group as usize - 1];
            Clock {
                pace,
                time: &time.0,
            }
        } else {
            Clock {
                pace: &self.pace,
                time: &self.time.0,
            }
        }
    }

    /// Whether the time of an entry is over: it may only leave.
    #[inline]
    fn is_over(&self, entry: &Entry<'_, K, C>, now: Millis) -> bool {
        entry.is_past(now)
            || self
                .idle
                .as_ref()
                .is_some_and(|idle| idle.is_over(entry.index(), now))
    }

    /// How an entry stands; none if its time is over.
    #[inline]
    pub(crate) fn standing(
        &self,
        entry: &Entry<'_, K, C>,
        present: Present<'_>,
    ) -> Option<Standing> {
        (!self.is_over(entry, present.millis)).then(|| entry.value().standing(present))
    }

    /// Begins to read without a lock; none while the calling thread is being taken down.
    #[inline]
    pub(crate) fn read(&self) -> Option<Reader<'_, K, C>> {
        self.store.read()
    }

    /// Records a use of an entry, unless it is warm.
    #[inline(always)]
    pub(crate) fn touch(&self, entry: &Entry<'_, K, C>, now: Millis, learners: &Learners) {
        if let Some(idle) = &self.idle {
            idle.read(entry.index(), now);
        }
        let group = entry.value().group();
        let pace = self.clock(group).pace;
        let clock = pace.shown.load(Ordering::Relaxed);
        let (last, class) = entry.recency_or_past();
        let age = age_at(clock, last);
        if age >= pace.warm {
            let learner = learners.of::<C>(group);
            self.record(entry, clock, age, Class::from_byte(class), learner);
        }
    }

    /// Apart, so that a use that leaves no trace has the registers to itself.
    #[inline(never)]
    fn record(
        &self,
        entry: &Entry<'_, K, C>,
        clock: u32,
        age: u32,
        class: Class,
        learner: &Learner,
    ) {
        let time = self.clock(entry.value().group());
        let stride = time.pace.stride;
        // One in `stride` by entry and time, so that no rhythm of the callers is in step with it, and that it is the same
        // one when the same calls are made again.
        let mark = (u64::from(entry.hash()) << 32) | u64::from(clock);
        let is_sampled = stride == 1 || (mark.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 62) == 0;
        if !is_sampled {
            entry.set_recency(clock, learner.after_reuse(class, age).to_byte());
            return;
        }
        let class = learner.reused(class, age, stride);
        let now = time.now();
        if age_at(time.time.limit.load(Ordering::Relaxed), now) > 0 {
            time.set(now.wrapping_add(stride));
        }
        entry.set_recency(time.pace.shown.load(Ordering::Relaxed), class.to_byte());
    }

    /// Begins to change the shard. With a reader, which must be of this shard and begun before, what is taken out is
    /// kept for it to see.
    pub(crate) fn write<'a>(
        &'a self,
        learners: &'a Learners,
        bound: &'a Bound,
        watcher: Option<&'a Reader<'a, K, C>>,
    ) -> ShardWriter<'a, K, C> {
        let departed = Vec::new();
        ShardWriter {
            shard: self,
            writer: self.store.write(),
            learners,
            bound,
            told: Passed::default(),
            watcher,
            departed,
        }
    }
}

/// The clock of a group of entries.
#[derive(Clone, Copy)]
struct Clock<'a> {
    pace: &'a Pace,
    time: &'a Time,
}

impl Clock<'_> {
    #[inline]
    fn now(self) -> u32 {
        self.time.clock.load(Ordering::Relaxed)
    }

    /// Moves the clock. Readers do so too, by a load and a store: a tick that is lost when two meet is not missed.
    fn set(self, clock: u32) {
        self.time.clock.store(clock, Ordering::Relaxed);
        if age_at(clock, self.pace.shown.load(Ordering::Relaxed)) >= self.pace.granularity {
            self.pace.shown.store(clock, Ordering::Relaxed);
        }
    }
}

/// The right to change a shard.
pub(crate) struct ShardWriter<'a, K, C> {
    shard: &'a Shard<K, C>,
    writer: Writer<'a, K, C, Selector>,
    learners: &'a Learners,
    bound: &'a Bound,
    /// What to tell the learners after the lock.
    told: Passed,
    watcher: Option<&'a Reader<'a, K, C>>,
    departed: Departed<'a, K, C>,
}

/// An entry that was taken out to be handed out.
#[must_use = "its destructors are user code, to be run after the lock"]
pub(crate) struct Taken<K, C> {
    pub(crate) left: Left<K, C>,
    /// Whether its value may be seen.
    pub(crate) is_fresh: bool,
}

/// Entries that were taken out, for the removal listener.
type Departed<'a, K, C> = Vec<(Entry<'a, K, C>, RemovalCause)>;

/// What a writer has taken out, and what it has to tell. Both wait until the lock is gone.
#[must_use = "this is to be settled after the lock is gone"]
pub(crate) struct Aftermath<'a, K, C> {
    learners: &'a Learners,
    told: Passed,
    _unlinked: Unlinked<K, C>,
    departed: Departed<'a, K, C>,
}

impl<'a, K, C> Aftermath<'a, K, C> {
    /// Who has left, and why. Empty without a watcher.
    pub(crate) fn departed(&self) -> &[(Entry<'a, K, C>, RemovalCause)] {
        &self.departed
    }
}

impl<K, C> Drop for Aftermath<'_, K, C> {
    fn drop(&mut self) {
        if self.told.ticks > 0 {
            self.learners.advance(self.told);
        }
    }
}

impl<'a, K: Eq + StdHash, C: Content> ShardWriter<'a, K, C> {
    pub(crate) fn len(&self) -> usize {
        self.writer.len()
    }

    pub(crate) fn slots(&self) -> u32 {
        self.writer.slots()
    }

    pub(crate) fn entry(&self, index: u32) -> Option<Entry<'_, K, C>> {
        self.writer.entry(index)
    }

    pub(crate) fn find(&self, hash: Hash, is_it: impl FnMut(&K) -> bool) -> Option<Found> {
        self.writer.find(hash, is_it)
    }

    pub(crate) fn standing(
        &self,
        entry: &Entry<'_, K, C>,
        present: Present<'_>,
    ) -> Option<Standing> {
        self.shard.standing(entry, present)
    }

    pub(crate) fn is_fresh(&self, entry: &Entry<'_, K, C>, present: Present<'_>) -> bool {
        self.standing(entry, present) == Some(Standing::Fresh)
    }

    /// The weight of a slot's entry; zero without a weigher.
    pub(crate) fn weight(&mut self, index: u32) -> u64 {
        self.writer
            .policy()
            .weights
            .as_ref()
            .map_or(0, |weights| weights[index as usize])
    }

    fn set_weight(&mut self, index: u32, weight: u64) {
        if let Some(weights) = &mut self.writer.policy().weights {
            let index = index as usize;
            if index >= weights.len() {
                weights.resize(index + 1, 0);
            }
            weights[index] = weight;
        }
    }

    /// Has `space` take in this much weight for an entry of a group, by evicting entries of this shard, all but the one in
    /// the slot `spare`, if the cache is full. Says whether that was enough.
    pub(crate) fn makes_space(
        &mut self,
        space: &mut Space<'_>,
        weight: u64,
        group: Group,
        spare: Option<u32>,
    ) -> bool {
        while !space.takes_weight(weight) {
            let want = Want::Weight(weight);
            match self.evict(spare, Claim::Arrival { group, want }) {
                Some(evicted) => space.absorb(evicted),
                None => return false,
            }
        }
        true
    }

    /// Whether there is room for an entry of a group, once [`insert`](Self::insert) has evicted one if need be. Where
    /// tenants have shares it is evicted here: whose it may be must not be asked twice.
    pub(crate) fn has_room(&mut self, space: &mut Space<'_>, group: Group) -> bool {
        if space.takes_entry() {
            return true;
        }
        if self.bound.shares::<C>().is_none() {
            return self.len() > 0;
        }
        let want = Want::Entry;
        let evicted = self.evict(None, Claim::Arrival { group, want });
        evicted.map(|weight| space.absorb(weight)).is_some()
    }

    /// Tells whose a slot's new entry is.
    fn join(&mut self, index: u32, group: Group, weight: u64) {
        if let (Some(shares), Some(members)) =
            (self.bound.shares::<C>(), &mut self.writer.policy().members)
        {
            members.join(index, group);
            shares.join(group, weight);
        }
    }

    /// Tells that a slot's entry is unlinked now, and was not taken for a claim.
    fn leave(&mut self, index: u32, weight: u64) {
        if let (Some(members), Some(shares)) =
            (&mut self.writer.policy().members, self.bound.shares::<C>())
        {
            shares.leave(members.leave(index), weight);
        }
    }

    /// Replaces the value of an entry that was found. It counts as a use. `space` has what the new one weighs more.
    pub(crate) fn replace(
        &mut self,
        found: Found,
        arrival: Arrival<K, C::Value>,
        present: Present<'_>,
        space: Space<'_>,
    ) -> Taken<K, C> {
        let group = arrival.mark.group;
        let time = self.shard.clock(group);
        let (mut last, mut class) = (time.now(), Class::NEW);
        if let Some(entry) = self.writer.entry(found.index) {
            if let Some((before, byte)) = entry.recency() {
                class = Class::from_byte(byte);
                let age = age_at(last, before);
                if age >= time.pace.warm {
                    class = self.learners.of::<C>(group).reused(class, age, 1);
                } else {
                    last = before;
                }
            }
        }
        let cause = self.cause_of(found, present, RemovalCause::Replaced);
        self.count(cause);
        self.watch(found, cause);
        let former = self.weight(found.index);
        let weight = arrival.weight;
        let (key, value) = arrival.pair;
        let (index, left) = self.writer.replace(
            Hash::new(arrival.hash),
            found,
            NewEntry {
                pair: (key, C::new(value, arrival.mark)),
                last,
                class: class.to_byte(),
                deadline: arrival.deadline,
            },
            idle_setter(self.shard, arrival.idle_until),
        );
        space.fill_in_place_of(former, weight);
        self.set_weight(index, weight);
        self.leave(found.index, former);
        self.join(index, group, weight);
        let selector = self.writer.policy();
        if cause != RemovalCause::Replaced {
            selector.stats.insertions += 1;
        }
        let memory = selector.memory::<C>(group);
        memory.victims.moved(found.index, index);
        Taken {
            left,
            is_fresh: cause == RemovalCause::Replaced,
        }
    }

    /// Takes in an entry whose key is not here. If `space` has no room for an entry, another one is evicted.
    pub(crate) fn insert(&mut self, arrival: Arrival<K, C::Value>, mut space: Space<'_>) {
        let shard = self.shard;
        let hash = Hash::new(arrival.hash);
        let group = arrival.mark.group;
        let (time, learner) = (shard.clock(group), self.learners.of::<C>(group));
        let clock = time.now().wrapping_add(1);
        time.set(clock);
        let limit = clock.wrapping_add(time.pace.ticks_after_a_miss);
        time.time.limit.store(limit, Ordering::Relaxed);
        let memory = self.writer.policy().memory::<C>(group);
        let class = match memory.ghosts.recall(hash.home) {
            Some(ghost) => learner.reused(ghost.class, age_at(clock, ghost.last), 1),
            None => Class::NEW,
        };
        if !space.takes_entry() {
            let want = Want::Entry;
            let evicted = self
                .evict(None, Claim::Arrival { group, want })
                .expect("a full shard has an entry to evict");
            space.absorb(evicted);
        }
        let places = self.places(group);
        let (key, value) = arrival.pair;
        let index = self.writer.insert(
            hash,
            NewEntry {
                pair: (key, C::new(value, arrival.mark)),
                last: clock,
                class: class.to_byte(),
                deadline: arrival.deadline,
            },
            idle_setter(shard, arrival.idle_until),
        );
        space.fill(1, arrival.weight);
        self.set_weight(index, arrival.weight);
        self.join(index, group, arrival.weight);
        let grown = (self.places(group) - places) as u32;
        let looked_at = self.census(group, clock);
        let selector = self.writer.policy();
        selector.stats.insertions += 1;
        let memory = selector.memory::<C>(group);
        memory.victims.filled(index);
        memory.passed.new_places += grown;
        memory.passed.looked_at += looked_at;
        let ticks = age_at(clock, memory.told_at);
        if ticks >= TICKS_TO_TELL || looked_at > 0 {
            memory.told_at = clock;
            self.told = Passed {
                ticks,
                group,
                ..std::mem::take(&mut memory.passed)
            };
        }
    }

    /// The most slots that a group has had at once.
    fn places(&mut self, group: Group) -> usize {
        let slots = self.writer.slots() as usize;
        match &self.writer.policy().members {
            Some(members) if C::HAS_GROUPS => members.most(group),
            _ => slots,
        }
    }

    /// Shows some entries and ghosts of a group to its learner, in turn.
    fn census(&mut self, group: Group, clock: u32) -> u32 {
        let learner = self.learners.of::<C>(group);
        let count = learner.census_wants();
        let slots = self.places(group);
        let places = self.writer.policy().memory::<C>(group).ghosts.places();
        for _ in 0..count {
            // Steps of the golden ratio: any number of them in a row is spread evenly over all places. Neighbours would
            // be of one age, since a cache is filled in order.
            let selector = self.writer.policy();
            let memory = selector.memory::<C>(group);
            memory.census = memory.census.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let at = (((memory.census >> 32) * (slots + places) as u64) >> 32) as usize;
            if at < slots {
                let slot = match &selector.members {
                    Some(members) if C::HAS_GROUPS => members.slots(group).get(at).copied(),
                    _ => Some(at as u32),
                };
                if let Some((last, class)) = slot
                    .and_then(|slot| self.writer.entry(slot))
                    .and_then(|entry| entry.recency())
                {
                    learner.waiting(Class::from_byte(class), age_at(clock, last));
                }
            } else if let Some(ghost) = memory.ghosts.at(at - slots) {
                learner.waiting(ghost.class, age_at(clock, ghost.last));
            }
        }
        count
    }

    /// Takes an entry out, for a cause; as expired if its life is over.
    pub(crate) fn remove(&mut self, found: Found, present: Present<'_>, cause: RemovalCause) {
        let cause = self.cause_of(found, present, cause);
        let (weight, left) = self.take_out(found, cause);
        self.leave(found.index, weight);
        self.writer.discard(left);
        self.bound.give(1, weight);
    }

    /// Takes an entry out as its user wishes, to hand it out. Its slot is emptied in the end if no reader is in the way.
    pub(crate) fn take(&mut self, found: Found, present: Present<'_>) -> Taken<K, C> {
        let cause = self.cause_of(found, present, RemovalCause::Removed);
        let (weight, left) = self.take_out(found, cause);
        self.leave(found.index, weight);
        self.bound.give(1, weight);
        self.writer.reclaim_in_the_end();
        Taken {
            left,
            is_fresh: cause == RemovalCause::Removed,
        }
    }

    /// The content of the entry that was taken out last, if a reader may hold it and it was in this slot.
    pub(crate) fn held(&self, index: u32) -> Option<&C> {
        self.writer.held(index)
    }

    /// Whether what is taken out is kept for the listener to see.
    pub(crate) fn is_watched(&self) -> bool {
        self.watcher.is_some()
    }

    /// Takes an entry out, and says what it weighed.
    fn take_out(&mut self, found: Found, cause: RemovalCause) -> (u64, Left<K, C>) {
        self.count(cause);
        self.watch(found, cause);
        let weight = self.weight(found.index);
        (weight, self.writer.remove(found))
    }

    /// Why an entry leaves: for the cause that is given, unless it could not have been served any more anyway.
    fn cause_of(&self, found: Found, present: Present<'_>, cause: RemovalCause) -> RemovalCause {
        let Some(entry) = self.writer.entry(found.index) else {
            return cause;
        };
        match self.standing(&entry, present) {
            Some(Standing::Fresh) => cause,
            Some(Standing::Invalidated) => RemovalCause::Invalidated,
            Some(Standing::Stale) | None => RemovalCause::Expired,
        }
    }

    /// Counts an entry that may not come in.
    pub(crate) fn refuse(&mut self) {
        self.count(RemovalCause::Refused);
    }

    fn count(&mut self, cause: RemovalCause) {
        let stats = &mut self.writer.policy().stats;
        *match cause {
            RemovalCause::Replaced => &mut stats.replacements,
            RemovalCause::Removed => &mut stats.removals,
            RemovalCause::Expired => &mut stats.expirations,
            RemovalCause::Invalidated => &mut stats.invalidations,
            RemovalCause::Evicted => &mut stats.evictions,
            RemovalCause::Refused => &mut stats.refusals,
        } += 1;
    }

    #[inline]
    fn watch(&mut self, found: Found, cause: RemovalCause) {
        if let Some(watcher) = self.watcher {
            let held = watcher.hold(&self.writer, found);
            self.departed.extend(held.map(|entry| (entry, cause)));
        }
    }

    /// Looks at a few entries in turn and takes out those that can never be served any more.
    pub(crate) fn sweep(&mut self, present: Present<'_>) {
        let slots = self.writer.slots();
        for _ in 0..SWEPT_AT_ONCE.min(slots) {
            let at = self.writer.policy().sweep;
            self.writer.policy().sweep = if at + 1 >= slots { 0 } else { at + 1 };
            self.remove_if_over(at, present);
        }
    }

    /// Takes out the entry of a slot if there is one and it can never be served any more. Says whether it was so.
    pub(crate) fn remove_if_over(&mut self, index: u32, present: Present<'_>) -> bool {
        let is_over = self.writer.entry(index).is_some_and(|entry| {
            matches!(
                self.standing(&entry, present),
                None | Some(Standing::Invalidated)
            )
        });
        let found = is_over.then(|| self.writer.find_slot(index)).flatten();
        if let Some(found) = found {
            self.remove(found, present, RemovalCause::Expired);
        }
        found.is_some()
    }

    pub(crate) fn stats(&mut self) -> Stats {
        self.writer.policy().stats
    }

    /// Forgets what was evicted. After a clearing, a key's past must not be read from its ghost.
    pub(crate) fn forget_ghosts(&mut self) {
        let selector = self.writer.policy();
        let memories = std::iter::once(&mut selector.memory).chain(&mut selector.more);
        memories.for_each(|memory| memory.ghosts.clear());
    }

    /// Forgets that a key with this hash was evicted, if it was.
    pub(crate) fn forget_ghost(&mut self, hash: Hash) {
        let selector = self.writer.policy();
        for memory in std::iter::once(&mut selector.memory).chain(&mut selector.more) {
            memory.ghosts.recall(hash.home);
        }
    }

    /// Names all entries that were taken out and may still be held by a reader, for [`is_held`](Self::is_held).
    pub(crate) fn taken_out_until_now(&self) -> u64 {
        self.writer.unlinked_until_now()
    }

    /// Whether some of the entries that were so named may still be held.
    pub(crate) fn is_held(&self, taken_out: u64) -> bool {
        self.writer.is_held(taken_out)
    }

    pub(crate) fn find_slot(&self, index: u32) -> Option<Found> {
        self.writer.find_slot(index)
    }

    /// Empties what was removed as soon as no reader is in the way.
    pub(crate) fn reclaim(&mut self) {
        self.writer.reclaim();
    }

    /// Evicts the entry that is worth least among some that the claim may take, never the one in the slot `spare`, and
    /// says what it weighed; none if there is no other.
    ///
    /// The caller gets the room that it had, for another entry.
    pub(crate) fn evict(&mut self, spare: Option<u32>, claim: Claim) -> Option<u64> {
        let victim = self.select(spare, claim)?;
        if let Some(entry) = self.writer.entry(victim.index) {
            let (hash, recency) = (entry.hash(), entry.recency());
            let group = entry.value().group();
            let clock = self.shard.clock(group).now();
            let memory = self.writer.policy().memory::<C>(group);
            if let Some((last, class)) = recency {
                let ghost = Ghost {
                    class: Class::from_byte(class),
                    last,
                };
                if let Some(forgotten) = memory.ghosts.remember(hash, ghost) {
                    self.learners
                        .of::<C>(group)
                        .dropped(forgotten.class, age_at(clock, forgotten.last));
                }
            }
        }
        let (weight, left) = self.take_out(victim, RemovalCause::Evicted);
        self.writer.discard(left);
        Some(weight)
    }

    /// The entry to evict. Where tenants have shares it is taken from its group's account.
    fn select(&mut self, spare: Option<u32>, claim: Claim) -> Option<Found> {
        if self.writer.len() <= usize::from(spare.is_some()) {
            return None;
        }
        let (selector, slots) = self.writer.policy_and_slots();
        let payer = match (&selector.members, self.bound.shares::<C>()) {
            (Some(members), Some(shares)) if C::HAS_GROUPS => {
                let spared = spare.map(|slot| members.group(slot));
                let has = |group| members.slots(group).len() > usize::from(spared == Some(group));
                shares.payer(claim, has)?
            }
            _ => OTHERS,
        };
        let prices = Prices {
            slots,
            weights: selector.weights.as_deref(),
            wants_place: claim.wants_place(),
            spare,
            learner: self.learners.of::<C>(payer),
            clock: self.shard.clock(payer).now(),
        };
        let memory = if C::HAS_GROUPS && payer != OTHERS {
            &mut selector.more[payer as usize - 1]
        } else {
            &mut selector.memory
        };
        let victims = &mut memory.victims;
        let victim = match (&mut selector.members, self.bound.shares::<C>()) {
            (Some(members), Some(shares)) if C::HAS_GROUPS => {
                let is_theirs = |slot| members.is_of(slot, payer);
                let victim = victims.choose_among(members.slots(payer), is_theirs, &prices)?;
                let weight = prices.weight(victim);
                if !shares.take(claim, payer, weight) {
                    return None;
                }
                members.leave(victim);
                victim
            }
            _ => victims.choose(prices.slots.count(), &prices),
        };
        self.writer.find_slot(victim)
    }

    /// The keys of the `count` fresh entries that are worth most, or least, with their worth.
    pub(crate) fn ranked(&self, count: usize, order: Order, present: Present<'_>) -> Vec<(Rank, K)>
    where
        K: Clone,
    {
        let rank = |slot: u32| {
            let entry = self
                .entry(slot)
                .filter(|entry| self.is_fresh(entry, present))?;
            let (last, class) = entry.recency()?;
            let group = entry.value().group();
            let age = age_at(self.shard.clock(group).now(), last);
            let learner = self.learners.of::<C>(group);
            let worth = learner.worth(Class::from_byte(class), age);
            Some((order.of(worth, age), slot))
        };
        let mut ranks: Vec<_> = (0..self.slots()).filter_map(rank).collect();
        if count < ranks.len() {
            ranks.select_nth_unstable(count);
            ranks.truncate(count);
        }
        let with_key = |(rank, slot)| Some((rank, self.entry(slot)?.key().clone()));
        ranks.into_iter().filter_map(with_key).collect()
    }

    #[inline(always)]
    pub(crate) fn finish(self) -> Aftermath<'a, K, C> {
        Aftermath {
            learners: self.learners,
            told: self.told,
            _unlinked: self.writer.finish(),
            departed: self.departed,
        }
    }

    /// Where the entry of a slot stands in the order of worth, and its hash; none if there is no fresh one.
    #[cfg(feature = "serde")]
    pub(crate) fn rank(&self, slot: u32, present: Present<'_>) -> Option<(Rank, u32)> {
        let entry = self.entry(slot)?;
        if !self.is_fresh(&entry, present) {
            return None;
        }
        let (last, class) = entry.recency()?;
        let group = entry.value().group();
        let age = age_at(self.shard.clock(group).now(), last);
        let learner = self.learners.of::<C>(group);
        let worth = learner.worth(Class::from_byte(class), age);
        Some((Order::HottestFirst.of(worth, age), entry.hash()))
    }

    /// A copy of the fresh entry of this hash, wherever it is by now; mostly it still is in the slot where it was seen.
    #[cfg(feature = "serde")]
    pub(crate) fn copy(
        &self,
        slot: u32,
        hash: u32,
        present: Present<'_>,
    ) -> Option<Copied<K, C::Value>>
    where
        K: Clone,
        C::Value: Clone,
    {
        let is_there = |slot| self.entry(slot).is_some_and(|entry| entry.hash() == hash);
        // The table tells hashes apart by a few of their bits: the first one that it finds, the second, and so on.
        let nth = |nth: usize| {
            let mut before = 0..nth;
            self.find(Hash { home: hash }, |_| before.next().is_none())
        };
        let slot = if is_there(slot) {
            slot
        } else {
            let mut found = (0..).map_while(|n| Some(nth(n)?.index));
            found.find(|&slot| is_there(slot))?
        };
        let entry = self.entry(slot)?;
        if !self.is_fresh(&entry, present) {
            return None;
        }
        let (last, class) = entry.recency()?;
        let clock = self.shard.clock(entry.value().group()).now();
        let idle = self.shard.idle.as_ref();
        Some(Copied {
            key: entry.key().clone(),
            value: entry.value().value().clone(),
            past: Past {
                class,
                age: age_at(clock, last),
            },
            deadline: entry.deadline().min(entry.value().fresh_until()),
            idle_until: idle.map_or(NEVER, |idle| idle.until(slot)),
        })
    }

    /// Takes in an entry whose key is not here, with its past. It is as old as it was: no tick passes, and nothing is
    /// learned. `space` has room for it.
    #[cfg(feature = "serde")]
    pub(crate) fn restore(&mut self, arrival: Arrival<K, C::Value>, past: Past, space: Space<'_>) {
        let hash = Hash::new(arrival.hash);
        let group = arrival.mark.group;
        let clock = self.shard.clock(group).now();
        self.forget_ghost(hash);
        let places = self.places(group);
        let (key, value) = arrival.pair;
        let index = self.writer.insert(
            hash,
            NewEntry {
                pair: (key, C::new(value, arrival.mark)),
                last: clock.wrapping_sub(past.age),
                class: past.class,
                deadline: arrival.deadline,
            },
            idle_setter(self.shard, arrival.idle_until),
        );
        space.fill(1, arrival.weight);
        self.set_weight(index, arrival.weight);
        self.join(index, group, arrival.weight);
        let grown = (self.places(group) - places) as u32;
        let selector = self.writer.policy();
        selector.stats.insertions += 1;
        selector.memory::<C>(group).passed.new_places += grown;
    }
}

/// Which end of the order of worth is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    HottestFirst,
    ColdestFirst,
}

/// Where an entry stands; the first in order is the smallest.
pub(crate) type Rank = (u16, u32);

impl Order {
    /// By worth; among those worth the same, by the time since the last use.
    fn of(self, worth: u16, age: u32) -> Rank {
        match self {
            Self::HottestFirst => (u16::MAX - worth, age),
            Self::ColdestFirst => (worth, u32::MAX - age),
        }
    }
}

/// Sets the idle time of the slot that a new entry gets, before readers can find it.
fn idle_setter<K, C>(shard: &Shard<K, C>, until: Millis) -> impl FnOnce(u32) {
    move |index| {
        if let Some(idle) = &shard.idle {
            idle.set(index, until);
        }
    }
}

/// Prices the entries of a shard.
struct Prices<'a, K, C> {
    slots: Slots<'a, K, C>,
    weights: Option<&'a [u64]>,
    /// Whether a place is wanted, and not weight.
    wants_place: bool,
    /// The slot that must not be evicted.
    spare: Option<u32>,
    learner: &'a Learner,
    clock: u32,
}

impl<K, C> Prices<'_, K, C> {
    fn weight(&self, slot: u32) -> u64 {
        self.weights.map_or(0, |weights| weights[slot as usize])
    }
}

impl<K, C> Pricing for Prices<'_, K, C> {
    #[inline(always)]
    fn price(&self, slot: u32) -> Priced {
        let Some((last, class)) = self.slots.recency(slot) else {
            return Priced::NOBODY;
        };
        let age = age_at(self.clock, last);
        let worth = self.learner.worth(Class::from_byte(class), age);
        match self.weights {
            _ if self.spare == Some(slot) => Priced::NOBODY,
            None => Priced::new(u32::from(worth), slot),
            Some(weights) if self.wants_place => {
                Priced::per_place(worth, weights[slot as usize], slot)
            }
            Some(weights) => Priced::per_weight(worth, weights[slot as usize], slot),
        }
    }

    #[inline]
    fn prefetch(&self, slot: u32) {
        self.slots.prefetch(slot);
    }
}

/// The ticks from `last` to `clock`. Zero if `last` is ahead: a lost tick of another thread may set the clock back a little.
#[inline]
fn age_at(clock: u32, last: u32) -> u32 {
    (clock.wrapping_sub(last) as i32).max(0) as u32
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Extras, Learners, Ordering, Shard};
    use crate::arrival::Arrival;
    use crate::bound::{Bound, Space};
    use crate::content::{Mark, Plain, Present};
    use crate::store::Hash;
    use crate::time::NEVER;

    const CAPACITY: usize = if cfg!(miri) { 128 } else { 1_000 };

    fn use_all(shard: &Shard<u64, Plain<u64>>, learners: &Learners, keys: u64) {
        for key in 0..keys {
            let reader = shard.read().unwrap();
            let entry = reader.find(Hash::new(key), |other| *other == key).unwrap();
            shard.touch(&entry, 0, learners);
        }
    }

    fn clock(shard: &Shard<u64, Plain<u64>>) -> u32 {
        shard.time.0.clock.load(Ordering::Relaxed)
    }

    fn filled(keys: u64) -> (Shard<u64, Plain<u64>>, Learners) {
        let (shard, learners, bound) = (
            Shard::new(CAPACITY, 7, Extras::default()),
            Learners::new((CAPACITY, CAPACITY), []),
            Bound::new(CAPACITY, 0),
        );
        for key in 0..keys {
            let mut writer = shard.write(&learners, &bound, None);
            let arrival = Arrival {
                hash: key,
                pair: (key, key),
                weight: 0,
                deadline: NEVER,
                idle_until: NEVER,
                mark: Mark::NONE,
            };
            writer.insert(arrival, Space::none(&bound));
            drop(writer.finish());
        }
        (shard, learners)
    }

    #[test]
    fn what_its_user_removes_is_given_back_at_once_while_others_come_and_go() {
        let (shard, learner) = filled(8);
        let bound = Bound::new(CAPACITY, 0);
        let present = Present {
            millis: 0,
            tags: None,
        };
        for key in 0..8 {
            std::thread::scope(|scope| {
                scope.spawn(|| drop(shard.read()));
            });
            let mut writer = shard.write(&learner, &bound, None);
            let found = writer.find(Hash::new(key), |other| *other == key).unwrap();
            let taken = writer.take(found, present);
            drop(writer.finish());
            assert!(taken.is_fresh);
            let writer = shard.write(&learner, &bound, None);
            assert!(!writer.writer.holds(found.index), "key {key}");
        }
    }

    #[test]
    fn using_a_warm_entry_leaves_no_trace() {
        let (shard, learners) = filled(CAPACITY as u64 / 64);
        let before = clock(&shard);
        for _ in 0..10 {
            use_all(&shard, &learners, CAPACITY as u64 / 64);
        }
        assert_eq!(clock(&shard), before);
    }

    #[test]
    fn a_cache_that_misses_nothing_comes_to_rest() {
        let (shard, learners) = filled(CAPACITY as u64);
        let after_the_last_miss = clock(&shard);
        use_all(&shard, &learners, CAPACITY as u64);
        assert!(
            clock(&shard) > after_the_last_miss,
            "uses that are not warm move the clock"
        );
        for _ in 0..10 {
            use_all(&shard, &learners, CAPACITY as u64);
        }
        let at_rest = clock(&shard);
        assert!(at_rest - after_the_last_miss <= CAPACITY as u32 + 4);
        use_all(&shard, &learners, CAPACITY as u64);
        assert_eq!(clock(&shard), at_rest);
        for key in 0..CAPACITY as u64 {
            let reader = shard.read().unwrap();
            let entry = reader.find(Hash::new(key), |other| *other == key).unwrap();
            let (last, _) = entry.recency().unwrap();
            assert!(
                at_rest.wrapping_sub(last) < shard.pace.warm + shard.pace.granularity,
                "key {key}"
            );
        }
    }
}
