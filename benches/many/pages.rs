//! Many pages at once: how many loads of 2 ms they make, next to an ideal.
//!
//! The cache is empty at first. Keys come evenly from a space that the pages of one round cover five times over, so
//! that callers miss the same keys at the same time. A caller asks for one page after the other. What the number of
//! loads is held against is in `ideal.rs`. By hand a caller looks, loads what he misses in one load of his own, and inserts
//! it: nothing is shared.

use std::convert::Infallible;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crm_cache::Cache;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Barrier;

use super::super::{PAGE, Scale};
use super::ideal::{self, First};
use crate::support::rounds::{Contender, in_turn};
use crate::support::together;

const LOAD: Duration = Duration::from_millis(2);

/// The keys that pages are drawn from.
const SPACE: u64 = 10_000;

/// The largest batch of a cache unless it is told otherwise.
const LARGEST: usize = 1_000;

/// The pages of each caller.
type Pages = Vec<Vec<Vec<u64>>>;

fn draw(callers: usize, each: usize, space: u64, seed: u64) -> Pages {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut page = || (0..PAGE).map(|_| chance.random_range(0..space)).collect();
    (0..callers)
        .map(|_| (0..each).map(|_| page()).collect())
        .collect()
}

/// What a way of asking has asked of the source over all rounds.
#[derive(Default)]
struct Source {
    loads: AtomicUsize,
    keys: AtomicUsize,
}

impl Source {
    fn count(&self, keys: &[u64]) {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.keys.fetch_add(keys.len(), Ordering::Relaxed);
    }

    fn load(&self, keys: &[u64]) -> Vec<(u64, u64)> {
        self.count(keys);
        thread::sleep(LOAD);
        keys.iter().map(|&key| (key, key)).collect()
    }

    async fn load_async(&self, keys: &[u64]) -> Vec<(u64, u64)> {
        self.count(keys);
        tokio::time::sleep(LOAD).await;
        keys.iter().map(|&key| (key, key)).collect()
    }
}

/// What a caller by hand finds missing.
fn missing_of(cache: &Cache<u64, u64>, page: &[u64]) -> Vec<u64> {
    let missing = page.iter().copied().filter(|key| cache.get(key).is_none());
    missing.collect()
}

fn check(page: &[u64], values: &[Option<u64>]) {
    let is_right = page
        .iter()
        .zip(values)
        .all(|(&key, &value)| value == Some(key));
    assert!(
        is_right && page.len() == values.len(),
        "a page is not whole"
    );
}

fn of_threads(pages: &Pages, source: &Source, is_shared: bool) -> Duration {
    let cache = Cache::new(2 * SPACE as usize);
    together::time(pages.len(), |caller| {
        for page in &pages[caller] {
            if is_shared {
                let load = |missing: &[u64]| Ok::<_, Infallible>(source.load(missing));
                let values = cache.get_many_or_load(page, load);
                check(page, &values.unwrap_or_default());
            } else {
                let missing = missing_of(&cache, page);
                if !missing.is_empty() {
                    for (key, value) in source.load(&missing) {
                        cache.insert(key, value);
                    }
                }
            }
        }
    })
}

fn of_tasks(
    runtime: &Runtime,
    pages: &Arc<Pages>,
    source: &Arc<Source>,
    is_shared: bool,
) -> Duration {
    let cache = Arc::new(Cache::new(2 * SPACE as usize));
    let start = Arc::new(Barrier::new(pages.len()));
    let clock = crm_clock::Clock::system();
    let tasks: Vec<_> = (0..pages.len())
        .map(|caller| {
            let (cache, start, clock) = (Arc::clone(&cache), Arc::clone(&start), clock.clone());
            let (pages, source) = (Arc::clone(pages), Arc::clone(source));
            runtime.spawn(async move {
                start.wait().await;
                let begun = clock.now();
                for page in &pages[caller] {
                    if is_shared {
                        let load = |missing: Vec<u64>| {
                            let source = Arc::clone(&source);
                            async move { Ok::<_, Infallible>(source.load_async(&missing).await) }
                        };
                        let values = cache.get_many_or_load_async(page, load).await;
                        check(page, &values.unwrap_or_default());
                    } else {
                        let missing = missing_of(&cache, page);
                        if !missing.is_empty() {
                            for (key, value) in source.load_async(&missing).await {
                                cache.insert(key, value);
                            }
                        }
                    }
                }
                (begun, clock.now())
            })
        })
        .collect();
    runtime.block_on(async {
        let mut spans = Vec::new();
        for task in tasks {
            spans.push(task.await.expect("nobody panics"));
        }
        let begun = spans.iter().map(|span| span.0).min();
        let ended = spans.iter().map(|span| span.1).max();
        begun
            .zip(ended)
            .map_or(Duration::ZERO, |(begun, ended)| ended - begun)
    })
}

pub(crate) fn measure(out: &mut impl Write, scale: Scale) -> io::Result<()> {
    writeln!(
        out,
        "pages: {} callers at once, {PAGE} keys a page, a load takes {LOAD:?}; over {} rounds\n",
        scale.callers, scale.rounds
    )?;
    writeln!(
        out,
        "| keys | pages of a caller | who asks | way | loads a round | eager ideal | to it | patient ideal | to it | keys loaded a round | ms a round |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|---|---|")?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    for each in [1, 16] {
        // The pages of a round cover it five times over.
        let space = SPACE * each / 16;
        let pages: Vec<_> = (0..=scale.rounds as u64)
            .map(|seed| Arc::new(draw(scale.callers, each as usize, space, seed)))
            .collect();
        let ideal = |first| -> f64 {
            let loads = pages
                .iter()
                .map(|pages| ideal::loads(pages, LARGEST, first));
            loads.sum::<usize>() as f64
        };
        let (eager, patient) = (ideal(First::Leave), ideal(First::Ask));
        let rounds = pages.len() as f64;
        let sources: [Arc<Source>; 6] = Default::default();
        let millis = |elapsed: Duration| elapsed.as_secs_f64() * 1e3;
        let threads = |name, source: usize, is_shared| {
            let (pages, source) = (&pages, &sources[source]);
            Contender::new(name, name, move |round| {
                millis(of_threads(&pages[round], source, is_shared))
            })
        };
        let tasks = |name, source: usize, is_shared| {
            let (pages, source, runtime) = (&pages, &sources[source], &runtime);
            Contender::new(name, name, move |round| {
                millis(of_tasks(runtime, &pages[round], source, is_shared))
            })
        };
        let mut contenders = [
            threads("threads | get_many_or_load", 0, true),
            threads("threads | get_many_or_load, again", 1, true),
            threads("threads | by hand", 2, false),
            tasks("tasks | get_many_or_load_async", 3, true),
            tasks("tasks | get_many_or_load_async, again", 4, true),
            tasks("tasks | by hand", 5, false),
        ];
        let figures = in_turn(&mut contenders, scale.rounds);
        drop(contenders);
        for (row, source) in figures.iter().zip(&sources) {
            let loads = source.loads.load(Ordering::Relaxed) as f64;
            writeln!(
                out,
                "| {space} | {each} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} | {:.1} |",
                row.name,
                loads / rounds,
                eager / rounds,
                loads / eager,
                patient / rounds,
                loads / patient,
                source.keys.load(Ordering::Relaxed) as f64 / rounds,
                row.median(),
            )?;
        }
    }
    Ok(())
}
