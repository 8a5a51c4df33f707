//! For how long can one call of a cache hold its caller up?
//!
//! A cache for a million customers is filled, and then asked for customers of whom it misses many: Zipf's law (0.8) over
//! ten times as many as fit, every fourth request for somebody who never came before. Each request, insertion on a miss
//! included, is timed by two clocks: the system's, which also counts the time in which the machine did something else, and
//! the processor time of the thread, which does not. `clocks` is the same loop around nothing, so that what a call takes is
//! told from what the clocks and the machine take.
//!
//! A machine's interruptions are rare and come at any time; a cache that now and then rebuilds something does so in step
//! with the requests. So beside the calls that were longer than a limit, the table has the median over blocks of 10,000
//! calls of the longest call of a block: rare interruptions do not move it, regular pauses do.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use cpu_time::ThreadTime;
use crm_clock::Clock;
use rand::SeedableRng;
use rand::distr::Distribution;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::Zipf;

mod peers;
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
}

use peers::{CrmCache, CrmLru, LruMutex, Moka, Peer, QuickCache, Value};
use support::arguments::Common;

#[derive(Debug, Parser)]
struct Arguments {
    /// The entries that fit.
    #[arg(long, default_value_t = 1_000_000)]
    capacity: usize,
    /// The requests to the full cache.
    #[arg(long, default_value_t = 5_000_000)]
    requests: usize,
    /// A call that takes longer counts as a pause, in microseconds.
    #[arg(long, default_value_t = 50)]
    limit: u64,
    #[command(flatten)]
    common: Common,
}

/// Calls of which the longest is looked at.
const BLOCK: usize = 10_000;

/// How long each call took by one clock, in nanoseconds.
#[derive(Default)]
struct Times(Vec<u32>);

impl Times {
    fn push(&mut self, time: Duration) {
        self.0
            .push(u32::try_from(time.as_nanos()).unwrap_or(u32::MAX));
    }

    fn longest_of_a_median_block(&self) -> u32 {
        let mut longest: Vec<u32> = self
            .0
            .chunks(BLOCK)
            .filter_map(|block| block.iter().copied().max())
            .collect();
        longest.sort_unstable();
        longest[longest.len() / 2]
    }

    fn write(mut self, out: &mut impl Write, limit: Duration) -> io::Result<()> {
        let block = self.longest_of_a_median_block();
        let times = &mut self.0;
        times.sort_unstable();
        let last = times.len() - 1;
        let quantile = |share: f64| micros(times[(last as f64 * share) as usize]);
        let long =
            times.len() - times.partition_point(|&time| Duration::from_nanos(time.into()) <= limit);
        write!(
            out,
            "| {:.2} | {:.2} | {:.1} | {:.1} | {long} | {:.1} ",
            quantile(0.5),
            quantile(0.99),
            quantile(0.9999),
            micros(block),
            micros(times[last]),
        )
    }
}

fn micros(nanos: u32) -> f64 {
    f64::from(nanos) / 1e3
}

/// Times each call by both clocks and writes two rows.
fn calls(
    out: &mut impl Write,
    name: &str,
    limit: Duration,
    keys: &[u64],
    mut call: impl FnMut(u64),
) -> io::Result<()> {
    let clock = Clock::system();
    let mut by_clock = Times(Vec::with_capacity(keys.len()));
    let mut by_processor = Times(Vec::with_capacity(keys.len()));
    for &key in keys {
        let processor = ThreadTime::now();
        let start = clock.now();
        call(key);
        let end = clock.now();
        by_processor.push(processor.elapsed());
        by_clock.push(end - start);
    }
    for (clock, times) in [("system", by_clock), ("processor", by_processor)] {
        write!(out, "| {name} | {clock} ")?;
        times.write(out, limit)?;
        writeln!(out, "|")?;
    }
    Ok(())
}

fn cache<C: Peer>(
    out: &mut impl Write,
    limit: Duration,
    filling: &[u64],
    requests: &[u64],
    value: &Value,
) -> io::Result<()> {
    let cache = C::with_capacity(filling.len());
    let mut hits = 0_usize;
    let mut call = |key| {
        if black_box(cache.get(key)).is_some() {
            hits += 1;
        } else {
            cache.insert(key, Arc::clone(value));
        }
    };
    calls(
        out,
        &format!("{}, filling", C::NAME),
        limit,
        filling,
        &mut call,
    )?;
    cache.settle();
    calls(
        out,
        &format!("{}, full", C::NAME),
        limit,
        requests,
        &mut call,
    )?;
    assert!(
        (1..requests.len()).contains(&hits),
        "{} neither hit all nor nothing",
        C::NAME
    );
    Ok(())
}

/// Requests to a full cache: many known, every fourth new.
fn requests(capacity: usize, count: usize) -> Vec<u64> {
    let customers = 10 * capacity as u64;
    let zipf = Zipf::new(customers as f64, 0.8).expect("at least one customer");
    zipf.sample_iter(Xoshiro256PlusPlus::seed_from_u64(1))
        .zip(customers + 1..)
        .map(|(rank, new)| if new % 4 == 0 { new } else { rank as u64 })
        .take(count)
        .collect()
}

fn main() -> io::Result<()> {
    let mut arguments = Arguments::parse();
    if arguments.common.is_test() {
        (arguments.capacity, arguments.requests) = (1_000, 20_000);
    }
    let limit = Duration::from_micros(arguments.limit);
    let filling: Vec<u64> = (1..=arguments.capacity as u64).collect();
    let requests = requests(arguments.capacity, arguments.requests);
    let value: Value = Arc::new([7; 64]);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "us of a call: {} that fill a cache, {} to the full one\n",
        filling.len(),
        requests.len()
    )?;
    writeln!(
        out,
        "| calls | clock | median | 99 % | 99.99 % | longest in a block | calls over {limit:?} | longest |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    calls(&mut out, "clocks", limit, &requests, |key| {
        black_box(key);
    })?;
    cache::<CrmCache>(&mut out, limit, &filling, &requests, &value)?;
    cache::<CrmLru>(&mut out, limit, &filling, &requests, &value)?;
    cache::<QuickCache>(&mut out, limit, &filling, &requests, &value)?;
    cache::<Moka>(&mut out, limit, &filling, &requests, &value)?;
    cache::<LruMutex>(&mut out, limit, &filling, &requests, &value)
}
