//! What can be said to a run from outside, and how its threads hear it.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use crm_clock::{Clock, Tick};

use crate::aside::Aside;
use crate::sync::{AtomicU8, Condvar, Mutex, MutexGuard, pool};

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

/// How long a thread looks away that has nothing better to wait for.
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
        if self.is_late() {
            self.ring();
        }
        self.is_over()
    }

    /// Looks at the clock, and says whether the time is up since this very look.
    fn is_late(&self) -> bool {
        match self.deadline {
            Some(deadline) => {
                !self.has(LATE) && self.clock.now() >= deadline && self.raise(LATE) & LATE == 0
            }
            None => false,
        }
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

    pub(crate) fn set_paused(&self, paused: bool) {
        if paused {
            self.raise(PAUSED);
        } else {
            self.lower(PAUSED);
        }
        self.ring();
    }

    /// Waits on the caller's thread until `look` finds something; see [`until`](Self::until).
    ///
    /// If the caller is a worker of a pool, another thread waits, and the caller does its pool's other work.
    pub(crate) fn wait<T: Send>(
        &self,
        mut look: impl FnMut() -> Result<T, Option<Tick>> + Send,
    ) -> T {
        self.look();
        if let Ok(found) = look() {
            return found;
        }
        match Aside::new() {
            Ok(aside) => aside.run(|| self.until(look)),
            // No thread is to be had: the worker looks again between one piece of other work and the next.
            Err(_) => loop {
                self.look();
                if let Ok(found) = look() {
                    return found;
                }
                if pool::yield_now() != Some(pool::Yield::Executed) {
                    drop(self.rung.wait_timeout(self.lock(), NAP));
                }
            },
        }
    }

    /// Sleeps until `look` finds something. It looks again when the bell is rung, when the time has come that `look` has named,
    /// and at the deadline.
    ///
    /// The bell is held during a look, so that whoever changes something and then rings is heard.
    pub(crate) fn until<T>(&self, mut look: impl FnMut() -> Result<T, Option<Tick>>) -> T {
        let mut bell = self.lock();
        let mut overslept = false;
        loop {
            if self.is_late() {
                self.rung.notify_all();
            }
            let until = match look() {
                Ok(found) => return found,
                Err(until) => until,
            };
            let deadline = self.deadline.filter(|_| !self.has(LATE));
            let Some(until) = until.into_iter().chain(deadline).min() else {
                bell = self.rung.wait(bell).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            // When the time has come for us and not on the clock, that is turned by hand, and may be turned at any time.
            let nap = if overslept {
                NAP
            } else {
                until - self.clock.now()
            };
            let woken = self.rung.wait_timeout(bell, nap);
            let (held, timeout) = woken.unwrap_or_else(PoisonError::into_inner);
            bell = held;
            overslept = timeout.timed_out();
        }
    }

    fn has(&self, signals: u8) -> bool {
        self.signals.load(Ordering::Relaxed) & signals != 0
    }

    /// Returns what was there before.
    fn raise(&self, signals: u8) -> u8 {
        self.signals.fetch_or(signals, Ordering::Relaxed)
    }

    fn lower(&self, signals: u8) {
        self.signals.fetch_and(!signals, Ordering::Relaxed);
    }

    /// Wakes whoever waits. The lock orders it with their look at what they wait for, so that no change is missed that was
    /// made before. It must not be called under the gate's lock, which that look takes.
    pub(crate) fn ring(&self) {
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
