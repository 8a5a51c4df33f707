//! An in-process cache for customer records: it learns what to keep, reads without a lock, and loads a missing record
//! once however many ask.
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
//! | hold the N records most worth holding | [`Cache::new`] |
//! | bound it by bytes, end entries, choose the policy, listen, turn the clock by hand | [`Cache::builder`] |
//! | read, and load what is missing | [`Cache::get_or_load`], [`Cache::get_or_insert_with`], for tasks [`Cache::get_or_load_async`] |
//! | read a page of many, and load what is missing in one query | [`Cache::get_many_or_load`] |
//! | refresh before the end, serve stale while the source is down, limit the wait | [`CacheBuilder::loading`], a [`LoadingCache`] |
//! | the same from a source that may not have the record | [`CacheBuilder::loading_optional`], [`LoadingBuilder::remember_absences`] |
//! | the same for pages, many keys in one query | [`CacheBuilder::loading_many`], [`LoadingCache::get_many`] |
//! | read and write by hand | [`Cache::get`], [`Cache::insert`] |
//! | look at a large value without cloning it | [`Cache::read`] |
//! | look without a trace in statistics and policy | [`Cache::peek`], [`Cache::contains_key`] |
//! | write only what somebody wants, or remove only what you saw | [`Cache::replace`], [`Cache::remove_if`] |
//! | drop what has changed elsewhere | [`Cache::remove`], [`Cache::retain`], [`Cache::clear`] |
//! | drop all that belongs to an account at once | [`CacheBuilder::tags`], [`Cache::invalidate_tag`] |
//! | answer an erasure request | [`Cache::forget`] |
//! | be warm at once after a restart | `Cache::snapshot`, `Cache::restore` with the feature `serde` |
//! | keep one tenant's bulk job from pushing out what others need | [`CacheBuilder::tenants`] |
//! | know whether it pays, and what is in it | [`Cache::stats`], [`Stats::since`], [`Cache::hottest`], [`Cache::keys`], [`Cache::entries`] |
//!
//! [`get`](Cache::get) clones the value, so a record larger than a few words belongs into an `Arc`. The cache itself is
//! not `Clone`: share it by reference, or put it into an `Arc`.
//!
//! # Freshness
//!
//! With a [time to live](CacheBuilder::time_to_live), a [time to idle](CacheBuilder::time_to_idle) or a life
//! [computed](CacheBuilder::expiry) for each entry, an entry is served only before its life is over by the cache's
//! [clock](CacheBuilder::clock), which by default lags a millisecond as a rule. The resolution is one millisecond: an
//! entry may end up to that much early. Its memory comes back as other entries come in,
//! when it is replaced or evicted, and by [`remove_expired`](Cache::remove_expired).
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
//! # Loading
//!
//! [`get_or_load`](Cache::get_or_load) takes its loader with each call and is all that many caches need. A
//! [`LoadingCache`] is given the loader once, and decides by rules when it runs:
//!
//! ```
//! use crm_cache::Cache;
//! use std::time::Duration;
//! # #[derive(Clone)] struct Database;
//! # impl Database { fn customer(&self, id: u64) -> Result<String, std::io::Error> { Ok(format!("customer {id}")) } }
//! # let db = Database;
//!
//! let customers = Cache::<u64, String>::builder(100_000)
//!     .time_to_live(Duration::from_secs(300))
//!     .loading(move |id: &u64| db.customer(*id))
//!     .executor(|job| drop(std::thread::spawn(job))) // rayon::spawn, Handle::spawn_blocking, ...
//!     .refresh_ahead(0.8)                            // whoever asks after 240 s has it loaded anew, and waits for nothing
//!     .stale_on_error(Duration::from_secs(3_600), Duration::from_secs(10)) // an hour without the database is survived
//!     .hard_limit(Duration::from_secs(2))
//!     .build()?;
//! assert_eq!(customers.get(&7)?, "customer 7");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With [`loading_many`](CacheBuilder::loading_many) a page's misses, and those of its entries that are to be
//! refreshed, are one query. A task asks with [`get_async`](LoadingCache::get_async) or
//! [`get_many_async`](LoadingCache::get_many_async), by the same rules.
//!
//! # Invalidation
//!
//! Change the source first, then invalidate: by key ([`remove`](Cache::remove)), by a condition
//! ([`retain`](Cache::retain)), by [tag](Cache::invalidate_tag), or all ([`clear`](Cache::clear)). Once the call has
//! returned nobody reads an older value, and no load that began before it brings one back.
//!
//! ```
//! use crm_cache::{Cache, Tag};
//!
//! // Pages of a list, each tagged with the customers that it shows.
//! let pages = Cache::<(u64, u32), Vec<u64>>::builder(10_000)
//!     .tags(|(account, _), customers, tags| {
//!         tags.add(Tag::new("account", *account));
//!         tags.extend(customers.iter().map(|id| Tag::new("customer", *id)));
//!     })
//!     .build()?;
//! pages.insert((1, 0), vec![7, 8]);
//! pages.insert((1, 1), vec![9]);
//! pages.invalidate_tag(Tag::new("customer", 8)); // whatever shows customer 8
//! assert!(pages.get(&(1, 0)).is_none() && pages.get(&(1, 1)).is_some());
//! # Ok::<(), crm_cache::BuildError>(())
//! ```
//!
//! What is easily got wrong:
//!
//! - **A value that was read by hand** is stored however old it is: see [`insert`](Cache::insert), and let a loader
//!   read.
//! - **Pages shift.** When a customer is added or renamed, rows move on pages that show other customers only. Tag each page
//!   of a list with the list too, and invalidate that tag when its order or its members change.
//! - **An error that says "there is none".** To a [`LoadingCache`] an error is an outage: the record that was deleted is
//!   served stale for as long as [`stale_on_error`](LoadingBuilder::stale_on_error) allows, and remembered failures cannot
//!   tell the two apart. Load by [`loading_optional`](CacheBuilder::loading_optional) and return `Ok(None)`, or give
//!   [`Request::answer_absent`].
//! - **A loader that blocks, in a task.** Without an [executor](LoadingBuilder::executor)
//!   [`get_async`](LoadingCache::get_async) runs the loader within the task that asks, and with it all else that this worker
//!   of the runtime has to do waits for the database. Give the builder `Handle::spawn_blocking`, or load by
//!   [`loading_by`](CacheBuilder::loading_by).
//! - **Dropped tasks.** A task may be dropped wherever it awaits: a client that hangs up is enough. An invalidation after
//!   the `.await` of the database's commit is then lost. Do both in a task of their own, which nobody drops
//!   (`tokio::spawn`), or in one job of `spawn_blocking`. A time to live bounds what is lost nevertheless.
//! - **`forget` blocks** until no reader looks at the value any more. In a task call it by way of `spawn_blocking`.
//!   The others wait for no reader.
//!
//! ```
//! use crm_cache::{Cache, Tag};
//!
//! // Pages of the customers of an account, by name: each shows some, and depends on the order of all.
//! let pages = Cache::<(u64, u32), Vec<u64>>::builder(10_000)
//!     .tags(|(account, _), customers, tags| {
//!         tags.add(Tag::new("list", *account));
//!         tags.extend(customers.iter().map(|id| Tag::new("customer", *id)));
//!     })
//!     .build()?;
//! pages.insert((1, 0), vec![7, 8]);
//! pages.insert((1, 1), vec![9]);
//! pages.invalidate_tag(Tag::new("list", 1)); // a customer was added, renamed or deleted: any page may have shifted
//! assert!(pages.get(&(1, 0)).is_none() && pages.get(&(1, 1)).is_none());
//! # Ok::<(), crm_cache::BuildError>(())
//! ```
//!
//! # Tenants
//!
//! A cache that serves many accounts is everybody's: one account's export can push out what all others need. Give those
//! that matter a [share](CacheBuilder::tenants). It is theirs whatever the others do; what they do not use is lent out,
//! and comes back as soon as they want it.
//!
//! ```
//! use crm_cache::Cache;
//!
//! // The key says whose the record is. All tenants that are not named share what is left, here six tenths.
//! let customers = Cache::<(&str, u64), String>::builder(10_000)
//!     .tenants(|(tenant, _): &(&str, u64)| *tenant, [("acme", 0.3), ("globex", 0.1)])
//!     .build()?;
//! (0..3_000).for_each(|id| drop(customers.insert(("acme", id), "kept".to_owned())));
//! (0..50_000).for_each(|id| drop(customers.insert(("initech", id), "an export".to_owned())));
//! assert_eq!((customers.tenant_len("acme"), customers.tenant_capacity("globex")), (3_000, 1_000));
//! assert_eq!(customers.tenant_len("initech"), 7_000); // globex lends its thousand until it needs them
//! # Ok::<(), crm_cache::BuildError>(())
//! ```
//!
//! # Snapshots
//!
//! A service that starts with an empty cache sends its whole traffic to the database. With the feature `serde` it
//! begins with what it held before: `Cache::snapshot`, or `LoadingCache::snapshot`, writes the entries with what is
//! left of their lives and what the policy knows of them, `restore` takes them in.
//!
//! ```
//! # #[cfg(feature = "serde")] {
//! use crm_cache::Cache;
//! use std::fs::{self, File};
//! use std::time::Duration;
//!
//! # let folder = std::env::temp_dir().join(format!("crm-cache-{}", std::process::id()));
//! # fs::create_dir_all(&folder)?;
//! let build = || Cache::<u64, String>::builder(100_000).time_to_live(Duration::from_secs(3_600)).build();
//! let customers = build()?;
//! customers.insert(7, "Ada".to_owned());
//!
//! // When the service stops, or every few minutes. Renamed when it is complete, so that there always is a whole one.
//! let (path, draft) = (folder.join("customers"), folder.join("customers.draft"));
//! customers.snapshot(File::create(&draft)?)?;
//! fs::rename(&draft, &path)?;
//!
//! // When it starts again, before it serves. Whatever goes wrong, the cache can be used.
//! let customers = build()?;
//! match customers.restore(File::open(&path)?) {
//!     Ok(entries) => println!("{entries} customers are warm"),
//!     Err(error) => eprintln!("{error:#}"),
//! }
//! assert_eq!(customers.get(&7).as_deref(), Some("Ada"));
//! # fs::remove_dir_all(&folder)?;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - **Nothing comes back that was invalidated** before the snapshot was taken, or in the restoring cache before or
//!   during the restore. A snapshot holds what was fresh while it was taken. It is restored only into a cache that
//!   nobody has written to, and what is written, removed or invalidated while that goes on stays so.
//! - **What was invalidated after the snapshot was taken is still in the file.** A service that crashes then, and
//!   restores, serves it again until its life is over. So after an erasure ([`forget`](Cache::forget)) take a new
//!   snapshot or delete the file, and with it its copies; or hold it against your log of what was erased or changed,
//!   with `restore_if`.
//! - **Lives go on**, the time in which the service was down included: what has expired meanwhile is left out. What has
//!   changed in the database meanwhile the cache cannot know. A time to live bounds that, as it always does; without
//!   one, restore only where the source does not change behind the cache's back.
//! - **The hottest come first.** A smaller cache keeps them, and so does one whose snapshot has lost its end.
//! - **Damage is found**, by a checksum over each block of 64 KiB, before anything of the block is used. A snapshot of
//!   another version of the format, of types with other names, or of another `CacheBuilder::snapshot_version` is
//!   refused. Change that version whenever fields change: two of one type that change places cannot be told apart
//!   otherwise.
//! - **A restart can be tested**: `CacheBuilder::wall_clock` says how late it is.
//! - **Values in an `Arc`** need `serde` with its own feature `rc`:
//!   `serde = { version = "1", features = ["derive", "rc"] }`.
//!
//! ```
//! # #[cfg(feature = "serde")] {
//! use crm_cache::Cache;
//! use serde::{Deserialize, Serialize};
//! use std::sync::Arc;
//!
//! #[derive(Serialize, Deserialize)]
//! struct Customer {
//!     name: String,
//! }
//! let build = || Cache::<u64, Arc<Customer>>::builder(100).snapshot_version("customers 1").build();
//! let customers = build()?;
//! customers.insert(7, Arc::new(Customer { name: "Ada".to_owned() }));
//! let mut file = Vec::new();
//! customers.snapshot(&mut file)?;
//! let restarted = build()?;
//! restarted.restore(&file[..])?;
//! assert_eq!(restarted.get(&7).map(|customer| customer.name.clone()).as_deref(), Some("Ada"));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! - **Bound**: `len() <= capacity()` at every moment, and with a [weigher](CacheBuilder::weigher) `weight()` is never
//!   above `max_weight()`, except while that is being lowered. What is heavier than all of it is refused and
//!   [handed back](Cache::try_insert).
//! - **Identity**: keys are compared by `Eq`, never by their hash alone; a record is never served for another key.
//! - **One load per key**: concurrent [`get_or_load`](Cache::get_or_load) calls for one key run one loader. Its error
//!   reaches every waiter and is not cached; if it panics, one of the waiters loads instead.
//! - **No stale refill**: once [`insert`](Cache::insert), [`replace`](Cache::replace), [`remove`](Cache::remove),
//!   [`forget`](Cache::forget), [`retain`](Cache::retain), [`clear`](Cache::clear) or
//!   [`invalidate_tag`](Cache::invalidate_tag) has returned, a load that began before the call never puts its older
//!   result into the cache. Those who waited for that load still receive it; who asks later does not.
//! - **Concurrency**: operations on one key are linearisable. Under [`Policy::Adaptive`] reads take no lock. Loaders,
//!   listeners, weighers, expiry functions and the destructors of values that leave run under no lock. `Hash`, `Eq` and
//!   `Clone` of keys and values may run under one, and must not use the cache.
//! - **Panics** of loaders, of functions given to a builder or a call, and of the code of keys and values leave a cache
//!   that works. Those of a listener are contained and counted, all others go to whoever ran the code. A cache is
//!   [`UnwindSafe`](std::panic::UnwindSafe).
//! - **Complexity**: every operation on a key is O(1), a removal O(loads under way), and an insertion into a full cache
//!   that is bounded by weight as many evictions as it takes; [`stats`](Cache::stats) is O(shards); `entries`, `keys`,
//!   `hottest`, `coldest`, `retain`, `clear`, `remove_expired` and snapshots look at every entry.
//! - **Fair shares**: with [`tenants`](CacheBuilder::tenants) nobody's entry leaves for another tenant's unless its own
//!   tenant holds more than it is guaranteed, whatever other threads do.
//! - **Eviction**: see [`Policy`]. The whole capacity is usable, whatever the number of shards.
//! - **Memory**: about 40 bytes an entry beyond key and value; see [below](#memory).
//!
//! # Memory
//!
//! What an entry of the *capacity* costs under [`Policy::Adaptive`], in bytes beyond key and value, counted in the
//! allocator for `u64` -> `u64` and a million entries:
//!
//! | cache | when it is built | when it is full |
//! |---|---|---|
//! | plain, with a time to live or without | 33 | 40 |
//! | with a [time to idle](CacheBuilder::time_to_idle), or with a [weigher](CacheBuilder::weigher) | 41 | 48 |
//! | with [tags](CacheBuilder::tags) | 90 | 97 |
//! | [`LoadingCache`] | 89 | 97 |
//! | with [tenants](CacheBuilder::tenants) | 90 | 110 |
//! | with tenants and tags | 98 | 118 |
//!
//! The slots are reserved when the cache is built, **key and value included**: a capacity of a million entries of a
//! kilobyte each reserves a gigabyte, of an `Arc` each 48 megabytes. The system gives memory only to what is used, but
//! has to promise it; a capacity that it promises nothing for is [`BuildError::OutOfMemory`]. So let the capacity be
//! what you expect, also where a weight is the bound. [`Policy::Lru`] reserves nothing, and takes 84 bytes for an entry
//! that is held, 140 with tags.
//!
//! # Features
//!
//! | feature | brings | default |
//! |---|---|---|
//! | `serde` | [snapshots](#snapshots): `Cache::snapshot`, `Cache::restore`; [`Stats`] in any format; over `serde`, `postcard` and `crc32fast`. Values in an `Arc` need `serde`'s feature `rc` | no |
//!
//! The design is explained in [`_design`].

