//! The thread that reads the time for coarse clocks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use crate::Tick;
use crate::clock::system_now;

/// How often the time is read.
const PERIOD: Duration = Duration::from_millis(1);

/// The time as it was last read, on a cache line of its own: it is written a thousand times a second, and what lay beside
/// it would be invalidated as often.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Ticker {
    nanos: AtomicU64,
}

/// The ticker of this process, while some coarse clock holds it.
static SHARED: Mutex<Weak<Ticker>> = Mutex::new(Weak::new());

impl Ticker {
    /// The ticker of this process, started if there is none; none if no thread can be started.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ticker) = shared.upgrade() {
            return Some(ticker);
        }
        let ticker = Arc::new(Self {
            nanos: AtomicU64::new(system_now().as_nanos()),
        });
        let watched = Arc::downgrade(&ticker);
        thread::Builder::new()
            .name("crm-clock".to_owned())
            .spawn(move || run(&watched))
            .ok()?;
        *shared = Arc::downgrade(&ticker);
        Some(ticker)
    }

    #[inline]
    pub(crate) fn now(&self) -> Tick {
        // Relaxed: the time orders nothing but itself, and loads of one atomic by one thread never go backwards.
        Tick::from_nanos(self.nanos.load(Ordering::Relaxed))
    }
}

/// Reads the time until no clock is left that would ask for it.
fn run(ticker: &Weak<Ticker>) {
    while let Some(ticker) = ticker.upgrade() {
        ticker
            .nanos
            .store(system_now().as_nanos(), Ordering::Relaxed);
        drop(ticker);
        thread::sleep(PERIOD);
    }
}
