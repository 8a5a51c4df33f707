//! The learner: counts reuses by class and age for the whole cache, and turns them into what each entry is worth.
//!
//! Counting is lossy on purpose. Readers add with a load and a store instead of an atomic addition; when two meet, one
//! count is lost, and the estimate does not notice.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::age::{MOST_BUCKETS, bucket};
use super::class::{CLASSES, COUNTS, Class, Intervals};
use super::hazard::{Belief, Hull, Observed, hazards, worths};
use super::prior::{Beliefs, GROUPS};
use crate::content::Content;
use crate::shares::{Group, OTHERS};
use crate::store::OwnLines;

/// Ticks in which every group has its turn once, at least. Below it too little is seen to say anything new.
const SHORTEST_ROUND: u64 = 512;

/// What is known of a cache that has lived long changes slowly: a round may take this share of its age, ...
const SHARE_OF_AGE: u64 = 16;

/// ... though not more ticks than this, nor more than so many capacities, so that a change of phase is soon noticed.
const LONGEST_BY_AGE: u64 = 2048;
const CAPACITIES_BY_AGE: u64 = 4;

/// Entries that a round looks at to know how many are waiting at which age.
const CENSUS: u64 = 4096;

/// Entries that one caller shows to the census at a time.
const CENSUS_AT_ONCE: u64 = 128;

/// Shards below this size have so few ages that all groups can be re-estimated in one go.
const FEW_AGES_BELOW: usize = 4096;

/// What is left of an observation in the short and in the long memory after a round.
const SHORT_MEMORY: f32 = 0.8;
const LONG_MEMORY: f32 = 0.995;

/// The long memory counts in the final estimate like this many observations, in units of the capacity.
const LONG_MEMORY_WEIGHT: f64 = 0.3;

pub(crate) struct Learner {
    intervals: Intervals,
    /// Ages are looked at up to here; older ones share the last bucket.
    buckets: usize,
    /// The entries that the whole cache can hold.
    capacity: f64,
    /// Ticks of a round at least, and of one that is longer for the cache's age at most.
    round: u64,
    longest_by_age: u64,
    groups_at_once: usize,
    /// Class by class, one cell for each age bucket.
    reused: Box<[AtomicU32]>,
    dropped: Box<[AtomicU32]>,
    waiting: Box<[AtomicU32]>,
    worth: Box<[AtomicU16]>,
    /// Written by all threads all the time, so off the lines that all of them read.
    ticks: OwnLines<AtomicU64>,
    next_turn: AtomicU64,
    /// Places for entries and ghosts that the census still has to look at, and how many there are.
    to_look_at: AtomicU64,
    population: AtomicU64,
    estimator: Mutex<Estimator>,
}

/// A learner for each group of entries: how one tenant's records are reused says nothing of another's.
#[derive(Debug)]
pub(crate) struct Learners {
    first: Learner,
    more: Box<[Learner]>,
}

impl Learners {
    /// For groups of so many entries, in the whole cache and in a shard.
    pub(crate) fn new(
        first: (usize, usize),
        more: impl IntoIterator<Item = (usize, usize)>,
    ) -> Self {
        let learner = |(capacity, per_shard)| Learner::new(capacity, per_shard);
        Self {
            first: learner(first),
            more: more.into_iter().map(learner).collect(),
        }
    }

    /// Takes in what has passed in a shard; see [`Learner::advance`].
    pub(crate) fn advance(&self, passed: Passed) {
        let learner = match passed.group {
            OTHERS => &self.first,
            group => &self.more[group as usize - 1],
        };
        learner.advance(passed);
    }

    /// The learner of the entries of a group, where there are groups of such contents.
    #[inline]
    pub(crate) fn of<C: Content>(&self, group: Group) -> &Learner {
        if C::HAS_GROUPS && group != OTHERS {
            &self.more[group as usize - 1]
        } else {
            &self.first
        }
    }
}

/// What has passed in a shard since it last told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Passed {
    pub(crate) ticks: u32,
    /// Places for entries and ghosts that the census has looked at.
    pub(crate) looked_at: u32,
    /// Places that were added.
    pub(crate) new_places: u32,
    /// Whose entries these are.
    pub(crate) group: Group,
}

