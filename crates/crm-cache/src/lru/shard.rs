//! One shard: an exact LRU with expiry and weights. It takes no lock and reads no clock; its owner does both.

#[cfg(feature = "serde")]
use std::cell::RefCell;

#[cfg(feature = "serde")]
use super::lookup::Query;
use super::lookup::{Hashed, Lookup};
use super::orders::Orders;
use crate::bound::{Bound, Space};
use crate::content::{Content, Present, Standing};
use crate::outflow::Outflow;
use crate::shares::{Claim, Group, OTHERS, Shares, Want};
#[cfg(feature = "serde")]
use crate::snapshot::{Copied, Past};
use crate::time::{Millis, NEVER};
use crate::{RemovalCause, Stats};

pub(crate) struct Entry<C> {
    pub(crate) content: C,
    pub(crate) weight: u64,
    pub(crate) deadline: Millis,
    pub(crate) idle_until: Millis,
}

impl<C: Content> Entry<C> {
    /// How it stands; none if its time is over.
    pub(crate) fn standing(&self, present: Present<'_>) -> Option<Standing> {
        let is_over = present.millis >= self.deadline || present.millis >= self.idle_until;
        (!is_over).then(|| self.content.standing(present))
    }

    pub(crate) fn is_fresh(&self, present: Present<'_>) -> bool {
        self.standing(present) == Some(Standing::Fresh)
    }

    /// Why it leaves: for the cause that is given, unless it could not have been served any more anyway.
    fn cause_of_leaving(&self, present: Present<'_>, cause: RemovalCause) -> RemovalCause {
        match self.standing(present) {
            Some(Standing::Fresh) => cause,
            Some(Standing::Invalidated) => RemovalCause::Invalidated,
            Some(Standing::Stale) | None => RemovalCause::Expired,
        }
    }
}

pub(crate) struct Shard<K, C> {
    entries: Orders<K, C>,
    time_to_idle: Millis,
    stats: Stats,
}

impl<K: Eq, C: Content> Shard<K, C> {
    /// With so many groups of entries with guarantees of their own; zero without tenants.
    pub(crate) fn new(time_to_idle: Option<Millis>, groups: usize) -> Self {
        Self {
            entries: Orders::new(groups),
            time_to_idle: time_to_idle.unwrap_or(NEVER),
            stats: Stats::default(),
        }
    }

    /// Shows the fresh value of a key to `read` and makes it the most recently used.
    pub(crate) fn get<R>(
        &mut self,
        query: &dyn Lookup<K>,
        present: Present<'_>,
        read: impl FnOnce(&C::Value) -> R,
        bound: &Bound,
        outflow: &mut Outflow<K, C>,
    ) -> Option<R> {
        match self.entries.get_mut(query) {
            Some(entry) if entry.is_fresh(present) => {
                entry.idle_until = present.millis.saturating_add(self.time_to_idle);
                self.stats.hits += 1;
                return Some(read(entry.content.value()));
            }
            Some(entry) if entry.standing(present) == Some(Standing::Stale) => {}
            Some(entry) => {
                let cause = entry.cause_of_leaving(present, RemovalCause::Expired);
                self.take(query, cause, bound, outflow);
            }
            None => {}
        }
        self.stats.misses += 1;
        None
    }

    /// Shows what is kept under a key, fresh or stale, and makes it the most recently used.
    pub(crate) fn view<R>(
        &mut self,
        query: &dyn Lookup<K>,
        present: Present<'_>,
        read: impl FnOnce(&C, Standing) -> R,
    ) -> Option<R> {
        let entry = self.entries.get_mut(query);
        let found = entry.and_then(|entry| {
            let standing = entry.standing(present)?;
            (standing != Standing::Invalidated).then_some((entry, standing))
        });
        *match found {
            Some((_, Standing::Fresh)) => &mut self.stats.hits,
            _ => &mut self.stats.misses,
        } += 1;
        let (entry, standing) = found?;
        entry.idle_until = present.millis.saturating_add(self.time_to_idle);
        Some(read(&entry.content, standing))
    }

