//! The obvious cache: a list in order of use. The real one must agree with it in every answer.

use std::time::Duration;

/// Exact LRU with a time to live, O(n) everywhere.
#[derive(Debug)]
pub(crate) struct NaiveCache {
    /// From the least to the most recently used: key, value, the moment it expires.
    entries: Vec<(u8, u32, Duration)>,
    capacity: usize,
    time_to_live: Duration,
    now: Duration,
}

impl NaiveCache {
    pub(crate) fn new(capacity: usize, time_to_live: Option<Duration>) -> Self {
        let time_to_live = time_to_live.unwrap_or(Duration::MAX);
        Self {
            entries: Vec::new(),
            capacity,
            time_to_live,
            now: Duration::ZERO,
        }
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.now += by;
    }

    /// Takes the entry out of the list, whether fresh or not.
    fn take(&mut self, key: u8) -> Option<(u8, u32, Duration)> {
        let index = self.entries.iter().position(|entry| entry.0 == key)?;
        Some(self.entries.remove(index))
    }

    pub(crate) fn get(&mut self, key: u8) -> Option<u32> {
        let entry = self.take(key).filter(|entry| entry.2 > self.now)?;
        self.entries.push(entry);
        Some(entry.1)
    }

    /// The fresh value, without using it.
    pub(crate) fn peek(&self, key: u8) -> Option<u32> {
        self.entries
            .iter()
            .find(|entry| entry.0 == key && entry.2 > self.now)
            .map(|entry| entry.1)
    }

    pub(crate) fn insert(&mut self, key: u8, value: u32) -> Option<u32> {
        let old = self.take(key);
        if self.entries.len() == self.capacity {
            self.entries.remove(0);
        }
        self.entries
            .push((key, value, self.now.saturating_add(self.time_to_live)));
        old.filter(|entry| entry.2 > self.now).map(|entry| entry.1)
    }

    pub(crate) fn remove(&mut self, key: u8) -> Option<u32> {
        self.take(key)
            .filter(|entry| entry.2 > self.now)
            .map(|entry| entry.1)
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
