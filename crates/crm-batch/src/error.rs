//! The two families of failure: building a batch, and running one.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use rayon::ThreadPoolBuildError;

use crate::{Failure, JobId, Panic, Refusal, Report};

/// Why [`Builder::build`](crate::Builder::build) refused. `{:#}` appends the system's error, which is the
/// [`source`](Error::source), to the message.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// [`Builder::chunk_rows`](crate::Builder::chunk_rows) was 0.
    ZeroChunkRows,
    /// [`Builder::window`](crate::Builder::window) was 0.
    ZeroWindow,
    /// [`Builder::threads`](crate::Builder::threads) was 0.
    ZeroThreads,
    /// [`Builder::chunk_bytes`](crate::Builder::chunk_bytes) was 0.
    ZeroChunkBytes,
    /// The share of a [`SkipLimit`](crate::SkipLimit) was not within 0 and 1.
    SkipShare(f64),
    /// A [`Retry`](crate::Retry) had no attempt.
    ZeroAttempts,
    /// A [`Retry`](crate::Retry) had no longest delay.
    RetryWithoutCap,
    /// The jitter of a [`Retry`](crate::Retry) was not within 0 and 1.
    Jitter(f64),
    /// The name of a [checkpoint](crate::Ready::checkpoint) was empty.
    CheckpointWithoutName,
    /// The name of a checkpoint had so many bytes.
    LongName(usize),
    /// A checkpoint was asked for in [`Order::AsFinished`](crate::Order::AsFinished), in which no single place says what is
    /// done.
    CheckpointOutOfOrder,
    /// The system refused the threads that [`Builder::threads`](crate::Builder::threads) asked for.
    Pool(ThreadPoolBuildError),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroChunkRows => f.write_str(
                "a chunk of 0 rows carries nothing: give chunk_rows at least 1, or leave it out to let the size adapt",
            ),
            Self::ZeroWindow => f.write_str(
                "a window of 0 chunks lets nothing through: give window at least 1, or leave it out for the default",
            ),
            Self::ZeroThreads => f.write_str(
                "0 threads do no work: give threads at least 1, or leave it out to use the surrounding rayon pool",
            ),
            Self::ZeroChunkBytes => f.write_str(
                "a chunk of 0 bytes carries nothing: give chunk_bytes at least 1, or leave it out for the default",
            ),
            Self::SkipShare(share) => write!(
                f,
                "a share of {share} of the records cannot be skipped: give a number from 0 to 1, such as 0.01"
            ),
            Self::ZeroAttempts => f.write_str(
                "0 attempts do no work: give a retry at least 1, which is the first",
            ),
            Self::RetryWithoutCap => f.write_str(
                "a retry without a longest delay may wait for ever: give longest_delay a duration, such as ten seconds",
            ),
            Self::Jitter(share) => write!(
                f,
                "a jitter of {share} is not a share of the delay: give a number from 0 to 1, such as 0.5"
            ),
            Self::CheckpointWithoutName => f.write_str(
                "a checkpoint without a name could be that of any job: give it one, such as \"nightly.scores\"",
            ),
            Self::LongName(bytes) => write!(
                f,
                "a name of {bytes} bytes does not fit into a checkpoint: give one of at most {}",
                JobId::LONGEST_NAME
            ),
            Self::CheckpointOutOfOrder => f.write_str(
                "records that are settled as they finish leave no single place to go on from: use Order::Input with a \
                 checkpoint",
            ),
            Self::Pool(_) => f.write_str(
                "the threads of the pool could not be started: ask for fewer, or hand in a pool",
            ),
        }?;
        match self {
            Self::Pool(error) if f.alternate() => write!(f, ": {error:#}"),
            _ => Ok(()),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Pool(error) => Some(error),
            _ => None,
        }
    }
}

/// Which piece of user code panicked outside of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The source, while it made a record.
    Source,
    /// The sink, while it took an output.
    Sink,
    /// The progress observer.
    Observer,
    /// What takes the rejected records.
    DeadLetters,
    /// What makes the state of a worker.
    State,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Sink => "sink",
            Self::Observer => "progress observer",
            Self::DeadLetters => "dead-letter sink",
            Self::State => "maker of a worker's state",
        })
    }
}

