//! How often what was done.

use std::cell::Cell;
use std::fmt;

macro_rules! kinds {
    ($($kind:ident)*) => {
        /// What is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind { $($kind),* }

        pub(crate) const KINDS: &[Kind] = &[$(Kind::$kind),*];
    };
}

kinds! {
    // Reads, by how they are made.
    Get Read GetIfPresent Entries GetOrLoad GetOrLoadAsync GetManyOrLoad GetManyOrLoadAsync GetOrInsertWith
    LoadingGet LoadingGetAsync FormerValue
    // Loads, and what became of them.
    Loads Voided Waits LoadFailures DroppedTasks Refreshes DroppedJobs StaleServed FailuresServed Abandoned TimedOut
    // Writes and invalidations.
    Insert TryInsert Replace Remove RemoveIf Forget InvalidateTag Retain Clear DuringALoad
    // What else takes entries out or brings them in.
    Evictions Expirations Refusals Restored RestoresRefused
}

impl Kind {
    /// How many kinds of reads there are; they come first.
    const READS: usize = Self::FormerValue as usize + 1;
}

pub(crate) struct Tally(Vec<Cell<u64>>);

impl Tally {
    pub(crate) fn new() -> Self {
        Self(vec![Cell::new(0); KINDS.len()])
    }

    pub(crate) fn count(&self, kind: Kind) {
        self.add(kind, 1);
    }

    pub(crate) fn add(&self, kind: Kind, more: u64) {
        let count = &self.0[kind as usize];
        count.set(count.get() + more);
    }

    pub(crate) fn add_all(&self, other: &Self) {
        for &kind in KINDS {
            self.add(kind, other.get(kind));
        }
    }

    pub(crate) fn get(&self, kind: Kind) -> u64 {
        self.0[kind as usize].get()
    }

    pub(crate) fn reads(&self) -> u64 {
        self.0[..Kind::READS].iter().map(Cell::get).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} reads", self.reads())?;
        for &kind in KINDS {
            write!(f, "\n{:>12} {kind:?}", self.get(kind))?;
        }
        Ok(())
    }
}
