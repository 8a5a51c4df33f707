//! What can be said to a run from outside, and how its threads hear it.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crm_clock::{Clock, Tick};

/// The run has ended at the gate; what is left of it is to be dropped.
const STOPPED: u8 = 1;
/// Somebody cancelled it.
const CANCELLED: u8 = 2;
/// Its time is over.
const LATE: u8 = 4;
/// Somebody paused it.
const PAUSED: u8 = 8;
/// A thread has nothing to do, so that a chunk may be split.
const IDLE: u8 = 16;
/// There is something for which the clock must be looked at: a deadline, or a record that waits for its retry.
const ALARM: u8 = 32;

const OVER: u8 = STOPPED | CANCELLED | LATE;

/// How long a worker of some pool that waits for its run looks away from the other work of the pool.
const NAP: Duration = Duration::from_millis(1);

/// Why a run ended that nothing in it had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Cancelled,
    Late,
}

/// The signals of one run. One byte, so that a worker hears all of them with one load for each record.
///
/// The signals are hints: all loads are relaxed, and whoever acts on one takes the gate's lock, which orders the rest.
pub(crate) struct Control {
    signals: AtomicU8,
    deadline: Option<Tick>,
    clock: Clock,
    bell: Mutex<()>,
    rung: Condvar,
}

impl Control {
    /// The control of a run that begins now.
    pub(crate) fn new(clock: &Clock, start: Tick, deadline: Option<Duration>) -> Self {
        Self {
            signals: AtomicU8::new(if deadline.is_some() { ALARM } else { 0 }),
            deadline: deadline.map(|after| start + after),
            clock: clock.clone(),
            bell: Mutex::new(()),
            rung: Condvar::new(),
        }
    }

    /// Whether there is anything to be heard.
    #[inline]
    pub(crate) fn is_raised(&self) -> bool {
        self.signals.load(Ordering::Relaxed) != 0
    }

    /// The byte that [`is_raised`](Self::is_raised) looks at.
    pub(crate) fn signals(&self) -> &AtomicU8 {
        &self.signals
    }

    pub(crate) fn is_over(&self) -> bool {
        self.has(OVER)
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.has(PAUSED)
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.has(IDLE)
    }

    pub(crate) fn has_alarm(&self) -> bool {
        self.has(ALARM)
    }

    /// Why the run is over, when neither a record nor a stage was the reason.
    pub(crate) fn cause(&self) -> Option<Cause> {
        let signals = self.signals.load(Ordering::Relaxed);
        if signals & CANCELLED != 0 {
            Some(Cause::Cancelled)
        } else if signals & LATE != 0 {
            Some(Cause::Late)
        } else {
            None
        }
    }

    /// Looks at the clock when there is a deadline, and says whether the run is over.
    pub(crate) fn look(&self) -> bool {
        if let Some(deadline) = self.deadline {
            if self.clock.now() >= deadline {
                self.raise(LATE);
            }
        }
        self.is_over()
    }

    pub(crate) fn stop(&self) {
        self.raise(STOPPED);
    }

    pub(crate) fn cancel(&self) {
        self.raise(CANCELLED);
        self.ring();
    }

    pub(crate) fn set_idle(&self, idle: bool) {
        if idle == self.has(IDLE) {
            return;
        }
        if idle {
            self.raise(IDLE);
        } else {
            self.lower(IDLE);
        }
    }

    /// Has the workers look at the clock now and then.
    pub(crate) fn set_alarm(&self) {
        self.raise(ALARM);
    }

    fn set_paused(&self, paused: bool) {
        if paused {
            self.raise(PAUSED);
        } else {
            self.lower(PAUSED);
        }
        self.ring();
    }

