//! Asking for what is there by the call that would load it. Customers come by Zipf's law (0.99).

use std::convert::Infallible;
use std::hint::black_box;
use std::io::{self, Write};
use std::ops::Range;

use crm_cache::{Cache, LoadingCache};

use crate::Scale;
use crate::support::now::now;
use crate::support::rounds::{Contender, in_turn, of};
use crate::support::{together, zipf};

/// Look-ups of a thread in a round.
const REQUESTS: usize = 1 << 18;

/// One of each cache, with all customers in it.
struct Caches {
    ours: Cache<u64, u64>,
    loading: LoadingCache<u64, u64, Infallible>,
    quick: quick_cache::sync::Cache<u64, u64>,
    moka: moka::sync::Cache<u64, u64>,
    moka_future: moka::future::Cache<u64, u64>,
}

impl Caches {
    fn filled(customers: u32, capacity: usize) -> Self {
        let loading = Cache::builder(capacity).loading(|id: &u64| Ok(*id)).build();
        let caches = Self {
            ours: Cache::new(capacity),
            loading: loading.expect("a benchmark's capacity is positive"),
            quick: quick_cache::sync::Cache::new(capacity),
            moka: moka::sync::Cache::new(capacity as u64),
            moka_future: moka::future::Cache::new(capacity as u64),
        };
        for id in (1..=customers).map(u64::from) {
            caches.ours.insert(id, id);
            caches.loading.insert(id, id);
            caches.quick.insert(id, id);
            caches.moka.insert(id, id);
            now(caches.moka_future.insert(id, id));
        }
        caches.settle();
        caches
    }

    fn settle(&self) {
        self.moka.run_pending_tasks();
        now(self.moka_future.run_pending_tasks());
    }

    fn contenders<'a>(&'a self, requests: Requests<'a>) -> Vec<Contender<'a>> {
        let present = |found: Option<u64>| found.expect("a customer is there");
        vec![
            requests.by("crm_cache get", OURS, move |id| present(self.ours.get(&id))),
            requests.by("crm_cache get, again", OURS, move |id| {
                present(self.ours.get(&id))
            }),
            requests.by("crm_cache get_or_load", OURS, move |id| {
                let loaded = self.ours.get_or_load(&id, |_| loads_nothing());
                loaded.unwrap_or_default()
            }),
            requests.by("crm_cache get_or_insert_with", OURS, move |id| {
                self.ours.get_or_insert_with(&id, |_| absent())
            }),
            requests.by("crm_cache get_or_load_async", OURS, move |id| {
                let load = |_| async { loads_nothing() };
                now(self.ours.get_or_load_async(&id, load)).unwrap_or_default()
            }),
            requests.by("LoadingCache get", OURS, move |id| {
                self.loading.get(&id).unwrap_or_default()
            }),
            requests.by("LoadingCache get_if_present", OURS, move |id| {
                present(self.loading.get_if_present(&id))
            }),
            requests.by("quick_cache get", QUICK, move |id| {
                present(self.quick.get(&id))
            }),
            requests.by("quick_cache get_or_insert_with", QUICK, move |id| {
                let loaded = self.quick.get_or_insert_with(&id, loads_nothing);
                loaded.unwrap_or_default()
            }),
            requests.by("quick_cache get_or_insert_async", QUICK, move |id| {
                let load = async { loads_nothing() };
                now(self.quick.get_or_insert_async(&id, load)).unwrap_or_default()
            }),
            requests.by("moka get", MOKA, move |id| present(self.moka.get(&id))),
            requests.by("moka get_with", MOKA, move |id| {
                self.moka.get_with(id, absent)
            }),
            requests.by("moka::future get", MOKA_FUTURE, move |id| {
                present(now(self.moka_future.get(&id)))
            }),
            requests.by("moka::future get_with", MOKA_FUTURE, move |id| {
                now(self.moka_future.get_with(id, async { absent() }))
            }),
        ]
    }
}

const OURS: &str = "crm_cache get";
const QUICK: &str = "quick_cache get";
const MOKA: &str = "moka get";
const MOKA_FUTURE: &str = "moka::future get";

fn absent() -> u64 {
    panic!("a customer who is there was loaded")
}

fn loads_nothing() -> Result<u64, Infallible> {
    Ok(absent())
}

/// The customers that each thread asks for, and how many of them in a round.
#[derive(Clone, Copy)]
struct Requests<'a> {
    streams: &'a [Vec<u32>],
    count: usize,
}

impl<'a> Requests<'a> {
    /// Asks for them by this call.
    fn by(
        self,
        name: &'static str,
        against: &'static str,
        ask: impl Fn(u64) -> u64 + Sync + 'a,
    ) -> Contender<'a> {
        Contender::new(name, against, move |round| {
            let requests = round * self.count..(round + 1) * self.count;
            let go = |part: Range<usize>| {
                together::time(self.streams.len(), |thread| {
                    for &id in &self.streams[thread][part.clone()] {
                        black_box(ask(u64::from(id)));
                    }
                })
            };
            // Not timed: the processor's caches hold what the one before has read.
            go(requests.start..requests.start + self.count / 4);
            let elapsed = go(requests);
            elapsed.as_secs_f64() * 1e9 / self.count as f64
        })
    }
}

pub(crate) fn measure(out: &mut impl Write, scale: Scale, threads: &[usize]) -> io::Result<()> {
    let count = REQUESTS / scale.smaller;
    writeln!(
        out,
        "hit: one look-up on one thread, median of {} rounds of {count} a thread\n",
        scale.rounds
    )?;
    writeln!(
        out,
        "| keys | threads | call | ns | to the cache's own get | quartiles |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|")?;
    for (customers, capacity) in [(10_000, 20_000), (1_000_000, 1_250_000)] {
        let (customers, capacity) = (customers / scale.smaller, capacity / scale.smaller);
        let customers = u32::try_from(customers).expect("a million at most");
        let caches = Caches::filled(customers, capacity);
        let most = threads.iter().copied().max().unwrap_or(1);
        let streams: Vec<_> = (1..)
            .take(most)
            .map(|seed| zipf::ids(customers, (scale.rounds + 1) * count, seed))
            .collect();
        for &threads in threads {
            let streams = &streams[..threads];
            let mut contenders = caches.contenders(Requests { streams, count });
            let figures = in_turn(&mut contenders, scale.rounds);
            for row in &figures {
                let ratio = row.compare(of(&figures, row.against), |own, other| own / other);
                let ns = row.median();
                writeln!(
                    out,
                    "| {customers} | {threads} | {} | {ns:.1} | {ratio:.3} |",
                    row.name
                )?;
            }
            caches.settle();
        }
    }
    Ok(())
}
