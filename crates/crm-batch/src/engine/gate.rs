//! The one lock: who fills, what waits for its turn, who settles.
//!
//! The gate moves values between tasks and looks into none of them. The baton `B` is the right to fill, the desk `D` the
//! right to settle; each exists once, and whoever was given it by value has the right, so no flag can disagree with it.
//! Pieces `P` of chunks wait here until their chunk is complete and due. Loads `L` wait for their time. `U` are spare
//! buffers, `H` what a worker has of its own.
//!
//! No method waits for anything but the lock, and no user code runs under the lock: values that are to be dropped are
//! returned to the caller.

use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::mem;
use std::sync::PoisonError;
use std::time::Duration;

use crm_clock::Tick;

use super::delayed::Delayed;
use super::desk::Reading;
use super::pace::{ChunkSize, Timing};
use super::slot::{Due, Pieces, Slot};
use super::times::Times;
use crate::Position;
use crate::control::Control;
use crate::sync::{Mutex, MutexGuard};

pub(super) struct Gate<'run, B, P, D, U, H, L> {
    control: &'run Control,
    state: Mutex<State<B, P, D, U, H, L>>,
}

struct State<B, P, D, U, H, L> {
    /// The baton, while the window is full.
    parked: Option<B>,
    /// The baton, while the run is paused; it keeps its place in the window.
    held: Option<B>,
    /// The baton of a source that has ended: its destructor is user code, and nothing of the run is to be lost by its panic.
    used: Option<B>,
    /// Whether a task has the baton.
    filling: bool,
    /// Whether the source has no more.
    ended: bool,
    /// The desk, while nobody settles.
    desk: Option<D>,
    /// Chunks that have been filled and are not being settled, by their number.
    slots: BTreeMap<u64, Slot<P>>,
    /// The complete ones in the order in which they came to be, when that is the order of settling.
    finished: Option<VecDeque<u64>>,
    /// Chunks that hold a place in the window: being filled, worked on, waiting or being settled.
    in_flight: usize,
    window: usize,
    apart: Apart,
    spare: Vec<U>,
    hands: Vec<H>,
    delayed: BinaryHeap<Delayed<L>>,
    delays: u64,
    /// Tasks that have been spawned and have not ended.
    active: usize,
    threads: usize,
    size: ChunkSize,
    read: u64,
    bytes: u64,
    remaining: Option<u64>,
    rows: usize,
    peak_rows: usize,
    times: Times,
}

/// What a task needs to begin a fill.
pub(super) struct Opening<U, H> {
    pub(super) spare: Option<U>,
    pub(super) hand: Option<H>,
    /// The size of chunks at this moment.
    pub(super) size: ChunkSize,
    /// Rows that are in flight now.
    pub(super) in_flight: usize,
}

/// What a fill has come to.
pub(super) struct Filled {
    pub(super) number: u64,
    /// Rows, when the source counts.
    pub(super) rows: Option<usize>,
    pub(super) bytes: u64,
    /// What [`open`](Gate::open) found in flight.
    pub(super) before: usize,
    pub(super) remaining: Option<u64>,
    pub(super) position: Option<Position>,
}

/// The right to settle, with the chunk whose turn it is.
pub(super) struct Turn<P, D> {
    pub(super) desk: D,
    pub(super) due: Due<P>,
}

/// What there is to do for the keeper of a run whose stages have threads of their own.
pub(super) enum Next<B, P, L> {
    /// Nothing more: everything is settled, or the run is over.
    Done,
    /// To settle this chunk.
    Settle(Due<P>),
    /// To have the source read again.
    Fill(B),
    /// To try this record again.
    Again(L),
}

/// What became of a piece that was handed in.
pub(super) enum Deposit<P, D> {
    /// It waits, or whoever settles now will find it.
    Left,
    /// Its chunk is due, and nobody settles: the caller does.
    Turn(Turn<P, D>),
    /// The run has ended; the caller drops it.
    Refused(P),
}

/// What the gate held when the run ended; the caller drops it.
#[must_use = "dropped by the caller, outside of the lock"]
pub(super) struct Dregs<B, P, U, L> {
    _batons: [Option<B>; 2],
    _slots: BTreeMap<u64, Slot<P>>,
    _spare: Vec<U>,
    _delayed: BinaryHeap<Delayed<L>>,
}

