//! The run in the pool: each task fills a chunk, passes the baton on, works, and settles what is due.
//!
//! No task waits for another. A task that has nothing to do ends: when the window is full, the baton waits in the gate
//! and the task that makes room spawns the next fill; when a chunk is not due, it waits there and the task that settles
//! the one before it goes on to this one; a record that is to be tried again waits there for its time. When all tasks have
//! ended and something still waits, the caller's thread waits for it, outside of the pool, and begins another round.

use std::mem;
use std::ops::ControlFlow;
use std::time::Duration;

use crm_clock::Tick;
use rayon::Scope;

use super::baton::{Baton, Pull};
use super::desk::{Desk, Flow};
use super::gate::{Before, Deposit, Filled, Gate, Pieces, Rest, Shape, Turn};
use super::pace::{ChunkSize, Timing};
use super::part::{Attend, Fate, Part, Rejection, Stop, Worked, attempt, judge};
use crate::control::Control;
use crate::outlet::Outlet;
use crate::panic::contain;
use crate::settings::Settings;
use crate::work::{Judgement, Work};
use crate::{BatchError, Chunk, Order, Report, Room, Source, Stage, Verdict};

/// Looks at the clock in one chunk, at least, when there is reason to look at all.
const LOOKS: usize = 16;

/// A record that takes this long is worth a hand-over.
const HEAVY: Duration = Duration::from_micros(20);

/// A piece of a chunk, when it has been worked on.
enum Piece<W: Work, I> {
    /// A part; parts come in the order of `low`. `then` is what the source did after the chunk.
    Part {
        low: u64,
        part: Part<W, I>,
        then: Option<Stop<I>>,
    },
    /// What became of a record that waited for its retry, in the part that began at `low`.
    Late {
        low: u64,
        offset: usize,
        fate: Fate<W>,
    },
}

/// A part that another worker has cut off. It may be cut again, between `low` and `high`.
struct Cut<C> {
    number: u64,
    low: u64,
    high: u64,
    chunk: C,
    size: ChunkSize,
}

/// A record to be tried again.
struct Again<C> {
    number: u64,
    low: u64,
    offset: usize,
    attempts: u32,
    record: C,
}

/// What a task is to do.
enum Task<S: Source> {
    Fill(Baton<S>),
    Work(Cut<S::Chunk>),
    Again(Again<S::Chunk>),
}

type RunDesk<'run, S, W, K> = Desk<'run, W, K, <S as Source>::Error>;

type RunPiece<S, W> = Piece<W, <S as Source>::Error>;

type RunGate<'run, S, W, K> = Gate<
    'run,
    Baton<S>,
    RunPiece<S, W>,
    RunDesk<'run, S, W, K>,
    Part<W, <S as Source>::Error>,
    <W as Work>::State,
    Again<<W as Work>::Chunk>,
>;

type RunTurn<'run, S, W, K> = Turn<RunPiece<S, W>, RunDesk<'run, S, W, K>>;

/// What the tasks of one run share.
struct Relay<'run, S: Source, W: Work, K: Outlet<W>> {
    settings: &'run Settings,
    control: &'run Control,
    work: &'run W,
    most_failures: u64,
    threads: usize,
    gate: RunGate<'run, S, W, K>,
}

/// Stops the run when it is dropped, which is when a destructor of the user unwinds a task: what the task carried is
/// lost, and the others would otherwise go on until the window is full. The task that ends well forgets it.
///
/// Asking whether the thread panics would not do. A task may be taken up by a thread that waits inside a destructor
/// while it unwinds from something else.
struct Fall<'run>(&'run Control);

