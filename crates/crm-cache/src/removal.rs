//! Why an entry has left.

use std::fmt;

/// Why an entry has left the cache, or could not come in; told to a [removal listener](crate::CacheBuilder::on_removal).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RemovalCause {
    /// A new value took its place under the same key.
    Replaced,
    /// Somebody removed it.
    Removed,
    /// Its life was over.
    Expired,
    /// One of its [tags](crate::Tag) was invalidated.
    Invalidated,
    /// It had to make room for another one.
    Evicted,
    /// It never came in: it is heavier than the whole cache may be, or its [tenant](crate::CacheBuilder::tenants) had no
    /// place for it.
    Refused,
}

impl RemovalCause {
    /// Whether the cache itself decided it, as opposed to somebody who called it.
    #[must_use]
    pub fn is_automatic(self) -> bool {
        matches!(self, Self::Expired | Self::Evicted | Self::Refused)
    }
}

impl fmt::Display for RemovalCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replaced => "replaced",
            Self::Removed => "removed",
            Self::Expired => "expired",
            Self::Invalidated => "invalidated",
            Self::Evicted => "evicted",
            Self::Refused => "refused",
        })
    }
}
