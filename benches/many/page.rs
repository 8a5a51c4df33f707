//! One page: fifty keys of which ten are missing, on one thread. Room is left for all, and what was loaded is taken out
//! after each round. Who is there is drawn evenly, and nobody twice by two ways of asking in the same round, so that no way
//! finds in the processor's caches what another one has read.

use std::cell::Cell;
use std::convert::Infallible;
use std::hint::black_box;
use std::io::{self, Write};

use crm_cache::Cache;
use crm_clock::Clock;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::super::{PAGE, Scale};
use crate::support::now::now;
use crate::support::rounds::{Contender, Figures, in_turn, of};

/// Of the keys of a page.
const MISSING: usize = 10;

/// The pages of a round: customers who are there, and new ones among them.
struct Pages {
    customers: u64,
    count: usize,
    chance: Xoshiro256PlusPlus,
}

impl Pages {
    fn draw(&mut self, round: usize) -> Vec<Vec<u64>> {
        let first = self.customers + (round * self.count * MISSING) as u64;
        let mut missing = first..;
        (0..self.count)
            .map(|_| {
                (0..PAGE)
                    .map(|at| {
                        // Every fifth one.
                        if at % (PAGE / MISSING) == 0 {
                            missing.next().expect("there are enough numbers")
                        } else {
                            self.chance.random_range(0..self.customers)
                        }
                    })
                    .collect()
            })
            .collect()
    }
}

/// What the load does: it makes the pairs. Opaque, so that it costs the same wherever it is called.
#[inline(never)]
fn pairs(missing: &[u64]) -> Vec<(u64, u64)> {
    let missing = black_box(missing);
    black_box(missing.iter().map(|&key| (key, key)).collect())
}

/// Times one way of asking for pages; `tidy` takes out what was loaded.
fn way<'a>(
    name: &'static str,
    against: &'static str,
    mut pages: Pages,
    mut ask: impl FnMut(&[u64]) -> u64 + 'a,
    tidy: impl Fn(&[u64]) + 'a,
) -> Contender<'a> {
    let clock = Clock::system();
    Contender::new(name, against, move |round| {
        let pages = pages.draw(round);
        let (first, rest) = pages.split_at(pages.len() / 4);
        // Not timed: the processor's caches hold what the one before has read.
        for page in first {
            black_box(ask(black_box(page)));
        }
        let start = clock.now();
        for page in rest {
            black_box(ask(black_box(page)));
        }
        let elapsed = clock.now() - start;
        let loaded = pages.iter().flatten().step_by(PAGE / MISSING);
        tidy(&loaded.copied().collect::<Vec<_>>());
        elapsed.as_secs_f64() * 1e9 / rest.len() as f64
    })
}

/// The same by hand, whatever the cache.
fn by_hand(
    get: impl Fn(u64) -> Option<u64>,
    insert: impl Fn(u64, u64),
) -> impl FnMut(&[u64]) -> u64 {
    move |page| {
        let mut values: Vec<_> = page.iter().map(|&key| get(key)).collect();
        let missing: Vec<_> = (0..page.len()).filter(|&at| values[at].is_none()).collect();
        let keys: Vec<_> = missing.iter().map(|&at| page[at]).collect();
        for (at, (key, value)) in missing.into_iter().zip(pairs(&keys)) {
            insert(key, value);
            values[at] = Some(value);
        }
        sum(&values)
    }
}

/// Looks at all values of a page, as who asked for them would.
fn sum(values: &[Option<u64>]) -> u64 {
    values.iter().flatten().fold(0, |sum, value| sum ^ value)
}

const OURS: &str = "crm_cache 50 get";
const QUICK: &str = "quick_cache 50 get";
const MOKA: &str = "moka 50 get";
const LOAD: &str = "the load alone";

pub(crate) fn measure(out: &mut impl Write, scale: Scale) -> io::Result<()> {
    writeln!(
        out,
        "page: {PAGE} keys, {MISSING} missing; one page beyond its load, median of {} rounds of {} pages\n",
        scale.rounds, scale.pages
    )?;
    writeln!(
        out,
        "| keys | way | loads a page | ns a page | to 50 get | quartiles |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|")?;
    for customers in [10_000, 1_000_000] {
        case(out, scale, customers / scale.smaller)?;
    }
    Ok(())
}

