//! How close does an ordered, bounded run come to what its threads can give, and who comes closer?
//!
//! A sequential source makes customers in about 30 ns each, 10 ns to 100 us of work give each a score, and the scores go to one
//! sink in the order of the source. Every sample is taken in a process of its own, after a quarter of it to warm up; the
//! contenders of a weight take turns, in an order that is drawn anew for each round.
//!
//! The ideal is the time of the source alone, or that of the serial loop divided by the threads if that is longer; both are
//! measured in the same round. `least` is the shortest of all samples, and `processor` the least that all threads together took:
//! what a busy machine disturbs less. `par_bridge` keeps no order. It, `orx-parallel` and collecting first are not bounded.

use std::cell::Cell;
use std::io::{self, Write};

use clap::Parser;
use cpu_time::ProcessTime;
use crm_clock::Clock;

mod support {
    //! What this benchmark shares with others.
    pub(crate) mod apart;
    pub(crate) mod arguments;
    pub(crate) mod customers;
    pub(crate) mod pipelines;
    pub(crate) mod rounds;
    pub(crate) mod verdicts;
}

use support::apart::{Apart, answer, number};
use support::arguments::Common;
use support::customers::{score, source, units_of_a_microsecond};
use support::pipelines::{
    self, ALL, CHUNKS_1024, CHUNKS_16384, JOB, ORX, PAR_BRIDGE, PARITER, RUN, SERIAL, Tally, check,
    least, ratio,
};
use support::rounds::{Contender, Figures, in_turn, of};
use support::verdicts::Verdicts;

#[derive(Debug, Parser)]
struct Arguments {
    /// Measure these weights of work alone, in nanoseconds.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 30, 100, 300, 1_000, 3_000, 10_000, 100_000])]
    weights: Vec<u64>,
    #[command(flatten)]
    apart: Apart,
    #[command(flatten)]
    common: Common,
}

/// Those that ours are to be ahead of.
const PEERS: [&str; 5] = [PAR_BRIDGE, PARITER, ORX, CHUNKS_1024, CHUNKS_16384];

/// How long the serial loop is to take, in nanoseconds.
const SERIAL_TIME: u64 = 200_000_000;

/// Rounds, unless another number is asked for.
const ROUNDS: usize = 9;

fn run(name: &str, threads: usize, records: u64, units: u64) -> Tally {
    pipelines::run(name, threads, source(records), move |customer| {
        score(customer, units)
    })
}

/// One sample, in nanoseconds a record, and what came out.
fn sample(task: &[&str], threads: usize) -> io::Result<()> {
    let [name, records, units] = task else {
        panic!("a task has three words, not {task:?}");
    };
    let name = ALL[number::<usize>(name)];
    let (records, units) = (number(records), number(units));
    run(name, threads, records / 4, units);
    let clock = Clock::system();
    let (start, used) = (clock.now(), ProcessTime::now());
    let tally = run(name, threads, records, units);
    let nanos = (clock.now() - start).as_nanos() as f64 / records as f64;
    let processor = used.elapsed().as_nanos() as f64 / records as f64;
    answer(&[&nanos, &processor, &tally.count, &tally.sum, &tally.ordered])
}

/// What is asked of a weight of work.
fn judge(verdicts: &mut Verdicts, weight: u64, figures: &[Figures], ideal: &Figures) {
    for name in [RUN, JOB] {
        let own = of(figures, name);
        if weight >= 300 {
            let what = format!("{weight} ns, {name}: share of the ideal");
            verdicts.judge(what, 0.95.., ratio(ideal, own));
        }
        let what = format!("{weight} ns, {name}: times the serial loop");
        verdicts.judge(what, ..=1.05, ratio(own, of(figures, SERIAL)));
        let of_peers = PEERS.map(|peer| (peer, ratio(own, of(figures, peer))));
        let (best, times) = of_peers
            .into_iter()
            .max_by(|(_, one), (_, other)| one.total_cmp(other))
            .expect("there are peers");
        let what = format!("{weight} ns, {name}: times the best peer, {best}");
        if weight <= 1_000 {
            verdicts.judge(what, ..1.0, times);
        } else {
            verdicts.judge(what, ..=1.01, times);
        }
    }
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let apart = &arguments.apart;
    if let Some(task) = apart.task() {
        return sample(&task, apart.threads);
    }
    let is_test = arguments.common.is_test();
    let rounds = apart.rounds(is_test, ROUNDS);
    let per_microsecond = units_of_a_microsecond();
    let mut out = io::stdout().lock();
    let mut verdicts = Verdicts::default();
    writeln!(
        out,
        "ns of a record, median and quartiles of {rounds} rounds; {} threads; a unit of work takes {:.2} ns",
        apart.threads,
        1e3 / per_microsecond
    )?;
    for &weight in &arguments.weights {
        let units = (weight as f64 / 1e3 * per_microsecond).round().max(1.0) as u64;
        let usual = SERIAL_TIME / (30 + weight);
        let records = if is_test { usual / 100 } else { usual }.max(100);
        let expected = run(SERIAL, apart.threads, records, units);
        let processor = [const { Cell::new(f64::INFINITY) }; ALL.len()];
        let mut contenders: Vec<_> = ALL
            .iter()
            .zip(&processor)
            .enumerate()
            .map(|(index, (&name, processor))| {
                Contender::new(name, SERIAL, move |_| {
                    let answer = apart.run(&[&index, &records, &units]);
                    let found = Tally {
                        count: number(&answer[2]),
                        sum: number(&answer[3]),
                        ordered: number(&answer[4]),
                    };
                    check(name, found, expected);
                    processor.set(processor.get().min(number(&answer[1])));
                    number(&answer[0])
                })
            })
            .collect();
        let mut figures = in_turn(&mut contenders, rounds);
        let ideal = pipelines::ideal(&figures, apart.threads);
        judge(&mut verdicts, weight, &figures, &ideal);
        writeln!(
            out,
            "\n## {weight} ns of work, {records} records, {units} units; the ideal is {:.1} ns\n\n\
             | | ns | quartiles | least | processor | times ideal | times serial | `run` times this |\n|---|---:|---|---:|---:|---:|---:|---:|",
            ideal.median()
        )?;
        figures.insert(2, ideal);
        let (ideal, own) = (of(&figures, "ideal"), of(&figures, RUN));
        // The least of the rounds; there is none of the ideal.
        let used = |name| {
            let index = ALL.iter().position(|&known| known == name);
            index.map_or_else(String::new, |index| {
                format!("{:.1}", processor[index].get())
            })
        };
        for one in &figures {
            writeln!(
                out,
                "| {} | {:.1} | {:.1} | {} | {:.3} | {:.3} | {:.3} |",
                one.name,
                one.compare(one, |own, _| own),
                least(one),
                used(one.name),
                ratio(one, ideal),
                ratio(one, of(&figures, one.against)),
                ratio(own, one),
            )?;
        }
    }
    verdicts.write(&mut out, is_test)
}
