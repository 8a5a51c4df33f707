//! An entry on its way in, and why it may have to stay outside.

use crate::content::Mark;
use crate::time::Millis;

/// An entry that wants to come in.
pub(crate) struct Arrival<K, V> {
    pub(crate) hash: u64,
    pub(crate) pair: (K, V),
    pub(crate) weight: u64,
    pub(crate) deadline: Millis,
    /// The end of its life if nobody reads it.
    pub(crate) idle_until: Millis,
    pub(crate) mark: Mark,
}

/// An entry that stays outside.
pub(crate) enum Declined<K, V> {
    /// Whoever brought it does not want it stored any more, now that it is known what is here.
    Unwanted((K, V)),
    /// It is heavier than the whole cache may be, or than what its tenant can have. What was here under its key has left:
    /// it is out of date.
    TooHeavy { pair: (K, V), previous: Option<V> },
}
