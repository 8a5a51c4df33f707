//! What a cache of encoded forms has counted.

/// What an [`EncodedCache`](crate::EncodedCache) has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodedStats {
    /// Calls that were answered without encoding, with a kept form or with the knowledge that none is smaller.
    pub hits: u64,
    /// Calls that encoded, or came to an end in the encoder's panic.
    pub misses: u64,
    /// Misses for which the store had, under the same number, the form of another body. Many of them mean that a store
    /// mixes up its numbers.
    pub collisions: u64,
    /// The lengths of the bodies of all hits: bytes that were not encoded again.
    pub reused_bytes: u64,
    /// What the cache's own store holds; none over a store of the caller's, who can ask that.
    pub held: Option<HeldForms>,
}

impl EncodedStats {
    /// The share of calls that were hits, from 0 to 1; `None` before the first call.
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        let calls = self.hits.saturating_add(self.misses);
        (calls > 0).then(|| self.hits as f64 / calls as f64)
    }
}

/// What the store of [`EncodedCache::new`](crate::EncodedCache::new) holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldForms {
    /// How many forms are kept now.
    pub forms: u64,
    /// What they take, in bytes; never above the limit.
    pub bytes: u64,
    /// Forms that had to leave for others.
    pub evictions: u64,
    /// Forms that were too large to be kept.
    pub refusals: u64,
}