/// What a round goes through. The census is taken all at once at its end: an entry that was seen waiting and then counted
/// as reused in the same round would count twice.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Counting,
    Census,
    Estimating,
}

struct Estimator {
    group: usize,
    short: Box<[Observed]>,
    long: Box<[Observed]>,
    phase: Phase,
    /// Places that the present census has looked at.
    looked_at: u64,
    worth: Box<[u16]>,
    beliefs: Beliefs,
    hull: Box<Hull>,
}

fn cells<T: Default>(count: usize) -> Box<[T]> {
    std::iter::repeat_with(T::default).take(count).collect()
}

impl Learner {
    /// A learner for a cache of `capacity` entries whose ages are counted in ticks of shards of `per_shard` entries.
    pub(crate) fn new(capacity: usize, per_shard: usize) -> Self {
        // Nothing older than this is ever remembered: a ghost is forgotten after about two capacities of evictions.
        let oldest = per_shard.max(8).saturating_mul(128).min(u32::MAX as usize) as u32;
        let buckets = (bucket(oldest) + 1).min(MOST_BUCKETS);
        let round = (capacity as u64 / 4).max(SHORTEST_ROUND);
        let intervals = Intervals::new(per_shard);
        let beliefs = Beliefs::new(&intervals, capacity, per_shard, buckets);
        let learner = Self {
            intervals,
            buckets,
            capacity: capacity as f64,
            round,
            longest_by_age: LONGEST_BY_AGE.min((capacity as u64).saturating_mul(CAPACITIES_BY_AGE)),
            reused: cells(CLASSES * buckets),
            dropped: cells(CLASSES * buckets),
            waiting: cells(CLASSES * buckets),
            worth: cells(CLASSES * buckets),
            ticks: OwnLines(AtomicU64::new(0)),
            next_turn: AtomicU64::new(round),
            groups_at_once: if per_shard < FEW_AGES_BELOW {
                GROUPS
            } else {
                1
            },
            to_look_at: AtomicU64::new(0),
            population: AtomicU64::new(0),
            estimator: Mutex::new(Estimator {
                group: 0,
                short: cells(CLASSES * buckets),
                long: cells(CLASSES * buckets),
                phase: Phase::Counting,
                looked_at: 0,
                worth: cells(CLASSES * buckets),
                beliefs,
                hull: Box::new(Hull::new()),
            }),
        };
        {
            let mut estimator = learner.estimator.lock();
            (0..GROUPS).for_each(|_| learner.estimate(&mut estimator));
            learner.publish(&estimator);
        }
        learner
    }

    #[inline]
    fn cell(&self, class: Class, age: u32) -> usize {
        class.row() * self.buckets + bucket(age).min(self.buckets - 1)
    }

    /// What keeping an entry of this class and age is worth; only comparisons mean anything.
    #[inline]
    pub(crate) fn worth(&self, class: Class, age: u32) -> u16 {
        self.worth[self.cell(class, age)].load(Ordering::Relaxed)
    }

    /// Records `times` reuses of entries of this class at this age, and returns the class of such an entry now.
    #[inline]
    pub(crate) fn reused(&self, class: Class, age: u32, times: u32) -> Class {
        add_lossy(&self.reused[self.cell(class, age)], times);
        self.intervals.after_reuse(class, age)
    }

    /// The class after a reuse that is not recorded.
    #[inline]
    pub(crate) fn after_reuse(&self, class: Class, age: u32) -> Class {
        self.intervals.after_reuse(class, age)
    }

    /// Records that an entry of this class was lost sight of at this age.
    pub(crate) fn dropped(&self, class: Class, age: u32) {
        add_lossy(&self.dropped[self.cell(class, age)], 1);
    }

    /// Records that the census has seen an entry of this class waiting at this age.
    pub(crate) fn waiting(&self, class: Class, age: u32) {
        add_lossy(&self.waiting[self.cell(class, age)], 1);
    }

