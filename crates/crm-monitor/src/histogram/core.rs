//! All stripes of a histogram: which one a thread writes, and how a reader takes them together.

use std::hint;
use std::sync::OnceLock;

use crate::histogram::base::{Base, CHUNK};
use crate::histogram::layout::Layout;
use crate::histogram::stripe::{Packed, Stripe};
use crate::slot;
use crate::snapshot::Snapshot;

/// Values from here on, 39 hours in nanoseconds or 140 terabytes, are recorded in the base at once: their residuals would fill
/// a word too soon.
pub(crate) const FAR: u64 = 1 << 47;

/// The width that the overflow's residuals need in a word.
const OVERFLOW_SHIFT: u32 = 47;

/// The buckets behind a [`Histogram`](crate::Histogram).
#[derive(Debug)]
pub(crate) struct Core {
    layout: Layout,
    /// The last value that a word of its thread takes without further questions.
    near: u64,
    /// One a thread, made when it first records; the last is shared by the threads without a number.
    stripes: Box<[OnceLock<Stripe>]>,
    base: OnceLock<Base>,
}

impl Core {
    pub(crate) fn new(layout: Layout, stripes: usize) -> Self {
        Self {
            layout,
            near: layout.highest().min(FAR - 1),
            stripes: (0..=stripes).map(|_| OnceLock::new()).collect(),
            base: OnceLock::new(),
        }
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Records one value: wait-free, and without allocation but for the first of a thread.
    #[inline]
    pub(crate) fn record(&self, value: u64) {
        let slot = slot::current();
        if slot < self.stripes.len() - 1
            && let Some(stripe) = self.stripes[slot].get()
            && value <= self.near
        {
            let (index, one) = self.near(value);
            stripe.record_alone(index, one, || self.base());
        } else {
            self.record_slowly(value, false);
        }
    }

    /// Records one value of something that failed.
    #[inline]
    pub(crate) fn record_failure(&self, value: u64) {
        self.record_slowly(value, true);
    }

    #[inline]
    fn near(&self, value: u64) -> (usize, Packed) {
        let shift = self.layout.shift(value);
        let residual = value & ((1 << shift) - 1);
        (
            self.layout.position(value) as usize,
            Packed::one(residual, shift),
        )
    }

    #[cold]
    fn record_slowly(&self, value: u64, failed: bool) {
        let shared = self.stripes.len() - 1;
        let slot = slot::assign().min(shared);
        let stripe = self.stripes[slot].get_or_init(|| Stripe::new(self.words()));
        if value >= FAR {
            let index = self.layout.index(value);
            let residual = value - self.layout.bounds(index).start();
            self.base().record(index, 1, residual);
        } else {
            let (index, one) = if value <= self.near {
                self.near(value)
            } else {
                let residual = value - self.layout.highest() - 1;
                let overflow = self.layout.overflow();
                (overflow, Packed::one(residual, OVERFLOW_SHIFT))
            };
            if slot == shared {
                stripe.record_shared(index, one, || self.base());
            } else {
                stripe.record_alone(index, one, || self.base());
            }
        }
        match (failed, slot == shared) {
            (false, _) => {}
            (true, true) => stripe.fail_shared(),
            (true, false) => stripe.fail_alone(),
        }
    }

    #[cold]
    fn base(&self) -> &Base {
        self.base.get_or_init(|| Base::new(self.layout.len()))
    }

    /// How many words a stripe has: one for each bucket that values below [`FAR`] fall into.
    fn words(&self) -> usize {
        self.layout.index(FAR - 1).max(self.layout.index(self.near)) + 1
    }

    /// The width of the residuals in the word at `index`.
    fn shift_at(&self, index: usize) -> u32 {
        if index == self.layout.overflow() {
            OVERFLOW_SHIFT
        } else {
            self.layout.shift_at(index as u64)
        }
    }

    /// All that was recorded before the call in the order of the caller, and of what is recorded meanwhile a part, each value with
    /// its count and its sum or not at all.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let stripes: Vec<&Stripe> = self.stripes.iter().filter_map(OnceLock::get).collect();
        // Before the buckets, so that there are no more failures than values.
        let failures = stripes.iter().map(|stripe| stripe.failures()).sum();
        let mut snapshot = Snapshot::empty(self.layout);
        for chunk in 0..self.layout.len().div_ceil(CHUNK) {
            self.take(chunk, &stripes, &mut snapshot);
        }
        snapshot.set_failures(failures);
        snapshot
    }

    /// Adds the buckets of one chunk to the snapshot. It begins again when something has moved to the base meanwhile; that happens at
    /// most once in some thousand values below 2^40.
    fn take(&self, chunk: usize, stripes: &[&Stripe], snapshot: &mut Snapshot) {
        let first = chunk * CHUNK;
        let indices = first..(first + CHUNK).min(self.layout.len());
        loop {
            let base = self.base.get();
            let settled = base.map_or(0, |base| base.settled(chunk));
            let mut counts = [0_u64; CHUNK];
            let mut residual = base.map_or(0, |base| base.residual(chunk));
            for index in indices.clone() {
                let shift = self.shift_at(index);
                let mut count = base.map_or(0, |base| base.count(index));
                for stripe in stripes {
                    let packed = Packed::new(stripe.word(index), shift);
                    count += packed.count();
                    residual += u128::from(packed.residual());
                }
                counts[index - first] = count;
            }
            // Asked again: the base may have been made meanwhile.
            let base = self.base.get();
            if base.is_none_or(|base| base.is_still(chunk, settled)) {
                snapshot.push(first, &counts, residual);
                return;
            }
            hint::spin_loop();
        }
    }
}
