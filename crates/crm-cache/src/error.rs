//! What can go wrong: a configuration that makes no cache, an entry that is too heavy, a load that gives no value.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A configuration from which no cache can be built; see [`CacheBuilder::build`](crate::CacheBuilder::build).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum BuildError {
    /// The capacity is zero.
    ZeroCapacity,
    /// The number of shards is zero.
    ZeroShards,
    /// There are more shards than entries, so that some shard could hold none.
    MoreShardsThanEntries {
        /// The shards that were asked for.
        shards: usize,
        /// The capacity, in entries.
        capacity: usize,
    },
    /// The time to live is below the cache's resolution of one millisecond, so that no entry could be read.
    TimeToLiveTooShort {
        /// The time to live that was asked for.
        time_to_live: Duration,
    },
    /// The time to idle is below the cache's resolution of one millisecond, so that no entry could be read.
    TimeToIdleTooShort {
        /// The time to idle that was asked for.
        time_to_idle: Duration,
    },
    /// The weight that the cache may hold is zero.
    ZeroWeight,
    /// The largest batch of keys is zero.
    ZeroBatch,
    /// A weight was to be changed in a cache that does not weigh its entries.
    NoWeigher,
    /// The jitter is not a share from 0 to 1.
    JitterOutOfRange {
        /// The jitter that was asked for.
        jitter: f64,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroCapacity => {
                f.write_str("the capacity is zero: give the cache room for at least one entry")
            }
            Self::ZeroShards => f.write_str(
                "the number of shards is zero: use at least one, or leave it to the cache",
            ),
            Self::MoreShardsThanEntries { shards, capacity } => write!(
                f,
                "{shards} shards cannot share a capacity of {capacity}: use at most {capacity} shards"
            ),
            Self::TimeToLiveTooShort { time_to_live } => write!(
                f,
                "a time to live of {time_to_live:?} is below the resolution: use at least 1ms, or leave it out to keep \
                 entries until evicted"
            ),
            Self::TimeToIdleTooShort { time_to_idle } => write!(
                f,
                "a time to idle of {time_to_idle:?} is below the resolution: use at least 1ms, or leave it out to keep \
                 entries that nobody reads"
            ),
            Self::ZeroWeight => f.write_str(
                "the weight that the cache may hold is zero: allow at least the weight of one entry",
            ),
            Self::ZeroBatch => f.write_str(
                "the largest batch is zero: allow at least one key, or leave it to the cache",
            ),
            Self::NoWeigher => f.write_str(
                "this cache does not weigh its entries: give the builder a weigher",
            ),
            Self::JitterOutOfRange { jitter } => {
                write!(
                    f,
                    "the jitter is {jitter}: use a share of the life from 0 (none) to 1 (all of it)"
                )
            }
        }
    }
}

impl Error for BuildError {}

/// An entry that did not come in because it is heavier than the whole cache may be; see
/// [`Cache::try_insert`](crate::Cache::try_insert).
#[non_exhaustive]
pub struct Refused<K, V> {
    /// The key, handed back.
    pub key: K,
    /// The value, handed back.
    pub value: V,
    /// What the entry weighs.
    pub weight: u64,
    /// The fresh value that was under this key before. It has left too, being out of date.
    pub previous: Option<V>,
}

impl<K, V> fmt::Debug for Refused<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

impl<K, V> fmt::Display for Refused<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "an entry of weight {} is heavier than the whole cache may be: raise the weight limit, or keep such values \
             elsewhere",
            self.weight
        )
    }
}

impl<K, V> Error for Refused<K, V> {}

/// Why [`Cache::get_or_load`](crate::Cache::get_or_load) gives no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError<E> {
    /// The loader failed. Everyone who waited for this load gets the same error; nothing was cached.
    Failed(Arc<E>),
    /// The loader of a key asked the cache to load the same key, which would wait for itself for ever.
    Reentrant,
}

impl<E> LoadError<E> {
    /// The loader's own error, if it was the loader that failed.
    #[must_use]
    pub fn loader_error(&self) -> Option<&E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Reentrant => None,
        }
    }
}

impl<E> Clone for LoadError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
            Self::Reentrant => Self::Reentrant,
        }
    }
}

impl<E: fmt::Display> fmt::Display for LoadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "the loader failed: {error}"),
            Self::Reentrant => f.write_str(
                "the loader asked for a key that it is loading: read the source instead of the cache",
            ),
        }
    }
}

impl<E: Error + 'static> Error for LoadError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(&**error),
            Self::Reentrant => None,
        }
    }
}
