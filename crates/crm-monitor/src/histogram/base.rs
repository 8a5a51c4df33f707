//! What no longer fits the words of stripes: a count for each bucket and sums of twice the width, for all threads together.

use crate::sync::{AtomicU64, Ordering, fence};

/// How many buckets a reader takes at once, while nothing may move in or out of them.
pub(crate) const CHUNK: usize = 64;

/// Counts and sums that have left the stripes. It is made when the first does, which most histograms never see.
#[derive(Debug)]
pub(crate) struct Base {
    counts: Box<[AtomicU64]>,
    chunks: Box<[Chunk]>,
}

/// The residuals of some buckets, and how often something has moved into them.
#[derive(Debug)]
struct Chunk {
    started: AtomicU64,
    finished: AtomicU64,
    low: AtomicU64,
    high: AtomicU64,
}

impl Base {
    pub(crate) fn new(buckets: usize) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            counts: (0..buckets).map(|_| zero()).collect(),
            chunks: (0..buckets.div_ceil(CHUNK))
                .map(|_| Chunk {
                    started: zero(),
                    finished: zero(),
                    low: zero(),
                    high: zero(),
                })
                .collect(),
        }
    }

    /// Runs `change`, which takes from a word and adds here, so that no reader takes one without the other.
    pub(crate) fn moving(&self, index: usize, change: impl FnOnce(&Self)) {
        let chunk = &self.chunks[index / CHUNK];
        chunk.started.fetch_add(1, Ordering::Relaxed);
        // Pairs with the fence in `is_still`: who has read anything that `change` wrote reads this start after it.
        fence(Ordering::Release);
        change(self);
        // Pairs with the load in `settled`: who reads this end reads all that `change` wrote.
        chunk.finished.fetch_add(1, Ordering::Release);
    }

    /// Adds what came from a word; inside [`Base::moving`] alone.
    pub(crate) fn add(&self, index: usize, count: u64, residual: u64) {
        let chunk = &self.chunks[index / CHUNK];
        // Relaxed: the ends of `moving` order these.
        self.counts[index].fetch_add(count, Ordering::Relaxed);
        let before = chunk.low.fetch_add(residual, Ordering::Relaxed);
        if before.checked_add(residual).is_none() {
            chunk.high.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Records values that come straight here.
    pub(crate) fn record(&self, index: usize, count: u64, residual: u64) {
        self.moving(index, |base| base.add(index, count, residual));
    }

    /// How many moves into this chunk have ended.
    pub(crate) fn settled(&self, chunk: usize) -> u64 {
        self.chunks[chunk].finished.load(Ordering::Acquire)
    }

    /// Whether no move has begun since that many had ended, so that what was read in between belongs together.
    pub(crate) fn is_still(&self, chunk: usize, settled: u64) -> bool {
        fence(Ordering::Acquire);
        self.chunks[chunk].started.load(Ordering::Relaxed) == settled
    }

    pub(crate) fn count(&self, index: usize) -> u64 {
        self.counts[index].load(Ordering::Relaxed)
    }

    pub(crate) fn residual(&self, chunk: usize) -> u128 {
        let chunk = &self.chunks[chunk];
        let high = chunk.high.load(Ordering::Relaxed);
        (u128::from(high) << 64) | u128::from(chunk.low.load(Ordering::Relaxed))
    }
}
