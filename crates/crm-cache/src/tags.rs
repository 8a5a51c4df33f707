//! Tags: what entries have in common, so that all of an account, a region or a table can be invalidated at once.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use foldhash::quality::RandomState;

use crate::store::OwnLines;
use crate::sync::{AtomicU64, IS_CHECKED};

/// The fewest slots for tags.
const FEWEST_SLOTS: usize = if IS_CHECKED { 4 } else { 1 << 16 };

/// Names what entries have in common: an account, a region, a table. See [`CacheBuilder::tags`](crate::CacheBuilder::tags).
///
/// A tag is a kind and an identity. Numbers of every width are one identity if they are equal, and so are strings in
/// every form, so that a tag that is given and a tag that is invalidated cannot miss each other by their types.
///
/// ```
/// use crm_cache::Tag;
///
/// assert_eq!(Tag::new("account", 7_u32), Tag::new("account", 7_i64));
/// assert_eq!(Tag::new("region", "north"), Tag::new("region", String::from("north")));
/// assert_ne!(Tag::new("account", 7), Tag::new("invoice", 7));
/// assert_ne!(Tag::new("row", ("north", 7)), Tag::new("row", ("south", 7)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag(u64);

impl Tag {
    /// The tag of this kind and identity.
    #[must_use]
    pub fn new(kind: &str, identity: impl TagIdentity) -> Self {
        // One seed for the process: tags are made in many places and must agree, and nobody outside can compute which
        // two share a slot.
        static SEED: OnceLock<RandomState> = OnceLock::new();
        let mut hasher = SEED.get_or_init(RandomState::default).build_hasher();
        kind.hash(&mut hasher);
        identity.hash_into(&mut hasher);
        Self(hasher.finish())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({:016x})", self.0)
    }
}

/// What tells tags of a kind apart: an integer, a string, the bytes of an identifier, or two to four of these in a tuple.
///
/// Implemented for those only, and for references, boxes, shared pointers and [`Cow`]s of them. In whatever form an
/// identity is given, it is the same one: `"x"`, `String::from("x")` and `Arc::<str>::from("x")` make equal tags.
pub trait TagIdentity: sealed::Sealed {}

mod sealed {
    use std::hash::Hasher;

    pub trait Sealed {
        fn hash_into(&self, hasher: &mut impl Hasher);
    }
}

use sealed::Sealed;

macro_rules! numbers {
    ($($number:ty)*) => { $(
        impl Sealed for $number {
            fn hash_into(&self, hasher: &mut impl Hasher) {
                // Every number as the widest that holds it, so that equal numbers are equal whatever their types.
                match i128::try_from(*self) {
                    Ok(number) => number.hash(hasher),
                    Err(_) => (true, *self as u128).hash(hasher),
                }
            }
        }
        impl TagIdentity for $number {}
    )* };
}

numbers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

impl Sealed for [u8] {
    fn hash_into(&self, hasher: &mut impl Hasher) {
        (self.len(), false).hash(hasher);
        hasher.write(self);
    }
}

impl TagIdentity for [u8] {}

impl<const N: usize> Sealed for [u8; N] {
    fn hash_into(&self, hasher: &mut impl Hasher) {
        self.as_slice().hash_into(hasher);
    }
}

impl<const N: usize> TagIdentity for [u8; N] {}

impl Sealed for str {
    fn hash_into(&self, hasher: &mut impl Hasher) {
        self.as_bytes().hash_into(hasher);
    }
}

impl TagIdentity for str {}

impl Sealed for String {
    fn hash_into(&self, hasher: &mut impl Hasher) {
        self.as_bytes().hash_into(hasher);
    }
}

impl TagIdentity for String {}

impl Sealed for Vec<u8> {
    fn hash_into(&self, hasher: &mut impl Hasher) {
        self.as_slice().hash_into(hasher);
    }
}

impl TagIdentity for Vec<u8> {}

/// What points to an identity is that identity.
macro_rules! pointers {
    ($($pointer:ty)*) => { $(
        impl<T: TagIdentity + ?Sized> Sealed for $pointer {
            fn hash_into(&self, hasher: &mut impl Hasher) {
                (**self).hash_into(hasher);
            }
        }

        impl<T: TagIdentity + ?Sized> TagIdentity for $pointer {}
    )* };
}

pointers!(&T &mut T Box<T> Rc<T> Arc<T>);

impl<T: TagIdentity + ToOwned + ?Sized> Sealed for Cow<'_, T> {
    fn hash_into(&self, hasher: &mut impl Hasher) {
        (**self).hash_into(hasher);
    }
}

impl<T: TagIdentity + ToOwned + ?Sized> TagIdentity for Cow<'_, T> {}

