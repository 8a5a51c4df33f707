//! The loads among the operations: of one key and of many, by threads and by tasks, which may be dropped half-way, with
//! loaders that change the cache meanwhile.

use std::cell::Cell;
use std::sync::Arc;

use crm_cache::{LoadError, RemovalCause};

use super::books::Expected;
use super::homes::KEYS;
use super::interpreter::{Interpreter, id_of, refused};
use super::plan::{Form, Loader, Operation};
use super::subject::{Content, Key};
use super::tasks::{drive, pause};

/// A task that has its answer, and does not give it at the first poll.
async fn suspended_once<T>(answer: T) -> T {
    pause().await;
    answer
}

/// Both one after the other.
fn join(mut first: Expected, second: Expected) -> Expected {
    first.leaving.extend(second.leaving);
    first.evictions += second.evictions;
    first.is_batch |= second.is_batch || (first.written.is_some() && second.written.is_some());
    first.written = second.written.or(first.written);
    first
}

impl Interpreter<'_> {
    pub(crate) fn load(&mut self, key: u8, loader: &Loader) -> Expected {
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
        let real = match loader.form {
            Form::Maker => Some(Ok(cache.get_or_insert_with(&asked_for, |asked| {
                load(asked).expect("a maker does not fail")
            }))),
            Form::Blocking => Some(cache.get_or_load(&asked_for, load)),
            Form::Task | Form::DroppedTask(_) => {
                let load = |asked: Key| suspended_once(load(&asked));
                drive(
                    cache.get_or_load_async(&asked_for, load),
                    loader.form.patience(),
                )
            }
        };
        self.current = Some(Operation::Load(key, loader.clone()));
        let Some(real) = real else {
            self.demand(ran.get().is_some(), "a task waits though it is not loading");
            self.stats.load_failures += 1;
            return Expected::default();
        };
        let error = "nobody else loads this key";
        let real = real
            .map(|value| value.id_for(key))
            .map_err(|failed| *failed.loader_error().expect(error));
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
    pub(crate) fn load_many(&mut self, keys: &[u8], loader: &Loader) -> Expected {
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
        let mut load = |asked: &[Key]| {
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
        };
        let real = match loader.form {
            Form::Maker | Form::Blocking => Some(cache.get_many_or_load(&asked_for, load)),
            Form::Task | Form::DroppedTask(_) => {
                let load = |asked: Vec<Key>| suspended_once(load(&asked));
                drive(
                    cache.get_many_or_load_async(&asked_for, load),
                    loader.form.patience(),
                )
            }
        };
        self.current = Some(Operation::LoadMany(keys.to_vec(), loader.clone()));
        let Some(real) = real else {
            self.demand(!missing.is_empty(), "a task waits though it is not loading");
            // A loader that was to fail is counted already. What the last batch has brought is lost.
            self.stats.load_failures += u64::from(!loader.fails);
            return expected;
        };
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
}
