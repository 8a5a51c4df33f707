//! What is learned from reuses, once more.

/// None for an entry never seen reused; else how long the last reuse took and how often there was one.
pub(super) type Class = Option<(usize, usize)>;

#[derive(Clone, Copy)]
pub(super) struct Past {
    pub(super) last: u64,
    pub(super) class: Class,
}

const INTERVALS: usize = 8;
const USES: usize = 10;
const CLASSES: usize = 1 + INTERVALS * USES;

/// Classes are estimated in groups: the new ones, and those of each interval.
const GROUPS: usize = 1 + INTERVALS;

/// Ages in buckets: four to an octave, and exact below eight.
fn bucket(age: u64) -> usize {
    if age < 4 {
        return age as usize;
    }
    let octave = age.ilog2();
    (4 * (octave - 2)) as usize + ((4 * age) >> octave) as usize
}

fn first_age(bucket: usize) -> f64 {
    match bucket {
        0..4 => bucket as f64,
        _ => (4 + bucket % 4) as f64 * ((bucket / 4 - 1) as f64).exp2(),
    }
}

fn width(bucket: usize) -> f64 {
    first_age(bucket + 1) - first_age(bucket)
}

fn middle(bucket: usize) -> f64 {
    (first_age(bucket + 1) + first_age(bucket)) / 2.0
}

#[derive(Clone, Copy)]
pub(super) enum Seen {
    Reused,
    /// As a ghost that had to be forgotten.
    Dropped,
    /// By the census.
    Waiting,
}

/// How often a class was seen at an age: reused, and dropped.
type Observed = [f32; 2];

fn add(to: &mut Observed, other: Observed) {
    to[0] += other[0];
    to[1] += other[1];
}

fn fade(observed: &mut Observed, by: f32) {
    for count in observed {
        *count = if *count < 1e-4 { 0.0 } else { *count * by };
    }
}

/// A round: count for a while, then take a census of who is still waiting, then estimate.
enum Phase {
    Counting,
    Census,
    Estimating,
}

/// Class by class, one cell for each age bucket.
type Table<T> = Vec<Vec<T>>;

pub(super) struct Learner {
    capacity: f64,
    share: f64,
    buckets: usize,
    /// Counted since the last estimate: reused, dropped, waiting.
    seen: [Table<u64>; 3],
    /// The short and the long memory.
    short: Table<Observed>,
    long: Table<Observed>,
    /// What keeping an entry is worth, and what it will be when all groups are estimated.
    worth: Table<u16>,
    next_worth: Table<u16>,
    phase: Phase,
    next_group: usize,
    ticks: u64,
    next_round: u64,
    /// Places for entries and ghosts, and those that the census still has to look at and has looked at.
    places: usize,
    to_look_at: usize,
    looked_at: usize,
}

impl Learner {
    pub(super) fn new(capacity: usize, share: usize) -> Self {
        let buckets = bucket(128 * share.max(8) as u64) + 1;
        let mut learner = Self {
            capacity: capacity as f64,
            share: share as f64,
            buckets,
            seen: [(); 3].map(|()| vec![vec![0; buckets]; CLASSES]),
            short: vec![vec![[0.0; 2]; buckets]; CLASSES],
            long: vec![vec![[0.0; 2]; buckets]; CLASSES],
            worth: Vec::new(),
            next_worth: vec![Vec::new(); CLASSES],
            phase: Phase::Counting,
            next_group: 0,
            ticks: 0,
            next_round: 0,
            places: 0,
            to_look_at: 0,
            looked_at: 0,
        };
        (0..GROUPS).for_each(|_| learner.estimate());
        learner.end_round();
        learner
    }

    /// All worths change together. The next round has a quarter of the capacity to count, or 512 ticks, or a sixteenth of
    /// the age up to 2,048 ticks and up to four capacities, whichever is longest.
    fn end_round(&mut self) {
        self.worth = self.next_worth.clone();
        let capacity = self.capacity as u64;
        let by_age = (self.ticks / 16).min(2048).min(4 * capacity);
        self.next_round = self.ticks + (capacity / 4).max(512).max(by_age);
        self.phase = Phase::Counting;
    }

