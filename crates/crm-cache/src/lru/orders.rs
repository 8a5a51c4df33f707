//! The entries of a shard in order of use: in one list, or where tenants have shares, in one for each group.

use std::collections::HashMap;

use lru::LruCache;

#[cfg(feature = "serde")]
use super::lookup::Query;
use super::lookup::{CarryHash, Hashed, Lookup};
use super::shard::Entry;
use crate::content::Content;
use crate::shares::{Group, OTHERS};

pub(crate) type List<K, C> = LruCache<Hashed<K>, Entry<C>, CarryHash>;

pub(crate) struct Orders<K, C> {
    /// All entries, or those of the group of others.
    first: List<K, C>,
    divided: Option<Box<Divided<K, C>>>,
}

/// The lists of the groups with a share of their own, and where to find a hash.
struct Divided<K, C> {
    lists: Box<[List<K, C>]>,
    routes: HashMap<u64, Route, CarryHash>,
}

/// Where the entries with a hash are. A look-up knows the hash of a key, and not whose it is.
#[derive(Clone, Copy)]
struct Route {
    group: Group,
    entries: u32,
    /// Whether two groups have had an entry with this hash at once: it may be in any list.
    is_shared: bool,
}

impl<K: Eq, C: Content> Orders<K, C> {
    /// Lists for so many groups; zero where entries belong to nobody.
    pub(crate) fn new(groups: usize) -> Self {
        let divided = (groups > 0).then(|| {
            Box::new(Divided {
                lists: (1..groups).map(|_| empty()).collect(),
                routes: HashMap::default(),
            })
        });
        Self {
            first: empty(),
            divided,
        }
    }

    /// The lists of the groups, where contents are of some; elsewhere the compiler knows that there is one list.
    #[inline]
    fn divided(&self) -> Option<&Divided<K, C>> {
        if C::HAS_GROUPS {
            self.divided.as_deref()
        } else {
            None
        }
    }

    #[inline]
    fn divided_mut(&mut self) -> Option<&mut Divided<K, C>> {
        if C::HAS_GROUPS {
            self.divided.as_deref_mut()
        } else {
            None
        }
    }

    /// The group in whose list a key is looked for.
    #[inline]
    pub(crate) fn group(&self, query: &dyn Lookup<K>) -> Group {
        let Some(divided) = self.divided() else {
            return OTHERS;
        };
        match divided.routes.get(&query.hash()) {
            None => OTHERS,
            Some(route) if !route.is_shared => route.group,
            Some(_) => (0..)
                .zip(self.lists())
                .find(|(_, list)| list.contains(query))
                .map_or(OTHERS, |(group, _)| group),
        }
    }

    #[inline]
    fn list(&self, group: Group) -> &List<K, C> {
        match self.divided() {
            Some(divided) if group != OTHERS => &divided.lists[group as usize - 1],
            _ => &self.first,
        }
    }

    #[inline]
    fn list_mut(&mut self, group: Group) -> &mut List<K, C> {
        if C::HAS_GROUPS && group != OTHERS {
            if let Some(divided) = &mut self.divided {
                return &mut divided.lists[group as usize - 1];
            }
        }
        &mut self.first
    }

    /// The list of each group.
    pub(crate) fn lists(&self) -> impl DoubleEndedIterator<Item = &List<K, C>> {
        let more = self.divided.iter().flat_map(|divided| divided.lists.iter());
        std::iter::once(&self.first).chain(more)
    }

    /// The entry of a key, which becomes the most recently used of its group.
    #[inline]
    pub(crate) fn get_mut(&mut self, query: &dyn Lookup<K>) -> Option<&mut Entry<C>> {
        let group = self.group(query);
        self.list_mut(group).get_mut(query)
    }

    #[inline]
    pub(crate) fn peek(&self, query: &dyn Lookup<K>) -> Option<&Entry<C>> {
        self.list(self.group(query)).peek(query)
    }

    #[inline]
    pub(crate) fn promote(&mut self, query: &dyn Lookup<K>) {
        let group = self.group(query);
        self.list_mut(group).promote(query);
    }

