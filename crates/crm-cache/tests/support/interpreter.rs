//! Carries a plan out on the real cache and on the oracle.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock, PoisonError, Weak};

use crm_cache::{Cache, Clock, ManualClock, NotReplacedReason, RemovalCause, Stats};

use super::books::{Books, Expected, Heard, Subject};
use super::oracle::{Leaving, Oracle};
use super::plan::{Configuration, Operation, Plan};
use super::subject::{Alive, Content, Hashing, Key, Query, Value};

/// Carries out a plan and returns how many operations that were.
///
/// # Panics
///
/// When the cache does anything but what it promises; the message says after which operation.
pub(crate) fn run(plan: &Plan) -> usize {
    let mut interpreter = Interpreter::new(&plan.configuration);
    for operation in &plan.operations {
        interpreter.step(operation);
    }
    interpreter.finish()
}

pub(crate) struct Interpreter<'a> {
    pub(crate) books: Books<'a>,
    hand: ManualClock,
    pub(crate) alive: Alive,
    last_id: u32,
}

impl<'a> Deref for Interpreter<'a> {
    type Target = Books<'a>;

    fn deref(&self) -> &Books<'a> {
        &self.books
    }
}

impl DerefMut for Interpreter<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.books
    }
}

/// A value that is too heavy to come in, as the listener hears of it.
pub(crate) fn refused(key: u8, id: u32) -> Leaving {
    Leaving {
        key,
        id,
        causes: vec![RemovalCause::Refused],
    }
}

pub(crate) fn id_of(value: Option<Value>, key: u8) -> Option<u32> {
    value.map(|value| value.id_for(key))
}

impl<'a> Interpreter<'a> {
    fn new(configuration: &'a Configuration) -> Self {
        let (clock, hand) = Clock::manual();
        let this = Arc::new(OnceLock::<Weak<Subject>>::new());
        // What runs under no lock may use the cache: under one this would wait for ever.
        let uses_the_cache = {
            let this = Arc::clone(&this);
            move || {
                if let Some(cache) = this.get().and_then(Weak::upgrade) {
                    assert!(cache.len() <= cache.capacity(), "more entries than fit");
                }
            }
        };
        let mut builder = Cache::builder(configuration.capacity)
            .policy(configuration.policy)
            .shards(configuration.shards)
            .max_batch(configuration.max_batch)
            .clock(clock)
            .hasher(Hashing {
                collides: configuration.collides,
            });
        if let Some(time_to_live) = configuration.time_to_live {
            builder = builder.time_to_live(time_to_live);
        }
        if let Some(time_to_idle) = configuration.time_to_idle {
            builder = builder.time_to_idle(time_to_idle);
        }
        if let Some(max_weight) = configuration.max_weight {
            let uses_the_cache = uses_the_cache.clone();
            builder = builder.weigher(max_weight, move |_, value: &Value| {
                uses_the_cache();
                value.content().weight
            });
        }
        if configuration.has_expiry {
            let uses_the_cache = uses_the_cache.clone();
            builder = builder.expiry(move |_, value: &Value| {
                uses_the_cache();
                value.content().life
            });
        }
        let heard = configuration.has_listener.then(Heard::default);
        if let Some(heard) = &heard {
            let heard = Arc::clone(heard);
            builder = builder.on_removal(move |key: &Key, value: &Value, cause| {
                let told = (key.number, value.id_for(key.number), cause);
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.push(told);
                drop(heard);
                uses_the_cache();
            });
        }
        let cache = Arc::new(builder.build().expect("a valid configuration"));
        this.set(Arc::downgrade(&cache)).expect("set once");
        Self {
            books: Books {
                configuration,
                cache,
                oracle: Oracle::new(configuration),
                stats: Stats::default(),
                heard,
                done: 0,
                current: None,
            },
            hand,
            alive: Alive::default(),
            last_id: 0,
        }
    }

    pub(crate) fn value(&mut self, key: u8, content: Content) -> (u32, Value) {
        self.last_id += 1;
        let value = Value::new(key, self.last_id, content, &self.alive);
        (self.last_id, value)
    }

