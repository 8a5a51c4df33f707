//! What can go wrong: a configuration that makes no cache, an entry that is too heavy, a load that gives no value.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A configuration from which no cache can be built; see [`CacheBuilder::build`](crate::CacheBuilder::build).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BuildError {
    /// The capacity is zero.
    ZeroCapacity,
    /// The capacity is above 2,147,483,647 entries.
    #[non_exhaustive]
    CapacityTooLarge {
        /// The capacity that was asked for, in entries.
        capacity: usize,
    },
    /// There is no memory for what the capacity costs before anything is held.
    #[non_exhaustive]
    OutOfMemory {
        /// The capacity that was asked for, in entries.
        capacity: usize,
        /// The bytes that were asked for, about.
        bytes: usize,
    },
    /// The number of shards is zero.
    ZeroShards,
    /// There are more shards than entries, so that some shard could hold none.
    #[non_exhaustive]
    MoreShardsThanEntries {
        /// The shards that were asked for.
        shards: usize,
        /// The capacity, in entries.
        capacity: usize,
    },
    /// The time to live is below the cache's resolution of one millisecond, so that no entry could be read.
    #[non_exhaustive]
    TimeToLiveTooShort {
        /// The time to live that was asked for.
        time_to_live: Duration,
    },
    /// The time to idle is below the cache's resolution of one millisecond, so that no entry could be read.
    #[non_exhaustive]
    TimeToIdleTooShort {
        /// The time to idle that was asked for.
        time_to_idle: Duration,
    },
    /// The weight that the cache may hold is zero.
    ZeroWeight,
    /// The largest batch of keys is zero.
    ZeroBatch,
    /// A rule needs loads in the background, and there is nothing to run them.
    NoExecutor,
    /// There is an executor beside loads that are started by a function of one's own.
    UselessExecutor,
    /// A rule is about the end of a life, and no life ends.
    NothingEnds,
    /// A soft limit is set, and nothing stale is kept that could be served past it.
    NothingStale,
    /// The pause after a failed load is given twice, by `retry_pause` and by `stale_on_error`.
    TwoPauses,
    /// Failures are to be remembered for less than the cache's resolution of one millisecond.
    #[non_exhaustive]
    FailuresTooShort {
        /// The life of a failure that was asked for.
        life: Duration,
    },
    /// Absences are to be remembered for less than the cache's resolution of one millisecond.
    #[non_exhaustive]
    AbsencesTooShort {
        /// The life of an absence that was asked for.
        life: Duration,
    },
    /// The share of a life after which to refresh is not between 0 and 1.
    #[non_exhaustive]
    RefreshOutOfRange {
        /// The share that was asked for.
        share: f64,
    },
    /// The factor of early expiry is not a positive number.
    #[non_exhaustive]
    EarlinessOutOfRange {
        /// The factor that was asked for.
        beta: f64,
    },
    /// The soft limit on loads is above the hard one, so that it would never count.
    #[non_exhaustive]
    SoftLimitOverHardLimit {
        /// The soft limit.
        soft: Duration,
        /// The hard limit.
        hard: Duration,
    },
    /// A weight was to be changed in a cache that does not weigh its entries.
    NoWeigher,
    /// A tenant's share is not a number from 0 to 1.
    #[non_exhaustive]
    ShareOutOfRange {
        /// Where the tenant stands in the list, counted from zero.
        position: usize,
        /// The share that was asked for.
        share: f64,
    },
    /// The shares of all tenants are more than the whole cache together.
    #[non_exhaustive]
    SharesAboveOne {
        /// What the shares add up to.
        sum: f64,
    },
    /// A tenant was given a share twice.
    #[non_exhaustive]
    TenantNamedTwice {
        /// Where the second time stands in the list, counted from zero.
        position: usize,
    },
    /// Lives are to be spread by a jitter, and no life ends.
    NothingToSpread,
    /// A stale value is to stand in for less than the cache's resolution of one millisecond.
    #[non_exhaustive]
    StaleTooShort {
        /// For how long it was to stand in.
        age: Duration,
    },
    /// A largest batch was given to a loader of one key.
    UselessBatch,
    /// The jitter is not a share from 0 to 1.
    #[non_exhaustive]
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
            Self::CapacityTooLarge { capacity } => write!(
                f,
                "a capacity of {capacity} entries cannot be laid out: give an estimate of how many there will be, and a \
                 weigher to bound them by weight"
            ),
            Self::OutOfMemory { capacity, bytes } => write!(
                f,
                "there is no memory for a capacity of {capacity} entries, which takes about {bytes} bytes at once: give an \
                 estimate of how many entries there will be, put large values into an `Arc`, or use Policy::Lru, which \
                 reserves nothing"
            ),
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
            Self::NoExecutor => f.write_str(
                "refreshing ahead, early expiry, serving stale and limits need loads in the background: give the builder an \
                 executor",
            ),
            Self::UselessExecutor => f.write_str(
                "loads run where the function given to loading_by starts them, never on an executor: leave the executor out",
            ),
            Self::NothingEnds => f.write_str(
                "refreshing ahead, early expiry and serving stale count from the end of a life, and no life ends: give the \
                 builder a time to live or an expiry",
            ),
            Self::NothingStale => f.write_str(
                "past the soft limit a stale value is served, and none is kept: keep them with stale_on_error, or use the \
                 hard limit alone",
            ),
            Self::TwoPauses => f.write_str(
                "stale_on_error says how long to pause after a failed load, and so does retry_pause: leave retry_pause out",
            ),
            Self::FailuresTooShort { life } => write!(
                f,
                "failures cannot be remembered for {life:?}, which is below the resolution: use at least 1ms, or leave it out"
            ),
            Self::AbsencesTooShort { life } => write!(
                f,
                "absences cannot be remembered for {life:?}, which is below the resolution: use at least 1ms, or leave it out"
            ),
            Self::RefreshOutOfRange { share } => write!(
                f,
                "an entry cannot be refreshed after {share} of its life: use a share between 0 and 1, such as 0.8"
            ),
            Self::EarlinessOutOfRange { beta } => write!(
                f,
                "early expiry cannot use a factor of {beta}: use a positive number, 1 as a rule"
            ),
            Self::SoftLimitOverHardLimit { soft, hard } => write!(
                f,
                "the soft limit of {soft:?} is above the hard limit of {hard:?}: callers would never reach it; lower it"
            ),
            Self::NoWeigher => f.write_str(
                "this cache does not weigh its entries: give the builder a weigher",
            ),
            Self::ShareOutOfRange { position, share } => write!(
                f,
                "the share of the tenant at position {position} is {share}: use a share of the cache from 0 (only what \
                 the others leave) to 1 (all of it)"
            ),
            Self::SharesAboveOne { sum } => write!(
                f,
                "the tenants' shares add up to {sum}: lower them to 1 together, or less to leave a rest to all others"
            ),
            Self::TenantNamedTwice { position } => write!(
                f,
                "the tenant at position {position} was given a share before: name each tenant once, with all of its share"
            ),
            Self::NothingToSpread => f.write_str(
                "a jitter shortens lives, and no life ends: give the builder a time to live or an expiry",
            ),
            Self::StaleTooShort { age } => write!(
                f,
                "a stale value cannot stand in for {age:?}, which is below the resolution: use at least 1ms, or leave \
                 stale_on_error out and use retry_pause for the pause alone"
            ),
            Self::UselessBatch => f.write_str(
                "a loader of one key has no batches: leave max_batch out, or load by loading_many",
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

/// An entry that did not come in because it is heavier than the whole cache may be, or because its tenant had no place
/// for it; see
/// [`Cache::try_insert`](crate::Cache::try_insert).
#[derive(Clone, PartialEq, Eq)]
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
        say_refused(self.weight, f)
    }
}

