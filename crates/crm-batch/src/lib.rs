//! Parallel jobs over many records: results in order, memory bounded, a report that adds up.
//!
//! A [`Batch`] takes records from an iterator, works on them in a [rayon] pool and gives the outputs to a sink in the
//! order of the source. A record that fails can be skipped and reported instead of ending the job.
//!
//! ```
//! use crm_batch::Batch;
//!
//! let invoices = "536365,17850,15.30\n536366,17850,eleven\n536367,13047,54.08".lines();
//! let mut revenue = 0.0;
//!
//! let batch = Batch::builder().skip_limit(100).build()?;
//! let report = batch.run(
//!     invoices,
//!     |line| line.rsplit(',').next().unwrap_or_default().parse::<f64>(), // in parallel
//!     |amount| {
//!         revenue += amount; // in order, one at a time
//!         Ok::<(), std::io::Error>(())
//!     },
//! )?;
//!
//! assert_eq!(format!("{revenue:.2}"), "69.38");
//! assert_eq!((report.read(), report.written(), report.skipped()), (3, 2, 1));
//! let skip = &report.skips()[0];
//! assert_eq!(skip.position(), 1);
//! assert_eq!(skip.failure().to_string(), "invalid float literal");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which method to reach for
//!
//! | the job | method |
//! |---|---|
//! | a result for every item, none of which can fail | [`Batch::map`] |
//! | the same, and the first failure ends it | [`Batch::try_map`] |
//! | an effect for every item, in any order | [`Batch::for_each`] |
//! | more records than fit into memory, a sink, skipped records, a report | [`Batch::run`] |
//! | the same with records filtered, tried again, sent to dead letters; a worker's own state; any [`Source`] | [`Batch::job`] |
//!
//! `Batch::new()` is right for most jobs. The [`Builder`] knows the rest:
//!
//! | choice | default | when to change it |
//! |---|---|---|
//! | [`chunk_rows`](Builder::chunk_rows) | adapts to about 1 ms of work, at most 8,192 rows | to fix the memory bound or the rhythm of the observer |
//! | [`chunk_bytes`](Builder::chunk_bytes) | 1 MiB | to bound records that own much memory, with [`Measured`] |
//! | [`window`](Builder::window) | 8 chunks, or 4 for each thread if that is more | less to save memory; more when single records are very dear |
//! | [`skip_limit`](Builder::skip_limit), [`skip`](Builder::skip) | 0 | when some bad records are to be expected, by number or by share |
//! | [`retry`](Builder::retry) | 3 attempts, in jobs that say [when](Worked::retry_when) | to try more often, sooner or later |
//! | [`order`](Builder::order) | that of the source | when the sink does not mind, and some records are very dear |
//! | [`cancel`](Builder::cancel), [`deadline`](Builder::deadline) | none | to stop, pause and resume from outside |
//! | [`threads`](Builder::threads), [`pool`](Builder::pool) | the rayon pool around the caller, or the global one | to keep the job away from other work; many threads where the process function waits for a network |
//! | [`source_blocks`](Builder::source_blocks), [`sink_blocks`](Builder::sink_blocks) | `false` | when a stage waits for a network or a disk |
//! | [`inline_start`](Builder::inline_start) | `true` | `false` when the caller's thread must not work |
//! | [`progress`](Builder::progress) | none | for a progress bar |
//! | [`clock`](Builder::clock) | the system's | in tests |
//!
//! # From `map` to a job that survives a kill
//!
//! Each step adds one thing; stop where your job is served.
//!
//! **1. Results for what is in memory.** No error, no report.
//!
//! ```
//! use crm_batch::Batch;
//!
//! let scores = Batch::new().map(&[69.38_f64, 15.3], |revenue| revenue.sqrt());
//! # assert_eq!(scores.len(), 2);
//! ```
//!
//! **2. Some records are bad.** [`Batch::try_map`] ends at the first of them, [`Batch::run`] passes over so many, as in the
//! example above, and hands outputs to a sink instead of collecting them: memory no longer grows with the records.
//!
//! **3. From file to file.** [`Batch::job`] takes a [source](#ready-sources-and-sinks) that leaves parsing to the workers.
//! [`encode`](Job::encode) makes a row of bytes of each record; [`process`](Job::process) would make a value, as a [`Verdict`].
//! Neither adds a line end. The output is there when the job has succeeded, and not before.
//!
//! ```
//! use crm_batch::{Batch, Csv, CsvError, FileSink};
//! use std::io::Write;
//!
//! # let folder = tempfile::tempdir()?;
//! # let (customers, scores) = (folder.path().join("customers.csv"), folder.path().join("scores.csv"));
//! # std::fs::write(&customers, "id,revenue\n7,69.38\n9,15.3\n")?;
//! let report = Batch::new()
//!     .job(Csv::open(&customers)?)
//!     .encode(|row, out| {
//!         let revenue: f64 = row.parse("revenue")?;
//!         let _ = writeln!(out, "{},{:.3}", row.str("id")?, revenue.sqrt()); // a row in memory takes everything
//!         Ok::<_, CsvError>(())
//!     })
//!     .into(FileSink::create(&scores))
//!     .run()?;
//! assert_eq!(std::fs::read_to_string(&scores)?, "7,8.329\n9,3.912\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **4. Rejects into a second file**, [committed with the first](Ready::rejects). [`keep_records`](Worked::keep_records)
//! lets them have the record beside its error. (The other way, [`dead_letters`](Worked::dead_letters), stands before `into` and
//! goes anywhere; after a kill it may report a reject twice.)
//!
//! **5. A checkpoint**, with all [parameters](Restartable::parameters) that decide the output. The same call begins the job, and
//! goes on with it after whatever has ended it: the program needs no option to resume.
//!
//! **6. A button and a bar.** A cancelled run commits what it has settled. [`Report`] and [`Progress`] count this run alone;
//! [`before`](Report::before) is what the earlier ones have done, and [`Progress::start`] where in the file this one began.
//!
//! ```
//! use crm_batch::{Batch, BatchError, CancelToken, Csv, CsvError, FileSink, SkipLimit};
//! use std::io::Write;
//!
//! # let folder = tempfile::tempdir()?;
//! # let (customers, scores) = (folder.path().join("customers.csv"), folder.path().join("scores.csv"));
//! # let rejects = folder.path().join("rejects.csv");
//! # std::fs::write(&customers, "id,revenue\n7,69.38\n8,none\n9,15.3\n")?;
//! let token = CancelToken::new(); // its clone goes to the handler of Ctrl-C: `move || token.cancel()`
//! let size = std::fs::metadata(&customers)?.len();
//! let batch = Batch::builder()
//!     .skip(SkipLimit::ALL)
//!     .cancel(token.clone())
//!     .progress(move |progress| {
//!         let start = progress.start().map_or(0, |start| start.0);
//!         eprint!("\r{} of {size} bytes", start + progress.bytes());
//!     })
//!     .build()?;
//! let digits = 3;
//! let outcome = batch
//!     .job(Csv::open(&customers)?)
//!     .encode(|row, out| {
//!         let revenue: f64 = row.parse("revenue")?;
//!         let _ = writeln!(out, "{},{:.digits$}", row.str("id")?, revenue.sqrt());
//!         Ok::<_, CsvError>(())
//!     })
//!     .keep_records()
//!     .into(FileSink::create(&scores).with_rejects(&rejects))
//!     .rejects(|sink, skip, row| {
//!         let row = row.map(|row| String::from_utf8_lossy(row.raw())).unwrap_or_default();
//!         sink.reject(format!("{},{row}\n", skip.position()))
//!     })
//!     .checkpoint("scores")?
//!     .parameters(&digits)
//!     .run();
//! match outcome {
//!     Ok(report) => println!("{report}"),
//!     Err(error @ BatchError::Cancelled { .. }) => println!("{error:#}: run it again"),
//!     Err(error) => return Err(error.into()),
//! }
//! assert_eq!(std::fs::read_to_string(&scores)?, "7,8.329\n9,3.912\n");
//! assert_eq!(std::fs::read_to_string(&rejects)?, "1,8,none\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **7. From async code.** [`run_async`](Restartable::run_async) in place of `run`, with any runtime. What the job holds must then
//! be `'static`, so that closures `move` clones of their `Arc`s. A timeout that drops the future cancels the run:
//! `timeout(limit, job.run_async()).await`. It does not wait for the run to end, so that the last records may still be in
//! hand; who must know cancels by the token and awaits the future.
//!
//! # Ready sources and sinks
//!
//! | source | its records | with a checkpoint |
//! |---|---|---|
//! | any [`Iterator`] that is `Send` (of a collection its `iter()` or `into_iter()`) | the items | within [`Repeatable`] |
//! | [`Measured`] | the items, with a bound in bytes | within [`Repeatable`] |
//! | [`Tried`], of an iterator of results | the values; the first error ends the run | within [`Repeatable`] |
//! | [`Lines`] | [`Line`], borrowed from the block | yes, if the reader can seek; by bytes |
//! | [`Csv`] | [`CsvRow`], borrowed from the block | yes, if the reader can seek; by bytes |
//! | `SqliteRows` (feature `rusqlite`) | what a function makes of a row | yes, by the key |
//! | your own [`Source`] | those of its [`Chunk`], [`Owned`] for a start | with [`Seek`] |
//!
//! | sink | takes | with a checkpoint |
//! |---|---|---|
//! | `FnMut(R) -> Result<(), E>` | anything; `&[u8]` after [`encode`](Job::encode) | no |
//! | `&mut Vec<R>` | the values of [`process`](Job::process) | no |
//! | [`Writer`], over any [`Write`](std::io::Write) | bytes or texts | no |
//! | [`FileSink`] | bytes or texts | yes, exactly once |
//! | `SqliteSink` (feature `rusqlite`) | anything, by a function that executes statements | yes, exactly once |
//! | your own [`Sink`] | what it says; with positions by [`Sink::write_at`] | with [`Recover`] |
//!
//! # When the compiler objects
//!
//! | message | remedy |
//! |---|---|
//! | `cannot infer type` of the error `E` | name it where the closure ends: `Ok::<_, CsvError>(..)` |
//! | `type annotations needed` for a closure in a variable | `\|row: CsvRow<'_>\| ..`, or a function `fn score(row: CsvRow<'_>) -> ..` |
//! | `lifetime may not live long enough` at an output | an output owns what it holds: `.to_owned()`, or [`encode`](Job::encode), which copies into the chunk |
//! | `into` takes no arguments | an earlier bound is not met, and the compiler has found [`Into`]; the message before it says which |
//! | `?` couldn't convert a [`BatchError`] | one of its errors is no [`Error`](std::error::Error), as `String` and `Box<dyn Error>` are not: `.map_err(\|error\| format!("{error:#}"))?` |
//! | `cannot assign` or `cannot borrow` .. in a `Fn` closure | it runs on many threads: give each a state by [`process_with`](Job::process_with), or add up in the sink |
//!
//! # Guarantees
//!
//! - **Order.** The sink takes outputs in the order of the source. A run ends at the same record, with the same records
//!   written, skipped and tried again, as a plain loop would, whatever the number of threads. In [`Order::AsFinished`]
//!   a run that succeeds has done the same for each record, in another order.
//! - **One thread for a record.** In the pool, the thread that takes a record from the source also works on it and
//!   drops it, so that its memory never changes hands. Only outputs may cross to the thread that runs the sink. A
//!   [source that blocks](Builder::source_blocks) is the exception.
//! - **One caller for source and sink.** Each is used by one thread at a time and needs no `Sync`. No lock of this crate
//!   is held while user code runs: source, process, sink, observer or destructor.
//! - **No waiting in the pool.** No task waits for another, so that a run cannot deadlock by itself: not in a pool of
//!   one thread, not inside another run, not across pools. The caller of a run waits for it; if it is a worker of a pool,
//!   it does other work meanwhile.
//! - **Cancelling.** A cancelled or late run ends before the next record of each worker, in the middle of a chunk; a sink is
//!   given the rest of the chunk that is being settled. [`BatchError::position`] says where to go on.
//! - **No thread while it waits.** A paused run and a record that waits for its retry hold no thread of the pool. The caller
//!   of a blocking run waits; if it is itself a worker of a pool, it does the pool's other work meanwhile.
//! - **Panics.** One in the process function is a failure of its record, as an error is. One in source, sink, dead letters,
//!   observer or the maker of a worker's state ends the run with [`BatchError::Panicked`]. `map`, `try_map` and `for_each` let panics go on, that of the first
//!   record in order. The batch is as good afterwards as before.
//! - **The report adds up.** `read = written + filtered + skipped + not processed`, and the last is 0 when a run succeeds.
//!
//! # Memory
//!
//! ```text
//! rows in flight  <= window x chunk rows
//! bytes in flight <= window x (chunk bytes + one record)      for sources that know the size of their records
//! ```
//!
//! A row is in flight from the moment it is taken from the source until its chunk is settled: as a record, or as its
//! output. `chunk rows` is the fixed size, or at most 8,192 rows for chunks that adapt, or as many as make
//! [`chunk_bytes`](Builder::chunk_bytes) of `size_of` record or output, whichever is less. A source that does not count its
//! records goes by the bytes alone. [`Report::peak_rows`] says how much of the bound a run has used. To
//! it come one output in the making for each thread, a copy of the record that each works on if the job keeps records or tries
//! them again, and the skipped records' errors, at most as many as the skip limit, unless dead letters take them.
//! What a record owns on the heap counts with it: a bound in bytes is `rows x bytes of a record`.
//!
//! The buffers of the chunks are used again, and go back to the allocator at the end of the run.
//!
//! # Restart
//!
//! A job over a source that can [seek](Seek) and into a sink that can [recover](Recover) may have a
//! [checkpoint](Ready::checkpoint): killed at any moment and run again, it leaves what an undisturbed run leaves.
//!
//! | the sink | what is committed together | after a kill |
//! |---|---|---|
//! | [`FileSink`] | rows, and a slot of the checkpoint file that names their length | exactly once: rows that no slot counts are cut off |
//! | `SqliteSink` (feature `rusqlite`) | rows, dead letters and the job's row of a ledger, in one transaction | exactly once: SQLite rolls back the rest |
//! | another database, a queue | nothing; [`Sink::write_at`] gives each output its position | at least once: the name of the job and the position are the key by which the receiver drops what it has; see [`Recover`] |
//!
//! The checkpoint holds the job's name, its [parameters](Restartable::parameters) and the fingerprint of its input; a run with
//! others is refused. What is exactly once is the effect on the sink. The process function, the dead letters that are not
//! [taken by the sink](Ready::rejects), and the observer see the records of the last moments again.
//!
//! # Where the work is done
//!
//! A run begins on the caller's thread, and most runs over a few records end there: no pool is touched, nor is the
//! global one started. After a quarter of a millisecond, or after a few records that each take longer than
//! 2 us, or after a single one that is so heavy that a wrong guess about the few that are left would cost little, it looks at
//! what it has measured, and goes to the pool if that promises to be at least a tenth faster. A job that is bound by its source
//! or its sink, or whose records cost less than handing them over, stays on the caller's thread to its end, and the run
//! looks again now and then. Once in the pool, it stays there. A job with retries begins there.
//!
//! When a thread of the pool has nothing to do, because the window is full or the source has ended, a worker that is busy
//! gives it the second half of the rest of its chunk, if that is worth a hand-over, and more of it while records are heavy.
//!
//! A job of a few records that are all heavy loses the time of the first, which runs before the pool is asked: eight on two
//! threads take five record times instead of four. With [`inline_start(false)`](Builder::inline_start) they take four.
//!
//! A source or sink that blocks, on a network for instance, takes a worker of the pool with it while it does, unless the batch
//! is told so: see [`source_blocks`](Builder::source_blocks) and [`sink_blocks`](Builder::sink_blocks). A process function that
//! waits holds its thread, so that no more calls are under way than the pool has [`threads`](Builder::threads): give it many.
//!
//! User code may use rayon itself. A worker that waits inside such a call may take up another task of the same run, so
//! do not hold a lock over it that `source`, `process` or `sink` also takes.
//!
//! # Features
//!
//! - `memchr` finds line ends and quotes of files by the crate of this name: [`Lines`] that are long are cut faster.
//! - `rusqlite` brings `SqliteRows` and `SqliteSink`. It needs a C library, which rusqlite's feature `bundled` builds; the choice
//!   is the user's, who names rusqlite as a dependency anyway. It is public: its `Connection` is what they are made of.
//!
//! The only other dependencies are `crm-clock`, which is public as [`Builder::clock`] takes its `Clock`; `fs4`; and `rayon`, which is
//! public as [`Builder::pool`] takes its `ThreadPool`.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod aside;
mod batch;
mod builder;
mod checkpoint;
mod chunk;
mod control;
mod csv;
mod engine;
mod error;
mod failure;
mod file;
mod input;
mod job;
mod limit;
mod lines;
mod opaque;
mod order;
mod outlet;
mod panic;
mod progress;
mod records;
mod report;
mod retry;
mod row;
mod running;
mod settings;
mod sink;
mod skip;
mod source;
#[cfg(feature = "rusqlite")]
mod sqlite;
mod sync;
mod verdict;
mod work;
mod writer;

