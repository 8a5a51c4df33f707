//! An in-process cache for customer records: exact LRU, time to live, and one load per key however many ask.
//!
//! ```
//! use crm_cache::Cache;
//! use std::sync::Arc;
//! # #[derive(Debug, PartialEq)]
//! # struct Customer { name: String }
//! # struct Database;
//! # impl Database {
//! #     fn customer(&self, id: u64) -> Result<Arc<Customer>, std::io::Error> {
//! #         Ok(Arc::new(Customer { name: format!("customer {id}") }))
//! #     }
//! # }
//! # let db = Database;
//!
//! let customers: Cache<u64, Arc<Customer>> = Cache::new(100_000);
//!
//! // The first caller loads, everybody else who wants customer 7 meanwhile waits for that one load.
//! let customer = customers.get_or_load(&7, |id| db.customer(*id))?;
//! assert_eq!(customer.name, "customer 7");
//! assert_eq!(customers.get(&7), Some(customer)); // from memory now
//!
//! customers.remove(&7); // after an update of the database
//! assert_eq!(customers.get(&7), None);
//! # Ok::<(), crm_cache::LoadError<std::io::Error>>(())
//! ```
//!
//! # How to choose
//!
//! | you want to | reach for |
//! |---|---|
//! | hold the last used N records | [`Cache::new`] |
//! | set a time to live, the shards, a clock for tests | [`Cache::builder`] |
//! | read, and load what is missing | [`Cache::get_or_load`] |
//! | read and write by hand | [`Cache::get`], [`Cache::insert`] |
//! | drop what has changed elsewhere | [`Cache::remove`], [`Cache::clear`] |
//! | know whether it pays | [`Cache::stats`] |
//!
//! A value is cloned on its way out, so a record larger than a few words belongs into an `Arc`.
//!
//! # Freshness
//!
//! With a [time to live](CacheBuilder::time_to_live) an entry is served strictly before its age reaches the limit and
//! never after. Its memory comes back when it is asked for again, replaced or evicted.
//!
//! ```
//! use crm_cache::{Cache, Clock};
//! use std::time::Duration;
//!
//! let (clock, hand) = Clock::manual(); // in production the system clock is the default
//! let prices: Cache<&str, u32> =
//!     Cache::builder(1_000).time_to_live(Duration::from_secs(300)).clock(clock).build()?;
//! prices.insert("plan A", 990);
//! hand.advance(Duration::from_secs(299));
//! assert_eq!(prices.get("plan A"), Some(990));
//! hand.advance(Duration::from_secs(1));
//! assert_eq!(prices.get("plan A"), None);
//! # Ok::<(), crm_cache::BuildError>(())
//! ```
//!
//! # Guarantees
//!
//! - **Bound**: `len() <= capacity()` at every moment.
//! - **Identity**: keys are compared by `Eq`, never by their hash alone; a record is never served for another key.
//! - **One load per key**: concurrent [`get_or_load`](Cache::get_or_load) calls for one key run one loader. Its error
//!   reaches every waiter and is not cached; if it panics, one of the waiters loads instead.
//! - **No stale refill**: once [`insert`](Cache::insert), [`remove`](Cache::remove) or [`clear`](Cache::clear) has
//!   returned, a load that began before the call never puts its older result into the cache. Those who waited for that
//!   load still receive it.
//! - **Concurrency**: keys are spread over locked shards; operations on one key are linearisable. Loaders run under no
//!   lock, values are dropped under no lock.
//! - **Complexity**: every operation on a key is O(1); [`len`](Cache::len) and [`stats`](Cache::stats) are O(shards).
//! - **Order**: eviction is exact LRU within a shard; with [`shards(1)`](CacheBuilder::shards) over the whole cache.
//!
//! There are no optional features. The design is explained in [`_design`].

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod builder;
mod cache;
mod error;
mod flight;
mod hash;
mod shard;
mod stats;

pub use builder::CacheBuilder;
pub use cache::Cache;
pub use crm_clock::{Clock, ManualClock};
pub use error::{BuildError, LoadError};
pub use hash::DefaultHashBuilder;
pub use stats::Stats;

#[doc = include_str!("../DESIGN.md")]
pub mod _design {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
