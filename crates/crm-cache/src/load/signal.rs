//! A value that comes once, for threads and for tasks that wait for it.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crm_clock::Clock;

use crate::sync::thread::{self, Thread};
use crate::sync::{Mutex, OnceLock};

/// Empty until it is [`set`](Self::set); then everybody who waits gets to see the value.
///
/// Each is woken once, and needs no lock to see the value: a condition variable would have them pass its lock on from one
/// to the next, each by another switch of threads.
pub(crate) struct Signal<T> {
    value: OnceLock<T>,
    waiters: Mutex<Waiters>,
}

/// Who is to be woken, each at a place of its own.
#[derive(Default)]
struct Waiters {
    places: Vec<Option<Waiter>>,
    vacant: Vec<usize>,
}

enum Waiter {
    Task(Waker),
    Thread(Thread),
}

impl Waiter {
    fn wake(self) {
        match self {
            Self::Task(waker) => waker.wake(),
            Self::Thread(thread) => thread.unpark(),
        }
    }
}

impl<T> Signal<T> {
    pub(crate) fn new() -> Self {
        Self {
            value: OnceLock::new(),
            waiters: Mutex::new(Waiters::default()),
        }
    }

    /// Gives the value, unless there is one, and wakes everybody.
    pub(crate) fn set(&self, value: T) {
        // The first value stands: whoever has seen it has acted on it.
        let _ = self.value.set(value);
        // Under the lock, so that nobody is between the look at the value and the wait.
        let waiters = std::mem::take(&mut *self.waiters.lock());
        for_all(waiters.places.into_iter().flatten(), Waiter::wake);
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// Blocks the thread until there is a value.
    pub(crate) fn wait(&self) -> &T {
        let mut place = Place::of(self);
        loop {
            match place.wait_or(|| Waiter::Thread(thread::current())) {
                Some(value) => return value,
                None => thread::park(),
            }
        }
    }

    /// Blocks the thread until there is a value, or until `gives_up` holds after a [`nudge`](Self::nudge).
    pub(crate) fn wait_unless(&self, gives_up: impl Fn() -> bool) -> Option<&T> {
        let mut place = Place::of(self);
        loop {
            // Only who has a place is sure to be nudged from now on.
            match place.wait_or(|| Waiter::Thread(thread::current())) {
                Some(value) => return Some(value),
                None if gives_up() => return self.get(),
                None => thread::park(),
            }
        }
    }

    /// Has those who wait look again whether to.
    pub(crate) fn nudge(&self) {
        let mut tasks = Vec::new();
        for place in &mut self.waiters.lock().places {
            match place {
                Some(Waiter::Thread(thread)) => thread.unpark(),
                // It leaves its waker again when it looks.
                Some(Waiter::Task(_)) => tasks.extend(place.take()),
                None => {}
            }
        }
        for_all(tasks, Waiter::wake);
    }

    /// Whether a thread waits: it will look when it is nudged, while a task may never be polled again.
    pub(crate) fn has_thread(&self) -> bool {
        let waiters = self.waiters.lock();
        let mut waiting = waiters.places.iter().flatten();
        waiting.any(|waiter| matches!(waiter, Waiter::Thread(_)))
    }

    /// Blocks the thread until there is a value, or for so long.
    pub(crate) fn wait_for(&self, limit: Duration) -> Option<&T> {
        let mut place = Place::of(self);
        let clock = Clock::system();
        let begun = clock.now();
        loop {
            if let Some(value) = place.wait_or(|| Waiter::Thread(thread::current())) {
                return Some(value);
            }
            let left = limit.saturating_sub(clock.now() - begun);
            if left.is_zero() {
                return self.get();
            }
            thread::park_timeout(left);
        }
    }

    /// Suspends the task until there is a value. Dropping the future ends the waiting.
    pub(crate) fn ready(&self) -> Ready<'_, T> {
        Ready(Place::of(self))
    }

    /// Suspends the task until there is a value, or until `gives_up` holds after a [`nudge`](Self::nudge).
    pub(crate) async fn ready_unless(&self, gives_up: impl Fn() -> bool) -> Option<&T> {
        let mut ready = self.ready();
        poll_fn(|context| match Pin::new(&mut ready).poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if gives_up() => Poll::Ready(self.get()),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}

/// Does something with each, though it may panic: the first panic goes on when all are done.
pub(super) fn for_all<T>(items: impl IntoIterator<Item = T>, mut act: impl FnMut(T)) {
    let mut first = None;
    for item in items {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| act(item))) {
            first.get_or_insert(panic);
        }
    }
    if let Some(panic) = first {
        resume_unwind(panic);
    }
}

/// A place among those who wait, given up when dropped.
struct Place<'a, T> {
    signal: &'a Signal<T>,
    at: Option<usize>,
}

