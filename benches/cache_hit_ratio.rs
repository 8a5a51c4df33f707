//! What does a cache keep, and what does a request cost with it?
//!
//! One client goes through a trace once, from an empty cache, and inserts what it misses. For each trace and capacity
//! there is the share of hits, beside the most that was possible, and the mean time of a request if a miss costs a load of
//! 20 us: the time that the cache itself took, measured, and 20 us for each miss, added. With `--busy` each miss does keep
//! the processor busy for 20 us, and the mean is that of the measured times. Caches take turns every 10,000 requests.
//!
//! `CRM_PERF_TRACES` names a folder of `NAME.u32.gz` (one little-endian `u32` for each request, gzip). Without it, or with
//! `--generated`, traces of a dozen kinds are made from a `--seed`, and the capacities are 1, 5 and 20 % of a trace's keys.
//! At the end stand the means, and where we are furthest behind the best of the others.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, hint, iter};

use clap::Parser;
use crm_clock::Clock;
use flate2::read::GzDecoder;

mod peers;
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod belady;
    pub(crate) mod generated;
}

use peers::{CrmCache, CrmLru, LruMutex, Moka, Peer, QuickCache, Value};
use support::arguments::Common;
use support::{belady, generated};

#[derive(Debug, Parser)]
struct Arguments {
    /// Generate traces even if there is a folder of them.
    #[arg(long)]
    generated: bool,
    /// Of what traces are generated.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Spend the time of a load at each miss. This takes long: see `--first`.
    #[arg(long)]
    busy: bool,
    /// Take only so many requests of each trace.
    #[arg(long)]
    first: Option<usize>,
    #[command(flatten)]
    common: Common,
}

/// What a miss costs beside the cache's own work.
const LOAD: Duration = Duration::from_micros(20);

/// Requests after which it is another cache's turn.
const TURN: usize = 10_000;

/// Requests of a generated trace.
const GENERATED: usize = 400_000;

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

/// A cache and what became of its requests so far.
struct Client<C> {
    cache: C,
    hits: usize,
    time: Duration,
}

/// A client, whichever its cache.
trait Replay {
    /// Makes the requests; a miss takes the time of a load if `busy`.
    fn replay(&mut self, clock: &Clock, requests: &[u32], value: &Value, busy: bool);

    fn outcome(&self, requests: usize, busy: bool) -> Outcome;
}

impl<C: Peer> Client<C> {
    fn boxed<'a>(capacity: usize) -> Box<dyn Replay + 'a>
    where
        C: 'a,
    {
        Box::new(Self {
            cache: C::with_capacity(capacity),
            hits: 0,
            time: Duration::ZERO,
        })
    }
}

impl<C: Peer> Replay for Client<C> {
    fn replay(&mut self, clock: &Clock, requests: &[u32], value: &Value, busy: bool) {
        let start = clock.now();
        for &key in requests {
            if self.cache.get(u64::from(key)).is_some() {
                self.hits += 1;
            } else {
                if busy {
                    let asked = clock.now();
                    while clock.now() - asked < LOAD {
                        hint::spin_loop();
                    }
                }
                self.cache.insert(u64::from(key), Arc::clone(value));
                // A cache that puts its evictions off would hold more than its capacity.
                self.cache.settle();
            }
        }
        self.time += clock.now() - start;
    }

    fn outcome(&self, requests: usize, busy: bool) -> Outcome {
        let hit_ratio = self.hits as f64 / requests as f64;
        let loads = if busy {
            Duration::ZERO
        } else {
            LOAD.mul_f64(1.0 - hit_ratio)
        };
        Outcome {
            hit_ratio,
            effective: self.time.div_f64(requests as f64) + loads,
        }
    }
}

/// What a cache made of a trace.
#[derive(Clone, Copy)]
struct Outcome {
    hit_ratio: f64,
    /// The mean time of a request whose miss costs a load.
    effective: Duration,
}

/// The columns. The first is what the others are measured against, the second is ours as well.
const NAMES: [&str; 5] = [
    <CrmCache as Peer>::NAME,
    <CrmLru as Peer>::NAME,
    <LruMutex as Peer>::NAME,
    <Moka as Peer>::NAME,
    <QuickCache as Peer>::NAME,
];

/// Where the caches of others begin among the columns.
const OTHERS: usize = 2;

