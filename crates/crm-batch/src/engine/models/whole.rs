//! Whole runs on a pool of the checker's threads, by the engine as it is.
//!
//! Each execution draws a job, and the checker an order of its steps: it may switch threads at each lock, bell and signal, and
//! knows no weak memory. Half of the orders are drawn evenly, half by priorities with few changes (PCT, Burckhardt et al. 2010),
//! which finds what needs a thread to stay behind for long. A thread that nobody wakes ends a model.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use crm_clock::{Clock, ManualClock};
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::{Condvar, Mutex};
use shuttle::{Config, Runner, thread};

use crate::{Batch, BatchError, Builder, CancelToken, Order, Retry, SkipLimit, Verdict};

const SECOND: Duration = Duration::from_secs(1);

/// Runs a model in many orders, `CRM_BATCH_MODEL_RUNS` by each scheduler.
fn check(model: fn()) {
    let runs = std::env::var("CRM_BATCH_MODEL_RUNS").map_or(2_000, |runs| runs.parse().unwrap());
    let config = || {
        let mut config = Config::new();
        config.stack_size = 1 << 19;
        config
    };
    Runner::new(RandomScheduler::new(runs), config()).run(model);
    Runner::new(PctScheduler::new(4, runs), config()).run(model);
}

fn draw(count: usize) -> usize {
    thread_rng().gen_range(0..count)
}

/// What happens to a record.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Output,
    Filtered,
    /// It fails, and is passed over.
    Fails,
    Panics,
    /// It fails the first time.
    Retried,
    /// It ends the run.
    Fatal,
    /// The sink refuses it, which ends the run.
    Refused,
    /// The source panics in its place, which ends the run.
    Missing,
}

const GOOD: [Fate; 1] = [Fate::Output];
const MIXED: [Fate; 6] = [
    Fate::Output,
    Fate::Output,
    Fate::Filtered,
    Fate::Fails,
    Fate::Panics,
    Fate::Retried,
];

impl Fate {
    fn ends(self) -> bool {
        matches!(self, Self::Fatal | Self::Refused | Self::Missing)
    }
}

/// A record or an output; it counts those that are alive.
struct Tracked(usize, Arc<AtomicUsize>);

impl Tracked {
    fn new(id: usize, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Relaxed);
        Self(id, Arc::clone(alive))
    }
}

impl Clone for Tracked {
    fn clone(&self) -> Self {
        Self::new(self.0, &self.1)
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Relaxed);
    }
}

/// A job, as it was drawn.
#[derive(Debug)]
struct Plan {
    fates: Vec<Fate>,
    chunk_rows: usize,
    window: usize,
    threads: usize,
    as_finished: bool,
    source_blocks: bool,
    sink_blocks: bool,
    /// What turns the clock with each record, if the records are heavy.
    heavy: Option<ManualClock>,
    /// Set while the source must not be asked.
    shut: AtomicBool,
}

/// What a run has come to.
struct Outcome {
    written: Vec<usize>,
    /// The position at which the run ended early, if it was not the token or the deadline.
    failed: Option<u64>,
    /// Whether it was.
    stopped: bool,
}

impl Plan {
    fn draw(fates: &[Fate]) -> Self {
        let records = draw(7);
        Self {
            fates: (0..records).map(|_| fates[draw(fates.len())]).collect(),
            chunk_rows: 1 + draw(4),
            window: 1 + draw(3),
            threads: 1 + draw(3),
            as_finished: draw(4) == 0,
            source_blocks: draw(2) == 0,
            sink_blocks: draw(2) == 0,
            heavy: None,
            shut: AtomicBool::new(false),
        }
    }

    fn builder(&self, clock: &Clock) -> Builder {
        let order = match self.as_finished {
            true => Order::AsFinished,
            false => Order::Input,
        };
        Batch::builder()
            .clock(clock.clone())
            .chunk_rows(self.chunk_rows)
            .window(self.window)
            .threads(self.threads)
            .order(order)
            .source_blocks(self.source_blocks)
            .sink_blocks(self.sink_blocks)
            .inline_start(false)
            .skip(SkipLimit::ALL)
            .retry(Retry::exponential(2).first_delay(Duration::ZERO))
    }

