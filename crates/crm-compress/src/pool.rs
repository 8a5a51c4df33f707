//! Where states wait between two bodies: one place in each thread first, then a shared store.
//!
//! A *kind* of state is a type with the trait [`Kind`], which [`kind!`] writes. Each kind has its own place in every
//! thread and its own shared store, so that a thread which serves several codings does not swap, and a load of one
//! coding does not drive out the states of another.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::LocalKey;

/// A state that serves one body after another.
pub(crate) trait State: Sized + Send + 'static {
    /// Makes the state as good as new, so that nothing of the last body can show in the next; `false` when it cannot,
    /// or when the state has grown beyond the size of its kind. It is then freed.
    fn recycle(&mut self) -> bool;
}

/// A state that has places to wait in; see [`kind!`].
pub(crate) trait Kind: State {
    /// The most memory in bytes that a waiting state holds: the size class from which the bounds follow.
    const BYTES: usize;

    /// How many states all threads together keep in their own places.
    const THREAD_PLACES: usize = places(64, Self::BYTES);
    /// How many states the shared store keeps.
    const SHARED_PLACES: usize = places(32, Self::BYTES);

    fn own() -> &'static LocalKey<Place<Self>>;
    fn store() -> &'static Store<Self>;
}

/// As many places as asked for, or so many that the states in them take two MiB for each place asked for.
const fn places(most: usize, bytes: usize) -> usize {
    let fitting = (most << 21) / bytes;
    if fitting < most { fitting } else { most }
}

/// Gives a type that is a [`State`] its places in the pool: `kind!(Engine, bytes: 300 * 1024)`.
macro_rules! kind {
    ($state:ty, bytes: $bytes:expr) => {
        impl $crate::pool::Kind for $state {
            const BYTES: usize = $bytes;

            fn own() -> &'static std::thread::LocalKey<$crate::pool::Place<Self>> {
                thread_local! {
                    static OWN: $crate::pool::Place<$state> =
                        const { $crate::pool::Place::new() };
                }
                &OWN
            }

            fn store() -> &'static $crate::pool::Store<Self> {
                static STORE: $crate::pool::Store<$state> = $crate::pool::Store::new();
                &STORE
            }
        }
    };
}
pub(crate) use kind;

/// The figures of the whole process. They are statistics or bounds on a number, and publish no other memory; hence
/// `Relaxed` throughout. None of them is written in the steady state.
static BUILT: AtomicU64 = AtomicU64::new(0);
static PLACES_TAKEN: AtomicUsize = AtomicUsize::new(0);
static SHARED: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// A place for one state in a thread.
pub(crate) struct Place<K: Kind> {
    state: Cell<Option<K>>,
    /// Whether this place counts in the store's `places_taken`. It does from its first state to the end of the thread,
    /// so that the steady state touches no shared counter.
    counted: Cell<bool>,
}

impl<K: Kind> Place<K> {
    pub(crate) const fn new() -> Self {
        Self {
            state: Cell::new(None),
            counted: Cell::new(false),
        }
    }

    /// Keeps the state, or hands back one that has no room.
    fn keep(&self, state: K) -> Option<K> {
        if !self.counted.get() {
            let one_more = |taken| (taken < K::THREAD_PLACES).then_some(taken + 1);
            if K::store()
                .places_taken
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
                .is_err()
            {
                return Some(state);
            }
            PLACES_TAKEN.fetch_add(1, Ordering::Relaxed);
            BYTES.fetch_add(K::BYTES, Ordering::Relaxed);
            self.counted.set(true);
        }
        self.state.replace(Some(state))
    }
}

impl<K: Kind> Drop for Place<K> {
    fn drop(&mut self) {
        if self.counted.get() {
            K::store().places_taken.fetch_sub(1, Ordering::Relaxed);
            PLACES_TAKEN.fetch_sub(1, Ordering::Relaxed);
            BYTES.fetch_sub(K::BYTES, Ordering::Relaxed);
        }
    }
}

/// What all threads share of one kind.
pub(crate) struct Store<K> {
    states: Mutex<Vec<K>>,
    places_taken: AtomicUsize,
}

impl<K: Kind> Store<K> {
    pub(crate) const fn new() -> Self {
        Self {
            states: Mutex::new(Vec::new()),
            places_taken: AtomicUsize::new(0),
        }
    }

