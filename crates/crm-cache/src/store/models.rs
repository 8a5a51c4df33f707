//! What the model checker runs through: every order of a few reads and writes, and every value that a relaxed load may
//! return. `ci/deep.sh loom` runs it.
//!
//! A value's life is a cell that the checker watches. Reading it reads the cell, dropping it writes the cell; a read that
//! does not *happen before* the drop ends the model with a causality violation.

use std::sync::atomic::{AtomicUsize as StdAtomicUsize, Ordering::Relaxed};

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use super::{Hash, Left, NewEntry, Reader, Store, Writer};
use crate::time::NEVER;

type Shard = Store<u32, Value, ()>;

/// The lives of the values of one execution.
struct Lives([UnsafeCell<bool>; 3]);

// SAFETY: the checker watches each access.
unsafe impl Sync for Lives {}

impl Lives {
    /// Leaked: a value that is dropped by mistake after the end of an execution must not meet freed memory.
    fn new() -> &'static Self {
        Box::leak(Box::new(Self(std::array::from_fn(|_| {
            UnsafeCell::new(true)
        }))))
    }

    fn all_over(&self) -> bool {
        // SAFETY: the checker watches each access.
        self.0
            .iter()
            .all(|life| life.with(|lives| !unsafe { *lives }))
    }
}

struct Value {
    lives: &'static Lives,
    id: usize,
}

impl Value {
    fn look(&self) {
        // SAFETY: the checker watches each access.
        let lives = self.lives.0[self.id].with(|lives| unsafe { *lives });
        assert!(lives, "a dropped value is seen");
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        // SAFETY: the checker watches each access.
        let lived = self.lives.0[self.id].with_mut(|lives| unsafe { lives.replace(false) });
        assert!(lived || std::thread::panicking(), "dropped twice");
    }
}

/// Runs a model with at most three preemptions, unless the environment says otherwise.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(3);
    builder.max_branches = 20_000;
    builder.check(model);
}

fn hash(key: u32) -> Hash {
    Hash::new((u64::from(key) << 32) | u64::from(key))
}

fn insert(shard: &Shard, key: u32, lives: &'static Lives, id: usize) -> u32 {
    let mut writer = shard.write();
    let new = NewEntry {
        pair: (key, Value { lives, id }),
        last: 0,
        class: 0,
        deadline: NEVER,
    };
    match writer.find(hash(key), |other| *other == key) {
        Some(found) => {
            let (index, left) = writer.replace(hash(key), found, new, |_| ());
            leave(writer, left);
            index
        }
        None => {
            let index = writer.insert(hash(key), new, |_| ());
            drop(writer.finish());
            index
        }
    }
}

/// Looks at a value that was taken out, and drops it if it is free.
fn leave(writer: Writer<'_, u32, Value, ()>, left: Left<u32, Value>) {
    match &left {
        Left::Free((_, value)) => value.look(),
        Left::Held(index) => writer.held(*index).expect("the last one").look(),
    }
    drop(writer.finish());
    drop(left);
}

fn remove(shard: &Shard, key: u32) {
    let mut writer = shard.write();
    writer.reclaim_in_the_end();
    match writer.find(hash(key), |other| *other == key) {
        Some(found) => {
            let left = writer.remove(found);
            leave(writer, left);
        }
        None => drop(writer.finish()),
    }
}

/// Looks at a value, records a use, and looks again; returns which value it was.
fn look(reader: &Reader<'_, u32, Value>, key: u32) -> Option<usize> {
    let entry = reader.find(hash(key), |other| *other == key)?;
    let id = entry.value().id;
    entry.value().look();
    let (last, class) = entry.recency().unwrap_or_default();
    entry.set_recency(last + 1, class);
    // SAFETY: the entry is held by the reader.
    let pair = unsafe { entry.slot.pair() };
    assert_eq!((pair.0, pair.1.id), (key, id), "the slot was used again");
    pair.1.look();
    Some(id)
}

