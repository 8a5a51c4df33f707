//! What the macros count into.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics::{CounterFn, GaugeFn, HistogramFn};
use parking_lot::Mutex;

use super::refusal::{RefusalReason, Refusals};
use crate::{Counter, Histogram};

/// A counter, which may also be told what something else has counted.
pub(super) struct Count {
    counter: Counter,
    /// What one is in the counter: a second is 10^9 nanoseconds.
    one: u64,
    /// Held by who compares and adds.
    absolute: Mutex<()>,
}

impl Count {
    pub(super) const fn new(counter: Counter, one: u64) -> Self {
        Self {
            counter,
            one,
            absolute: Mutex::new(()),
        }
    }
}

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        self.counter.add(value.saturating_mul(self.one));
    }

    fn absolute(&self, value: u64) {
        let value = value.saturating_mul(self.one);
        let _held = self.absolute.lock();
        // What is incremented meanwhile counts as if it came after.
        self.counter.add(value.saturating_sub(self.counter.value()));
    }
}

/// A number with a fraction. It lies behind a lock, which is held for one addition: an atomic would have to try again while
/// others change it.
#[derive(Default)]
pub(super) struct Level {
    value: Mutex<f64>,
}

impl Level {
    pub(super) fn value(&self) -> f64 {
        *self.value.lock()
    }
}

impl GaugeFn for Level {
    fn increment(&self, value: f64) {
        *self.value.lock() += value;
    }

    fn decrement(&self, value: f64) {
        *self.value.lock() -= value;
    }

    fn set(&self, value: f64) {
        *self.value.lock() = value;
    }
}

/// The part of a value by which rounding may move it without a word: as much as a layout of one percent does.
const WORDLESS: f64 = 0.01;

/// A histogram of whole numbers for values with fractions.
pub(super) struct Distribution {
    histogram: Histogram,
    /// What one is in the histogram: a second is 10^9 nanoseconds.
    one: f64,
    name: Box<str>,
    refusals: Arc<Refusals>,
    /// Whether a value that was left out is kept as a refusal already.
    noted: AtomicBool,
    /// The same of one that was rounded by much.
    noted_rounded: AtomicBool,
}

impl Distribution {
    pub(super) fn new(
        histogram: Histogram,
        one: f64,
        name: &str,
        refusals: &Arc<Refusals>,
    ) -> Self {
        Self {
            histogram,
            one,
            name: name.into(),
            refusals: Arc::clone(refusals),
            noted: AtomicBool::new(false),
            noted_rounded: AtomicBool::new(false),
        }
    }

    /// This many equal values as the histogram takes them, if it does; those beyond 2^64 become that.
    fn whole(&self, value: f64, count: usize) -> Option<u64> {
        if !(value >= 0.0 && value.is_finite()) {
            self.refuse(count, &self.noted, RefusalReason::Value);
            return None;
        }
        let exact = value * self.one;
        let whole = exact.round() as u64;
        let moved = (whole as f64 - exact).abs();
        if exact.is_infinite() || moved > exact * WORDLESS {
            self.refuse(count, &self.noted_rounded, RefusalReason::Rounded);
        }
        Some(whole)
    }

    #[cold]
    fn refuse(&self, count: usize, noted: &AtomicBool, reason: RefusalReason) {
        self.refusals.count(count as u64);
        // Relaxed: nothing hangs on it but the list.
        if !noted.swap(true, Ordering::Relaxed) {
            self.refusals.keep(&self.name, reason);
        }
    }
}

impl HistogramFn for Distribution {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        if let Some(whole) = self.whole(value, count) {
            (0..count).for_each(|_| self.histogram.record(whole));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use metrics::CounterFn;

    use super::Count;
    use crate::Counter;

    #[test]
    fn one_absolute_value_is_compared_and_added_at_a_time() {
        let counter = Counter::new();
        let count = Count::new(counter.clone(), 1);
        let begun = AtomicBool::new(false);
        thread::scope(|scope| {
            let held = count.absolute.lock();
            let other = scope.spawn(|| {
                begun.store(true, Ordering::Relaxed);
                count.absolute(10);
            });
            while !begun.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            (0..1000).for_each(|_| thread::yield_now());
            assert_eq!(counter.value(), 0);
            drop(held);
            other.join().unwrap();
        });
        assert_eq!(counter.value(), 10);
    }
}