    /// Does one operation and checks what came of it.
    pub(crate) fn step(&mut self, operation: &Operation) {
        self.done += 1;
        self.current = Some(operation.clone());
        let before = self.cache.len();
        let expected = match operation {
            Operation::Get(key) => {
                let (obvious, leaving) = self.expect_get(*key);
                let real = self.cache.get(&Query(*key));
                self.agree(id_of(real, *key), obvious, "get");
                leaving.into()
            }
            Operation::Read(key, meanwhile) => self.read(*key, meanwhile.as_deref()),
            Operation::Insert(key, content) => {
                let (id, value) = self.value(*key, *content);
                let real = self.cache.insert(Key::new(*key, &self.alive), value);
                let (obvious, mut expected) = self.expect_write(*key, id, *content, before);
                self.agree(id_of(real, *key), obvious, "insert");
                if !self.oracle.admits(*content) {
                    expected.leaving.push(refused(*key, id));
                }
                expected
            }
            Operation::TryInsert(key, content) => self.try_insert(*key, *content, before),
            Operation::Replace(key, content) => self.replace(*key, *content, before),
            Operation::Load(key, loader) => self.load(*key, loader),
            Operation::LoadMany(keys, loader) => self.load_many(keys, loader),
            Operation::Remove(key) => {
                let (obvious, leaving) = self.oracle.remove(*key);
                let real = self.cache.remove(&Query(*key));
                self.agree(id_of(real, *key), obvious, "remove");
                leaving.into()
            }
            Operation::RemoveIf(key, condition) => self.remove_if(*key, *condition),
            Operation::RemoveExpired => {
                let real = self.cache.remove_expired();
                let leaving = self.oracle.remove_expired();
                let left = self.oracle.len();
                self.agree(self.cache.len(), left, "len after remove_expired");
                self.agree(real, before - left, "remove_expired");
                leaving.into()
            }
            Operation::Clear => {
                self.cache.clear();
                self.demand(self.cache.is_empty(), "not empty after clear");
                self.oracle.clear().into()
            }
            Operation::Rank(count) => self.rank(*count),
            Operation::SetCapacity(capacity) => {
                let is_possible = *capacity >= self.configuration.shards;
                let real = self.cache.set_capacity(*capacity);
                self.agree(real.is_ok(), is_possible, "set_capacity");
                let mut expected = Expected::default();
                if is_possible {
                    expected.leaving = self.oracle.set_capacity(*capacity);
                    expected.evictions = before.saturating_sub(*capacity);
                }
                expected
            }
            Operation::SetMaxWeight(max_weight) => {
                let is_possible = *max_weight > 0 && self.oracle.max_weight().is_some();
                let real = self.cache.set_max_weight(*max_weight);
                self.agree(real.is_ok(), is_possible, "set_max_weight");
                let mut expected = Expected::default();
                if is_possible {
                    expected.leaving = self.oracle.set_max_weight(*max_weight);
                    expected.evictions = before;
                }
                expected
            }
            Operation::Advance(by) => {
                self.hand.advance(*by);
                self.oracle.advance(*by);
                // Time alone takes nothing out.
                self.agree(self.cache.len(), before, "len");
                Expected::default()
            }
        };
        self.settle(expected);
    }

    pub(crate) fn expect_get(&mut self, key: u8) -> (Option<u32>, Vec<Leaving>) {
        let (found, leaving) = self.oracle.get(key);
        if found.is_some() {
            self.stats.hits += 1;
        } else {
            self.stats.misses += 1;
        }
        (found, leaving)
    }

    /// What a write must have done to a cache that held `before` entries.
    pub(crate) fn expect_write(
        &mut self,
        key: u8,
        id: u32,
        content: Content,
        before: usize,
    ) -> (Option<u32>, Expected) {
        if !self.oracle.admits(content) {
            self.stats.refusals += 1;
            let (previous, leaving) = self.oracle.remove(key);
            return (previous, leaving.into());
        }
        let (previous, leaving) = self.oracle.insert(key, id, content);
        if previous.is_none() {
            self.stats.insertions += 1;
        }
        let evictions = match self.oracle.max_weight() {
            Some(_) => before,
            None => (before + 1).saturating_sub(self.oracle.capacity()),
        };
        let expected = Expected {
            leaving,
            evictions,
            written: Some((key, id)),
            is_batch: false,
        };
        (previous, expected)
    }

