//! What several tests need: the plain loop that a batch must agree with, records that count themselves, a watchdog.

#![expect(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses the parts that it needs"
)]

pub mod again;
pub mod fate;
pub mod files;
pub mod tables;
pub mod tally;
pub mod watchdog;

use std::sync::{Arc, OnceLock};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// A pool of `threads`, made once for each size and shared by the tests of a binary.
pub fn pool(threads: usize) -> Arc<ThreadPool> {
    static POOLS: [OnceLock<Arc<ThreadPool>>; 5] = [const { OnceLock::new() }; 5];
    let start = || {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        Arc::new(pool.unwrap())
    };
    Arc::clone(POOLS[threads].get_or_init(start))
}
