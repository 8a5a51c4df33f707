//! A job: a source, the work, a sink.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use crm_clock::Tick;

use crate::control::Control;
use crate::engine::{self, Resume, Run};
use crate::outlet::{Bare, Lettered, Outlet, Over, Recall, Rejecting, Rows};
use crate::row::{Bytes, Span};
use crate::running::Running;
use crate::settings::Settings;
use crate::work::{Encode, EncodeWith, Kept, Record, Retried, Stateful, Stateless, Strict, Work};
use crate::{
    BatchError, BuildError, Chunk, Failure, Fingerprint, JobId, Order, Report, Row, Seek, Sink,
    Skip, Source, Verdict,
};

/// A job with a source; made by [`Batch::job`](crate::Batch::job).
#[must_use = "a job does nothing until it is run"]
pub struct Job<S> {
    settings: Settings,
    source: S,
}

/// A job with a source and its work; it still needs a sink.
#[must_use = "a job does nothing until it is run"]
pub struct Worked<S, W, D = NoLetters, M = Records> {
    settings: Settings,
    source: S,
    work: W,
    letters: D,
    makes: M,
}

/// A job whose work makes outputs.
#[derive(Debug)]
pub struct Records(());

/// A job whose work makes rows of bytes.
#[derive(Debug)]
pub struct Encoded(());

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

/// A job with a checkpoint, that can be run and run again; made by [`Ready::checkpoint`].
#[must_use = "a job does nothing until it is run"]
pub struct Restartable<S: Source, W: Work, K: Outlet<W>> {
    ready: Ready<S, W, K>,
    resume: Resume<S, K, K::Error>,
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
        self.worked(Stateless::new(process), Records(()))
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
        self.worked(Stateful::new(make, process), Records(()))
    }

    /// What row of bytes is to be made of each record, in parallel.
    ///
    /// This is the way to a file: the rows of a chunk lie one behind the other and are written as they are, so that no
    /// output owns memory that another thread would have to free. A record whose row stays empty is filtered; what a
    /// failure has left of a row is taken back. The sink is one of `&[u8]`.
    ///
    /// ```
    /// use crm_batch::Batch;
    /// use std::io::Write;
    ///
    /// let mut file = Vec::new();
    /// let report = Batch::new()
    ///     .job(["ada", "", "grace"].into_iter())
    ///     .encode(|name, row| {
    ///         if !name.is_empty() {
    ///             writeln!(row, "{}", name.to_uppercase())?;
    ///         }
    ///         Ok::<_, std::io::Error>(())
    ///     })
    ///     .into(|row: &[u8]| file.write_all(row))
    ///     .run()?;
    /// assert_eq!(file, b"ADA\nGRACE\n");
    /// assert_eq!((report.written(), report.filtered()), (2, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn encode<E, P>(self, encode: P) -> Worked<S, Encode<S::Chunk, E, P>, NoLetters, Encoded>
    where
        E: Send,
        P: for<'r> Fn(<S::Chunk as Chunk>::Record<'r>, &mut Row<'_>) -> Result<(), E> + Sync,
    {
        self.worked(Encode::new(encode), Encoded(()))
    }

    /// The same, with a state of which each worker has its own, as in [`process_with`](Self::process_with).
    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what a caller gets"
    )]
    pub fn encode_with<St, E, M, P>(
        self,
        make: M,
        encode: P,
    ) -> Worked<S, EncodeWith<S::Chunk, St, E, M, P>, NoLetters, Encoded>
    where
        St: Send,
        E: Send,
        M: Fn() -> St + Sync,
        P: for<'r> Fn(&mut St, <S::Chunk as Chunk>::Record<'r>, &mut Row<'_>) -> Result<(), E>
            + Sync,
    {
        self.worked(EncodeWith::new(make, encode), Encoded(()))
    }

    fn worked<W, M>(self, work: W, makes: M) -> Worked<S, W, NoLetters, M> {
        Worked {
            settings: self.settings,
            source: self.source,
            work,
            letters: NoLetters(()),
            makes,
        }
    }
}

impl<S, W, D, M> Worked<S, W, D, M>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
{
    /// Which failures end the run at once, whatever may be skipped or tried again.
    pub fn fatal_when<F>(self, fatal: F) -> Worked<S, Strict<W, F>, D, M>
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
    pub fn retry_when<F>(self, when: F) -> Worked<S, Retried<W, F>, D, M>
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
    pub fn keep_records(self) -> Worked<S, Kept<W>, D, M>
    where
        for<'r> Record<'r, W>: Clone,
    {
        self.over(|work| Kept { work })
    }