impl Drop for Fall<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// What a run in the pool begins with.
pub(super) struct Opening<'run, S: Source, W: Work, K: Outlet<W>> {
    pub(super) settings: &'run Settings,
    pub(super) control: &'run Control,
    pub(super) work: &'run W,
    pub(super) state: Option<W::State>,
    pub(super) baton: Baton<S>,
    pub(super) desk: RunDesk<'run, S, W, K>,
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
        size,
    };
    let relay = Relay {
        settings,
        control,
        work,
        most_failures: desk.most_failures(),
        threads: shape.threads,
        gate: Gate::new(control, desk, state, &shape, before),
    };
    let mut tasks = vec![Task::Fill(baton)];
    loop {
        settings.scope(|scope| {
            let first = tasks.pop();
            for task in tasks.drain(..) {
                relay.spawn(scope, task);
            }
            if let Some(task) = first {
                relay.perform(scope, task);
            }
        });
        match relay.rest() {
            Some(next) => tasks = next,
            None => break,
        }
    }
    let remains = relay.gate.into_remains();
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
    /// Waits for the tasks of the next round; `None` when there is none.
    fn rest(&self) -> Option<Vec<Task<S>>> {
        loop {
            self.control.look();
            match self.gate.rest(self.settings.clock.now()) {
                Rest::Done => return None,
                Rest::Go(baton, loads) => {
                    let loads = loads.into_iter().map(Task::Again);
                    return Some(loads.chain(baton.map(Task::Fill)).collect());
                }
                Rest::Wait(until) => self.control.wait(until),
            }
        }
    }

    fn spawn<'scope>(&'scope self, scope: &Scope<'scope>, task: Task<S>) {
        scope.spawn(move |scope| self.perform(scope, task));
    }

    /// One task from its start to its end.
    fn perform<'scope>(&'scope self, scope: &Scope<'scope>, task: Task<S>) {
        let fall = Fall(self.control);
        let hand = match task {
            Task::Fill(baton) => self.fill(scope, baton),
            Task::Work(cut) => self.cut(scope, cut),
            Task::Again(again) => self.again(scope, again),
        };
        self.call_due(scope);
        self.gate.leave(hand);
        mem::forget(fall);
    }

    /// Spawns the retries whose time has come.
    fn call_due<'scope>(&'scope self, scope: &Scope<'scope>) {
        if W::RETRIES && self.control.has_alarm() {
            let now = self.settings.clock.now();
            while let Some(again) = self.gate.due(now) {
                self.spawn(scope, Task::Again(again));
            }
        }
    }

    /// One chunk from the source to the gate.
    fn fill<'scope>(&'scope self, scope: &Scope<'scope>, baton: Baton<S>) -> Option<W::State> {
        self.control.look();
        let (mut baton, opening) = match self.gate.open(baton) {
            Ok(opened) => opened?,
            Err(baton) => {
                drop(baton);
                return None;
            }
        };
        let clock = &self.settings.clock;
        let mut part = opening.spare.unwrap_or_default();
        part.chunk.clear();
        let counted = part.chunk.rows().is_some();
        let left = baton.remaining();
        let wanted = match left {
            Some(left) => opening.size.towards_the_end(left, self.threads),
            None => opening.size.rows(),
        };
        let wanted = if counted { wanted } else { opening.size.most() };
        let room = opening.size.bytes(counted);
        let begun = clock.now();
        let number = baton.next_chunk();
        let (pull, bytes) = baton.fill(
            &mut part.chunk,
            &Room::controlled(wanted, room, self.control),
        );
        let filled = clock.now();
        let rows = part.chunk.rows();
        let record = Filled {
            number,
            rows,
            bytes,
            before: opening.in_flight,
            remaining: left.map(|left| left.saturating_sub(rows.unwrap_or(0)) as u64),
            position: baton.source_position(),
        };

        // The source of an ended run is kept until its last chunk is handed in: its destructor is user code.
        let full = matches!(pull, Pull::More);
        let (stop, _ended) = match pull {
            Pull::More => {
                if let Some(baton) = self.gate.pass(&record, baton) {
                    self.spawn(scope, Task::Fill(baton));
                }
                (None, None)
            }
            Pull::Ended if rows == Some(0) => {
                self.gate.enter_last(None);
                return opening.hand;
            }
            Pull::Ended => {
                self.gate.enter_last(Some(&record));
                (None, Some(baton))
            }
            Pull::Stopped(stop) => {
                self.gate.enter_last(Some(&record));
                (Some(stop), Some(baton))
            }
        };
        let timing = Timing {
            rows,
            room,
            full,
            worked: 0,
            fill: filled - begun,
            work: Duration::ZERO,
        };
        let ear = Ear {
            relay: self,
            scope,
            number,
            low: 0,
            high: u64::MAX,
            size: opening.size,
            whole: true,
            next_look: 0,
            looked: None,
        };
        self.toil(ear, part, opening.hand, stop, timing, filled)
    }

    /// A part that another worker has cut off.
    fn cut<'scope>(&'scope self, scope: &Scope<'scope>, cut: Cut<S::Chunk>) -> Option<W::State> {
        let (spare, hand) = self.gate.join();
        let mut part = spare.unwrap_or_default();
        part.chunk = cut.chunk;
        let timing = Timing {
            rows: Some(0),
            ..Timing::default()
        };
        let ear = Ear {
            relay: self,
            scope,
            number: cut.number,
            low: cut.low,
            high: cut.high,
            size: cut.size,
            whole: true,
            next_look: 0,
            looked: None,
        };
        self.toil(ear, part, hand, None, timing, self.settings.clock.now())
    }

    /// Works on a part, hands it in, and settles what is due.
    fn toil<'scope>(
        &'scope self,
        mut ear: Ear<'_, 'scope, 'run, S, W, K>,
        mut part: Part<W, S::Error>,
        hand: Option<W::State>,
        stop: Option<Stop<S::Error>>,
        mut timing: Timing,
        begun: Tick,
    ) -> Option<W::State> {
        let counted = part.chunk.rows();
        let hand = match hand.map_or_else(|| contain(|| self.work.state()), Ok) {
            Ok(mut hand) => {
                let salt = ear.number << 20;
                let worked = part.work(
                    self.work,
                    &mut hand,
                    self.most_failures,
                    salt,
                    self.control,
                    &mut ear,
                );
                if worked == Worked::Over {
                    self.gate.spent(&timing, self.settings.clock.now() - begun);
                    return Some(hand);
                }
                Some(hand)
            }
            Err(panic) => {
                part.chunk.clear();
                part.rows = 0;
                part.stop = Some(Stop::Panicked(Stage::State, panic));
                None
            }
        };
        timing.worked = part.rows;
        timing.work = self.settings.clock.now() - begun;
        let uncounted = if counted.is_some() { 0 } else { part.rows };
        let (scope, number) = (ear.scope, ear.number);
        let piece = Piece::Part {
            low: ear.low,
            part,
            then: stop,
        };
        let deposit = self.gate.deposit(number, piece, Some(&timing), uncounted);
        self.handed(scope, deposit);
        hand
    }

    /// Tries a record again.
    fn again<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        again: Again<S::Chunk>,
    ) -> Option<W::State> {
        if self.control.look() {
            drop(again);
            return None;
        }
        let Again {
            number,
            low,
            offset,
            attempts,
            mut record,
        } = again;
        let hand = self.gate.hand();
        let begun = self.settings.clock.now();
        let attempts = attempts + 1;
        let salt = (number << 20).wrapping_add(offset as u64);
        let (fate, hand) = match hand.map_or_else(|| contain(|| self.work.state()), Ok) {
            Err(panic) => (
                self.given_up(crate::Failure::Panicked(panic), attempts),
                None,
            ),
            Ok(mut hand) => {
                let Some(lent) = record.next() else {
                    unreachable!("a chunk of one record has one")
                };
                let copy = self.work.copy(&lent);
                let mut buffer = W::Buffer::default();
                match attempt(self.work, &mut hand, lent, &mut buffer) {
                    Ok(Verdict::Output(output)) => (Fate::Late(output, buffer), Some(hand)),
                    Ok(Verdict::Filtered) => (Fate::Filtered(1), Some(hand)),
                    Err(failure) => {
                        let copy = copy.map(W::Chunk::only);
                        let hand = failure.panic().is_none().then_some(hand);
                        match (judge(self.work, &failure, attempts, salt), copy) {
                            (Judgement::Again(delay), Some(record)) => {
                                let due = self.settings.clock.now() + delay;
                                let again = Again {
                                    number,
                                    low,
                                    offset,
                                    attempts,
                                    record,
                                };
                                drop(self.gate.delay(number, due, again, false));
                                return hand;
                            }
                            (judgement, record) => {
                                let rejection = Rejection {
                                    failure,
                                    attempts,
                                    fatal: judgement == Judgement::Fatal,
                                    record,
                                };
                                (Fate::Rejected(rejection), hand)
                            }
                        }
                    }
                }
            }
        };
        let timing = Timing {
            rows: Some(0),
            work: self.settings.clock.now() - begun,
            ..Timing::default()
        };
        let piece = Piece::Late { low, offset, fate };
        let deposit = self.gate.deposit(number, piece, Some(&timing), 0);
        self.handed(scope, deposit);
        hand
    }

    fn given_up(&self, failure: crate::Failure<W::Error>, attempts: u32) -> Fate<W> {
        Fate::Rejected(Rejection {
            failure,
            attempts,
            fatal: true,
            record: None,
        })
    }

    fn handed<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        deposit: Deposit<RunPiece<S, W>, RunDesk<'run, S, W, K>>,
    ) {
        match deposit {
            Deposit::Left => (),
            Deposit::Turn(turn) => self.settle(scope, turn),
            Deposit::Refused(piece) => drop(piece),
        }
    }

    /// Settles the chunk whose turn it is, and those after it that are ready.
    fn settle<'scope>(&'scope self, scope: &Scope<'scope>, turn: RunTurn<'run, S, W, K>) {
        let clock = &self.settings.clock;
        let mut begun = clock.now();
        let mut next = Some(turn);
        while let Some(Turn {
            mut desk,
            pieces,
            first,
            rows,
            reading,
        }) = next
        {
            let mut parts = joined(pieces);
            let mut position = first.unwrap_or_else(|| desk.settled());
            let mut flow = desk.settle(&mut position, &mut parts.one);
            for part in &mut parts.more {
                if flow == Flow::Going {
                    flow = desk.settle(&mut position, part);
                }
            }
            if flow == Flow::Going {
                flow = desk.close_chunk(reading);
            }
            if flow == Flow::Ended {
                let dregs = self.gate.close(desk);
                drop(dregs);
                return;
            }
            // A slow sink may have used up the time, with nobody else to look at the clock.
            self.control.look();
            let now = clock.now();
            let spare = std::iter::once(parts.one).chain(parts.more);
            let (baton, turn) = self.gate.settled(desk, rows, spare, now - begun);
            begun = now;
            if let Some(baton) = baton {
                self.spawn(scope, Task::Fill(baton));
            }
            next = turn;
        }
    }
}

