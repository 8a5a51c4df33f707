//! All stripes of a histogram: which one a thread writes, and how a reader takes them together.

use std::sync::OnceLock;

use crate::histogram::base::{Base, CHUNK};
use crate::histogram::layout::Layout;
use crate::histogram::stripe::{Form, Stripe};
use crate::slot;
use crate::snapshot::Snapshot;
use crate::sync::{give_way, pause};

/// Values from here on, 39 hours in nanoseconds or 140 terabytes, are recorded in the base at once: their residuals would fill
/// a word too soon.
pub(crate) const FAR: u64 = 1 << 47;

/// The form of the overflow's word, whose residuals are below [`FAR`].
const OVERFLOW: Form = Form::new(FAR.ilog2());

/// How often a reader begins again before it holds the writers that disturb it.
const PATIENCE: u32 = if cfg!(loom) { 1 } else { 100 };

/// Where the values of one octave are recorded: what the layout says of them, worked out once.
#[derive(Clone, Copy, Debug)]
struct Octave {
    shift: u32,
    /// What is added to the upper bits of a value to have its index.
    offset: u32,
    /// The bits of a value that its residual is.
    residual: u64,
    form: Form,
}

impl Octave {
    /// The octave that begins with `first`.
    fn new(layout: &Layout, first: u64) -> Self {
        let shift = layout.shift(first);
        Self {
            shift,
            offset: (layout.position(first) - (first >> shift)) as u32,
            residual: (1 << shift) - 1,
            form: Form::new(shift),
        }
    }

    #[inline]
    fn index(&self, value: u64) -> usize {
        (value >> self.shift) as usize + self.offset as usize
    }

    #[inline]
    fn residual(&self, value: u64) -> u64 {
        value & self.residual
    }
}

/// The place of a value's octave; zero is in the first.
#[inline]
fn octave(value: u64) -> usize {
    (value | 1).ilog2() as usize
}

/// The buckets behind a [`Histogram`](crate::Histogram).
#[derive(Debug)]
pub(crate) struct Core {
    layout: Layout,
    /// The place of the overflow, which is the last.
    overflow: usize,
    /// The last value that a word of its thread takes without further questions.
    near: u64,
    /// By the logarithm of a value; those from [`FAR`] on are not used.
    octaves: [Octave; 64],
    /// One a thread, made when it first records.
    stripes: Box<[OnceLock<Stripe>]>,
    /// That of all threads without a number.
    shared: OnceLock<Stripe>,
    base: OnceLock<Base>,
}