#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(unsafe_code)]

mod adaptive;
mod arrival;
mod bound;
mod builder;
mod cache;
mod content;
mod error;
mod hash;
mod load;
mod loading;
mod lru;
mod outflow;
mod policy;
mod removal;
mod shares;
#[cfg(feature = "serde")]
mod snapshot;
mod stats;
#[expect(
    unsafe_code,
    reason = "lock-free reads; argued block by block in the module, which holds all of it"
)]
mod store;
mod sync;
mod tags;
mod tally;
mod tenants;
mod time;

pub use builder::CacheBuilder;
pub use cache::Cache;
#[doc(no_inline)]
pub use crm_clock::{Clock, ManualClock};
pub use equivalent::Equivalent;
pub use error::{BuildError, LoadError, NotReplaced, NotReplacedReason, Refused};
pub use hash::{DefaultHashBuilder, DefaultHasher};
pub use loading::{LoadingBuilder, LoadingCache, Request};
pub use policy::Policy;
pub use removal::RemovalCause;
#[cfg(feature = "serde")]
pub use snapshot::{RestoreError, SnapshotError};
pub use stats::Stats;
pub use tags::{Tag, TagIdentity, Tags};
pub use tenants::Tenant;

#[doc = include_str!("../DESIGN.md")]
pub mod _design {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
