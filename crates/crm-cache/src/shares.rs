//! Fair shares: what each group of entries is guaranteed, what it holds, and which one has to give.
//!
//! What a group holds is counted when its entry is published and when it is unlinked. An entry leaves for another group's
//! only by an exchange that fails where the group has no more than it is guaranteed, so that no race takes from it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The number of a group of entries that share a guarantee: a tenant with a share of its own, or all the others.
pub(crate) type Group = u32;

/// The group of the tenants that were given no share. In caches without tenants all entries are of it.
pub(crate) const OTHERS: Group = 0;

/// What there is too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Entry,
    /// So much more weight.
    Weight(u64),
}

/// For whom an entry has to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// For a new entry of a group.
    Arrival { group: Group, want: Want },
    /// For nobody: the bound was lowered.
    Excess(Want),
    /// As before, but nobody holds too much, since space is held for entries on their way in.
    Anyone,
}

impl Claim {
    /// Whether a place for an entry is wanted, and not weight.
    #[inline]
    pub(crate) fn wants_place(self) -> bool {
        matches!(
            self,
            Self::Arrival {
                want: Want::Entry,
                ..
            } | Self::Excess(Want::Entry)
        )
    }
}

/// The shares of a cache. All counts are of entries, and where entries are weighed, of weight too.
#[derive(Debug)]
pub(crate) struct Shares {
    /// Of the groups from the second one on; the first one has the rest.
    shares: Box<[f64]>,
    accounts: Box<[Account]>,
}

/// On lines of its own, since every insertion writes it.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Account {
    entries: AtomicUsize,
    weight: AtomicU64,
    guaranteed_entries: AtomicUsize,
    guaranteed_weight: AtomicU64,
}

impl Account {
    /// How much more is held than guaranteed; below zero for less.
    fn excess(&self, want: Want) -> i128 {
        let held = match want {
            Want::Entry => self.entries() as i128,
            Want::Weight(_) => i128::from(self.weight.load(Ordering::Relaxed)),
        };
        held - self.guaranteed(want)
    }

    fn guaranteed(&self, want: Want) -> i128 {
        match want {
            Want::Entry => self.guaranteed_entries.load(Ordering::Relaxed) as i128,
            Want::Weight(_) => i128::from(self.guaranteed_weight.load(Ordering::Relaxed)),
        }
    }

    fn entries(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }
}

impl Shares {
    /// Shares of all groups but that of the others, which has what they leave. Their sum is at most one.
    pub(crate) fn new(shares: Box<[f64]>) -> Self {
        let accounts = (0..=shares.len()).map(|_| Account::default()).collect();
        Self { shares, accounts }
    }

    pub(crate) fn groups(&self) -> usize {
        self.accounts.len()
    }

    /// Sets what each group is guaranteed, for a bound that has changed.
    pub(crate) fn divide(&self, capacity: usize, max_weight: u64) {
        let entries = divided(&self.shares, capacity as u64).map(|entries| entries as usize);
        for (account, entries) in self.accounts.iter().zip(entries) {
            account.guaranteed_entries.store(entries, Ordering::Relaxed);
        }
        for (account, weight) in self.accounts.iter().zip(divided(&self.shares, max_weight)) {
            account.guaranteed_weight.store(weight, Ordering::Relaxed);
        }
    }

    /// How many entries of each group to prepare for: what it is guaranteed. A group that is guaranteed nothing lives on
    /// what is lent to it, which nobody knows.
    pub(crate) fn planned(&self) -> Vec<usize> {
        let guaranteed = (0..)
            .zip(&self.accounts)
            .map(|(group, _)| self.guaranteed(group));
        let all: usize = guaranteed.clone().sum();
        guaranteed
            .map(|entries| {
                if entries == 0 {
                    (all / 8).max(1)
                } else {
                    entries
                }
            })
            .collect()
    }

    /// The entries that a group holds.
    pub(crate) fn entries(&self, group: Group) -> usize {
        self.account(group).entries()
    }

    /// The entries that a group is guaranteed.
    pub(crate) fn guaranteed(&self, group: Group) -> usize {
        self.account(group)
            .guaranteed_entries
            .load(Ordering::Relaxed)
    }

    fn account(&self, group: Group) -> &Account {
        &self.accounts[group as usize]
    }

    /// Counts an entry that came in.
    pub(crate) fn join(&self, group: Group, weight: u64) {
        let account = self.account(group);
        account.entries.fetch_add(1, Ordering::Relaxed);
        account.weight.fetch_add(weight, Ordering::Relaxed);
    }

    /// Counts an entry that leaves, whoever it is for.
    pub(crate) fn leave(&self, group: Group, weight: u64) {
        let account = self.account(group);
        account.entries.fetch_sub(1, Ordering::Relaxed);
        account.weight.fetch_sub(weight, Ordering::Relaxed);
    }

    /// The group that has to give an entry, of those that `has` says have one.
    ///
    /// That is the one that is furthest above its guarantee, with the newcomer counted where it will be held. So what is
    /// lent out is divided evenly among those who want it, and comes back as soon as its owner does.
    pub(crate) fn payer(&self, claim: Claim, has: impl Fn(Group) -> bool) -> Option<Group> {
        let (want, own, least) = match claim {
            Claim::Arrival { group, want } => (want, Some(group), 1),
            Claim::Excess(want) => (want, None, 1),
            Claim::Anyone => (Want::Entry, None, i128::MIN),
        };
        let newcomer = match want {
            Want::Entry => 1,
            Want::Weight(weight) => i128::from(weight),
        };
        let mut payer = None;
        for (group, account) in (0..).zip(&self.accounts) {
            let is_own = own == Some(group);
            let excess = account.excess(want) + if is_own { newcomer } else { 0 };
            // Among equals it is the newcomer's own group: nothing is gained by passing an entry to and fro.
            let rank = (excess, is_own);
            if excess >= least && payer.is_none_or(|(most, _)| rank > most) && has(group) {
                payer = Some((rank, group));
            }
        }
        payer.map(|(_, group)| group)
    }