    /// Shows what is kept under a key, fresh or stale; changes neither order nor statistics.
    pub(crate) fn inspect<R>(
        &self,
        query: &dyn Lookup<K>,
        present: Present<'_>,
        read: impl FnOnce(&C, Standing) -> R,
    ) -> Option<R> {
        let entry = self.entries.peek(query)?;
        let standing = entry.standing(present)?;
        (standing != Standing::Invalidated).then(|| read(&entry.content, standing))
    }

    /// The fresh value of a key; changes neither order nor statistics.
    pub(crate) fn peek(&self, query: &dyn Lookup<K>, present: Present<'_>) -> Option<&C::Value> {
        self.entries
            .peek(query)
            .filter(|entry| entry.is_fresh(present))
            .map(|entry| entry.content.value())
    }

    /// Has `space` take in what an entry of this key, group and weight needs beyond what the key has, by evicting others
    /// if the cache is full. Says of what there is still too little.
    pub(crate) fn makes_space(
        &mut self,
        space: &mut Space<'_>,
        key: &Hashed<K>,
        group: Group,
        weight: u64,
        bound: &Bound,
        outflow: &mut Outflow<K, C>,
    ) -> Result<(), Want> {
        let former = self
            .entries
            .peek(key as &dyn Lookup<K>)
            .map(|entry| entry.weight);
        let more = weight.saturating_sub(former.unwrap_or(0));
        let spared = former.map(|_| self.entries.group(key as &dyn Lookup<K>));
        loop {
            let want = if !space.takes_weight(more) {
                Want::Weight(more)
            } else if former.is_none() && !space.takes_entry() {
                Want::Entry
            } else {
                return Ok(());
            };
            if former.is_some() {
                // It is used now, and so it is not the one that has to leave.
                self.entries.promote(key as &dyn Lookup<K>);
            }
            if !self.evict(
                Claim::Arrival { group, want },
                spared,
                space,
                bound,
                outflow,
            ) {
                return Err(want);
            }
        }
    }

    /// Takes an entry in, in place of the one with the same key if there is one. `space` has what it needs beyond that.
    pub(crate) fn put(
        &mut self,
        key: Hashed<K>,
        entry: Entry<C>,
        present: Present<'_>,
        space: Space<'_>,
        bound: &Bound,
        outflow: &mut Outflow<K, C>,
    ) {
        let (group, weight) = (entry.content.group(), entry.weight);
        match self.entries.pop_entry(&key as &dyn Lookup<K>) {
            Some((group, key, former)) => {
                if let Some(shares) = bound.shares::<C>() {
                    shares.leave(group, former.weight);
                }
                let cause = former.cause_of_leaving(present, RemovalCause::Replaced);
                self.count(cause);
                if cause != RemovalCause::Replaced {
                    self.stats.insertions += 1;
                }
                space.fill_in_place_of(former.weight, weight);
                outflow.push(key.key, former.content, cause);
            }
            None => {
                self.stats.insertions += 1;
                space.fill(1, weight);
            }
        }
        if let Some(shares) = bound.shares::<C>() {
            shares.join(group, weight);
        }
        self.entries.put(group, key, entry);
    }

    /// Takes a key out.
    pub(crate) fn remove(
        &mut self,
        query: &dyn Lookup<K>,
        present: Present<'_>,
        bound: &Bound,
        outflow: &mut Outflow<K, C>,
    ) {
        if let Some(entry) = self.entries.peek(query) {
            let cause = entry.cause_of_leaving(present, RemovalCause::Removed);
            self.take(query, cause, bound, outflow);
        }
    }

    /// Counts an entry that may not come in.
    pub(crate) fn refuse(&mut self) {
        self.count(RemovalCause::Refused);
    }

    fn count(&mut self, cause: RemovalCause) {
        *match cause {
            RemovalCause::Replaced => &mut self.stats.replacements,
            RemovalCause::Removed => &mut self.stats.removals,
            RemovalCause::Expired => &mut self.stats.expirations,
            RemovalCause::Invalidated => &mut self.stats.invalidations,
            RemovalCause::Evicted => &mut self.stats.evictions,
            RemovalCause::Refused => &mut self.stats.refusals,
        } += 1;
    }