/// Why a run ended before the end of its source.
///
/// Whatever the reason, the sink has accepted the outputs of exactly the records before `position`, in order, less
/// those that the report lists as skipped, and it was shown nothing after `position`. Positions count from 0.
///
/// `{}` prints the message without the error of the process function or the sink, which is the
/// [`source`](Error::source); `{:#}` appends it on the same line, for a log, or for an `E` that is no [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum BatchError<E, S, I = Infallible> {
    /// A record failed when the skip limit was used up.
    #[non_exhaustive]
    Process {
        /// The record's position in the source.
        position: u64,
        /// Its error or panic.
        failure: Failure<E>,
        /// How often it was tried.
        attempts: u32,
        /// What had been done until then.
        report: Box<Report<E>>,
    },
    /// The sink refused an output.
    #[non_exhaustive]
    Sink {
        /// The position of the record whose output it was.
        position: u64,
        /// The sink's error.
        error: S,
        /// What had been done until then.
        report: Box<Report<E>>,
    },
    /// The dead-letter sink refused a rejected record.
    #[non_exhaustive]
    DeadLetters {
        /// The position of the record.
        position: u64,
        /// The error.
        error: S,
        /// What had been done until then.
        report: Box<Report<E>>,
    },
    /// The source failed.
    #[non_exhaustive]
    Source {
        /// The position of the record that it was about to make.
        position: u64,
        /// The source's error.
        error: I,
        /// What had been done until then.
        report: Box<Report<E>>,
    },
    /// All records were settled, and a larger share of them skipped than the limit allows.
    #[non_exhaustive]
    SkipShare {
        /// What has been done, which is everything.
        report: Box<Report<E>>,
    },
    /// The [checkpoint](crate::Ready::checkpoint) that was found is not for this run, which has done nothing.
    #[non_exhaustive]
    Checkpoint {
        /// Why not.
        refusal: Refusal,
        /// What had been done until then, which is nothing.
        report: Box<Report<E>>,
    },
    /// A [`CancelToken`](crate::CancelToken) was cancelled, or a [`Running`](crate::Running) run dropped.
    #[non_exhaustive]
    Cancelled {
        /// The position of the first record that was not settled.
        position: u64,
        /// What had been done until then.
        report: Box<Report<E>>,
    },
    /// The run took longer than its [deadline](crate::Builder::deadline).
    #[non_exhaustive]
    DeadlineExceeded {
        /// The position of the first record that was not settled.
        position: u64,
        /// What had been done until then.
        report: Box<Report<E>>,
    },
    /// The thread for an asynchronous run, or for a stage that blocks, could not be started.
    #[non_exhaustive]
    Thread {
        /// The system's error.
        error: std::io::Error,
        /// What had been done until then, which is nothing.
        report: Box<Report<E>>,
    },
    /// User code other than the process function panicked.
    #[non_exhaustive]
    Panicked {
        /// Where.
        stage: Stage,
        /// The position of the record that the stage was about to make or to take; for the observer, of the first
        /// record that was not settled.
        position: u64,
        /// The panic; [`Panic::resume`] lets it go on.
        panic: Panic,
        /// What had been done until then.
        report: Box<Report<E>>,
    },
}

impl<E, S, I> BatchError<E, S, I> {
    /// The position at which the run ended, counted from 0; for a run that is over, the number of its records.
    #[must_use]
    pub fn position(&self) -> u64 {
        match self {
            Self::Process { position, .. }
            | Self::Sink { position, .. }
            | Self::DeadLetters { position, .. }
            | Self::Source { position, .. }
            | Self::Cancelled { position, .. }
            | Self::DeadlineExceeded { position, .. }
            | Self::Panicked { position, .. } => *position,
            Self::SkipShare { report } => report.read(),
            Self::Checkpoint { .. } | Self::Thread { .. } => 0,
        }
    }

