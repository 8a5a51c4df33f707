//! A cache with its loader: it loads what is missing, refreshes what is about to end, and serves what is stale while nothing
//! better can be had.
//!
//! | file | what it holds |
//! |---|---|
//! | `builder.rs` | the configuration |
//! | `check.rs` | which configurations make no sense |
//! | `rules.rs` | when to refresh, and how long what is stale may be served |
//! | `get.rs` | reading, and loading what is missing |
//! | `page.rs` | what a call has so far |
//! | `journey.rs` | the loads that a call has joined or begun |
//! | `limits.rs` | how long a call waits |
//! | `entries.rs` | what it has in common with a plain cache |
//! | `request.rs` | one load, wherever it runs |
//! | `crew.rs` | many keys in one load, and refreshes |
//! | `landing.rs` | what becomes of what a load has brought |
//! | `snapshot.rs` | snapshots of the values |

mod builder;
mod check;
mod crew;
mod entries;
mod get;
mod journey;
mod landing;
mod limits;
mod page;
mod request;
mod rules;
#[cfg(feature = "serde")]
mod snapshot;

use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use builder::LoadingBuilder;
pub use request::Request;

use crate::{Cache, DefaultHashBuilder};
use rules::Rules;

/// A [`Cache`] that knows how to load what is missing. Made by [`CacheBuilder::loading`](crate::CacheBuilder::loading),
/// [`CacheBuilder::loading_optional`](crate::CacheBuilder::loading_optional),
/// [`CacheBuilder::loading_many`](crate::CacheBuilder::loading_many) or
/// [`CacheBuilder::loading_by`](crate::CacheBuilder::loading_by).
///
/// What a plain cache leaves to each call it decides once for all: where loads run, when an entry is refreshed before its
/// life is over, how long a stale value may stand in for one that cannot be had, how long a load may take, how long a
/// failure is remembered. Clones share the cache.
///
/// Give the builder what is about entries before `loading`: [`tags`](crate::CacheBuilder::tags),
/// [`expiry`](crate::CacheBuilder::expiry) and [`weigher`](crate::CacheBuilder::weigher) see what the loader has brought, so
/// a loader gives tags or a life of its own with the value.
///
/// ```
/// use crm_cache::Cache;
/// use std::time::Duration;
///
/// # #[derive(Clone)] struct Database;
/// # impl Database { fn customer(&self, id: u64) -> Result<String, std::io::Error> { Ok(format!("customer {id}")) } }
/// # let db = Database;
/// let customers = Cache::<u64, String>::builder(100_000)
///     .time_to_live(Duration::from_secs(300))
///     .loading(move |id: &u64| db.customer(*id))
///     .executor(|job| drop(std::thread::spawn(job)))   // a pool in a service: rayon::spawn, Handle::spawn_blocking
///     .refresh_ahead(0.8)                              // load anew, in the background, after four minutes
///     .stale_on_error(Duration::from_secs(3_600), Duration::from_secs(10))
///     .build()?;
/// assert_eq!(customers.get(&7)?, "customer 7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "AsyncLoadingCache", alias = "read-through")]
pub struct LoadingCache<K, V, E, S = DefaultHashBuilder>(Arc<Inner<K, V, E, S>>);

/// What the cache holds under a key: a value, or that it could not be loaded.
pub(crate) enum Loaded<V, E> {
    Value(V),
    Failed(Arc<E>),
    /// The source does not have it.
    Absent,
}

impl<V, E> Loaded<V, E> {
    fn value(&self) -> Option<&V> {
        match self {
            Self::Value(value) => Some(value),
            Self::Failed(_) | Self::Absent => None,
        }
    }

    fn into_value(self) -> Option<V> {
        match self {
            Self::Value(value) => Some(value),
            Self::Failed(_) | Self::Absent => None,
        }
    }
}

impl<V: Clone, E> Clone for Loaded<V, E> {
    fn clone(&self) -> Self {
        match self {
            Self::Value(value) => Self::Value(value.clone()),
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
            Self::Absent => Self::Absent,
        }
    }
}

/// How loads are run.
enum Loads<K, V, E> {
    /// In the thread that asks, and in the background on the executor if there is one.
    Function {
        load: Load<K, V, E>,
        executor: Option<Executor>,
    },
    /// The same with many keys in one load.
    Many {
        load: LoadMany<K, V, E>,
        executor: Option<Executor>,
    },
    /// Wherever this function starts them.
    Started(Arc<dyn Fn(Request<K, V, E>) + Send + Sync>),
}

impl<K, V, E> Loads<K, V, E> {
    /// Whether loads may run elsewhere than in the thread that asks.
    fn has_background(&self) -> bool {
        match self {
            Self::Function { executor, .. } | Self::Many { executor, .. } => executor.is_some(),
            Self::Started(_) => true,
        }
    }
}

/// Loads a key, or finds that there is no such value.
type Load<K, V, E> = Arc<dyn Fn(&K) -> Result<Option<V>, E> + Send + Sync>;

/// Loads many keys.
type LoadMany<K, V, E> = Arc<dyn Fn(&[K]) -> Result<Vec<(K, V)>, E> + Send + Sync>;

/// Runs jobs somewhere else.
type Executor = Arc<dyn Fn(Box<dyn FnOnce() + Send>) + Send + Sync>;

/// A future that is ready after a while.
type Sleep = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

struct Inner<K, V, E, S> {
    cache: Cache<K, Loaded<V, E>, S>,
    loads: Loads<K, V, E>,
    rules: Rules,
    sleep: Option<Sleep>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    refreshes: AtomicU64,
    stale: AtomicU64,
    failures: AtomicU64,
    timeouts: AtomicU64,
    executor_panics: AtomicU64,
}

fn count(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

impl<K, V, E, S> Clone for LoadingCache<K, V, E, S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

// As of a plain cache, and for the same reasons. What the user's functions hold is up to them.
impl<K, V, E, S> UnwindSafe for LoadingCache<K, V, E, S>
where
    K: UnwindSafe + RefUnwindSafe,
    V: UnwindSafe + RefUnwindSafe,
    E: UnwindSafe + RefUnwindSafe,
    S: UnwindSafe + RefUnwindSafe,
{
}

impl<K, V, E, S> RefUnwindSafe for LoadingCache<K, V, E, S>
where
    K: UnwindSafe + RefUnwindSafe,
    V: UnwindSafe + RefUnwindSafe,
    E: UnwindSafe + RefUnwindSafe,
    S: UnwindSafe + RefUnwindSafe,
{
}

impl<K, V, E, S> fmt::Debug for LoadingCache<K, V, E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadingCache")
            .field("cache", &self.0.cache)
            .field("rules", &self.0.rules)
            .finish_non_exhaustive()
    }
}