impl<K, V> Error for Refused<K, V> {}

/// A value that replaced nothing; see [`Cache::replace`](crate::Cache::replace).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotReplaced<K, V> {
    /// The key, handed back.
    pub key: K,
    /// The value, handed back.
    pub value: V,
    /// Why it was not stored.
    pub reason: NotReplacedReason,
    /// The fresh value that was under this key, if the new one was refused. It has left too, being out of date.
    pub previous: Option<V>,
}

/// Why [`Cache::replace`](crate::Cache::replace) stored nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotReplacedReason {
    /// There is no fresh value under the key: it was never there, or has left, or is past its life or invalidated.
    Absent,
    /// A value was there, and there is no place for the new one: it is heavier than the whole cache may be, or than its
    /// tenant's share and what others leave of theirs.
    #[non_exhaustive]
    Refused {
        /// What the new entry weighs.
        weight: u64,
    },
}

impl<K, V> fmt::Debug for NotReplaced<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotReplaced")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl<K, V> fmt::Display for NotReplaced<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            NotReplacedReason::Absent => f.write_str(
                "there is no value to replace: insert the new one if it is wanted all the same",
            ),
            NotReplacedReason::Refused { weight } => say_refused(weight, f),
        }
    }
}

impl<K, V> Error for NotReplaced<K, V> {}

