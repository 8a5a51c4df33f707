//! The loads under way, by key: a table in parts, each under a lock of its own.
//!
//! There is a part for each processor: who loads one key meets few others, and who loads a page takes few locks. Under them
//! runs `Eq` of keys and nothing else of the user's.

use std::sync::{Arc, OnceLock};
use std::thread;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::flight::{Flight, Numbered};
use crate::sync::{IS_CHECKED, Mutex};

pub(super) struct Table<K, V>(Box<[Part<K, V>]>);

/// On a cache line of its own.
#[repr(align(64))]
struct Part<K, V>(Mutex<HashTable<Arc<Flight<K, V>>>>);

impl<K, V> Table<K, V> {
    pub(super) fn new() -> Self {
        static PARTS: OnceLock<usize> = OnceLock::new();
        let parts = *PARTS.get_or_init(|| {
            let processors = thread::available_parallelism().map_or(1, usize::from);
            let parts = if IS_CHECKED { 2 } else { processors };
            parts.next_power_of_two()
        });
        let part = |_| Part(Mutex::new(HashTable::new()));
        Self((0..parts).map(part).collect())
    }

    /// The part of a hash, by bits that choose no place in it.
    fn part(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.0.len() - 1)
    }

    /// Goes through flights part by part, each part locked once.
    fn visit<'f>(
        &self,
        flights: impl Iterator<Item = &'f Arc<Flight<K, V>>>,
        mut visit: impl FnMut(usize, &'f Arc<Flight<K, V>>, &mut HashTable<Arc<Flight<K, V>>>),
    ) where
        K: 'f,
        V: 'f,
    {
        let flights: Vec<_> = flights.collect();
        // Part and place in one number, which sorts fastest.
        let mut order: Vec<_> = (0_u64..)
            .zip(&flights)
            .map(|(at, flight)| ((self.part(flight.hash()) as u64) << 32) | at)
            .collect();
        order.sort_unstable();
        for same in order.chunk_by(|one, next| one >> 32 == next >> 32) {
            let mut part = self.0[(same[0] >> 32) as usize].0.lock();
            for &number in same {
                let at = number as u32 as usize;
                visit(at, flights[at], &mut part);
            }
        }
    }

    /// Enters a flight, unless there is one for its key: that one is returned.
    pub(super) fn enter(&self, flight: &Arc<Flight<K, V>>) -> Option<Arc<Flight<K, V>>>
    where
        K: Eq,
    {
        let mut part = self.0[self.part(flight.hash())].0.lock();
        enter(&mut part, flight)
    }

    /// As [`enter`](Self::enter), for many; says at which place there was one, and which.
    pub(super) fn enter_all<'f>(
        &self,
        flights: impl Iterator<Item = &'f Arc<Flight<K, V>>>,
    ) -> Numbered<K, V>
    where
        K: Eq + 'f,
        V: 'f,
    {
        let mut there = Vec::new();
        self.visit(flights, |at, flight, part| {
            there.extend(enter(part, flight).map(|other| (at, other)));
        });
        there
    }

    /// Takes a flight out, if it is here.
    pub(super) fn leave(&self, flight: &Arc<Flight<K, V>>) {
        let mut part = self.0[self.part(flight.hash())].0.lock();
        leave(&mut part, flight);
    }

    /// As [`leave`](Self::leave), for many.
    pub(super) fn leave_all<'f>(&self, flights: impl Iterator<Item = &'f Arc<Flight<K, V>>>)
    where
        K: 'f,
        V: 'f,
    {
        self.visit(flights, |_, flight, part| leave(part, flight));
    }

    /// Takes the flight of a key out, and marks it before the key can be entered again.
    pub(super) fn take(
        &self,
        hash: u64,
        is_it: impl Fn(&K) -> bool,
        mark: impl FnOnce(&Flight<K, V>),
    ) -> Option<Arc<Flight<K, V>>> {
        let mut part = self.0[self.part(hash)].0.lock();
        let found = part.find_entry(hash, |flight| flight.hash() == hash && is_it(flight.key()));
        let (flight, _) = found.ok()?.remove();
        mark(&flight);
        Some(flight)
    }

    /// Takes all flights out, and marks them.
    pub(super) fn clear(&self, mark: impl Fn(&Flight<K, V>)) {
        for part in &self.0 {
            let mut part = part.0.lock();
            part.iter().for_each(|flight| mark(flight));
            let flights = std::mem::take(&mut *part);
            // Without the lock: the last owner of a flight drops its key, which is the user's code.
            drop(part);
            drop(flights);
        }
    }

    #[cfg(all(test, any(loom, shuttle)))]
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|part| part.0.lock().is_empty())
    }
}

fn enter<K: Eq, V>(
    part: &mut HashTable<Arc<Flight<K, V>>>,
    flight: &Arc<Flight<K, V>>,
) -> Option<Arc<Flight<K, V>>> {
    let hash = flight.hash();
    let is_it = |other: &Arc<Flight<K, V>>| other.hash() == hash && other.key() == flight.key();
    match part.entry(hash, is_it, |flight| flight.hash()) {
        Entry::Occupied(there) => Some(Arc::clone(there.get())),
        Entry::Vacant(vacant) => {
            vacant.insert(Arc::clone(flight));
            None
        }
    }
}

/// Whoever calls this holds the flight, so that its key is not dropped here.
fn leave<K, V>(part: &mut HashTable<Arc<Flight<K, V>>>, flight: &Arc<Flight<K, V>>) {
    let is_this = |other: &Arc<Flight<K, V>>| Arc::ptr_eq(other, flight);
    if let Ok(found) = part.find_entry(flight.hash(), is_this) {
        found.remove();
    }
}
