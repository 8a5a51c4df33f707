//! What does a timer cost beyond the clock that it reads twice?
//!
//! A figure is the nanoseconds of one start and one stop on one thread, by one histogram for all threads. What a timer costs is
//! that less two readings of its clock alone, and their difference, in the same round; the median of the rounds, and their
//! quartiles. Crates without a timer are measured as their users write it, by `Instant`.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use clap::Parser;
use crm_clock::Clock;
use crm_monitor::{Histogram, Layout};
use opentelemetry::metrics::MeterProvider;
use prometheus::HistogramOpts;

mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod buckets;
    pub(crate) mod metrics_registry;
    pub(crate) mod otel_reader;
    pub(crate) mod rounds;
    pub(crate) mod together;
    pub(crate) mod verdicts;
}

use support::arguments::Common;
use support::rounds::{Contender, in_turn, of};
use support::verdicts::Verdicts;
use support::{buckets, metrics_registry, otel_reader, together};

#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds that count; one before them warms up.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Timers of each thread in a round.
    #[arg(long, default_value_t = 500_000)]
    timers: u64,
    #[command(flatten)]
    common: Common,
}

const SYSTEM: &str = "Clock::system, two readings";
const COARSE: &str = "Clock::coarse, two readings";
const INSTANT: &str = "Instant, two readings";

const OURS: &str = "crm_monitor, system clock";
const OURS_COARSE: &str = "crm_monitor, coarse clock";
const PROMETHEUS: &str = "prometheus, HistogramTimer";
const PROMETHEUS_CLIENT: &str = "prometheus-client, by hand";
const METRICS: &str = "metrics, by hand";
const OPENTELEMETRY: &str = "opentelemetry, by hand";

#[expect(
    clippy::disallowed_methods,
    reason = "the users of other crates read the time like this, and pay for it"
)]
fn now() -> Instant {
    Instant::now()
}

/// How much is measured, and by how many threads.
#[derive(Clone, Copy)]
struct Load {
    threads: usize,
    timers: u64,
}

impl Load {
    fn contender<'a>(
        self,
        name: &'static str,
        clock: &'static str,
        step: impl Fn() + Sync + 'a,
    ) -> Contender<'a> {
        self.settled(name, clock, step, || {})
    }

    /// The same, with what has to be done after each round.
    fn settled<'a>(
        self,
        name: &'static str,
        clock: &'static str,
        step: impl Fn() + Sync + 'a,
        settle: impl Fn() + 'a,
    ) -> Contender<'a> {
        Contender::new(name, clock, move |_| {
            let elapsed = together::time(self.threads, |_| {
                for _ in 0..self.timers {
                    step();
                }
            });
            settle();
            elapsed.as_secs_f64() * 1e9 / self.timers as f64
        })
    }

    fn ours<'a>(self, name: &'static str, bare: &'static str, clock: Clock) -> Contender<'a> {
        let times = Histogram::with_clock(Layout::response_times(), clock);
        self.contender(name, bare, move || {
            black_box(black_box(&times).start()).stop();
        })
    }

    fn bare<'a>(self, name: &'static str, clock: Clock) -> Contender<'a> {
        self.contender(name, name, move || {
            let start = black_box(black_box(&clock).now());
            black_box(clock.now() - start);
        })
    }

    /// Everything that is measured.
    fn contenders<'a>(self) -> Vec<Contender<'a>> {
        let owned = Histogram::new(Layout::response_times());
        let given_up = Histogram::new(Layout::response_times());
        let options = HistogramOpts::new("times", "Times.").buckets(buckets::sixteen());
        let prometheus =
            prometheus::Histogram::with_opts(options).expect("the buckets are in order");
        let client = prometheus_client::metrics::histogram::Histogram::new(buckets::sixteen());
        let registry = metrics_registry::installed();
        let metrics = metrics::histogram!("times");
        let (provider, reader) = otel_reader::provider();
        let opentelemetry = provider
            .meter("benches")
            .f64_histogram("times")
            .with_boundaries(buckets::sixteen())
            .build();
        vec![
            self.ours(OURS, SYSTEM, Clock::system()),
            self.contender("crm_monitor, owned timer", SYSTEM, move || {
                black_box(black_box(&owned).start_owned()).stop();
            }),
            self.contender("crm_monitor, given up", SYSTEM, move || {
                drop(black_box(black_box(&given_up).start()));
            }),
            self.ours(OURS_COARSE, COARSE, Clock::coarse()),
            self.contender(PROMETHEUS, INSTANT, move || {
                black_box(black_box(&prometheus).start_timer()).observe_duration();
            }),
            self.contender(PROMETHEUS_CLIENT, INSTANT, move || {
                let start = black_box(now());
                black_box(&client).observe(start.elapsed().as_secs_f64());
            }),
            self.settled(
                METRICS,
                INSTANT,
                move || {
                    let start = black_box(now());
                    black_box(&metrics).record(start.elapsed().as_secs_f64());
                },
                // What an exporter does, so that the samples do not pile up.
                move || registry.visit_histograms(|_, bucket| bucket.clear()),
            ),
            self.settled(
                OPENTELEMETRY,
                INSTANT,
                move || {
                    let start = black_box(now());
                    black_box(&opentelemetry).record(start.elapsed().as_secs_f64(), &[]);
                },
                // It records only while its provider is there.
                move || {
                    black_box((&provider, reader.read()));
                },
            ),
            self.bare(SYSTEM, Clock::system()),
            self.bare(COARSE, Clock::coarse()),
            self.contender(INSTANT, INSTANT, move || {
                let start = black_box(now());
                black_box(start.elapsed());
            }),
        ]
    }
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let is_test = arguments.common.is_test();
    let (rounds, timers) = if is_test {
        (1, 1_000)
    } else {
        (arguments.rounds.max(1), arguments.timers)
    };
    let mut contenders = Vec::new();
    for threads in [1, 2] {
        contenders.extend(Load { threads, timers }.contenders());
    }
    let mut at_one = in_turn(&mut contenders, rounds);
    let at_two = at_one.split_off(at_one.len() / 2);

    let mut out = io::stdout().lock();
    writeln!(
        out,
        "nanoseconds of one start and stop on one thread, and beyond the clock; {rounds} rounds of {timers} timers\n\n\
         | | threads | ns | beyond the clock, ns | quartiles |\n\
         |---|---:|---:|---:|---|"
    )?;
    let mut verdicts = Verdicts::default();
    for (threads, all) in [(1, &at_one), (2, &at_two)] {
        let beyond = |name: &str| {
            of(all, name).compare(of(all, of(all, name).against), |own, clock| own - clock)
        };
        for one in all {
            let (median, beyond) = (one.median(), beyond(one.name));
            writeln!(
                out,
                "| {} | {threads} | {median:.2} | {beyond:.2} |",
                one.name
            )?;
        }
        for ours in [OURS, OURS_COARSE] {
            let what = format!("{ours}, beyond the clock, ns, threads: {threads}");
            verdicts.judge(what, ..=12.0, beyond(ours).median);
        }
        for peer in [PROMETHEUS, PROMETHEUS_CLIENT, METRICS, OPENTELEMETRY] {
            let what = format!("ours less {peer}, beyond the clock, ns, threads: {threads}");
            verdicts.judge(what, ..0.0, beyond(OURS).median - beyond(peer).median);
        }
    }
    verdicts.write(&mut out, is_test)
}
