//! The gate and the control, with plain values for baton, desk and pieces, under the protocol of the relay.
//!
//! Each task has a thread to itself, so that the checker sees every order in which a pool could run them. The protocol is that
//! of `relay.rs`, `task.rs`, `settle.rs` and `stages.rs` without user code; that those keep to it is for `whole.rs`.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex as StdMutex};
use std::time::Duration;

use crm_clock::{Clock, ManualClock, Tick};
use loom::thread;

use crate::control::Control;
use crate::engine::gate::{Apart, Before, Deposit, Filled, Gate, Next, Rest, Shape, Turn};
use crate::engine::pace::ChunkSize;
use crate::engine::slot::Due;
use crate::engine::times::Times;

/// Runs a model with at most two preemptions, unless the environment says otherwise.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(2);
    builder.max_threads = 5;
    builder.max_branches = 20_000;
    builder.check(model);
}

/// Counts what lives.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// The right to fill, with the number of the next chunk.
struct Baton {
    next: u64,
    _alive: Alive,
}

/// The right to settle, with the numbers of the chunks that are settled, and whether the sink has failed.
#[derive(Default)]
struct Desk {
    settled: Vec<u64>,
    failed: bool,
}

struct Piece {
    number: u64,
    _alive: Alive,
}

/// A record of a chunk that waits for its time.
struct Again(Piece);

enum Task {
    Fill(Baton),
    Piece(Piece),
    Again(Again),
}

/// What is modelled.
#[derive(Clone, Copy)]
struct Plan {
    chunks: u64,
    window: usize,
    apart: Apart,
    /// Whether the first chunk gives a part to a thread that has nothing to do.
    splits: bool,
    /// When a record of the first chunk is to be tried again.
    again: Option<Tick>,
    /// The chunk at which the sink fails.
    fails_at: Option<u64>,
    deadline: Option<Duration>,
}

const PLAIN: Plan = Plan {
    chunks: 2,
    window: 2,
    apart: Apart {
        source: false,
        sink: false,
    },
    splits: false,
    again: None,
    fails_at: None,
    deadline: None,
};

const LATER: Tick = Tick::from_nanos(1_000);

struct Run {
    plan: Plan,
    control: &'static Control,
    clock: Clock,
    hand: ManualClock,
    gate: Gate<'static, Baton, Piece, Desk, (), (), Again>,
    alive: Arc<AtomicUsize>,
    /// Chunks between the begin of their fill and the end of their settling.
    in_flight: AtomicUsize,
    /// Pieces that were made of each chunk.
    pieces: [AtomicUsize; 4],
    threads: StdMutex<Vec<thread::JoinHandle<()>>>,
}

type Shared = Arc<Run>;

impl Run {
    fn new(plan: Plan) -> Shared {
        let (clock, hand) = Clock::manual();
        // Leaked, because the checker's threads borrow nothing.
        let control: &Control =
            Box::leak(Box::new(Control::new(&clock, Tick::ZERO, plan.deadline)));
        let shape = Shape {
            window: plan.window,
            threads: 3,
            as_finished: false,
            apart: plan.apart,
            size: ChunkSize::new::<u64, u64>(Some(1), None),
        };
        let before = Before {
            read: 0,
            bytes: 0,
            peak_rows: 0,
            times: Times::default(),
        };
        Arc::new(Self {
            plan,
            control,
            clock,
            hand,
            gate: Gate::new(control, None, &shape, before),
            alive: Arc::default(),
            in_flight: AtomicUsize::new(0),
            pieces: Default::default(),
            threads: StdMutex::default(),
        })
    }

    fn baton(&self) -> Baton {
        Baton {
            next: 0,
            _alive: Alive::new(&self.alive),
        }
    }

    fn spawn(self: &Shared, task: Task) {
        let run = Arc::clone(self);
        let thread = thread::spawn(move || run.perform(task));
        self.threads.lock().unwrap().push(thread);
    }

    /// Waits for every task, as the end of a scope does.
    fn join(&self) {
        loop {
            let thread = self.threads.lock().unwrap().pop();
            let Some(thread) = thread else { break };
            thread.join().unwrap();
        }
    }

