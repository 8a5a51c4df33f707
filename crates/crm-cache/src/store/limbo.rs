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
    /// Of the words of other threads, when they were looked at last. None before the first look: what those threads have
    /// read before says nothing.
    last_sum: Option<u64>,
    /// How often those who waited have been given back.
    rounds: u64,
}

/// What to do with a slot that was unlinked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nobody can hold it: empty it. It is not in limbo.
    Free,
    /// Nothing now.
    Wait,
    /// It is time to [`reclaim`](Limbo::reclaim).
    Reclaim,
}

impl Limbo {
    pub(crate) fn new(name: ShardName) -> Self {
        Self {
            name,
            gathering: Vec::new(),
            waiting: Vec::new(),
            visitors: Vec::new(),
            patience: 1,
            last_sum: None,
            rounds: 0,
        }
    }

    /// Takes an unlinked slot in, and says what to do.
    #[inline]
    pub(crate) fn push(&mut self, index: u32) -> Next {
        if self.patience == 1 && self.is_empty() {
            // The way of a cache with one thread, and of most writes while the others rest.
            if self.look() {
                return Next::Free;
            }
            self.waiting.push(index);
            return Next::Wait;
        }
        self.gathering.push(index);
        if self.gathering.len() >= self.patience {
            Next::Reclaim
        } else {
            Next::Wait
        }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.gathering.is_empty() && self.waiting.is_empty()
    }

    /// Whether a slot is here.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn holds(&self, index: u32) -> bool {
        self.gathering.contains(&index) || self.waiting.contains(&index)
    }

    /// The round at which all that is here now will have been given back, for [`is_over`](Self::is_over): those who wait,
    /// and then those who gather.
    pub(crate) fn round_of_all(&self) -> u64 {
        self.rounds + 2
    }

    /// Whether all is given back that was here when a round was asked for.
    pub(crate) fn is_over(&self, round: u64) -> bool {
        self.is_empty() || self.rounds >= round
    }

    /// Whether a slot is here and came last.
    pub(crate) fn took_last(&self, index: u32) -> bool {
        // The gathering ones are younger.
        self.gathering.last().or(self.waiting.last()) == Some(&index)
    }

    /// How many slots are here.
    pub(crate) fn len(&self) -> usize {
        self.gathering.len() + self.waiting.len()
    }

    /// Whether nobody can hold anything that was unlinked until now. Otherwise those who can are the ones to wait for.
    #[inline]
    fn look(&mut self) -> bool {
        let visitors = &mut self.visitors;
        let sum = Registry::of_process().look(self.name, |visitor| visitors.push(visitor));
        // While nobody else reads, a slot is used again at once, as long as its memory is in the processor's cache.
        let nobody_reads = self.last_sum.is_none_or(|last_sum| last_sum == sum);
        self.patience = if nobody_reads { 1 } else { BATCH };
        self.last_sum = Some(sum);
        self.visitors.is_empty()
    }

    /// Gives back every slot that nobody can hold any more, and says whether nobody can hold anything that was unlinked
    /// until now.
    pub(crate) fn reclaim(&mut self, mut free: impl FnMut(u32)) -> bool {
        if !self.waiting.is_empty() {
            self.visitors.retain(|visitor| !visitor.has_left());
            if !self.visitors.is_empty() {
                self.patience = self.gathering.len() + BATCH;
                return false;
            }
            self.waiting.drain(..).for_each(&mut free);
            self.rounds += 1;
        }
        if self.look() {
            self.gathering.drain(..).for_each(free);
            return true;
        }
        std::mem::swap(&mut self.gathering, &mut self.waiting);
        if self.waiting.is_empty() {
            // Nothing waits for them.
            self.visitors.clear();
        }
        false
    }

    /// Gives back every slot. Nobody may be reading.
    pub(crate) fn take_all(&mut self, free: impl FnMut(u32)) {
        self.gathering
            .drain(..)
            .chain(self.waiting.drain(..))
            .for_each(free);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Limbo, Next, ShardName};
    use crate::store::mine;

    #[test]
    fn what_was_read_before_is_no_sign_of_readers() {
        let name = ShardName::from_count(0);
        let visit = move || drop(mine().map(|word| word.visit(name)));
        std::thread::spawn(visit).join().unwrap();
        let mut limbo = Limbo::new(name);
        assert_eq!(limbo.push(0), Next::Free, "a slot is used again at once");
        assert_eq!(limbo.push(1), Next::Free);
    }
}
