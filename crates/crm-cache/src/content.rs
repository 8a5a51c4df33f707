//! What a cache keeps under a key: the bare value, or the value with what decides whether it may still be served.

use crate::tags::{TagSlots, TagTable};
use crate::time::{Millis, NEVER};

/// The moment of a call, as far as it decides what may be served.
#[derive(Clone, Copy)]
pub(crate) struct Present<'a> {
    pub(crate) millis: Millis,
    /// None in a cache without tags.
    pub(crate) tags: Option<&'a TagTable>,
}

/// How an entry that is still here stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Fresh,
    /// Its life is over, but it is kept for when nothing better can be had.
    Stale,
    /// One of its tags was invalidated. Nobody may see it any more.
    Invalidated,
}

/// What a value brings along when it comes in. A bare value leaves it behind.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    /// What the cache's count of invalidations was when the value was begun to be made.
    pub(crate) stamp: u64,
    pub(crate) tags: TagSlots,
    /// When it came in, and until when it is fresh.
    pub(crate) since: Millis,
    pub(crate) fresh_until: Millis,
}

impl Mark {
    /// For caches that keep bare values.
    pub(crate) const NONE: Self = Self {
        stamp: 0,
        tags: TagSlots::None,
        since: 0,
        fresh_until: NEVER,
    };
}

/// What an engine keeps under a key.
pub(crate) trait Content {
    type Value;

    fn new(value: Self::Value, mark: Mark) -> Self;

    fn value(&self) -> &Self::Value;

    fn into_value(self) -> Self::Value;

    /// How it stands, as far as the entry that holds it does not know.
    fn standing(&self, present: Present<'_>) -> Standing;
}

/// A value and nothing else.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Plain<V>(V);

impl<V> Content for Plain<V> {
    type Value = V;

    #[inline]
    fn new(value: V, _: Mark) -> Self {
        Self(value)
    }

    #[inline]
    fn value(&self) -> &V {
        &self.0
    }

    fn into_value(self) -> V {
        self.0
    }

    #[inline]
    fn standing(&self, _: Present<'_>) -> Standing {
        Standing::Fresh
    }
}

/// A value with its mark, for caches with tags or with a time in which stale values are kept.
#[derive(Debug)]
pub(crate) struct Marked<V> {
    value: V,
    mark: Mark,
}

impl<V> Marked<V> {
    pub(crate) fn mark(&self) -> &Mark {
        &self.mark
    }
}

impl<V> Content for Marked<V> {
    type Value = V;

    fn new(value: V, mark: Mark) -> Self {
        Self { value, mark }
    }

    #[inline]
    fn value(&self) -> &V {
        &self.value
    }

    fn into_value(self) -> V {
        self.value
    }

    #[inline]
    fn standing(&self, present: Present<'_>) -> Standing {
        let is_invalidated = present
            .tags
            .is_some_and(|tags| tags.was_invalidated(&self.mark.tags, self.mark.stamp));
        if is_invalidated {
            Standing::Invalidated
        } else if present.millis >= self.mark.fresh_until {
            Standing::Stale
        } else {
            Standing::Fresh
        }
    }
}
