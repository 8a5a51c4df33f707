//! A bounded table of what was made for a name: it only grows, and whoever finds a name there takes no lock.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

/// The most names that a table takes, whatever its limit: its places, 32 bytes a name, are made with it.
const MOST: usize = 65_536;

/// Open addressing over twice as many places as names may come, so that a search soon meets an empty one.
pub(crate) struct Table<T> {
    places: Box<[OnceLock<Box<Entry<T>>>]>,
    limit: usize,
    /// How many names are in; held while one is added.
    taken: Mutex<usize>,
    /// Spares an unknown name the lock once nothing can be added.
    full: AtomicBool,
    /// Names may come from a client; the keys of the hash are random.
    hasher: RandomState,
}

struct Entry<T> {
    name: Box<str>,
    made: T,
}

/// Where the name is, or the empty place where it would be.
enum Search {
    Found(usize),
    Empty(usize),
}

impl<T> Table<T> {
    /// A table for at most this number of names, and [`MOST`].
    pub(crate) fn new(limit: usize) -> Self {
        let limit = limit.min(MOST);
        let places = (limit.max(1) * 2).next_power_of_two();
        Self {
            places: (0..places).map(|_| OnceLock::new()).collect(),
            limit,
            taken: Mutex::new(0),
            full: AtomicBool::new(limit == 0),
            hasher: RandomState::new(),
        }
    }

    /// The place of this name, for which `make` is called if it is new; `None` if it is new and the table is full.
    pub(crate) fn find(&self, name: &str, make: impl FnOnce() -> T) -> Option<usize> {
        let start = self.hasher.hash_one(name);
        if let Search::Found(place) = self.search(start, name) {
            return Some(place);
        }
        // Relaxed: it only spares the lock, under which the number decides.
        if self.full.load(Ordering::Relaxed) {
            return None;
        }
        let mut taken = self.taken.lock();
        match self.search(start, name) {
            Search::Found(place) => Some(place),
            Search::Empty(_) if *taken == self.limit => None,
            Search::Empty(place) => {
                self.places[place].get_or_init(|| {
                    Box::new(Entry {
                        name: name.into(),
                        made: make(),
                    })
                });
                *taken += 1;
                self.full.store(*taken == self.limit, Ordering::Relaxed);
                Some(place)
            }
        }
    }

    /// What was made for the name at this place.
    pub(crate) fn at(&self, place: usize) -> Option<&T> {
        Some(&self.places.get(place)?.get()?.made)
    }

    fn search(&self, start: u64, name: &str) -> Search {
        let mask = self.places.len() - 1;
        let mut place = start as usize & mask;
        // Ends, since at most half of the places are ever taken.
        while let Some(entry) = self.places[place].get() {
            if *entry.name == *name {
                return Search::Found(place);
            }
            place = (place + 1) & mask;
        }
        Search::Empty(place)
    }
}

impl<T> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.places.iter().filter_map(|place| place.get());
        f.debug_set()
            .entries(names.map(|entry| &*entry.name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::{MOST, Table};

    #[test]
    fn a_name_keeps_its_place_and_is_made_once() {
        let table = Table::new(100);
        let places: Vec<usize> = (0..100)
            .map(|n| table.find(&format!("name {n}"), || n).unwrap())
            .collect();
        for (n, &place) in places.iter().enumerate() {
            assert_eq!(
                table.find(&format!("name {n}"), || panic!("made twice")),
                Some(place)
            );
            assert_eq!(table.at(place), Some(&n));
        }
    }

    #[test]
    fn a_full_table_takes_no_new_name_and_keeps_the_old_ones() {
        for limit in [0, 1, 2, 3, 64] {
            let table = Table::new(limit);
            for n in 0..limit {
                assert!(table.find(&n.to_string(), || n).is_some());
            }
            for n in limit..limit + 300 {
                assert_eq!(table.find(&n.to_string(), || panic!("beyond")), None);
            }
            for n in 0..limit {
                let place = table.find(&n.to_string(), || panic!("lost")).unwrap();
                assert_eq!(table.at(place), Some(&n));
            }
        }
    }

    #[test]
    fn a_limit_without_measure_takes_no_memory_without_measure() {
        assert_eq!(Table::<()>::new(usize::MAX).places.len(), 2 * MOST);
    }

    #[test]
    fn threads_that_bring_one_name_get_one_place() {
        for _ in 0..20 {
            let table = Table::new(2);
            let begun = AtomicBool::new(false);
            thread::scope(|scope| {
                let mut other = None;
                let place = table.find("name", || {
                    // The other thread looks for it meanwhile, does not find it, and waits to add it.
                    other = Some(scope.spawn(|| {
                        begun.store(true, Ordering::Relaxed);
                        table.find("name", || 2)
                    }));
                    while !begun.load(Ordering::Relaxed) {
                        thread::yield_now();
                    }
                    (0..200).for_each(|_| thread::yield_now());
                    1
                });
                assert_eq!(other.unwrap().join().unwrap(), place);
                assert_eq!(place.and_then(|place| table.at(place)), Some(&1));
            });
            // It was counted once.
            assert!(table.find("second", || 2).is_some());
            assert!(table.find("third", || 3).is_none());
        }
    }
}