macro_rules! tuples {
    ($($count:literal: $($part:ident)*,)*) => { $(
        impl<$($part: TagIdentity),*> Sealed for ($($part,)*) {
            fn hash_into(&self, hasher: &mut impl Hasher) {
                #[expect(non_snake_case, reason = "a part and its type have one name")]
                let ($($part,)*) = self;
                // How many there are comes first and strings tell their length, so that where a part ends is part of it.
                hasher.write_u8($count);
                $($part.hash_into(hasher);)*
            }
        }

        impl<$($part: TagIdentity),*> TagIdentity for ($($part,)*) {}
    )* };
}

tuples!(2: A B, 3: A B C, 4: A B C D,);

/// Takes in the tags of an entry; given to the function of [`CacheBuilder::tags`](crate::CacheBuilder::tags).
#[derive(Debug)]
pub struct Tags<'a> {
    table: &'a TagTable,
    slots: TagSlots,
}

impl Tags<'_> {
    /// The entry has this tag.
    pub fn add(&mut self, tag: Tag) {
        let slot = self.table.slot(tag);
        let slots = std::mem::replace(&mut self.slots, TagSlots::None);
        self.slots = slots.with(slot);
    }
}

impl Extend<Tag> for Tags<'_> {
    fn extend<T: IntoIterator<Item = Tag>>(&mut self, tags: T) {
        tags.into_iter().for_each(|tag| self.add(tag));
    }
}

/// The slots of an entry's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TagSlots {
    None,
    One(u32),
    Two(u32, u32),
    /// Two boxes, so that the others need no room for a length.
    Many(Box<Box<[u32]>>),
}

impl TagSlots {
    fn with(self, slot: u32) -> Self {
        match self {
            Self::None => Self::One(slot),
            Self::One(first) => Self::Two(first, slot),
            Self::Two(first, second) => Self::Many(Box::new([first, second, slot].into())),
            Self::Many(slots) => {
                let mut slots = (*slots).into_vec();
                slots.push(slot);
                Self::Many(Box::new(slots.into()))
            }
        }
    }
}

/// When each tag was last invalidated, in a count of all invalidations. A tag is found by its hash alone: two that share
/// a slot are invalidated together, which costs a load and never shows anything stale.
pub(crate) struct TagTable {
    /// On lines of its own: all readers of entries with tags read it, and what stands beside it they read as well.
    invalidations: OwnLines<AtomicU64>,
    last: Box<[AtomicU64]>,
}

impl TagTable {
    fn slots_for(capacity: usize) -> usize {
        capacity
            .clamp(FEWEST_SLOTS, u32::MAX as usize)
            .next_power_of_two()
    }

    /// What the table of a cache of so many entries takes.
    pub(crate) fn bytes(capacity: usize) -> usize {
        Self::slots_for(capacity).saturating_mul(size_of::<AtomicU64>())
    }

    /// Enough slots for a cache of so many entries: few tags share one.
    pub(crate) fn new(capacity: usize) -> Self {
        let slots = Self::slots_for(capacity);
        Self {
            invalidations: OwnLines(AtomicU64::new(0)),
            last: std::iter::repeat_with(|| AtomicU64::new(0))
                .take(slots)
                .collect(),
        }
    }

    fn slot(&self, tag: Tag) -> u32 {
        (tag.0 & (self.last.len() as u64 - 1)) as u32
    }

    /// How many invalidations have begun. What is begun to be made after this was read knows of them.
    ///
    /// Sequentially consistent, as in `invalidate`: see there.
    #[inline]
    pub(crate) fn stamp(&self) -> u64 {
        self.invalidations.0.load(Ordering::SeqCst)
    }

    /// From now on nothing with this tag is served whose stamp was read before this call.
    pub(crate) fn invalidate(&self, tag: Tag) {
        // A load that reads its stamp after this addition begins after this call has, and so after the change in the
        // source that it is called for. One that reads it before has a smaller stamp than what is stored now.
        let number = self.invalidations.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.last[self.slot(tag) as usize].fetch_max(number, Ordering::SeqCst);
    }

    /// Whether something with these tags and this stamp is out of date.
    ///
    /// The count is looked at first. Where nothing at all was invalidated since, neither the table nor the tags need a look,
    /// and the table is what a read would wait for: the count is one line, which all readers read.
    ///
    /// Relaxed is enough there. Who calls this after an invalidation has returned has its addition behind him, so he reads
    /// its number or a later one, and then, for the same reason, finds that number in the table. From a large count nothing
    /// is concluded but that the table is to be looked at.
    ///
    /// Acquire in the table, for those who find a number there while it is being told: they load anew, and the stamp that
    /// they read next must not be below it, or what they load would be hidden, too.
    #[inline(always)]
    pub(crate) fn was_invalidated(&self, tags: &TagSlots, stamp: u64) -> bool {
        self.invalidations.0.load(Ordering::Relaxed) > stamp && self.has_newer(tags, stamp)
    }

