//! The obvious loading cache: what the documentation says, step by step.

use std::collections::VecDeque;

use crm_cache::Stats;

use super::plan::{Configuration, KEYS, Running, TAGS, Write};

const NEVER: u64 = u64::MAX;

/// Names a load.
pub(crate) type Flight = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Value(u32),
    Failure(u32),
    Absence,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    content: Content,
    since: u64,
    fresh_until: u64,
    leaves: u64,
    paused_until: u64,
    is_invalidated: bool,
}

/// How a load has ended.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Loaded(u32),
    Failed(u32),
    Absent,
    GivenUp,
}

#[derive(Debug)]
struct Load {
    key: u8,
    /// A write to the key has voided it: it is not stored, and who asks from then on begins another.
    is_detached: bool,
    /// How many invalidations there had been, and whether the key's tag was among those since.
    begun: u64,
    is_tag_invalidated: bool,
    has_begun: bool,
    /// Somebody has waited for it in vain.
    is_late: bool,
    outcome: Option<Outcome>,
}

/// Why a caller gets no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Failed(u32),
    Absent,
    GivenUp,
    TimedOut,
}

/// What a caller is told.
pub(crate) type Answer = Result<u32, Trouble>;

/// Somebody who waits for a load.
#[derive(Debug)]
pub(crate) struct Waiter {
    key: u8,
    stale: Option<u32>,
    /// Which load, whether it is his own, and how many invalidations there had been when he asked. None before.
    waits: Option<(Flight, bool, u64)>,
}

pub(crate) struct Model {
    rules: Configuration,
    pub(crate) stats: Stats,
    now: u64,
    entries: [Option<Entry>; KEYS as usize],
    loads: Vec<Load>,
    invalidations: u64,
    /// The loads that wait for a thread.
    pub(crate) jobs: VecDeque<Flight>,
}

impl Model {
    pub(crate) fn new(rules: Configuration) -> Self {
        Self {
            rules,
            stats: Stats::default(),
            now: 0,
            entries: [None; KEYS as usize],
            loads: Vec::new(),
            invalidations: 0,
            jobs: VecDeque::new(),
        }
    }

    pub(crate) fn advance(&mut self, by: u64) {
        self.now += by;
    }

    fn stale_for(&self) -> u64 {
        let on_error = self.rules.on_error.map_or(0, |(age, _)| age);
        self.rules.while_revalidating.max(on_error)
    }

    /// The entry of a key, if it may be served at all, if only as stale.
    fn here(&mut self, key: u8) -> Option<&mut Entry> {
        let now = self.now;
        let entry = self.entries[usize::from(key)].as_mut()?;
        (!entry.is_invalidated && now < entry.leaves).then_some(entry)
    }

    fn fresh(&mut self, key: u8) -> Option<Content> {
        let now = self.now;
        let entry = self.here(key)?;
        (now < entry.fresh_until).then_some(entry.content)
    }

    fn fresh_value(&mut self, key: u8) -> Option<u32> {
        match self.fresh(key) {
            Some(Content::Value(id)) => Some(id),
            _ => None,
        }
    }

    fn store(&mut self, key: u8, content: Content) {
        let own = match content {
            Content::Value(_) => None,
            Content::Failure(_) => self.rules.failures,
            Content::Absence => self.rules.absences(),
        };
        let life = own.into_iter().chain(self.rules.time_to_live).min();
        let fresh_until = life.map_or(NEVER, |life| self.now + life);
        self.entries[usize::from(key)] = Some(Entry {
            content,
            since: self.now,
            fresh_until,
            leaves: match content {
                Content::Value(_) => fresh_until.saturating_add(self.stale_for()),
                Content::Failure(_) | Content::Absence => fresh_until,
            },
            paused_until: 0,
            is_invalidated: false,
        });
    }

    fn detach(&mut self, is_it: impl Fn(u8) -> bool) {
        for load in &mut self.loads {
            load.is_detached |= is_it(load.key);
        }
    }

