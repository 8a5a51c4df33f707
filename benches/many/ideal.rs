//! What a `DataLoader` without a window of time could make do with, had it nothing to do but to load.
//!
//! One batch is under way at a time. What is missed while none is under way is loaded at once; what is missed meanwhile
//! gathers, each key once, and leaves as the next batch when the one under way has landed, as far as one batch may hold it.
//! A key that is under way or has gathered is waited for and not loaded again. Looking, handing over and waking take no
//! time. All callers begin at once, one of them first.
//!
//! Two such loaders differ in what happens when a batch lands. The eager one sends what has gathered, and those who were
//! woken find the next batch under way: this is the one that the number of loads is held against. The patient one lets them
//! ask for their next pages first, as if it knew that they will; nobody can make fewer loads.

use std::collections::{HashSet, VecDeque};

/// What happens first when a batch has landed.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum First {
    /// The next batch leaves: the eager loader.
    Leave,
    /// Those who were woken ask for their next pages: the patient one.
    Ask,
}

/// The loads that callers need who each go through their pages, one after the other.
pub(crate) fn loads(pages: &[Vec<Vec<u64>>], largest: usize, first: First) -> usize {
    let mut simulation = Simulation {
        pages,
        next: vec![0; pages.len()],
        waiting: pages.iter().map(|_| HashSet::new()).collect(),
        landed: HashSet::new(),
        expected: HashSet::new(),
        gathered: VecDeque::new(),
        under_way: Vec::new(),
        loads: 0,
        largest,
        may_leave: true,
    };
    for caller in 0..pages.len() {
        simulation.go_on(caller);
    }
    while !simulation.under_way.is_empty() {
        simulation.land(first);
    }
    simulation.loads
}

struct Simulation<'a> {
    pages: &'a [Vec<Vec<u64>>],
    /// Which page each caller asks for next.
    next: Vec<usize>,
    /// The keys that each caller still waits for.
    waiting: Vec<HashSet<u64>>,
    landed: HashSet<u64>,
    /// Under way or gathered.
    expected: HashSet<u64>,
    gathered: VecDeque<u64>,
    under_way: Vec<u64>,
    loads: usize,
    largest: usize,
    may_leave: bool,
}

impl Simulation<'_> {
    /// A caller who waits for nothing asks for pages until he does.
    fn go_on(&mut self, caller: usize) {
        while self.waiting[caller].is_empty() {
            let Some(page) = self.pages[caller].get(self.next[caller]) else {
                return;
            };
            self.next[caller] += 1;
            for &key in page {
                if self.landed.contains(&key) {
                    continue;
                }
                self.waiting[caller].insert(key);
                if self.expected.insert(key) {
                    self.gathered.push_back(key);
                }
            }
            if self.may_leave && self.under_way.is_empty() {
                self.leave();
            }
        }
    }

    /// What has gathered is under way from now on, as far as one batch may hold it.
    fn leave(&mut self) {
        let count = self.gathered.len().min(self.largest);
        self.under_way = self.gathered.drain(..count).collect();
        self.loads += usize::from(count > 0);
    }

    fn land(&mut self, first: First) {
        let landed = std::mem::take(&mut self.under_way);
        self.may_leave = first == First::Leave;
        if self.may_leave {
            self.leave();
        }
        for key in &landed {
            self.expected.remove(key);
            self.landed.insert(*key);
        }
        for caller in 0..self.pages.len() {
            let waiting = &mut self.waiting[caller];
            let before = waiting.len();
            landed.iter().for_each(|key| {
                waiting.remove(key);
            });
            if waiting.is_empty() && before > 0 {
                self.go_on(caller);
            }
        }
        self.may_leave = true;
        if self.under_way.is_empty() {
            self.leave();
        }
    }
}
