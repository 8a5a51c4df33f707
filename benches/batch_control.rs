//! How soon does a run end when it is told to, and what does it cost while it waits?
//!
//! **Ends.** A run over an endless source, a microsecond of work for each record, is cancelled at a random moment, given a
//! deadline, or dropped as a future. What is measured is the time from that moment to the return of the run, or to the drop of
//! its source, and the records that are worked on in it; in chunks of a thousand records, which take a millisecond, and in chunks
//! that choose their size, which aim at one. On a machine that does something else the records tell more than the time.
//!
//! **Waits.** A source that is given a record every 5 ms over a channel; a run that is paused; a record that waits for its
//! retry. What is measured is the processor time of the whole process for two seconds, in hundredths of one core. Each is a
//! process of its own, as are the peers beside it.

use std::convert::Infallible;
use std::fmt::Display;
use std::hint::black_box;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use clap::Parser;
use cpu_time::ProcessTime;
use crm_batch::{Batch, BatchError, Builder, CancelToken, Retry, Verdict};
use crm_clock::Clock;
use pariter::IteratorExt;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rayon::iter::{ParallelBridge, ParallelIterator};

mod support {
    //! What this benchmark shares with others.
    pub(crate) mod apart;
    pub(crate) mod arguments;
    pub(crate) mod customers;
    pub(crate) mod verdicts;
}

use support::apart::{Apart, answer, number};
use support::arguments::Common;
use support::customers::{Customer, score, source, units_of_a_microsecond};
use support::verdicts::Verdicts;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    apart: Apart,
    #[command(flatten)]
    common: Common,
}

/// Runs that are ended in each way.
const RUNS: usize = 100;

/// Rows of a chunk that takes a millisecond.
const ROWS: usize = 1_000;

/// The time from one record to the next of a source that waits.
const PAUSE: Duration = Duration::from_millis(5);

/// For how long a wait is watched.
const WATCHED: Duration = Duration::from_secs(2);

const CANCEL: &str = "cancelled";
const DEADLINE: &str = "deadline";
const DROP: &str = "dropped as a future";
const ENDS: [&str; 3] = [CANCEL, DEADLINE, DROP];

const SERIAL: &str = "serial loop, source waits";
const OURS: &str = "crm-batch, source waits";
const PAUSED: &str = "crm-batch, paused";
const RETRY: &str = "crm-batch, record waits for its retry";
const BRIDGE: &str = "par_bridge, source waits";
const PARITER: &str = "pariter, source waits";
const WAITS: [&str; 6] = [SERIAL, OURS, PAUSED, RETRY, BRIDGE, PARITER];

/// The time from a run's being told to end, after `after`, to its end, and the records that were worked on in it.
fn end(how: &str, builder: Builder, units: u64, after: Duration) -> (Duration, u64) {
    let clock = Clock::system();
    let token = CancelToken::new();
    let builder = builder.cancel(token.clone());
    let builder = match how {
        DEADLINE => builder.deadline(after),
        _ => builder,
    };
    let batch = builder.build().expect("sound choices");
    // Dropped with the source.
    let (held, released) = mpsc::channel::<()>();
    let records = source(u64::MAX).inspect(move |_| {
        black_box(&held);
    });
    let worked = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&worked);
    let count = || worked.load(Ordering::Relaxed);
    let job = batch
        .job(records)
        .process(move |customer: Customer| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(Verdict::Output(score(&customer, units)))
        })
        .into(|score| {
            black_box(score);
            Ok::<_, Infallible>(())
        });
    match how {
        CANCEL => thread::scope(|scope| {
            let told = scope.spawn(|| {
                thread::sleep(after);
                let told = (clock.now(), count());
                token.cancel();
                told
            });
            let ended = job.run();
            let end = clock.now();
            assert!(matches!(ended, Err(BatchError::Cancelled { .. })));
            let (told, before) = told.join().expect("a thread that only sleeps");
            (end - told, count() - before)
        }),
        DEADLINE => thread::scope(|scope| {
            let late = scope.spawn(|| {
                thread::sleep(after);
                count()
            });
            let start = clock.now();
            let ended = job.run();
            let took = clock.now() - start;
            assert!(matches!(ended, Err(BatchError::DeadlineExceeded { .. })));
            let before = late.join().expect("a thread that only sleeps");
            (took.saturating_sub(after), count() - before)
        }),
        _ => {
            let mut running = Box::pin(job.run_async());
            let mut context = Context::from_waker(Waker::noop());
            assert!(running.as_mut().poll(&mut context).is_pending());
            thread::sleep(after);
            let (told, before) = (clock.now(), count());
            drop(running);
            assert!(released.recv().is_err(), "nothing is ever sent");
            (clock.now() - told, count() - before)
        }
    }
}

/// Records at a distance in time, for as long as a wait is watched.
fn slow(watched: Duration) -> impl Iterator<Item = u64> + Send {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for record in 0..(watched.as_nanos() / PAUSE.as_nanos()) as u64 {
            thread::sleep(PAUSE);
            if sender.send(record).is_err() {
                return;
            }
        }
    });
    receiver.into_iter()
}

