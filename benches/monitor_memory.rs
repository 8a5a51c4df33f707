//! What do instruments keep in memory?
//!
//! A counting allocator says how many bytes are held after something was made and used that were not before. It sees what was asked
//! of it, whether it was ever touched or not, and not what the allocator adds. Times are those of a service; each thread that
//! records is a new one, and all are alive together, so that each has a part of its own where a recorder has such.
//!
//! A month of windows is sampled as it would be in a month: by a clock that is turned by hand.

use std::alloc::System;
use std::io::{self, Write};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use clap::Parser;
use crm_clock::Clock;
use crm_monitor::{Counter, Gauge, Histogram, History, InFlight, Layout, Monitor};
use hdrhistogram::Histogram as Hdr;
use histogram::AtomicHistogram;
use metrics_util::storage::AtomicBucket;
use parking_lot::Mutex;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts};
use prometheus_client::metrics::counter::Counter as ClientCounter;
use prometheus_client::metrics::family::Family as ClientFamily;
use prometheus_client::metrics::histogram::Histogram as ClientHistogram;
use sketches_ddsketch::{Config, DDSketch};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod buckets;
    pub(crate) mod response_times;
    pub(crate) mod verdicts;
}

use support::arguments::Common;
use support::verdicts::Verdicts;
use support::{buckets, response_times};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Debug, Parser)]
struct Arguments {
    /// Times that each thread records.
    #[arg(long, default_value_t = 200_000)]
    records: usize,
    /// Series of a family.
    #[arg(long, default_value_t = 1_000)]
    series: usize,
    /// Days of windows.
    #[arg(long, default_value_t = 30)]
    days: u64,
    /// Seconds from one sample of the windows to the next.
    #[arg(long, default_value_t = 1)]
    period: u64,
    #[command(flatten)]
    common: Common,
}

/// Bytes that were asked for and not given back.
fn held() -> isize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}

/// What is made, and the bytes that it holds.
fn made<T>(make: impl FnOnce() -> T) -> (T, isize) {
    let before = held();
    let made = make();
    (made, held() - before)
}

/// Bytes that are held more after `threads` new threads have recorded, all of them alive at once.
fn after(threads: usize, times: &[u64], record: impl Fn(u64) + Sync) -> isize {
    let before = held();
    let barrier = Barrier::new(threads);
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    times.iter().for_each(|&time| record(time));
                    barrier.wait();
                })
            })
            .collect();
        // The end of the scope would not wait until a thread's own memory is given back.
        for thread in running {
            thread.join().expect("recording does not panic");
        }
    });
    held() - before
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// A row of a recorder: empty, and after one, two and four threads have recorded.
fn recorder<T: Sync>(
    out: &mut impl Write,
    name: &str,
    times: &[u64],
    make: impl Fn() -> T,
    record: impl Fn(&T, u64) + Sync,
) -> io::Result<[isize; 4]> {
    let empty = made(&make).1;
    let with = |threads| {
        let (recorder, empty) = made(&make);
        empty + after(threads, times, |time| record(&recorder, time))
    };
    let [one, two, four] = [1, 2, 4].map(with);
    writeln!(out, "| {name} | {empty} | {one} | {two} | {four} |")?;
    Ok([empty, one, two, four])
}

