//! What does the exposition of a thousand histograms cost, and what does it cost those who record meanwhile?
//!
//! Every histogram is filled with the times of a service first. Then two threads record as fast as they can, alone and, in the
//! same round, while a third exposes everything again and again without a pause, which is the worst that scrapers can do. On two
//! processors a third thread takes processor time away, however little it disturbs; so a figure of recording is the processor's
//! time of one record, as the recording threads' own clocks have it, and the throughput by the clock on the wall stands beside it.
//!
//! `spread` records into all histograms, whichever comes: most of what it touches is in no cache. `hot` records into four of them.
//! After each round, the counts in the text add up to the number of records to the unit, and the sum of ours is that of the times.

use std::cell::RefCell;
use std::hint::black_box;
use std::io::{self, Write};
use std::mem;
use std::rc::Rc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use clap::Parser;
use cpu_time::ThreadTime;
use crm_clock::Clock;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

mod exposers;
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod buckets;
    pub(crate) mod response_times;
    pub(crate) mod rounds;
    pub(crate) mod verdicts;
}

use exposers::{CrmMonitor, Exposer, Prometheus, PrometheusClient};
use support::arguments::Common;
use support::response_times;
use support::rounds::{Contender, Figures, Spread, in_turn, of};
use support::verdicts::Verdicts;

#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds that count; one before them warms up.
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// Histograms.
    #[arg(long, default_value_t = 1_000)]
    histograms: usize,
    /// How long the threads record in each half of a round when they are left alone, in milliseconds.
    #[arg(long, default_value_t = 400.0)]
    millis: f64,
    #[command(flatten)]
    common: Common,
}

/// Threads that record.
const THREADS: usize = 2;

/// How much there is of it.
#[derive(Clone, Copy)]
struct Scale {
    histograms: usize,
    /// Times in each histogram before anything is measured.
    fill: usize,
    /// Records after which a thread begins again with its first.
    steps: usize,
    millis: f64,
    rounds: usize,
}

/// A registry, and what has been recorded into it.
struct Subject<E: Exposer> {
    exposer: E,
    /// What each thread records, and into which histogram.
    steps: Vec<Vec<(usize, E::Time)>>,
    /// How often a thread goes through its steps in half a round.
    passes: usize,
    count_of_pass: u64,
    sum_of_pass: u128,
    count: u64,
    sum: u128,
    text: String,
}

/// One exposition, or the median of several, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Exposition {
    cpu: f64,
    wall: f64,
}

/// One record on one thread, in nanoseconds, with the expositions meanwhile.
#[derive(Debug)]
struct Half {
    cpu: f64,
    wall: f64,
    expositions: Vec<Exposition>,
}

/// What was found in a round.
#[derive(Debug)]
struct Round {
    /// Recording alone.
    quiet: Half,
    /// Recording while everything is exposed.
    busy: Half,
    /// Exposition while nobody records.
    alone: Exposition,
    bytes: usize,
}

impl<E: Exposer> Subject<E> {
    /// Fills all histograms, and is going to record into the first `used` of them.
    fn new(scale: Scale, used: usize) -> Self {
        let exposer = E::new(scale.histograms);
        let (mut count, mut sum) = (0, 0);
        for index in 0..scale.histograms {
            for nanos in response_times::service(scale.fill, index as u64) {
                exposer.record(index, E::time(nanos));
                count += 1;
                sum += u128::from(nanos);
            }
        }
        let mut sum_of_pass = 0;
        let steps = (0..THREADS as u64)
            .map(|thread| {
                let mut chance = Xoshiro256PlusPlus::seed_from_u64(thread);
                let step = |nanos| {
                    sum_of_pass += u128::from(nanos);
                    (chance.random_range(0..used), E::time(nanos))
                };
                // Other seeds than those of the histograms.
                let times = response_times::service(scale.steps, u64::MAX - thread);
                times.into_iter().map(step).collect()
            })
            .collect();
        Self {
            exposer,
            steps,
            passes: 1,
            count_of_pass: (THREADS * scale.steps) as u64,
            sum_of_pass,
            count,
            sum,
            text: String::new(),
        }
    }