    /// Takes an entry of this weight from a group for a claim; false if the group has no more than its guarantee by now.
    pub(crate) fn take(&self, claim: Claim, payer: Group, weight: u64) -> bool {
        let account = self.account(payer);
        let want = match claim {
            Claim::Arrival { group, want } if group != payer => want,
            Claim::Excess(want) => want,
            Claim::Arrival { .. } | Claim::Anyone => {
                self.leave(payer, weight);
                return true;
            }
        };
        let (entries, held) = (&account.entries, &account.weight);
        match want {
            Want::Entry => {
                let guaranteed = &account.guaranteed_entries;
                let taken = entries.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |entries| {
                    (entries > guaranteed.load(Ordering::Relaxed)).then(|| entries - 1)
                });
                if taken.is_ok() {
                    held.fetch_sub(weight, Ordering::Relaxed);
                }
                taken.is_ok()
            }
            Want::Weight(_) => {
                let guaranteed = &account.guaranteed_weight;
                let taken = held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
                    (held > guaranteed.load(Ordering::Relaxed)).then(|| held - weight)
                });
                if taken.is_ok() {
                    entries.fetch_sub(1, Ordering::Relaxed);
                }
                taken.is_ok()
            }
        }
    }

    /// Whether an entry of this group and weight could come in, if need be in place of all that the group has: it fits
    /// into the guarantee and what the others do not use of theirs.
    #[inline]
    pub(crate) fn admits(&self, group: Group, weight: u64) -> bool {
        let fits = |want, amount| {
            let guaranteed = self.account(group).guaranteed(want);
            guaranteed >= amount || guaranteed + self.unused(group, want) >= amount
        };
        fits(Want::Entry, 1) && fits(Want::Weight(weight), i128::from(weight))
    }

    /// What all but one group do not use of their guarantees.
    #[cold]
    fn unused(&self, by_all_but: Group, want: Want) -> i128 {
        let others = (0..).zip(&self.accounts);
        others
            .filter(|&(group, _)| group != by_all_but)
            .map(|(_, account)| (-account.excess(want)).max(0))
            .sum()
    }
}

/// What each group gets of an amount: its share, rounded down, and the first one the rest.
fn divided(shares: &[f64], amount: u64) -> impl Iterator<Item = u64> {
    let mut rest = amount;
    // A share that is a whole number but for the error of the multiplication is that number.
    let parts: Vec<u64> = shares
        .iter()
        .map(|share| {
            let part = ((share * amount as f64 + 1e-6) as u64).min(rest);
            rest -= part;
            part
        })
        .collect();
    std::iter::once(rest).chain(parts)
}

#[cfg(test)]
mod tests {
    use super::{Claim, Shares, Want, divided};

    /// Shares of ten entries: one for the others, five and four.
    fn held(held: [usize; 3]) -> Shares {
        let shares = Shares::new([0.5, 0.4].into());
        shares.divide(10, 0);
        for (group, entries) in (0..).zip(held) {
            (0..entries).for_each(|_| shares.join(group, 0));
        }
        shares
    }

    fn payer(shares: &Shares, group: u32) -> Option<u32> {
        let want = Want::Entry;
        shares.payer(Claim::Arrival { group, want }, |_| true)
    }

    #[test]
    fn shares_are_rounded_down_and_the_rest_is_for_the_others() {
        let of = |shares: &[f64], amount| divided(shares, amount).collect::<Vec<_>>();
        assert_eq!(of(&[0.29, 0.3], 100), [41, 29, 30]);
        assert_eq!(of(&[0.25, 0.25], 7), [5, 1, 1]);
        assert_eq!(
            of(&[0.7, 0.2, 0.1], 1_000_000),
            [0, 700_000, 200_000, 100_000]
        );
        assert_eq!(of(&[1.0, 0.0], u64::MAX), [0, u64::MAX, 0]);
    }

    #[test]
    fn who_is_furthest_above_the_guarantee_gives() {
        let full = held([3, 7, 0]);
        assert_eq!(
            (0..3).map(|group| payer(&full, group)).collect::<Vec<_>>(),
            [Some(0), Some(1), Some(0)]
        );
        let even = held([1, 5, 4]);
        assert!((0..3).all(|group| payer(&even, group) == Some(group)));
        // Space is held for entries on their way in: nobody has too much.
        assert_eq!(payer(&held([1, 5, 3]), 2), None);
    }

    #[test]
    fn nothing_is_taken_below_the_guarantee() {
        let shares = held([2, 5, 3]);
        let claim = Claim::Arrival {
            group: 2,
            want: Want::Entry,
        };
        assert!(!shares.take(claim, 1, 0));
        assert!(shares.take(claim, 0, 0) && !shares.take(claim, 0, 0));
        assert!(shares.take(claim, 2, 0) && shares.take(Claim::Anyone, 1, 0));
        assert_eq!([0, 1, 2].map(|group| shares.entries(group)), [1, 4, 2]);
    }
}