/// One wait, in hundredths of a core.
fn wait(name: &str, threads: usize, watched: Duration) -> f64 {
    let clock = Clock::system();
    let mut sum = 0;
    let mut add = |number: u64| {
        sum += number;
        Ok::<_, Infallible>(())
    };
    // A pool is started before.
    Batch::new().for_each(0..100_000, |number| {
        black_box(number);
    });
    rayon::join(|| (), || ());
    let (start, used) = (clock.now(), ProcessTime::now());
    match name {
        SERIAL => slow(watched).for_each(|number| sum += number),
        OURS => drop(Batch::new().run(slow(watched), Ok::<_, Infallible>, add)),
        BRIDGE => sum = slow(watched).par_bridge().sum(),
        PARITER => {
            let numbers = slow(watched).parallel_map_custom(|o| o.threads(threads), |n| n);
            numbers.for_each(|number| sum += number);
        }
        PAUSED => {
            let token = CancelToken::new();
            token.pause();
            let batch = Batch::builder().cancel(token.clone()).build();
            let batch = batch.expect("sound choices");
            thread::scope(|scope| {
                scope.spawn(|| drop(batch.run(0_u64.., Ok::<_, Infallible>, add)));
                thread::sleep(watched);
                token.cancel();
            });
        }
        RETRY => {
            let retry = Retry::exponential(2).first_delay(watched);
            let batch = Batch::builder().retry(retry).build();
            let job = batch
                .expect("sound choices")
                .job(0..1_u64)
                .process(|number| {
                    let is_late = clock.now() - start > watched / 4;
                    if is_late {
                        Ok(Verdict::Output(number))
                    } else {
                        Err("not yet")
                    }
                })
                .retry_when(|_| true)
                .into(&mut add);
            assert!(job.run().is_ok());
        }
        _ => panic!("there is no wait {name:?}"),
    }
    black_box(sum);
    let took = clock.now() - start;
    100.0 * used.elapsed().as_secs_f64() / took.as_secs_f64()
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let apart = &arguments.apart;
    if let Some(task) = apart.task() {
        let [name, watched] = task[..] else {
            panic!("a task has two words, not {task:?}");
        };
        let watched = Duration::from_millis(number(watched));
        let share = wait(WAITS[number::<usize>(name)], apart.threads, watched);
        return answer(&[&share]);
    }
    let is_test = arguments.common.is_test();
    let runs = apart.rounds(is_test, RUNS);
    let units = units_of_a_microsecond().round() as u64;
    let mut out = io::stdout().lock();
    let mut verdicts = Verdicts::default();
    writeln!(
        out,
        "{} threads; a chunk takes a millisecond\n\n\
         | told to end | chunks | ms, median | 95 % | longest of {runs} | records after, most |\n|---|---|---:|---:|---:|---:|",
        apart.threads
    )?;
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(1);
    for how in ENDS {
        for rows in [Some(ROWS), None] {
            let (mut times, records): (Vec<f64>, Vec<u64>) = (0..runs)
                .map(|_| {
                    let builder = Batch::builder().threads(apart.threads);
                    let builder = match rows {
                        Some(rows) => builder.chunk_rows(rows),
                        None => builder,
                    };
                    let after = Duration::from_micros(chance.random_range(5_000..25_000));
                    let (time, records) = end(how, builder, units, after);
                    (1e3 * time.as_secs_f64(), records)
                })
                .unzip();
            let records = records.into_iter().max().unwrap_or_default();
            times.sort_by(f64::total_cmp);
            let quantile = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
            let chunks: &dyn Display = match &rows {
                Some(rows) => rows,
                None => &"as they choose",
            };
            let (half, most) = (quantile(0.5), quantile(0.95));
            writeln!(
                out,
                "| {how} | {chunks} | {half:.2} | {most:.2} | {:.2} | {records} |",
                quantile(1.0)
            )?;
            verdicts.judge(format!("{how}, {chunks}: ms, 95 %"), ..=2.0, most);
            if rows.is_some() {
                // The time of two chunks, in which each thread may work on two.
                let chunks = records as f64 / (ROWS * apart.threads) as f64;
                let what = format!("{how}, {ROWS}: chunks of each thread after, most");
                verdicts.judge(what, ..=2.0, chunks);
            }
        }
    }
    writeln!(out, "\n| waits | % of a core |\n|---|---:|")?;
    let watched = if is_test { 50 } else { WATCHED.as_millis() };
    for (index, name) in WAITS.iter().enumerate() {
        let share: f64 = number(&apart.run(&[&index, &watched])[0]);
        writeln!(out, "| {name} | {share:.2} |")?;
        if name.starts_with("crm-batch") {
            verdicts.judge(format!("{name}: % of a core"), ..2.0, share);
        }
    }
    verdicts.write(&mut out, is_test)
}
