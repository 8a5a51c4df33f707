//! Where engines wait between two bodies: one place in each thread first, then a shared store.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::{Engine, Wrapper};

/// How many engines all threads together may keep in their own places.
const THREAD_PLACES: usize = 64;
/// How many engines the shared store keeps.
const SHARED_PLACES: usize = 32;

/// All counters are statistics or bounds on a number, and publish no other memory; hence `Relaxed` throughout.
static BUILT: AtomicU64 = AtomicU64::new(0);
static PLACES_TAKEN: AtomicUsize = AtomicUsize::new(0);
static SHARED: Mutex<Vec<Engine>> = Mutex::new(Vec::new());

thread_local! {
    /// One place for each wrapper, so that a thread which serves both does not swap.
    static OWN: [Place; 2] = const { [Place::new(), Place::new()] };
}

/// A place for one engine in a thread.
struct Place {
    engine: Cell<Option<Engine>>,
    /// Whether this place counts in `PLACES_TAKEN`. It does from its first engine to the end of the thread, so that
    /// the steady state touches no shared counter.
    counted: Cell<bool>,
}

impl Place {
    const fn new() -> Self {
        Self {
            engine: Cell::new(None),
            counted: Cell::new(false),
        }
    }

    /// Keeps the engine, or hands it back.
    fn keep(&self, engine: Engine) -> Option<Engine> {
        if !self.counted.get() {
            let one_more = |taken| (taken < THREAD_PLACES).then_some(taken + 1);
            if PLACES_TAKEN
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
                .is_err()
            {
                return Some(engine);
            }
            self.counted.set(true);
        }
        self.engine.replace(Some(engine))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.counted.get() {
            PLACES_TAKEN.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn place(wrapper: Wrapper) -> usize {
    match wrapper {
        Wrapper::Bare => 0,
        Wrapper::Zlib => 1,
    }
}

/// An engine that is clean and of this level.
pub(crate) fn take(wrapper: Wrapper, level: u8) -> Engine {
    let own = OWN.try_with(|own| own[place(wrapper)].engine.take());
    let mut engine = match own {
        Ok(Some(engine)) => engine,
        // Either the place is empty, or the thread is ending and has no places any more.
        Ok(None) | Err(_) => take_shared(wrapper).unwrap_or_else(|| {
            BUILT.fetch_add(1, Ordering::Relaxed);
            Engine::new(wrapper, level)
        }),
    };
    engine.set_level(level);
    engine
}

fn take_shared(wrapper: Wrapper) -> Option<Engine> {
    let mut shared = shared();
    let at = shared
        .iter()
        .rposition(|engine| engine.wrapper() == wrapper)?;
    Some(shared.swap_remove(at))
}

/// Cleans the engine and keeps it for the next body, if there is room.
pub(crate) fn give_back(mut engine: Engine) {
    if !engine.recycle() {
        return;
    }
    let mut homeless = Some(engine);
    // An ending thread has no places any more, and leaves the engine where it is.
    let _ = OWN.try_with(|own| {
        if let Some(engine) = homeless.take() {
            homeless = own[place(engine.wrapper())].keep(engine);
        }
    });
    if let Some(engine) = homeless {
        let mut shared = shared();
        if shared.len() < SHARED_PLACES {
            shared.push(engine);
        } else {
            // Freeing 400 KB is not done under the lock.
            drop(shared);
            drop(engine);
        }
    }
}

/// The shared store. No code of others runs under its lock, and a panic between two moves leaves it whole.
fn shared() -> MutexGuard<'static, Vec<Engine>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the pool of encoder states holds; see [`pool_stats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// How many states have been built since the process began. In a steady load it stands still.
    pub built: u64,
    /// How many places for one state the threads hold, at most 64. A place that has been used stays with its thread.
    pub thread_places: usize,
    /// How many states wait in the shared store, at most 32.
    pub shared: usize,
}

/// A look at the pool, in which encoder states wait between two bodies.
///
/// A state takes about 400 KB. A thread keeps at most one for gzip and one for deflate, all threads together at most
/// 64, and a shared store 32 more: the pool never holds more than 96 states, 38 MB, however many threads there are.
/// States in use are not counted; there are as many as bodies being encoded at that moment.
///
/// ```
/// use crm_compress::{Gzip, pool_stats};
///
/// Gzip::default().encode(b"the first body on this thread");
/// let before = pool_stats().built;
/// Gzip::default().encode(b"the second one takes the same state");
/// assert_eq!(pool_stats().built, before);
/// ```
#[must_use]
pub fn pool_stats() -> PoolStats {
    PoolStats {
        built: BUILT.load(Ordering::Relaxed),
        thread_places: PLACES_TAKEN.load(Ordering::Relaxed),
        shared: shared().len(),
    }
}
