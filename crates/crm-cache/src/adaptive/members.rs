//! Members: which slots hold the entries of which group, so that a victim can be chosen among one group's.

use crate::shares::Group;

/// Marks a slot whose entry has left.
const NOBODY: Group = Group::MAX;

/// The slots of a shard by group, under the shard's lock.
pub(crate) struct Members {
    seats: Vec<Seat>,
    groups: Box<[Listed]>,
}

/// Whose the entry of a slot is, and where the slot stands among theirs.
#[derive(Clone, Copy, Debug)]
struct Seat {
    group: Group,
    at: u32,
}

/// The slots of a group, and how many there have been at once.
#[derive(Default)]
struct Listed {
    slots: Vec<u32>,
    most: usize,
}

impl Members {
    pub(crate) fn new(groups: usize) -> Self {
        Self {
            seats: Vec::new(),
            groups: (0..groups).map(|_| Listed::default()).collect(),
        }
    }

    /// Whose the entry of a slot is.
    pub(crate) fn group(&self, slot: u32) -> Group {
        self.seats[slot as usize].group
    }

    /// Tells that a slot was filled with an entry of a group.
    pub(crate) fn join(&mut self, slot: u32, group: Group) {
        let members = &mut self.groups[group as usize];
        let vacant = Seat {
            group: NOBODY,
            at: 0,
        };
        let index = slot as usize;
        if index >= self.seats.len() {
            self.seats.resize(index + 1, vacant);
        }
        self.seats[index] = Seat {
            group,
            at: members.slots.len() as u32,
        };
        members.slots.push(slot);
        members.most = members.most.max(members.slots.len());
    }

    /// Tells that the entry of a slot has left, and says whose it was.
    pub(crate) fn leave(&mut self, slot: u32) -> Group {
        let seat = &mut self.seats[slot as usize];
        let Seat { group, at } = *seat;
        seat.group = NOBODY;
        let slots = &mut self.groups[group as usize].slots;
        slots.swap_remove(at as usize);
        if let Some(&other) = slots.get(at as usize) {
            self.seats[other as usize].at = at;
        }
        group
    }

    /// Whether the entry of a slot is of this group.
    pub(crate) fn is_of(&self, slot: u32, group: Group) -> bool {
        let seat = self.seats.get(slot as usize);
        seat.is_some_and(|seat| seat.group == group)
    }

    /// The slots of a group, in no order.
    pub(crate) fn slots(&self, group: Group) -> &[u32] {
        &self.groups[group as usize].slots
    }

    /// The most slots that a group has had at once.
    pub(crate) fn most(&self, group: Group) -> usize {
        self.groups[group as usize].most
    }
}