    #[inline(always)]
    fn has_newer(&self, tags: &TagSlots, stamp: u64) -> bool {
        let is_newer = |slot: u32| self.last[slot as usize].load(Ordering::Acquire) > stamp;
        match tags {
            TagSlots::None => false,
            TagSlots::One(slot) => is_newer(*slot),
            TagSlots::Two(first, second) => is_newer(*first) || is_newer(*second),
            TagSlots::Many(slots) => slots.iter().any(|&slot| is_newer(slot)),
        }
    }

    /// The slots of the tags that `name` names.
    pub(crate) fn slots(&self, name: impl FnOnce(&mut Tags<'_>)) -> TagSlots {
        let mut tags = Tags {
            table: self,
            slots: TagSlots::None,
        };
        name(&mut tags);
        tags.slots
    }

    /// How many invalidations there were.
    pub(crate) fn count(&self) -> u64 {
        self.invalidations.0.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for TagTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TagTable")
            .field("slots", &self.last.len())
            .field("invalidations", &self.count())
            .finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::borrow::Cow;
    use std::rc::Rc;
    use std::sync::Arc;

    use super::{Tag, TagSlots, TagTable};

    #[test]
    fn what_was_begun_before_an_invalidation_is_out_of_date_and_nothing_else() {
        let table = TagTable::new(1);
        let (account, other) = (Tag::new("account", 7), Tag::new("account", 8));
        let slots = table.slots(|tags| tags.add(account));
        let before = table.stamp();
        assert!(!table.was_invalidated(&slots, before));
        table.invalidate(other);
        assert!(!table.was_invalidated(&slots, before));
        table.invalidate(account);
        assert!(table.was_invalidated(&slots, before));
        assert!(!table.was_invalidated(&slots, table.stamp()));
        assert!(!table.was_invalidated(&TagSlots::None, before));
    }

    #[test]
    fn each_of_many_tags_counts() {
        for count in 1..6_usize {
            let table = TagTable::new(1);
            let tags: Vec<_> = (0..count).map(|id| Tag::new("row", id)).collect();
            let slots = table.slots(|collector| collector.extend(tags.iter().copied()));
            for tag in tags {
                let before = table.stamp();
                assert!(!table.was_invalidated(&slots, before));
                table.invalidate(tag);
                assert!(table.was_invalidated(&slots, before));
            }
        }
    }

    #[test]
    #[expect(
        clippy::needless_borrows_for_generic_args,
        reason = "references are among what is tested"
    )]
    fn equal_identities_of_every_type_are_one_tag() {
        let same = |tags: &[Tag]| tags.iter().all(|tag| *tag == tags[0]);
        assert!(same(&[
            Tag::new("a", 7_u8),
            Tag::new("a", 7_i128),
            Tag::new("a", 7_usize),
            Tag::new("a", 7_u64)
        ]));
        assert!(same(&[
            Tag::new("a", "x"),
            Tag::new("a", String::from("x")),
            Tag::new("a", [b'x']),
            Tag::new("a", &b"x"[..]),
            Tag::new("a", vec![b'x']),
            Tag::new("a", Arc::<str>::from("x")),
            Tag::new("a", Rc::<str>::from("x")),
            Tag::new("a", Box::<str>::from("x")),
            Tag::new("a", Arc::new(String::from("x"))),
            Tag::new("a", &&Arc::<[u8]>::from(*b"x")),
            Tag::new("a", &mut String::from("x")),
            Tag::new("a", Cow::Borrowed("x")),
            Tag::new("a", Cow::<str>::Owned("x".to_owned())),
        ]));
        assert!(same(&[
            Tag::new("a", ("x", 7)),
            Tag::new("a", (String::from("x"), 7_u64)),
            Tag::new("a", &(Arc::<str>::from("x"), &7_i8)),
            Tag::new("a", Box::new(([b'x'], 7_u128))),
        ]));
        let different = [
            Tag::new("a", u128::MAX),
            Tag::new("a", -1),
            Tag::new("ab", "c"),
            Tag::new("a", "bc"),
            Tag::new("a", ""),
            Tag::new("a", [0; 16]),
            Tag::new("a", 0),
            Tag::new("a", ("", "bc")),
            Tag::new("a", ("b", "c")),
            Tag::new("a", ("bc", "")),
            Tag::new("a", ("b", "c", "")),
            Tag::new("a", ("b", ("c", ""))),
            Tag::new("a", (("b", "c"), "")),
            Tag::new("a", (0, 0)),
            Tag::new("a", (0, 0, 0)),
            Tag::new("a", (0, 0, 0, 0)),
            Tag::new("a", (0, 1)),
            Tag::new("a", (1, 0)),
            Tag::new("a", (0, 0, 0, 1)),
        ];
        for (at, tag) in different.iter().enumerate() {
            assert!(!different[..at].contains(tag), "{at}");
        }
    }
}
