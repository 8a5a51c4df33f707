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

/// What the cache should hold. Under LRU it knows every victim; under the adaptive policy it is told who was evicted.
#[derive(Debug)]
pub(crate) struct Oracle {
    /// For each shard its entries, from the least to the most recently used. One list for all under the adaptive policy.
    lists: Vec<Vec<Held>>,
    homes: Arc<Homes>,
    policy: Policy,
    capacity: usize,
    time_to_live: Option<Duration>,
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
            time_to_live: configuration.time_to_live,
            has_expiry: configuration.has_expiry,
            now: Duration::ZERO,
        }
    }

    /// Whether it knows each entry that leaves without being told.
    pub(crate) fn is_exact(&self) -> bool {
        self.policy == Policy::Lru
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.now += by;
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
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
        now < u128::from(held.deadline)
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
            Some(held) if self.is_fresh(&held) => {
                self.list(key).push(held);
                (Some(held.id), Vec::new())
            }
            Some(held) if self.is_exact() => {
                (None, vec![Leaving::new(held, RemovalCause::Expired)])
            }
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
        if leaving.is_empty() {
            leaving = self.evict(self.homes.home(key), 1);
        }
        let deadline = self.deadline(content);
        self.list(key).push(Held { key, id, deadline });
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

    /// Makes room for so many in a shard. Leaves that to the real cache where only that one knows the victim.
    fn evict(&mut self, shard: usize, wanted: usize) -> Vec<Leaving> {
        if !self.is_exact() {
            return Vec::new();
        }
        let shards = self.lists.len();
        // The documentation: each shard keeps its fixed share, and the whole capacity is usable.
        let share = self.capacity / shards + usize::from(shard < self.capacity % shards);
        let list = &mut self.lists[shard];
        let too_many = (list.len() + wanted).saturating_sub(share);
        list.drain(..too_many)
            .map(|held| Leaving::new(held, RemovalCause::Evicted))
            .collect()
    }

    pub(crate) fn set_capacity(&mut self, capacity: usize) -> Vec<Leaving> {
        self.capacity = capacity;
        (0..self.lists.len())
            .flat_map(|shard| self.evict(shard, 0))
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