    /// Runs the job, and checks what holds however it ends.
    fn run(&self, builder: Builder) -> Outcome {
        let alive = Arc::new(AtomicUsize::new(0));
        let attempts: Vec<_> = self.fates.iter().map(|_| AtomicU32::new(0)).collect();
        let bound = self.window * self.chunk_rows;
        let plain = self.fates.iter().all(|fate| *fate == Fate::Output);
        let (pulled, settled) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut written = Vec::new();

        let source = self.fates.iter().enumerate().map(|(id, fate)| {
            assert!(
                !self.shut.load(Relaxed),
                "the source is asked while the run is paused"
            );
            if *fate == Fate::Missing {
                resume_unwind(Box::new("the source is broken"));
            }
            let pulled = pulled.fetch_add(1, Relaxed) + 1;
            let in_flight = pulled - settled.load(Relaxed);
            assert!(
                !plain || in_flight <= bound,
                "{in_flight} records in flight"
            );
            Tracked::new(id, &alive)
        });
        let process = |record: Tracked| {
            let tries = attempts[record.0].fetch_add(1, Relaxed) + 1;
            let most = if self.fates[record.0] == Fate::Retried {
                2
            } else {
                1
            };
            assert!(tries <= most, "{} is tried {tries} times", record.0);
            if let Some(hand) = &self.heavy {
                hand.advance(SECOND);
            }
            match self.fates[record.0] {
                Fate::Filtered => Ok(Verdict::Filtered),
                Fate::Panics => resume_unwind(Box::new("a cursed record")),
                Fate::Retried if tries == 2 => Ok(Verdict::Output(record)),
                fate @ (Fate::Fails | Fate::Retried | Fate::Fatal) => Err(fate),
                _ => Ok(Verdict::Output(record)),
            }
        };
        let sink = |output: Tracked| {
            if self.fates[output.0] == Fate::Refused {
                return Err(output.0);
            }
            settled.fetch_add(1, Relaxed);
            written.push(output.0);
            Ok(())
        };
        let result = builder
            .build()
            .unwrap()
            .job(source)
            .process(process)
            .retry_when(|failure| failure.error() == Some(&Fate::Retried))
            .fatal_when(|failure| failure.error() == Some(&Fate::Fatal))
            .into(sink)
            .run();

        let stopped = matches!(
            result,
            Err(BatchError::Cancelled { .. } | BatchError::DeadlineExceeded { .. })
        );
        let failed = result
            .as_ref()
            .err()
            .filter(|_| !stopped)
            .map(BatchError::position);
        let complete = result.is_ok();
        let report = result.unwrap_or_else(BatchError::into_report);
        assert!(report.peak_rows() <= bound, "{} rows", report.peak_rows());
        assert_eq!(report.written(), written.len() as u64);
        assert_eq!(report.read(), pulled.load(Relaxed) as u64);
        assert!(report.written() + report.filtered() + report.skipped() <= report.read());
        assert!(!complete || report.not_processed() == 0);
        drop(report);
        assert_eq!(alive.load(Relaxed), 0, "everything is dropped");
        self.check_written(&written, complete);
        Outcome {
            written,
            failed,
            stopped,
        }
    }

    /// The outputs that a loop would write.
    fn outputs(&self) -> impl Iterator<Item = usize> {
        let until = self.fates.iter().take_while(|fate| !fate.ends());
        let outputs = until
            .enumerate()
            .filter(|(_, fate)| matches!(fate, Fate::Output | Fate::Retried));
        outputs.map(|(id, _)| id)
    }

    /// What was written is what a loop would write, or the beginning of it.
    fn check_written(&self, written: &[usize], complete: bool) {
        let mut written = written.to_vec();
        if self.as_finished {
            written.sort_unstable();
            let twice = written.windows(2).any(|pair| pair[0] == pair[1]);
            assert!(!twice, "a record is written twice");
        } else {
            let known = self.outputs().take(written.len());
            assert!(
                known.eq(written.iter().copied()),
                "out of order: {written:?}"
            );
        }
        assert!(!complete || self.outputs().eq(written));
    }
}

/// A run that nobody stops.
fn undisturbed(fates: &[Fate]) {
    let mut plan = Plan::draw(fates);
    let (clock, hand) = Clock::manual();
    plan.heavy = Some(hand).filter(|_| draw(2) == 0);
    let outcome = plan.run(plan.builder(&clock));
    assert!(!outcome.stopped);
    let end = plan.fates.iter().position(|fate| fate.ends());
    if plan.as_finished {
        assert_eq!(outcome.failed.is_some(), end.is_some());
    } else {
        assert_eq!(outcome.failed, end.map(|end| end as u64));
        assert!(plan.outputs().eq(outcome.written));
    }
}

/// Fails if a chunk is lost between the last look and the return of the desk, if a parked baton is not spawned, or if the
/// window is exceeded.
#[test]
fn every_record_is_written_once_and_in_order() {
    check(|| undisturbed(&GOOD));
}

#[test]
fn every_record_comes_to_its_fate() {
    check(|| undisturbed(&MIXED));
}

/// Whatever ends the run ends it for everybody, at the place where a loop would have ended.
#[test]
fn a_run_ends_where_a_loop_would() {
    let fates = || {
        let end = [Fate::Fatal, Fate::Refused, Fate::Missing][draw(3)];
        undisturbed(&[
            Fate::Output,
            Fate::Output,
            Fate::Retried,
            Fate::Filtered,
            end,
        ]);
    };
    check(fates);
}