fn read(shard: &Shard, key: u32) -> Option<usize> {
    let reader = shard.read().unwrap();
    look(&reader, key)
}

/// What every model ends with: nothing reachable is left behind, and each value was dropped once.
fn end(shard: Arc<Shard>, lives: &'static Lives) {
    drop(shard);
    assert!(lives.all_over(), "leaked");
}

#[test]
fn a_value_lives_as_long_as_it_is_read() {
    check(|| {
        let lives = Lives::new();
        let shard = Arc::new(Shard::new(1, ()));
        insert(&shard, 7, lives, 0);
        let reading = Arc::clone(&shard);
        let reader = thread::spawn(move || {
            // The end of the first visit may be hidden from the writer by the begin of the second one.
            let first = read(&reading, 7);
            assert!(
                read(&reading, 7) >= first,
                "an older value after a newer one"
            );
        });
        insert(&shard, 7, lives, 1);
        insert(&shard, 7, lives, 2);
        reader.join().unwrap();
        end(shard, lives);
    });
}

#[test]
fn a_removed_entry_is_gone_for_good_whatever_readers_record() {
    check(|| {
        let lives = Lives::new();
        let shard = Arc::new(Shard::new(1, ()));
        let index = insert(&shard, 7, lives, 0);
        let reading = Arc::clone(&shard);
        let reader = thread::spawn(move || read(&reading, 7));
        remove(&shard, 7);
        reader.join().unwrap();
        assert_eq!(read(&shard, 7), None);
        assert!(shard.write().entry(index).is_none(), "revived");
        // The slot may be used again from here on.
        remove(&shard, 7);
        insert(&shard, 8, lives, 1);
        insert(&shard, 7, lives, 2);
        assert_eq!((read(&shard, 8), read(&shard, 7)), (Some(1), Some(2)));
        end(shard, lives);
    });
}

#[test]
fn a_slot_is_used_again_only_after_its_last_reader() {
    check(|| {
        let lives = Lives::new();
        let shard = Arc::new(Shard::new(2, ()));
        insert(&shard, 7, lives, 0);
        let reading = Arc::clone(&shard);
        let reader = thread::spawn(move || {
            read(&reading, 7);
            read(&reading, 8);
        });
        remove(&shard, 7);
        insert(&shard, 8, lives, 1);
        remove(&shard, 8);
        insert(&shard, 7, lives, 2);
        reader.join().unwrap();
        end(shard, lives);
    });
}

#[test]
fn two_readers_hold_the_writer_up_until_both_have_left() {
    static HANDED_OVER: StdAtomicUsize = StdAtomicUsize::new(0);
    check(|| {
        let lives = Lives::new();
        let shard = Arc::new(Shard::new(1, ()));
        insert(&shard, 7, lives, 0);
        insert(&shard, 8, lives, 1);
        let readers = [7, 7].map(|key| {
            let shard = Arc::clone(&shard);
            thread::spawn(move || {
                let reader = shard.read().unwrap();
                look(&reader, key);
                reader.thread()
            })
        });
        insert(&shard, 7, lives, 2);
        let [one, two] = readers.map(|reader| reader.join().unwrap());
        HANDED_OVER.fetch_add(usize::from(one == two), Relaxed);
        end(shard, lives);
    });
    assert!(
        HANDED_OVER.load(Relaxed) > 0,
        "a word went from a thread that ended to another one"
    );
}

