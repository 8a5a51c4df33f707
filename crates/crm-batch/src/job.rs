//! A job: a source, the work, a sink.

use std::fmt;
use std::sync::Arc;

use crm_clock::Tick;

use crate::control::Control;
use crate::engine::{self, Run};
use crate::running::Running;
use crate::settings::Settings;
use crate::sink::{Bare, Lettered, Outlet, Sink};
use crate::work::{Kept, Record, Retried, Stateful, Stateless, Strict, Work};
use crate::{BatchError, Chunk, Failure, Report, Skip, Source, Verdict};

/// A job with a source; made by [`Batch::job`](crate::Batch::job).
#[must_use = "a job does nothing until it is run"]
pub struct Job<S> {
    settings: Settings,
    source: S,
}

/// A job with a source and its work; it still needs a sink.
#[must_use = "a job does nothing until it is run"]
pub struct Worked<S, W, D = NoLetters> {
    settings: Settings,
    source: S,
    work: W,
    letters: D,
}

/// The place of a dead-letter sink that was not given.
#[derive(Debug)]
pub struct NoLetters(());

/// A dead-letter sink.
pub struct Letters<D>(D);

/// A job that can be run.
#[must_use = "a job does nothing until it is run"]
pub struct Ready<S, W, K> {
    settings: Settings,
    source: S,
    work: W,
    outlet: K,
}

impl<S: Source> Job<S> {
    pub(crate) fn new(settings: Settings, source: S) -> Self {
        Self { settings, source }
    }

    /// What is to be done with each record, in parallel.
    ///
    /// ```
    /// use crm_batch::{Batch, Verdict};
    ///
    /// let mut even = Vec::new();
    /// let report = Batch::new()
    ///     .job(0..10_u64)
    ///     .process(|n| {
    ///         Ok::<_, std::io::Error>(if n % 2 == 0 { Verdict::Output(n) } else { Verdict::Filtered })
    ///     })
    ///     .into(|n| {
    ///         even.push(n);
    ///         Ok::<_, std::io::Error>(())
    ///     })
    ///     .run()?;
    /// assert_eq!((report.written(), report.filtered()), (5, 5));
    /// assert_eq!(even, [0, 2, 4, 6, 8]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn process<R, E, P>(self, process: P) -> Worked<S, Stateless<S::Chunk, R, E, P>>
    where
        R: Send,
        E: Send,
        P: for<'r> Fn(<S::Chunk as Chunk>::Record<'r>) -> Result<Verdict<R>, E> + Sync,
    {
        self.worked(Stateless::new(process))
    }

    /// The same, with a state of which each worker has its own: a connection, a parser, a buffer.
    ///
    /// `make` is called when a worker has none, which is at most once for each thread of the pool, and again after a panic,
    /// which leaves a state that is not to be trusted. User code that waits inside rayon may need one more, for what its
    /// thread does meanwhile.
    ///
    /// ```
    /// use crm_batch::{Batch, Verdict};
    ///
    /// let report = Batch::new()
    ///     .job(["b a", "d c"].into_iter())
    ///     .process_with(Vec::new, |words: &mut Vec<String>, line| {
    ///         words.clear();
    ///         words.extend(line.split(' ').map(str::to_owned));
    ///         words.sort();
    ///         Ok::<_, std::io::Error>(Verdict::Output(words.concat()))
    ///     })
    ///     .into(|line: String| {
    ///         assert!(line == "ab" || line == "cd");
    ///         Ok::<_, std::io::Error>(())
    ///     })
    ///     .run()?;
    /// assert_eq!(report.written(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what a caller gets"
    )]
    pub fn process_with<St, R, E, M, P>(
        self,
        make: M,
        process: P,
    ) -> Worked<S, Stateful<S::Chunk, St, R, E, M, P>>
    where
        St: Send,
        R: Send,
        E: Send,
        M: Fn() -> St + Sync,
        P: for<'r> Fn(&mut St, <S::Chunk as Chunk>::Record<'r>) -> Result<Verdict<R>, E> + Sync,
    {
        self.worked(Stateful::new(make, process))
    }

    fn worked<W>(self, work: W) -> Worked<S, W> {
        Worked {
            settings: self.settings,
            source: self.source,
            work,
            letters: NoLetters(()),
        }
    }
}

