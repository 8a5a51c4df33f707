//! What does each operation of a cache cost, next to the same operation of another cache?
//!
//! Customers come by Zipf's law (0.99). There are four loads: reads of 10,000 customers who are all there, reads of a
//! million who are all there, reads of a million of whom a tenth fits, with an insertion of whoever is missing, and three
//! reads to one insertion with room for all. Each runs on one thread and on two (`--threads 1,2,4` for others).
//!
//! In a round each cache goes through the same requests, one cache after the other, and each round begins with another
//! cache and goes on in the streams. A time is the median over the rounds (`--rounds`), of one operation on one thread, from the first thread's start to
//! the last one's end. A ratio is the median over the rounds of the ratio within a round, so that a drift of the machine
//! meets both sides of it. `crm_cache_read` reads without cloning the value; `crm_cache_ttl` has a time to live that nobody
//! reaches.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Parser;
use crm_cache::Cache;

mod peers;
mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod together;
    pub(crate) mod zipf;
}

use peers::{CrmCache, CrmLru, LruMutex, Moka, Peer, QuickCache, Value};
use support::arguments::Common;
use support::{together, zipf};

#[derive(Debug, Parser)]
struct Arguments {
    /// The numbers of threads.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2])]
    threads: Vec<usize>,
    /// Rounds that count; one before them warms up.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    #[command(flatten)]
    common: Common,
}

/// A load: how many customers there are, how many the cache takes, and what a thread does with an id.
struct Load {
    name: &'static str,
    customers: u32,
    capacity: usize,
    step: Step,
}

#[derive(Clone, Copy, PartialEq)]
enum Step {
    /// Reads a customer who is there.
    Get,
    /// Reads, and inserts who is missing.
    GetOrInsert,
    /// Reads three times, inserts once.
    ThreeGetsOneInsert,
}

const LOADS: [Load; 4] = [
    Load {
        name: "get, 10 k keys",
        customers: 10_000,
        // Twice the customers, so that a sharded cache holds all of them however unevenly they fall upon its shards.
        capacity: 20_000,
        step: Step::Get,
    },
    Load {
        name: "get, 1 M keys",
        customers: 1_000_000,
        capacity: 1_250_000,
        step: Step::Get,
    },
    Load {
        name: "get + insert on a miss, 1 M keys, room for 100 k",
        customers: 1_000_000,
        capacity: 100_000,
        step: Step::GetOrInsert,
    },
    Load {
        name: "three gets to one insert, 1 M keys, room for 1 M",
        customers: 1_000_000,
        capacity: 1_000_000,
        step: Step::ThreeGetsOneInsert,
    },
];

/// How much is done of it.
#[derive(Clone, Copy)]
struct Scale {
    /// Customers and capacities are divided by this.
    smaller: u32,
    /// Operations of each thread in a round.
    requests: usize,
    rounds: usize,
}

impl Scale {
    const TEST: Self = Self {
        smaller: 100,
        requests: 2_000,
        rounds: 1,
    };

    fn customers(self, load: &Load) -> u32 {
        load.customers / self.smaller
    }

    fn capacity(self, load: &Load) -> usize {
        load.capacity / self.smaller as usize
    }
}

/// A cache as this benchmark uses it: reading shows the value's first byte, however the cache shows values.
trait Subject: Peer {
    fn look(&self, key: u64) -> Option<u8> {
        self.get(key).map(|value| value[0])
    }
}

impl Subject for CrmCache {}
impl Subject for CrmLru {}
impl Subject for LruMutex {}
impl Subject for Moka {}
impl Subject for QuickCache {}

/// `crm_cache::Cache`, read in place.
struct CrmRead(Cache<u64, Value>);

impl Peer for CrmRead {
    const NAME: &'static str = "crm_cache_read";

    fn with_capacity(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }

    fn get(&self, key: u64) -> Option<Value> {
        self.0.get(&key)
    }

    fn insert(&self, key: u64, value: Value) {
        self.0.insert(key, value);
    }
}

impl Subject for CrmRead {
    fn look(&self, key: u64) -> Option<u8> {
        self.0.read(&key, |value| value[0])
    }
}

/// `crm_cache::Cache` whose entries live for five minutes, on its default clock.
struct CrmTimed(Cache<u64, Value>);

impl Peer for CrmTimed {
    const NAME: &'static str = "crm_cache_ttl";

    fn with_capacity(capacity: usize) -> Self {
        let cache = Cache::builder(capacity)
            .time_to_live(Duration::from_secs(300))
            .build();
        Self(cache.expect("a benchmark's capacity is positive"))
    }

    fn get(&self, key: u64) -> Option<Value> {
        self.0.get(&key)
    }

    fn insert(&self, key: u64, value: Value) {
        self.0.insert(key, value);
    }
}

impl Subject for CrmTimed {}

/// A cache that is ready to be measured.
struct Contender<'a> {
    name: &'static str,
    /// Goes through the requests of a round.
    run: Box<dyn Fn(usize) -> Round + 'a>,
}

/// One cache in one round.
#[derive(Clone, Copy)]
struct Round {
    nanos: f64,
    hit_ratio: f64,
}

/// The ones that ratios refer to.
const OURS: &str = <CrmCache as Peer>::NAME;
const REFERENCE: &str = <QuickCache as Peer>::NAME;

