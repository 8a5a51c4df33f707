//! Carries a plan out on the real cache and on the oracle, and compares the two after every operation.

use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use crm_cache::{Cache, Clock, LoadError, ManualClock, RemovalCause, Stats};

use super::homes::KEYS;
use super::oracle::{Leaving, Oracle};
use super::plan::{Configuration, Loader, Operation, Plan};
use super::subject::{Alive, Content, Hashing, Key, Query, Value};

type Subject = Cache<Key, Value, Hashing>;

/// What the listener was told: key, number of the value, cause.
type Heard = Arc<Mutex<Vec<(u8, u32, RemovalCause)>>>;

/// Carries out a plan and returns how many operations that were.
///
/// # Panics
///
/// When the cache does anything but what it promises; the message says after which operation.
pub(crate) fn run(plan: &Plan) -> usize {
    let mut interpreter = Interpreter::new(&plan.configuration);
    for (index, operation) in plan.operations.iter().enumerate() {
        interpreter.index = index;
        interpreter.step(operation);
    }
    interpreter.finish()
}

struct Interpreter<'a> {
    configuration: &'a Configuration,
    cache: Arc<Subject>,
    hand: ManualClock,
    heard: Option<Heard>,
    oracle: Oracle,
    /// What the statistics must say.
    stats: Stats,
    alive: Alive,
    next_id: u32,
    index: usize,
    done: usize,
    current: Option<Operation>,
}

/// What an operation must have done to the entries.
#[derive(Default)]
struct Expected {
    leaving: Vec<Leaving>,
    /// How many may have been evicted beside those.
    evictions: usize,
    /// The value that was written just now, which must not be evicted.
    written: Option<u32>,
}

