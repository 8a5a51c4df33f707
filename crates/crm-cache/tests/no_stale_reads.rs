//! No reader sees a version of a record that was invalidated before it began to read.
//!
//! Records have versions. Whoever changes one then tells the cache, in any of the ways there are, and when the cache has
//! returned notes the new version as the oldest that may still be seen. Every reader looks at that note before it reads, and
//! at the version afterwards. Loads read the record when they begin, and end some time after it, often after an
//! invalidation.
//!
//! What the promise means where it is not plain:
//! - One who waited for a load may get what was read before an invalidation, if he asked before that had returned.
//! - A value that stands in for one that cannot be had may be past its life. It is never older than an invalidation.
//! - A remembered failure goes with its key, and with all of them; an invalidated tag does not end it.
//! - A snapshot restored while others write brings nothing back that they have invalidated.
//! - A write puts a version into the cache, and must not be overtaken by the next change of the record on its way there.
//!
//! `CRM_CACHE_DEEP_READS` makes it read at least so often; without it it reads two million times.

#[path = "no_stale_reads/chance.rs"]
mod chance;
#[path = "support/dice.rs"]
mod dice;
#[cfg(feature = "serde")]
#[path = "no_stale_reads/restore.rs"]
mod restore;
#[path = "no_stale_reads/subject.rs"]
mod subject;
#[path = "no_stale_reads/tally.rs"]
mod tally;
#[path = "support/tasks.rs"]
mod tasks;
#[path = "no_stale_reads/truth.rs"]
mod truth;
#[path = "no_stale_reads/worker.rs"]
mod worker;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, ScopedJoinHandle};

use crm_cache::Policy;
use dice::number;
use subject::{Form, Jobs, Setup, Subject};
use tally::{KINDS, Kind, Tally};
use truth::Truth;
use worker::Worker;

const THREADS: usize = if cfg!(miri) { 2 } else { 4 };
const USUAL_READS: u64 = if cfg!(miri) { 100 } else { 2_000_000 };
/// Each cache lives for so many reads.
const READS_OF_A_CACHE: u64 = 20_000;

/// The caches to try, over and over.
fn setups() -> impl Iterator<Item = Setup> {
    (0..).map(|number: usize| {
        let pick = |choices: usize, every: usize| number / every % choices;
        Setup {
            form: [Form::Plain, Form::Tagged, Form::Executor, Form::Answered][pick(4, 1)],
            policy: [Policy::Adaptive, Policy::Lru][pick(2, 4)],
            shards: [1, 2, 5][pick(3, 8)],
            keys: [2, 7, 12, 24][pick(4, 24)],
            ends: pick(5, 1) < 3,
            weighs: pick(3, 2) == 1,
        }
    })
}

fn is_restored(setup: &Setup) -> bool {
    cfg!(feature = "serde") && matches!(setup.form, Form::Plain | Form::Tagged)
}

/// Runs, or gives up, the loads that wait for a thread.
fn answer(jobs: &Jobs, is_over: &AtomicBool) -> u64 {
    let mut dropped = 0;
    loop {
        let is_last = is_over.load(Ordering::Acquire);
        while let Some(job) = jobs.pop() {
            chance::dawdle(2);
            if chance::one_in(10) {
                dropped += 1;
                drop(job);
            } else {
                job();
            }
        }
        if is_last {
            return dropped;
        }
        thread::yield_now();
    }
}

/// Lets nobody wait for a thread that has panicked.
struct Alarm<'a> {
    done: &'a AtomicU64,
    may_begin: &'a AtomicBool,
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.done.store(u64::MAX / 2, Ordering::Relaxed);
            self.may_begin.store(true, Ordering::Release);
        }
    }
}

/// Has threads use a cache together until they have read so often.
fn round(setup: &Setup, reads: u64, total: &Tally) {
    let (truth, jobs) = (Arc::new(Truth::new(setup.keys)), Jobs::default());
    let (subject, hand) = setup.build(&truth, &jobs);
    let (done, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    // Others wait until the restore of a snapshot has begun; or it waits for them, and comes too late.
    let comes_late = setup.keys == 7;
    let may_begin = AtomicBool::new(!is_restored(setup) || comes_late);
    let worker = || Worker {
        setup,
        subject: &subject,
        truth: &truth,
        hand: &hand,
        tally: Tally::new(),
    };
    thread::scope(|scope| {
        let is_loading = matches!(subject, Subject::Loading(_));
        let answers = is_loading.then(|| scope.spawn(|| answer(&jobs, &is_over)));
        let work = |number: usize| {
            let (worker, subject, truth) = (&worker, &subject, &truth);
            let (done, may_begin) = (&done, &may_begin);
            move || {
                let _alarm = Alarm { done, may_begin };
                let worker = worker();
                #[cfg(feature = "serde")]
                if let (Subject::Plain(cache), 0) = (subject, number) {
                    while comes_late && done.load(Ordering::Relaxed) < reads / 10 {
                        thread::yield_now();
                    }
                    restore::restore(cache, truth, may_begin, &worker.tally);
                }
                let _ = (number, subject, truth);
                while !may_begin.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                worker.run(done, reads);
                worker.tally
            }
        };
        let workers: Vec<_> = (0..THREADS)
            .map(|number| scope.spawn(work(number)))
            .collect();
        let ended: Vec<_> = workers.into_iter().map(ScopedJoinHandle::join).collect();
        let at_rest = scope.spawn(|| {
            let worker = worker();
            worker.is_sound_at_rest();
            worker.tally
        });
        let at_rest = at_rest.join();
        is_over.store(true, Ordering::Release);
        for ended in ended.into_iter().chain([at_rest]) {
            total.add_all(&ended.unwrap_or_else(|panic| resume_unwind(panic)));
        }
        let dropped = answers.map_or(0, |answers| answers.join().unwrap());
        total.add(Kind::DroppedJobs, dropped);
    });
    let stats = match &subject {
        Subject::Plain(cache) => cache.stats(),
        Subject::Loading(cache) => cache.stats(),
    };
    for (kind, count) in [
        (Kind::Loads, stats.loads),
        (Kind::Voided, stats.loads_voided),
        (Kind::Waits, stats.load_waits),
        (Kind::LoadFailures, stats.load_failures),
        (Kind::Refreshes, stats.refreshes),
        (Kind::StaleServed, stats.stale_served),
        (Kind::FailuresServed, stats.failures_served),
        (Kind::Evictions, stats.evictions),
        (Kind::Expirations, stats.expirations),
        (Kind::Refusals, stats.refusals),
    ] {
        total.add(kind, count);
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the long run says what it did")]
fn no_reader_sees_what_was_invalidated_before_it_asked() {
    let wanted = number("CRM_CACHE_DEEP_READS").unwrap_or(USUAL_READS);
    // As many caches, whatever the number of reads: the long run lets each live longer.
    let of_a_cache = READS_OF_A_CACHE.max(wanted / 1_000).min(wanted);
    let total = Tally::new();
    for setup in setups() {
        round(&setup, of_a_cache, &total);
        if total.reads() >= wanted {
            break;
        }
    }
    println!("{total}");
    let is_missing = |kind: &&Kind| {
        let needs_snapshots = matches!(kind, Kind::Restored | Kind::RestoresRefused);
        total.get(**kind) == 0 && (cfg!(feature = "serde") || !needs_snapshots)
    };
    let missing: Vec<_> = KINDS.iter().filter(is_missing).collect();
    assert!(cfg!(miri) || missing.is_empty(), "never done: {missing:?}");
}