/// What is left when the last task has ended.
pub(super) struct Remains<B, D> {
    pub(super) desk: Option<D>,
    /// Of a source that has ended.
    pub(super) baton: Option<B>,
    /// Whether the source has ended and everything is settled.
    pub(super) complete: bool,
    pub(super) read: u64,
    pub(super) bytes: u64,
    pub(super) peak_rows: usize,
    pub(super) times: Times,
}

/// How a run goes on when all its tasks have ended.
pub(super) enum Rest<B, L> {
    /// Not at all.
    Done,
    /// With these tasks.
    Go(Option<B>, Vec<L>),
}

/// What was done before the pool.
pub(super) struct Before {
    pub(super) read: u64,
    pub(super) bytes: u64,
    pub(super) peak_rows: usize,
    pub(super) times: Times,
}

/// How a gate is to be.
pub(super) struct Shape {
    pub(super) window: usize,
    pub(super) threads: usize,
    pub(super) as_finished: bool,
    pub(super) apart: Apart,
    pub(super) size: ChunkSize,
}

/// Which stages have a thread of their own.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Apart {
    pub(super) source: bool,
    pub(super) sink: bool,
}

impl Apart {
    pub(super) fn any(self) -> bool {
        self.source || self.sink
    }
}

impl<'run, B, P, D, U, H, L> Gate<'run, B, P, D, U, H, L> {
    /// A gate through which the first chunk may be filled. It has no desk before it is [given](Self::put) one.
    pub(super) fn new(
        control: &'run Control,
        hand: Option<H>,
        shape: &Shape,
        before: Before,
    ) -> Self {
        Self {
            control,
            state: Mutex::new(State {
                parked: None,
                held: None,
                used: None,
                filling: true,
                ended: false,
                desk: None,
                slots: BTreeMap::new(),
                finished: shape.as_finished.then(VecDeque::new),
                // A first task has the baton, unless the source is apart.
                in_flight: usize::from(!shape.apart.source),
                window: shape.window,
                apart: shape.apart,
                spare: Vec::new(),
                hands: Vec::from_iter(hand),
                delayed: BinaryHeap::new(),
                delays: 0,
                active: usize::from(!shape.apart.source),
                threads: shape.threads,
                size: shape.size,
                read: before.read,
                bytes: before.bytes,
                remaining: None,
                rows: 0,
                peak_rows: before.peak_rows,
                times: before.times,
            }),
        }
    }

