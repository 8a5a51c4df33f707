//! The choice of eviction policy.

/// Which entries a full cache keeps.
///
/// | policy | keeps | a read | choose it when |
/// |---|---|---|---|
/// | [`Adaptive`](Self::Adaptive) | what is worth most by the reuse that this cache has seen | takes no lock, and writes nothing shared once the entry is warm | a miss costs more than a microsecond, which a customer's load always does |
/// | [`Lru`](Self::Lru) | what was used last | locks a shard | the order itself matters: tests, or reasoning about what is still there |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// Learns from the cache's own history how likely an entry of a given past is to be used again, and evicts the one
    /// of a small sample whose keeping is worth least. One configuration for loops, scans, skewed and changing loads;
    /// how it works: [`_design`](crate::_design).
    #[default]
    Adaptive,
    /// Least recently used, exact within a shard; with one shard over the whole cache.
    Lru,
}
