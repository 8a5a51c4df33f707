//! What becomes of a run when one record in a hundred costs a thousand times more?
//!
//! Of 20,000 records, two hundred take a millisecond each and the others a microsecond. The dear ones are scattered, or stand
//! in two runs of a hundred: amid the others, or each as the last of ten thousand, so that the input ends with one. Chunks that
//! were sized by cheap records then hold a hundred dear ones, and only who divides such a chunk shares them out.
//!
//! Each sample is taken in a process of its own. The ideal is the time of the serial loop divided by the threads.

use std::io::{self, Write};

use clap::Parser;
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
use support::pipelines::{self, ALL, JOB, RUN, SERIAL, SOURCE, Tally, check, least, ratio};
use support::rounds::{Contender, in_turn, of};
use support::verdicts::Verdicts;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    apart: Apart,
    #[command(flatten)]
    common: Common,
}

const RECORDS: u64 = 20_000;

/// Rounds, unless another number is asked for.
const ROUNDS: usize = 15;

/// Where the dear records stand.
#[derive(Clone, Copy)]
struct Place {
    name: &'static str,
    is_dear: fn(u64) -> bool,
}

const PLACES: [Place; 3] = [
    Place {
        name: "scattered",
        // A product that mixes, so that gaps are of all lengths.
        is_dear: |id| (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % 100 == 7,
    },
    Place {
        name: "in runs of a hundred",
        is_dear: |id| (4_000..4_100).contains(&(id % 10_000)),
    },
    Place {
        name: "in runs of a hundred, one of them at the end",
        is_dear: |id| id % 10_000 >= 9_900,
    },
];

fn run(name: &str, threads: usize, records: u64, units: u64, place: Place) -> Tally {
    pipelines::run(name, threads, source(records), move |customer| {
        let times = if (place.is_dear)(customer.id) {
            1_000
        } else {
            1
        };
        score(customer, units * times)
    })
}

/// One sample, in nanoseconds a record, and what came out.
fn sample(task: &[&str], threads: usize) -> io::Result<()> {
    let [name, place, records, units] = task else {
        panic!("a task has four words, not {task:?}");
    };
    let name = ALL[number::<usize>(name)];
    let place = PLACES[number::<usize>(place)];
    let (records, units) = (number(records), number(units));
    run(name, threads, records / 4, units, place);
    let clock = Clock::system();
    let start = clock.now();
    let tally = run(name, threads, records, units, place);
    let nanos = (clock.now() - start).as_nanos() as f64 / records as f64;
    answer(&[&nanos, &tally.count, &tally.sum, &tally.ordered])
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let apart = &arguments.apart;
    if let Some(task) = apart.task() {
        return sample(&task, apart.threads);
    }
    let is_test = arguments.common.is_test();
    let rounds = apart.rounds(is_test, ROUNDS);
    let units = units_of_a_microsecond().round() as u64;
    let units = if is_test { 1 } else { units };
    let mut out = io::stdout().lock();
    let mut verdicts = Verdicts::default();
    writeln!(
        out,
        "us of a record, median and quartiles of {rounds} rounds; {RECORDS} records; {} threads",
        apart.threads
    )?;
    for (index, place) in PLACES.iter().enumerate() {
        let expected = run(SERIAL, apart.threads, RECORDS, units, *place);
        let dear = (0..RECORDS).filter(|&id| (place.is_dear)(id)).count();
        let mut contenders: Vec<_> = ALL
            .iter()
            .enumerate()
            .map(|(name, &pipeline)| {
                Contender::new(pipeline, SERIAL, move |_| {
                    let answer = apart.run(&[&name, &index, &RECORDS, &units]);
                    let found = Tally {
                        count: number(&answer[1]),
                        sum: number(&answer[2]),
                        ordered: number(&answer[3]),
                    };
                    check(pipeline, found, expected);
                    number::<f64>(&answer[0]) / 1e3
                })
            })
            .collect();
        let mut figures = in_turn(&mut contenders, rounds);
        let ideal = pipelines::ideal(&figures, apart.threads);
        writeln!(
            out,
            "\n## {dear} dear records, {}; the ideal is {:.2} us\n\n\
             | | us | quartiles | least | times ideal | times serial | `run` times this |\n|---|---:|---|---:|---:|---:|---:|",
            place.name,
            ideal.median()
        )?;
        figures.retain(|one| one.name != SOURCE);
        figures.insert(1, ideal);
        let ideal = of(&figures, "ideal");
        for one in &figures {
            writeln!(
                out,
                "| {} | {:.2} | {:.2} | {:.3} | {:.3} | {:.3} |",
                one.name,
                one.compare(one, |own, _| own),
                least(one),
                ratio(one, ideal),
                ratio(one, of(&figures, one.against)),
                ratio(of(&figures, RUN), one),
            )?;
        }
        for name in [RUN, JOB] {
            verdicts.judge(
                format!("{}, {name}: times the ideal", place.name),
                ..=1.1,
                ratio(of(&figures, name), ideal),
            );
        }
    }
    verdicts.write(&mut out, is_test)
}