    /// What had been done until the run ended.
    #[must_use]
    pub fn report(&self) -> &Report<E> {
        match self {
            Self::Process { report, .. }
            | Self::Sink { report, .. }
            | Self::DeadLetters { report, .. }
            | Self::Source { report, .. }
            | Self::SkipShare { report }
            | Self::Checkpoint { report, .. }
            | Self::Cancelled { report, .. }
            | Self::DeadlineExceeded { report, .. }
            | Self::Thread { report, .. }
            | Self::Panicked { report, .. } => report,
        }
    }

    /// The same by value.
    #[must_use]
    pub fn into_report(self) -> Report<E> {
        match self {
            Self::Process { report, .. }
            | Self::Sink { report, .. }
            | Self::DeadLetters { report, .. }
            | Self::Source { report, .. }
            | Self::SkipShare { report }
            | Self::Checkpoint { report, .. }
            | Self::Cancelled { report, .. }
            | Self::DeadlineExceeded { report, .. }
            | Self::Thread { report, .. }
            | Self::Panicked { report, .. } => *report,
        }
    }
}

impl<E: fmt::Display, S: fmt::Display, I: fmt::Display> fmt::Display for BatchError<E, S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process {
                position,
                failure: Failure::Panicked(panic),
                report,
                ..
            } => write!(
                f,
                "record {position} failed after {} skipped ones (the process function panicked: {panic}): repair the \
                 record, or raise the skip limit",
                report.skipped()
            ),
            Self::Process {
                position, report, ..
            } => write!(
                f,
                "record {position} failed after {} skipped ones: repair the record, or raise the skip limit",
                report.skipped()
            ),
            Self::Sink { report, .. } if report.read() == 0 => {
                f.write_str("the sink refused before any record was read: remove the cause and run again")
            }
            Self::Sink { position, .. } => write!(
                f,
                "the sink refused the output of record {position}: what came before it is written, go on from there"
            ),
            Self::DeadLetters { position, .. } => write!(
                f,
                "the dead-letter sink refused record {position}: what came before it is settled, go on from there"
            ),
            Self::Source { position, .. } => write!(
                f,
                "the source failed at record {position}: what came before it is settled, go on from there"
            ),
            Self::SkipShare { report } => write!(
                f,
                "{} of {} records were skipped, a larger share than the limit allows: repair them, or raise the limit",
                report.skipped(),
                report.read()
            ),
            Self::Checkpoint { refusal, .. } => write!(
                f,
                "there is a checkpoint, but {refusal}: restore what has changed, or forget it by start_over"
            ),
            Self::Cancelled { position, .. } => write!(
                f,
                "the run was cancelled at record {position}: what came before it is settled, go on from there"
            ),
            Self::DeadlineExceeded { position, .. } => write!(
                f,
                "the run reached its deadline at record {position}: go on from there, or give it more time"
            ),
            Self::Thread { .. } => f.write_str(
                "a thread of the run could not be started: free one, or run without threads of its own",
            ),
            Self::Panicked {
                stage,
                position,
                panic,
                ..
            } => write!(
                f,
                "the {stage} panicked at record {position} ({panic}): let it return an error instead"
            ),
        }?;
        match self {
            Self::Process {
                failure: Failure::Error(error),
                ..
            } if f.alternate() => write!(f, ": {error:#}"),
            Self::Sink { error, .. } | Self::DeadLetters { error, .. } if f.alternate() => {
                write!(f, ": {error:#}")
            }
            Self::Source { error, .. } if f.alternate() => write!(f, ": {error:#}"),
            Self::Thread { error, .. } if f.alternate() => write!(f, ": {error:#}"),
            _ => Ok(()),
        }
    }
}

impl<E, S, I> Error for BatchError<E, S, I>
where
    E: Error + 'static,
    S: Error + 'static,
    I: Error + 'static,
{
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Process { failure, .. } => match failure {
                Failure::Error(error) => Some(error),
                Failure::Panicked(_) => None,
            },
            Self::Sink { error, .. } | Self::DeadLetters { error, .. } => Some(error),
            Self::Source { error, .. } => Some(error),
            Self::Thread { error, .. } => Some(error),
            Self::Checkpoint { refusal, .. } => Some(refusal),
            Self::SkipShare { .. }
            | Self::Cancelled { .. }
            | Self::DeadlineExceeded { .. }
            | Self::Panicked { .. } => None,
        }
    }
}