impl Core {
    pub(crate) fn new(layout: Layout, stripes: usize) -> Self {
        Self {
            layout,
            overflow: layout.overflow(),
            near: layout.highest().min(FAR - 1),
            octaves: std::array::from_fn(|exponent| Octave::new(&layout, 1 << exponent)),
            stripes: (0..stripes).map(|_| OnceLock::new()).collect(),
            shared: OnceLock::new(),
            base: OnceLock::new(),
        }
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Records one value: wait-free, and without allocation but for the first of a thread and the first that needs the base.
    #[inline]
    pub(crate) fn record(&self, value: u64) {
        let own = self.stripes.get(slot::current());
        match own.and_then(OnceLock::get) {
            Some(stripe) if value <= self.near => {
                let octave = &self.octaves[octave(value)];
                let (index, residual) = (octave.index(value), octave.residual(value));
                if let Err(word) = stripe.record_alone(index, residual, octave.form) {
                    self.spill(stripe, index, word, residual, octave.form);
                }
            }
            _ => self.record_as(slot::assign(), value, false),
        }
    }

    // Apart, so that the common path needs no registers of the caller's.
    #[cold]
    #[inline(never)]
    fn spill(&self, stripe: &Stripe, index: usize, word: u64, residual: u64, form: Form) {
        stripe.spill(index, word, residual, form, self.base());
    }

    /// Records one value of something that failed.
    #[inline]
    pub(crate) fn record_failure(&self, value: u64) {
        self.record_as(slot::assign(), value, true);
    }

    /// Records one value as the thread with this number, in whatever bucket it falls; `failed` counts it as a failure, too.
    #[cold]
    fn record_as(&self, slot: usize, value: u64, failed: bool) {
        let own = self.stripes.get(slot);
        let stripe = own
            .unwrap_or(&self.shared)
            .get_or_init(|| Stripe::new(self.words()));
        if value >= FAR {
            let index = self.layout.index(value);
            let residual = value - self.layout.bounds(index).start();
            self.base().record(index, residual);
        } else {
            let (index, residual, form) = if value <= self.near {
                let octave = &self.octaves[octave(value)];
                (octave.index(value), octave.residual(value), octave.form)
            } else {
                let residual = value - self.layout.highest() - 1;
                (self.overflow, residual, OVERFLOW)
            };
            if own.is_none() {
                stripe.record_shared(index, residual, form, || self.base());
            } else if let Err(word) = stripe.record_alone(index, residual, form) {
                self.spill(stripe, index, word, residual, form);
            }
        }
        match (failed, own) {
            (false, _) => {}
            (true, Some(_)) => stripe.fail_alone(),
            (true, None) => stripe.fail_shared(),
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

    /// The form of the word at `index`.
    #[inline]
    fn form_at(&self, index: usize) -> Form {
        if index == self.overflow {
            OVERFLOW
        } else {
            Form::new(self.layout.shift_at(index as u64))
        }
    }

    /// All that was recorded before the call in the order of the caller, and of what is recorded meanwhile a part, each value with
    /// its count and its sum or not at all.
    pub(crate) fn snapshot(&self) -> Snapshot {
        // Before the buckets, so that there are no more failures than values.
        let failures: u64 = self.written().map(Stripe::failures).sum();
        // Before the buckets, too: what is late now has left no trace in them.
        let late = self.base.get().and_then(Base::late);
        let mut snapshot = Snapshot::empty(self.layout);
        for chunk in 0..self.layout.len().div_ceil(CHUNK) {
            let first = chunk * CHUNK;
            let (mut counts, residual) = self.take(chunk);
            if let Some(late) = &late {
                for (count, late) in counts.iter_mut().zip(&late.counts[first..]) {
                    *count += late;
                }
            }
            snapshot.push(first, &counts, residual);
        }
        snapshot.add_residual(late.map_or(0, |late| late.residual));
        debug_assert!(failures <= snapshot.count(), "a failure without its value");
        snapshot.set_failures(failures);
        snapshot
    }

    /// The counts of one chunk and the sum of their residuals. It begins again when something has moved to the base meanwhile, which
    /// happens once in some thousand values below 2^40; writers of larger ones are held when they disturb it too often.
    fn take(&self, chunk: usize) -> ([u64; CHUNK], u128) {
        let mut hold = None;
        for attempt in 1.. {
            let settled = self.base.get().map_or(0, |base| base.settled(chunk));
            let taken = self.add_up(chunk);
            // Asked for again: the base may have been made meanwhile.
            let Some(base) = self.base.get() else {
                return taken;
            };
            if base.is_still(chunk, settled) {
                return taken;
            }
            if attempt == PATIENCE {
                hold = Some(base.hold());
            }
            // From then on only a writer in the middle of a move is in the way, and may wait for this processor.
            if hold.is_some() {
                give_way();
            } else {
                pause();
            }
        }
        unreachable!("{hold:?} lets nothing move")
    }

    /// The counts of one chunk and the sum of their residuals as they are, whatever moves.
    fn add_up(&self, chunk: usize) -> ([u64; CHUNK], u128) {
        let first = chunk * CHUNK;
        let indices = first..=self.overflow;
        let mut counts = [0; CHUNK];
        let mut residual = 0;
        if let Some(base) = self.base.get() {
            residual = base.residual(chunk);
            for (index, count) in indices.clone().zip(&mut counts) {
                *count = base.count(index);
            }
        }
        // Asked for here, and not once for all chunks: a thread that has come since may have moved values to the base already.
        for stripe in self.written() {
            let words = indices.clone().zip(stripe.words_from(first));
            for ((index, word), count) in words.zip(&mut counts) {
                if word > 0 {
                    let form = self.form_at(index);
                    *count += form.count(word);
                    residual += u128::from(form.residual(word));
                }
            }
        }
        (counts, residual)
    }

    /// The stripes of the threads that have recorded.
    fn written(&self) -> impl Iterator<Item = &Stripe> {
        self.stripes
            .iter()
            .chain([&self.shared])
            .filter_map(OnceLock::get)
    }
}

/// Each order of a few records, moves and reads, with whatever the memory model lets a load return; `ci/deep.sh loom` runs them.
#[cfg(all(test, loom))]
mod models {
    use super::{Core, Stripe};
    use crate::histogram::layout::Layout;
    use loom::sync::Arc;
    use loom::thread;

    /// Two values a bucket: 4 and 5 share one, 6 and 7 the next. Stripes and base are there from the start, for the checker does not
    /// know that `OnceLock` orders what it makes.
    fn core() -> Core {
        let core = Core::new(Layout::new(4, 7, 0.25).unwrap(), 2);
        for stripe in core.stripes.iter().chain([&core.shared]) {
            stripe.get_or_init(|| Stripe::new(core.words()));
        }
        core.base();
        core
    }

    /// Past every stripe, so that the shared one is taken.
    const NO_NUMBER: usize = 9;

    /// Runs the reader beside `write`, which is on the first thread: the checker goes back from a load to the last store of another
    /// thread, but not from a store to a load that the storing thread's own load has followed.
    fn beside(core: &Arc<Core>, read: fn(&Core), write: impl FnOnce()) {
        let reader = {
            let core = Arc::clone(core);
            thread::spawn(move || read(&core))
        };
        write();
        reader.join().unwrap();
    }

    #[test]
    fn a_snapshot_holds_the_first_values_of_a_thread_and_their_sum() {
        const SUMS: [u128; 5] = [0, 5, 9, 14, 19];
        loom::model(|| {
            let core = Arc::new(core());
            let read = |core: &Core| {
                let seen = core.snapshot();
                assert_eq!(seen.sum(), SUMS[seen.count() as usize]);
                let later = core.snapshot();
                assert!(later.count() >= seen.count());
                assert_eq!(later.sum(), SUMS[later.count() as usize]);
            };
            beside(&core, read, || {
                // The second and the fourth move to the base.
                for value in [5, 4, 5, 5] {
                    core.record_as(0, value, false);
                }
            });
            assert_eq!((core.snapshot().count(), core.snapshot().sum()), (4, 19));
        });
    }

    #[test]
    fn threads_that_share_a_stripe_lose_nothing() {
        loom::model(|| {
            let core = Arc::new(core());
            let other = |core: &Core| {
                core.record_as(NO_NUMBER, 4, false);
                let seen = core.snapshot();
                let sums = [(1, 4), (2, 9), (3, 14)];
                assert!(sums.contains(&(seen.count(), seen.sum())), "{seen:?}");
            };
            beside(&core, other, || {
                core.record_as(NO_NUMBER, 5, false);
                core.record_as(NO_NUMBER, 5, false);
            });
            assert_eq!((core.snapshot().count(), core.snapshot().sum()), (3, 14));
        });
    }

    #[test]
    fn values_that_go_to_the_base_at_once_are_taken_whole() {
        const VALUE: u64 = super::FAR + 3;
        loom::model(|| {
            let core = Arc::new(core());
            let other = |core: &Core| {
                core.record_as(1, VALUE, false);
                let seen = core.snapshot();
                assert_eq!(seen.sum(), u128::from(VALUE) * u128::from(seen.count()));
            };
            beside(&core, other, || core.record_as(0, VALUE, false));
            assert_eq!(core.snapshot().sum(), u128::from(VALUE) * 2);
        });
    }

    #[test]
    fn no_failure_is_seen_before_its_value() {
        loom::model(|| {
            let core = Arc::new(core());
            // The snapshot itself asserts that its values are no fewer than its failures.
            let read = |core: &Core| drop(core.snapshot());
            beside(&core, read, || {
                core.record_as(0, 4, true);
                core.record_as(0, 6, true);
            });
            let all = core.snapshot();
            assert_eq!((all.count(), all.failures()), (2, 2));
        });
    }
}