    /// Takes everything out. What has left is to be drained after the lock is gone.
    pub(crate) fn clear(&mut self, bound: &Bound) -> Cleared<K, C> {
        self.stats.removals += self.entries.len() as u64;
        let weight = self.entries.iter().map(|(_, entry)| entry.weight).sum();
        bound.give(self.entries.len(), weight);
        let groups = bound.shares::<C>().map_or(0, Shares::groups);
        let cleared = std::mem::replace(&mut self.entries, Orders::new(groups));
        if let Some(shares) = bound.shares::<C>() {
            for (group, entries) in (0..).zip(cleared.by_group()) {
                entries.for_each(|(_, entry)| shares.leave(group, entry.weight));
            }
        }
        Cleared(cleared)
    }

    /// Takes out every entry whose life is over, and says how many they were.
    pub(crate) fn remove_expired(
        &mut self,
        present: Present<'_>,
        bound: &Bound,
        outflow: &mut Outflow<K, C>,
    ) -> usize {
        self.retain(bound, outflow, |_, entry| match entry.standing(present) {
            Some(Standing::Fresh | Standing::Stale) => None,
            Some(Standing::Invalidated) => Some(RemovalCause::Invalidated),
            None => Some(RemovalCause::Expired),
        })
    }

    /// Takes out the entries for which there is a cause, and says how many they were.
    pub(crate) fn retain(
        &mut self,
        bound: &Bound,
        outflow: &mut Outflow<K, C>,
        mut cause: impl FnMut(&K, &Entry<C>) -> Option<RemovalCause>,
    ) -> usize {
        // All are judged before any is moved: a panic leaves the shard as it was.
        let mut causes: Vec<_> = self
            .entries
            .iter()
            .map(|(key, entry)| cause(key, entry))
            .collect();
        let removed = causes.iter().flatten().count();
        if removed > 0 {
            // Everything moves to a new list in its old order: the list of `lru` gives no way to take one out of the
            // middle while going through it.
            let mut entries = std::mem::replace(&mut self.entries, Orders::new(0));
            entries.drain_back(|group, key, entry| match causes.pop().flatten() {
                Some(cause) => {
                    self.give(group, key, entry, cause, bound, outflow);
                    None
                }
                None => Some((key, entry)),
            });
            self.entries = entries;
        }
        removed
    }

