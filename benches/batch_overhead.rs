//! What does a run cost for each record that needs no work at all?
//!
//! Integers from a range go through an empty function into a sum, in chunks of 2,048 with a pool of two threads: what is left is
//! the pipeline itself. The figure is the whole time, the loop's own share included; `processor` is the least that all
//! threads together took. Beside it there are a pool of one, which
//! shows what the processor does for a record; chunks and a start as they are without being set; and the peers. Each sample is
//! taken in a process of its own.

use std::cell::Cell;
use std::convert::Infallible;
use std::hint::black_box;
use std::io::{self, Write};

use clap::Parser;
use cpu_time::ProcessTime;
use crm_batch::{Batch, Verdict};
use crm_clock::Clock;
use orx_parallel::{IterIntoParIter, Par};
use rayon::iter::{IntoParallelRefIterator, ParallelBridge, ParallelIterator};

mod support {
    //! What this benchmark shares with others.
    pub(crate) mod apart;
    pub(crate) mod arguments;
    pub(crate) mod rounds;
    pub(crate) mod verdicts;
}

use support::apart::{Apart, answer, number};
use support::arguments::Common;
use support::rounds::{Contender, in_turn, of};
use support::verdicts::Verdicts;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    apart: Apart,
    #[command(flatten)]
    common: Common,
}

/// Rounds, unless another number is asked for.
const ROUNDS: usize = 15;

const RECORDS: u64 = 20_000_000;

const SERIAL: &str = "serial loop";
const RUN: &str = "crm-batch run, chunks of 2,048, a pool of two";
const JOB: &str = "crm-batch job, chunks of 2,048, a pool of two";
const RUN_OF_ONE: &str = "crm-batch run, chunks of 2,048, a pool of one";
const RUN_AS_IS: &str = "crm-batch run, nothing set";
const PAR_BRIDGE: &str = "par_bridge, no order";
const ORX: &str = "orx-parallel 4";
const CHUNKS: &str = "chunks of 2,048, par_iter";

const ALL: [&str; 8] = [
    SERIAL, RUN, JOB, RUN_OF_ONE, RUN_AS_IS, PAR_BRIDGE, ORX, CHUNKS,
];

fn batch(threads: usize) -> Batch {
    let batch = Batch::builder()
        .chunk_rows(2_048)
        .threads(threads)
        .inline_start(false)
        .build();
    batch.expect("the choices are sound")
}

/// Work that the compiler cannot see to be none.
fn nothing(number: u64) -> u64 {
    black_box(number)
}

/// A pool, or a batch with one, is made before the clock starts.
enum Way {
    Serial,
    Run(Batch),
    Job(Batch),
    Bridge,
    Orx { threads: usize },
    Chunks,
}

impl Way {
    fn new(name: &str, threads: usize) -> Self {
        match name {
            SERIAL => Self::Serial,
            RUN => Self::Run(batch(threads)),
            JOB => Self::Job(batch(threads)),
            RUN_OF_ONE => Self::Run(batch(1)),
            RUN_AS_IS => Self::Run(Batch::new()),
            PAR_BRIDGE => Self::Bridge,
            ORX => Self::Orx { threads },
            CHUNKS => Self::Chunks,
            _ => panic!("there is no way {name:?}"),
        }
    }

    fn sum(&self, records: u64) -> u64 {
        let mut sum = 0_u64;
        let mut add = |number: u64| {
            sum += number;
            Ok::<_, Infallible>(())
        };
        match self {
            Self::Serial => (0..records).map(nothing).for_each(|number| sum += number),
            Self::Run(batch) => {
                let report = batch.run(0..records, |n| Ok::<_, Infallible>(nothing(n)), add);
                assert_eq!(report.expect("nothing fails").written(), records);
            }
            Self::Job(batch) => {
                let job = batch
                    .job(0..records)
                    .process(|n| Ok::<_, Infallible>(Verdict::Output(nothing(n))));
                let report = job.into(&mut add).run();
                assert_eq!(report.expect("nothing fails").written(), records);
            }
            Self::Bridge => sum = (0..records).par_bridge().map(nothing).sum(),
            Self::Orx { threads } => {
                let numbers: Vec<u64> = (0..records)
                    .iter_into_par()
                    .num_threads(*threads)
                    .map(nothing)
                    .collect();
                sum = numbers.iter().sum();
            }
            Self::Chunks => {
                let mut records = 0..records;
                let mut chunk = Vec::with_capacity(2_048);
                while !records.is_empty() {
                    chunk.clear();
                    chunk.extend(records.by_ref().take(2_048));
                    let numbers: Vec<u64> = chunk.par_iter().map(|&n| nothing(n)).collect();
                    sum += numbers.iter().sum::<u64>();
                }
            }
        }
        sum
    }
}

/// One sample, in nanoseconds a record.
fn sample(task: &[&str], threads: usize) -> io::Result<()> {
    let [name, records] = task else {
        panic!("a task has two words, not {task:?}");
    };
    let records: u64 = number(records);
    let way = Way::new(ALL[number::<usize>(name)], threads);
    way.sum(records / 4);
    let clock = Clock::system();
    let (start, used) = (clock.now(), ProcessTime::now());
    let sum = way.sum(records);
    let nanos = (clock.now() - start).as_nanos() as f64 / records as f64;
    let processor = used.elapsed().as_nanos() as f64 / records as f64;
    assert_eq!(sum, records * (records - 1) / 2);
    answer(&[&nanos, &processor])
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let apart = &arguments.apart;
    if let Some(task) = apart.task() {
        return sample(&task, apart.threads);
    }
    let is_test = arguments.common.is_test();
    let rounds = apart.rounds(is_test, ROUNDS);
    let records = if is_test { RECORDS / 1_000 } else { RECORDS };
    let processor = [const { Cell::new(f64::INFINITY) }; ALL.len()];
    let mut contenders: Vec<_> = ALL
        .iter()
        .zip(&processor)
        .enumerate()
        .map(|(index, (&name, processor))| {
            Contender::new(name, SERIAL, move |_| {
                let answer = apart.run(&[&index, &records]);
                processor.set(processor.get().min(number(&answer[1])));
                number(&answer[0])
            })
        })
        .collect();
    let figures = in_turn(&mut contenders, rounds);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "ns of a record, median and quartiles of {rounds} rounds; {records} records; {} threads\n\n\
         | | ns | quartiles | more than the loop | processor |\n|---|---:|---|---:|---:|",
        apart.threads
    )?;
    for (one, processor) in figures.iter().zip(&processor) {
        let loops = of(&figures, one.against);
        let more = one.compare(loops, |own, loops| own - loops).median;
        let own = one.compare(one, |own, _| own);
        let processor = processor.get();
        writeln!(
            out,
            "| {} | {own:.2} | {more:.2} | {processor:.2} |",
            one.name
        )?;
    }
    let mut verdicts = Verdicts::default();
    for name in [RUN, JOB] {
        verdicts.judge(format!("{name}: ns"), ..=2.0, of(&figures, name).median());
    }
    verdicts.write(&mut out, is_test)
}
