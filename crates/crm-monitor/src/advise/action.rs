//! What can be advised.

use std::fmt;

/// What can be advised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Have more requests answered from the cache.
    CacheMore,
    /// Send fewer bytes.
    Compress,
    /// Have more requests worked on at once.
    AddWorkers,
    /// Turn some away, so that the others are answered in time.
    ShedLoad,
    /// Find out why a few take so much longer than most.
    LookAtSlowTail,
    /// Find out why requests fail.
    LookAtErrors,
    /// As far as is known it is fine.
    Nothing,
}

/// Its name in a sentence.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CacheMore => "cache more",
            Self::Compress => "compress",
            Self::AddWorkers => "add workers",
            Self::ShedLoad => "shed load",
            Self::LookAtSlowTail => "look at the slow tail",
            Self::LookAtErrors => "look at the errors",
            Self::Nothing => "nothing",
        })
    }
}
