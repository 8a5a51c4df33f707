//! Reading an entry with tags, next to one without. Customers are all there, and come by Zipf's law (0.99).
//!
//! A cache with tags is read twice: as it was filled, and after a hundredth of all tags has been invalidated, none of which
//! a customer has, so that reads can no longer tell from the count of invalidations alone that theirs was not among them.

use std::hint::black_box;
use std::io::{self, Write};
use std::ops::Range;

use crm_cache::{Cache, Tag};

use crate::support::rounds::{Contender, in_turn, of};
use crate::support::{together, zipf};
use crate::{SHARING, Scale, tagged};

/// Look-ups of a thread in a round.
const REQUESTS: usize = 1 << 18;

const PLAIN: &str = "without tags";

/// The customers that each thread asks for, and how many of them in a round.
#[derive(Clone, Copy)]
struct Requests<'a> {
    streams: &'a [Vec<u32>],
    count: usize,
}

impl<'a> Requests<'a> {
    fn of(self, name: &'static str, get: impl Fn(u64) -> Option<u64> + Sync + 'a) -> Contender<'a> {
        Contender::new(name, PLAIN, move |round| {
            let requests = round * self.count..(round + 1) * self.count;
            let go = |part: Range<usize>| {
                together::time(self.streams.len(), |thread| {
                    for &id in &self.streams[thread][part.clone()] {
                        assert!(black_box(get(u64::from(id))).is_some(), "{name} lost one");
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

fn filled(cache: Cache<u64, u64>, customers: u32) -> Cache<u64, u64> {
    for id in (1..=customers).map(u64::from) {
        cache.insert(id, id);
    }
    cache
}

pub(crate) fn measure(out: &mut impl Write, scale: Scale, threads: &[usize]) -> io::Result<()> {
    let count = REQUESTS / scale.smaller;
    writeln!(
        out,
        "get: one look-up on one thread, median of {} rounds of {count} a thread\n",
        scale.rounds
    )?;
    writeln!(
        out,
        "| keys | threads | cache | ns | ns beyond one without tags | quartiles |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|")?;
    for (customers, capacity) in [(10_000, 20_000), (1_000_000, 1_250_000)] {
        let (customers, capacity) = (customers / scale.smaller, capacity / scale.smaller);
        case(out, scale, threads, customers as u32, capacity)?;
    }
    Ok(())
}

fn case(
    out: &mut impl Write,
    scale: Scale,
    threads: &[usize],
    customers: u32,
    capacity: usize,
) -> io::Result<()> {
    let count = REQUESTS / scale.smaller;
    let with = |tags| filled(tagged(capacity, tags, u64::from(customers)), customers);
    let plain = filled(Cache::new(capacity), customers);
    let second = filled(Cache::new(capacity), customers);
    let [none, one, two, three] = [0, 1, 2, 3].map(with);
    let [used_none, used_one, used_two, used_three] = [0, 1, 2, 3].map(with);
    for cache in [&used_none, &used_one, &used_two, &used_three] {
        for other in 0..u64::from(customers) / SHARING / 100 {
            cache.invalidate_tag(Tag::new("nobody's", other));
        }
        // Those whose tag happens to have the place of one of these.
        for id in (1..=customers).map(u64::from) {
            if cache.get(&id).is_none() {
                cache.insert(id, id);
            }
        }
    }
    let quick = quick_cache::sync::Cache::<u64, u64>::new(capacity);
    (1..=u64::from(customers)).for_each(|id| quick.insert(id, id));

    let most = threads.iter().copied().max().unwrap_or(1);
    let streams: Vec<_> = (1..)
        .take(most)
        .map(|seed| zipf::ids(customers, (scale.rounds + 1) * count, seed))
        .collect();
    for &threads in threads {
        let requests = Requests {
            streams: &streams[..threads],
            count,
        };
        let mut contenders = [
            requests.of(PLAIN, |id| plain.get(&id)),
            requests.of("without tags, again", |id| plain.get(&id)),
            requests.of("without tags, a second one", |id| second.get(&id)),
            requests.of("no tag an entry", |id| none.get(&id)),
            requests.of("1 tag an entry", |id| one.get(&id)),
            requests.of("2 tags an entry", |id| two.get(&id)),
            requests.of("3 tags an entry", |id| three.get(&id)),
            requests.of("no tag an entry, others invalidated", |id| {
                used_none.get(&id)
            }),
            requests.of("1 tag an entry, others invalidated", |id| used_one.get(&id)),
            requests.of("2 tags an entry, others invalidated", |id| {
                used_two.get(&id)
            }),
            requests.of("3 tags an entry, others invalidated", |id| {
                used_three.get(&id)
            }),
            requests.of("quick_cache", |id| quick.get(&id)),
        ];
        let figures = in_turn(&mut contenders, scale.rounds);
        for row in &figures {
            let more = row.compare(of(&figures, row.against), |own, other| own - other);
            writeln!(
                out,
                "| {customers} | {threads} | {} | {:.1} | {more:.1} |",
                row.name,
                row.median()
            )?;
        }
    }
    Ok(())
}
