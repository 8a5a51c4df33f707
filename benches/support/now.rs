//! Futures that need no runtime.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

/// Polls a future that is ready at once, or very soon.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::yield_now();
    }
}
