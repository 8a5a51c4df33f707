//! Which loads the code that now runs on this thread belongs to, so that one that asks for its own key is told.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::mem::ManuallyDrop;
use std::pin::pin;

use crate::sync::thread_locals;

thread_locals! {
    /// The flights whose loaders are on this thread's stack, by address.
    static ABOARD: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };

    /// As before, for destructors of other thread-locals that run after that is gone. It has no destructor of its own: what
    /// it holds is freed when no loader is left.
    static LATE: ManuallyDrop<RefCell<Vec<usize>>> = const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

/// Shows the list that is still there.
fn with<R>(act: impl Fn(&mut Vec<usize>) -> R) -> Option<R> {
    let act = |aboard: &RefCell<Vec<usize>>| act(&mut aboard.borrow_mut());
    ABOARD
        .try_with(act)
        .or_else(|_| LATE.try_with(|aboard| act(aboard)))
        .ok()
}

/// Whether the calling code is part of the loader of this flight, so that waiting for it would never end.
pub(crate) fn is_aboard(flight: usize) -> bool {
    with(|aboard| aboard.contains(&flight)).unwrap_or(false)
}

/// Whether the calling code is part of any loader.
pub(crate) fn is_nested() -> bool {
    with(|aboard| !aboard.is_empty()).unwrap_or(false)
}

/// Runs a loader as part of these flights.
pub(crate) fn aboard<R>(flights: &[usize], load: impl FnOnce() -> R) -> R {
    let _stay = Stay::begin(flights);
    load()
}

/// Runs a loader's future as part of these flights, on whichever thread it is polled.
pub(crate) async fn aboard_async<F: Future>(flights: &[usize], load: F) -> F::Output {
    let mut load = pin!(load);
    poll_fn(|context| aboard(flights, || load.as_mut().poll(context))).await
}

/// Ends when dropped, on a panic too.
struct Stay(usize);

impl Stay {
    fn begin(flights: &[usize]) -> Self {
        let before = with(|aboard| {
            let before = aboard.len();
            aboard.extend(flights);
            before
        });
        Self(before.unwrap_or(0))
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        with(|aboard| aboard.truncate(self.0));
        if self.0 == 0 && ABOARD.try_with(|_| ()).is_err() {
            // Nobody comes after this to free it.
            let _ = LATE.try_with(|aboard| aboard.take());
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::panic::catch_unwind;

    use super::{aboard, is_aboard};

    #[test]
    fn a_stay_ends_with_the_loader_even_if_it_panics() {
        aboard(&[1, 2], || {
            assert!(is_aboard(1) && is_aboard(2) && !is_aboard(3));
            assert!(catch_unwind(|| aboard(&[3], || panic!("on purpose"))).is_err());
            assert!(is_aboard(1) && !is_aboard(3));
        });
        assert!(!is_aboard(1));
    }
}
