//! The obvious cache: lists in order of use. The real one must agree with it in every answer.

use std::sync::Arc;
use std::time::Duration;

use crm_cache::{Policy, RemovalCause};

use super::homes::Homes;
use super::plan::Configuration;
use super::subject::{Content, Hashing};

/// An entry as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) key: u8,
    pub(crate) id: u32,
    /// In whole milliseconds, rounded down as the documentation says; the entry is served before it.
    deadline: u64,
    /// When its life ends unless it is read.
    idle_until: u64,
    pub(crate) weight: u64,
}

/// An entry that an operation must have taken out, and the causes that it may have been told with.
#[derive(Clone, Debug)]
pub(crate) struct Leaving {
    pub(crate) key: u8,
    pub(crate) id: u32,
    pub(crate) causes: Vec<RemovalCause>,
}

impl Leaving {
    fn new(held: Held, cause: RemovalCause) -> Self {
        Self {
            key: held.key,
            id: held.id,
            causes: vec![cause],
        }
    }
}

/// What the cache should hold. With one shard under LRU it knows every victim; elsewhere it is told who was evicted.
#[derive(Debug)]
pub(crate) struct Oracle {
    /// For each shard its entries, from the least to the most recently used. One list for all under the adaptive policy.
    lists: Vec<Vec<Held>>,
    homes: Arc<Homes>,
    policy: Policy,
    capacity: usize,
    max_weight: Option<u64>,
    time_to_live: Option<Duration>,
    time_to_idle: Option<Duration>,
    has_expiry: bool,
    now: Duration,
}

impl Oracle {
    pub(crate) fn new(configuration: &Configuration) -> Self {
        let shards = match configuration.policy {
            Policy::Lru => configuration.shards,
            _ => 1,
        };
        let hashing = Hashing {
            collides: configuration.collides,
        };
        Self {
            lists: vec![Vec::new(); shards],
            homes: Homes::of(shards, hashing),
            policy: configuration.policy,
            capacity: configuration.capacity,
            max_weight: configuration.max_weight,
            time_to_live: configuration.time_to_live,
            time_to_idle: configuration.time_to_idle,
            has_expiry: configuration.has_expiry,
            now: Duration::ZERO,
        }
    }

    /// Whether it knows each entry that leaves without being told.
    pub(crate) fn is_exact(&self) -> bool {
        self.is_lru() && self.lists.len() == 1
    }

    pub(crate) fn is_lru(&self) -> bool {
        self.policy == Policy::Lru
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.now += by;
    }

    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn max_weight(&self) -> Option<u64> {
        self.max_weight
    }

    /// What an entry with this content weighs.
    pub(crate) fn weight_of(&self, content: Content) -> u64 {
        self.max_weight.map_or(0, |_| content.weight)
    }

    /// Whether an entry may come in at all.
    pub(crate) fn admits(&self, content: Content) -> bool {
        self.max_weight.is_none_or(|most| content.weight <= most)
    }

    /// What all entries weigh, and what the fresh ones do.
    pub(crate) fn weights(&self) -> (u128, u128) {
        let sum = |weight: u128, held: &Held| weight + u128::from(held.weight);
        (self.all().fold(0, sum), self.fresh().fold(0, sum))
    }

    /// Whether there is more than fits, so that something has to leave.
    pub(crate) fn is_exceeded(&self) -> bool {
        let is_heavier = |most| self.weights().0 > u128::from(most);
        self.len() > self.capacity || self.max_weight.is_some_and(is_heavier)
    }

    /// Whether an entry may be the one to leave. Under LRU no other of its shard was used before it, and another shard gives
    /// way to what was written only if that one's own has nothing else.
    ///
    /// Where nobody `tells` who leaves, those past their life may be gone already.
    pub(crate) fn is_due(&self, held: &Held, written: Option<u8>, tells: bool) -> bool {
        let is_here = |other: &&Held| tells || self.is_fresh(other);
        let first = self.lists[self.homes.home(held.key)]
            .iter()
            .find(|other| other.key == held.key || is_here(other));
        let may_give = written.is_none_or(|key| {
            let mut own = self.lists[self.homes.home(key)].iter().filter(is_here);
            self.are_together(key, held.key) || own.all(|other| other.key == key)
        });
        !self.is_lru() || (first == Some(held) && may_give)
    }

    pub(crate) fn are_together(&self, key: u8, other: u8) -> bool {
        self.homes.home(key) == self.homes.home(other)
    }

    /// The fresh keys that share a shard, from the most recently used on; one list of all under the adaptive policy.
    pub(crate) fn hottest(&self) -> impl Iterator<Item = Vec<u8>> {
        let fresh = |list: &Vec<Held>| {
            let fresh = list.iter().rev().filter(|held| self.is_fresh(held));
            fresh.map(|held| held.key).collect()
        };
        self.lists.iter().map(fresh)
    }

