//! What does it cost to record a response time, next to recorders of other crates?
//!
//! All threads record into one histogram. Times come in three ways: `even` over the magnitudes from 1 us to 50 s, `service`
//! like those of a real one, and `one time` that is always the same, so that all threads want one bucket. In a round all
//! recorders, at one and at two threads, take turns in an order drawn anew; a figure is the nanoseconds of one record on one
//! thread, from the first thread's start to the last one's end, the loop included. It is the median of the rounds, and a
//! ratio the median of the ratios within a round. Where two processors are threads of one core, even two loops that share nothing
//! slow each other down: the last row, and the one with a histogram for each thread, say how much.
//!
//! `count` and `sum` say what a recorder knows in the end of all that was recorded: `exact`, `-` when it keeps none, or how far
//! it is off: a sum of seconds in floating point, which is never exact but by chance, by its relative error.

use std::hint::black_box;
use std::io::{self, Write};
use std::rc::Rc;

use clap::Parser;

mod recorders;
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod buckets;
    pub(crate) mod even_times;
    pub(crate) mod metrics_registry;
    pub(crate) mod otel_reader;
    pub(crate) mod response_times;
    pub(crate) mod rounds;
    pub(crate) mod together;
    pub(crate) mod verdicts;
}

use recorders::{
    CrmApart, CrmHistogram, DdSketchMutex, H2, HdrMutex, Kept, MetricsBucket, MetricsHandle,
    Nothing, OpenTelemetry, OpenTelemetryBound, Prometheus, PrometheusClient,
    PrometheusClientNative, Recorder, SharedAdd, Sum,
};
use support::arguments::Common;
use support::rounds::{Contender, Figures, in_turn, of};
use support::verdicts::Verdicts;
use support::{even_times, response_times, together};

#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds that count; one before them warms up.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Records of each thread in a round.
    #[arg(long, default_value_t = 2_000_000)]
    records: usize,
    /// Only times with this in their name.
    #[arg(long, default_value = "")]
    times: String,
    #[command(flatten)]
    common: Common,
}

/// How many different times there are.
const DIFFERENT: usize = 1 << 16;

const OURS: &str = CrmHistogram::NAME;
const REFERENCE: &str = H2::NAME;
/// What has to be slower than ours.
const BEHIND: [&str; 8] = [
    HdrMutex::NAME,
    Prometheus::NAME,
    PrometheusClient::NAME,
    PrometheusClientNative::NAME,
    MetricsBucket::NAME,
    MetricsHandle::NAME,
    OpenTelemetry::NAME,
    OpenTelemetryBound::NAME,
];

/// How much is recorded in a round, and what it makes together.
#[derive(Clone, Copy)]
struct Load {
    passes: usize,
    rounds: usize,
    /// Of all times, once.
    sum: u128,
    length: usize,
}

impl Load {
    /// The records of one thread in one round.
    fn records(self) -> usize {
        self.passes * self.length
    }

    /// How many passes some threads have made when all is over.
    fn passes_of(self, threads: usize) -> usize {
        threads * self.passes * (self.rounds + 1)
    }
}

/// A recorder at one number of threads.
struct Row<'a> {
    contender: Contender<'a>,
    kept: Box<dyn Fn() -> Kept + 'a>,
    threads: usize,
}

fn row<'a, R: Recorder + 'a>(threads: usize, load: Load, nanos: &[u64]) -> Row<'a> {
    let recorder = Rc::new(R::new());
    let times: Vec<R::Time> = nanos.iter().copied().map(R::time).collect();
    let recorded = Rc::clone(&recorder);
    let contender = Contender::new(R::NAME, REFERENCE, move |_| {
        let recorder = &*recorder;
        let elapsed = together::time(threads, |thread| {
            let recorder = recorder.of_thread(thread);
            // Threads are at different times, unless there is but one.
            let (after, before) = times.split_at(thread * times.len() / threads);
            for _ in 0..load.passes {
                for &time in before.iter().chain(after) {
                    // Nothing that recording looks up is kept from one time to the next, as it is not between two requests.
                    black_box(recorder).record(time);
                }
            }
        });
        recorder.settle();
        elapsed.as_secs_f64() * 1e9 / load.records() as f64
    });
    Row {
        contender,
        kept: Box::new(move || recorded.kept()),
        threads,
    }
}

/// A recorder at one thread, and at two.
fn pair<'a, R: Recorder + 'a>(load: Load, nanos: &[u64]) -> [Row<'a>; 2] {
    [1, 2].map(|threads| row::<R>(threads, load, nanos))
}

/// Whether what is kept is what was recorded: in words, the count and the sum.
fn exactness(kept: Kept, passes: usize, load: Load) -> [String; 2] {
    let count = (passes * load.length) as u64;
    let sum = passes as u128 * load.sum;
    let counted = kept.count.map(|kept| i128::from(kept) - i128::from(count));
    let count = match counted {
        None => "-".into(),
        Some(0) => "exact".into(),
        Some(off) => format!("{off:+}"),
    };
    let sum = match kept.sum {
        None => "-".into(),
        Some(Sum::Nanos(kept)) if kept == sum => "exact".into(),
        Some(Sum::Nanos(kept)) => format!("{kept} of {sum}"),
        Some(Sum::Seconds(kept)) => {
            let true_sum = sum as f64 / 1e9;
            format!("to {:.0e}", ((kept - true_sum) / true_sum).abs())
        }
    };
    [count, sum]
}

