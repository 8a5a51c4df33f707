//! What a cache adds to a load: the load does nothing, each key is new.

use std::convert::Infallible;
use std::hint::black_box;
use std::io::{self, Write};

use crm_cache::{Cache, LoadingCache};

use crate::Scale;
use crate::support::now::now;
use crate::support::rounds::{Contender, in_turn, of};
use crate::support::together;

/// Misses of a thread in a round.
const REQUESTS: usize = 1 << 13;

/// The capacity of the cache that is full.
const FULL: usize = 100_000;

/// What is to be missed, and by how many threads.
#[derive(Clone, Copy)]
struct Misses {
    threads: usize,
    count: usize,
    capacity: usize,
    /// Entries that are in each cache beforehand.
    filling: usize,
}

impl Misses {
    /// Asks for keys that nobody has asked for.
    fn by<'a>(
        self,
        name: &'static str,
        against: &'static str,
        ask: impl Fn(u64) -> u64 + Sync + 'a,
    ) -> Contender<'a> {
        for old in 0..self.filling as u64 {
            ask(u64::MAX - old);
        }
        Contender::new(name, against, move |round| {
            let elapsed = together::time(self.threads, |thread| {
                let first = ((thread as u64) << 40) + (round * self.count) as u64;
                for key in first..first + self.count as u64 {
                    black_box(ask(key));
                }
            });
            elapsed.as_secs_f64() * 1e9 / self.count as f64
        })
    }

    /// Each has a cache of its own.
    fn contenders(self) -> Vec<Contender<'static>> {
        let ours = || Cache::<u64, u64>::new(self.capacity);
        let quick = || quick_cache::sync::Cache::<u64, u64>::new(self.capacity);
        let moka = || moka::sync::Cache::<u64, u64>::new(self.capacity as u64);
        let moka_future = || moka::future::Cache::<u64, u64>::new(self.capacity as u64);
        let loading: LoadingCache<u64, u64, Infallible> = Cache::builder(self.capacity)
            .loading(|key: &u64| Ok(*key))
            .build()
            .expect("a benchmark's capacity is positive");
        let by_hand = |cache: Cache<u64, u64>| {
            move |key| {
                cache.get(&key).unwrap_or_else(|| {
                    cache.insert(key, key);
                    key
                })
            }
        };
        vec![
            self.by("crm_cache get + insert", OURS, by_hand(ours())),
            self.by("crm_cache get + insert, again", OURS, by_hand(ours())),
            self.by("crm_cache get_or_load", OURS, {
                let cache = ours();
                move |key| {
                    cache
                        .get_or_load(&key, |key| load(*key))
                        .unwrap_or_default()
                }
            }),
            self.by("crm_cache get_or_load_async", OURS, {
                let cache = ours();
                move |key| {
                    let loaded = cache.get_or_load_async(&key, async |key| load(key));
                    now(loaded).unwrap_or_default()
                }
            }),
            self.by("LoadingCache get", OURS, move |key| {
                loading.get(&key).unwrap_or_default()
            }),
            self.by("quick_cache get + insert", QUICK, {
                let cache = quick();
                move |key| {
                    cache.get(&key).unwrap_or_else(|| {
                        cache.insert(key, key);
                        key
                    })
                }
            }),
            self.by("quick_cache get_or_insert_with", QUICK, {
                let cache = quick();
                move |key| {
                    let loaded = cache.get_or_insert_with(&key, || load(key));
                    loaded.unwrap_or_default()
                }
            }),
            self.by("quick_cache get_or_insert_async", QUICK, {
                let cache = quick();
                move |key| {
                    let loaded = cache.get_or_insert_async(&key, async { load(key) });
                    now(loaded).unwrap_or_default()
                }
            }),
            self.by("moka get + insert", MOKA, {
                let cache = moka();
                move |key| {
                    cache.get(&key).unwrap_or_else(|| {
                        cache.insert(key, key);
                        key
                    })
                }
            }),
            self.by("moka get_with", MOKA, {
                let cache = moka();
                move |key| cache.get_with(key, || key)
            }),
            self.by("moka::future get_with", MOKA, {
                let cache = moka_future();
                move |key| now(cache.get_with(key, async { key }))
            }),
        ]
    }
}

const OURS: &str = "crm_cache get + insert";
const QUICK: &str = "quick_cache get + insert";
const MOKA: &str = "moka get + insert";

fn load(key: u64) -> Result<u64, Infallible> {
    Ok(black_box(key))
}

pub(crate) fn measure(out: &mut impl Write, scale: Scale, threads: &[usize]) -> io::Result<()> {
    let count = REQUESTS / scale.smaller;
    writeln!(
        out,
        "miss: one miss on one thread, the load takes no time, median of {} rounds of {count} a thread\n",
        scale.rounds
    )?;
    writeln!(
        out,
        "| cache | threads | call | ns | ns beyond get + insert | quartiles |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|")?;
    for is_full in [false, true] {
        for &threads in threads {
            let all = threads * count * (scale.rounds + 1);
            let full = FULL / scale.smaller;
            let misses = Misses {
                threads,
                count,
                // A quarter more than there is, so that a sharded cache holds all of it.
                capacity: if is_full { full } else { all + all / 4 },
                filling: if is_full { 2 * full } else { 0 },
            };
            let figures = in_turn(&mut misses.contenders(), scale.rounds);
            for row in &figures {
                let more = row.compare(of(&figures, row.against), |own, other| own - other);
                writeln!(
                    out,
                    "| {} | {threads} | {} | {:.0} | {more:.0} |",
                    if is_full { "full" } else { "with room" },
                    row.name,
                    row.median()
                )?;
            }
        }
    }
    Ok(())
}
