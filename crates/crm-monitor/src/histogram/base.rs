//! What no longer fits the words of stripes: a count for each bucket and sums of twice the width, for all threads together.

use parking_lot::Mutex;

use crate::sync::{AtomicU64, Ordering, fence};

/// How many buckets a reader takes at once, while nothing may move in or out of them.
pub(crate) const CHUNK: usize = 64;

/// Counts and sums that have left the stripes. It is made when the first does, which most histograms never see.
#[derive(Debug)]
pub(crate) struct Base {
    counts: Box<[AtomicU64]>,
    chunks: Box<[Chunk]>,
    /// How many readers want nothing to move.
    holds: AtomicU64,
    late: Mutex<Option<Late>>,
}

/// Values that were recorded while a reader held the rest still.
#[derive(Clone, Debug)]
pub(crate) struct Late {
    pub(crate) counts: Box<[u64]>,
    pub(crate) residual: u128,
}

/// A reader's wish that nothing moves.
#[derive(Debug)]
pub(crate) struct Hold<'a> {
    base: &'a Base,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.base.holds.fetch_sub(1, Ordering::SeqCst);
    }
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
            holds: zero(),
            late: Mutex::new(None),
        }
    }

    /// Runs `change`, which takes from a word and adds here, so that no reader takes one without the other. Returns whether it ran: it
    /// does not while a reader holds everything still.
    #[must_use]
    pub(crate) fn moving(&self, index: usize, change: impl FnOnce(&Self)) -> bool {
        // Asked first, so that whoever is turned away does not disturb the reader again.
        if self.holds.load(Ordering::Relaxed) > 0 {
            return false;
        }
        let chunk = &self.chunks[index / CHUNK];
        // Both in one order with the reader's hold and its look at the starts: either this sees the hold, or the reader sees this.
        chunk.started.fetch_add(1, Ordering::SeqCst);
        let free = self.holds.load(Ordering::SeqCst) == 0;
        // Pairs with the fence in `is_still`: who has read anything that `change` wrote reads this start after it.
        fence(Ordering::Release);
        if free {
            change(self);
        }
        // Pairs with the load in `settled`: who reads this end reads all that `change` wrote.
        chunk.finished.fetch_add(1, Ordering::Release);
        free
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

    /// Records a value that comes straight here.
    pub(crate) fn record(&self, index: usize, residual: u64) {
        if !self.moving(index, |base| base.add(index, 1, residual)) {
            self.record_late(index, residual);
        }
    }

    /// Records a value that can go nowhere else while a reader holds the rest still.
    pub(crate) fn record_late(&self, index: usize, residual: u64) {
        let mut late = self.late.lock();
        let late = late.get_or_insert_with(|| Late {
            counts: vec![0; self.counts.len()].into_boxed_slice(),
            residual: 0,
        });
        late.counts[index] += 1;
        late.residual += u128::from(residual);
    }

    /// What was recorded while a reader held the rest still.
    pub(crate) fn late(&self) -> Option<Late> {
        self.late.lock().clone()
    }

    /// Lets nothing begin to move until the guard is dropped, so that a reader whom writers disturb for too long comes to an end.
    pub(crate) fn hold(&self) -> Hold<'_> {
        self.holds.fetch_add(1, Ordering::SeqCst);
        Hold { base: self }
    }

    /// How many moves into this chunk have ended.
    pub(crate) fn settled(&self, chunk: usize) -> u64 {
        self.chunks[chunk].finished.load(Ordering::Acquire)
    }

    /// Whether no move has begun since that many had ended, so that what was read in between belongs together.
    pub(crate) fn is_still(&self, chunk: usize, settled: u64) -> bool {
        fence(Ordering::Acquire);
        // SeqCst for the sake of `moving`; alone, the fence before it would do.
        self.chunks[chunk].started.load(Ordering::SeqCst) == settled
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
