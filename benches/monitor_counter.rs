//! What does it cost to count an event, next to counters of other crates?
//!
//! All threads count with one counter. In a round all counters, at one and at two threads, take turns in an order drawn anew; a
//! figure is the nanoseconds of one event on one thread, from the first thread's start to the last one's end, the loop included.
//! It is the median of the rounds, and a ratio the median of the ratios within a round. In the end each counter has to tell the
//! number of events to the unit.

use std::hint::black_box;
use std::io::{self, Write};

use clap::Parser;

mod counters;
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod metrics_registry;
    pub(crate) mod otel_reader;
    pub(crate) mod rounds;
    pub(crate) mod together;
    pub(crate) mod verdicts;
}

use counters::{
    Count, CrmCounter, CrmGauge, CrmInFlight, Metrics, Nothing, OpenTelemetry, OpenTelemetryBound,
    Prometheus, PrometheusClient, PrometheusFloat, PrometheusGauge, SharedAtomic,
};
use support::arguments::Common;
use support::rounds::{Contender, Figures, in_turn, of};
use support::together;
use support::verdicts::Verdicts;

#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds that count; one before them warms up.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Events of each thread in a round.
    #[arg(long, default_value_t = 5_000_000)]
    events: u64,
    #[command(flatten)]
    common: Common,
}

const OURS: &str = CrmCounter::NAME;
const REFERENCE: &str = SharedAtomic::NAME;
/// What has to be slower than ours.
const BEHIND: [&str; 7] = [
    SharedAtomic::NAME,
    Prometheus::NAME,
    PrometheusFloat::NAME,
    PrometheusClient::NAME,
    Metrics::NAME,
    OpenTelemetry::NAME,
    OpenTelemetryBound::NAME,
];

fn contender<'a, C: Count + 'a>(threads: usize, events: u64) -> Contender<'a> {
    let counter = C::new();
    let mut counted = 0;
    Contender::new(C::NAME, REFERENCE, move |_| {
        let elapsed = together::time(threads, |_| {
            for _ in 0..events {
                // Nothing that counting looks up is kept from one event to the next, as it is not between two requests.
                black_box(&counter).count();
            }
        });
        counted += threads as u64 * events;
        assert!(
            counter.is_right(counted),
            "{}, threads: {threads}: not {counted}",
            C::NAME
        );
        elapsed.as_secs_f64() * 1e9 / events as f64
    })
}

/// All counters at so many threads.
fn at<'a>(threads: usize, events: u64) -> [Contender<'a>; 12] {
    [
        contender::<CrmCounter>(threads, events),
        contender::<SharedAtomic>(threads, events),
        contender::<Prometheus>(threads, events),
        contender::<PrometheusFloat>(threads, events),
        contender::<PrometheusClient>(threads, events),
        contender::<Metrics>(threads, events),
        contender::<OpenTelemetry>(threads, events),
        contender::<OpenTelemetryBound>(threads, events),
        contender::<CrmGauge>(threads, events),
        contender::<PrometheusGauge>(threads, events),
        contender::<CrmInFlight>(threads, events),
        contender::<Nothing>(threads, events),
    ]
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let is_test = arguments.common.is_test();
    let (rounds, events) = if is_test {
        (1, 1_000)
    } else {
        (arguments.rounds.max(1), arguments.events)
    };
    let mut contenders: Vec<_> = at(1, events).into_iter().chain(at(2, events)).collect();
    let mut at_one = in_turn(&mut contenders, rounds);
    let at_two = at_one.split_off(at_one.len() / 2);

    let mut out = io::stdout().lock();
    writeln!(
        out,
        "nanoseconds of one event on one thread, median and quartiles of {rounds} rounds of {events} events\n\n\
         | | 1 thread, ns | quartiles | to one AtomicU64 | 2 threads, ns | quartiles | to one AtomicU64 |\n\
         |---|---:|---|---:|---:|---|---:|"
    )?;
    let ratio = |own: &Figures, all: &[Figures], other: &str| {
        own.compare(of(all, other), |own, other| own / other).median
    };
    for (one, two) in at_one.iter().zip(&at_two) {
        writeln!(
            out,
            "| {} | {:.2} | {:.2} | {:.2} | {:.2} |",
            one.name,
            one.compare(one, |own, _| own),
            ratio(one, &at_one, one.against),
            two.compare(two, |own, _| own),
            ratio(two, &at_two, two.against),
        )?;
    }

    let mut verdicts = Verdicts::default();
    let found = of(&at_two, OURS).median();
    verdicts.judge("ours, ns, threads: 2", ..=1.5, found);
    for peer in BEHIND {
        for (threads, all) in [(1, &at_one), (2, &at_two)] {
            let found = ratio(of(all, OURS), all, peer);
            verdicts.judge(format!("ours to {peer}, threads: {threads}"), ..1.0, found);
        }
    }
    verdicts.write(&mut out, is_test)
}
