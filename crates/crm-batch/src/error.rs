//! The two families of failure: building a batch, and running one.

use std::error::Error;
use std::fmt;

use rayon::ThreadPoolBuildError;

use crate::{Failure, Panic, Report};

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
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Sink => "sink",
            Self::Observer => "progress observer",
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
pub enum BatchError<E, S> {
    /// A record failed when the skip limit was used up.
    #[non_exhaustive]
    Process {
        /// The record's position in the source.
        position: u64,
        /// Its error or panic.
        failure: Failure<E>,
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

impl<E, S> BatchError<E, S> {
    /// The position at which the run ended, counted from 0.
    #[must_use]
    pub fn position(&self) -> u64 {
        match self {
            Self::Process { position, .. }
            | Self::Sink { position, .. }
            | Self::Panicked { position, .. } => *position,
        }
    }

    /// What had been done until the run ended.
    #[must_use]
    pub fn report(&self) -> &Report<E> {
        match self {
            Self::Process { report, .. }
            | Self::Sink { report, .. }
            | Self::Panicked { report, .. } => report,
        }
    }

    /// The same by value.
    #[must_use]
    pub fn into_report(self) -> Report<E> {
        match self {
            Self::Process { report, .. }
            | Self::Sink { report, .. }
            | Self::Panicked { report, .. } => *report,
        }
    }
}

impl<E: fmt::Display, S: fmt::Display> fmt::Display for BatchError<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process {
                position,
                failure: Failure::Panicked(panic),
                report,
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
            Self::Sink { position, .. } => write!(
                f,
                "the sink refused the output of record {position}: what came before it is written, go on from there"
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
            Self::Sink { error, .. } if f.alternate() => write!(f, ": {error:#}"),
            _ => Ok(()),
        }
    }
}

impl<E: Error + 'static, S: Error + 'static> Error for BatchError<E, S> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Process { failure, .. } => match failure {
                Failure::Error(error) => Some(error),
                Failure::Panicked(_) => None,
            },
            Self::Sink { error, .. } => Some(error),
            Self::Panicked { .. } => None,
        }
    }
}