fn measure(
    name: &str,
    nanos: &[u64],
    arguments: &Arguments,
    verdicts: &mut Verdicts,
    out: &mut impl Write,
) -> io::Result<()> {
    let is_test = arguments.common.is_test();
    let load = Load {
        passes: (arguments.records / nanos.len()).max(1),
        rounds: if is_test { 1 } else { arguments.rounds.max(1) },
        sum: nanos.iter().copied().map(u128::from).sum(),
        length: nanos.len(),
    };
    let rows = [
        pair::<CrmHistogram>(load, nanos),
        pair::<CrmApart>(load, nanos),
        pair::<H2>(load, nanos),
        pair::<HdrMutex>(load, nanos),
        pair::<Prometheus>(load, nanos),
        pair::<PrometheusClient>(load, nanos),
        pair::<PrometheusClientNative>(load, nanos),
        pair::<MetricsBucket>(load, nanos),
        pair::<MetricsHandle>(load, nanos),
        pair::<OpenTelemetry>(load, nanos),
        pair::<OpenTelemetryBound>(load, nanos),
        pair::<DdSketchMutex>(load, nanos),
        pair::<SharedAdd>(load, nanos),
        pair::<Nothing>(load, nanos),
    ];
    let (mut contenders, kept): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .flatten()
        .map(|row| (row.contender, (row.threads, row.kept)))
        .unzip();
    let figures = in_turn(&mut contenders, load.rounds);

    writeln!(
        out,
        "\n## {name}\n\n\
         | | 1 thread, ns | quartiles | to `histogram` | 2 threads, ns | to `histogram` | to 1 thread | count | sum |\n\
         |---|---:|---|---:|---:|---:|---:|---|---|"
    )?;
    let ratio = |own: &Figures, other: &Figures| own.compare(other, |own, other| own / other);
    let (mut at_one, mut at_two) = (Vec::new(), Vec::new());
    for (figures, (threads, _)) in figures.into_iter().zip(&kept) {
        match threads {
            1 => at_one.push(figures),
            _ => at_two.push(figures),
        }
    }
    let known: Vec<_> = kept
        .iter()
        .map(|(threads, kept)| exactness(kept(), load.passes_of(*threads), load))
        .collect();
    for ((one, two), known) in at_one.iter().zip(&at_two).zip(known.chunks_exact(2)) {
        let own = one.compare(one, |own, _| own);
        writeln!(
            out,
            "| {} | {own:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {} | {} |",
            one.name,
            ratio(one, of(&at_one, one.against)).median,
            two.median(),
            ratio(two, of(&at_two, two.against)).median,
            ratio(two, one).median,
            both(&known[0][0], &known[1][0]),
            both(&known[0][1], &known[1][1]),
        )?;
    }

    for known in &known[..4] {
        assert_eq!(known, &["exact", "exact"], "{name}: {OURS}");
    }
    let [one, two] = [of(&at_one, OURS), of(&at_two, OURS)];
    let found = ratio(one, of(&at_one, REFERENCE)).median;
    verdicts.judge(
        format!("{name}: ours to {REFERENCE}, threads: 1"),
        ..=1.2,
        found,
    );
    // Two figures that are one in truth lie within five of a hundred of each other.
    let found = ratio(two, one).median;
    verdicts.judge(format!("{name}: ours at 2 threads to 1"), ..=1.05, found);
    for peer in BEHIND {
        for (threads, ours, all) in [(1, one, &at_one), (2, two, &at_two)] {
            let what = format!("{name}: ours to {peer}, threads: {threads}");
            verdicts.judge(what, ..1.0, ratio(ours, of(all, peer)).median);
        }
    }
    Ok(())
}

/// What was found at one thread and at two, in one word when it is one.
fn both(one: &str, two: &str) -> String {
    if one == two {
        one.into()
    } else {
        format!("{one}, {two}")
    }
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let different = if arguments.common.is_test() {
        1_000
    } else {
        DIFFERENT
    };
    let arguments = if arguments.common.is_test() {
        Arguments {
            records: 2 * different,
            ..arguments
        }
    } else {
        arguments
    };
    let times = [
        ("even", even_times::even(different, 1)),
        ("service", response_times::service(different, 2)),
        ("one time", vec![1_000_000; different]),
    ];
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "nanoseconds of one record on one thread, median and quartiles of {} rounds",
        arguments.rounds
    )?;
    let mut verdicts = Verdicts::default();
    for (name, nanos) in &times {
        if name.contains(&arguments.times) {
            measure(name, nanos, &arguments, &mut verdicts, &mut out)?;
        }
    }
    verdicts.write(&mut out, arguments.common.is_test())
}
