//! Until when each slot's entry may stay without being read, for caches with a time to idle.
//!
//! It stands beside the slots and not in them, so that caches without a time to idle pay nothing for it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::time::Millis;

/// Further segments, each as large as all before it together.
const SEGMENTS: usize = 32;

/// A read is recorded only when at least this share of the time to idle has passed since the last one recorded.
const RECORDED_SHARE: Millis = 64;

/// One point in time for each slot, found by its index and never moved.
#[derive(Debug)]
pub(crate) struct IdleTimes {
    time_to_idle: Millis,
    first: Segment,
    more: Box<[OnceLock<Segment>; SEGMENTS]>,
}

type Segment = Box<[AtomicU64]>;

fn segment(len: usize) -> Segment {
    std::iter::repeat_with(|| AtomicU64::new(0))
        .take(len)
        .collect()
}

impl IdleTimes {
    pub(crate) fn new(planned: usize, time_to_idle: Millis) -> Self {
        Self {
            time_to_idle,
            first: segment(planned.max(1)),
            more: Box::new([const { OnceLock::new() }; SEGMENTS]),
        }
    }

    #[inline]
    fn at(&self, index: u32) -> &AtomicU64 {
        let index = index as usize;
        match self.first.get(index) {
            Some(time) => time,
            None => self.beyond_first(index),
        }
    }

    #[cold]
    fn beyond_first(&self, index: usize) -> &AtomicU64 {
        let first = self.first.len();
        let number = (index / first).ilog2() as usize;
        let begin = first << number;
        &self.more[number].get_or_init(|| segment(begin))[index - begin]
    }

    /// Writer only, before the slot's entry is published.
    pub(crate) fn set(&self, index: u32, until: Millis) {
        self.at(index).store(until, Ordering::Relaxed);
    }

    #[cfg(feature = "serde")]
    pub(crate) fn until(&self, index: u32) -> Millis {
        self.at(index).load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn is_over(&self, index: u32, now: Millis) -> bool {
        now >= self.at(index).load(Ordering::Relaxed)
    }

    /// Records that the entry of a slot was read, unless that was recorded a moment ago.
    ///
    /// A plain store: of two readers who meet here either time is right.
    #[inline]
    pub(crate) fn read(&self, index: u32, now: Millis) {
        let (time, until) = (self.at(index), now.saturating_add(self.time_to_idle));
        let recorded = time.load(Ordering::Relaxed);
        if until.saturating_sub(recorded) > self.time_to_idle / RECORDED_SHARE {
            time.store(until, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::IdleTimes;

    #[test]
    fn every_index_has_a_time_of_its_own() {
        let times = IdleTimes::new(3, 100);
        for index in 0..100 {
            times.set(index, u64::from(index));
        }
        for index in 0..100 {
            assert!(times.is_over(index, u64::from(index)));
            assert!(index == 0 || !times.is_over(index, u64::from(index) - 1));
        }
    }

    #[test]
    fn a_read_within_a_sixty_fourth_leaves_no_trace() {
        let times = IdleTimes::new(1, 640);
        times.set(0, 640);
        times.read(0, 10);
        assert!(times.is_over(0, 640));
        times.read(0, 11);
        assert!(!times.is_over(0, 650));
        assert!(times.is_over(0, 651));
    }
}
