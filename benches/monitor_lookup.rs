//! What does it cost to find a counter by the values of two labels and to count with it, next to other crates?
//!
//! `one` asks for the same values each time, `many` for any of a hundred: twenty routes, five statuses. All threads ask one
//! family. In a round everybody, at one and at two threads, takes turns in an order drawn anew; a figure is the nanoseconds of one
//! lookup and one event on one thread, the loop included: the median of the rounds, and a ratio the median of the ratios within a
//! round. In the end each series has to hold its events to the unit.

use std::hint::black_box;
use std::io::{self, Write};

use clap::Parser;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

mod lookups;
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod metrics_registry;
    pub(crate) mod otel_reader;
    pub(crate) mod rounds;
    pub(crate) mod together;
    pub(crate) mod verdicts;
}

use lookups::{
    CrmFamily, Kept, Lookup, Metrics, OpenTelemetry, Prometheus, PrometheusClient, Values,
};
use support::arguments::Common;
use support::rounds::{Contender, Figures, in_turn, of};
use support::together;
use support::verdicts::Verdicts;

#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds that count; one before them warms up.
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// Lookups of each thread in a round.
    #[arg(long, default_value_t = 1_000_000)]
    lookups: usize,
    #[command(flatten)]
    common: Common,
}

const ROUTES: [&str; 20] = [
    "/",
    "/customers",
    "/customers/{id}",
    "/customers/{id}/addresses",
    "/customers/{id}/contacts",
    "/customers/{id}/notes",
    "/customers/{id}/orders",
    "/customers/{id}/orders/{order}",
    "/customers/{id}/orders/{order}/lines",
    "/customers/search",
    "/health",
    "/login",
    "/logout",
    "/metrics",
    "/orders",
    "/orders/{id}",
    "/products",
    "/products/{id}",
    "/reports/daily",
    "/reports/monthly",
];

const STATUSES: [&str; 5] = ["200", "304", "400", "404", "500"];

const OURS: &str = CrmFamily::NAME;
/// What has to be slower than ours.
const BEHIND: [&str; 4] = [
    Prometheus::NAME,
    PrometheusClient::NAME,
    Metrics::NAME,
    OpenTelemetry::NAME,
];

fn contender<'a, L: Lookup + 'a>(
    threads: usize,
    passes: usize,
    values: &'a [Values],
) -> Contender<'a> {
    let family = L::new();
    let same = |one: &&Values| !L::TOLD_APART || **one == values[0];
    let expected = (values.iter().filter(same).count() * passes * threads) as u64;
    Contender::new(L::NAME, OURS, move |_| {
        let before = family.counted(values[0]);
        let elapsed = together::time(threads, |thread| {
            let (after, before) = values.split_at(thread * values.len() / threads);
            for _ in 0..passes {
                for &values in before.iter().chain(after) {
                    black_box(&family).count(values);
                }
            }
        });
        let events = family.counted(values[0]) - before;
        assert_eq!(events, expected, "{}, threads: {threads}", L::NAME);
        elapsed.as_secs_f64() * 1e9 / (passes * values.len()) as f64
    })
}

/// Everybody at so many threads.
fn at<'a>(threads: usize, passes: usize, values: &'a [Values]) -> [Contender<'a>; 6] {
    [
        contender::<CrmFamily>(threads, passes, values),
        contender::<Prometheus>(threads, passes, values),
        contender::<PrometheusClient>(threads, passes, values),
        contender::<Metrics>(threads, passes, values),
        contender::<OpenTelemetry>(threads, passes, values),
        contender::<Kept>(threads, passes, values),
    ]
}

fn measure(
    name: &str,
    values: &[Values],
    (rounds, passes): (usize, usize),
    verdicts: &mut Verdicts,
    out: &mut impl Write,
) -> io::Result<()> {
    let both = at(1, passes, values)
        .into_iter()
        .chain(at(2, passes, values));
    let mut at_one = in_turn(&mut both.collect::<Vec<_>>(), rounds);
    let at_two = at_one.split_off(at_one.len() / 2);
    writeln!(
        out,
        "\n## {name}\n\n\
         | | 1 thread, ns | quartiles | to ours | 2 threads, ns | to ours | to 1 thread |\n\
         |---|---:|---|---:|---:|---:|---:|"
    )?;
    let ratio =
        |own: &Figures, other: &Figures| own.compare(other, |own, other| own / other).median;
    for (one, two) in at_one.iter().zip(&at_two) {
        writeln!(
            out,
            "| {} | {:.1} | {:.2} | {:.1} | {:.2} | {:.2} |",
            one.name,
            one.compare(one, |own, _| own),
            ratio(one, of(&at_one, one.against)),
            two.median(),
            ratio(two, of(&at_two, two.against)),
            ratio(two, one),
        )?;
    }
    for peer in BEHIND {
        for (threads, all) in [(1, &at_one), (2, &at_two)] {
            let what = format!("{name}: ours to {peer}, threads: {threads}");
            verdicts.judge(what, ..1.0, ratio(of(all, OURS), of(all, peer)));
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let is_test = arguments.common.is_test();
    let (rounds, length) = if is_test {
        (1, 1_000)
    } else {
        (arguments.rounds.max(1), 1 << 14)
    };
    let passes = if is_test {
        1
    } else {
        (arguments.lookups / length).max(1)
    };
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(1);
    let many: Vec<Values> = (0..length)
        .map(|_| {
            let route = chance.random_range(0..ROUTES.len());
            [
                ROUTES[route],
                STATUSES[chance.random_range(0..STATUSES.len())],
            ]
        })
        .collect();
    let one = vec![[ROUTES[2], STATUSES[0]]; length];
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "nanoseconds of one lookup by two labels and one event on one thread, median and quartiles of {rounds} rounds"
    )?;
    let mut verdicts = Verdicts::default();
    measure("one", &one, (rounds, passes), &mut verdicts, &mut out)?;
    measure("many", &many, (rounds, passes), &mut verdicts, &mut out)?;
    verdicts.write(&mut out, is_test)
}