    fn read(&mut self, key: u8, meanwhile: Option<&Operation>) -> Expected {
        let (obvious, leaving) = self.expect_get(key);
        let cache = Arc::clone(&self.cache);
        // Under LRU the reader has the lock, and must leave the cache alone.
        let meanwhile = meanwhile.filter(|_| !self.oracle.is_lru());
        let real = cache.read(&Query(key), |value| {
            let id = value.id_for(key);
            if let Some(operation) = meanwhile {
                self.step(operation);
                assert_eq!(value.id_for(key), id, "what is being read has changed");
            }
            id
        });
        self.agree(real, obvious, "read");
        leaving.into()
    }

    fn try_insert(&mut self, key: u8, content: Content, before: usize) -> Expected {
        let (id, value) = self.value(key, content);
        let real = self.cache.try_insert(Key::new(key, &self.alive), value);
        let (obvious, expected) = self.expect_write(key, id, content, before);
        self.agree(real.is_ok(), self.oracle.admits(content), "try_insert");
        let previous = real.unwrap_or_else(|refused| {
            let back = (refused.key.number, refused.value.id_for(key));
            self.agree(back, (key, id), "handed back by try_insert");
            self.agree(refused.weight, content.weight, "weight of the refused");
            refused.previous
        });
        self.agree(id_of(previous, key), obvious, "try_insert");
        expected
    }

    fn replace(&mut self, key: u8, content: Content, before: usize) -> Expected {
        let (id, value) = self.value(key, content);
        let real = self.cache.replace(Key::new(key, &self.alive), value);
        let real = real.map(|previous| previous.id_for(key)).map_err(|back| {
            (
                back.key.number,
                back.value.id_for(key),
                back.reason == NotReplacedReason::Absent,
            )
        });
        if self.oracle.peek(key).is_none() {
            self.agree(real, Err((key, id, true)), "replace of nothing");
            return Expected::default();
        }
        let (previous, expected) = self.expect_write(key, id, content, before);
        let obvious = previous
            .filter(|_| self.oracle.admits(content))
            .ok_or((key, id, false));
        self.agree(real, obvious, "replace");
        expected
    }

    fn remove_if(&mut self, key: u8, condition: bool) -> Expected {
        let fresh = self.oracle.peek(key);
        let mut shown = None;
        let real = self.cache.remove_if(&Query(key), |value| {
            shown = Some(value.id_for(key));
            condition
        });
        self.agree(shown, fresh, "what the condition is shown");
        if fresh.is_some() && !condition {
            self.agree(id_of(real, key), None, "remove_if");
            return Expected::default();
        }
        let (obvious, leaving) = self.oracle.remove(key);
        self.agree(id_of(real, key), obvious, "remove_if");
        leaving.into()
    }

    /// The hottest and the coldest are fresh, each of them once, and under LRU in order of use within each shard.
    fn rank(&mut self, count: usize) -> Expected {
        let fresh = self.oracle.fresh().count();
        let (hottest, coldest) = (self.cache.hottest(count), self.cache.coldest(count));
        for (real, is_turned) in [(hottest, false), (coldest, true)] {
            let mut real: Vec<u8> = real.iter().map(|key| key.number).collect();
            self.agree(real.len(), count.min(fresh), "how many are ranked");
            for mut obvious in self.oracle.hottest() {
                if is_turned {
                    obvious.reverse();
                }
                let mut here: Vec<u8>;
                (here, real) = real.iter().partition(|key| obvious.contains(key));
                if self.oracle.is_lru() {
                    obvious.truncate(here.len());
                    self.agree(here, obvious, "the order of use");
                } else {
                    here.sort_unstable();
                    let is_twice = here.windows(2).any(|pair| pair[0] == pair[1]);
                    self.demand(!is_twice, "ranked twice");
                }
            }
            self.demand(real.is_empty(), "ranked though not here");
        }
        Expected::default()
    }

    fn finish(self) -> usize {
        let Self { books, alive, .. } = self;
        let Books {
            cache, heard, done, ..
        } = books;
        drop(cache);
        if let Some(heard) = heard {
            let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            assert!(heard.is_empty(), "the end of a cache was told: {heard:?}");
        }
        assert_eq!(alive.count(), 0, "leaked, or dropped twice");
        done
    }
}
