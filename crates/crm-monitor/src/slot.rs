//! The slot of a thread: a small number that no other living thread has.
//!
//! What a thread alone writes it can count by a load and a store, which cost a third of an atomic addition. So each thread
//! that records takes the lowest free number, and cells of that number are its own until it ends. Whoever takes the number
//! next sees all that its last owner wrote, because the number passes through a mutex.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::OnceLock;
use std::thread;

use parking_lot::Mutex;

/// The value of a thread that has not recorded yet.
const UNASSIGNED: u32 = u32::MAX;

/// The value of a thread without a number of its own: it is ending, or too many are alive. It lies past every stripe.
const NONE: u32 = u32::MAX - 1;

/// Most stripes that any instrument has, however many processors there are.
const MOST: usize = 64;

/// Fewest stripes, for threads are often more than processors.
const FEWEST: usize = 8;

thread_local! {
    // Without a destructor, so that reading it is one load, and works while the thread ends.
    static SLOT: Cell<u32> = const { Cell::new(UNASSIGNED) };
    static LEASE: Lease = const { Lease };
}

/// Gives the number back when the thread ends.
struct Lease;

impl Drop for Lease {
    fn drop(&mut self) {
        // Destructors that run after this one record like a thread without a number.
        let slot = SLOT.replace(NONE);
        if slot < NONE {
            NUMBERS.lock().free.push(Reverse(slot));
        }
    }
}

struct Numbers {
    /// The lowest number that was never given.
    next: u32,
    /// Numbers that were given back. The lowest goes first, so that few stripes are ever made.
    free: BinaryHeap<Reverse<u32>>,
}

static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers {
    next: 0,
    free: BinaryHeap::new(),
});

/// How many threads can have cells of their own: twice the processors, between 8 and 64. The rest share one cell.
pub(crate) fn stripes() -> usize {
    static STRIPES: OnceLock<usize> = OnceLock::new();
    *STRIPES.get_or_init(|| {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        (processors * 2).clamp(FEWEST, MOST)
    })
}

/// The number of this thread as an index, past every stripe if it has none (yet).
///
/// The caller falls back to [`assign`] when the index lies past its stripes.
#[inline]
pub(crate) fn current() -> usize {
    SLOT.get() as usize
}

/// Gives this thread a number, if it has none and some are left; returns its index, past every stripe if it still has none.
#[cold]
pub(crate) fn assign() -> usize {
    if SLOT.get() == UNASSIGNED {
        SLOT.set(lease());
    }
    current()
}

fn lease() -> u32 {
    // Naming the lease makes it run at the end of the thread. If that end has come, there is no number to be had.
    if LEASE.try_with(|_| ()).is_err() {
        return NONE;
    }
    let mut numbers = NUMBERS.lock();
    if let Some(Reverse(slot)) = numbers.free.pop() {
        return slot;
    }
    if numbers.next as usize == MOST {
        return NONE;
    }
    numbers.next += 1;
    numbers.next - 1
}

#[cfg(test)]
mod tests {
    use super::{assign, current, stripes};
    use std::collections::HashSet;
    use std::sync::{Arc, Barrier};
    use std::thread;

    #[test]
    fn living_threads_have_different_numbers() {
        let barrier = Arc::new(Barrier::new(6));
        let threads: Vec<_> = (0..6)
            .map(|_| {
                let barrier = Arc::clone(&barrier);
                thread::spawn(move || {
                    let slot = assign();
                    barrier.wait();
                    assert_eq!(current(), slot);
                    slot
                })
            })
            .collect();
        let slots: HashSet<usize> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        assert_eq!(slots.len(), 6);
        assert!((8..=64).contains(&stripes()));
    }

    #[test]
    fn a_number_is_given_again_when_its_thread_has_ended() {
        let slots: HashSet<usize> = (0..300)
            .map(|_| thread::spawn(assign).join().unwrap())
            .collect();
        // Other tests run beside this one and hold some.
        assert!(slots.len() <= 64, "{} numbers", slots.len());
        assert!(slots.iter().all(|slot| *slot < 64), "{slots:?}");
    }
}