/// The parts of a chunk in order, each with what has become of its retries.
struct Parts<W: Work, I> {
    one: Part<W, I>,
    more: Vec<Part<W, I>>,
}

fn joined<W: Work, I>(pieces: Pieces<Piece<W, I>>) -> Parts<W, I> {
    if pieces.more.is_empty() {
        if let Some(Piece::Part { mut part, then, .. }) = pieces.one {
            part.stop = part.stop.or(then);
            return Parts {
                one: part,
                more: Vec::new(),
            };
        }
        unreachable!("a complete chunk has a part");
    }
    let mut parts = Vec::new();
    let mut lates = Vec::new();
    let mut last = None;
    for piece in pieces.one.into_iter().chain(pieces.more) {
        match piece {
            Piece::Part { low, part, then } => {
                parts.push((low, part));
                last = last.or(then);
            }
            Piece::Late { low, offset, fate } => lates.push((low, offset, fate)),
        }
    }
    parts.sort_unstable_by_key(|(low, _)| *low);
    for (low, offset, fate) in lates {
        let part = parts.binary_search_by_key(&low, |(low, _)| *low);
        let part = part.ok().map(|index| &mut parts[index].1);
        let gap = part.and_then(|part| {
            let gap = part.gaps.binary_search_by_key(&offset, |gap| gap.offset);
            gap.ok().map(|index| &mut part.gaps[index])
        });
        if let Some(gap) = gap {
            gap.fate = fate;
        }
    }
    // The source stopped after the chunk, so after the last of its parts. A part that ends the run comes before that.
    if let Some((_, part)) = parts.last_mut() {
        part.stop = part.stop.take().or(last);
    }
    let mut parts = parts.into_iter().map(|(_, part)| part);
    let Some(one) = parts.next() else {
        unreachable!("a complete chunk has a part")
    };
    Parts {
        one,
        more: parts.collect(),
    }
}