    fn ring(&self) {
        if self.plan.apart.any() {
            self.control.ring();
        }
    }

    fn perform(self: &Shared, task: Task) {
        match task {
            Task::Fill(baton) => self.fill(baton),
            Task::Piece(piece) => self.work(piece, true),
            Task::Again(Again(piece)) => {
                if !self.control.look() {
                    self.deposit(piece);
                }
            }
        }
        if self.control.has_alarm() {
            while let Some(again) = self.gate.due(self.clock.now()) {
                self.spawn(Task::Again(again));
            }
        }
        self.gate.leave(None);
        self.ring();
    }

    /// A chunk, made by whoever has the baton.
    fn pull(&self, baton: &mut Baton) -> (Piece, Filled) {
        let in_flight = self.in_flight.fetch_add(1, Relaxed) + 1;
        assert!(in_flight <= self.plan.window, "the window is exceeded");
        let number = baton.next;
        baton.next += 1;
        let filled = Filled {
            number,
            rows: Some(1),
            bytes: 0,
            before: 0,
            remaining: None,
            position: None,
        };
        (self.piece(number), filled)
    }

    fn piece(&self, number: u64) -> Piece {
        self.pieces[number as usize].fetch_add(1, Relaxed);
        Piece {
            number,
            _alive: Alive::new(&self.alive),
        }
    }

    fn fill(self: &Shared, baton: Baton) {
        self.control.look();
        let mut baton = match self.gate.open(baton) {
            Ok(Some((baton, _))) => baton,
            Ok(None) | Err(_) => return,
        };
        let (piece, filled) = self.pull(&mut baton);
        if baton.next == self.plan.chunks {
            self.gate.enter_last(Some(&filled), baton);
        } else if let Some(baton) = self.gate.pass(&filled, baton) {
            self.spawn(Task::Fill(baton));
        }
        self.work(piece, false);
    }

    fn work(self: &Shared, piece: Piece, is_part: bool) {
        let number = piece.number;
        if self.plan.splits && !is_part && self.control.is_idle() && self.gate.claim(number, 2) {
            // The chunk can be split once only.
            self.gate.unclaim(number, 1);
            self.spawn(Task::Piece(self.piece(number)));
        }
        if let Some(due) = self.plan.again.filter(|_| number == 0) {
            let again = Again(self.piece(number));
            drop(self.gate.delay(number, due, again, true));
            self.ring();
        }
        if self.control.look() {
            return;
        }
        self.deposit(piece);
    }

    fn deposit(self: &Shared, piece: Piece) {
        match self.gate.deposit(piece.number, piece, None, 0) {
            Deposit::Left => (),
            Deposit::Refused(piece) => drop(piece),
            Deposit::Turn(turn) => self.take_turns(turn),
        }
    }

    fn take_turns(self: &Shared, turn: Turn<Piece, Desk>) {
        let mut next = Some(turn);
        while let Some(Turn { mut desk, due }) = next {
            let rows = due.rows;
            if !self.settle(&mut desk, due) {
                self.close(desk);
                return;
            }
            self.control.look();
            let spare = std::iter::empty();
            let (baton, turn) = self.gate.settled(desk, rows, spare, Duration::ZERO);
            if let Some(baton) = baton {
                self.spawn(Task::Fill(baton));
            }
            self.ring();
            next = turn;
        }
    }

    /// False when that has ended the run.
    fn settle(&self, desk: &mut Desk, due: Due<Piece>) -> bool {
        let pieces: Vec<_> = due.pieces.one.into_iter().chain(due.pieces.more).collect();
        let number = pieces[0].number;
        assert!(pieces.iter().all(|piece| piece.number == number));
        let made = self.pieces[number as usize].load(Relaxed);
        assert_eq!(pieces.len(), made, "a chunk is settled before it is whole");
        assert_eq!(number, desk.settled.len() as u64, "settled out of order");
        if self.plan.fails_at == Some(number) {
            desk.failed = true;
            return false;
        }
        desk.settled.push(number);
        self.in_flight.fetch_sub(1, Relaxed);
        true
    }