fn say_refused(weight: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "an entry of weight {weight} has no place, being heavier than the whole cache may be, or than its tenant's share and \
         what others leave of theirs: raise the limit or the share, or keep such values elsewhere"
    )
}

/// Why [`Cache::get_or_load`](crate::Cache::get_or_load) gives no value.
///
/// `{}` prints what went wrong here and no more; the loader's own error is the [`source`](Error::source), which whoever
/// reports errors with their causes prints below it. `{:#}` prints the loader's error too, on the same line: for a log
/// that has nothing but [`Display`](fmt::Display), and for loaders whose error is no [`Error`], such as a `String`.
///
/// Errors of loaders are shared by all who waited, and none is an [`Error`] unless `E` is one. `Box<dyn Error>` and
/// `anyhow::Error` are not: return an enum of your own, or a type of your own around one of these.
///
/// ```
/// use crm_cache::{Cache, LoadError};
/// use std::error::Error;
///
/// let cache: Cache<u64, String> = Cache::new(100);
/// let error = cache.get_or_load(&8, |id| Err(std::io::Error::other(format!("no customer {id}")))).unwrap_err();
/// assert_eq!(format!("{error:#}"), "the loader failed: no customer 8");
///
/// // The whole chain, however long it is.
/// let mut chain = error.to_string();
/// let mut next = error.source();
/// while let Some(cause) = next {
///     chain += &format!(": {cause}");
///     next = cause.source();
/// }
/// assert_eq!(chain, "the loader failed: no customer 8");
/// ```
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError<E> {
    /// The loader failed. Everyone who waited for this load gets the same error. Nothing was cached, unless a
    /// [`LoadingCache`](crate::LoadingCache) was told to [remember failures](crate::LoadingBuilder::remember_failures).
    Failed(Arc<E>),
    /// The loader of a key asked the cache to load the same key, which would wait for itself for ever.
    Reentrant,
    /// The load takes longer than the hard limit of a [`LoadingCache`](crate::LoadingCache). It goes on.
    TimedOut,
    /// The source does not have this key: the loader of many left it out, or that of one said so. Nothing stale stands in
    /// for that.
    Absent,
    /// The load was given up: its loader panicked in the background, or was dropped.
    Abandoned,
}

impl<E> LoadError<E> {
    /// The loader's own error, if it was the loader that failed.
    #[must_use]
    pub fn loader_error(&self) -> Option<&E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Reentrant | Self::TimedOut | Self::Absent | Self::Abandoned => None,
        }
    }
}

impl<E> Clone for LoadError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
            Self::Reentrant => Self::Reentrant,
            Self::TimedOut => Self::TimedOut,
            Self::Absent => Self::Absent,
            Self::Abandoned => Self::Abandoned,
        }
    }
}

impl<E: fmt::Display> fmt::Display for LoadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) if f.alternate() => write!(f, "the loader failed: {error:#}"),
            Self::Failed(_) => f.write_str("the loader failed"),
            Self::Reentrant => f.write_str(
                "the loader asked for a key that it is loading: read the source instead of the cache",
            ),
            Self::TimedOut => f.write_str(
                "the load takes longer than its hard limit: ask again later, or raise the limit",
            ),
            Self::Absent => f.write_str(
                "the loader gave nothing for this key: the source does not have it, or the loader left it out",
            ),
            Self::Abandoned => f.write_str(
                "the load was given up: its loader panicked or was dropped; look at what the executor reports",
            ),
        }
    }
}

impl<E: Error + 'static> Error for LoadError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(&**error),
            Self::Reentrant | Self::TimedOut | Self::Absent | Self::Abandoned => None,
        }
    }
}