impl<'a> Interpreter<'a> {
    fn new(configuration: &'a Configuration) -> Self {
        let (clock, hand) = Clock::manual();
        let hashing = Hashing {
            collides: configuration.collides,
        };
        let mut builder = Cache::builder(configuration.capacity)
            .policy(configuration.policy)
            .shards(configuration.shards)
            .clock(clock)
            .hasher(hashing);
        if let Some(time_to_live) = configuration.time_to_live {
            builder = builder.time_to_live(time_to_live);
        }
        if configuration.has_expiry {
            builder = builder.expiry(|_, value: &Value| value.content().life);
        }
        let heard = configuration.has_listener.then(Heard::default);
        let this = Arc::new(OnceLock::<Weak<Subject>>::new());
        if let Some(heard) = &heard {
            let (heard, this) = (Arc::clone(heard), Arc::clone(&this));
            builder = builder.on_removal(move |key: &Key, value: &Value, cause| {
                let told = (key.number, value.id_for(key.number), cause);
                heard
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(told);
                // It runs under no lock: this must not wait for ever.
                if let Some(cache) = this.get().and_then(Weak::upgrade) {
                    assert!(cache.len() <= cache.capacity());
                }
            });
        }
        let cache = Arc::new(builder.build().expect("a valid configuration"));
        this.set(Arc::downgrade(&cache)).expect("set once");
        Self {
            configuration,
            cache,
            hand,
            heard,
            oracle: Oracle::new(configuration),
            stats: Stats::default(),
            alive: Alive::default(),
            next_id: 0,
            index: 0,
            done: 0,
            current: None,
        }
    }

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        panic!(
            "{what}\nafter operation {}, {:?}\nof {:?}",
            self.index, self.current, self.configuration
        )
    }

    #[track_caller]
    fn demand(&self, holds: bool, what: &str) {
        if !holds {
            self.fail(what);
        }
    }

    #[track_caller]
    fn agree<T: Debug + PartialEq>(&self, real: T, obvious: T, what: &str) {
        if real != obvious {
            self.fail(&format!(
                "{what}: the cache says {real:?}, the oracle {obvious:?}"
            ));
        }
    }

    fn value(&mut self, key: u8, content: Content) -> (u32, Value) {
        self.next_id += 1;
        let value = Value::new(key, self.next_id, content, &self.alive);
        (self.next_id, value)
    }

    /// Does one operation and checks what came of it.
    fn step(&mut self, operation: &Operation) {
        self.done += 1;
        self.current = Some(operation.clone());
        let before = self.cache.len();
        match operation {
            Operation::Get(key) => {
                let (obvious, leaving) = self.expect_get(*key);
                let real = self.cache.get(&Query(*key)).map(|value| value.id_for(*key));
                self.agree(real, obvious, "get");
                self.settle(Expected {
                    leaving,
                    ..Expected::default()
                });
            }
            Operation::Read(key, meanwhile) => self.read(*key, meanwhile.as_deref()),
            Operation::Insert(key, content) => {
                let (id, value) = self.value(*key, *content);
                let real = self.cache.insert(Key::new(*key, &self.alive), value);
                let (obvious, expected) = self.expect_write(*key, id, *content, before);
                self.agree(real.map(|value| value.id_for(*key)), obvious, "insert");
                self.settle(expected);
            }
            Operation::Load(key, loader) => self.load(*key, loader),
            Operation::Remove(key) => {
                let (obvious, leaving) = self.oracle.remove(*key);
                let real = self.cache.remove(&Query(*key));
                self.agree(real.map(|value| value.id_for(*key)), obvious, "remove");
                self.settle(Expected {
                    leaving,
                    ..Expected::default()
                });
            }
            Operation::Clear => {
                self.cache.clear();
                let leaving = self.oracle.clear();
                self.demand(self.cache.is_empty(), "not empty after clear");
                self.settle(Expected {
                    leaving,
                    ..Expected::default()
                });
            }
            Operation::SetCapacity(capacity) => {
                let is_possible = *capacity >= self.configuration.shards;
                let real = self.cache.set_capacity(*capacity);
                self.agree(real.is_ok(), is_possible, "set_capacity");
                let mut expected = Expected::default();
                if is_possible {
                    expected.leaving = self.oracle.set_capacity(*capacity);
                    expected.evictions = before.saturating_sub(*capacity);
                }
                self.settle(expected);
            }
            Operation::Advance(by) => {
                self.hand.advance(*by);
                self.oracle.advance(*by);
                // Time alone takes nothing out.
                self.agree(self.cache.len(), before, "len");
                self.settle(Expected::default());
            }
        }
    }

    fn expect_get(&mut self, key: u8) -> (Option<u32>, Vec<Leaving>) {
        let (found, leaving) = self.oracle.get(key);
        *if found.is_some() {
            &mut self.stats.hits
        } else {
            &mut self.stats.misses
        } += 1;
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
        let (previous, leaving) = self.oracle.insert(key, id, content);
        if previous.is_none() {
            self.stats.insertions += 1;
        }
        let mut expected = Expected {
            leaving,
            evictions: 0,
            written: Some(id),
        };
        // The adaptive cache evicts when it is full as a whole. Should it have held the key, past its life, and dropped
        // that unseen, it was one short of full.
        if !self.oracle.is_exact() && previous.is_none() {
            let held_it = self.heard.is_some() && !expected.leaving.is_empty();
            expected.evictions =
                (before + usize::from(!held_it)).saturating_sub(self.oracle.capacity());
        }
        (previous, expected)
    }

    fn read(&mut self, key: u8, meanwhile: Option<&Operation>) {
        let (obvious, leaving) = self.expect_get(key);
        let expected = Expected {
            leaving,
            ..Expected::default()
        };
        let cache = Arc::clone(&self.cache);
        // Under LRU the reader has the lock, and must leave the cache alone.
        let meanwhile = meanwhile.filter(|_| !self.oracle.is_exact());
        let real = match meanwhile {
            None => cache.read(&Query(key), |value| value.id_for(key)),
            Some(operation) => cache.read(&Query(key), |value| {
                let id = value.id_for(key);
                self.step(operation);
                assert_eq!(value.id_for(key), id, "what is being read has changed");
                id
            }),
        };
        self.agree(real, obvious, "read");
        self.settle(expected);
    }

    fn load(&mut self, key: u8, loader: &Loader) {
        let (found, leaving) = self.expect_get(key);
        if found.is_none() {
            self.stats.loads += 1;
        }
        let (id, value) = self.value(key, loader.content);
        let (cache, alive) = (Arc::clone(&self.cache), self.alive.clone());
        // The loader uses the interpreter while it runs, and is gone when the call has returned.
        let ran = RefCell::new(None);
        let mut this = Some(&mut *self);
        let real = cache.get_or_load(&Key::new(key, &alive), |asked| {
            let this = this.take().expect("a loader runs once");
            assert_eq!(asked.number, key);
            this.demand(found.is_none(), "loaded what is here");
            // Whatever the miss took out has been told by now.
            this.settle(Expected {
                leaving,
                ..Expected::default()
            });
            let is_void = match loader.meanwhile.as_deref() {
                Some(Operation::Load(other, _)) if *other == key => {
                    this.reenter(key);
                    false
                }
                Some(operation) => {
                    this.step(operation);
                    match operation {
                        Operation::Insert(other, _) | Operation::Remove(other) => *other == key,
                        Operation::Clear => true,
                        _ => false,
                    }
                }
                None => false,
            };
            *ran.borrow_mut() = Some((is_void, this.cache.len()));
            if loader.fails { Err(id) } else { Ok(value) }
        });
        let real = match real {
            Ok(value) => Ok(value.id_for(key)),
            Err(error) => Err(*error
                .loader_error()
                .expect("nobody loads this key meanwhile")),
        };
        self.current = Some(Operation::Load(key, loader.clone()));
        match (found, ran.into_inner()) {
            (Some(found), _) => {
                self.agree(real, Ok(found), "get_or_load");
                self.settle(Expected::default());
            }
            (None, None) => self.fail("neither found nor loaded"),
            (None, Some((is_void, before))) => {
                let obvious = if loader.fails { Err(id) } else { Ok(id) };
                self.agree(real, obvious, "get_or_load");
                let mut expected = Expected::default();
                if loader.fails {
                    self.stats.load_failures += 1;
                } else if is_void {
                    self.stats.loads_voided += 1;
                } else {
                    let previous;
                    (previous, expected) = self.expect_write(key, id, loader.content, before);
                    self.agree(previous, None, "stored over a fresh value");
                }
                self.settle(expected);
            }
        }
    }

    /// A loader that asks for its own key.
    fn reenter(&mut self, key: u8) {
        self.done += 1;
        let (found, leaving) = self.expect_get(key);
        self.agree(found, None, "a loader runs though the value is here");
        let (_, value) = self.value(key, Content { life: None });
        let real = self
            .cache
            .get_or_load(&Key::new(key, &self.alive), |_| Ok::<_, u32>(value));
        self.demand(
            matches!(real, Err(LoadError::Reentrant)),
            "a loader waits for itself",
        );
        self.settle(Expected {
            leaving,
            ..Expected::default()
        });
    }

    /// Compares everything that can be seen, and takes over from the real cache what only that one decides.
    fn settle(&mut self, expected: Expected) {
        let real = self.cache.stats();
        match &self.heard {
            Some(heard) => {
                let heard =
                    std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner));
                self.settle_heard(heard, expected);
            }
            None => self.settle_unheard(&real, expected),
        }
        self.agree(real, self.stats, "statistics");
        self.compare(&real);
    }

    fn count(&mut self, cause: RemovalCause) {
        *match cause {
            RemovalCause::Replaced => &mut self.stats.replacements,
            RemovalCause::Removed => &mut self.stats.removals,
            RemovalCause::Expired => &mut self.stats.expirations,
            RemovalCause::Evicted => &mut self.stats.evictions,
            other => self.fail(&format!("an unknown cause: {other}")),
        } += 1;
    }

    /// Goes through what the listener was told: each entry that had to leave has, once, and nobody else without a reason.
    fn settle_heard(&mut self, heard: Vec<(u8, u32, RemovalCause)>, mut expected: Expected) {
        for (key, id, cause) in heard {
            self.count(cause);
            let told = format!("value {id} of key {key} was told as {cause}");
            let due = expected
                .leaving
                .iter()
                .position(|leaving| leaving.key == key && leaving.id == id);
            if let Some(due) = due {
                let leaving = expected.leaving.remove(due);
                self.demand(leaving.causes.contains(&cause), &told);
                continue;
            }
            let held = self.oracle.take(key).filter(|held| held.id == id);
            let Some(held) = held else {
                self.fail(&format!("{told}, but was not here"))
            };
            match cause {
                RemovalCause::Expired => self.demand(!self.oracle.is_fresh(&held), &told),
                RemovalCause::Evicted => {
                    self.demand(
                        expected.evictions > 0 && expected.written != Some(id),
                        &told,
                    );
                    expected.evictions -= 1;
                }
                _ => self.fail(&told),
            }
        }
        self.demand(
            expected.leaving.is_empty(),
            &format!("left untold: {:?}", expected.leaving),
        );
    }

    /// Without a listener: what is missing was evicted. Entries past their life may be missing unseen, so that the
    /// statistics are held to what is possible.
    fn settle_unheard(&mut self, real: &Stats, expected: Expected) {
        let is_exact = self.oracle.is_exact();
        let over = if is_exact {
            0
        } else {
            self.oracle.over() as u64
        };
        let mut least = self.stats;
        let mut most = self.stats;
        most.expirations += over;
        for leaving in &expected.leaving {
            for cause in &leaving.causes {
                let is_certain =
                    leaving.causes.len() == 1 && (is_exact || *cause != RemovalCause::Expired);
                for (stats, counts) in [(&mut least, is_certain), (&mut most, true)] {
                    let count = match cause {
                        RemovalCause::Replaced => &mut stats.replacements,
                        RemovalCause::Removed => &mut stats.removals,
                        RemovalCause::Evicted => &mut stats.evictions,
                        _ => &mut stats.expirations,
                    };
                    *count += u64::from(counts);
                }
            }
        }
        if !is_exact {
            most.evictions += expected.evictions as u64;
            let here = self.ids();
            let missing: Vec<u8> = self
                .oracle
                .fresh()
                .filter(|held| here[usize::from(held.key)].is_none())
                .map(|held| held.key)
                .collect();
            least.evictions += missing.len() as u64;
            for key in missing {
                let held = self.oracle.take(key);
                self.demand(
                    held.map(|held| held.id) != expected.written,
                    "what was just written is missing",
                );
            }
        }
        for (count, least, most, what) in [
            (
                real.replacements,
                least.replacements,
                most.replacements,
                "replacements",
            ),
            (real.removals, least.removals, most.removals, "removals"),
            (
                real.expirations,
                least.expirations,
                most.expirations,
                "expirations",
            ),
            (real.evictions, least.evictions, most.evictions, "evictions"),
        ] {
            self.demand(
                (least..=most).contains(&count),
                &format!("{count} {what}, though there were {least} to {most}"),
            );
        }
        self.stats.replacements = real.replacements;
        self.stats.removals = real.removals;
        self.stats.expirations = real.expirations;
        self.stats.evictions = real.evictions;
    }

    /// The number of the value that is listed for each key.
    fn ids(&self) -> [Option<u32>; KEYS as usize] {
        let mut ids = [None; KEYS as usize];
        for (key, value) in self.cache.entries() {
            let listed = ids[usize::from(key.number)].replace(value.id_for(key.number));
            self.demand(listed.is_none(), "a key is listed twice");
        }
        ids
    }

    fn compare(&self, real: &Stats) {
        let len = self.cache.len();
        self.agree(self.cache.capacity(), self.oracle.capacity(), "capacity");
        self.demand(len <= self.cache.capacity(), "more entries than fit");
        self.agree(self.cache.is_empty(), len == 0, "is_empty");
        if self.heard.is_some() || self.oracle.is_exact() {
            self.agree(len, self.oracle.len(), "len");
        } else {
            let fresh = self.oracle.len() - self.oracle.over();
            self.demand((fresh..=self.oracle.len()).contains(&len), "len");
        }
        let left = real.evictions + real.expirations + real.removals;
        self.agree(real.insertions, len as u64 + left, "insertions");
        let mut obvious = [None; KEYS as usize];
        for held in self.oracle.fresh() {
            obvious[usize::from(held.key)] = Some(held.id);
        }
        self.agree(self.ids(), obvious, "entries");
    }

    fn finish(self) -> usize {
        let Self {
            cache,
            alive,
            heard,
            done,
            ..
        } = self;
        drop(cache);
        if let Some(heard) = heard {
            let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            assert!(heard.is_empty(), "the end of a cache was told: {heard:?}");
        }
        assert_eq!(alive.count(), 0, "leaked, or dropped twice");
        done
    }
}