pub use batch::Batch;
pub use builder::Builder;
pub use checkpoint::{Checkpoint, Fingerprint, JobId, Refusal, Repeatable, Seek};
pub use chunk::{Chunk, Owned};
pub use control::CancelToken;
pub use csv::{Column, Csv, CsvBlock, CsvError, CsvErrorKind, CsvOptions, CsvRow, Fields};
pub use error::{BatchError, BuildError, Stage};
pub use failure::Failure;
pub use file::{FileError, FileSink};
pub use input::{InputError, Place};
pub use job::{Job, Ready, Restartable, Worked};
pub use limit::Limit;
pub use lines::{Line, LineBlock, LineError, Lines};
pub use order::Order;
pub use panic::Panic;
pub use progress::Progress;
pub use records::{Measured, Tried};
pub use report::{Report, Skip};
pub use retry::Retry;
pub use row::Row;
pub use running::Running;
pub use sink::{End, Entry, Recover, Sink};
pub use skip::SkipLimit;
pub use source::{Fill, Position, Room, Source};
#[cfg(feature = "rusqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "rusqlite")))]
pub use sqlite::{SqliteError, SqliteRows, SqliteSink};
pub use verdict::Verdict;
pub use writer::Writer;

#[doc = include_str!("../DESIGN.md")]
pub mod _design {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
