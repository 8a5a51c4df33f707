//! Growth: a larger table, filled in steps while the one in use goes on serving.
//!
//! No step is long, so that no caller waits for a whole table. Entries are taken over in the order of their slots, those
//! below a mark first. What happens to entries below the mark meanwhile is done to both tables; the ones above are met
//! later as they are then. Readers see nothing of it: the larger table is the writer's own until it is complete.

use super::slab::Slab;
use super::table::{Blank, Hash, Table};

/// Slots taken over in one step, one or two microseconds of work.
///
/// One by one for the model checker, so that it sees the states in between.
pub(super) const MOVED_AT_ONCE: u32 = if cfg!(loom) { 1 } else { 32 };

pub(super) enum Growth {
    Blank(Blank),
    Filling {
        table: Box<Table>,
        /// The entries of slots below this are in `table`.
        moved: u32,
    },
    /// Nothing is left to do but to use it.
    Complete(Box<Table>),
}

impl Growth {
    /// Begins to make a table for so many entries, more than there are now. Half of `steps` are for clearing it.
    pub(super) fn new(entries: usize, steps: usize) -> Self {
        Self::Blank(Blank::new(entries, steps / 2))
    }

    /// How many entries may come in from the beginning of a growth on until the table in use is crowded. Each of them does
    /// a step. `next` is what the other table is made for.
    ///
    /// A sixteenth of the places is enough to take over twice as many slots as there are places, half of the steps being
    /// for that. Where the other table is very much larger, clearing takes more.
    pub(super) fn steps(table: &Table, next: usize) -> usize {
        let places = table.places();
        (next / 256).clamp(places / 16, places / 4).max(1)
    }

    /// Does some of the work. Slots below `fresh` are made.
    pub(super) fn step<K, V>(self, slab: &Slab<K, V>, fresh: u32) -> Self {
        match self {
            Self::Blank(mut blank) => match blank.clear_some() {
                false => Self::Blank(blank),
                true => Self::Filling {
                    table: Box::new(blank.into_table()),
                    moved: 0,
                },
            },
            Self::Filling { table, moved } => {
                let end = fresh.min(moved.saturating_add(MOVED_AT_ONCE));
                for index in moved..end {
                    // SAFETY: every index below `fresh` was made, under the lock that the writer holds.
                    let slot = unsafe { slab.slot(index) };
                    if slot.is_occupied() {
                        table.insert(Hash { home: slot.hash() }, index);
                    }
                }
                match end == fresh {
                    false => Self::Filling { table, moved: end },
                    true => Self::Complete(table),
                }
            }
            complete @ Self::Complete(_) => complete,
        }
    }

    /// Tells that the entry of a slot is in the table in use now.
    pub(super) fn inserted(&self, home: u32, index: u32) {
        if let Some(table) = self.table_with(index) {
            table.insert(Hash { home }, index);
        }
    }

    /// Tells that the entry of a slot is no longer in the table in use. `home` is what the slot says, however the user's
    /// `Hash` may have changed its mind.
    pub(super) fn removed(&self, home: u32, index: u32) {
        if let Some(table) = self.table_with(index) {
            let place = table
                .find_slot(home, index)
                .expect("both tables hold the entries of slots below the mark");
            table.remove(home, place);
        }
    }

    /// The larger table, if it has the entry of a slot when the table in use has.
    fn table_with(&self, index: u32) -> Option<&Table> {
        match self {
            Self::Filling { table, moved } if index < *moved => Some(table),
            _ => None,
        }
    }

    #[cfg(all(test, not(loom)))]
    pub(super) fn cleared_and_moved(&self) -> (usize, u32) {
        match self {
            Self::Blank(blank) => (blank.cleared(), 0),
            Self::Filling { table, moved } => (table.places() / 12, *moved),
            Self::Complete(_) => (0, 0),
        }
    }
}
