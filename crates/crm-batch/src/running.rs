//! A run as a future.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

use crate::control::Control;
use crate::panic::contain;
use crate::{BatchError, Panic, Report};

type Job<E, S, I> = Box<dyn FnOnce() -> Outcome<E, S, I> + Send>;

type Outcome<E, S, I> = Result<Report<E>, BatchError<E, S, I>>;

/// A run as a future; made by [`Ready::run_async`](crate::Ready::run_async).
///
/// The first poll starts a thread for it. Dropping it cancels the run.
#[must_use = "a future does nothing until it is polled"]
pub struct Running<E, S, I> {
    control: Arc<Control>,
    run: Option<Job<E, S, I>>,
    tray: Arc<Mutex<Tray<E, S, I>>>,
}

/// Where the thread leaves the outcome, and the future its waker.
struct Tray<E, S, I> {
    outcome: Option<Result<Outcome<E, S, I>, Panic>>,
    waker: Option<Waker>,
}

impl<E, S, I> Running<E, S, I> {
    pub(crate) fn new(control: Arc<Control>, run: Job<E, S, I>) -> Self {
        Self {
            control,
            run: Some(run),
            tray: Arc::new(Mutex::new(Tray {
                outcome: None,
                waker: None,
            })),
        }
    }
}

impl<E, S, I> Future for Running<E, S, I>
where
    E: Send + 'static,
    S: Send + 'static,
    I: Send + 'static,
{
    type Output = Outcome<E, S, I>;

    /// # Panics
    ///
    /// When the run has panicked, which only a destructor of the user can do.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = {
            let mut tray = lock(&self.tray);
            tray.waker = Some(context.waker().clone());
            tray.outcome.take()
        };
        match outcome {
            Some(Ok(outcome)) => return Poll::Ready(outcome),
            Some(Err(panic)) => panic.resume(),
            None => (),
        }
        let Some(run) = self.run.take() else {
            return Poll::Pending;
        };
        let tray = Arc::clone(&self.tray);
        let body = move || {
            let outcome = contain(run);
            let waker = {
                let mut tray = lock(&tray);
                tray.outcome = Some(outcome);
                tray.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        };
        let started = thread::Builder::new()
            .name("crm-batch-run".to_owned())
            .spawn(body);
        match started {
            Ok(_) => Poll::Pending,
            Err(error) => Poll::Ready(Err(BatchError::Thread {
                error,
                report: Box::new(Report::empty()),
            })),
        }
    }
}

impl<E, S, I> Drop for Running<E, S, I> {
    fn drop(&mut self) {
        self.control.cancel();
    }
}

impl<E, S, I> fmt::Debug for Running<E, S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("started", &self.run.is_none())
            .finish_non_exhaustive()
    }
}

fn lock<E, S, I>(tray: &Mutex<Tray<E, S, I>>) -> MutexGuard<'_, Tray<E, S, I>> {
    tray.lock().unwrap_or_else(PoisonError::into_inner)
}
