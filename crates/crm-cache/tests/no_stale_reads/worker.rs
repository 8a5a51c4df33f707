//! One of the threads: it reads, loads, writes and invalidates, and looks at the version of everything it is given.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crm_cache::{LoadError, ManualClock};

use crate::chance::{below, dawdle, one_in};
use crate::subject::{Failure, Key, Setup, Subject, Value, load, tag};
use crate::tally::{Kind, Tally};
use crate::tasks::{drive, pause};
use crate::truth::{GROUP, Oldest, Reach, Truth, group};

/// Reads in a row, between which nothing else is done.
const READS_IN_A_ROW: u32 = 8;

pub(crate) struct Worker<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) subject: &'a Subject,
    pub(crate) truth: &'a Truth,
    pub(crate) hand: &'a ManualClock,
    pub(crate) tally: Tally,
}

impl Worker<'_> {
    /// Works until all together have read so often.
    pub(crate) fn run(&self, done: &AtomicU64, wanted: u64) {
        let mut before = 0;
        while done.load(Ordering::Relaxed) < wanted {
            (0..20).for_each(|_| self.step());
            let reads = self.tally.reads();
            done.fetch_add(reads - before, Ordering::Relaxed);
            before = reads;
        }
    }

    /// Some keys are asked for more often than others.
    fn key(&self) -> u32 {
        below(self.truth.keys()).min(below(self.truth.keys()))
    }

    fn step(&self) {
        match below(100) {
            0..60 => (0..READS_IN_A_ROW).for_each(|_| self.read()),
            60..88 => self.load_some(),
            88..95 => self.invalidate(self.key()),
            95 => self.entries(),
            _ => {
                self.hand.advance(Duration::from_millis(1));
            }
        }
    }

    fn saw(&self, kind: Kind, key: u32, oldest: Oldest, version: u64) {
        self.tally.count(kind);
        assert!(
            version >= oldest.value,
            "{kind:?} gave version {version} of key {key}, though {} was invalidated before\n{:?}",
            oldest.value,
            self.setup
        );
    }

    fn failed(&self, kind: Kind, key: u32, oldest: Oldest, error: &LoadError<Failure>) {
        self.tally.count(kind);
        match error {
            LoadError::Failed(failure) => assert!(
                failure.key != key || failure.version >= oldest.failure,
                "{kind:?} gave the failure of version {} of key {key}, though {} was invalidated before\n{:?}",
                failure.version,
                oldest.failure,
                self.setup
            ),
            // Given up by the thread that should have answered it.
            LoadError::Abandoned => self.tally.count(Kind::Abandoned),
            LoadError::TimedOut => self.tally.count(Kind::TimedOut),
            other => panic!("{other:?}"),
        }
    }

    fn take(
        &self,
        kind: Kind,
        key: u32,
        oldest: Oldest,
        loaded: Result<Value, LoadError<Failure>>,
    ) {
        match loaded {
            Ok(value) => self.saw(kind, key, oldest, value.version_of(key)),
            Err(error) => self.failed(kind, key, oldest, &error),
        }
    }

    fn read(&self) {
        let key = self.key();
        let oldest = self.truth.oldest(key);
        let (kind, seen) = match self.subject {
            Subject::Plain(cache) if one_in(3) => (
                Kind::Read,
                cache.read(&Key(key), |value| {
                    dawdle(500);
                    value.version_of(key)
                }),
            ),
            Subject::Plain(cache) => {
                let value = cache.get(&Key(key));
                (Kind::Get, value.map(|value| value.version_of(key)))
            }
            Subject::Loading(cache) => {
                let value = cache.get_if_present(&Key(key));
                (Kind::GetIfPresent, value.map(|value| value.version_of(key)))
            }
        };
        match seen {
            Some(version) => self.saw(kind, key, oldest, version),
            None => self.tally.count(kind),
        }
    }

    fn entries(&self) {
        let Subject::Plain(cache) = self.subject else {
            return;
        };
        let oldest: Vec<_> = (0..self.truth.keys())
            .map(|key| self.truth.oldest(key))
            .collect();
        for (Key(key), value) in cache.entries() {
            let oldest = oldest[key as usize];
            self.saw(Kind::Entries, key, oldest, value.version_of(key));
        }
    }

    /// Asks the source, and has the record invalidated before the answer comes, now and then.
    fn load(&self, key: u32) -> Result<Value, Failure> {
        let loaded = load(self.truth, key);
        if one_in(4) {
            self.tally.count(Kind::DuringALoad);
            self.invalidate(key);
        }
        loaded
    }

    async fn load_async(&self, key: u32) -> Result<Value, Failure> {
        let loaded = self.load(key);
        for _ in 0..below(3) {
            pause().await;
        }
        loaded
    }

    /// Keys that the source does not have are left out.
    fn load_many(&self, keys: &[Key]) -> Result<Vec<(Key, Value)>, Failure> {
        let mut pairs = Vec::new();
        for Key(key) in keys {
            if !one_in(8) {
                pairs.push((Key(*key), self.load(*key)?));
            }
        }
        Ok(pairs)
    }

    fn load_some(&self) {
        let key = self.key();
        let oldest = self.truth.oldest(key);
        match self.subject {
            Subject::Loading(cache) => match below(8) {
                0..4 => self.take(Kind::LoadingGet, key, oldest, cache.get(&Key(key))),
                4..7 => {
                    let patience = one_in(4).then(|| below(2));
                    match drive(cache.get_async(&Key(key)), patience) {
                        Some(loaded) => self.take(Kind::LoadingGetAsync, key, oldest, loaded),
                        None => self.tally.count(Kind::DroppedTasks),
                    }
                }
                _ => {
                    cache.refresh(&Key(key));
                }
            },
            Subject::Plain(cache) => match below(8) {
                0..3 => {
                    let loaded = cache.get_or_load(&Key(key), |key| self.load(key.0));
                    self.take(Kind::GetOrLoad, key, oldest, loaded);
                }
                3 => {
                    let make = |key: &Key| {
                        let version = self.truth.version(key.0);
                        dawdle(2);
                        Value::new(key.0, version)
                    };
                    let made = cache.get_or_insert_with(&Key(key), make);
                    self.saw(Kind::GetOrInsertWith, key, oldest, made.version_of(key));
                }
                4..6 => {
                    let patience = one_in(3).then(|| 1 + below(2));
                    let key_to_load = Key(key);
                    let future =
                        cache.get_or_load_async(&key_to_load, |key| self.load_async(key.0));
                    match drive(future, patience) {
                        Some(loaded) => self.take(Kind::GetOrLoadAsync, key, oldest, loaded),
                        None => self.tally.count(Kind::DroppedTasks),
                    }
                }
                _ => self.load_page(),
            },
        }
    }

    /// Many keys in one call, some of them twice.
    fn load_page(&self) {
        let Subject::Plain(cache) = self.subject else {
            return;
        };
        let keys: Vec<Key> = (0..1 + below(5)).map(|_| Key(self.key())).collect();
        let oldest: Vec<_> = keys.iter().map(|key| self.truth.oldest(key.0)).collect();
        let (kind, loaded) = if one_in(2) {
            let loaded = cache.get_many_or_load(&keys, |keys| self.load_many(keys));
            (Kind::GetManyOrLoad, Some(loaded))
        } else {
            let patience = one_in(3).then(|| 1 + below(2));
            let load = |keys: Vec<Key>| async move {
                let loaded = self.load_many(&keys);
                pause().await;
                loaded
            };
            let loaded = drive(cache.get_many_or_load_async(&keys, load), patience);
            (Kind::GetManyOrLoadAsync, loaded)
        };
        match loaded {
            Some(Ok(values)) => {
                for ((key, oldest), value) in keys.iter().zip(oldest).zip(values) {
                    match value {
                        Some(value) => self.saw(kind, key.0, oldest, value.version_of(key.0)),
                        None => self.tally.count(kind),
                    }
                }
            }
            // The error of any of the keys, not said of which.
            Some(Err(_)) => self.tally.count(kind),
            None => self.tally.count(Kind::DroppedTasks),
        }
    }

    /// A record changes, and the cache is told in one way or another.
    fn invalidate(&self, key: u32) {
        match below(100) {
            0..25 => self.remove(key),
            25..40 => self.remove_if(key),
            40..50 => self.forget(key),
            50..70 => self.invalidate_tag(key),
            70..76 => self.retain(),
            76..79 => self.clear(),
            _ => self.write(key),
        }
    }

    fn remove(&self, key: u32) {
        let oldest = self.truth.oldest(key);
        let change = self.truth.change([key].into_iter());
        let former = match self.subject {
            Subject::Plain(cache) => cache.remove(&Key(key)),
            Subject::Loading(cache) => cache.remove(&Key(key)),
        };
        self.told(Kind::Remove, key, oldest, former);
        change.was_told(Reach::ValuesAndFailures);
    }

    fn told(&self, kind: Kind, key: u32, oldest: Oldest, former: Option<Value>) {
        self.tally.count(kind);
        if let Some(former) = former {
            self.saw(Kind::FormerValue, key, oldest, former.version_of(key));
        }
    }

    fn remove_if(&self, key: u32) {
        let Subject::Plain(cache) = self.subject else {
            return self.remove(key);
        };
        let oldest = self.truth.oldest(key);
        let change = self.truth.change([key].into_iter());
        let version = change.version(key).expect("changed");
        let former = cache.remove_if(&Key(key), |value| value.version_of(key) < version);
        self.told(Kind::RemoveIf, key, oldest, former);
        change.was_told(Reach::ValuesAndFailures);
    }

    fn forget(&self, key: u32) {
        let change = self.truth.change([key].into_iter());
        match self.subject {
            Subject::Plain(cache) => cache.forget(&Key(key)),
            Subject::Loading(cache) => cache.forget(&Key(key)),
        };
        self.tally.count(Kind::Forget);
        change.was_told(Reach::ValuesAndFailures);
    }

    fn invalidate_tag(&self, key: u32) {
        if !self.setup.has_tags() {
            return self.remove(key);
        }
        let first = group(key) * GROUP;
        let last = self.truth.keys().min(first + GROUP);
        let change = self.truth.change(first..last);
        match self.subject {
            Subject::Plain(cache) => cache.invalidate_tag(tag(key)),
            Subject::Loading(cache) => cache.invalidate_tag(tag(key)),
        }
        self.tally.count(Kind::InvalidateTag);
        change.was_told(Reach::Values);
    }

    /// Some records change, and what is older than they are is no longer kept.
    fn retain(&self) {
        let turn = below(3);
        let change = self
            .truth
            .change((0..self.truth.keys()).filter(|key| key % 3 == turn));
        let keep = |key: &Key, value: &Value| {
            change
                .version(key.0)
                .is_none_or(|version| value.version_of(key.0) >= version)
        };
        match self.subject {
            Subject::Plain(cache) => cache.retain(keep),
            Subject::Loading(cache) => cache.retain(keep),
        }
        self.tally.count(Kind::Retain);
        change.was_told(Reach::ValuesAndFailures);
    }

    fn clear(&self) {
        let change = self.truth.change(0..self.truth.keys());
        match self.subject {
            Subject::Plain(cache) => cache.clear(),
            Subject::Loading(cache) => cache.clear(),
        }
        self.tally.count(Kind::Clear);
        change.was_told(Reach::ValuesAndFailures);
    }

    /// Writes the record as it is now.
    fn write(&self, key: u32) {
        let oldest = self.truth.oldest(key);
        let change = self.truth.change_alone(key);
        let value = Value::new(key, change.version(key).expect("changed"));
        let (kind, former) = match self.subject {
            Subject::Loading(cache) => (Kind::Insert, cache.insert(Key(key), value)),
            Subject::Plain(cache) => match below(4) {
                0 => {
                    let stored = cache.try_insert(Key(key), value);
                    let former = stored.unwrap_or_else(|refused| refused.previous);
                    (Kind::TryInsert, former)
                }
                1 => (Kind::Replace, cache.replace(Key(key), value).ok()),
                _ => (Kind::Insert, cache.insert(Key(key), value)),
            },
        };
        self.told(kind, key, oldest, former);
        change.was_told(Reach::ValuesAndFailures);
    }

    /// When all is quiet, what is loaded is kept, and what is invalidated is gone.
    pub(crate) fn is_sound_at_rest(&self) {
        for key in 0..self.truth.keys() {
            self.invalidate_tag(key);
            let oldest = self.truth.oldest(key);
            let loaded = loop {
                let loaded = match self.subject {
                    Subject::Plain(cache) => {
                        cache.get_or_load(&Key(key), |key| load(self.truth, key.0))
                    }
                    Subject::Loading(cache) => cache.get(&Key(key)),
                };
                // A failure is remembered until time has passed.
                match loaded {
                    Ok(loaded) => break loaded,
                    Err(LoadError::TimedOut) => thread::yield_now(),
                    Err(_) => {
                        self.hand.advance(Duration::from_millis(10));
                    }
                }
            };
            assert!(loaded.version_of(key) >= oldest.value);
            let kept = match self.subject {
                Subject::Plain(cache) => cache.get(&Key(key)),
                Subject::Loading(cache) => cache.get_if_present(&Key(key)),
            };
            let may_stay = !(self.setup.weighs && loaded.is_heavy());
            assert_eq!(kept.is_some(), may_stay, "loaded at rest, and not kept");
        }
    }
}