    pub(crate) fn len(&self) -> usize {
        self.lists.iter().map(Vec::len).sum()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Held> {
        self.lists.iter().flatten()
    }

    pub(crate) fn fresh(&self) -> impl Iterator<Item = &Held> {
        self.all().filter(|held| self.is_fresh(held))
    }

    /// Entries whose life is over, and which may have left without a trace.
    pub(crate) fn over(&self) -> usize {
        self.len() - self.fresh().count()
    }

    pub(crate) fn is_fresh(&self, held: &Held) -> bool {
        let now = self.now.as_nanos() / 1_000_000;
        now < u128::from(held.deadline.min(held.idle_until))
    }

    /// When an entry ends that is read now.
    fn idle_until(&self) -> u64 {
        self.time_to_idle.map_or(u64::MAX, |life| {
            (self.now.as_millis() + life.as_millis()) as u64
        })
    }

    fn deadline(&self, content: Content) -> u64 {
        let computed = content.life.filter(|_| self.has_expiry);
        // The shorter of the two, where there are two.
        let Some(life) = computed.into_iter().chain(self.time_to_live).min() else {
            return u64::MAX;
        };
        let end = (self.now.saturating_add(life)).as_nanos();
        (end.min(u128::from(u64::MAX)) / 1_000_000) as u64
    }

    fn list(&mut self, key: u8) -> &mut Vec<Held> {
        &mut self.lists[self.homes.home(key)]
    }

    /// The entry of a key, whether fresh or not.
    pub(crate) fn find(&self, key: u8) -> Option<Held> {
        self.all().find(|held| held.key == key).copied()
    }

    /// The number of the fresh value. This is no use of it.
    pub(crate) fn peek(&self, key: u8) -> Option<u32> {
        let held = self.find(key)?;
        self.is_fresh(&held).then_some(held.id)
    }

    /// Takes the entry out, whether fresh or not.
    pub(crate) fn take(&mut self, key: u8) -> Option<Held> {
        let list = self.list(key);
        let index = list.iter().position(|held| held.key == key)?;
        Some(list.remove(index))
    }

    /// A read: the number of the fresh value, and who had to leave.
    pub(crate) fn get(&mut self, key: u8) -> (Option<u32>, Vec<Leaving>) {
        match self.take(key) {
            None => (None, Vec::new()),
            Some(mut held) if self.is_fresh(&held) => {
                let until = self.idle_until();
                let recorded_from = match self.time_to_idle {
                    // The documentation: a read within a sixty-fourth of the last one is not recorded.
                    Some(life) if !self.is_lru() => held.idle_until + life.as_millis() as u64 / 64,
                    _ => 0,
                };
                if until > recorded_from {
                    held.idle_until = until;
                }
                self.list(key).push(held);
                (Some(held.id), Vec::new())
            }
            Some(held) if self.is_lru() => (None, vec![Leaving::new(held, RemovalCause::Expired)]),
            Some(held) => {
                self.list(key).push(held);
                (None, Vec::new())
            }
        }
    }

    /// A write: the number of the fresh value that was there, and who had to leave.
    pub(crate) fn insert(
        &mut self,
        key: u8,
        id: u32,
        content: Content,
    ) -> (Option<u32>, Vec<Leaving>) {
        let (previous, mut leaving) = self.leave(key, RemovalCause::Replaced);
        let held = Held {
            key,
            id,
            deadline: self.deadline(content),
            idle_until: self.idle_until(),
            weight: self.weight_of(content),
        };
        self.list(key).push(held);
        leaving.extend(self.evict());
        (previous, leaving)
    }

    pub(crate) fn remove(&mut self, key: u8) -> (Option<u32>, Vec<Leaving>) {
        self.leave(key, RemovalCause::Removed)
    }

    /// Takes the entry of a key out, as expired if its life is over.
    fn leave(&mut self, key: u8, cause: RemovalCause) -> (Option<u32>, Vec<Leaving>) {
        match self.take(key) {
            None => (None, Vec::new()),
            Some(held) if self.is_fresh(&held) => (Some(held.id), vec![Leaving::new(held, cause)]),
            Some(held) => (None, vec![Leaving::new(held, RemovalCause::Expired)]),
        }
    }

    /// Takes out what no longer fits. Leaves that to the real cache where only that one knows the victim.
    fn evict(&mut self) -> Vec<Leaving> {
        let mut leaving = Vec::new();
        while self.is_exact() && self.is_exceeded() {
            let held = self.lists[0].remove(0);
            leaving.push(Leaving::new(held, RemovalCause::Evicted));
        }
        leaving
    }

    pub(crate) fn set_capacity(&mut self, capacity: usize) -> Vec<Leaving> {
        self.capacity = capacity;
        self.evict()
    }

    pub(crate) fn set_max_weight(&mut self, max_weight: u64) -> Vec<Leaving> {
        self.max_weight = Some(max_weight);
        self.evict()
    }

    pub(crate) fn remove_expired(&mut self) -> Vec<Leaving> {
        let over: Vec<Held> = self
            .all()
            .filter(|held| !self.is_fresh(held))
            .copied()
            .collect();
        over.into_iter()
            .map(|held| {
                self.take(held.key);
                Leaving::new(held, RemovalCause::Expired)
            })
            .collect()
    }

    pub(crate) fn clear(&mut self) -> Vec<Leaving> {
        let all: Vec<Held> = self.lists.iter_mut().flat_map(std::mem::take).collect();
        all.into_iter()
            .map(|held| {
                let mut leaving = Leaving::new(held, RemovalCause::Removed);
                if !self.is_fresh(&held) {
                    leaving.causes.push(RemovalCause::Expired);
                }
                leaving
            })
            .collect()
    }
}
