//! The choices of a batch, and their validation.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crm_clock::Clock;

use crate::settings::Settings;
use crate::sync::pool::{ThreadPool, ThreadPoolBuilder};
use crate::{Batch, BuildError, CancelToken, Limit, Order, Progress, Retry, SkipLimit};

/// Makes a [`Batch`]. Setters never fail; [`build`](Self::build) validates.
///
/// ```
/// use crm_batch::Batch;
///
/// let batch = Batch::builder().chunk_rows(4096).window(8).threads(2).skip_limit(100).build()?;
/// # let _ = batch;
/// # Ok::<(), crm_batch::BuildError>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until build is called"]
pub struct Builder {
    settings: Settings,
    place: Place,
}

/// Where the user wants the work to be done; the last setter wins.
#[derive(Default)]
enum Place {
    #[default]
    Surrounding,
    Threads(usize),
    Given(Arc<ThreadPool>),
}

impl Builder {
    /// Records in a chunk, instead of a size that adapts to about a millisecond of work.
    ///
    /// Together with [`window`](Self::window) it is the memory bound. Every chunk has this many rows, except the last
    /// one and the one in which an [inline start](Self::inline_start) gives over to the pool.
    ///
    /// In the pool a chunk is filled before any of it is worked on. A source that has no end, or that pauses, wants a
    /// number that it reaches soon.
    pub fn chunk_rows(mut self, rows: impl Limit) -> Self {
        self.settings.chunk_rows = Some(rows.number());
        self
    }

    /// Bytes in a chunk at most, beside its rows. The default is 1 MiB.
    ///
    /// A source that knows the size of its records, such as [`Measured`](crate::Measured), ends the chunk with the record that
    /// reaches it. For any other iterator a record counts as many bytes as its type, without what it owns on the heap.
    pub fn chunk_bytes(mut self, bytes: impl Limit) -> Self {
        self.settings.chunk_bytes = Some(bytes.number());
        self
    }

    /// Chunks in flight at most: being filled, worked on, or waiting for their turn at the sink.
    ///
    /// The default is 8 or four for each thread, whichever is more. A wide window lets cheap records go on while a dear
    /// one is worked on; a window of 1 leaves nothing to do at the same time.
    pub fn window(mut self, chunks: impl Limit) -> Self {
        self.settings.window = Some(chunks.number());
        self
    }

    /// Records that may fail in one run and be passed over; the next failure ends the run. The default is 0.
    ///
    /// Failures are counted in the order of the source, whatever the order in which the workers meet them, so that the
    /// run ends at the same record each time. It does not apply to [`Batch::map`], [`Batch::try_map`] and
    /// [`Batch::for_each`]. [`skip`](Self::skip) takes a share as well.
    pub fn skip_limit(self, records: u64) -> Self {
        self.skip(SkipLimit::records(records))
    }

    /// Records that may fail and be passed over, by number and by share. Replaces an earlier [`skip_limit`](Self::skip_limit).
    pub fn skip(mut self, limit: SkipLimit) -> Self {
        self.settings.skip = limit;
        self
    }

    /// How often and how late a record is tried again, in jobs that say [when](crate::Worked::retry_when). The default is
    /// [`Retry::default`].
    pub fn retry(mut self, retry: Retry) -> Self {
        self.settings.retry = retry;
        self
    }

    /// In which order outputs come to the sink. The default is that of the source.
    ///
    /// [`Batch::map`] and [`Batch::try_map`] keep the order of the source whatever is chosen here.
    pub fn order(mut self, order: Order) -> Self {
        self.settings.order = order;
        self
    }

