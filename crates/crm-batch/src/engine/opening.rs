//! Whether a run begins, and where: at the start, or at the place of a checkpoint.

use std::ops::ControlFlow;

use super::baton::Baton;
use super::desk::{Desk, Flow};
use super::part::Stop;
use crate::outlet::Outlet;
use crate::panic::contain;
use crate::work::Work;
use crate::{Checkpoint, Fingerprint, JobId, Position, Refusal, Source, Stage};

/// How a job with a checkpoint begins.
///
/// The functions are those of [`Seek`](crate::Seek) and [`Recover`](crate::Recover), so that a job without a checkpoint needs
/// neither trait.
pub(crate) struct Resume<S: Source, K, X> {
    pub(crate) name: String,
    pub(crate) parameters: Fingerprint,
    /// Whether a checkpoint that is there is to be forgotten.
    pub(crate) afresh: bool,
    pub(crate) fingerprint: fn(&mut S) -> Result<Fingerprint, S::Error>,
    pub(crate) seek: fn(&mut S, Position, u64) -> Result<(), S::Error>,
    pub(crate) recover: fn(&mut K, &str) -> Result<Option<Checkpoint>, X>,
}

/// Begins the run. Breaks when there is nothing to be done, be it that something is wrong, or that an earlier run has
/// done it all: the desk knows which.
pub(super) fn begin<S, W, K>(
    desk: &mut Desk<'_, W, K, S::Error>,
    baton: &mut Baton<S>,
    resume: Option<Resume<S, K, K::Error>>,
) -> ControlFlow<()>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    let Some(resume) = resume else {
        return going(desk.begin(None, None));
    };
    let input = match contain(|| (resume.fingerprint)(baton.source())) {
        Ok(Ok(input)) => input,
        Ok(Err(error)) => return stopped(desk, Stop::Source(error)),
        Err(panic) => return stopped(desk, Stop::Panicked(Stage::Source, panic)),
    };
    let job = JobId {
        name: resume.name,
        parameters: resume.parameters,
        input,
    };
    let found = if resume.afresh {
        None
    } else {
        match contain(|| (resume.recover)(desk.outlet(), &job.name)) {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return going(desk.failed(error)),
            Err(panic) => return stopped(desk, Stop::Panicked(Stage::Sink, panic)),
        }
    };
    let Some(found) = found else {
        return going(desk.begin(Some(&job), None));
    };
    if let Err(refusal) = Refusal::check(&job, &found) {
        return stopped(desk, Stop::Refused(refusal));
    }
    if found.complete {
        going(desk.begin(Some(&job), Some(&found.entry)))?;
        return ControlFlow::Break(());
    }
    let entry = &found.entry;
    let whole = entry.records - entry.past;
    let past = match entry.position {
        Some(position) => match contain(|| (resume.seek)(baton.source(), position, whole)) {
            Ok(Ok(())) if baton.source_position().is_some() => entry.past,
            // A source without places has stayed where it was, so that the number of records must do.
            Ok(Ok(())) => entry.records,
            Ok(Err(error)) => return stopped(desk, Stop::Source(error)),
            Err(panic) => return stopped(desk, Stop::Panicked(Stage::Source, panic)),
        },
        None => entry.records,
    };
    baton.pass_over(past);
    going(desk.begin(Some(&job), Some(&found.entry)))
}

fn going(flow: Flow) -> ControlFlow<()> {
    match flow {
        Flow::Going => ControlFlow::Continue(()),
        Flow::Ended => ControlFlow::Break(()),
    }
}

fn stopped<W: Work, K: Outlet<W>, I>(
    desk: &mut Desk<'_, W, K, I>,
    stop: Stop<I>,
) -> ControlFlow<()> {
    going(desk.stopped(0, stop))
}