impl<'a, T> Place<'a, T> {
    fn of(signal: &'a Signal<T>) -> Self {
        Self { signal, at: None }
    }

    /// The value; if there is none yet, this waiter will be woken when there is.
    fn wait_or(&mut self, waiter: impl FnOnce() -> Waiter) -> Option<&'a T> {
        let signal = self.signal;
        if let Some(value) = signal.get() {
            return Some(value);
        }
        let waiter = waiter();
        let mut waiters = signal.waiters.lock();
        // Looked at again under the lock: a value set before it has taken all waiters there were.
        if let Some(value) = signal.get() {
            return Some(value);
        }
        let at = self.at.unwrap_or_else(|| {
            waiters.vacant.pop().unwrap_or_else(|| {
                waiters.places.push(None);
                waiters.places.len() - 1
            })
        });
        self.at = Some(at);
        let former = waiters.places[at].replace(waiter);
        drop(waiters);
        // A waker is somebody else's code: cloned and dropped without the lock.
        drop(former);
        None
    }
}

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        // All places are gone once the value is set, or will be in a moment.
        let Some(at) = self.at.filter(|_| self.signal.get().is_none()) else {
            return;
        };
        let mut waiters = self.signal.waiters.lock();
        let place = waiters.places.get_mut(at);
        let is_there = place.is_some();
        let waiter = place.and_then(Option::take);
        if is_there {
            waiters.vacant.push(at);
        }
        drop(waiters);
        drop(waiter);
    }
}

/// A task's wait for a signal.
pub(crate) struct Ready<'a, T>(Place<'a, T>);

impl<'a, T> Future for Ready<'a, T> {
    type Output = &'a T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<&'a T> {
        let waker = || Waiter::Task(context.waker().clone());
        self.0.wait_or(waker).map_or(Poll::Pending, Poll::Ready)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::future::Future;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread;
    use std::time::Duration;

    use super::Signal;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn threads_and_tasks_are_woken_once_and_see_the_first_value() {
        let (signal, woken) = (Signal::new(), Arc::<Woken>::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        thread::scope(|scope| {
            let thread = scope.spawn(|| *signal.wait());
            let mut one = pin!(signal.ready());
            assert!(one.as_mut().poll(&mut context).is_pending());
            assert!(one.as_mut().poll(&mut context).is_pending());
            signal.set(7);
            signal.set(8);
            assert_eq!(woken.0.load(Ordering::Relaxed), 1);
            assert_eq!(one.as_mut().poll(&mut context), Poll::Ready(&7));
            assert_eq!(thread.join().unwrap(), 7);
        });
        assert_eq!(*signal.wait(), 7);
    }

    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("on purpose");
        }
    }

    #[test]
    fn a_panicking_waker_leaves_nobody_asleep() {
        let (signal, woken) = (Signal::new(), Arc::<Woken>::default());
        let wakers = [
            Waker::from(Arc::new(Panics)),
            Waker::from(Arc::clone(&woken)),
        ];
        let mut waits = [(); 2].map(|()| signal.ready());
        for act in [
            |signal: &Signal<u32>| signal.nudge(),
            |signal: &Signal<u32>| signal.set(7),
        ] {
            for (wait, waker) in waits.iter_mut().zip(&wakers) {
                assert!(
                    pin!(wait)
                        .poll(&mut Context::from_waker(waker))
                        .is_pending()
                );
            }
            let before = woken.0.load(Ordering::Relaxed);
            assert!(catch_unwind(AssertUnwindSafe(|| act(&signal))).is_err());
            assert_eq!(woken.0.load(Ordering::Relaxed), before + 1);
        }
        assert_eq!(signal.get(), Some(&7));
    }

    #[test]
    fn a_thread_that_waited_too_long_leaves_its_place_to_the_next() {
        let signal = Signal::new();
        for _ in 0..10 {
            assert_eq!(signal.wait_for(Duration::ZERO), None);
        }
        assert_eq!(signal.waiters.lock().places.len(), 1);
        thread::scope(|scope| {
            let patient = scope.spawn(|| signal.wait_for(Duration::MAX).copied());
            while signal.waiters.lock().places[0].is_none() {
                thread::yield_now();
            }
            signal.set(7);
            assert_eq!(patient.join().unwrap(), Some(7));
        });
        assert_eq!(signal.wait_for(Duration::ZERO), Some(&7));
    }

    #[test]
    fn a_dropped_wait_leaves_its_place_to_the_next() {
        let (signal, woken) = (Signal::<u32>::new(), Arc::<Woken>::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        for _ in 0..10 {
            assert!(pin!(signal.ready()).poll(&mut context).is_pending());
        }
        assert_eq!(signal.waiters.lock().places.len(), 1);
        assert_eq!(Arc::strong_count(&woken), 2, "no waker is kept");
        signal.set(1);
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
    }
}
