//! The window in which a snapshot may be restored: from the building of a cache to the first write.
//!
//! A write makes what a snapshot holds of its key out of date, whether the key is here or not. So a restore is for a
//! cache that nobody has written to. While it runs others may write: it then leaves their keys alone.

use std::sync::atomic::Ordering;

use super::Flights;
use crate::sync::{AtomicBool, Mutex};

/// Bits for each entry of the capacity, to remember which keys were written while a restore runs.
const BITS_PER_ENTRY: usize = 8;
const FEWEST_BITS: usize = 1 << 12;
const MOST_BITS: usize = 1 << 26;

/// Where a cache stands with snapshots.
pub(crate) struct Window {
    /// Never opened again once it is shut. Relaxed: who does not see it yet takes the lock.
    is_shut: AtomicBool,
    state: Mutex<State>,
}

enum State {
    Open,
    Restoring(Written),
    Shut,
}

/// The keys that were written, or found to be gone, while a restore runs, by a bit of their hash each. Two may share
/// one: then a key is not restored that could have been.
struct Written {
    bits: Box<[u64]>,
    any: bool,
    all: bool,
}

impl Written {
    fn new(capacity: usize) -> Self {
        let bits = capacity
            .saturating_mul(BITS_PER_ENTRY)
            .clamp(FEWEST_BITS, MOST_BITS)
            .next_power_of_two();
        Self {
            bits: vec![0; bits / 64].into(),
            any: false,
            all: false,
        }
    }

    /// The word and the bit of a hash.
    fn place(&self, hash: u64) -> (usize, u64) {
        let bit = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let bit = bit as usize & (64 * self.bits.len() - 1);
        (bit / 64, 1 << (bit % 64))
    }
}

impl Window {
    pub(crate) fn new() -> Self {
        Self {
            is_shut: AtomicBool::new(false),
            state: Mutex::new(State::Open),
        }
    }

    /// Tells that a key is about to be written, or all are where there is no hash. Says whether the window is shut by
    /// it.
    fn wrote(&self, hash: Option<u64>) -> bool {
        if self.is_shut.load(Ordering::Relaxed) {
            return false;
        }
        let mut state = self.state.lock();
        match &mut *state {
            State::Open => {
                *state = State::Shut;
                self.is_shut.store(true, Ordering::Relaxed);
                true
            }
            State::Restoring(written) => {
                written.any = true;
                match hash {
                    Some(hash) => written.add(hash),
                    None => written.all = true,
                }
                false
            }
            State::Shut => false,
        }
    }
}

impl Written {
    fn add(&mut self, hash: u64) {
        let (word, bit) = self.place(hash);
        self.bits[word] |= bit;
    }
}

impl<K, V, S> Flights<K, V, S> {
    /// Tells the window that the source was found not to have a key, before the shard is locked to take it out. A
    /// restore under way leaves it alone. This is no write, and shuts nothing.
    pub(crate) fn found_absent(&self, hash: u64) {
        if self.window.is_shut.load(Ordering::Relaxed) {
            return;
        }
        if let State::Restoring(written) = &mut *self.window.state.lock() {
            written.add(hash);
        }
    }

    /// Tells the window that a key is about to be written, before the shard is locked for it.
    ///
    /// A restore asks for the key under that lock, as a load that lands does: either it comes first, and the write
    /// overtakes it, or it sees that the key was written.
    pub(super) fn wrote(&self, hash: u64) {
        if self.window.wrote(Some(hash)) {
            self.airborne.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Tells the window that all keys are about to be written.
    pub(super) fn wrote_all(&self) {
        if self.window.wrote(None) {
            self.airborne.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Begins to restore; none if the cache was written to, or if somebody else is restoring.
    pub(crate) fn begin_restore(&self, capacity: usize) -> Option<Restoring<'_, K, V, S>> {
        let mut state = self.window.state.lock();
        if !matches!(*state, State::Open) {
            return None;
        }
        *state = State::Restoring(Written::new(capacity));
        Some(Restoring { flights: self })
    }
}

/// A restore under way.
pub(crate) struct Restoring<'a, K, V, S> {
    flights: &'a Flights<K, V, S>,
}

impl<K, V, S> Restoring<'_, K, V, S> {
    /// Whether nobody has written the key of this hash since the restore has begun. To be asked under the lock of the
    /// key's shard.
    pub(crate) fn may_store(&self, hash: u64) -> bool {
        match &*self.flights.window.state.lock() {
            State::Restoring(written) => {
                let (word, bit) = written.place(hash);
                !written.all && written.bits[word] & bit == 0
            }
            State::Open | State::Shut => false,
        }
    }
}

impl<K, V, S> Drop for Restoring<'_, K, V, S> {
    fn drop(&mut self) {
        let window = &self.flights.window;
        let mut state = window.state.lock();
        let was_written = matches!(&*state, State::Restoring(written) if written.any);
        if was_written {
            *state = State::Shut;
            window.is_shut.store(true, Ordering::Relaxed);
            self.flights.airborne.fetch_sub(1, Ordering::SeqCst);
        } else {
            *state = State::Open;
        }
    }
}
