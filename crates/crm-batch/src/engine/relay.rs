//! The run in the pool: each task fills a chunk, passes the baton on, works, and settles what is due.
//!
//! No task waits for another. A task that has nothing to do ends: when the window is full, the baton waits in the gate
//! and the task that makes room spawns the next fill; when a chunk is not due, it waits there and the task that settles
//! the one before it goes on to this one; a record that is to be tried again waits there for its time. When all tasks have
//! ended and something still waits, the caller's thread waits for it, outside of the pool, and begins another round.

use std::mem;

use crate::sync::pool::Scope;

use super::baton::Baton;
use super::desk::Desk;
use super::ear::Cut;
use super::gate::{Apart, Before, Gate, Rest, Shape};
use super::pace::ChunkSize;
use super::part::{Part, Stop};
use super::piece::Piece;
use super::retry::Again;
use super::task::Draft;
use crate::control::Control;
use crate::outlet::Outlet;
use crate::panic::contain;
use crate::settings::Settings;
use crate::work::Work;
use crate::{BatchError, Chunk, Order, Report, Source};

/// What a task is to do.
pub(super) enum Task<S: Source, W: Work> {
    /// The baton is boxed, because it changes hands once for each chunk and an iterator may be large.
    Fill(Box<Baton<S>>),
    /// To work on a chunk that the thread of the source has filled.
    Chunk(Box<Draft<W, S::Error>>, Option<Stop<S::Error>>),
    Work(Cut<S::Chunk>),
    Again(Again<S::Chunk>),
}

/// Boxed, because it changes hands once for each chunk.
pub(super) type RunDesk<'run, S, W, K> = Box<Desk<'run, W, K, <S as Source>::Error>>;

pub(super) type RunPiece<S, W> = Piece<W, <S as Source>::Error>;

pub(super) type RunGate<'run, S, W, K> = Gate<
    'run,
    Box<Baton<S>>,
    RunPiece<S, W>,
    RunDesk<'run, S, W, K>,
    Box<Part<W, <S as Source>::Error>>,
    <W as Work>::State,
    Again<<W as Work>::Chunk>,
>;

/// What the tasks of one run share.
pub(super) struct Relay<'run, S: Source, W: Work, K: Outlet<W>> {
    pub(super) settings: &'run Settings,
    pub(super) control: &'run Control,
    pub(super) work: &'run W,
    pub(super) most_failures: u64,
    pub(super) threads: usize,
    pub(super) apart: Apart,
    pub(super) gate: RunGate<'run, S, W, K>,
}

/// Stops the run when it is dropped, which is when a destructor of the user unwinds a task: what the task carried is
/// lost, and the others would otherwise go on until the window is full. The task that ends well forgets it.
///
/// Asking whether the thread panics would not do. A task may be taken up by a thread that waits inside a destructor
/// while it unwinds from something else.
pub(super) struct Fall<'run>(pub(super) &'run Control);

impl Drop for Fall<'_> {
    fn drop(&mut self) {
        self.0.stop();
        self.0.ring();
    }
}

/// What a run in the pool begins with.
pub(super) struct Opening<'run, S: Source, W: Work, K: Outlet<W>> {
    pub(super) settings: &'run Settings,
    pub(super) control: &'run Control,
    pub(super) work: &'run W,
    pub(super) state: Option<W::State>,
    pub(super) baton: Baton<S>,
    pub(super) desk: Desk<'run, W, K, S::Error>,
    pub(super) size: ChunkSize,
    pub(super) before: Before,
}

/// Runs what is left of the source in the pool.
#[expect(
    clippy::type_complexity,
    reason = "an alias would hide what a caller gets"
)]
pub(super) fn run<S, W, K>(
    opening: Opening<'_, S, W, K>,
) -> Result<Report<W::Error>, BatchError<W::Error, K::Error, S::Error>>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    let Opening {
        settings,
        control,
        work,
        state,
        baton,
        desk,
        size,
        before,
    } = opening;
    let counted = contain(|| S::Chunk::default().rows().is_some()).unwrap_or(false);
    let shape = Shape {
        window: settings.window(),
        threads: settings.threads(),
        // Positions are known in time only when the source counts its records.
        as_finished: settings.order == Order::AsFinished && counted,
        apart: Apart {
            source: settings.source_blocks,
            sink: settings.sink_blocks,
        },
        size,
    };
    let relay = Relay {
        settings,
        control,
        work,
        most_failures: desk.most_failures(),
        threads: shape.threads,
        apart: shape.apart,
        gate: Gate::new(control, state, &shape, before),
    };
    let (baton, desk) = (Box::new(baton), Box::new(desk));
    if relay.apart.any() {
        relay.run_apart(baton, desk);
    } else {
        relay.run_rounds(baton, desk);
    }
    let remains = relay.gate.into_remains();
    drop(remains.baton);
    let cause = if remains.complete {
        None
    } else {
        control.cause()
    };
    match remains.desk {
        Some(desk) => desk.finish(
            remains.read,
            remains.bytes,
            remains.peak_rows,
            remains.times,
            cause,
        ),
        // A task that loses the desk unwinds, and the scope has then passed its panic on.
        None => unreachable!("the desk is in the gate when no task runs"),
    }
}

impl<'run, S, W, K> Relay<'run, S, W, K>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    /// Runs in the pool, round after round while something waits when all tasks have ended.
    fn run_rounds(&self, baton: Box<Baton<S>>, desk: RunDesk<'run, S, W, K>) {
        self.gate.put(desk);
        let mut tasks = vec![Task::Fill(baton)];
        loop {
            self.settings.scope(|scope| {
                let first = tasks.pop();
                for task in tasks.drain(..) {
                    self.spawn(scope, task);
                }
                if let Some(task) = first {
                    self.perform(scope, task);
                }
            });
            let rest = || self.gate.rest(self.settings.clock.now());
            match self.control.wait(rest) {
                Rest::Done => return,
                Rest::Go(baton, loads) => {
                    tasks.extend(loads.into_iter().map(Task::Again));
                    tasks.extend(baton.map(Task::Fill));
                }
            }
        }
    }

    pub(super) fn spawn<'scope>(&'scope self, scope: &Scope<'scope>, task: Task<S, W>) {
        scope.spawn(move |scope| self.perform(scope, task));
    }

    /// One task from its start to its end.
    pub(super) fn perform<'scope>(&'scope self, scope: &Scope<'scope>, task: Task<S, W>) {
        let fall = Fall(self.control);
        let hand = match task {
            Task::Fill(baton) => self.fill(scope, baton),
            Task::Chunk(mut draft, stop) => {
                // It has waited for a worker.
                draft.ready = self.settings.clock.now();
                let hand = self.gate.hand();
                self.work_on(scope, *draft, stop, hand)
            }
            Task::Work(cut) => self.cut(scope, cut),
            Task::Again(again) => self.again(scope, again),
        };
        self.call_due(scope);
        self.gate.leave(hand);
        self.ring();
        mem::forget(fall);
    }

    /// Wakes the threads of the stages, if there are any.
    pub(super) fn ring(&self) {
        if self.apart.any() {
            self.control.ring();
        }
    }

    /// Spawns the retries whose time has come.
    pub(super) fn call_due<'scope>(&'scope self, scope: &Scope<'scope>) {
        if W::RETRIES && self.control.has_alarm() {
            let now = self.settings.clock.now();
            while let Some(again) = self.gate.due(now) {
                self.spawn(scope, Task::Again(again));
            }
        }
    }
}