fn contender<'a, C: Subject + 'a>(
    load: &Load,
    scale: Scale,
    streams: &'a [Vec<u32>],
    values: &'a [Value],
) -> Contender<'a> {
    let cache = C::with_capacity(scale.capacity(load));
    let step = load.step;
    if step == Step::Get {
        for id in 1..=scale.customers(load) {
            cache.insert(u64::from(id), value_of(values, id));
        }
        cache.settle();
        let lost = (1..=scale.customers(load))
            .filter(|&id| cache.look(u64::from(id)).is_none())
            .count();
        assert_eq!(lost, 0, "{} lost customers that fit", C::NAME);
    }
    let run = move |round: usize| {
        let requests = round * scale.requests..(round + 1) * scale.requests;
        let (hits, reads) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let elapsed = together::time(streams.len(), |thread| {
            let (hit, read) = go(&cache, step, &streams[thread][requests.clone()], values);
            hits.fetch_add(hit, Ordering::Relaxed);
            reads.fetch_add(read, Ordering::Relaxed);
        });
        cache.settle();
        Round {
            nanos: elapsed.as_secs_f64() * 1e9 / scale.requests as f64,
            hit_ratio: hits.into_inner() as f64 / reads.into_inner() as f64,
        }
    };
    Contender {
        name: C::NAME,
        run: Box::new(run),
    }
}

/// Makes requests; the hits and the reads.
fn go<C: Subject>(cache: &C, step: Step, stream: &[u32], values: &[Value]) -> (usize, usize) {
    let mut hits = 0;
    let mut reads = stream.len();
    let look = |id: u32| black_box(cache.look(u64::from(id))).is_some();
    match step {
        Step::Get => stream.iter().for_each(|&id| hits += usize::from(look(id))),
        Step::GetOrInsert => {
            for &id in stream {
                if look(id) {
                    hits += 1;
                } else {
                    cache.insert(u64::from(id), value_of(values, id));
                }
            }
        }
        Step::ThreeGetsOneInsert => {
            for (turn, &id) in stream.iter().enumerate() {
                if turn % 4 == 3 {
                    cache.insert(u64::from(id), value_of(values, id));
                    reads -= 1;
                } else {
                    hits += usize::from(look(id));
                }
            }
        }
    }
    (hits, reads)
}

/// Values exist beforehand, and several customers share one: what is measured is the cache, not the allocator.
fn value_of(values: &[Value], id: u32) -> Value {
    Arc::clone(&values[id as usize % values.len()])
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Measures a load on some threads, and prints a row for each cache.
fn measure(
    out: &mut impl Write,
    load: &Load,
    scale: Scale,
    streams: &[Vec<u32>],
    values: &[Value],
) -> io::Result<()> {
    let contenders = [
        contender::<CrmCache>(load, scale, streams, values),
        contender::<CrmRead>(load, scale, streams, values),
        contender::<CrmTimed>(load, scale, streams, values),
        contender::<CrmLru>(load, scale, streams, values),
        contender::<QuickCache>(load, scale, streams, values),
        contender::<Moka>(load, scale, streams, values),
        contender::<LruMutex>(load, scale, streams, values),
    ];
    let mut rounds: Vec<Vec<Round>> = contenders.iter().map(|_| Vec::new()).collect();
    for round in 0..=scale.rounds {
        for turn in 0..contenders.len() {
            let index = (round + turn) % contenders.len();
            let measured = (contenders[index].run)(round);
            // The first round fills the caches and lets them learn.
            if round > 0 {
                rounds[index].push(measured);
            }
        }
    }
    let rounds_of = |name: &str| {
        let index = contenders
            .iter()
            .position(|contender| contender.name == name);
        &rounds[index.expect("it is one of them")]
    };
    for (contender, own) in contenders.iter().zip(&rounds) {
        let ratio_to = |name| {
            let pairs = own.iter().zip(rounds_of(name));
            median(pairs.map(|(own, other)| own.nanos / other.nanos).collect())
        };
        writeln!(
            out,
            "| {} | {} | {} | {:.1} | {:.2} | {:.2} | {:.2} |",
            load.name,
            streams.len(),
            contender.name,
            median(own.iter().map(|round| round.nanos).collect()),
            ratio_to(REFERENCE),
            ratio_to(OURS),
            100.0 * median(own.iter().map(|round| round.hit_ratio).collect()),
        )?;
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let scale = if arguments.common.is_test() {
        Scale::TEST
    } else {
        Scale {
            smaller: 1,
            requests: 1_000_000,
            rounds: arguments.rounds.max(1),
        }
    };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "time of one operation on one thread: median of {} rounds of {} operations a thread, caches in turn\n",
        scale.rounds, scale.requests
    )?;
    writeln!(
        out,
        "| load | threads | cache | ns | time to {REFERENCE}'s | time to {OURS}'s | hits, % |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|")?;
    let values: Vec<Value> = (0..1 << 16).map(|_| Arc::new([7; 64])).collect();
    let most = arguments.threads.iter().copied().max().unwrap_or(1);
    for load in &LOADS {
        let streams: Vec<_> = (1..)
            .take(most)
            .map(|seed| {
                zipf::ids(
                    scale.customers(load),
                    (scale.rounds + 1) * scale.requests,
                    seed,
                )
            })
            .collect();
        for &threads in &arguments.threads {
            measure(&mut out, load, scale, &streams[..threads], &values)?;
        }
    }
    Ok(())
}