/// Runs a job with a token to which another thread speaks.
fn with_token(
    plan: Plan,
    change: impl FnOnce(Builder) -> Builder,
    clock: &Clock,
    speak: impl FnOnce(&CancelToken, &Plan) + Send + 'static,
) -> (Arc<Plan>, Outcome) {
    let plan = Arc::new(plan);
    let token = CancelToken::new();
    let builder = change(plan.builder(clock)).cancel(token.clone());
    let speaker = {
        let plan = Arc::clone(&plan);
        thread::spawn(move || speak(&token, &plan))
    };
    let outcome = plan.run(builder);
    speaker.join().unwrap();
    (plan, outcome)
}

fn plain(builder: Builder) -> Builder {
    builder
}

/// Some steps at which the checker may switch to another thread.
fn dither() {
    for _ in 0..draw(20) {
        thread::yield_now();
    }
}

#[test]
fn a_run_that_is_cancelled_at_any_point_ends() {
    check(|| {
        let clock = Clock::manual().0;
        let (plan, outcome) = with_token(Plan::draw(&MIXED), plain, &clock, |token, _| {
            dither();
            token.cancel();
        });
        assert_eq!(outcome.failed, None);
        assert!(outcome.stopped || plan.as_finished || plan.outputs().eq(outcome.written));
    });
}

#[test]
fn a_run_whose_time_is_over_at_any_point_ends() {
    check(|| {
        let (clock, hand) = Clock::manual();
        let limit = |builder: Builder| builder.deadline(SECOND);
        let (_, outcome) = with_token(Plan::draw(&MIXED), limit, &clock, move |token, _| {
            dither();
            hand.advance(SECOND);
            // Sleepers wake at the time; here it is the bell that wakes them.
            token.resume();
        });
        assert_eq!(outcome.failed, None);
    });
}

/// Fails if a baton that was held is lost, or if somebody does not hear that the run goes on.
#[test]
fn a_run_that_is_paused_at_any_point_goes_on() {
    check(|| {
        let clock = Clock::manual().0;
        let (_, outcome) = with_token(Plan::draw(&MIXED), plain, &clock, |token, _| {
            for _ in 0..1 + draw(2) {
                dither();
                token.pause();
                dither();
                token.resume();
            }
        });
        assert!(!outcome.stopped && outcome.failed.is_none());
    });
}

#[test]
fn a_paused_run_reads_nothing() {
    check(|| {
        let clock = Clock::manual().0;
        let plan = Plan::draw(&GOOD);
        plan.shut.store(true, Relaxed);
        let token = CancelToken::new();
        token.pause();
        let both = |builder: Builder| builder.cancel(token.clone());
        let builder = both(plan.builder(&clock));
        let plan = Arc::new(plan);
        let speaker = {
            let plan = Arc::clone(&plan);
            thread::spawn(move || {
                dither();
                plan.shut.store(false, Relaxed);
                token.resume();
            })
        };
        let outcome = plan.run(builder);
        speaker.join().unwrap();
        assert!(!outcome.stopped && outcome.failed.is_none());
    });
}

/// A record waits for its time while the run goes on, or has nothing else to do.
#[test]
fn a_record_that_waits_for_its_retry_comes_back() {
    check(|| {
        let (clock, hand) = Clock::manual();
        let over = Arc::new(AtomicBool::new(false));
        let turned = Arc::clone(&over);
        let later =
            |builder: Builder| builder.retry(Retry::exponential(2).first_delay(SECOND).jitter(0.0));
        let plan = Arc::new(Plan::draw(&[Fate::Output, Fate::Retried]));
        let token = CancelToken::new();
        let builder = later(plan.builder(&clock)).cancel(token.clone());
        let turner = thread::spawn(move || {
            while !turned.load(Relaxed) {
                hand.advance(SECOND);
                token.resume();
                thread::yield_now();
            }
        });
        let outcome = plan.run(builder);
        over.store(true, Relaxed);
        turner.join().unwrap();
        assert!(!outcome.stopped && outcome.failed.is_none());
    });
}

/// Fails if the source hears of the room that a chunk leaves only when the task has ended that settles it and those after it.
#[test]
fn the_source_goes_on_while_the_sink_works() {
    check(|| {
        let asked = (Mutex::new(0), Condvar::new());
        let source = (0..4).inspect(|n| {
            *asked.0.lock().unwrap() = *n;
            asked.1.notify_all();
        });
        let sink = |n: u32| {
            let held = asked.0.lock().unwrap();
            // There is room for the record after this one when those before it are settled.
            let waits = |asked: &mut u32| *asked < n + 1 && n == 1;
            drop(asked.1.wait_while(held, waits).unwrap());
            Ok::<_, ()>(())
        };
        let batch = Batch::builder()
            .clock(Clock::manual().0)
            .chunk_rows(1)
            .window(2)
            .threads(2)
            .source_blocks(true)
            .inline_start(false)
            .build()
            .unwrap();
        let process = |n| Ok::<_, ()>(Verdict::Output(n));
        let report = batch.job(source).process(process).into(sink).run().unwrap();
        assert_eq!(report.written(), 4);
    });
}