fn recorders(out: &mut impl Write, times: &[u64], verdicts: &mut Verdicts) -> io::Result<()> {
    writeln!(
        out,
        "\n## Bytes of one recorder, each thread with {} times\n\n\
         | | empty | 1 thread | 2 threads | 4 threads |\n\
         |---|---:|---:|---:|---:|",
        times.len()
    )?;
    let layout = |error| Layout::new(1_000, 3_600_000_000_000, error).expect("it is permitted");
    for (name, layout) in [
        ("crm_monitor, 1 us to 1 h, 1 %", Layout::response_times()),
        ("crm_monitor, 1 us to 1 h, 0.1 %", layout(0.001)),
        ("crm_monitor, 1 us to 1 h, 5 %", layout(0.05)),
    ] {
        let [empty, one, two, four] = recorder(
            out,
            name,
            times,
            || Histogram::new(layout),
            Histogram::record,
        )?;
        if layout.error() == Layout::response_times().error() {
            let kibibytes = |bytes: isize| bytes as f64 / 1024.0;
            verdicts.judge(
                "KiB of a histogram of 1 % with one stripe",
                ..=24.0,
                kibibytes(one),
            );
            for (more, bytes) in [
                ("the second", two - one),
                ("each of four", (four - empty) / 4),
            ] {
                verdicts.judge(
                    format!("KiB of a stripe, {more}"),
                    ..=24.0,
                    kibibytes(bytes),
                );
            }
        }
    }
    recorder(
        out,
        "histogram, AtomicHistogram(7, 40)",
        times,
        || AtomicHistogram::new(7, 40).expect("it is permitted"),
        |histogram, time| histogram.increment(time).expect("the time is not too long"),
    )?;
    recorder(
        out,
        "hdrhistogram, 1 us to 1 h, 2 digits, in a mutex",
        times,
        || {
            let histogram = Hdr::<u64>::new_with_bounds(1_000, 3_600_000_000_000, 2);
            Mutex::new(histogram.expect("it is permitted"))
        },
        |histogram, time| histogram.lock().saturating_record(time),
    )?;
    recorder(
        out,
        "prometheus, 16 buckets",
        times,
        || {
            let options = HistogramOpts::new("times", "Times.").buckets(buckets::sixteen());
            prometheus::Histogram::with_opts(options).expect("the buckets are in order")
        },
        |histogram, time| histogram.observe(seconds(time)),
    )?;
    recorder(
        out,
        "prometheus-client, 16 buckets",
        times,
        || ClientHistogram::new(buckets::sixteen()),
        |histogram, time| histogram.observe(seconds(time)),
    )?;
    recorder(
        out,
        "DDSketch, 1 %, in a mutex",
        times,
        || Mutex::new(DDSketch::new(Config::defaults())),
        |sketch, time| sketch.lock().add(seconds(time)),
    )?;
    recorder(
        out,
        "metrics-util, AtomicBucket, until it is read",
        times,
        AtomicBucket::new,
        |bucket, time| bucket.push(seconds(time)),
    )?;
    Ok(())
}

/// The mean of a thousand, since some share their memory.
fn simple<T>(
    out: &mut impl Write,
    name: &str,
    make: impl Fn() -> T,
    touch: impl Fn(&T) + Sync,
) -> io::Result<()>
where
    T: Sync,
{
    let (all, bytes) = made(|| (0..1_000).map(|_| make()).collect::<Vec<T>>());
    let touched = bytes + after(2, &[0], |_| all.iter().for_each(&touch));
    let handles = (size_of::<T>() * all.len()) as isize;
    writeln!(
        out,
        "| {name} | {:.1} | {} |",
        (touched - handles) as f64 / 1e3,
        size_of::<T>()
    )
}

fn simple_ones(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "\n## Bytes of each of a thousand, which two threads have used\n\n\
         | | behind the handle | of the handle |\n|---|---:|---:|"
    )?;
    simple(
        out,
        "crm_monitor, Counter",
        Counter::new,
        Counter::increment,
    )?;
    simple(out, "crm_monitor, Gauge", Gauge::new, |gauge| gauge.add(1))?;
    simple(out, "crm_monitor, InFlight", InFlight::new, |gauge| {
        drop(gauge.enter());
    })?;
    simple(
        out,
        "prometheus, IntCounter",
        || prometheus::IntCounter::new("events", "Events.").expect("the name is permitted"),
        prometheus::IntCounter::inc,
    )?;
    simple(
        out,
        "prometheus-client, Counter",
        ClientCounter::<u64>::default,
        |counter| {
            counter.inc();
        },
    )
}

/// A row of a family: the bytes of each series.
fn series<T>(
    out: &mut impl Write,
    name: &str,
    labels: &[[String; 2]],
    make: impl FnOnce() -> T,
    touch: impl Fn(&T, [&str; 2]),
) -> io::Result<()> {
    let (_family, bytes) = made(|| {
        let family = make();
        for [route, status] in labels {
            touch(&family, [route, status]);
        }
        family
    });
    let each = bytes as f64 / labels.len() as f64;
    writeln!(out, "| {name} | {} | {bytes} | {each:.0} |", labels.len())
}

