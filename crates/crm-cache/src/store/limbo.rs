//! Limbo: slots that were unlinked but that a reader may still hold.

use super::registry::{Registry, ShardName, Visitor};

/// Slots gathered before the words of other threads are looked at again, while those threads are busy reading: each
/// look costs a cache line for each of them.
const BATCH: usize = 32;

/// Unlinked slots of one shard, in two batches: one gathers, the other waits for the readers that were there when it was
/// closed.
#[derive(Debug)]
pub(crate) struct Limbo {
    name: ShardName,
    gathering: Vec<u32>,
    waiting: Vec<u32>,
    visitors: Vec<Visitor>,
    /// How many to gather before looking.
    patience: usize,
    last_sum: u64,
}

impl Limbo {
    pub(crate) fn new(name: ShardName) -> Self {
        Self {
            name,
            gathering: Vec::new(),
            waiting: Vec::new(),
            visitors: Vec::new(),
            patience: 1,
            last_sum: 0,
        }
    }

    /// Takes an unlinked slot in, and says whether it is time to [`reclaim`](Self::reclaim).
    pub(crate) fn push(&mut self, index: u32) -> bool {
        self.gathering.push(index);
        self.gathering.len() >= self.patience
    }

    /// Gives back every slot that nobody can hold any more.
    pub(crate) fn reclaim(&mut self, free: &mut dyn FnMut(u32)) {
        if !self.waiting.is_empty() {
            self.visitors.retain(|visitor| !visitor.has_left());
            if !self.visitors.is_empty() {
                self.patience = self.gathering.len() + BATCH;
                return;
            }
            self.waiting.drain(..).for_each(&mut *free);
        }
        let sum = Registry::of_process().visitors(self.name, &mut self.visitors);
        // While nobody else reads, a slot is used again at once, as long as its memory is in the processor's cache.
        self.patience = if sum == self.last_sum { 1 } else { BATCH };
        self.last_sum = sum;
        if self.visitors.is_empty() {
            self.gathering.drain(..).for_each(free);
        } else {
            std::mem::swap(&mut self.gathering, &mut self.waiting);
        }
    }

    /// Gives back every slot. Nobody may be reading.
    pub(crate) fn take_all(&mut self, free: &mut dyn FnMut(u32)) {
        self.gathering
            .drain(..)
            .chain(self.waiting.drain(..))
            .for_each(free);
    }
}