    /// Takes an entry in as the most recently used of a group. There must be none with an equal key.
    #[inline]
    pub(crate) fn put(&mut self, group: Group, key: Hashed<K>, entry: Entry<C>) {
        if let Some(divided) = self.divided_mut() {
            let none = Route {
                group,
                entries: 0,
                is_shared: false,
            };
            let route = divided.routes.entry(key.hash).or_insert(none);
            route.entries += 1;
            route.is_shared |= route.group != group;
        }
        self.list_mut(group).put(key, entry);
    }

    /// As [`put`](Self::put), as the least recently used.
    #[cfg(feature = "serde")]
    pub(crate) fn put_last(&mut self, group: Group, key: Hashed<K>, entry: Entry<C>) {
        let hash = key.hash;
        self.put(group, key, entry);
        let list = self.list_mut(group);
        // The list never moves a key.
        let address = |key: &K| std::ptr::from_ref(key).addr();
        if let Some(at) = list.peek_mru().map(|(key, _)| address(&key.key)) {
            let is_it = |key: &K| address(key) == at;
            list.demote(&Query { hash, is_it } as &dyn Lookup<K>);
        }
    }

    /// Takes the entry of a key out, and says whose it was.
    #[inline]
    pub(crate) fn pop_entry(
        &mut self,
        query: &dyn Lookup<K>,
    ) -> Option<(Group, Hashed<K>, Entry<C>)> {
        let group = self.group(query);
        let (key, entry) = self.list_mut(group).pop_entry(query)?;
        self.forget(key.hash);
        Some((group, key, entry))
    }

    /// Takes the least recently used entry of a group out.
    #[inline]
    pub(crate) fn pop_lru(&mut self, group: Group) -> Option<(Hashed<K>, Entry<C>)> {
        let (key, entry) = self.list_mut(group).pop_lru()?;
        self.forget(key.hash);
        Some((key, entry))
    }

    /// The least recently used entry of a group.
    #[inline]
    pub(crate) fn coldest(&self, group: Group) -> Option<&Entry<C>> {
        self.list(group).peek_lru().map(|(_, entry)| entry)
    }

    /// Forgets the way to one of the entries with a hash.
    #[inline]
    fn forget(&mut self, hash: u64) {
        let Some(divided) = self.divided_mut() else {
            return;
        };
        if let Some(route) = divided.routes.get_mut(&hash) {
            route.entries -= 1;
            if route.entries == 0 {
                divided.routes.remove(&hash);
            }
        }
    }

    /// The entries of a group.
    #[inline]
    pub(crate) fn count(&self, group: Group) -> usize {
        self.list(group).len()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        if C::HAS_GROUPS {
            self.lists().map(LruCache::len).sum()
        } else {
            self.first.len()
        }
    }

    /// The entries, group by group, and those of a group by their last use, the latest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &Entry<C>)> {
        self.by_group().flatten()
    }

    /// For each group its entries by their last use, the latest first.
    pub(crate) fn by_group(
        &self,
    ) -> impl DoubleEndedIterator<Item = impl DoubleEndedIterator<Item = (&K, &Entry<C>)>> {
        self.lists()
            .map(|list| list.iter().map(|(key, entry)| (&key.key, entry)))
    }

    /// Takes everything out and gives it to `take` in the opposite order of [`iter`](Self::iter). What `take` hands back
    /// stays, in the order that it had.
    pub(crate) fn drain_back(
        &mut self,
        mut take: impl FnMut(Group, Hashed<K>, Entry<C>) -> Option<(Hashed<K>, Entry<C>)>,
    ) {
        let groups = self.lists().count() as Group;
        let mut former = std::mem::replace(
            self,
            Self::new(if self.divided.is_some() {
                groups as usize
            } else {
                0
            }),
        );
        for group in (0..groups).rev() {
            while let Some((key, entry)) = former.list_mut(group).pop_lru() {
                if let Some((key, entry)) = take(group, key, entry) {
                    self.put(group, key, entry);
                }
            }
        }
    }
}

/// Unbounded, since the bound is kept for all shards together: the map then grows with its contents instead of reserving
/// all.
fn empty<K: Eq, C>() -> List<K, C> {
    LruCache::unbounded_with_hasher(CarryHash::default())
}
