//! A thread that samples.

use std::fmt;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::window::history::History;

/// Samples a [`History`] once a period, on a thread of its own that ends when this is dropped.
///
/// ```no_run
/// use crm_monitor::{Counter, History, Sampler};
/// use std::time::Duration;
///
/// let history = History::new();
/// let logins = Counter::new();
/// let tracked = history.track(&logins);
/// let sampler = Sampler::spawn(&history)?; // keep it as long as windows are asked for
/// // ...
/// let day = tracked.over(Duration::from_secs(24 * 60 * 60));
/// # drop((sampler, day));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// A function behind [`History::track_with`] that panics misses that sample; the thread goes on with the others.
#[must_use = "the thread ends when this is dropped"]
pub struct Sampler {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How many rounds were asked for by [`Sampler::sample_now`].
    asked: u64,
    /// How many of those were done.
    done: u64,
    /// The owner is gone.
    over: bool,
}

impl Sampler {
    /// Starts the thread. It takes its first sample after one period.
    ///
    /// # Errors
    ///
    /// Where the operating system starts no thread.
    pub fn spawn(history: &History) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let (history, theirs) = (history.clone(), Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("crm-monitor".to_owned())
            .spawn(move || run(&history, &theirs))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Has the thread take a sample at once, and waits for it. As with [`History::sample`], instruments whose last sample is younger
    /// than half a period are left alone.
    ///
    /// A test that turns the clock by hand has the thread do its work by this without waiting for a period to pass.
    pub fn sample_now(&self) {
        if self.is_own_thread() {
            return;
        }
        let mut state = self.shared.state.lock();
        state.asked += 1;
        let mine = state.asked;
        self.shared.changed.notify_all();
        self.shared
            .changed
            .wait_while(&mut state, |state| state.done < mine && !state.over);
    }

    /// Whether this is called by a function that the thread itself is calling.
    fn is_own_thread(&self) -> bool {
        let thread = self.thread.as_ref().map(|handle| handle.thread().id());
        thread == Some(thread::current().id())
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.shared.state.lock().over = true;
        self.shared.changed.notify_all();
        // A thread cannot wait for itself; it ends by the flag.
        if self.is_own_thread() {
            return;
        }
        if let Some(thread) = self.thread.take() {
            // It panics at most where a panic's payload does so when dropped.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler")
            .field("rounds_asked_for", &self.shared.state.lock().asked)
            .finish_non_exhaustive()
    }
}

/// Samples until the sampler is dropped.
fn run(history: &History, shared: &Shared) {
    // Nobody waits for a thread that has ended, whatever ended it.
    let _end = End { shared };
    let mut pause = history.period();
    while let Some(asked) = shared.wait(pause) {
        let begin = history.clock().now();
        for track in history.tracks() {
            // One that panics has told so by the panic hook, and is tried again in the next round.
            // It is dropped in there as well: the thread may be the last to hold it.
            let _ = panic::catch_unwind(AssertUnwindSafe(move || track.sample(history.pause())));
        }
        shared.state.lock().done = asked;
        shared.changed.notify_all();
        // A round that takes longer than half a period must not keep a processor busy for ever.
        let spent = history.clock().now() - begin;
        pause = history
            .period()
            .saturating_sub(spent)
            .max(history.period() / 2);
    }
}

impl Shared {
    /// Waits for `pause`, or until somebody asks for a round; then how many rounds were asked for by now. None at the end.
    fn wait(&self, pause: Duration) -> Option<u64> {
        let mut state = self.state.lock();
        let idle = |state: &mut State| state.asked == state.done && !state.over;
        self.changed.wait_while_for(&mut state, idle, pause);
        (!state.over).then_some(state.asked)
    }
}

/// Says that the thread has ended.
struct End<'a> {
    shared: &'a Shared,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.shared.state.lock().over = true;
        self.shared.changed.notify_all();
    }
}
