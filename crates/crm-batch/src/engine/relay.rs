//! The run in the pool: each task fills a chunk, passes the baton on, works, and settles what is due.
//!
//! No task waits for another. A task that has nothing to do ends: when the window is full, the baton waits in the gate
//! and the task that makes room spawns the next fill; when a chunk is not the next in order, the chunk waits there and
//! the task that settles the one before it goes on to this one.

use std::mem;

use rayon::Scope;

use super::baton::{Baton, Pull};
use super::chunk::{Buffers, Chunk};
use super::desk::{Desk, Flow};
use super::gate::{Deposit, Gate, Timing, Turn};
use super::pace::ChunkSize;
use crate::settings::Settings;
use crate::{BatchError, Report};

type Item<I> = <I as Iterator>::Item;

type RunGate<'run, I, R, E, S, K> =
    Gate<Baton<I>, Chunk<Item<I>, R, E>, Desk<'run, E, S, K>, Buffers<Item<I>, R, E>>;

type RunTurn<'run, I, R, E, S, K> = Turn<Chunk<Item<I>, R, E>, Desk<'run, E, S, K>>;

/// What the tasks of one run share.
struct Relay<'run, I: Iterator, R, E, S, P, K> {
    settings: &'run Settings,
    process: &'run P,
    skip_limit: u64,
    threads: usize,
    gate: RunGate<'run, I, R, E, S, K>,
}

/// Stops the run when it is dropped, which is when a destructor of the user unwinds a task: what the task carried is
/// lost, and the others would otherwise go on until the window is full. The task that ends well forgets it.
///
/// Asking whether the thread panics would not do. A task may be taken up by a thread that waits inside a destructor
/// while it unwinds from something else.
struct Fall<'gate, B, C, D, U>(&'gate Gate<B, C, D, U>);

impl<B, C, D, U> Drop for Fall<'_, B, C, D, U> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Runs what is left of the source in the pool.
pub(super) fn run<'run, I, R, E, S, P, K>(
    settings: &'run Settings,
    process: &'run P,
    baton: Baton<I>,
    desk: Desk<'run, E, S, K>,
    size: ChunkSize,
    peak_rows: usize,
) -> Result<Report<E>, BatchError<E, S>>
where
    I: Iterator<Item: Send> + Send,
    R: Send,
    E: Send,
    S: Send,
    P: Fn(I::Item) -> Result<R, E> + Sync,
    K: FnMut(R) -> Result<(), S> + Send,
{
    let relay = Relay {
        settings,
        process,
        skip_limit: desk.skip_limit(),
        threads: settings.threads(),
        gate: Gate::new(desk, settings.window(), size, baton.position(), peak_rows),
    };
    settings.scope(|scope| relay.lap(scope, baton));
    let remains = relay.gate.into_remains();
    match remains.desk {
        Some(desk) => desk.finish(remains.read, remains.peak_rows),
        // A task that loses the desk unwinds, and the scope has then passed its panic on.
        None => unreachable!("the desk is in the gate when no task runs"),
    }
}

impl<'run, I, R, E, S, P, K> Relay<'run, I, R, E, S, P, K>
where
    I: Iterator<Item: Send> + Send,
    R: Send,
    E: Send,
    S: Send,
    P: Fn(I::Item) -> Result<R, E> + Sync,
    K: FnMut(R) -> Result<(), S> + Send,
{
    /// One task: one chunk from the source to the gate.
    fn lap<'scope>(&'scope self, scope: &Scope<'scope>, baton: Baton<I>) {
        let fall = Fall(&self.gate);
        self.carry(scope, baton);
        mem::forget(fall);
    }

    fn carry<'scope>(&'scope self, scope: &Scope<'scope>, mut baton: Baton<I>) {
        let Some(opening) = self.gate.open() else {
            return;
        };
        let clock = &self.settings.clock;
        let mut buffers = opening.spare.unwrap_or_default();
        let wanted = match baton.remaining() {
            Some(remaining) => opening.size.towards_the_end(remaining, self.threads),
            None => opening.size.rows(),
        };
        let begun = clock.now();
        let first = baton.position();
        let number = baton.next_chunk();
        let pull = baton.fill(&mut buffers.records, wanted);
        let filled = clock.now();
        let rows = buffers.records.len();

        // The source of an ended run is kept until its last chunk is handed in: its destructor is user code.
        let (panic, _ended) = match pull {
            Pull::Full => {
                if let Some(baton) = self.gate.pass(rows, opening.in_flight, baton) {
                    self.spawn(scope, baton);
                }
                (None, None)
            }
            Pull::Ended => {
                self.gate.enter(rows, opening.in_flight);
                (None, Some(baton))
            }
            Pull::Panicked(panic) => {
                self.gate.enter(rows, opening.in_flight);
                (Some(panic), Some(baton))
            }
        };
        if rows == 0 && panic.is_none() {
            return;
        }

        buffers.work(self.process, self.skip_limit, self.gate.closed());
        let timing = Timing {
            rows,
            fill: filled - begun,
            work: clock.now() - filled,
        };
        let chunk = Chunk {
            buffers,
            first,
            rows,
            panic,
        };
        match self.gate.deposit(number, chunk, &timing) {
            Deposit::Left => (),
            Deposit::Turn(turn) => self.settle(scope, turn),
            Deposit::Refused(chunk) => drop(chunk),
        }
    }

    /// Settles the chunk whose turn it is, and those after it that are ready.
    fn settle<'scope>(&'scope self, scope: &Scope<'scope>, turn: RunTurn<'run, I, R, E, S, K>) {
        let mut next = Some(turn);
        while let Some(Turn {
            mut desk,
            mut chunk,
            read,
        }) = next
        {
            let mut flow = desk.settle(&mut chunk);
            if flow == Flow::Going {
                flow = desk.close_chunk(read);
            }
            if flow == Flow::Ended {
                let rest = self.gate.close(desk);
                drop(rest);
                return;
            }
            let (baton, turn) = self
                .gate
                .settled(desk, chunk.rows, mem::take(&mut chunk.buffers));
            if let Some(baton) = baton {
                self.spawn(scope, baton);
            }
            next = turn;
        }
    }

    fn spawn<'scope>(&'scope self, scope: &Scope<'scope>, baton: Baton<I>) {
        scope.spawn(move |scope| self.lap(scope, baton));
    }
}