    /// No code of others runs under this lock, and a panic between two moves leaves the states whole.
    fn states(&self) -> MutexGuard<'_, Vec<K>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<K> {
        let state = self.states().pop()?;
        SHARED.fetch_sub(1, Ordering::Relaxed);
        BYTES.fetch_sub(K::BYTES, Ordering::Relaxed);
        Some(state)
    }

    fn keep(&self, state: K) {
        let mut states = self.states();
        if states.len() < K::SHARED_PLACES {
            // Counted under the lock, so that nobody takes the state off the count before it is on it.
            SHARED.fetch_add(1, Ordering::Relaxed);
            BYTES.fetch_add(K::BYTES, Ordering::Relaxed);
            states.push(state);
        } else {
            // Freeing some 100 KB is not done under the lock.
            drop(states);
            drop(state);
        }
    }
}

/// A state that is clean: one that waited, or a new one.
pub(crate) fn take<K: Kind>(build: impl FnOnce() -> K) -> Lease<K> {
    let state = match K::own().try_with(|own| own.state.take()) {
        Ok(Some(state)) => state,
        // Either the place is empty, or the thread is ending and has no places any more.
        Ok(None) | Err(_) => K::store().take().unwrap_or_else(|| {
            BUILT.fetch_add(1, Ordering::Relaxed);
            build()
        }),
    };
    Lease { state: Some(state) }
}

/// A state taken from the pool for one body. It is cleaned and goes back when this is dropped, wherever the body
/// stands.
#[derive(Debug)]
pub(crate) struct Lease<K: Kind> {
    /// Always there until the drop.
    state: Option<K>,
}

impl<K: Kind> Deref for Lease<K> {
    type Target = K;

    fn deref(&self) -> &K {
        self.state.as_ref().expect("taken only by the drop")
    }
}

impl<K: Kind> DerefMut for Lease<K> {
    fn deref_mut(&mut self) -> &mut K {
        self.state.as_mut().expect("taken only by the drop")
    }
}

impl<K: Kind> Drop for Lease<K> {
    fn drop(&mut self) {
        let Some(mut state) = self.state.take() else {
            return;
        };
        if !state.recycle() {
            return;
        }
        let mut homeless = Some(state);
        // An ending thread has no places any more, and leaves the state where it is.
        let _ = K::own().try_with(|own| {
            if let Some(state) = homeless.take() {
                homeless = own.keep(state);
            }
        });
        if let Some(state) = homeless {
            K::store().keep(state);
        }
    }
}

/// What the pool of encoder states holds; see [`pool_stats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// How many states have been built since the process began. In a steady load it stands still.
    pub built: u64,
    /// How many places for one state the threads hold. A place that has been used stays with its thread.
    pub thread_places: usize,
    /// How many states wait in the shared stores.
    pub shared: usize,
    /// The most memory in bytes that those places and stores can hold now: each counts with the largest size that its
    /// kind keeps.
    pub bytes: usize,
}

/// A look at the pool, in which encoder states wait between two bodies.
///
/// A thread keeps at most one state of each kind. For each kind, all threads together keep at most 64 states and
/// 128 MiB, and a shared store 32 states and 64 MiB more, however many threads there are. A state that has grown beyond
/// the size of its kind is freed instead of kept. States in use are not counted; there are as many as bodies being
/// encoded at that moment.
///
/// | kind | a waiting state holds at most | and mostly | states | all together at most |
/// |---|---|---|---|---|
/// | gzip and deflate, whole bodies | 384 KiB | the same | 64 + 32 | 36 MiB |
/// | gzip, streams | 384 KiB | the same | 64 + 32 | 36 MiB |
/// | deflate, streams | 384 KiB | the same | 64 + 32 | 36 MiB |
/// | gzip and deflate, by libdeflate | 384 KiB | the same | 64 + 32 | 36 MiB |
/// | br | 4 MiB | 0.7 MiB at 10 KB, 2 MiB at 130 KB | 32 + 16 | 192 MiB |
/// | zstd and dcz | 2 MiB | 0.2 MiB at 10 KB, 1 MiB at 130 KB | 64 + 32 | 192 MiB |
/// | buffer of a stream | 16 KiB | the same | 64 + 32 | 1.5 MiB |
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
        shared: SHARED.load(Ordering::Relaxed),
        bytes: BYTES.load(Ordering::Relaxed),
    }
}