    fn over<V>(self, wrap: impl FnOnce(W) -> V) -> Worked<S, V, D, M> {
        Worked {
            settings: self.settings,
            source: self.source,
            work: wrap(self.work),
            letters: self.letters,
            makes: self.makes,
        }
    }
}

impl<S, W, M> Worked<S, W, NoLetters, M>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
{
    /// Where skipped records go, with their position, error and attempts, in the order in which they are settled.
    ///
    /// The report then counts them and keeps none. The record itself is there when the job keeps it. The error is of the
    /// sink's type, and ends the run.
    ///
    /// A job with a checkpoint that is killed may report a reject again when it goes on; with a sink that takes rejects itself,
    /// [`Ready::rejects`] does not.
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
    pub fn dead_letters<X, D>(self, letters: D) -> Worked<S, W, Letters<D>, M>
    where
        D: for<'r> FnMut(Skip<W::Error>, Option<<S::Chunk as Chunk>::Record<'r>>) -> Result<(), X>
            + Send,
    {
        Worked {
            settings: self.settings,
            source: self.source,
            work: self.work,
            letters: Letters(letters),
            makes: self.makes,
        }
    }
}

impl<S, W, D, M> Worked<S, W, D, M>
where
    S: Source,
    W: Work,
{
    fn ready<K: Outlet<W>>(self, outlet: impl FnOnce(D) -> K) -> Ready<S, W, K> {
        Ready {
            settings: self.settings,
            source: self.source,
            work: self.work,
            outlet: outlet(self.letters),
        }
    }
}

impl<S, W> Worked<S, W>
where
    S: Source,
    W: Work<Chunk = S::Chunk, Buffer = ()>,
{
    /// Where outputs go.
    pub fn into<K: Sink<W::Output>>(self, sink: K) -> Ready<S, W, Bare<K>> {
        self.ready(|_| Bare(sink))
    }
}

impl<S, W, D> Worked<S, W, Letters<D>>
where
    S: Source,
    W: Work<Chunk = S::Chunk, Buffer = ()>,
{
    /// Where outputs go.
    pub fn into<K>(self, sink: K) -> Ready<S, W, Lettered<Bare<K>, D>>
    where
        K: Sink<W::Output>,
        D: for<'r> FnMut(
                Skip<W::Error>,
                Option<<S::Chunk as Chunk>::Record<'r>>,
            ) -> Result<(), K::Error>
            + Send,
    {
        self.ready(|letters| Lettered {
            outlet: Bare(sink),
            letters: letters.0,
        })
    }
}

impl<S, W> Worked<S, W, NoLetters, Encoded>
where
    S: Source,
    W: Work<Chunk = S::Chunk, Output = Span, Buffer = Bytes>,
{
    /// Where rows go.
    pub fn into<K, X>(self, sink: K) -> Ready<S, W, Rows<K, X>>
    where
        K: for<'b> Sink<&'b [u8], Error = X>,
        X: Send,
    {
        self.ready(|_| Rows::new(sink))
    }
}

impl<S, W, D> Worked<S, W, Letters<D>, Encoded>
where
    S: Source,
    W: Work<Chunk = S::Chunk, Output = Span, Buffer = Bytes>,
{
    /// Where rows go.
    pub fn into<K, X>(self, sink: K) -> Ready<S, W, Lettered<Rows<K, X>, D>>
    where
        K: for<'b> Sink<&'b [u8], Error = X>,
        X: Send,
        D: for<'r> FnMut(Skip<W::Error>, Option<<S::Chunk as Chunk>::Record<'r>>) -> Result<(), X>
            + Send,
    {
        self.ready(|letters| Lettered {
            outlet: Rows::new(sink),
            letters: letters.0,
        })
    }
}