    pub(crate) fn write(&mut self, write: Write, id: u32) -> Option<u32> {
        match write {
            Write::Insert(key) => {
                self.detach(|other| other == key);
                let former = self.fresh_value(key);
                self.store(key, Content::Value(id));
                former
            }
            Write::Remove(key) => {
                self.detach(|other| other == key);
                let former = self.fresh_value(key);
                self.entries[usize::from(key)] = None;
                former
            }
            Write::Forget(key) => {
                self.detach(|other| other == key);
                let was_fresh = self.fresh(key).is_some();
                self.entries[usize::from(key)] = None;
                was_fresh.then_some(0)
            }
            Write::InvalidateTag(tag) => {
                self.stats.tags_invalidated += 1;
                self.invalidations += 1;
                let keys = (0..KEYS).zip(&mut self.entries);
                for (_, entry) in keys.filter(|(key, _)| key % TAGS == tag) {
                    // A failure has no tags.
                    if let Some(entry) = entry {
                        entry.is_invalidated |= matches!(entry.content, Content::Value(_));
                    }
                }
                for load in self.loads.iter_mut().filter(|load| load.key % TAGS == tag) {
                    load.is_tag_invalidated = true;
                }
                None
            }
            Write::Retain(rest) => {
                self.detach(|_| true);
                for (key, entry) in (0..KEYS).zip(&mut self.entries) {
                    let is_kept = |entry: &Entry| {
                        matches!(entry.content, Content::Value(_)) && key % 2 == rest
                    };
                    *entry = entry.filter(is_kept);
                }
                None
            }
            Write::Clear => {
                self.detach(|_| true);
                self.entries = [None; KEYS as usize];
                None
            }
        }
    }

    pub(crate) fn get_if_present(&mut self, key: u8) -> Option<u32> {
        self.count_read(key);
        self.fresh_value(key)
    }

    fn count_read(&mut self, key: u8) {
        if self.fresh(key).is_some() {
            self.stats.hits += 1;
        } else {
            self.stats.misses += 1;
        }
    }

    pub(crate) fn refresh(&mut self, key: u8) -> bool {
        if self.rules.running == Running::Inline || self.under_way(key).is_some() {
            return false;
        }
        self.stats.refreshes += 1;
        let flight = self.board(key);
        self.jobs.push_back(flight);
        true
    }

    /// The load of a key that whoever asks now joins.
    fn under_way(&self, key: u8) -> Option<Flight> {
        self.loads
            .iter()
            .position(|load| load.key == key && !load.is_detached && load.outcome.is_none())
    }

    fn board(&mut self, key: u8) -> Flight {
        self.loads.push(Load {
            key,
            is_detached: false,
            begun: self.invalidations,
            is_tag_invalidated: false,
            // Whoever is given a request has begun it.
            has_begun: self.rules.running == Running::Requests,
            is_late: false,
            outcome: None,
        });
        self.loads.len() - 1
    }

    /// The first look at a key: the answer, or somebody who waits.
    pub(crate) fn look(&mut self, key: u8) -> Result<Answer, Waiter> {
        self.count_read(key);
        let (now, rules) = (self.now, self.rules);
        let waiter = |stale| Waiter {
            key,
            stale,
            waits: None,
        };
        let Some(entry) = self.here(key).copied() else {
            return Err(waiter(None));
        };
        let (is_fresh, is_paused) = (now < entry.fresh_until, now < entry.paused_until);
        match entry.content {
            Content::Failure(id) if is_fresh => {
                self.stats.failures_served += 1;
                Ok(Err(Trouble::Failed(id)))
            }
            Content::Absence if is_fresh => {
                self.stats.failures_served += 1;
                Ok(Err(Trouble::Absent))
            }
            Content::Failure(_) | Content::Absence => Err(waiter(None)),
            Content::Value(id) if is_fresh => {
                let is_due = rules.refresh_ahead.is_some_and(|quarters| {
                    let life = entry.fresh_until - entry.since;
                    entry.fresh_until != NEVER
                        && 4 * (now - entry.since) >= life * u64::from(quarters)
                });
                if is_due && !is_paused {
                    self.refresh(key);
                }
                Ok(Ok(id))
            }
            Content::Value(id) => {
                if !is_paused && now - entry.fresh_until >= rules.while_revalidating {
                    return Err(waiter(Some(id)));
                }
                if !is_paused {
                    self.refresh(key);
                }
                self.stats.stale_served += 1;
                Ok(Ok(id))
            }
        }
    }

    /// Joins the load of a key or begins one. Says which the caller has to run himself, now.
    fn begin(&mut self, waiter: &mut Waiter, is_task: bool) -> Result<Option<Flight>, Answer> {
        let runs_here = match self.rules.running {
            Running::Inline => true,
            Running::Jobs => !is_task,
            Running::Requests => false,
        };
        let asked = self.invalidations;
        let (flight, is_new) = match self.under_way(waiter.key) {
            Some(flight) if self.loads[flight].is_late && waiter.stale.is_some() => {
                self.stats.load_timeouts += 1;
                self.stats.stale_served += 1;
                return Err(waiter.stale.ok_or(Trouble::TimedOut));
            }
            Some(flight) => (flight, false),
            None => match self.fresh_value(waiter.key) {
                Some(id) => return Err(Ok(id)),
                None => (self.board(waiter.key), true),
            },
        };
        let is_taken_over = !is_new && runs_here && !self.loads[flight].has_begun;
        waiter.waits = Some((flight, is_new || is_taken_over, asked));
        if runs_here && (is_new || is_taken_over) {
            return Ok(Some(flight));
        }
        if is_new {
            self.jobs.push_back(flight);
        } else {
            self.stats.load_waits += 1;
        }
        Ok(None)
    }