/// What a worker hears and says while it works on a part of a chunk in the pool.
struct Ear<'a, 'scope, 'run, S: Source, W: Work<Chunk = S::Chunk>, K>
where
    K: Outlet<W>,
{
    relay: &'scope Relay<'run, S, W, K>,
    scope: &'a Scope<'scope>,
    number: u64,
    low: u64,
    high: u64,
    size: ChunkSize,
    /// Whether it may be split, as far as is known.
    whole: bool,
    /// The row before which the clock is next looked at.
    next_look: usize,
    /// When a record was last looked at for a split.
    looked: Option<Tick>,
}

impl<S, W, K> Attend<W> for Ear<'_, '_, '_, S, W, K>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    #[cold]
    fn hear(&mut self, chunk: &mut W::Chunk, rows: usize) -> ControlFlow<()> {
        let control = self.relay.control;
        if control.has_alarm() && rows >= self.next_look {
            self.next_look = rows + (self.size.rows() / LOOKS).clamp(1, 1_024);
            control.look();
            self.relay.call_due(self.scope);
        }
        if control.is_over() {
            return ControlFlow::Break(());
        }
        if self.whole && control.is_idle() {
            self.share(chunk);
        }
        ControlFlow::Continue(())
    }

    fn later(&mut self, offset: usize, delay: Duration, record: W::Chunk) {
        let again = Again {
            number: self.number,
            low: self.low,
            offset,
            attempts: 1,
            record,
        };
        let due = self.relay.settings.clock.now() + delay;
        drop(self.relay.gate.delay(self.number, due, again, true));
    }
}