impl<S, W, K> Ready<S, W, K>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    /// Lets the sink itself take the skipped records, so that they are committed together with the outputs: in a file
    /// beside the file, in a table of the same transaction.
    ///
    /// ```
    /// use crm_batch::{Batch, SkipLimit, Verdict};
    ///
    /// let mut rows = Vec::new();
    /// Batch::builder()
    ///     .skip(SkipLimit::ALL)
    ///     .build()?
    ///     .job("12,x,7".split(','))
    ///     .process(|field| field.parse::<i64>().map(Verdict::Output))
    ///     .into(&mut rows)
    ///     .rejects(|rows: &mut &mut Vec<i64>, _skip, _record| {
    ///         rows.push(-1);
    ///         Ok(())
    ///     })
    ///     .run()?;
    /// assert_eq!(rows, [12, -1, 7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rejects<D>(self, reject: D) -> Ready<S, W, Rejecting<K, D>>
    where
        K: Over,
        D: for<'r> FnMut(
                &mut K::Sink,
                Skip<W::Error>,
                Option<<S::Chunk as Chunk>::Record<'r>>,
            ) -> Result<(), K::Error>
            + Send,
    {
        Ready {
            settings: self.settings,
            source: self.source,
            work: self.work,
            outlet: Rejecting {
                outlet: self.outlet,
                reject,
            },
        }
    }

    /// Lets a killed run of the job go on where its sink has committed, with an effect as of a run that was not killed.
    ///
    /// The sink keeps the checkpoint with what it has written; what it had taken after that, it takes back. A run finds the
    /// checkpoint under `name` and goes on behind it; a job that succeeds leaves none. A checkpoint whose input or parameters
    /// were other ones is [refused](BatchError::Checkpoint), and a damaged one is an error of the sink: it is never guessed.
    /// See the [crate guide](crate#restart) for what is exactly once and what is not.
    ///
    /// # Errors
    ///
    /// A [`BuildError`] when the name is empty or longer than [`JobId::LONGEST_NAME`], or when the order is
    /// [`Order::AsFinished`].
    pub fn checkpoint(self, name: impl Into<String>) -> Result<Restartable<S, W, K>, BuildError>
    where
        S: Seek,
        K: Recall<W>,
    {
        let unknown = Fingerprint::of(&());
        let id = JobId::new(name, unknown, unknown)?;
        if self.settings.order != Order::Input {
            return Err(BuildError::CheckpointOutOfOrder);
        }
        let resume = Resume {
            name: id.name,
            parameters: unknown,
            afresh: false,
            fingerprint: S::fingerprint,
            seek: S::seek,
            recover: K::recover,
        };
        Ok(Restartable {
            ready: self,
            resume,
        })
    }

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
        self.run_under(&control, start, None)
    }

    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what a caller gets"
    )]
    fn run_under(
        self,
        control: &Control,
        start: Tick,
        resume: Option<Resume<S, K, K::Error>>,
    ) -> Result<Report<W::Error>, BatchError<W::Error, K::Error, S::Error>> {
        let run = Run {
            settings: &self.settings,
            limit: self.settings.skip,
            control,
            start,
        };
        engine::drive(&run, Ok(self.source), &self.work, self.outlet, resume)
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
        self.start(None)
    }

    fn start(self, resume: Option<Resume<S, K, K::Error>>) -> Running<W::Error, K::Error, S::Error>
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
            move || self.run_under(&control, start, resume)
        };
        Running::new(control, Box::new(run))
    }
}

impl<S, W, K> Restartable<S, W, K>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    /// What else decides the output, by what its [`Hash`] tells: a rate, a cut-off, the version of the rules. A checkpoint of
    /// a run with other parameters is refused.
    pub fn parameters(mut self, parameters: &(impl Hash + ?Sized)) -> Self {
        self.resume.parameters = Fingerprint::of(parameters);
        self
    }

    /// Forgets a checkpoint that is there, and begins at the start.
    pub fn start_over(mut self) -> Self {
        self.resume.afresh = true;
        self
    }

    /// Runs the job from its checkpoint, or from the start if there is none, and returns when it has ended.
    ///
    /// # Errors
    ///
    /// A [`BatchError`], with the report so far, when the checkpoint is not for this run, or the run ends before its source.
    /// What is [committed](Report::committed) then, a later run goes on from.
    ///
    /// # Panics
    ///
    /// As [`Ready::run`].
    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what a caller gets"
    )]
    pub fn run(self) -> Result<Report<W::Error>, BatchError<W::Error, K::Error, S::Error>> {
        let start = self.ready.settings.clock.now();
        let control = self.ready.settings.control(start);
        self.ready.run_under(&control, start, Some(self.resume))
    }

    /// The same as a future; see [`Ready::run_async`].
    pub fn run_async(self) -> Running<W::Error, K::Error, S::Error>
    where
        S: 'static,
        W: Send + 'static,
        W::Error: 'static,
        K: 'static,
        K::Error: 'static,
        S::Error: 'static,
    {
        self.ready.start(Some(self.resume))
    }
}

impl<S> fmt::Debug for Job<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl<S, W, D, M> fmt::Debug for Worked<S, W, D, M> {
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

impl<S: Source, W: Work, K: Outlet<W>> fmt::Debug for Restartable<S, W, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restartable")
            .field("name", &self.resume.name)
            .field("parameters", &self.resume.parameters)
            .field("afresh", &self.resume.afresh)
            .field("settings", &self.ready.settings)
            .finish_non_exhaustive()
    }
}

impl<D> fmt::Debug for Letters<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letters").finish_non_exhaustive()
    }
}