    /// The place of a class and an age in the tables. Ages beyond 128 shares are as good as that.
    fn cell(&self, class: Class, age: u64) -> (usize, usize) {
        let row = class.map_or(0, |(interval, uses)| interval * USES + uses);
        (row, bucket(age).min(self.buckets - 1))
    }

    pub(super) fn worth(&self, class: Class, age: u64) -> u16 {
        let (row, bucket) = self.cell(class, age);
        self.worth[row][bucket]
    }

    pub(super) fn saw(&mut self, what: Seen, class: Class, age: u64, times: u64) {
        let (row, bucket) = self.cell(class, age);
        self.seen[what as usize][row][bucket] += times;
    }

    /// Intervals are octaves, from below a 32nd of the share to above twice the share.
    pub(super) fn after_reuse(&self, class: Class, age: u64) -> Class {
        let interval = match 32 * age / self.share as u64 {
            0 => 0,
            units => 1 + units.ilog2() as usize,
        };
        let uses = class.map_or(0, |(_, uses)| uses);
        Some((interval.min(INTERVALS - 1), (uses + 1).min(USES)))
    }

    /// How many places the next insertion is to show.
    pub(super) fn wants(&self) -> usize {
        self.to_look_at.min(128)
    }

    /// Takes in what has passed in a shard.
    pub(super) fn advance(&mut self, ticks: u64, new_places: usize, looked_at: usize) {
        self.ticks += ticks;
        self.places += new_places;
        if self.ticks < self.next_round {
            return;
        }
        match self.phase {
            Phase::Counting => {
                (self.to_look_at, self.looked_at) = (self.places.clamp(1, 4096), 0);
                self.phase = Phase::Census;
            }
            Phase::Census => {
                self.looked_at += looked_at;
                self.to_look_at = self.to_look_at.saturating_sub(looked_at);
                if self.to_look_at == 0 {
                    self.phase = Phase::Estimating;
                }
            }
            Phase::Estimating => {
                // With many ages it takes one group at a time.
                let groups = if self.share < 4096.0 { GROUPS } else { 1 };
                (0..groups).for_each(|_| self.estimate());
                if self.next_group == 0 {
                    self.end_round();
                }
            }
        }
    }

    /// Estimates the worth of the classes of the next group.
    fn estimate(&mut self) {
        let group = self.next_group;
        self.next_group = (group + 1) % GROUPS;
        let rows = match group {
            0 => 0..1,
            _ => 1 + (group - 1) * USES..1 + group * USES,
        };

        // What is new is remembered, and the sample of the census stands for all.
        let each_stands_for = self.places as f32 / self.looked_at.max(1) as f32;
        let mut waiting = vec![vec![0.0; self.buckets]; CLASSES];
        let mut of_group = vec![[0.0; 2]; self.buckets];
        let mut waiting_of_group = vec![0.0; self.buckets];
        for row in rows.clone() {
            for age in 0..self.buckets {
                let [reused, dropped, seen] =
                    [0, 1, 2].map(|what| self.seen[what][row][age] as f32);
                add(&mut self.short[row][age], [reused, dropped]);
                add(&mut self.long[row][age], [reused, dropped]);
                add(&mut of_group[age], self.long[row][age]);
                waiting[row][age] = seen * each_stands_for;
                waiting_of_group[age] += waiting[row][age];
            }
            self.seen.iter_mut().for_each(|table| table[row].fill(0));
        }

        // The group leans on the prior.
        let (prior, weight) = self.prior(group);
        let of_group = hazards(&of_group, &waiting_of_group, &prior, weight);
        let worth_of_group = worths(&of_group);
        for row in rows.clone() {
            let (short, long, waiting) = (&self.short[row], &self.long[row], &waiting[row]);
            let is_nothing_known = short.iter().chain(long).all(|&counts| counts == [0.0; 2])
                && waiting.iter().all(|&count| count == 0.0);
            self.next_worth[row] = if is_nothing_known {
                worth_of_group.clone()
            } else {
                // The long memory of a class leans on the group, but for the new ones, which are a class and a group;
                // the short one leans on the long one.
                let by_long = match group {
                    0 => of_group.clone(),
                    _ => hazards(long, waiting, &of_group, weight),
                };
                worths(&hazards(short, waiting, &by_long, 0.3 * self.capacity))
            };
        }
        for row in rows {
            self.short[row]
                .iter_mut()
                .for_each(|counts| fade(counts, 0.8));
            self.long[row]
                .iter_mut()
                .for_each(|counts| fade(counts, 0.995));
        }
    }