impl<S, W, D> Worked<S, W, D>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
{
    /// Which failures end the run at once, whatever may be skipped or tried again.
    pub fn fatal_when<F>(self, fatal: F) -> Worked<S, Strict<W, F>, D>
    where
        F: Fn(&Failure<W::Error>) -> bool + Sync,
    {
        self.over(|work| Strict { work, fatal })
    }

    /// Which failures are worth another attempt, after the delays of [`Builder::retry`](crate::Builder::retry).
    ///
    /// A copy of each record is made before it is worked on, so that there is something to try again. A record that waits
    /// holds no thread: its chunk waits for it, and others go on as far as the window lets them. A job with retries
    /// works in the pool from its first record on. What still fails after the last attempt is skipped or ends the run
    /// like any other failure.
    ///
    /// ```
    /// use crm_batch::{Batch, Retry, Verdict};
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use std::time::Duration;
    ///
    /// let asked = AtomicU32::new(0);
    /// let retry = Retry::exponential(3).first_delay(Duration::from_micros(10));
    /// let report = Batch::builder()
    ///     .retry(retry)
    ///     .build()?
    ///     .job(0..100)
    ///     .process(|n| match n {
    ///         7 if asked.fetch_add(1, Ordering::Relaxed) == 0 => Err("busy".to_owned()),
    ///         _ => Ok(Verdict::Output(n)),
    ///     })
    ///     .retry_when(|failure| failure.error().is_some_and(|error| error == "busy"))
    ///     .into(|_| Ok::<_, std::io::Error>(()))
    ///     .run()
    ///     .map_err(|error| error.to_string())?;
    /// assert_eq!((report.written(), report.retries()), (100, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retry_when<F>(self, when: F) -> Worked<S, Retried<W, F>, D>
    where
        F: Fn(&Failure<W::Error>) -> bool + Sync,
        for<'r> Record<'r, W>: Clone,
    {
        let retry = self.settings.retry;
        self.over(|work| Retried { work, when, retry })
    }

    /// Keeps a copy of each record while it is worked on, so that dead letters get the record with its error.
    ///
    /// Not needed with [`retry_when`](Self::retry_when), which keeps a copy as well, nor when the error carries the record.
    pub fn keep_records(self) -> Worked<S, Kept<W>, D>
    where
        for<'r> Record<'r, W>: Clone,
    {
        self.over(|work| Kept { work })
    }

    fn over<V>(self, wrap: impl FnOnce(W) -> V) -> Worked<S, V, D> {
        Worked {
            settings: self.settings,
            source: self.source,
            work: wrap(self.work),
            letters: self.letters,
        }
    }
}

impl<S, W> Worked<S, W>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
{
    /// Where skipped records go, with their position, error and attempts, in the order in which they are settled.
    ///
    /// The report then counts them and keeps none. The record itself is there when the job keeps it. The error is of the
    /// sink's type, and ends the run.
    ///
    /// ```
    /// use crm_batch::{Batch, SkipLimit, Verdict};
    ///
    /// let mut letters = Vec::new();
    /// let report = Batch::builder()
    ///     .skip(SkipLimit::ALL)
    ///     .build()?
    ///     .job("12,x,7".split(','))
    ///     .process(|field| field.parse::<u32>().map(Verdict::Output))
    ///     .keep_records()
    ///     .dead_letters(|skip, field| {
    ///         letters.push((skip.position(), field.unwrap_or_default()));
    ///         Ok::<_, std::io::Error>(())
    ///     })
    ///     .into(|_| Ok::<_, std::io::Error>(()))
    ///     .run()?;
    /// assert_eq!((report.skipped(), report.skips().len()), (1, 0));
    /// assert_eq!(letters, [(1, "x")]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dead_letters<X, D>(self, letters: D) -> Worked<S, W, Letters<D>>
    where
        D: for<'r> FnMut(Skip<W::Error>, Option<<S::Chunk as Chunk>::Record<'r>>) -> Result<(), X>
            + Send,
    {
        Worked {
            settings: self.settings,
            source: self.source,
            work: self.work,
            letters: Letters(letters),
        }
    }

    /// Where outputs go.
    pub fn into<K: Sink<W::Output>>(self, sink: K) -> Ready<S, W, Bare<K>> {
        Ready {
            settings: self.settings,
            source: self.source,
            work: self.work,
            outlet: Bare(sink),
        }
    }
}

