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

/// How the count and the sum of the residuals share a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// A count of one; the residual is below it.
    one: u64,
    /// The topmost bits of both fields: what has to be moved as soon as it is set.
    full: u64,
}

impl Form {
    /// The form of a bucket of the width 2^`shift`.
    #[inline]
    pub(crate) const fn new(shift: u32) -> Self {
        let bits = residual_bits(shift);
        Self {
            one: 1 << bits,
            full: (1 << 63) | (1 << (bits - 1)),
        }
    }

    #[inline]
    pub(crate) fn count(self, word: u64) -> u64 {
        word >> self.one.trailing_zeros()
    }

    #[inline]
    pub(crate) fn residual(self, word: u64) -> u64 {
        word & (self.one - 1)
    }
}

/// A thread's words: one for each bucket of values below [`FAR`](crate::histogram::core::FAR), and after them how many of the values
/// were failures, so that no two threads write one line of memory.
#[derive(Debug)]
pub(crate) struct Stripe {
    words: Box<[AtomicU64]>,
}

impl Stripe {
    pub(crate) fn new(buckets: usize) -> Self {
        Self {
            words: (0..=buckets).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn failed(&self) -> &AtomicU64 {
        &self.words[self.words.len() - 1]
    }

    fn buckets(&self) -> &[AtomicU64] {
        &self.words[..self.words.len() - 1]
    }

    /// Records the value with this residual; only the thread whose stripe this is may.
    ///
    /// # Errors
    ///
    /// Where a field of the word has become full: the word with the value, of which nothing is stored. It goes to [`Stripe::spill`].
    #[inline]
    pub(crate) fn record_alone(&self, index: usize, residual: u64, form: Form) -> Result<(), u64> {
        let cell = &self.words[index];
        // Relaxed: only this thread writes here, and a word is complete by itself.
        let word = cell.load(Ordering::Relaxed) + form.one + residual;
        if word & form.full != 0 {
            return Err(word);
        }
        cell.store(word, Ordering::Relaxed);
        Ok(())
    }

    /// Stores what [`Stripe::record_alone`] returned, but for half a field or half of both, which moves to the base. While nothing may
    /// move, the word stays as it was before the value, and the value is recorded beside the base.
    pub(crate) fn spill(&self, index: usize, word: u64, residual: u64, form: Form, base: &Base) {
        let excess = word & form.full;
        let moved = base.moving(index, |base| {
            self.words[index].store(word - excess, Ordering::Relaxed);
            base.add(index, form.count(excess), form.residual(excess));
        });
        if !moved {
            base.record_late(index, residual);
        }
    }

    /// Records the value with this residual on a stripe that several threads share.
    pub(crate) fn record_shared<'b>(
        &self,
        index: usize,
        residual: u64,
        form: Form,
        base: impl FnOnce() -> &'b Base,
    ) {
        let cell = &self.words[index];
        let mut seen = cell.load(Ordering::Relaxed);
        // An addition would be one instruction, but could run over while the thread that has to spill is kept waiting.
        loop {
            let word = seen + form.one + residual;
            if word & form.full != 0 {
                // The base has room for this value, too; whoever comes next finds the word as it is.
                base().record(index, residual);
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
        let failures = self.failed().load(Ordering::Relaxed) + 1;
        self.failed().store(failures, Ordering::Release);
    }

    /// Counts one failure, after its value, on a stripe that several threads share.
    pub(crate) fn fail_shared(&self) {
        self.failed().fetch_add(1, Ordering::Release);
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failed().load(Ordering::Acquire)
    }

    /// The words of the buckets from `first` on; none where they have none.
    pub(crate) fn words_from(&self, first: usize) -> impl Iterator<Item = u64> {
        self.buckets()
            .get(first..)
            .unwrap_or_default()
            .iter()
            .map(|word| word.load(Ordering::Relaxed))
    }
}