    /// A token that can cancel, pause and resume the runs of this batch.
    ///
    /// [`Batch::map`], [`Batch::try_map`] and [`Batch::for_each`] do not heed it: they have no way to say that they were cut
    /// short.
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.settings.cancel = Some(token);
        self
    }

    /// The time that a run may take, by the batch's clock; after it the run ends with
    /// [`BatchError::DeadlineExceeded`](crate::BatchError::DeadlineExceeded). It applies where [`cancel`](Self::cancel) does.
    ///
    /// The clock is looked at sixteen times in a chunk. A single record is not interrupted.
    pub fn deadline(mut self, after: Duration) -> Self {
        self.settings.deadline = Some(after);
        self
    }

    /// A pool of its own with this many threads, started by [`build`](Self::build) and kept with the batch.
    ///
    /// A process function that waits, for the answer of another service or of a database, holds its thread meanwhile. Give such
    /// a job as many threads as calls are to be under way at once, whatever the number of processors.
    ///
    /// Replaces an earlier [`pool`](Self::pool).
    pub fn threads(mut self, threads: impl Limit) -> Self {
        self.place = Place::Threads(threads.number());
        self
    }

    /// A pool that exists already. Replaces an earlier [`threads`](Self::threads).
    ///
    /// Without either, a batch works in the rayon pool from which it is called, or else in rayon's global pool.
    pub fn pool(mut self, pool: Arc<ThreadPool>) -> Self {
        self.place = Place::Given(pool);
        self
    }

    /// Whether a run begins on the caller's thread and moves to the pool when that is worth it. The default is `true`.
    ///
    /// With `false` all user code runs in the pool from the first record on: for a caller's thread that must not work,
    /// or a job known to be heavy.
    pub fn inline_start(mut self, inline: bool) -> Self {
        self.settings.inline_start = inline;
        self
    }

    /// Whether the source waits for something else than a processor, such as a network, and so is to have a thread of its own.
    /// The default is `false`: the worker that fills a chunk goes on to work on it, which is faster for a source that does
    /// not block.
    ///
    /// The thread fills chunks as far as the [window](Self::window) lets it, and the pool works on them. Records are then dropped
    /// by another thread than the one that has made them. Such a job has no [inline start](Self::inline_start). To end it, the
    /// source must return: it should ask [`Room::is_over`](crate::Room::is_over) while it waits.
    ///
    /// An iterator, such as the receiver of a channel, cannot ask. While it waits a cancelled run waits with it, and the records
    /// before lie in a chunk that is not full yet. Right for a channel whose sender goes away, as here:
    ///
    /// ```
    /// use crm_batch::Batch;
    /// use std::sync::mpsc;
    ///
    /// let batch = Batch::builder().source_blocks(true).build()?;
    /// let (orders, incoming) = mpsc::channel();
    /// std::thread::spawn(move || (1..=3).try_for_each(|order| orders.send(order)));
    /// let mut billed = Vec::new();
    /// batch.run(incoming, Ok::<i32, ()>, |order| {
    ///     billed.push(order);
    ///     Ok::<_, ()>(())
    /// }).unwrap();
    /// assert_eq!(billed, [1, 2, 3]);
    /// # Ok::<(), crm_batch::BuildError>(())
    /// ```
    ///
    /// For one that stays open, a source looks up now and then, and hands over what there is as soon as nothing more comes:
    ///
    /// ```
    /// use crm_batch::{Batch, CancelToken, Fill, Owned, Room, Source, Verdict};
    /// use std::convert::Infallible;
    /// use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
    /// use std::time::Duration;
    ///
    /// struct Inbox(Receiver<u64>);
    ///
    /// impl Source for Inbox {
    ///     type Chunk = Owned<u64>;
    ///     type Error = Infallible;
    ///
    ///     fn fill(&mut self, chunk: &mut Owned<u64>, room: &Room<'_>) -> Result<Fill, Infallible> {
    ///         while chunk.len() < room.rows() && !room.is_over() {
    ///             match self.0.recv_timeout(Duration::from_millis(20)) {
    ///                 Ok(order) => chunk.push(order),
    ///                 Err(RecvTimeoutError::Timeout) if chunk.is_empty() => {} // at least one record
    ///                 Err(RecvTimeoutError::Timeout) => break,
    ///                 Err(RecvTimeoutError::Disconnected) => return Ok(Fill::ended()),
    ///             }
    ///         }
    ///         Ok(Fill::more())
    ///     }
    /// }
    ///
    /// let token = CancelToken::new();
    /// let batch = Batch::builder().source_blocks(true).cancel(token.clone()).build()?;
    /// let (orders, incoming) = mpsc::channel();
    /// orders.send(7).unwrap();
    /// let ended = batch
    ///     .job(Inbox(incoming))
    ///     .process(|order| Ok::<_, Infallible>(Verdict::Output(order)))
    ///     .into(|_| {
    ///         token.cancel(); // the order has come through, though its sender is still there
    ///         Ok::<_, Infallible>(())
    ///     })
    ///     .run();
    /// assert_eq!(ended.unwrap_err().report().written(), 1);
    /// drop(orders);
    /// # Ok::<(), crm_batch::BuildError>(())
    /// ```
    pub fn source_blocks(mut self, blocks: bool) -> Self {
        self.settings.source_blocks = blocks;
        self
    }

    /// Whether the sink waits for something else than a processor, such as a disk that it synchronises, and so is to run
    /// outside of the pool. The default is `false`: the worker whose chunk is due settles it, while it is still at hand.
    ///
    /// The sink, the dead letters and the observer then run on the caller's thread, or on a thread of their own if the caller is
    /// a worker of a pool. Such a job has no [inline start](Self::inline_start).
    pub fn sink_blocks(mut self, blocks: bool) -> Self {
        self.settings.sink_blocks = blocks;
        self
    }

    /// A function that is told how far the run has come, after each chunk that the sink has taken.
    ///
    /// It is called by whichever thread runs the sink, in order, never twice at the same time and never under a lock.
    /// The sink waits for it, so it should be short.
    ///
    /// ```
    /// use crm_batch::Batch;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use std::sync::Arc;
    ///
    /// let bar = Arc::new(AtomicU64::new(0)); // a progress bar
    /// let shown = Arc::clone(&bar);
    /// let batch = Batch::builder()
    ///     .progress(move |progress| shown.store(progress.written(), Ordering::Relaxed))
    ///     .build()?;
    /// batch.for_each(0..1_000, |_| ());
    /// assert_eq!(bar.load(Ordering::Relaxed), 1_000);
    /// # Ok::<(), crm_batch::BuildError>(())
    /// ```
    pub fn progress(mut self, observer: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.settings.observer = Some(Arc::new(observer));
        self
    }

    /// The clock that sizes chunks and times the run. The default is the system's.
    ///
    /// On a manual clock that stands still all work seems free of cost, so that a run with an
    /// [inline start](Self::inline_start) stays on the caller's thread.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = clock;
        self
    }

    /// The batch.
    ///
    /// # Errors
    ///
    /// A [`BuildError`] when `chunk_rows`, `chunk_bytes`, `window` or `threads` is 0, when a skip share or a jitter is not
    /// within 0 and 1, when a retry has no attempt or no cap, or when the threads could not be started.
    pub fn build(self) -> Result<Batch, BuildError> {
        let mut settings = self.settings;
        if settings.chunk_rows == Some(0) {
            return Err(BuildError::ZeroChunkRows);
        }
        if settings.chunk_bytes == Some(0) {
            return Err(BuildError::ZeroChunkBytes);
        }
        settings.skip.validate()?;
        settings.retry.validate()?;
        if settings.window == Some(0) {
            return Err(BuildError::ZeroWindow);
        }
        settings.pool = match self.place {
            Place::Surrounding => None,
            Place::Given(pool) => Some(pool),
            Place::Threads(0) => return Err(BuildError::ZeroThreads),
            Place::Threads(threads) => {
                let pool = ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .thread_name(|index| format!("crm-batch-{index}"))
                    .build()
                    .map_err(BuildError::Pool)?;
                Some(Arc::new(pool))
            }
        };
        Ok(Batch::from_settings(settings))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Surrounding => f.write_str("Surrounding"),
            Self::Threads(threads) => f.debug_tuple("Threads").field(threads).finish(),
            Self::Given(pool) => f.debug_tuple("Given").field(pool).finish(),
        }
    }
}