#[test]
fn a_visit_within_a_visit_is_seen_by_the_writers_of_both_shards() {
    check(|| {
        let lives = Lives::new();
        let [outer, inner] = [(); 2].map(|()| Arc::new(Shard::new(1, ())));
        insert(&outer, 7, lives, 0);
        insert(&inner, 7, lives, 1);
        let reading = [Arc::clone(&outer), Arc::clone(&inner)];
        let reader = thread::spawn(move || {
            let [outer, inner] = &reading;
            let visit = outer.read().unwrap();
            let entry = visit.find(hash(7), |key| *key == 7);
            read(inner, 7);
            if let Some(entry) = entry {
                entry.value().look();
            }
            drop(visit);
        });
        remove(&inner, 7);
        insert(&outer, 7, lives, 2);
        reader.join().unwrap();
        drop(inner);
        end(outer, lives);
    });
}

#[test]
fn a_writer_that_reads_waits_for_itself() {
    check(|| {
        let lives = Lives::new();
        let shard = Arc::new(Shard::new(1, ()));
        insert(&shard, 7, lives, 0);
        insert(&shard, 8, lives, 1);
        let reading = Arc::clone(&shard);
        let other = thread::spawn(move || {
            remove(&reading, 8);
            insert(&reading, 8, lives, 2);
        });
        let watcher = shard.read().unwrap();
        let mut writer = shard.write();
        let found = writer.find(hash(7), |key| *key == 7).unwrap();
        let held = watcher.hold(&writer, found).unwrap();
        writer.reclaim_in_the_end();
        let left = writer.remove(found);
        leave(writer, left);
        held.value().look();
        other.join().unwrap();
        held.value().look();
        drop(watcher);
        end(shard, lives);
    });
}

#[test]
fn a_reader_in_the_old_table_is_waited_for() {
    check(|| {
        let lives = Lives::new();
        let shard = Arc::new(Shard::new(1, ()));
        insert(&shard, 7, lives, 0);
        let reading = Arc::clone(&shard);
        let reader = thread::spawn(move || read(&reading, 7));
        shard.write().grow_at_once();
        remove(&shard, 7);
        insert(&shard, 7, lives, 1);
        insert(&shard, 8, lives, 2);
        reader.join().unwrap();
        assert_eq!((read(&shard, 7), read(&shard, 8)), (Some(1), Some(2)));
        end(shard, lives);
    });
}

#[test]
fn an_entry_is_never_missed_while_a_table_is_filled() {
    check(|| {
        let lives = Lives::new();
        let shard = Arc::new(Shard::new(1, ()));
        insert(&shard, 7, lives, 0);
        // The larger table is made, and empty.
        shard.write().grow();
        shard.write().grow();
        let reading = Arc::clone(&shard);
        let reader = thread::spawn(move || {
            let first = read(&reading, 7).expect("missed");
            let second = read(&reading, 7).expect("missed");
            assert!(second >= first, "an older value after a newer one");
        });
        // Moved, replaced in both tables, and published with the last step.
        shard.write().grow();
        insert(&shard, 7, lives, 1);
        insert(&shard, 8, lives, 2);
        assert!(shard.write().ledger.growth.is_none());
        reader.join().unwrap();
        assert_eq!((read(&shard, 7), read(&shard, 8)), (Some(1), Some(2)));
        end(shard, lives);
    });
}

#[test]
fn what_is_removed_while_a_table_is_filled_is_in_neither() {
    check(|| {
        let lives = Lives::new();
        let shard = Arc::new(Shard::new(1, ()));
        insert(&shard, 7, lives, 0);
        insert(&shard, 8, lives, 1);
        // The entry of the first slot is in the larger table.
        (0..3).for_each(|_| shard.write().grow());
        let reading = Arc::clone(&shard);
        let reader = thread::spawn(move || {
            read(&reading, 7);
            assert!(read(&reading, 8).is_some(), "missed");
        });
        // Taken out of both tables; the step that follows is the last.
        remove(&shard, 7);
        assert!(shard.write().ledger.growth.is_none());
        remove(&shard, 7);
        insert(&shard, 7, lives, 2);
        reader.join().unwrap();
        assert_eq!((read(&shard, 7), read(&shard, 8)), (Some(2), Some(1)));
        end(shard, lives);
    });
}
