//! Carries a plan out on the real cache and on the oracle.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock, PoisonError, Weak};

use crm_cache::{Cache, Clock, LoadError, ManualClock, RemovalCause, Stats};

use super::books::{Books, Expected, Heard, Subject};
use super::homes::KEYS;
use super::oracle::{Leaving, Oracle};
use super::plan::{Configuration, Loader, Operation, Plan};
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

struct Interpreter<'a> {
    books: Books<'a>,
    hand: ManualClock,
    alive: Alive,
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
fn refused(key: u8, id: u32) -> Leaving {
    Leaving {
        key,
        id,
        causes: vec![RemovalCause::Refused],
    }
}

/// Both one after the other.
fn join(mut first: Expected, second: Expected) -> Expected {
    first.leaving.extend(second.leaving);
    first.evictions += second.evictions;
    first.is_batch |= second.is_batch || (first.written.is_some() && second.written.is_some());
    first.written = second.written.or(first.written);
    first
}

fn id_of(value: Option<Value>, key: u8) -> Option<u32> {
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

    fn value(&mut self, key: u8, content: Content) -> (u32, Value) {
        self.last_id += 1;
        let value = Value::new(key, self.last_id, content, &self.alive);
        (self.last_id, value)
    }

    /// Does one operation and checks what came of it.
    fn step(&mut self, operation: &Operation) {
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

    fn expect_get(&mut self, key: u8) -> (Option<u32>, Vec<Leaving>) {
        let (found, leaving) = self.oracle.get(key);
        if found.is_some() {
            self.stats.hits += 1;
        } else {
            self.stats.misses += 1;
        }
        (found, leaving)
    }

    /// What a write must have done to a cache that held `before` entries.
    fn expect_write(
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
        let real = real
            .map(|previous| previous.id_for(key))
            .map_err(|(back, value)| (back.number, value.id_for(key)));
        if self.oracle.peek(key).is_none() {
            self.agree(real, Err((key, id)), "replace of nothing");
            return Expected::default();
        }
        let (previous, expected) = self.expect_write(key, id, content, before);
        let obvious = previous
            .filter(|_| self.oracle.admits(content))
            .ok_or((key, id));
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

    fn load(&mut self, key: u8, loader: &Loader) -> Expected {
        let (found, leaving) = self.expect_get(key);
        if found.is_none() {
            self.stats.loads += 1;
        }
        let (id, value) = self.value(key, loader.content);
        let (cache, asked_for) = (Arc::clone(&self.cache), Key::new(key, &self.alive));
        // Whether the load was voided meanwhile, and how many entries there were at its end; none if it did not run.
        let ran = Cell::new(None);
        let load = |asked: &Key| {
            assert_eq!(asked.number, key, "asked for another key");
            self.demand(found.is_none(), "loaded what is here");
            // Whatever the miss has taken out was told by now.
            self.settle(leaving.into());
            let begun = self.oracle.now();
            let may_do = |operation: &&Operation| match operation {
                Operation::LoadMany(keys, _) => !keys.contains(&key),
                _ => true,
            };
            let meanwhile = loader.meanwhile.as_deref().filter(may_do);
            let voided = self.meanwhile(&[key], meanwhile);
            let is_void = !voided.is_empty();
            let took = self.oracle.now() - begun;
            self.stats.load_time += took;
            ran.set(Some((is_void, self.cache.len())));
            if loader.fails { Err(id) } else { Ok(value) }
        };
        let real = if loader.is_maker {
            Ok(cache.get_or_insert_with(&asked_for, |asked| {
                load(asked).expect("a maker does not fail")
            }))
        } else {
            let error = "nobody else loads this key";
            cache
                .get_or_load(&asked_for, load)
                .map_err(|failed| *failed.loader_error().expect(error))
        };
        let real = real.map(|value| value.id_for(key));
        self.current = Some(Operation::Load(key, loader.clone()));
        let Some((is_void, before)) = ran.get() else {
            self.agree(real, found.ok_or(id), "a load that did not run");
            return Expected::default();
        };
        if loader.fails {
            self.stats.load_failures += 1;
            self.agree(real, Err(id), "a load that failed");
            return Expected::default();
        }
        self.agree(real, Ok(id), "a load");
        if is_void {
            self.stats.loads_voided += 1;
            return Expected::default();
        }
        let (previous, mut expected) = self.expect_write(key, id, loader.content, before);
        self.agree(previous, None, "a load was stored over a fresh value");
        if !self.oracle.admits(loader.content) {
            expected.leaving.push(refused(key, id));
        }
        expected
    }

    /// A load of many keys, in batches. The loader leaves some out, and brings one that nobody has asked for.
    fn load_many(&mut self, keys: &[u8], loader: &Loader) -> Expected {
        let (mut obvious, mut leaving) = (Vec::new(), Vec::new());
        for &key in keys {
            let (found, left) = self.expect_get(key);
            obvious.push(found);
            leaving.extend(left);
        }
        let is_missing = |(key, found): (&u8, &Option<u32>)| found.is_none().then_some(*key);
        let missing: Vec<u8> = keys.iter().zip(&obvious).filter_map(is_missing).collect();
        let mut batches = missing.chunks(self.configuration.max_batch);
        // What the batch before has brought, and what must not be stored.
        let mut brought: Vec<(u8, u32)> = Vec::new();
        let mut voided: Vec<u8> = Vec::new();
        let (cache, alive) = (Arc::clone(&self.cache), self.alive.clone());
        let asked_for: Vec<Key> = keys.iter().map(|&key| Key::new(key, &alive)).collect();
        let mut expected: Expected = leaving.into();
        let mut before = 0;
        let real = cache.get_many_or_load(&asked_for, |asked| {
            let expected = std::mem::take(&mut expected);
            let stored = self.expect_batch(&brought, &voided, loader, before);
            self.stats.loads += 1;
            self.settle(join(expected, stored));
            let batch = batches.next().unwrap_or_default();
            let asked: Vec<u8> = asked.iter().map(|key| key.number).collect();
            self.agree(&asked[..], batch, "what a loader of many is asked for");
            let begun = self.oracle.now();
            // What else is queued waits for this very call, and another load of many queues behind it: a loader that
            // waits for either waits for ever.
            let may_do = |operation: &&Operation| match operation {
                Operation::Load(key, _) => batch.contains(key) || !missing.contains(key),
                Operation::LoadMany(..) => false,
                _ => batch.first() == missing.first(),
            };
            let meanwhile = loader.meanwhile.as_deref().filter(may_do);
            // All of them are under way from the first batch on, those of later batches too.
            voided.extend(self.meanwhile(&missing, meanwhile));
            let took = self.oracle.now() - begun;
            self.stats.load_time += took;
            before = self.cache.len();
            brought.clear();
            if loader.fails {
                self.stats.load_failures += 1;
                return Err(0_u32);
            }
            let mut pairs = Vec::new();
            for &key in batch.iter().rev().filter(|key| *key % 4 != 3) {
                let (id, value) = self.value(key, loader.content);
                brought.push((key, id));
                pairs.push((Key::new(key, &alive), value));
                let at = keys.iter().position(|other| *other == key);
                obvious[at.expect("asked for")] = Some(id);
            }
            let (_, value) = self.value(KEYS, loader.content);
            pairs.push((Key::new(KEYS, &alive), value));
            Ok(pairs)
        });
        self.agree(batches.next(), None, "batches");
        match real {
            Ok(values) => {
                let values = keys.iter().zip(values);
                let real: Vec<_> = values.map(|(key, value)| id_of(value, *key)).collect();
                self.agree(real, obvious, "get_many_or_load");
            }
            Err(error) => {
                self.agree(error.loader_error(), Some(&0), "get_many_or_load");
                self.demand(loader.fails && !missing.is_empty(), "a load failed");
            }
        }
        let stored = self.expect_batch(&brought, &voided, loader, before);
        join(expected, stored)
    }

    /// What storing a batch must have done.
    fn expect_batch(
        &mut self,
        brought: &[(u8, u32)],
        voided: &[u8],
        loader: &Loader,
        before: usize,
    ) -> Expected {
        let mut all = Expected::default();
        for (earlier, &(key, id)) in brought.iter().enumerate() {
            if voided.contains(&key) {
                self.stats.loads_voided += 1;
                continue;
            }
            let (previous, mut expected) =
                self.expect_write(key, id, loader.content, before + earlier);
            self.agree(previous, None, "a load was stored over a fresh value");
            if !self.oracle.admits(loader.content) {
                expected.leaving.push(refused(key, id));
            }
            all = join(all, expected);
        }
        if !self.oracle.is_exact() {
            // One past its life may be evicted for another one of the batch before its own turn comes.
            for leaving in &mut all.leaving {
                if leaving.causes == [RemovalCause::Expired] {
                    leaving.causes.push(RemovalCause::Evicted);
                }
            }
        }
        all
    }

    /// What a loader of `keys` does to the cache. Says which of them must not be stored for that.
    fn meanwhile(&mut self, keys: &[u8], operation: Option<&Operation>) -> Vec<u8> {
        let Some(operation) = operation else {
            return Vec::new();
        };
        if let Operation::Load(key, _) = operation {
            if keys.contains(key) {
                self.reenter(*key);
                return Vec::new();
            }
        }
        self.step(operation);
        match operation {
            Operation::Insert(key, _)
            | Operation::TryInsert(key, _)
            | Operation::Replace(key, _)
            | Operation::Remove(key)
            | Operation::RemoveIf(key, _) => {
                keys.iter().copied().filter(|other| other == key).collect()
            }
            Operation::Clear => keys.to_vec(),
            _ => Vec::new(),
        }
    }

    /// A loader that asks for its own key.
    fn reenter(&mut self, key: u8) {
        self.done += 1;
        let (found, leaving) = self.expect_get(key);
        self.agree(found, None, "a loader runs though the value is here");
        let content = Content {
            life: None,
            weight: 0,
        };
        let (_, value) = self.value(key, content);
        let asked_for = Key::new(key, &self.alive);
        let real = self.cache.get_or_load(&asked_for, |_| Ok::<_, u32>(value));
        let is_refused = matches!(real, Err(LoadError::Reentrant));
        self.demand(is_refused, "a loader waits for itself");
        self.settle(leaving.into());
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