    /// Both halves of a round, in an order that changes from round to round.
    fn round(&mut self, scale: Scale, number: usize) -> Round {
        if number == 0 {
            // The threads' parts of the histograms are made here, and how long a pass takes becomes known.
            self.half(false);
            let pass = self.half(false).wall * scale.steps as f64 / 1e6;
            self.passes = (scale.millis / pass).ceil().clamp(1.0, 1e6) as usize;
        }
        let first = self.half(!number.is_multiple_of(2));
        let second = self.half(number.is_multiple_of(2));
        let (quiet, busy) = if number.is_multiple_of(2) {
            (first, second)
        } else {
            (second, first)
        };
        Round {
            quiet,
            busy,
            alone: self.exposed(),
            bytes: self.text.len(),
        }
    }

    /// Records on all threads, and exposes meanwhile if asked for.
    fn half(&mut self, exposing: bool) -> Half {
        let mut text = mem::take(&mut self.text);
        let (exposer, passes) = (&self.exposer, self.passes);
        let barrier = Barrier::new(THREADS + 1);
        let recording = AtomicUsize::new(THREADS);
        let mut expositions = Vec::new();
        let spent: Vec<(Duration, Duration)> = thread::scope(|scope| {
            let threads: Vec<_> = self
                .steps
                .iter()
                .map(|steps| {
                    let (barrier, recording) = (&barrier, &recording);
                    scope.spawn(move || {
                        barrier.wait();
                        let (cpu, clock) = (ThreadTime::now(), Clock::system());
                        let wall = clock.now();
                        for _ in 0..passes {
                            for &(index, time) in steps {
                                black_box(exposer).record(index, time);
                            }
                        }
                        let spent = (cpu.elapsed(), clock.now() - wall);
                        recording.fetch_sub(1, Ordering::Release);
                        spent
                    })
                })
                .collect();
            barrier.wait();
            if exposing {
                expositions.push(expose(exposer, &mut text));
                // When one of the threads has ended, the other one has a processor for itself.
                while recording.load(Ordering::Acquire) == THREADS {
                    expositions.push(expose(exposer, &mut text));
                }
            }
            threads
                .into_iter()
                .map(|thread| thread.join().expect("recording does not panic"))
                .collect()
        });
        self.text = text;
        self.count += passes as u64 * self.count_of_pass;
        self.sum += passes as u128 * self.sum_of_pass;
        let records = passes as f64 * self.count_of_pass as f64;
        let of_one = |spent: f64| spent * 1e9 / records;
        Half {
            cpu: of_one(spent.iter().map(|(cpu, _)| cpu.as_secs_f64()).sum()),
            wall: of_one(spent.iter().map(|(_, wall)| wall.as_secs_f64()).sum()),
            expositions,
        }
    }

    /// Exposes everything while nobody records, and looks whether nothing is lost.
    fn exposed(&mut self) -> Exposition {
        let exposition = expose(&self.exposer, &mut self.text);
        assert_eq!(counted(&self.text), self.count, "{}: the count", E::NAME);
        if let Some(sum) = self.exposer.sum() {
            assert_eq!(sum, self.sum, "{}: the sum", E::NAME);
        }
        exposition
    }
}

/// Writes everything, which takes so many milliseconds.
fn expose<E: Exposer>(exposer: &E, text: &mut String) -> Exposition {
    text.clear();
    let (cpu, clock) = (ThreadTime::now(), Clock::system());
    let wall = clock.now();
    exposer.expose(text);
    black_box(&text);
    Exposition {
        cpu: cpu.elapsed().as_secs_f64() * 1e3,
        wall: (clock.now() - wall).as_secs_f64() * 1e3,
    }
}

/// The counts of all histograms in a text.
fn counted(text: &str) -> u64 {
    let counts = text.lines().filter_map(|line| {
        let labels = line.strip_prefix("http_response_time_seconds_count{")?;
        Some(labels.rsplit_once("} ")?.1)
    });
    counts
        .map(|count| count.parse::<u64>().expect("a count is a whole number"))
        .sum()
}

fn contender<'a, E: Exposer + 'a>(
    scale: Scale,
    used: usize,
    rounds: &Rc<RefCell<Vec<Round>>>,
) -> Contender<'a> {
    let mut subject = Subject::<E>::new(scale, used);
    let rounds = Rc::clone(rounds);
    Contender::new(E::NAME, REFERENCE, move |number| {
        let round = subject.round(scale, number);
        let alone = round.alone.cpu;
        if number > 0 {
            rounds.borrow_mut().push(round);
        }
        alone
    })
}