    /// The entries with their keys, most recently used first among those of a group.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &Entry<C>)> {
        self.entries.iter()
    }

    /// For each group the keys of the first `count` fresh entries, most recently used first.
    pub(crate) fn keys(&self, count: usize, present: Present<'_>) -> Vec<Vec<K>>
    where
        K: Clone,
    {
        let of_group = |entries| fresh_keys(entries, count, present);
        self.entries.by_group().map(of_group).collect()
    }

    /// For each group the keys of the last `count` fresh entries, least recently used first.
    pub(crate) fn keys_from_last(&self, count: usize, present: Present<'_>) -> Vec<Vec<K>>
    where
        K: Clone,
    {
        let groups = self.entries.by_group();
        groups
            .map(|entries| fresh_keys(entries.rev(), count, present))
            .collect()
    }

    pub(crate) fn stats(&self) -> Stats {
        self.stats
    }

    /// Evicts the entry that was used least recently, into `space`; where tenants have shares, of the group that the
    /// claim is against. Never the only one of the group that is spared. Says whether there was one.
    pub(crate) fn evict(
        &mut self,
        claim: Claim,
        spared: Option<Group>,
        space: &mut Space<'_>,
        bound: &Bound,
        outflow: &mut Outflow<K, C>,
    ) -> bool {
        let has = |group| self.entries.count(group) > usize::from(spared == Some(group));
        let payer = match bound.shares::<C>() {
            None => has(OTHERS).then_some(OTHERS),
            Some(shares) => shares.payer(claim, has),
        };
        let Some((key, entry)) = payer.and_then(|payer| {
            let weight = self.entries.coldest(payer)?.weight;
            let taken = bound
                .shares::<C>()
                .is_none_or(|shares| shares.take(claim, payer, weight));
            taken.then(|| self.entries.pop_lru(payer)).flatten()
        }) else {
            return false;
        };
        self.count(RemovalCause::Evicted);
        space.absorb(entry.weight);
        outflow.push(key.key, entry.content, RemovalCause::Evicted);
        true
    }

    /// For each group where its fresh entries are, most recently used first: the address of each key, and its hash.
    #[cfg(feature = "serde")]
    pub(crate) fn places(
        &self,
        present: Present<'_>,
    ) -> impl Iterator<Item = impl Iterator<Item = (usize, u64)>> {
        self.entries.lists().map(move |list| {
            list.iter()
                .filter(move |(_, entry)| entry.is_fresh(present))
                .map(|(key, _)| (address(&key.key), key.hash))
        })
    }

    /// A copy of the fresh entry of this hash, with this age; mostly its key still has the address where it was seen.
    #[cfg(feature = "serde")]
    pub(crate) fn copy(
        &self,
        at: usize,
        hash: u64,
        age: u32,
        present: Present<'_>,
    ) -> Option<Copied<K, C::Value>>
    where
        K: Clone,
        C::Value: Clone,
    {
        // The list shows a key to nobody but the query, unless it is to be moved to the front.
        let found = RefCell::new(None);
        let find = |is_it: &dyn Fn(&K) -> bool| {
            let is_it = |key: &K| {
                let is_it = is_it(key);
                if is_it {
                    *found.borrow_mut() = Some(key.clone());
                }
                is_it
            };
            self.entries.peek(&Query { hash, is_it } as &dyn Lookup<K>)
        };
        let entry = find(&|key| address(key) == at).or_else(|| find(&|_| true))?;
        if !entry.is_fresh(present) {
            return None;
        }
        Some(Copied {
            key: found.take()?,
            value: entry.content.value().clone(),
            past: Past { class: 0, age },
            deadline: entry.deadline.min(entry.content.fresh_until()),
            idle_until: entry.idle_until,
        })
    }

    /// Whether there is an entry under this key, fresh or not.
    #[cfg(feature = "serde")]
    pub(crate) fn contains(&self, key: &Hashed<K>) -> bool {
        self.entries.peek(key as &dyn Lookup<K>).is_some()
    }

    /// Takes in an entry whose key is not here, as the least recently used one. `space` has room for it.
    #[cfg(feature = "serde")]
    pub(crate) fn restore(
        &mut self,
        key: Hashed<K>,
        entry: Entry<C>,
        space: Space<'_>,
        bound: &Bound,
    ) {
        let (group, weight) = (entry.content.group(), entry.weight);
        self.entries.put_last(group, key, entry);
        self.stats.insertions += 1;
        space.fill(1, weight);
        if let Some(shares) = bound.shares::<C>() {
            shares.join(group, weight);
        }
    }

    fn take(
        &mut self,
        query: &dyn Lookup<K>,
        cause: RemovalCause,
        bound: &Bound,
        outflow: &mut Outflow<K, C>,
    ) {
        if let Some((group, key, entry)) = self.entries.pop_entry(query) {
            self.give(group, key, entry, cause, bound, outflow);
        }
    }

    fn give(
        &mut self,
        group: Group,
        key: Hashed<K>,
        entry: Entry<C>,
        cause: RemovalCause,
        bound: &Bound,
        outflow: &mut Outflow<K, C>,
    ) {
        self.count(cause);
        if let Some(shares) = bound.shares::<C>() {
            shares.leave(group, entry.weight);
        }
        bound.give(1, entry.weight);
        outflow.push(key.key, entry.content, cause);
    }
}

fn fresh_keys<'a, K: Clone + 'a, C: Content + 'a>(
    entries: impl Iterator<Item = (&'a K, &'a Entry<C>)>,
    count: usize,
    present: Present<'_>,
) -> Vec<K> {
    entries
        .filter(|(_, entry)| entry.is_fresh(present))
        .take(count)
        .map(|(key, _)| key.clone())
        .collect()
}

/// The former contents of a shard.
pub(crate) struct Cleared<K, C>(Orders<K, C>);

impl<K: Eq, C: Content> Cleared<K, C> {
    pub(crate) fn drain(mut self, outflow: &mut Outflow<K, C>) {
        self.0.drain_back(|_, key, entry| {
            outflow.push(key.key, entry.content, RemovalCause::Removed);
            None
        });
    }
}

/// Where a key lies. The list never moves one.
#[cfg(feature = "serde")]
fn address<K>(key: &K) -> usize {
    std::ptr::from_ref(key).addr()
}