    fn close(&self, desk: Desk) {
        let dregs = self.gate.close(desk);
        self.ring();
        drop(dregs);
    }

    /// Round after round.
    fn rounds(self: &Shared) {
        self.gate.put(Desk::default());
        self.perform(Task::Fill(self.baton()));
        loop {
            self.join();
            let rest = || self.gate.rest(self.clock.now());
            match self.control.wait(rest) {
                Rest::Done => return,
                Rest::Go(baton, loads) => {
                    let mut tasks: Vec<_> = loads.into_iter().map(Task::Again).collect();
                    tasks.extend(baton.map(Task::Fill));
                    for task in tasks {
                        self.perform(task);
                    }
                }
            }
        }
    }

    /// The caller keeps the run.
    fn keep(self: &Shared) {
        let mut desk = Some(Desk::default());
        if !self.plan.apart.sink {
            self.gate.put(desk.take().unwrap());
        }
        if self.plan.apart.source {
            let (run, baton) = (Arc::clone(self), self.baton());
            let source = thread::spawn(move || run.draw(baton));
            self.threads.lock().unwrap().push(source);
        } else {
            self.spawn(Task::Fill(self.baton()));
        }
        loop {
            match self.control.until(|| self.gate.next(self.clock.now())) {
                Next::Done => break,
                Next::Fill(baton) => self.spawn(Task::Fill(baton)),
                Next::Again(again) => self.spawn(Task::Again(again)),
                Next::Settle(due) => {
                    let mut own = desk.take().unwrap();
                    let rows = due.rows;
                    if !self.settle(&mut own, due) {
                        self.close(own);
                        break;
                    }
                    let spare = std::iter::empty();
                    let baton = self.gate.settled_apart(rows, spare, Duration::ZERO);
                    if let Some(baton) = baton {
                        self.spawn(Task::Fill(baton));
                    }
                    self.ring();
                    desk = Some(own);
                }
            }
        }
        if let Some(desk) = desk {
            self.gate.put(desk);
        }
        self.join();
    }

    /// The thread of the source.
    fn draw(self: &Shared, mut baton: Baton) {
        while self.control.until(|| self.gate.admit()).is_some() {
            let (piece, filled) = self.pull(&mut baton);
            self.gate.enter(&filled, Duration::ZERO);
            self.spawn(Task::Piece(piece));
            if baton.next == self.plan.chunks {
                self.gate.enter_last(None, baton);
                self.ring();
                return;
            }
        }
    }
}

/// Runs a plan while another thread does something to it. Returns whether it was complete.
fn run(plan: Plan, disturb: Option<fn(&Run)>) -> bool {
    let run = Run::new(plan);
    let disturber = disturb.map(|disturb| {
        let run = Arc::clone(&run);
        thread::spawn(move || disturb(&run))
    });
    if plan.apart.any() {
        run.keep();
    } else {
        run.rounds();
    }
    if let Some(disturber) = disturber {
        disturber.join().unwrap();
    }
    let alive = Arc::clone(&run.alive);
    let cause = run.control.cause();
    let Ok(run) = Arc::try_unwrap(run) else {
        panic!("all threads have ended");
    };
    let remains = run.gate.into_remains();
    let desk = remains.desk.expect("the desk is back when no task runs");
    assert!((0..desk.settled.len() as u64).eq(desk.settled.iter().copied()));
    assert_eq!(desk.failed, plan.fails_at.is_some());
    let complete = remains.complete && !desk.failed;
    if complete {
        assert_eq!(desk.settled.len() as u64, plan.chunks);
    } else {
        assert!(cause.is_some() || desk.failed, "nobody has ended it");
    }
    drop(remains.baton);
    assert_eq!(alive.load(Relaxed), 0, "everything is dropped");
    complete
}

fn completes(plan: Plan) {
    check(move || assert!(run(plan, None)));
}

