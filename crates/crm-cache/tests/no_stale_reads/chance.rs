//! Chance, and threads that dawdle where others may overtake them.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::dice::Dice;

thread_local! {
    static DICE: RefCell<Dice> = {
        static THREADS: AtomicU64 = AtomicU64::new(1);
        RefCell::new(Dice(THREADS.fetch_add(1, Ordering::Relaxed) << 32))
    };
}

/// A number below this one.
pub(crate) fn below(limit: u32) -> u32 {
    let bits = DICE.with_borrow_mut(Dice::next) >> 32;
    ((bits * u64::from(limit)) >> 32) as u32
}

pub(crate) fn one_in(odds: u32) -> bool {
    below(odds) == 0
}

/// Gives way to others, or stays for a while; now and then.
pub(crate) fn dawdle(odds: u32) {
    if one_in(odds) {
        match below(4) {
            0 => (0..below(400)).for_each(|_| std::hint::spin_loop()),
            _ => thread::yield_now(),
        }
    }
}