    /// What a caller is told by now; none if he waits on. `run` carries out a load that is his.
    pub(crate) fn poll(
        &mut self,
        waiter: &mut Waiter,
        is_task: bool,
        mut run: impl FnMut(&mut Self, Flight),
    ) -> Option<Answer> {
        loop {
            let Some((flight, is_own, asked)) = waiter.waits else {
                match self.begin(waiter, is_task) {
                    Ok(Some(flight)) => run(self, flight),
                    Ok(None) => {}
                    Err(answer) => return Some(answer),
                }
                continue;
            };
            let load = &self.loads[flight];
            let told = match (load.outcome?, waiter.stale) {
                (Outcome::Loaded(id), _) => {
                    let is_outdated = load.is_tag_invalidated && asked > load.begun;
                    (!is_outdated).then_some(Ok(id))
                }
                // Any invalidation since may have brought it.
                (Outcome::Absent, _) => (asked <= load.begun).then_some(Err(Trouble::Absent)),
                (Outcome::GivenUp, _) if !is_own => None,
                (Outcome::Failed(_) | Outcome::GivenUp, Some(stale)) => {
                    self.stats.stale_served += 1;
                    Some(Ok(stale))
                }
                (Outcome::Failed(id), None) => Some(Err(Trouble::Failed(id))),
                (Outcome::GivenUp, None) => Some(Err(Trouble::GivenUp)),
            };
            if told.is_some() {
                return told;
            }
            waiter.waits = None;
        }
    }

    /// What a thread is told that begins a load, and waits for it no time at all.
    pub(crate) fn ask_in_passing(&mut self, waiter: &mut Waiter) -> Answer {
        if let Err(answer) = self.begin(waiter, true) {
            return answer;
        }
        if let Some((flight, ..)) = waiter.waits {
            self.loads[flight].is_late = true;
        }
        self.stats.load_timeouts += 1;
        let stale = waiter.stale.ok_or(Trouble::TimedOut)?;
        self.stats.stale_served += 1;
        Ok(stale)
    }

    /// Begins a load, unless somebody has.
    pub(crate) fn begin_load(&mut self, flight: Flight) -> bool {
        let load = &mut self.loads[flight];
        let may_run = !load.has_begun || self.rules.running == Running::Requests;
        load.has_begun = true;
        may_run
    }

    /// Ends a load with what the loader gave.
    pub(crate) fn land(&mut self, flight: Flight, loaded: Result<Option<u32>, u32>) {
        self.stats.loads += 1;
        let key = self.loads[flight].key;
        match loaded {
            Ok(None) => {
                if self.rules.absences().is_some() {
                    self.store_loaded(flight, Content::Absence, false);
                } else if !self.loads[flight].is_detached {
                    self.entries[usize::from(key)] = None;
                }
                self.loads[flight].outcome = Some(Outcome::Absent);
            }
            Ok(Some(id)) => {
                let is_void = self.loads[flight].is_tag_invalidated;
                self.store_loaded(flight, Content::Value(id), is_void);
                self.loads[flight].outcome = Some(Outcome::Loaded(id));
            }
            Err(id) => {
                self.stats.load_failures += 1;
                let stands_in = self.pause(key);
                if self.rules.failures.is_some() && !stands_in {
                    self.store_loaded(flight, Content::Failure(id), false);
                }
                self.loads[flight].outcome = Some(Outcome::Failed(id));
            }
        }
    }

    /// Nothing is tried for a while where there is an entry. Says whether that is a value.
    fn pause(&mut self, key: u8) -> bool {
        let own = self.rules.on_error.map(|(_, pause)| pause);
        let until = self.now + own.or(self.rules.retry_pause).unwrap_or(1_000);
        self.here(key).is_some_and(|entry| {
            entry.paused_until = until;
            matches!(entry.content, Content::Value(_))
        })
    }

    fn store_loaded(&mut self, flight: Flight, content: Content, is_void: bool) {
        let Load {
            key, is_detached, ..
        } = self.loads[flight];
        if is_void || is_detached {
            self.stats.loads_voided += 1;
        } else {
            self.store(key, content);
        }
    }

    /// Ends a load that nobody will run.
    pub(crate) fn give_up(&mut self, flight: Flight) {
        let is_request = self.rules.running == Running::Requests;
        if is_request {
            self.stats.loads += 1;
            self.stats.load_failures += 1;
        }
        let load = &mut self.loads[flight];
        if is_request || !load.has_begun {
            load.has_begun = true;
            load.outcome = Some(Outcome::GivenUp);
            let key = load.key;
            self.pause(key);
        }
    }
}