fn ends(plan: Plan, disturb: fn(&Run)) {
    check(move || {
        run(plan, Some(disturb));
    });
}

fn apart(source: bool, sink: bool) -> Plan {
    Plan {
        apart: Apart { source, sink },
        ..PLAIN
    }
}

/// Fails if a chunk is lost between the last look and the return of the desk.
#[test]
fn chunks_are_settled_once_and_in_order() {
    completes(Plan {
        chunks: 3,
        window: 3,
        ..PLAIN
    });
}

/// Fails if a parked baton is not spawned, or twice.
#[test]
fn a_full_window_is_not_exceeded_and_goes_on() {
    completes(Plan { chunks: 3, ..PLAIN });
    completes(Plan {
        chunks: 2,
        window: 1,
        ..PLAIN
    });
}

/// Fails if a chunk is settled before all of its parts are there.
#[test]
fn a_part_that_was_split_off_belongs_to_its_chunk() {
    completes(Plan {
        splits: true,
        ..PLAIN
    });
}

#[test]
fn a_record_is_tried_again() {
    for plan in [PLAIN, apart(false, true)] {
        let plan = Plan {
            again: Some(Tick::ZERO),
            ..plan
        };
        completes(plan);
    }
}

/// Fails if nobody hears that the time has come.
#[test]
fn a_record_is_tried_again_when_its_time_has_come() {
    for plan in [PLAIN, apart(false, true)] {
        let plan = Plan {
            chunks: 1,
            again: Some(LATER),
            ..plan
        };
        check(move || {
            let come = |run: &Run| {
                run.hand.advance(Duration::from_secs(1));
                run.control.ring();
            };
            assert!(run(plan, Some(come)));
        });
    }
}

/// Fails if the keeper or the source sleeps on while there is something to do.
#[test]
fn threads_of_the_stages_are_woken() {
    completes(apart(false, true));
    completes(Plan {
        chunks: 1,
        ..apart(true, false)
    });
    completes(Plan {
        window: 1,
        ..apart(true, true)
    });
}

#[test]
fn a_cancelled_run_ends_for_everybody() {
    let cancel = |run: &Run| run.control.cancel();
    ends(PLAIN, cancel);
    ends(apart(false, true), cancel);
    ends(
        Plan {
            chunks: 1,
            ..apart(true, true)
        },
        cancel,
    );
    ends(
        Plan {
            again: Some(LATER),
            chunks: 1,
            ..PLAIN
        },
        cancel_later,
    );
}

/// A retry that never comes keeps nobody from hearing it.
fn cancel_later(run: &Run) {
    thread::yield_now();
    run.control.cancel();
}

#[test]
fn a_run_whose_sink_fails_ends_for_everybody() {
    for plan in [PLAIN, apart(false, true), apart(true, false)] {
        let plan = Plan {
            fails_at: Some(0),
            ..plan
        };
        check(move || assert!(!run(plan, None)));
    }
}

#[test]
fn a_run_whose_time_is_over_ends_for_everybody() {
    // With the last one the source waits for room, and the keeper for a record that does not come in time.
    let full = Plan {
        chunks: 2,
        window: 1,
        again: Some(LATER),
        ..apart(true, true)
    };
    let single = |plan| Plan { chunks: 1, ..plan };
    for plan in [
        single(PLAIN),
        single(apart(false, true)),
        single(apart(true, false)),
        full,
    ] {
        let plan = Plan {
            deadline: Some(Duration::from_nanos(500)),
            ..plan
        };
        ends(plan, |run| {
            run.hand.advance(Duration::from_nanos(500));
            // Whoever looks first wakes the others.
            run.control.look();
        });
    }
}

/// Fails if a held baton is lost, or if somebody does not hear that the run goes on.
#[test]
fn a_paused_run_goes_on() {
    for plan in [PLAIN, apart(false, true), apart(true, false)] {
        let plan = Plan { chunks: 1, ..plan };
        check(move || {
            let pause = |run: &Run| {
                run.control.set_paused(true);
                run.control.set_paused(false);
            };
            assert!(run(plan, Some(pause)));
        });
    }
}