    /// Waits on the caller's thread until the run is over, is paused or resumed, or `until` has come.
    ///
    /// A caller that is a worker of a pool does the pool's other work meanwhile, and sleeps a millisecond at a time when
    /// there is none.
    pub(crate) fn wait(&self, until: Option<Tick>) {
        let paused = self.is_paused();
        let until = match (until, self.deadline) {
            (Some(until), Some(deadline)) => Some(until.min(deadline)),
            (until, deadline) => until.or(deadline),
        };
        let mut slept = Duration::ZERO;
        loop {
            if rayon::yield_now() == Some(rayon::Yield::Executed) {
                slept = Duration::ZERO;
            }
            let bell = self.lock();
            let now = self.clock.now();
            let due = until.is_some_and(|until| now >= until);
            if due || self.is_over() || self.is_paused() != paused {
                return;
            }
            let worker = rayon::current_thread_index().is_some();
            let left = until.map(|until| (until - now).saturating_sub(slept));
            let nap = match left {
                // The time has come for us, but not on the clock: it is turned by hand, and may be turned at any time.
                Some(Duration::ZERO) => Some(NAP),
                Some(left) if worker => Some(left.min(NAP)),
                Some(left) => Some(left),
                None if worker => Some(NAP),
                None => None,
            };
            match nap {
                None => drop(self.rung.wait(bell)),
                Some(nap) => {
                    slept += nap;
                    drop(self.rung.wait_timeout(bell, nap));
                }
            }
        }
    }

    fn has(&self, signals: u8) -> bool {
        self.signals.load(Ordering::Relaxed) & signals != 0
    }

    fn raise(&self, signals: u8) {
        self.signals.fetch_or(signals, Ordering::Relaxed);
    }

    fn lower(&self, signals: u8) {
        self.signals.fetch_and(!signals, Ordering::Relaxed);
    }

    /// Wakes whoever waits. The lock orders it with the look at the signals before the wait, so that none is missed.
    fn ring(&self) {
        drop(self.lock());
        self.rung.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.bell.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("signals", &self.signals)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// Cancels, pauses and resumes runs from any thread.
///
/// Clones are the same token. It may be given to any number of runs, at the same time and one after the other; a run that
/// is given a cancelled token ends before its first record. Being cancelled is for ever.
///
/// A paused run finishes the chunks that it has begun and then holds no thread of the pool; the caller of a blocking run
/// goes on waiting.
///
/// ```
/// use crm_batch::{Batch, BatchError, CancelToken};
///
/// let token = CancelToken::new();
/// let batch = Batch::builder().cancel(token.clone()).build()?;
/// let process = |n: u64| {
///     if n == 5_000 {
///         token.cancel(); // the user has pressed the button
///     }
///     Ok::<_, std::io::Error>(n)
/// };
/// let error = batch.run(0_u64.., process, |_| Ok::<_, std::io::Error>(())).unwrap_err();
/// assert!(matches!(error, BatchError::Cancelled { .. }));
/// assert_eq!(error.report().written(), error.position()); // where to go on
/// # Ok::<(), crm_batch::BuildError>(())
/// ```
#[derive(Clone, Default)]
pub struct CancelToken {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    cancelled: bool,
    paused: bool,
    runs: Vec<Weak<Control>>,
}

impl CancelToken {
    /// A token that says nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends every run that has the token, with [`BatchError::Cancelled`](crate::BatchError::Cancelled).
    ///
    /// A worker hears it before its next record, in the middle of a chunk; the sink, after the chunk that it is given.
    pub fn cancel(&self) {
        let mut shared = self.lock();
        shared.cancelled = true;
        for run in shared.runs.drain(..) {
            if let Some(run) = run.upgrade() {
                run.cancel();
            }
        }
    }

    /// Has every run that has the token begin no further chunk and no retry until it is resumed.
    pub fn pause(&self) {
        self.set_paused(true);
    }

    /// Lets paused runs go on.
    pub fn resume(&self) {
        self.set_paused(false);
    }

    /// Whether it has been cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    /// Whether it is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.lock().paused
    }

    /// Has the token speak to a run.
    pub(crate) fn join(&self, control: &Arc<Control>) {
        let mut shared = self.lock();
        if shared.cancelled {
            control.cancel();
            return;
        }
        if shared.paused {
            control.set_paused(true);
        }
        shared.runs.retain(|run| run.strong_count() > 0);
        shared.runs.push(Arc::downgrade(control));
    }

    fn set_paused(&self, paused: bool) {
        let mut shared = self.lock();
        shared.paused = paused;
        for run in shared.runs.iter().filter_map(Weak::upgrade) {
            run.set_paused(paused);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = self.lock();
        f.debug_struct("CancelToken")
            .field("cancelled", &shared.cancelled)
            .field("paused", &shared.paused)
            .finish_non_exhaustive()
    }
}
