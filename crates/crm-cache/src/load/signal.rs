//! A value that comes once, for threads and for tasks that wait for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Empty until it is [`set`](Self::set); then everybody who waits gets to see the value.
pub(crate) struct Signal<T> {
    value: OnceLock<T>,
    tasks: Mutex<Tasks>,
    is_set: Condvar,
}

/// Who is to be woken, each at a place of its own.
#[derive(Default)]
struct Tasks {
    wakers: Vec<Option<Waker>>,
    vacant: Vec<usize>,
}

impl<T> Signal<T> {
    pub(crate) fn new() -> Self {
        Self {
            value: OnceLock::new(),
            tasks: Mutex::new(Tasks::default()),
            is_set: Condvar::new(),
        }
    }

    /// A signal that has its value already.
    pub(crate) fn of(value: T) -> Self {
        let signal = Self::new();
        signal.set(value);
        signal
    }

    /// Gives the value, unless there is one, and wakes everybody.
    pub(crate) fn set(&self, value: T) {
        // The first value stands: whoever has seen it has acted on it.
        let _ = self.value.set(value);
        // Under the lock, so that nobody is between the look at the value and the wait.
        let tasks = std::mem::take(&mut *self.tasks.lock());
        self.is_set.notify_all();
        tasks.wakers.into_iter().flatten().for_each(Waker::wake);
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// Blocks the thread until there is a value.
    pub(crate) fn wait(&self) -> &T {
        if let Some(value) = self.value.get() {
            return value;
        }
        let mut tasks = self.tasks.lock();
        loop {
            match self.value.get() {
                Some(value) => return value,
                None => self.is_set.wait(&mut tasks),
            }
        }
    }

    /// Blocks the thread until there is a value, or for so long.
    pub(crate) fn wait_for(&self, limit: Duration) -> Option<&T> {
        if let Some(value) = self.value.get() {
            return Some(value);
        }
        let mut tasks = self.tasks.lock();
        self.is_set
            .wait_while_for(&mut tasks, |_| self.value.get().is_none(), limit);
        self.value.get()
    }

    /// Suspends the task until there is a value. Dropping the future ends the waiting.
    pub(crate) fn ready(&self) -> Ready<'_, T> {
        Ready {
            signal: self,
            place: None,
        }
    }
}

/// A task's wait for a signal.
pub(crate) struct Ready<'a, T> {
    signal: &'a Signal<T>,
    place: Option<usize>,
}

impl<'a, T> Future for Ready<'a, T> {
    type Output = &'a T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<&'a T> {
        let signal = self.signal;
        if let Some(value) = signal.get() {
            return Poll::Ready(value);
        }
        let mut tasks = signal.tasks.lock();
        // Looked at again under the lock: a value set before it has taken all wakers there were.
        if let Some(value) = signal.get() {
            return Poll::Ready(value);
        }
        let place = self.place.unwrap_or_else(|| {
            tasks.vacant.pop().unwrap_or_else(|| {
                tasks.wakers.push(None);
                tasks.wakers.len() - 1
            })
        });
        self.place = Some(place);
        match &mut tasks.wakers[place] {
            Some(waker) => waker.clone_from(context.waker()),
            vacant @ None => *vacant = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

impl<T> Drop for Ready<'_, T> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let mut tasks = self.signal.tasks.lock();
            // All places are gone once the value is set.
            let waker = tasks.wakers.get_mut(place).and_then(Option::take);
            if waker.is_some() {
                tasks.vacant.push(place);
            }
            drop(tasks);
            // A waker is somebody else's code: dropped without the lock.
            drop(waker);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread;

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

    #[test]
    fn a_dropped_wait_leaves_its_place_to_the_next() {
        let (signal, woken) = (Signal::<u32>::new(), Arc::<Woken>::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        for _ in 0..10 {
            assert!(pin!(signal.ready()).poll(&mut context).is_pending());
        }
        assert_eq!(signal.tasks.lock().wakers.len(), 1);
        assert_eq!(Arc::strong_count(&woken), 2, "no waker is kept");
        signal.set(1);
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
    }
}