impl<S, W, D> Worked<S, W, Letters<D>>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
{
    /// Where outputs go.
    pub fn into<K>(self, sink: K) -> Ready<S, W, Lettered<K, D>>
    where
        K: Sink<W::Output>,
        D: for<'r> FnMut(
                Skip<W::Error>,
                Option<<S::Chunk as Chunk>::Record<'r>>,
            ) -> Result<(), K::Error>
            + Send,
    {
        Ready {
            settings: self.settings,
            source: self.source,
            work: self.work,
            outlet: Lettered {
                sink,
                letters: self.letters.0,
            },
        }
    }
}

impl<S, W, K> Ready<S, W, K>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W::Output, W::Error, W::Chunk>,
{
    /// Runs the job, and returns when it has ended.
    ///
    /// # Errors
    ///
    /// A [`BatchError`], with the report so far, when the run ends before its source.
    ///
    /// # Panics
    ///
    /// When the destructor of a record, an output or the source panics outside of the user's functions.
    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what a caller gets"
    )]
    pub fn run(self) -> Result<Report<W::Error>, BatchError<W::Error, K::Error, S::Error>> {
        let start = self.settings.clock.now();
        let control = self.settings.control(start);
        self.run_under(&control, start)
    }

    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what a caller gets"
    )]
    fn run_under(
        self,
        control: &Control,
        start: Tick,
    ) -> Result<Report<W::Error>, BatchError<W::Error, K::Error, S::Error>> {
        let run = Run {
            settings: &self.settings,
            limit: self.settings.skip,
            control,
            start,
        };
        engine::drive(&run, Ok(self.source), &self.work, self.outlet)
    }

    /// Runs the job as a future, on a thread of its own that the first poll starts.
    ///
    /// It needs no runtime. Dropping the future cancels the run, which then ends by itself within two chunks; source and
    /// sink are dropped when it has.
    ///
    /// ```
    /// use crm_batch::{Batch, Verdict};
    ///
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     struct Thread(std::thread::Thread);
    /// #     impl std::task::Wake for Thread {
    /// #         fn wake(self: std::sync::Arc<Self>) { self.0.unpark() }
    /// #     }
    /// #     let waker = std::sync::Arc::new(Thread(std::thread::current())).into();
    /// #     let mut context = std::task::Context::from_waker(&waker);
    /// #     let mut future = std::pin::pin!(future);
    /// #     loop {
    /// #         if let std::task::Poll::Ready(out) = future.as_mut().poll(&mut context) { return out }
    /// #         std::thread::park();
    /// #     }
    /// # }
    /// let job = Batch::new()
    ///     .job(0..1_000)
    ///     .process(|n| Ok::<_, std::io::Error>(Verdict::Output(n)))
    ///     .into(|_| Ok::<_, std::io::Error>(()));
    /// let report = block_on(async { job.run_async().await })?;
    /// assert_eq!(report.written(), 1_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run_async(self) -> Running<W::Error, K::Error, S::Error>
    where
        S: 'static,
        W: Send + 'static,
        W::Error: 'static,
        K: 'static,
        K::Error: 'static,
        S::Error: 'static,
    {
        let start = self.settings.clock.now();
        let control = self.settings.control(start);
        let run = {
            let control = Arc::clone(&control);
            move || self.run_under(&control, start)
        };
        Running::new(control, Box::new(run))
    }
}

impl<S> fmt::Debug for Job<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl<S, W, D> fmt::Debug for Worked<S, W, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worked")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl<S, W, K> fmt::Debug for Ready<S, W, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl<D> fmt::Debug for Letters<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letters").finish_non_exhaustive()
    }
}