    /// Begins a fill, for the owner of the baton, who gets it back. `Err` returns it to be dropped when the run has
    /// ended; while the run is paused it stays here.
    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what a caller gets"
    )]
    pub(super) fn open(&self, baton: B) -> Result<Option<(B, Opening<U, H>)>, B> {
        let mut state = self.lock();
        if self.control.is_over() {
            state.filling = false;
            return Err(baton);
        }
        if self.control.is_paused() {
            state.filling = false;
            state.held = Some(baton);
            return Ok(None);
        }
        let opening = Opening {
            spare: state.spare.pop(),
            hand: state.hands.pop(),
            size: state.size,
            in_flight: state.rows,
        };
        Ok(Some((baton, opening)))
    }

    /// Begins a fill on the thread of a source that is apart: `None` when the run has ended, and an error when that thread is
    /// to wait, be it for room in the window or to be resumed.
    pub(super) fn admit(&self) -> Result<Option<Opening<U, H>>, Option<Tick>> {
        let mut state = self.lock();
        if self.control.is_over() {
            return Ok(None);
        }
        if self.control.is_paused() || state.in_flight >= state.window {
            return Err(None);
        }
        state.in_flight += 1;
        Ok(Some(Opening {
            spare: state.spare.pop(),
            hand: None,
            size: state.size,
            in_flight: state.rows,
        }))
    }

    /// Counts a chunk that the thread of the source has filled in `time`, and the task that is to work on it.
    pub(super) fn enter(&self, filled: &Filled, time: Duration) {
        let mut state = self.lock();
        state.enter(filled);
        state.times.source += time;
        state.active += 1;
        state.show_idle(self.control);
    }

    /// What there is to do for the keeper; an error when it is to wait, perhaps until a time.
    pub(super) fn next(&self, now: Tick) -> Result<Next<B, P, L>, Option<Tick>> {
        let mut state = self.lock();
        if self.control.is_over() {
            return Ok(Next::Done);
        }
        if state.apart.sink {
            if let Some(due) = state.take_due() {
                return Ok(Next::Settle(due));
            }
        }
        if state.ended && state.slots.is_empty() {
            return Ok(Next::Done);
        }
        if self.control.is_paused() {
            return Err(None);
        }
        if let Some(load) = state.pop_due(now) {
            state.active += 1;
            return Ok(Next::Again(load));
        }
        if let Some(baton) = state.held.take() {
            state.filling = true;
            state.active += 1;
            return Ok(Next::Fill(baton));
        }
        Err(state.delayed.peek().map(|delayed| delayed.due))
    }

    /// Gives the desk out, if it is here.
    pub(super) fn take(&self) -> Option<D> {
        self.lock().desk.take()
    }

    /// Takes the desk, or takes it back.
    pub(super) fn put(&self, desk: D) {
        self.lock().desk = Some(desk);
    }

    /// What a task needs that works on a part.
    pub(super) fn join(&self) -> (Option<U>, Option<H>) {
        let mut state = self.lock();
        (state.spare.pop(), state.hands.pop())
    }

    /// What a task needs that works on a single record.
    pub(super) fn hand(&self) -> Option<H> {
        self.lock().hands.pop()
    }

    /// Counts a chunk that has been filled, and ends the line of fills.
    ///
    /// Others can only have settled rows since the fill began, so that `before + rows` was never exceeded during the fill.
    /// The rows at its end alone would miss a moment in between.
    pub(super) fn enter_last(&self, filled: Option<&Filled>, baton: B) {
        let mut state = self.lock();
        if let Some(filled) = filled {
            state.enter(filled);
        }
        state.used = Some(baton);
        state.ended = true;
        state.filling = false;
        state.show_idle(self.control);
    }

    /// Counts a chunk that has been filled, and passes the baton on: back to the caller, who spawns the next fill, or to
    /// its place here while the window is full.
    pub(super) fn pass(&self, filled: &Filled, baton: B) -> Option<B> {
        let mut state = self.lock();
        state.enter(filled);
        if state.in_flight < state.window {
            state.in_flight += 1;
            state.active += 1;
            Some(baton)
        } else {
            state.parked = Some(baton);
            state.filling = false;
            state.show_idle(self.control);
            None
        }
    }

    /// Hands in a piece that has been worked on. `uncounted` are its rows when the source does not count.
    pub(super) fn deposit(
        &self,
        number: u64,
        piece: P,
        timing: Option<&Timing>,
        uncounted: usize,
    ) -> Deposit<P, D> {
        let mut state = self.lock();
        if let Some(timing) = timing {
            state.book(timing.fill, timing.work);
            state.size.adapt(timing);
        }
        if self.control.is_over() {
            state.read += uncounted as u64;
            return Deposit::Refused(piece);
        }
        state.read += uncounted as u64;
        state.rows += uncounted;
        state.peak_rows = state.peak_rows.max(state.rows);
        let Some(slot) = state.slots.get_mut(&number) else {
            return Deposit::Refused(piece);
        };
        slot.rows += uncounted;
        slot.pieces.push(piece);
        slot.open -= 1;
        if slot.open == 0 {
            if let Some(finished) = &mut state.finished {
                finished.push_back(number);
            }
        }
        match state.desk.take() {
            None => Deposit::Left,
            Some(desk) => match state.turn(desk) {
                Some(turn) => Deposit::Turn(turn),
                None => Deposit::Left,
            },
        }
    }

    /// Gives back the place of a chunk that has been settled in `time`, and takes the next turn.
    ///
    /// The baton, if it was parked, comes out for the caller to spawn the next fill: it takes over the place. The desk
    /// stays here unless the next chunk is due; the check and the return happen under one lock, so that a piece that
    /// is handed in at this moment finds either the desk or somebody who will look again.
    pub(super) fn settled(
        &self,
        desk: D,
        rows: usize,
        spare: impl Iterator<Item = U>,
        time: Duration,
    ) -> (Option<B>, Option<Turn<P, D>>) {
        let mut state = self.lock();
        state.times.spend(time);
        let baton = state.free(rows, spare, time);
        if self.control.is_over() {
            state.desk = Some(desk);
            return (baton, None);
        }
        let turn = state.turn(desk);
        (baton, turn)
    }

    /// The same for a sink that is apart, whose thread keeps the desk and looks for the next chunk itself.
    pub(super) fn settled_apart(
        &self,
        rows: usize,
        spare: impl Iterator<Item = U>,
        time: Duration,
    ) -> Option<B> {
        self.lock().free(rows, spare, time)
    }

    /// Ends the run: from here on every piece is refused and no fill begins.
    pub(super) fn close(&self, desk: D) -> Dregs<B, P, U, L> {
        let mut state = self.lock();
        self.control.stop();
        state.desk = Some(desk);
        Dregs {
            _batons: [state.parked.take(), state.held.take()],
            _slots: mem::take(&mut state.slots),
            _spare: mem::take(&mut state.spare),
            _delayed: mem::take(&mut state.delayed),
        }
    }

    /// Puts a load aside until `due`; a `new` one keeps its chunk open. A run that has ended gives it back to be dropped.
    pub(super) fn delay(&self, number: u64, due: Tick, load: L, new: bool) -> Option<L> {
        let mut state = self.lock();
        if self.control.is_over() {
            return Some(load);
        }
        if new {
            if let Some(slot) = state.slots.get_mut(&number) {
                slot.open += 1;
            }
        }
        state.times.retries += 1;
        let order = state.delays;
        state.delays += 1;
        state.delayed.push(Delayed { due, order, load });
        drop(state);
        self.control.set_alarm();
        None
    }

    /// Counts the time of a part that was given up because the run is over.
    pub(super) fn spent(&self, timing: &Timing, work: Duration) {
        self.lock().book(timing.fill, work);
    }

    /// Takes a load whose time has come, for the caller to spawn.
    pub(super) fn due(&self, now: Tick) -> Option<L> {
        let mut state = self.lock();
        if self.control.is_over() || self.control.is_paused() {
            return None;
        }
        let load = state.pop_due(now)?;
        state.active += 1;
        Some(load)
    }

    /// Asks for leave to cut parts off a part of a chunk, because a thread has nothing to do. It counts them and their tasks.
    pub(super) fn claim(&self, number: u64, parts: usize) -> bool {
        let mut state = self.lock();
        if !state.is_idle() || self.control.is_over() {
            return false;
        }
        let Some(slot) = state.slots.get_mut(&number) else {
            return false;
        };
        slot.open += parts;
        state.active += parts;
        state.show_idle(self.control);
        true
    }

    /// Gives back the leave for as many parts.
    pub(super) fn unclaim(&self, number: u64, parts: usize) {
        if parts == 0 {
            return;
        }
        let mut state = self.lock();
        if let Some(slot) = state.slots.get_mut(&number) {
            slot.open -= parts;
        }
        state.active -= parts;
        state.show_idle(self.control);
    }

    /// Counts a task that has ended, and keeps what its worker had.
    pub(super) fn leave(&self, hand: Option<H>) {
        let mut state = self.lock();
        state.active -= 1;
        state.hands.extend(hand);
        state.show_idle(self.control);
    }

    /// Says how the run goes on when all its tasks have ended; an error when it is to wait, perhaps until a time.
    pub(super) fn rest(&self, now: Tick) -> Result<Rest<B, L>, Option<Tick>> {
        let mut state = self.lock();
        if self.control.is_over() || (state.ended && state.slots.is_empty()) {
            return Ok(Rest::Done);
        }
        if self.control.is_paused() {
            return Err(None);
        }
        let baton = state.held.take();
        state.filling |= baton.is_some();
        let mut loads = Vec::new();
        while let Some(load) = state.pop_due(now) {
            loads.push(load);
        }
        state.active += loads.len() + usize::from(baton.is_some());
        if baton.is_none() && loads.is_empty() {
            return Err(state.delayed.peek().map(|delayed| delayed.due));
        }
        Ok(Rest::Go(baton, loads))
    }

    /// Opens up what is left when the last task has ended.
    pub(super) fn into_remains(self) -> Remains<B, D> {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        Remains {
            complete: state.ended && state.slots.is_empty(),
            desk: state.desk,
            baton: state.used,
            read: state.read,
            bytes: state.bytes,
            peak_rows: state.peak_rows,
            times: state.times,
        }
    }

    /// The lock cannot be poisoned, because nothing that runs under it panics.
    fn lock(&self) -> MutexGuard<'_, State<B, P, D, U, H, L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B, P, D, U, H, L> State<B, P, D, U, H, L> {
    fn enter(&mut self, filled: &Filled) {
        let rows = filled.rows.unwrap_or(0);
        let slot = Slot {
            open: 1,
            first: filled.rows.is_some().then_some(self.read),
            rows,
            position: filled.position,
            pieces: Pieces {
                one: None,
                more: Vec::new(),
            },
        };
        self.slots.insert(filled.number, slot);
        self.read += rows as u64;
        self.bytes = self.bytes.saturating_add(filled.bytes);
        self.remaining = filled.remaining;
        self.rows += rows;
        self.peak_rows = self.peak_rows.max(filled.before + rows);
    }

    /// Books the time that a worker has spent on a chunk. That of a fill is there already when the source is apart.
    fn book(&mut self, fill: Duration, work: Duration) {
        let fill = if self.apart.source {
            Duration::ZERO
        } else {
            fill
        };
        self.times.source += fill;
        self.times.work += work;
        self.times.spend(fill + work);
    }

    /// Gives back the place of a settled chunk, to the baton if it waits for one.
    fn free(&mut self, rows: usize, spare: impl Iterator<Item = U>, time: Duration) -> Option<B> {
        self.rows -= rows;
        self.times.sink += time;
        self.spare.extend(spare);
        let baton = self.parked.take();
        if baton.is_some() {
            self.filling = true;
            self.active += 1;
        } else {
            self.in_flight -= 1;
        }
        baton
    }

    /// Takes the chunk that is due, or puts the desk back when there is none.
    fn turn(&mut self, desk: D) -> Option<Turn<P, D>> {
        let Some(due) = self.take_due() else {
            self.desk = Some(desk);
            return None;
        };
        Some(Turn { desk, due })
    }

    /// Takes the chunk that is due.
    fn take_due(&mut self) -> Option<Due<P>> {
        let slot = match &mut self.finished {
            Some(finished) => finished
                .pop_front()
                .and_then(|number| self.slots.remove(&number)),
            None => match self.slots.first_entry() {
                Some(first) if first.get().open == 0 => Some(first.remove()),
                _ => None,
            },
        }?;
        Some(Due {
            pieces: slot.pieces,
            rows: slot.rows,
            reading: Reading {
                read: self.read,
                bytes: self.bytes,
                remaining: self.remaining,
                position: slot.position.filter(|_| self.finished.is_none()),
            },
            first: slot.first.filter(|_| self.finished.is_some()),
        })
    }

    fn pop_due(&mut self, now: Tick) -> Option<L> {
        if self.delayed.peek()?.due > now {
            return None;
        }
        self.delayed.pop().map(|delayed| delayed.load)
    }

    /// Whether a thread has nothing to do: no task is filling, so that those that there are, are all.
    fn is_idle(&self) -> bool {
        (!self.filling || self.apart.source) && self.active < self.threads
    }

    fn show_idle(&self, control: &Control) {
        control.set_idle(self.is_idle() && self.active > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crm_clock::Clock;

    fn filled(number: u64, before: usize) -> Filled {
        Filled {
            number,
            rows: Some(10),
            bytes: 0,
            before,
            remaining: None,
            position: None,
        }
    }

    /// What was in flight when a fill began may have been settled when it ends.
    #[test]
    fn the_peak_is_that_of_the_fill_and_not_of_its_end() {
        let control = Control::new(&Clock::manual().0, Tick::ZERO, None);
        let shape = Shape {
            window: 2,
            threads: 2,
            as_finished: false,
            apart: Apart::default(),
            size: ChunkSize::new::<u64, u64>(Some(10), None),
        };
        let before = Before {
            read: 0,
            bytes: 0,
            peak_rows: 0,
            times: Times::default(),
        };
        let gate = Gate::<_, _, _, _, (), ()>::new(&control, None, &shape, before);
        gate.put("desk");
        let Ok(Some((baton, first))) = gate.open("baton") else {
            panic!("the gate is open");
        };
        assert!(gate.pass(&filled(0, first.in_flight), baton).is_some());
        let Ok(Some((baton, second))) = gate.open("baton") else {
            panic!("the gate is open");
        };
        let Deposit::Turn(turn) = gate.deposit(0, "chunk", None, 0) else {
            panic!("the desk is free and the chunk is the next");
        };
        let spare = ["spare"].into_iter();
        let (parked, turn) = gate.settled(turn.desk, 10, spare, Duration::ZERO);
        assert!(parked.is_none() && turn.is_none());
        gate.enter_last(Some(&filled(1, second.in_flight)), baton);
        assert_eq!(gate.into_remains().peak_rows, 20);
    }
}
