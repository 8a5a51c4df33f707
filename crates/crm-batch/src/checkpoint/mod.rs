//! What a killed run leaves behind, and what a later one must find unchanged.

pub(crate) mod digest;
mod seek;

use std::error::Error;
use std::fmt;

use crate::Entry;
pub use digest::Fingerprint;
pub use seek::{Repeatable, Seek};

/// Which job, on which input: what must be the same for a run to go on from the checkpoint of another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobId {
    /// The job's name.
    pub name: String,
    /// Its parameters.
    pub parameters: Fingerprint,
    /// Its input.
    pub input: Fingerprint,
}

impl JobId {
    /// Bytes that a name may have at most.
    pub const LONGEST_NAME: usize = 255;

    /// An identity, for a sink that reads one back.
    ///
    /// # Errors
    ///
    /// A [`BuildError`](crate::BuildError) when the name is empty or longer than [`LONGEST_NAME`](Self::LONGEST_NAME).
    pub fn new(
        name: impl Into<String>,
        parameters: Fingerprint,
        input: Fingerprint,
    ) -> Result<Self, crate::BuildError> {
        let name = name.into();
        if name.is_empty() {
            return Err(crate::BuildError::CheckpointWithoutName);
        }
        if name.len() > Self::LONGEST_NAME {
            return Err(crate::BuildError::LongName(name.len()));
        }
        Ok(Self {
            name,
            parameters,
            input,
        })
    }
}

/// What a run has left: which job it was, what is done, and whether that is all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The job.
    pub job: JobId,
    /// What is done.
    pub entry: Entry,
    /// Whether the source had ended, so that nothing is left but to finish.
    pub complete: bool,
}

impl Checkpoint {
    /// A checkpoint, for a sink that reads one back.
    #[must_use]
    pub fn new(job: JobId, entry: Entry, complete: bool) -> Self {
        Self {
            job,
            entry,
            complete,
        }
    }
}

/// Why a checkpoint is not for this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// It belongs to another job.
    OtherJob,
    /// The job's parameters are not those that it had.
    ChangedParameters,
    /// The input is not what it was.
    ChangedInput,
    /// The input has ended before the place of the checkpoint.
    ShortInput,
    /// Its counts do not add up: the sink has not kept what it was given.
    WrongCounts,
}

impl Refusal {
    /// Compares what is to run with what a checkpoint says.
    pub(crate) fn check(job: &JobId, found: &Checkpoint) -> Result<(), Self> {
        let entry = &found.entry;
        let found = &found.job;
        let settled = entry
            .written
            .checked_add(entry.filtered)
            .and_then(|sum| sum.checked_add(entry.skipped));
        if job.name != found.name {
            Err(Self::OtherJob)
        } else if job.input != found.input {
            Err(Self::ChangedInput)
        } else if job.parameters != found.parameters {
            Err(Self::ChangedParameters)
        } else if settled != Some(entry.records)
            || entry.past > entry.records
            || (entry.position.is_none() && entry.past != entry.records)
        {
            Err(Self::WrongCounts)
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherJob => "it belongs to a job of another name",
            Self::ChangedParameters => "the job's parameters are not those that it had",
            Self::ChangedInput => "the input is not what it was",
            Self::ShortInput => "the input ends before its place",
            Self::WrongCounts => "its counts do not add up",
        })
    }
}

impl Error for Refusal {}