    /// How many places for entries and ghosts a shard is to show to the census now. Zero but for a moment in each round.
    #[inline]
    pub(crate) fn census_wants(&self) -> u32 {
        self.to_look_at.load(Ordering::Relaxed).min(CENSUS_AT_ONCE) as u32
    }

    /// Takes in what has passed in a shard. Where a round ends, calls for a census, and re-estimates when that is over:
    /// bounded work, some ten microseconds at a time. Call it outside the shard's lock.
    pub(crate) fn advance(&self, passed: Passed) {
        if passed.new_places > 0 {
            self.population
                .fetch_add(u64::from(passed.new_places), Ordering::Relaxed);
        }
        let ticks = u64::from(passed.ticks);
        let now = self.ticks.0.fetch_add(ticks, Ordering::Relaxed) + ticks;
        if now < self.next_turn.load(Ordering::Relaxed) {
            return;
        }
        // Whoever comes while another thread is here goes on with its own work.
        let Some(mut estimator) = self.estimator.try_lock() else {
            return;
        };
        match estimator.phase {
            Phase::Counting => {
                self.to_look_at.store(
                    self.population.load(Ordering::Relaxed).clamp(1, CENSUS),
                    Ordering::Relaxed,
                );
                estimator.looked_at = 0;
                estimator.phase = Phase::Census;
            }
            Phase::Census => {
                let looked_at = u64::from(passed.looked_at);
                estimator.looked_at += looked_at;
                let left = self
                    .to_look_at
                    .load(Ordering::Relaxed)
                    .saturating_sub(looked_at);
                self.to_look_at.store(left, Ordering::Relaxed);
                if left == 0 {
                    estimator.phase = Phase::Estimating;
                }
            }
            Phase::Estimating => {
                for _ in 0..self.groups_at_once {
                    self.estimate(&mut estimator);
                }
                if estimator.group == 0 {
                    self.publish(&estimator);
                    let round = (now / SHARE_OF_AGE)
                        .min(self.longest_by_age)
                        .max(self.round);
                    self.next_turn.store(now + round, Ordering::Relaxed);
                    estimator.phase = Phase::Counting;
                }
            }
        }
    }

    /// Makes the new estimates of all classes known together: worths from different times do not compare well.
    fn publish(&self, estimator: &Estimator) {
        for (cell, &worth) in self.worth.iter().zip(&estimator.worth) {
            cell.store(worth, Ordering::Relaxed);
        }
    }

    /// Re-estimates one group of classes.
    fn estimate(&self, estimator: &mut Estimator) {
        let group = estimator.group;
        estimator.group = (group + 1) % GROUPS;
        let rows = if group == 0 {
            0..1
        } else {
            Class::rows_of_interval(group - 1)
        };
        let seen = self.gather(estimator, rows.clone());
        let Estimator {
            short,
            long,
            worth,
            beliefs,
            hull,
            ..
        } = estimator;
        let mut price = |hazards: &[f64], worth: &mut [u16]| {
            let give = |age: usize, value| worth[age] = in_sixteen_bits(value);
            worths(hazards, beliefs.widths(), hull, give);
        };

        // What the classes of the group have in common, by the long memory.
        let prior = beliefs.of(group, self.ticks.0.load(Ordering::Relaxed));
        let mut of_group = [0.0; MOST_BUCKETS];
        let of_group = &mut of_group[..self.buckets];
        hazards(
            &seen.together,
            &seen.waiting_together,
            |age| prior.at(age),
            of_group,
        );
        // A class of which nothing is known is worth what the group is worth. Most are so in a small cache.
        let mut group_worth = [0; MOST_BUCKETS];
        let group_worth = &mut group_worth[..self.buckets];
        price(of_group, group_worth);

        for (row, waiting) in rows.zip(&seen.waiting) {
            let cells = self.cells(row);
            let (short, long) = (&mut short[cells.clone()], &mut long[cells.clone()]);
            let worth = &mut worth[cells];
            let Some(waiting) = waiting else {
                worth.copy_from_slice(group_worth);
                continue;
            };
            // The long memory leans on the group, the short one on the long one.
            let mut own = [0.0; MOST_BUCKETS];
            let own = &mut own[..self.buckets];
            if group == 0 {
                own.copy_from_slice(of_group);
            } else {
                let pooled = |age: usize| Belief {
                    hazard: of_group[age],
                    weight: prior.weight(),
                };
                hazards(long, waiting, pooled, own);
            }
            let mut recent = [0.0; MOST_BUCKETS];
            let recent = &mut recent[..self.buckets];
            let weight = LONG_MEMORY_WEIGHT * self.capacity;
            let leaning = |age: usize| Belief {
                hazard: own[age],
                weight,
            };
            hazards(short, waiting, leaning, recent);
            price(recent, worth);
            short
                .iter_mut()
                .for_each(|observed| observed.fade(SHORT_MEMORY));
            long.iter_mut()
                .for_each(|observed| observed.fade(LONG_MEMORY));
        }
    }

