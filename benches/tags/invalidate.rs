//! Invalidating a tag of a full cache. Tags are invalidated in no order; after them the cache is asked for some of their
//! entries, and has none of them.

use std::hint::black_box;
use std::io::{self, Write};

use crm_cache::Tag;
use crm_clock::Clock;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use crate::{SHARING, Scale, tagged};

const ENTRIES: usize = 1_000_000;

/// Calls of what looks at each entry.
const SLOW_CALLS: usize = 10;

/// After so many calls moka must have gone through its entries.
const MOST_PORTIONS: usize = 100_000;

/// Times each call; the times in nanoseconds, in order.
fn times<T>(items: impl IntoIterator<Item = T>, mut call: impl FnMut(T)) -> Vec<u64> {
    let clock = Clock::system();
    let mut times: Vec<_> = items
        .into_iter()
        .map(|item| {
            let start = clock.now();
            call(item);
            (clock.now() - start).as_nanos() as u64
        })
        .collect();
    times.sort_unstable();
    times
}

fn row(out: &mut impl Write, name: &str, times: &[u64]) -> io::Result<()> {
    let last = times.len() - 1;
    let quantile = |share: f64| times[(last as f64 * share) as usize];
    writeln!(
        out,
        "| {name} | {} | {} | {} | {} |",
        times.len(),
        quantile(0.5),
        quantile(0.99),
        times[last]
    )
}

pub(crate) fn measure(out: &mut impl Write, scale: Scale) -> io::Result<()> {
    let entries = (ENTRIES / scale.smaller) as u64;
    let accounts = entries / SHARING;
    writeln!(
        out,
        "invalidate: {entries} entries, {accounts} tags, ns of a call\n"
    )?;
    writeln!(out, "| call | calls | median | 99 % | longest |")?;
    writeln!(out, "|---|---|---|---|---|")?;

    let mut order: Vec<u64> = (0..accounts).collect();
    order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(1));
    let (mut first, mut second) = (order.clone(), order.split_off(order.len() / 2));
    first.truncate(order.len());
    let slow = second.split_off(second.len() - SLOW_CALLS);

    row(
        out,
        "clock",
        &times(&order, |account| {
            black_box(account);
        }),
    )?;
    let cache = tagged(entries as usize + entries as usize / 4, 1, entries);
    let moka = moka::sync::Cache::builder()
        .max_capacity(entries + entries / 4)
        .support_invalidation_closures()
        .build();
    for key in 0..entries {
        cache.insert(key, key);
        moka.insert(key, key);
    }
    moka.run_pending_tasks();

    let invalidate = |account: &u64| cache.invalidate_tag(Tag::new("account", *account));
    row(out, "crm_cache invalidate_tag", &times(&first, invalidate))?;
    row(
        out,
        "crm_cache invalidate_tag, again",
        &times(&second, invalidate),
    )?;
    let is_gone = |account: &u64| cache.get(&(account * SHARING)).is_none();
    assert!(
        first.iter().chain(&second).all(is_gone),
        "served what was invalidated"
    );

    // The accounts that are left.
    let of_account = |key: u64, account: u64| key / SHARING == account;
    let retain = times(&slow, |&account| {
        cache.retain(|&key, _| !of_account(key, account));
    });
    row(out, "crm_cache retain", &retain)?;
    let note = times(&slow, |&account| {
        let noted = moka.invalidate_entries_if(move |&key, _| of_account(key, account));
        noted.expect("the cache was built for it");
    });
    row(out, "moka invalidate_entries_if, noting", &note)?;
    // It goes through the entries in portions, at later calls, and may leave out a few until they are asked for.
    let left = entries - (SLOW_CALLS as u64 - 1) * SHARING;
    let settle = times([SLOW_CALLS], |_| {
        for _ in 0..MOST_PORTIONS {
            moka.run_pending_tasks();
            if moka.entry_count() <= left {
                return;
            }
        }
    });
    assert!(moka.entry_count() <= left, "moka has not settled");
    row(out, "moka, settling all of these", &settle)
}