fn families(out: &mut impl Write, count: usize) -> io::Result<()> {
    const NAMES: [&str; 2] = ["route", "status"];
    let labels: Vec<[String; 2]> = (0..count)
        .map(|index| [format!("/customers/{{id}}/orders/{index}"), "200".into()])
        .collect();
    writeln!(
        out,
        "\n## Bytes of a family with two labels, after one thread has used each series once\n\n\
         | | series | bytes | of each |\n|---|---:|---:|---:|"
    )?;
    let monitor = Monitor::new();
    series(
        out,
        "crm_monitor, counters",
        &labels,
        || {
            let family = monitor.counters("http_answers", NAMES).limit(count);
            family.register().expect("the names are permitted")
        },
        |family, values| family.with(values).increment(),
    )?;
    series(
        out,
        "crm_monitor, histograms",
        &labels,
        || {
            let family = monitor
                .histograms("http_response_time_seconds", NAMES)
                .limit(count);
            family.register().expect("the names are permitted")
        },
        |family, values| family.with(values).record(1_000_000),
    )?;
    series(
        out,
        "prometheus, counters",
        &labels,
        || {
            let options = Opts::new("http_answers", "Answers.");
            IntCounterVec::new(options, &NAMES).expect("the names are permitted")
        },
        |family, values| family.with_label_values(&values).inc(),
    )?;
    series(
        out,
        "prometheus, histograms of 16 buckets",
        &labels,
        || {
            let options = HistogramOpts::new("times", "Times.").buckets(buckets::sixteen());
            HistogramVec::new(options, &NAMES).expect("the names are permitted")
        },
        |family, values| family.with_label_values(&values).observe(1e-3),
    )?;
    type Labels = [(&'static str, String); 2];
    let owned = |[route, status]: [&str; 2]| -> Labels {
        [(NAMES[0], route.into()), (NAMES[1], status.into())]
    };
    series(
        out,
        "prometheus-client, counters",
        &labels,
        ClientFamily::<Labels, ClientCounter>::default,
        |family, values| {
            family.get_or_create(&owned(values)).inc();
        },
    )?;
    series(
        out,
        "prometheus-client, histograms of 16 buckets",
        &labels,
        || {
            ClientFamily::<Labels, ClientHistogram>::new_with_constructor(|| {
                ClientHistogram::new(buckets::sixteen())
            })
        },
        |family, values| family.get_or_create(&owned(values)).observe(1e-3),
    )
}

fn windows(out: &mut impl Write, days: u64, period: u64, times: &[u64]) -> io::Result<()> {
    let length = Duration::from_secs(days * 24 * 3600);
    let period = Duration::from_secs(period);
    writeln!(
        out,
        "\n## Bytes of {days} days of windows, sampled every {period:?}, of a service with a hundred requests in between\n\n\
         | | held | by its own account | at most |\n|---|---:|---:|---:|"
    )?;
    let (clock, hand) = Clock::manual();
    let history = || {
        let history = History::builder()
            .clock(clock.clone())
            .period(period)
            .longest(length);
        history.build().expect("these are permitted")
    };
    let histogram = Histogram::with_clock(Layout::response_times(), clock.clone());
    let counter = Counter::new();
    let before = held();
    let of_counters = history();
    let counted = of_counters.track(&counter);
    let counter_tracked = held();
    let of_histograms = history();
    let measured = of_histograms.track(&histogram);
    // What the instruments themselves take belongs to them.
    let tracked = held();
    histogram.record(1_000_000);
    counter.increment();
    let mut next = times.iter().cycle();
    let mut grown = [counter_tracked - before, tracked - counter_tracked];
    let samples = length.as_nanos() / period.as_nanos();
    for _ in 0..samples {
        hand.advance(period);
        for _ in 0..100 {
            histogram.record(*next.next().expect("a circle has no end"));
            counter.increment();
        }
        let before = held();
        of_counters.sample();
        let between = held();
        of_histograms.sample();
        grown[0] += between - before;
        grown[1] += held() - between;
    }
    let last = counted.over(period).expect("it was sampled");
    assert_eq!(last.value, 100, "the events of the last period");
    writeln!(
        out,
        "| a counter | {} | {} | {} |",
        grown[0],
        counted.bytes(),
        counted.bytes_at_most()
    )?;
    writeln!(
        out,
        "| a histogram of 1 % | {} | {} | {} |",
        grown[1],
        measured.bytes(),
        measured.bytes_at_most()
    )
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let is_test = arguments.common.is_test();
    let arguments = if is_test {
        Arguments {
            records: 1_000,
            series: 10,
            days: 1,
            period: 600,
            ..arguments
        }
    } else {
        arguments
    };
    let times = response_times::service(arguments.records, 1);
    // What is made once in a process belongs to nobody: the numbers of threads, and the first block of counters.
    let first = Histogram::new(Layout::response_times());
    after(4, &times[..1], |time| first.record(time));
    let mut out = io::stdout().lock();
    let mut verdicts = Verdicts::default();
    recorders(&mut out, &times, &mut verdicts)?;
    simple_ones(&mut out)?;
    families(&mut out, arguments.series)?;
    windows(&mut out, arguments.days, arguments.period, &times)?;
    verdicts.write(&mut out, is_test)
}