const OURS: &str = CrmMonitor::NAME;
const REFERENCE: &str = Prometheus::NAME;

fn spread(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> Spread {
    let figures = Figures {
        name: "",
        against: "",
        rounds: rounds.iter().map(figure).collect(),
    };
    figures.compare(&figures, |own, _| own)
}

/// The median over all expositions that began while two threads recorded.
fn meanwhile(rounds: &[Round], figure: impl Fn(&Exposition) -> f64) -> f64 {
    let expositions = rounds.iter().flat_map(|round| &round.busy.expositions);
    let figures = Figures {
        name: "",
        against: "",
        rounds: expositions.map(figure).collect(),
    };
    figures.median()
}

fn measure(
    name: &str,
    scale: Scale,
    used: usize,
    verdicts: &mut Verdicts,
    out: &mut impl Write,
) -> io::Result<()> {
    let all: [Rc<RefCell<Vec<Round>>>; 3] = Default::default();
    let mut contenders = [
        contender::<CrmMonitor>(scale, used, &all[0]),
        contender::<Prometheus>(scale, used, &all[1]),
        contender::<PrometheusClient>(scale, used, &all[2]),
    ];
    let figures = in_turn(&mut contenders, scale.rounds);

    writeln!(
        out,
        "\n## {name}\n\n\
         | | record, processor ns | with exposition | times as slow | quartiles | times as slow by the wall | expositions meanwhile |\n\
         |---|---:|---:|---:|---|---:|---:|"
    )?;
    for (one, rounds) in figures.iter().zip(&all) {
        let rounds = &*rounds.borrow();
        let slower = spread(rounds, |round| round.busy.cpu / round.quiet.cpu);
        writeln!(
            out,
            "| {} | {:.2} | {:.2} | {slower:.3} | {:.2} | {} |",
            one.name,
            spread(rounds, |round| round.quiet.cpu).median,
            spread(rounds, |round| round.busy.cpu).median,
            spread(rounds, |round| round.busy.wall / round.quiet.wall).median,
            rounds
                .iter()
                .map(|round| round.busy.expositions.len())
                .sum::<usize>(),
        )?;
        if one.name == OURS {
            verdicts.judge(
                format!("{name}: a record's slowdown"),
                ..=1.10,
                slower.median,
            );
        }
    }
    writeln!(
        out,
        "\n| exposition, ms | alone, processor | quartiles | to prometheus | alone, wall | meanwhile, processor | meanwhile, wall | bytes |\n\
         |---|---:|---|---:|---:|---:|---:|---:|"
    )?;
    for (one, rounds) in figures.iter().zip(&all) {
        let rounds = &*rounds.borrow();
        let wall = spread(rounds, |round| round.alone.wall).median;
        let (cpu_meanwhile, wall_meanwhile) = (
            meanwhile(rounds, |exposition| exposition.cpu),
            meanwhile(rounds, |exposition| exposition.wall),
        );
        writeln!(
            out,
            "| {} | {:.2} | {:.2} | {wall:.2} | {cpu_meanwhile:.2} | {wall_meanwhile:.2} | {} |",
            one.name,
            one.compare(one, |own, _| own),
            one.compare(of(&figures, one.against), |own, other| own / other)
                .median,
            rounds.last().map_or(0, |round| round.bytes),
        )?;
        if one.name == OURS {
            for (what, found) in [
                ("wall ms alone", wall),
                ("processor ms meanwhile", cpu_meanwhile),
                ("wall ms meanwhile", wall_meanwhile),
            ] {
                verdicts.judge(format!("{name}: exposition, {what}"), ..50.0, found);
            }
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let is_test = arguments.common.is_test();
    let scale = if is_test {
        Scale {
            histograms: 20,
            fill: 10,
            steps: 1_000,
            millis: 0.1,
            rounds: 1,
        }
    } else {
        Scale {
            histograms: arguments.histograms,
            fill: 5_000,
            steps: 1 << 17,
            millis: arguments.millis,
            rounds: arguments.rounds.max(1),
        }
    };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} histograms, two threads that record; medians of {} rounds",
        scale.histograms, scale.rounds
    )?;
    let mut verdicts = Verdicts::default();
    measure("spread", scale, scale.histograms, &mut verdicts, &mut out)?;
    measure("hot", scale, 4, &mut verdicts, &mut out)?;
    verdicts.write(&mut out, is_test)
}