/// All caches on one trace, in turns.
fn outcomes(clock: &Clock, trace: &[u32], capacity: usize, busy: bool) -> [Outcome; NAMES.len()] {
    let value: Value = Arc::new([7; 64]);
    let mut clients = [
        Client::<CrmCache>::boxed(capacity),
        Client::<CrmLru>::boxed(capacity),
        Client::<LruMutex>::boxed(capacity),
        Client::<Moka>::boxed(capacity),
        Client::<QuickCache>::boxed(capacity),
    ];
    for requests in trace.chunks(TURN) {
        for client in &mut clients {
            client.replay(clock, requests, &value, busy);
        }
    }
    clients.map(|client| client.outcome(trace.len(), busy))
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

/// Prints rows, and sums them up.
struct Table<W> {
    out: W,
    clock: Clock,
    busy: bool,
    first: usize,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    outcomes: [Outcome; NAMES.len()],
    best_possible: f64,
}

impl Row {
    /// By how much we hit more than the best of the others, in points; below zero where we hit less.
    fn lead(&self) -> f64 {
        let others = self.outcomes[OTHERS..].iter();
        let best = others.map(|outcome| outcome.hit_ratio).fold(0.0, f64::max);
        100.0 * (self.outcomes[0].hit_ratio - best)
    }

    /// Our mean time of a request for that of the best of the others.
    fn time_to_the_best(&self) -> f64 {
        let others = self.outcomes[OTHERS..].iter();
        let best = others.map(|outcome| outcome.effective).min();
        best.map_or(f64::NAN, |best| {
            self.outcomes[0].effective.div_duration_f64(best)
        })
    }
}

impl<W: Write> Table<W> {
    fn begin(&mut self) -> io::Result<()> {
        let how = if self.busy { "loaded" } else { "loads" };
        writeln!(
            self.out,
            "hits in %, then the mean time of a request in us if a miss {how} for {LOAD:?}\n"
        )?;
        let names = NAMES.join(" | ");
        writeln!(
            self.out,
            "| trace, capacity | {names} | best possible | {names} |"
        )?;
        writeln!(self.out, "{}|", "|---".repeat(2 * NAMES.len() + 2))
    }

    fn measure(&mut self, name: &str, capacity: usize, trace: &[u32]) -> io::Result<()> {
        let trace = &trace[..trace.len().min(self.first)];
        let row = Row {
            name: format!("{name} {capacity}"),
            outcomes: outcomes(&self.clock, trace, capacity, self.busy),
            best_possible: belady::hit_ratio(trace, capacity),
        };
        for (outcome, name) in row.outcomes.iter().zip(NAMES) {
            assert!(
                outcome.hit_ratio <= row.best_possible + 1e-9,
                "{name} hits more than is possible on {}",
                row.name
            );
        }
        self.write(
            &row.name,
            row.outcomes.map(|outcome| outcome.hit_ratio),
            row.best_possible,
            row.outcomes.map(|outcome| outcome.effective),
        )?;
        self.rows.push(row);
        Ok(())
    }

    fn write(
        &mut self,
        name: &str,
        hit_ratios: [f64; NAMES.len()],
        best_possible: f64,
        times: [Duration; NAMES.len()],
    ) -> io::Result<()> {
        write!(self.out, "| {name} ")?;
        for ratio in hit_ratios.into_iter().chain([best_possible]) {
            write!(self.out, "| {:.2} ", 100.0 * ratio)?;
        }
        for time in times {
            write!(self.out, "| {:.3} ", time.as_secs_f64() * 1e6)?;
        }
        writeln!(self.out, "|")
    }

    fn end(mut self) -> io::Result<()> {
        // The change of load is a stress of its own and no part of the means.
        let counted: Vec<_> = (self.rows.iter())
            .filter(|row| !row.name.starts_with(PHASES))
            .collect();
        let count = counted.len() as f64;
        let column = |index: usize| counted.iter().map(move |row| row.outcomes[index]);
        let hits = std::array::from_fn(|index| {
            column(index).map(|outcome| outcome.hit_ratio).sum::<f64>() / count
        });
        let times = std::array::from_fn(|index| {
            let sum: Duration = column(index).map(|outcome| outcome.effective).sum();
            sum.div_f64(count)
        });
        let best_possible = counted.iter().map(|row| row.best_possible).sum::<f64>() / count;
        let name = format!("mean of {}", counted.len());
        self.write(&name, hits, best_possible, times)?;

        let rows = &self.rows;
        let ahead = rows.iter().filter(|row| row.lead() >= 0.0).count();
        writeln!(
            self.out,
            "\nagainst the best of the others, row by row: {} hits as much or more on {ahead} of {} rows",
            NAMES[0],
            rows.len()
        )?;
        if let Some(worst) = rows.iter().min_by(|a, b| a.lead().total_cmp(&b.lead())) {
            writeln!(
                self.out,
                "fewest hits: {:+.2} points on {}",
                worst.lead(),
                worst.name
            )?;
        }
        let by_time = |a: &&Row, b: &&Row| a.time_to_the_best().total_cmp(&b.time_to_the_best());
        if let Some(worst) = rows.iter().max_by(by_time) {
            writeln!(
                self.out,
                "longest mean time: {:.3} of the best of the others on {}",
                worst.time_to_the_best(),
                worst.name
            )?;
        }
        Ok(())
    }
}

/// The capacities for a generated trace: 1, 5 and 20 % of its keys.
fn capacities(trace: &[u32]) -> [usize; 3] {
    let keys = trace.iter().collect::<HashSet<_>>().len();
    [100, 20, 5].map(|part| (keys / part).max(1))
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let is_test = arguments.common.is_test();
    let folder = env::var_os("CRM_PERF_TRACES")
        .map(PathBuf::from)
        .filter(|_| !is_test && !arguments.generated);
    let mut table = Table {
        out: io::stdout().lock(),
        clock: Clock::system(),
        busy: arguments.busy,
        first: arguments.first.unwrap_or(usize::MAX),
        rows: Vec::new(),
    };
    table.begin()?;
    match folder {
        None => {
            let requests = if is_test { 4_000 } else { GENERATED };
            for trace in generated::traces(requests, arguments.seed) {
                for capacity in capacities(&trace.keys) {
                    table.measure(trace.name, capacity, &trace.keys)?;
                }
            }
        }
        Some(folder) => {
            for (name, capacities) in TRACES {
                match read(&folder, name) {
                    Ok(trace) => capacities
                        .iter()
                        .try_for_each(|&capacity| table.measure(name, capacity, &trace))?,
                    Err(error) => writeln!(io::stderr(), "skipped {name}: {error}")?,
                }
            }
        }
    }
    table.end()
}