fn case(out: &mut impl Write, scale: Scale, customers: usize) -> io::Result<()> {
    let capacity = 2 * customers;
    let ours = Cache::<u64, u64>::new(capacity);
    let quick = quick_cache::sync::Cache::<u64, u64>::new(capacity);
    let moka = moka::sync::Cache::<u64, u64>::new(capacity as u64);
    let customers = customers as u64;
    for key in 0..customers {
        ours.insert(key, key);
        quick.insert(key, key);
        moka.insert(key, key);
    }
    moka.run_pending_tasks();

    let seed = Cell::new(0);
    let pages = || {
        seed.set(seed.get() + 1);
        Pages {
            customers,
            count: scale.pages,
            chance: Xoshiro256PlusPlus::seed_from_u64(seed.get()),
        }
    };
    let (calls, calls_async) = (Cell::new(0_usize), Cell::new(0_usize));
    let gets = |page: &[u64]| sum(&page.iter().map(|key| ours.get(key)).collect::<Vec<_>>());
    let insert = |key, value| {
        ours.insert(key, value);
    };
    let remove = |keys: &[u64]| {
        for key in keys {
            ours.remove(key);
        }
    };
    let mut contenders = vec![
        way(OURS, OURS, pages(), gets, remove),
        way("crm_cache 50 get, again", OURS, pages(), gets, remove),
        way(
            "crm_cache get_many_or_load",
            OURS,
            pages(),
            |page| {
                let loaded = ours.get_many_or_load(page, |missing| {
                    calls.set(calls.get() + 1);
                    Ok::<_, Infallible>(pairs(missing))
                });
                sum(&loaded.unwrap_or_default())
            },
            remove,
        ),
        way(
            "crm_cache get_many_or_load_async",
            OURS,
            pages(),
            |page| {
                let loaded = now(
                    ours.get_many_or_load_async(page, async |missing: Vec<u64>| {
                        calls_async.set(calls_async.get() + 1);
                        Ok::<_, Infallible>(pairs(&missing))
                    }),
                );
                sum(&loaded.unwrap_or_default())
            },
            remove,
        ),
        way(
            "crm_cache by hand",
            OURS,
            pages(),
            by_hand(|key| ours.get(&key), insert),
            remove,
        ),
        way(
            "crm_cache by hand, again",
            OURS,
            pages(),
            by_hand(|key| ours.get(&key), insert),
            remove,
        ),
        way(
            QUICK,
            QUICK,
            pages(),
            |page| sum(&page.iter().map(|key| quick.get(key)).collect::<Vec<_>>()),
            |_| {},
        ),
        way(
            "quick_cache by hand",
            QUICK,
            pages(),
            by_hand(|key| quick.get(&key), |key, value| quick.insert(key, value)),
            |keys| {
                for key in keys {
                    quick.remove(key);
                }
            },
        ),
        way(
            MOKA,
            MOKA,
            pages(),
            |page| sum(&page.iter().map(|key| moka.get(key)).collect::<Vec<_>>()),
            |_| {},
        ),
        way(
            "moka by hand",
            MOKA,
            pages(),
            by_hand(|key| moka.get(&key), |key, value| moka.insert(key, value)),
            |keys| {
                keys.iter().for_each(|key| moka.invalidate(key));
                moka.run_pending_tasks();
            },
        ),
        way(
            LOAD,
            LOAD,
            pages(),
            |page| pairs(&page[..MISSING]).len() as u64,
            |_| {},
        ),
    ];
    let figures = in_turn(&mut contenders, scale.rounds);
    drop(contenders);
    let asked = (scale.pages * (scale.rounds + 1)) as f64;
    for row in &figures {
        let makes = match row.name {
            "crm_cache get_many_or_load" => calls.get() as f64 / asked,
            "crm_cache get_many_or_load_async" => calls_async.get() as f64 / asked,
            name if name.ends_with("get") || name.ends_with("get, again") => 0.0,
            _ => 1.0,
        };
        assert!(makes <= 1.0, "{} made {makes} loads a page", row.name);
        let beyond = if makes > 0.0 && row.name != LOAD {
            &without(row, of(&figures, LOAD))
        } else {
            row
        };
        let ratio = beyond.compare(of(&figures, row.against), |time, gets| time / gets);
        writeln!(
            out,
            "| {customers} | {} | {makes:.0} | {:.0} | {ratio:.2} |",
            row.name,
            beyond.median()
        )?;
    }
    Ok(())
}

/// What is left of each round without another contender's part in it, measured in the same round.
fn without(figures: &Figures, other: &Figures) -> Figures {
    let pairs = figures.rounds.iter().zip(&other.rounds);
    Figures {
        name: figures.name,
        against: figures.against,
        rounds: pairs.map(|(own, other)| own - other).collect(),
    }
}