impl<S, W, K> Ear<'_, '_, '_, S, W, K>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    /// Gives the second half of the rest to a worker that has nothing to do, if it is worth a hand-over.
    ///
    /// Either the records are so many that they are worth it at the pace of the last chunk, or the last record was heavy,
    /// and those that follow may be as well.
    fn share(&mut self, chunk: &mut W::Chunk) {
        let rest = chunk.rows();
        if rest.is_some_and(|rest| rest < 2) {
            return;
        }
        if !rest.is_none_or(|rest| self.size.is_worth_splitting(rest)) {
            let now = self.relay.settings.clock.now();
            let heavy = self.looked.is_some_and(|looked| now - looked >= HEAVY);
            self.looked = Some(now);
            if !heavy {
                return;
            }
        }
        if !self.relay.gate.claim(self.number) {
            return;
        }
        let middle = self.low + (self.high - self.low) / 2;
        let half = if middle > self.low {
            chunk.split()
        } else {
            None
        };
        let Some(half) = half else {
            self.whole = false;
            self.relay.gate.unclaim(self.number);
            return;
        };
        let cut = Cut {
            number: self.number,
            low: middle,
            high: self.high,
            chunk: half,
            size: self.size,
        };
        self.high = middle;
        self.relay.spawn(self.scope, Task::Work(cut));
    }
}
