//! The one lock: who fills, what waits for its turn, who settles.
//!
//! The gate moves three kinds of value between tasks and looks into none of them. The baton `B` is the right to fill,
//! the desk `D` the right to settle; each exists once, and whoever was given it by value has the right, so no flag can
//! disagree with it. Chunks `C` wait here until all before them are settled. `U` are spare buffers.
//!
//! No method waits for anything but the lock, and no user code runs under the lock: values that are to be dropped are
//! returned to the caller.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::pace::ChunkSize;

pub(super) struct Gate<B, C, D, U> {
    state: Mutex<State<B, C, D, U>>,
    closed: AtomicBool,
}

struct State<B, C, D, U> {
    /// The baton, while the window is full.
    parked: Option<B>,
    /// The desk, while nobody settles.
    desk: Option<D>,
    /// Chunks that wait for their turn; the first place belongs to the chunk numbered `head`.
    ready: VecDeque<Option<C>>,
    head: u64,
    /// Chunks that hold a place in the window: being filled, worked on, waiting or being settled.
    in_flight: usize,
    window: usize,
    spare: Vec<U>,
    size: ChunkSize,
    read: u64,
    rows: usize,
    peak_rows: usize,
}

/// What a task needs to begin a fill.
pub(super) struct Opening<U> {
    pub(super) spare: Option<U>,
    /// The size of chunks at this moment.
    pub(super) size: ChunkSize,
    /// Rows that are in flight now.
    pub(super) in_flight: usize,
}

/// How long a chunk took, for the size of later ones.
pub(super) struct Timing {
    pub(super) rows: usize,
    pub(super) fill: Duration,
    pub(super) work: Duration,
}

/// The right to settle, with the chunk whose turn it is.
pub(super) struct Turn<C, D> {
    pub(super) desk: D,
    pub(super) chunk: C,
    /// Records read so far, for the observer.
    pub(super) read: u64,
}

/// What became of a chunk that was handed in.
pub(super) enum Deposit<C, D> {
    /// It waits, or whoever settles now will find it.
    Left,
    /// It is the next in order, and nobody settles: the caller does.
    Turn(Turn<C, D>),
    /// The run has ended; the caller drops it.
    Refused(C),
}

/// What the gate held when the run ended; the caller drops it.
#[must_use = "dropped by the caller, outside of the lock"]
pub(super) struct Rest<B, C, U> {
    _parked: Option<B>,
    _ready: VecDeque<Option<C>>,
    _spare: Vec<U>,
}

/// What is left when the last task has ended.
pub(super) struct Remains<D> {
    pub(super) desk: Option<D>,
    pub(super) read: u64,
    pub(super) peak_rows: usize,
}

impl<B, C, D, U> Gate<B, C, D, U> {
    /// A gate through which the first chunk may be filled. `read` and `peak_rows` carry on what was done before.
    pub(super) fn new(desk: D, window: usize, size: ChunkSize, read: u64, peak: usize) -> Self {
        Self {
            state: Mutex::new(State {
                parked: None,
                desk: Some(desk),
                ready: VecDeque::with_capacity(window.min(1_024)),
                head: 0,
                in_flight: 1,
                window,
                spare: Vec::new(),
                size,
                read,
                rows: 0,
                peak_rows: peak,
            }),
            closed: AtomicBool::new(false),
        }
    }

    /// Set once the run has ended early.
    pub(super) fn closed(&self) -> &AtomicBool {
        &self.closed
    }

    /// Begins a fill, for the owner of the baton; `None` when the run has ended.
    pub(super) fn open(&self) -> Option<Opening<U>> {
        let mut state = self.lock();
        if self.is_closed() {
            return None;
        }
        Some(Opening {
            spare: state.spare.pop(),
            size: state.size,
            in_flight: state.rows,
        })
    }

    /// Counts the rows of a chunk that has been filled; `before` is what [`open`](Self::open) found in flight.
    ///
    /// Others can only have settled rows meanwhile, so that `before + rows` was never exceeded during the fill. The
    /// rows at its end alone would miss a moment in between.
    pub(super) fn enter(&self, rows: usize, before: usize) {
        self.lock().enter(rows, before);
    }

    /// Counts the rows of a chunk as [`enter`](Self::enter) does, and passes the baton on: back to the caller, who
    /// spawns the next fill, or to its place here while the window is full.
    pub(super) fn pass(&self, rows: usize, before: usize, baton: B) -> Option<B> {
        let mut state = self.lock();
        state.enter(rows, before);
        if state.in_flight < state.window {
            state.in_flight += 1;
            Some(baton)
        } else if self.is_closed() {
            Some(baton) // Nobody would come for it; the next `open` ends the line.
        } else {
            state.parked = Some(baton);
            None
        }
    }

