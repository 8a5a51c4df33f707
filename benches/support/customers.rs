//! Customers from a sequential source, and work on them that takes as long as is asked.

use std::array;
use std::hint::black_box;
use std::time::Duration;

use crm_clock::Clock;

/// A customer as a source hands it over: owned, with memory of its own.
pub(crate) struct Customer {
    pub(crate) id: u64,
    name: String,
    value: f64,
}

/// Makes so many customers, each in about 30 ns.
pub(crate) fn source(count: u64) -> impl Iterator<Item = Customer> + Send + 'static {
    (0..count).map(|id| Customer {
        id,
        name: format!("Customer {id}"),
        value: id as f64 * 0.25,
    })
}

/// Work that is bound by what the processor can do at once: eight chains that do not wait for one another.
///
/// One chain alone would leave the processor idle enough to begin with the next record meanwhile, which a loop over a chunk
/// gains from and a loop over the source does not.
#[inline(never)]
pub(crate) fn score(customer: &Customer, units: u64) -> u64 {
    let name = customer.name.as_bytes();
    let seed = customer.id ^ customer.value.to_bits() ^ u64::from(name[name.len() - 1]);
    let mut lanes: [u64; 8] = array::from_fn(|lane| seed.wrapping_add(lane as u64));
    for _ in 0..units {
        for lane in &mut lanes {
            *lane = (*lane ^ (*lane >> 31))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .wrapping_add(1);
        }
    }
    lanes.iter().fold(0, |mixed, lane| mixed ^ lane)
}

/// Units of work that take a microsecond here and now.
pub(crate) fn units_of_a_microsecond() -> f64 {
    const UNITS: u64 = 200_000;
    let clock = Clock::system();
    let customer = source(1).next().expect("one customer");
    let shortest = (0..25)
        .map(|_| {
            let start = clock.now();
            black_box(score(black_box(&customer), UNITS));
            clock.now() - start
        })
        .min();
    let shortest: Duration = shortest.expect("some repeats");
    UNITS as f64 / (shortest.as_secs_f64() * 1e6)
}
