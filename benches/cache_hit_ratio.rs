//! What does a cache keep, and what does a request cost with it?
//!
//! One client goes through a trace once, from an empty cache, and inserts what it misses. For each trace and capacity
//! there is the share of hits, and the mean time of a request if a miss costs a load of 20 us: the time that the cache
//! itself took, measured, and 20 us for each miss, added. Caches take turns trace by trace.
//!
//! `CRM_PERF_TRACES` names a folder of `NAME.u32.gz` (one little-endian `u32` for each request, gzip); without it traces
//! are generated: a loop, a skewed load, bursts.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{env, iter};

use crm_clock::Clock;
use flate2::read::GzDecoder;

mod peers;
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod zipf;
}

use peers::{CrmCache, CrmLru, LruMutex, Moka, Peer, QuickCache, Value};
use support::zipf;

/// What a miss costs beside the cache's own work.
const LOAD: Duration = Duration::from_micros(20);

/// The traces by name with the capacities at which they tell caches apart.
const TRACES: [(&str, &[usize]); 12] = [
    ("oltp", &[250, 1_000, 2_000, 8_192]),
    ("p3", &[20_000, 65_536, 160_000]),
    ("orm-busy", &[1_250, 4_096, 10_000]),
    ("web07", &[75, 300, 1_200, 3_000]),
    ("scarab", &[5_000, 25_000, 50_000, 100_000]),
    ("gli", &[500, 1_000]),
    ("loop", &[250, 500, 750]),
    ("2_pools", &[100, 300]),
    ("multi2", &[600, 1_600]),
    ("cs", &[563]),
    ("corda", &[512]),
    (PHASES, &[512]),
];

/// Corda, five times loop, corda again.
const PHASES: &str = "corda+5loop+corda";

/// What a cache made of a trace.
#[derive(Clone, Copy)]
struct Outcome {
    hit_ratio: f64,
    /// Of the cache alone, for each request.
    own: Duration,
}

impl Outcome {
    /// The mean time of a request whose miss costs a load.
    fn effective(self) -> Duration {
        self.own + LOAD.mul_f64(1.0 - self.hit_ratio)
    }
}

fn replay<C: Peer>(clock: &Clock, trace: &[u32], capacity: usize) -> Outcome {
    let cache = C::with_capacity(capacity);
    let value: Value = Arc::new([7; 64]);
    let mut hits = 0_usize;
    let start = clock.now();
    for &key in trace {
        if cache.get(u64::from(key)).is_some() {
            hits += 1;
        } else {
            cache.insert(u64::from(key), Arc::clone(&value));
            // A cache that puts its evictions off would hold more than its capacity.
            cache.settle();
        }
    }
    let elapsed = clock.now() - start;
    let requests = trace.len();
    Outcome {
        hit_ratio: hits as f64 / requests as f64,
        own: elapsed.div_f64(requests as f64),
    }
}

fn read(folder: &Path, name: &str) -> io::Result<Vec<u32>> {
    if name == PHASES {
        return phases(&read(folder, "corda")?, &read(folder, "loop")?);
    }
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(folder.join(format!("{name}.u32.gz")))?).read_to_end(&mut bytes)?;
    Ok(bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        .collect())
}

/// A change of load and back: the first trace, five times the second, the first again.
fn phases(first: &[u32], second: &[u32]) -> io::Result<Vec<u32>> {
    let apart = first.iter().max().map_or(0, |key| key + 1);
    let second = second.iter().map(|key| key + apart);
    let middle = iter::repeat_n(second, 5).flatten();
    Ok(first
        .iter()
        .copied()
        .chain(middle)
        .chain(first.iter().copied())
        .collect())
}

/// Traces for a machine that has none, each with its name and a capacity.
fn generated() -> Vec<(String, usize, Vec<u32>)> {
    let looped = (0..50).flat_map(|_| 0..1_000).collect();
    let bursts = (100..50_100).flat_map(|key| [key, key - 100]).collect();
    vec![
        ("generated loop".to_owned(), 500, looped),
        (
            "generated skew".to_owned(),
            1_000,
            zipf::ids(100_000, 100_000, 1),
        ),
        ("generated bursts".to_owned(), 400, bursts),
    ]
}

fn main() -> io::Result<()> {
    let is_test = env::args().any(|argument| argument == "--test");
    let clock = Clock::system();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "hits in %, then the mean time of a request in us if a miss loads for {LOAD:?}"
    )?;
    let names = [
        <CrmCache as Peer>::NAME,
        <CrmLru as Peer>::NAME,
        <LruMutex as Peer>::NAME,
        <Moka as Peer>::NAME,
        <QuickCache as Peer>::NAME,
    ]
    .join(" | ");
    writeln!(out, "| trace, capacity | {names} | {names} |")?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|---|---|")?;
    let mut sums = [0.0; 5];
    let mut rows = 0_u32;
    let mut row = |name: &str, capacity: usize, trace: &[u32]| -> io::Result<()> {
        let outcomes = [
            replay::<CrmCache>(&clock, trace, capacity),
            replay::<CrmLru>(&clock, trace, capacity),
            replay::<LruMutex>(&clock, trace, capacity),
            replay::<Moka>(&clock, trace, capacity),
            replay::<QuickCache>(&clock, trace, capacity),
        ];
        write!(out, "| {name} {capacity} ")?;
        // The change of load is a stress of its own and no part of the mean.
        let counts = u32::from(name != PHASES);
        for (outcome, sum) in outcomes.iter().zip(&mut sums) {
            *sum += outcome.hit_ratio * f64::from(counts);
            write!(out, "| {:.2} ", 100.0 * outcome.hit_ratio)?;
        }
        for outcome in outcomes {
            write!(out, "| {:.3} ", outcome.effective().as_secs_f64() * 1e6)?;
        }
        rows += counts;
        writeln!(out, "|")
    };
    match env::var_os("CRM_PERF_TRACES").filter(|_| !is_test) {
        None => {
            for (name, capacity, trace) in generated() {
                row(&name, capacity, &trace)?;
            }
        }
        Some(folder) => {
            for (name, capacities) in TRACES {
                match read(Path::new(&folder), name) {
                    Ok(trace) => capacities
                        .iter()
                        .try_for_each(|&capacity| row(name, capacity, &trace))?,
                    Err(error) => writeln!(io::stderr(), "skipped {name}: {error}")?,
                }
            }
        }
    }
    write!(out, "| mean of {rows} ")?;
    for sum in sums {
        write!(out, "| {:.2} ", 100.0 * sum / f64::from(rows))?;
    }
    writeln!(out, "| | | | | |")
}