    /// Hands in a chunk that has been worked on.
    pub(super) fn deposit(&self, number: u64, chunk: C, timing: &Timing) -> Deposit<C, D> {
        let mut state = self.lock();
        if self.is_closed() {
            return Deposit::Refused(chunk);
        }
        state.size.adapt(timing.rows, timing.fill, timing.work);
        let place = usize::try_from(number - state.head).unwrap_or(usize::MAX);
        if state.ready.len() <= place {
            state.ready.resize_with(place + 1, || None);
        }
        state.ready[place] = Some(chunk);
        match state.desk.take() {
            None => Deposit::Left,
            Some(desk) => match state.turn(desk) {
                Some(turn) => Deposit::Turn(turn),
                None => Deposit::Left,
            },
        }
    }

    /// Gives back the place of a chunk that has been settled, and takes the next turn.
    ///
    /// The baton, if it was parked, comes out for the caller to spawn the next fill: it takes over the place. The desk
    /// stays here unless the next chunk is ready; the check and the return happen under one lock, so that a chunk that
    /// is handed in at this moment finds either the desk or somebody who will look again.
    pub(super) fn settled(
        &self,
        desk: D,
        rows: usize,
        spare: U,
    ) -> (Option<B>, Option<Turn<C, D>>) {
        let mut state = self.lock();
        state.rows -= rows;
        state.spare.push(spare);
        let baton = state.parked.take();
        if baton.is_none() {
            state.in_flight -= 1;
        }
        let turn = state.turn(desk);
        (baton, turn)
    }

    /// Ends the run: from here on every chunk is refused and no fill begins.
    pub(super) fn close(&self, desk: D) -> Rest<B, C, U> {
        let mut state = self.lock();
        // Release, here and in `stop`, pairs with the acquire of the workers. Readers under the lock are ordered by it.
        self.closed.store(true, Ordering::Release);
        state.desk = Some(desk);
        Rest {
            _parked: state.parked.take(),
            _ready: std::mem::take(&mut state.ready),
            _spare: std::mem::take(&mut state.spare),
        }
    }

    /// Refuses chunks and fills from here on, as [`close`](Self::close) does, for a run whose panic the caller gets. What
    /// waits here is dropped with the gate.
    pub(super) fn stop(&self) {
        let _state = self.lock();
        self.closed.store(true, Ordering::Release);
    }

    /// Opens up what is left when the last task has ended.
    pub(super) fn into_remains(self) -> Remains<D> {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        Remains {
            desk: state.desk,
            read: state.read,
            peak_rows: state.peak_rows,
        }
    }

    fn is_closed(&self) -> bool {
        // Relaxed: it is written and, through here, read under the lock only.
        self.closed.load(Ordering::Relaxed)
    }

    /// The lock cannot be poisoned, because nothing that runs under it panics.
    fn lock(&self) -> MutexGuard<'_, State<B, C, D, U>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B, C, D, U> State<B, C, D, U> {
    fn enter(&mut self, rows: usize, before: usize) {
        self.read += rows as u64;
        self.rows += rows;
        self.peak_rows = self.peak_rows.max(before + rows);
    }

    /// Takes the chunk that is next in order, or puts the desk back when it is not here yet.
    fn turn(&mut self, desk: D) -> Option<Turn<C, D>> {
        match self.ready.front_mut().and_then(Option::take) {
            Some(chunk) => {
                self.ready.pop_front();
                self.head += 1;
                Some(Turn {
                    desk,
                    chunk,
                    read: self.read,
                })
            }
            None => {
                self.desk = Some(desk);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was in flight when a fill began may have been settled when it ends.
    #[test]
    fn the_peak_is_that_of_the_fill_and_not_of_its_end() {
        let size = ChunkSize::new::<u64, u64>(Some(10));
        let gate = Gate::<_, _, _, _>::new("desk", 2, size, 0, 0);
        let first = gate.open().unwrap();
        assert!(gate.pass(10, first.in_flight, "baton").is_some());
        let second = gate.open().unwrap();
        let timing = Timing {
            rows: 10,
            fill: Duration::ZERO,
            work: Duration::ZERO,
        };
        let Deposit::Turn(turn) = gate.deposit(0, "chunk", &timing) else {
            panic!("the desk is free and the chunk is the next");
        };
        let (baton, turn) = gate.settled(turn.desk, 10, "spare");
        assert!(baton.is_none() && turn.is_none());
        gate.enter(10, second.in_flight);
        assert_eq!(gate.into_remains().peak_rows, 20);
    }
}
