//! The buckets of one thread: how many values and what they add up to, in one word a bucket.
//!
//! A word holds the count of its bucket in the upper bits, and in the lower ones the sum of the residuals, that is, of what
//! each value exceeds the bucket's lower bound by. Count and sum so change by one store, and whoever reads a word reads a count
//! and the sum of exactly these values. When the topmost bit of either field is reached, half of the field's range moves to the
//! [`Base`], which has room for everything.

use crate::histogram::base::Base;
use crate::sync::{AtomicU64, Ordering};

/// Where the residual ends and the count begins, for a bucket of the width 2^`shift`.
///
/// What the width takes is divided evenly, so that either field takes at least 2^7 values before its topmost bit is reached, and
/// 2^24 values of a millisecond. The model checker sees a spill at every second value.
#[inline]
pub(crate) const fn residual_bits(shift: u32) -> u32 {
    if cfg!(loom) {
        62
    } else {
        32 + shift.div_ceil(2)
    }
}

/// A count and a sum of residuals as they stand in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    word: u64,
    bits: u32,
}

impl Packed {
    #[inline]
    pub(crate) fn new(word: u64, shift: u32) -> Self {
        Self {
            word,
            bits: residual_bits(shift),
        }
    }

    /// One value with its residual, which is below 2^47.
    #[inline]
    pub(crate) fn one(residual: u64, shift: u32) -> Self {
        let bits = residual_bits(shift);
        Self {
            word: (1 << bits) | residual,
            bits,
        }
    }

    pub(crate) fn count(self) -> u64 {
        self.word >> self.bits
    }

    pub(crate) fn residual(self) -> u64 {
        self.word & ((1 << self.bits) - 1)
    }

    /// The topmost bits of the fields, as far as they are set: what has to be moved.
    #[inline]
    fn excess(self) -> Self {
        let word = self.word & ((1 << 63) | (1 << (self.bits - 1)));
        Self { word, ..self }
    }

    #[inline]
    fn is_zero(self) -> bool {
        self.word == 0
    }
}

/// A thread's words, one for each bucket of values below [`FAR`](crate::histogram::core::FAR), and its failures.
#[derive(Debug)]
pub(crate) struct Stripe {
    words: Box<[AtomicU64]>,
    failures: AtomicU64,
}

impl Stripe {
    pub(crate) fn new(buckets: usize) -> Self {
        Self {
            words: (0..buckets).map(|_| AtomicU64::new(0)).collect(),
            failures: AtomicU64::new(0),
        }
    }

    /// Records a value; only the thread whose stripe this is may.
    #[inline]
    pub(crate) fn record_alone<'b>(
        &self,
        index: usize,
        one: Packed,
        base: impl FnOnce() -> &'b Base,
    ) {
        let cell = &self.words[index];
        // Relaxed: only this thread writes here, and a word is complete by itself.
        let word = cell.load(Ordering::Relaxed) + one.word;
        let excess = Packed { word, ..one }.excess();
        if excess.is_zero() {
            cell.store(word, Ordering::Relaxed);
        } else {
            let rest = word - excess.word;
            spill(index, one, excess, base(), || {
                cell.store(rest, Ordering::Relaxed);
            });
        }
    }

    /// Records a value on a stripe that several threads share.
    pub(crate) fn record_shared<'b>(
        &self,
        index: usize,
        one: Packed,
        base: impl FnOnce() -> &'b Base,
    ) {
        let cell = &self.words[index];
        let mut seen = cell.load(Ordering::Relaxed);
        // An addition would be one instruction, but could run over while the thread that has to spill is kept waiting.
        loop {
            let word = seen + one.word;
            let excess = Packed { word, ..one }.excess();
            if !excess.is_zero() {
                // The base has room for this value, too; whoever comes next finds the word as it is.
                base().record(index, one.residual());
                return;
            }
            match cell.compare_exchange_weak(seen, word, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// Counts one failure, after its value; only the thread whose stripe this is may.
    #[inline]
    pub(crate) fn fail_alone(&self) {
        // Release: who sees the failure sees its value.
        let failures = self.failures.load(Ordering::Relaxed) + 1;
        self.failures.store(failures, Ordering::Release);
    }

    /// Counts one failure, after its value, on a stripe that several threads share.
    pub(crate) fn fail_shared(&self) {
        self.failures.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Acquire)
    }

    /// The word of a bucket, nothing where the bucket has none.
    #[inline]
    pub(crate) fn word(&self, index: usize) -> u64 {
        self.words
            .get(index)
            .map_or(0, |word| word.load(Ordering::Relaxed))
    }
}

/// Moves half a field, or half of both, to the base. `reduce` takes it off the word, to which it also adds the one value.
#[cold]
fn spill(index: usize, one: Packed, excess: Packed, base: &Base, reduce: impl FnOnce()) {
    let moved = base.moving(index, |base| {
        reduce();
        base.add(index, excess.count(), excess.residual());
    });
    if !moved {
        base.record_late(index, one.residual());
    }
}