    /// The hazards that are believed in before anything is seen, and how many observations the belief counts for.
    fn prior(&self, group: usize) -> (Vec<f64>, f64) {
        let fading = (-(self.ticks as f64) / (8.0 * self.capacity)).exp();
        let start_weight = (0.2 * self.capacity).min(200.0) * fading;
        let steady_weight = (0.04 * self.capacity).clamp(2.0, 20.0);
        let weight = steady_weight + start_weight;
        let hazard = |age: usize| {
            let (width, middle) = (width(age), middle(age));
            let (steady, start) = if group == 0 {
                // New entries come back within two shares or so.
                let reuses = 2.0 * width / (2.0 * self.share).max(middle);
                (reuses, reuses)
            } else {
                // Others come back within their interval or so, and at the start with certainty.
                let typical = self.share / 32.0 * (group as f64 - 1.5).exp2();
                let longer = typical.max(middle);
                (
                    width / longer * (middle / typical).min(1.0),
                    10.0 * width / longer,
                )
            };
            let (steady, start) = (1.0 - (-steady).exp(), 1.0 - (-start).exp());
            (steady * steady_weight + start * start_weight) / weight
        };
        ((0..self.buckets).map(hazard).collect(), weight)
    }
}

/// The chance at each age that an entry that got this old is reused before it leaves the bucket: the reuses over those who
/// got there, where the dropped count half. A belief counts as if it had been observed.
fn hazards(observed: &[Observed], waiting: &[f32], belief: &[f64], weight: f64) -> Vec<f64> {
    let mut hazards = vec![0.0; observed.len()];
    let mut reached = 0.0;
    for age in (0..observed.len()).rev() {
        let [reused, dropped] = observed[age].map(f64::from);
        reached += reused + dropped + f64::from(waiting[age]);
        let exposed = reached - dropped / 2.0 + weight;
        hazards[age] = ((reused + belief[age] * weight) / exposed).min(1.0);
    }
    hazards
}

/// The Gittins index at each age: of all horizons, the best ratio of the chance of a reuse to the expected waiting.
fn worths(hazards: &[f64]) -> Vec<u16> {
    // Expected waiting and chance of a reuse, of an entry just used, until each age.
    let mut until = vec![(0.0, 0.0)];
    let mut survival = 1.0_f64;
    for (age, hazard) in hazards.iter().enumerate() {
        let (waiting, reuse) = until[age];
        let waiting_here = width(age) * survival * (1.0 - hazard / 2.0);
        until.push((waiting + waiting_here, reuse + survival * hazard));
        survival = (survival * (1.0 - hazard)).max(1e-12);
    }
    let worth = |age: usize| {
        let from = until[age];
        let ratio = |to: &(f64, f64)| (to.1 - from.1) / (to.0 - from.0);
        rounded(until[age + 1..].iter().map(ratio).fold(0.0, f64::max))
    };
    (0..hazards.len()).map(worth).collect()
}

/// Ten bits behind the leading one, of numbers from 2^-63 to 2; what lies outside is put at the ends.
fn rounded(worth: f64) -> u16 {
    let worth = f64::from(worth as f32);
    let octave = worth.log2().floor();
    (1024.0 * (octave + 63.0) + 1024.0 * (worth / octave.exp2() - 1.0)) as u16
}
