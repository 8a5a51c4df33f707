//! What a cache keeps under a key: the bare value, or the value with what decides whether it may still be served.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::shares::{Group, OTHERS};
use crate::tags::{TagSlots, TagTable};
use crate::time::Millis;

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

/// What a loading cache is shown of an entry beside its value.
pub(crate) struct View<'a> {
    /// Fresh or stale.
    pub(crate) standing: Standing,
    pub(crate) since: Millis,
    pub(crate) fresh_until: Millis,
    pub(crate) now: Millis,
    /// Until when no load is to be attempted.
    pub(crate) paused_until: &'a AtomicU64,
}

impl View<'_> {
    /// Whether no load is to be attempted now.
    #[inline]
    pub(crate) fn is_paused(&self) -> bool {
        self.now < self.paused_until.load(Ordering::Relaxed)
    }
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
    /// Whose it is.
    pub(crate) group: Group,
}

#[cfg(all(test, not(loom)))]
impl Mark {
    /// Of a value that nothing is known of.
    pub(crate) const NONE: Self = Self {
        stamp: 0,
        tags: TagSlots::None,
        since: 0,
        fresh_until: crate::time::NEVER,
        group: OTHERS,
    };
}

/// What an engine keeps under a key.
pub(crate) trait Content {
    type Value;

    /// Whether the entries are of several groups, each with a guarantee and a policy of its own.
    const HAS_GROUPS: bool = false;

    fn new(value: Self::Value, mark: Mark) -> Self;

    fn value(&self) -> &Self::Value;

    fn into_value(self) -> Self::Value;

    /// Whose it is.
    #[inline]
    fn group(&self) -> Group {
        OTHERS
    }

    /// How it stands, as far as the entry that holds it does not know.
    fn standing(&self, present: Present<'_>) -> Standing;

    /// Until when it is fresh, as far as the entry that holds it does not know.
    #[cfg(feature = "serde")]
    fn fresh_until(&self) -> Millis;
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

    #[cfg(feature = "serde")]
    fn fresh_until(&self) -> Millis {
        crate::time::NEVER
    }
}

/// A value with its tags, for caches with tags that keep nothing stale.
#[derive(Debug)]
pub(crate) struct Tagged<V> {
    value: V,
    stamp: u64,
    tags: TagSlots,
}

impl<V> Tagged<V> {
    // A call would cost a read more than what it does.
    #[inline(always)]
    fn is_invalidated(&self, present: Present<'_>) -> bool {
        present
            .tags
            .is_some_and(|tags| tags.was_invalidated(&self.tags, self.stamp))
    }
}

impl<V> Content for Tagged<V> {
    type Value = V;

    fn new(value: V, mark: Mark) -> Self {
        Self {
            value,
            stamp: mark.stamp,
            tags: mark.tags,
        }
    }

    #[inline]
    fn value(&self) -> &V {
        &self.value
    }

    fn into_value(self) -> V {
        self.value
    }

    /// Its life ends when the entry's does.
    #[inline(always)]
    fn standing(&self, present: Present<'_>) -> Standing {
        if self.is_invalidated(present) {
            Standing::Invalidated
        } else {
            Standing::Fresh
        }
    }

    #[cfg(feature = "serde")]
    fn fresh_until(&self) -> Millis {
        crate::time::NEVER
    }
}

/// A value with its whole mark, for caches with a time in which stale values are kept. Whose it is stays behind.
#[derive(Debug)]
pub(crate) struct Marked<V> {
    tagged: Tagged<V>,
    since: Millis,
    fresh_until: Millis,
    paused_until: AtomicU64,
}

/// A content that a loading cache can judge.
pub(crate) trait Viewed: Content {
    fn view(&self, standing: Standing, now: Millis) -> View<'_>;
}

impl<V> Viewed for Marked<V> {
    #[inline]
    fn view(&self, standing: Standing, now: Millis) -> View<'_> {
        View {
            standing,
            since: self.since,
            fresh_until: self.fresh_until,
            now,
            paused_until: &self.paused_until,
        }
    }
}

impl<V> Content for Marked<V> {
    type Value = V;

    fn new(value: V, mark: Mark) -> Self {
        let (since, fresh_until) = (mark.since, mark.fresh_until);
        Self {
            tagged: Tagged::new(value, mark),
            since,
            fresh_until,
            paused_until: AtomicU64::new(0),
        }
    }

    #[inline]
    fn value(&self) -> &V {
        self.tagged.value()
    }

    fn into_value(self) -> V {
        self.tagged.into_value()
    }

    #[inline(always)]
    fn standing(&self, present: Present<'_>) -> Standing {
        if self.tagged.is_invalidated(present) {
            Standing::Invalidated
        } else if present.millis >= self.fresh_until {
            Standing::Stale
        } else {
            Standing::Fresh
        }
    }

    #[cfg(feature = "serde")]
    fn fresh_until(&self) -> Millis {
        self.fresh_until
    }
}

/// A value that is of a group, with its mark.
#[derive(Debug)]
pub(crate) struct Owned<V> {
    marked: Marked<V>,
    group: Group,
}

impl<V> Content for Owned<V> {
    type Value = V;

    const HAS_GROUPS: bool = true;

    fn new(value: V, mark: Mark) -> Self {
        let group = mark.group;
        Self {
            marked: Marked::new(value, mark),
            group,
        }
    }

    #[inline]
    fn value(&self) -> &V {
        self.marked.value()
    }

    fn into_value(self) -> V {
        self.marked.into_value()
    }

    #[inline]
    fn group(&self) -> Group {
        self.group
    }

    #[inline]
    fn standing(&self, present: Present<'_>) -> Standing {
        self.marked.standing(present)
    }

    #[cfg(feature = "serde")]
    fn fresh_until(&self) -> Millis {
        self.marked.fresh_until()
    }
}

impl<V> Viewed for Owned<V> {
    #[inline]
    fn view(&self, standing: Standing, now: Millis) -> View<'_> {
        self.marked.view(standing, now)
    }
}