    fn cells(&self, row: usize) -> Range<usize> {
        row * self.buckets..(row + 1) * self.buckets
    }

    /// Takes the new counts of some classes into both memories, and says what is known of them now.
    fn gather(&self, estimator: &mut Estimator, rows: Range<usize>) -> Seen {
        let population = self.population.load(Ordering::Relaxed) as f32;
        let each_stands_for = population / estimator.looked_at.max(1) as f32;
        let mut seen = Seen::nothing();
        for (row, place) in rows.zip(&mut seen.waiting) {
            let cells = self.cells(row);
            let counts = self.reused[cells.clone()]
                .iter()
                .zip(&self.dropped[cells.clone()])
                .zip(&self.waiting[cells.clone()]);
            let memories = estimator.short[cells.clone()]
                .iter_mut()
                .zip(&mut estimator.long[cells]);
            let together = seen.together.iter_mut().zip(&mut seen.waiting_together);
            let mut waiting = [0.0; MOST_BUCKETS];
            let mut is_anything = false;
            for (((count, (short, long)), together), waiting) in
                counts.zip(memories).zip(together).zip(&mut waiting)
            {
                let ((reused, dropped), at_this_age) = count;
                let new = Observed {
                    reused: take(reused),
                    dropped: take(dropped),
                };
                short.add(new);
                long.add(new);
                *waiting = take(at_this_age) * each_stands_for;
                together.0.add(*long);
                *together.1 += *waiting;
                is_anything |= *waiting != 0.0 || !short.is_nothing() || !long.is_nothing();
            }
            *place = is_anything.then_some(waiting);
        }
        seen
    }
}

/// What is known of the classes of a group, age by age.
struct Seen {
    /// How many of each class wait; none of a class of which nothing is known.
    waiting: [Option<[f32; MOST_BUCKETS]>; COUNTS],
    /// What the long memory has of all of them, and how many of all wait.
    together: [Observed; MOST_BUCKETS],
    waiting_together: [f32; MOST_BUCKETS],
}

impl Seen {
    fn nothing() -> Self {
        Self {
            waiting: [None; COUNTS],
            together: [Observed::default(); MOST_BUCKETS],
            waiting_together: [0.0; MOST_BUCKETS],
        }
    }
}

#[inline]
fn add_lossy(cell: &AtomicU32, times: u32) {
    cell.store(
        cell.load(Ordering::Relaxed).wrapping_add(times),
        Ordering::Relaxed,
    );
}

fn take(cell: &AtomicU32) -> f32 {
    // A load and a store, as everywhere here: a count that comes in between is lost. Most cells are zero, and are not
    // written.
    let count = cell.load(Ordering::Relaxed);
    if count != 0 {
        cell.store(0, Ordering::Relaxed);
    }
    count as f32
}

/// Keeps the order of positive numbers from 2^-63 to 1 to a part in a thousand: the exponent and ten bits behind it.
fn in_sixteen_bits(worth: f64) -> u16 {
    let bits = (worth as f32).to_bits().saturating_sub(0x2000_0000) >> 13;
    u16::try_from(bits).unwrap_or(u16::MAX)
}

impl fmt::Debug for Learner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Learner")
            .field("ticks", &self.ticks.0)
            .finish_non_exhaustive()
    }
}
