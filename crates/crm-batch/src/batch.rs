//! The batch itself: one set of choices, any number of runs.

use std::borrow::Cow;
use std::convert::Infallible;

use crate::control::Control;
use crate::engine::{self, Run};
use crate::outlet::Bare;
use crate::panic::contain;
use crate::settings::Settings;
use crate::work::Plain;
use crate::{BatchError, Builder, Failure, Job, Order, Report, SkipLimit, Source};

/// Runs jobs over many records: in parallel, with results in order, in bounded memory.
///
/// A batch is a set of choices and holds no job: it is cheap to clone, and any number of runs may use it at the same
/// time and inside each other. See the [crate guide](crate) for which method to choose.
///
/// ```
/// use crm_batch::Batch;
///
/// let customers = ["Ada", "Grace", "Edsger"];
/// let lengths: Vec<usize> = Batch::new().map(&customers, |name| name.len());
/// assert_eq!(lengths, [3, 5, 6]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Batch {
    settings: Settings,
}

impl Batch {
    /// A batch with the default choices; it starts no threads.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts to choose otherwise.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn from_settings(settings: Settings) -> Self {
        Self { settings }
    }

    /// Applies `process` to every item, and returns the results in the order of the items.
    ///
    /// # Panics
    ///
    /// When `process` or the iterator panics. Of several panics in `process`, it is the one of the first item in order
    /// that goes on, with its own payload.
    ///
    /// ```
    /// use crm_batch::Batch;
    ///
    /// let squares = Batch::new().map(1..=4_u64, |n| n * n);
    /// assert_eq!(squares, [1, 4, 9, 16]);
    /// ```
    pub fn map<I, R, P>(&self, items: I, process: P) -> Vec<R>
    where
        I: IntoIterator<IntoIter: Send, Item: Send>,
        R: Send,
        P: Fn(I::Item) -> R + Sync,
    {
        match self.try_map(items, |item| Ok::<R, Infallible>(process(item))) {
            Ok(results) => results,
            Err(never) => match never {},
        }
    }

    /// Applies `process` to every item, and returns the results in the order of the items, or the error of the first
    /// item in order that failed.
    ///
    /// Which error that is does not depend on the threads. Items after it may have been processed. The skip limit does
    /// not apply: whoever wants to pass over failures uses [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// The error that `process` returned for the first item in order that failed.
    ///
    /// # Panics
    ///
    /// When `process` or the iterator panics, unless `process` returned an error for an item before.
    ///
    /// ```
    /// use crm_batch::Batch;
    ///
    /// let parse = |text: &str| text.parse::<u32>().map_err(|_| text.to_owned());
    /// assert_eq!(Batch::new().try_map(["1", "2"], parse), Ok(vec![1, 2]));
    /// assert_eq!(Batch::new().try_map(["1", "two", "3", "four"], parse), Err("two".to_owned()));
    /// ```
    pub fn try_map<I, R, E, P>(&self, items: I, process: P) -> Result<Vec<R>, E>
    where
        I: IntoIterator<IntoIter: Send, Item: Send>,
        R: Send,
        E: Send,
        P: Fn(I::Item) -> Result<R, E> + Sync,
    {
        let items = items.into_iter();
        let mut results = Vec::new();
        // Room in advance saves copies; an iterator that promises more than there is memory for gets none.
        let _ = results.try_reserve(items.size_hint().0);
        self.run_all(items, process, |result| results.push(result))?;
        Ok(results)
    }

    /// Applies `process` to every item; in which order is not defined.
    ///
    /// # Panics
    ///
    /// When `process` or the iterator panics, as in [`map`](Self::map).
    ///
    /// ```
    /// use crm_batch::Batch;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// let total = AtomicU64::new(0);
    /// Batch::new().for_each(1..=100_u64, |n| {
    ///     total.fetch_add(n, Ordering::Relaxed);
    /// });
    /// assert_eq!(total.into_inner(), 5_050);
    /// ```
    pub fn for_each<I, P>(&self, items: I, process: P)
    where
        I: IntoIterator<IntoIter: Send, Item: Send>,
        P: Fn(I::Item) + Sync,
    {
        let process = |item| {
            process(item);
            Ok::<(), Infallible>(())
        };
        match self.run_all(items, process, |()| ()) {
            Ok(()) => (),
            Err(never) => match never {},
        }
    }

    /// Takes records from `source`, applies `process` to each in parallel, and gives the outputs to `sink` in the order
    /// of the source.
    ///
    /// - `source` is pulled by one thread at a time, though not always the same one: it need not be `Sync`. It may be
    ///   read ahead of the sink by the [memory bound](crate#memory), and is not asked again once it has returned `None`.
    /// - `process` makes an output of a record, or fails. A failure, be it an error or a panic, is passed over and
    ///   reported while the skip limit lasts, and ends the run after that.
    /// - `sink` is called by one thread at a time, though not always the same one, for each output in order. Its error
    ///   ends the run.
    ///
    /// No lock of this crate is held while any of the three runs.
    ///
    /// # Errors
    ///
    /// A [`BatchError`], with the report so far, when a record fails past the skip limit, when the sink refuses an
    /// output, or when source, sink or progress observer panics. Whatever the reason, the sink has accepted exactly the
    /// outputs of the records before the error's position, in order, less the skipped ones.
    ///
    /// # Panics
    ///
    /// When the destructor of a record, an output or the source panics outside of the three functions.
    ///
    /// ```
    /// use crm_batch::Batch;
    ///
    /// let batch = Batch::builder().skip_limit(10).build()?;
    /// let mut total = 0;
    /// let report = batch.run(
    ///     "12,7,,30".split(','),
    ///     |field| field.parse::<i64>(),
    ///     |amount| {
    ///         total += amount;
    ///         Ok::<(), std::io::Error>(())
    ///     },
    /// )?;
    /// assert_eq!(total, 49);
    /// assert_eq!((report.read(), report.written(), report.skipped()), (4, 3, 1));
    /// assert_eq!(report.skips()[0].position(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run<I, R, E, S, P, K>(
        &self,
        source: I,
        process: P,
        sink: K,
    ) -> Result<Report<E>, BatchError<E, S>>
    where
        I: IntoIterator<IntoIter: Send, Item: Send>,
        R: Send,
        E: Send,
        S: Send,
        P: Fn(I::Item) -> Result<R, E> + Sync,
        K: FnMut(R) -> Result<(), S> + Send,
    {
        let start = self.settings.clock.now();
        let control = self.settings.control(start);
        let run = Run {
            settings: &self.settings,
            limit: self.settings.skip,
            control: &control,
            start,
        };
        let source = contain(|| source.into_iter());
        engine::drive(&run, source, &Plain::new(process), Bare(sink), None)
    }

    /// A job over any [`Source`], whose [`process`](Job::process) function may filter records, have a state for each
    /// worker, and be tried again.
    ///
    /// Every iterator is a source; of a collection it is the iterator that is given: `customers.iter()`.
    pub fn job<S: Source>(&self, source: S) -> Job<S> {
        Job::new(self.settings.clone(), source)
    }

    /// A run without skips into a sink that cannot fail; panics of user code go on.
    fn run_all<I, R, E, P>(
        &self,
        items: I,
        process: P,
        mut sink: impl FnMut(R) + Send,
    ) -> Result<(), E>
    where
        I: IntoIterator<IntoIter: Send, Item: Send>,
        R: Send,
        E: Send,
        P: Fn(I::Item) -> Result<R, E> + Sync,
    {
        let sink = |output| {
            sink(output);
            Ok::<(), Infallible>(())
        };
        // Neither a token nor a deadline: the caller would get half a result without a word.
        let start = self.settings.clock.now();
        let control = Control::new(&self.settings.clock, start, None);
        let mut settings = Cow::Borrowed(&self.settings);
        if settings.order != Order::Input {
            settings.to_mut().order = Order::Input;
        }
        let run = Run {
            settings: &settings,
            limit: SkipLimit::NONE,
            control: &control,
            start,
        };
        let source = contain(|| items.into_iter());
        match engine::drive(&run, source, &Plain::new(process), Bare(sink), None) {
            Ok(_) => Ok(()),
            Err(BatchError::Process { failure, .. }) => match failure {
                Failure::Error(error) => Err(error),
                Failure::Panicked(panic) => panic.resume(),
            },
            Err(BatchError::Panicked { panic, .. }) => panic.resume(),
            Err(BatchError::Sink { error, .. } | BatchError::DeadLetters { error, .. }) => {
                match error {}
            }
            Err(BatchError::Source { error, .. }) => match error {},
            Err(
                BatchError::SkipShare { .. }
                | BatchError::Checkpoint { .. }
                | BatchError::Cancelled { .. }
                | BatchError::DeadlineExceeded { .. }
                | BatchError::Thread { .. },
            ) => unreachable!("the run has no limit and nobody to stop it"),
        }
    }
}
