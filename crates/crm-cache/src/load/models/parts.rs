//! The parts of single flight, one by one.

use std::collections::hash_map::DefaultHasher;
use std::future::Future;
use std::hash::BuildHasherDefault;
use std::pin::pin;
use std::sync::atomic::AtomicUsize as StdAtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crm_clock::Clock;
use loom::sync::Arc;
use loom::sync::atomic::AtomicU32;
use loom::thread;

use crate::load::signal::Signal;
use crate::load::{Flights, Outcome, Pilot, Ticket};
use crate::sync::Mutex;
use crate::tags::{Tag, TagSlots, TagTable};

/// Each execution must take the same course, so nothing is seeded.
type Fixed = BuildHasherDefault<DefaultHasher>;

/// Runs a model with at most three preemptions, unless the environment says otherwise.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(3);
    builder.max_branches = 20_000;
    builder.check(model);
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

/// A task that has a thread to itself, so that the checker sees it if nobody wakes it.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(std::sync::Arc::new(Unpark(thread::current())));
    let (mut context, mut future) = (Context::from_waker(&waker), pin!(future));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// A signal, and what was written before it is set.
struct Told {
    signal: Signal<u32>,
    before: AtomicU32,
}

impl Told {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            signal: Signal::new(),
            before: AtomicU32::new(0),
        })
    }

    fn tell(&self, value: u32) {
        self.before.store(1, Relaxed);
        self.signal.set(value);
    }

    /// What happened before the signal was set has happened for whoever sees it.
    fn sees(&self, value: u32) {
        assert_eq!((value, self.before.load(Relaxed)), (7, 1));
    }
}

fn spawn(told: &Arc<Told>, run: impl FnOnce(&Told) + 'static) -> thread::JoinHandle<()> {
    let told = Arc::clone(told);
    thread::spawn(move || run(&told))
}

/// Fails if `set` wakes without the lock, or before the value is there; if `wait` does not look again under the lock.
#[test]
fn a_thread_and_a_task_are_woken_whenever_the_signal_is_set() {
    check(|| {
        let told = Told::new();
        let thread = spawn(&told, |told| told.sees(*told.signal.wait()));
        let task = spawn(&told, |told| told.sees(*block_on(told.signal.ready())));
        told.tell(7);
        thread.join().unwrap();
        task.join().unwrap();
    });
}

/// Fails if a limited wait misses a value that came before its end.
#[test]
fn a_limited_wait_ends_with_the_value_or_with_the_limit() {
    static IN_VAIN: StdAtomicUsize = StdAtomicUsize::new(0);
    check(|| {
        let told = Told::new();
        let patient = spawn(&told, |told| {
            told.sees(*told.signal.wait_for(Duration::MAX).expect("no end"));
        });
        let impatient = spawn(&told, |told| match told.signal.wait_for(Duration::ZERO) {
            Some(value) => told.sees(*value),
            None => drop(IN_VAIN.fetch_add(1, Relaxed)),
        });
        told.tell(7);
        assert_eq!(told.signal.wait_for(Duration::ZERO), Some(&7));
        patient.join().unwrap();
        impatient.join().unwrap();
    });
    assert!(IN_VAIN.load(Relaxed) > 0, "some waits end before");
}

/// Fails if a dropped wait takes away another's place, or gives one back that is not its own.
#[test]
fn a_wait_that_is_dropped_takes_nobody_elses_wake_up() {
    check(|| {
        let told = Told::new();
        let dropped = spawn(&told, |told| {
            let mut first = Box::pin(told.signal.ready());
            let mut context = Context::from_waker(Waker::noop());
            let was_ready = first.as_mut().poll(&mut context).is_ready();
            drop(first);
            // Takes the place that is vacant now, or one of its own.
            let value = *block_on(told.signal.ready());
            assert!(value == 7 || was_ready);
        });
        let other = spawn(&told, |told| told.sees(*block_on(told.signal.ready())));
        told.tell(7);
        dropped.join().unwrap();
        other.join().unwrap();
    });
}

/// Fails if the second value replaces the first one.
#[test]
fn the_first_of_two_values_stands_for_everybody() {
    check(|| {
        let signal = Arc::new(Signal::new());
        let setting = Arc::clone(&signal);
        let other = thread::spawn(move || {
            setting.set(1);
            *setting.wait()
        });
        signal.set(2);
        let seen = *signal.wait();
        assert_eq!(other.join().unwrap(), seen);
    });
}

/// The source, one shard, and the loads under way.
struct World {
    source: Mutex<u32>,
    shard: Mutex<Option<u32>>,
    flights: Flights<u32, u32, Fixed>,
}

impl World {
    fn new() -> Arc<Self> {
        let (clock, _) = Clock::manual();
        Arc::new(Self {
            source: Mutex::new(1),
            shard: Mutex::new(None),
            flights: Flights::new(Fixed::default(), clock),
        })
    }

    /// Reads the shard, and loads if nothing is there: as `Cache::get_or_load`, step by step.
    fn ask(&self) -> u32 {
        loop {
            if let Some(value) = *self.shard.lock() {
                return value;
            }
            match self.flights.board(&7, 0) {
                Ticket::Load(pilot) => {
                    let here = *self.shard.lock();
                    if let Some(value) = here {
                        pilot.turn_back();
                        return value;
                    }
                    return self.load(pilot);
                }
                Ticket::Wait(flight) => {
                    if let Outcome::Loaded(value) = flight.outcome().wait() {
                        return *value;
                    }
                }
            }
        }
    }

    fn load(&self, pilot: Pilot<'_, u32, u32, Fixed>) -> u32 {
        let value = *self.source.lock();
        let mut shard = self.shard.lock();
        let is_voided = !pilot.may_store();
        if !is_voided {
            *shard = Some(value);
        }
        drop(shard);
        pilot.land_loaded(value).into_value().unwrap()
    }

    /// Changes the source and takes the key out.
    fn change(&self, detach: fn(&Flights<u32, u32, Fixed>)) {
        *self.source.lock() = 2;
        detach(&self.flights);
        *self.shard.lock() = None;
    }
}

/// Fails if `detach` does not void what it takes off the map, if it comes after the shard's lock, if a flight is counted
/// only when it has landed, and if `may_store` is asked before the lock.
fn nothing_older_is_read_after(detach: fn(&Flights<u32, u32, Fixed>)) {
    check(move || {
        let world = World::new();
        let asking = Arc::clone(&world);
        let asker = thread::spawn(move || asking.ask());
        world.change(detach);
        assert_ne!(*world.shard.lock(), Some(1), "older than the removal");
        assert_eq!(world.ask(), 2);
        asker.join().unwrap();
        assert_ne!(*world.shard.lock(), Some(1), "older than the removal");
        assert!(world.flights.is_idle(true));
    });
}

#[test]
fn nothing_older_is_read_after_a_removal() {
    nothing_older_is_read_after(|flights| flights.detach(&7));
}

#[test]
fn nothing_older_is_read_after_a_clearing() {
    nothing_older_is_read_after(Flights::detach_all);
}

/// Fails if a flight leaves the map after it has told its outcome (the third load would be joined to it for ever), if it
/// takes another one off the map, and if the count does not return.
#[test]
fn a_flight_that_is_given_up_is_flown_by_one_who_waited() {
    check(|| {
        let world = World::new();
        let Ticket::Load(pilot) = world.flights.board(&7, 0) else {
            panic!("nobody loads yet");
        };
        let askers = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            thread::spawn(move || world.ask())
        });
        drop(pilot);
        assert_eq!(askers.map(|asker| asker.join().unwrap()), [1, 1]);
        assert!(world.flights.is_idle(false));
    });
}

/// Fails if a flight that waits for a pilot can be begun twice, or not at all.
#[test]
fn a_queued_flight_is_begun_by_one() {
    check(|| {
        let world = World::new();
        let Ticket::Load(pilot) = world.flights.board(&7, 0) else {
            panic!("nobody loads yet");
        };
        let flight = std::sync::Arc::clone(pilot.flight());
        flight.wait_for_pilot();
        let seat = pilot.hand_over();
        let running = Arc::clone(&world);
        let executor = thread::spawn(move || {
            let pilot = Pilot::begin(&running.flights, seat);
            pilot.map(|pilot| running.load(pilot)).is_some()
        });
        let claimed = Pilot::claim(&world.flights, &flight);
        let is_mine = claimed.map(|pilot| world.load(pilot)).is_some();
        assert!(matches!(flight.outcome().wait(), Outcome::Loaded(1)));
        assert!(executor.join().unwrap() != is_mine, "once");
        assert!(world.flights.is_idle(false));
    });
}

/// What is loaded is stored whatever was invalidated, and hidden by its stamp. Fails if the stamp is read after the source,
/// if an invalidation takes its number after it has told it, or tells an older one.
#[test]
fn a_tag_that_was_invalidated_hides_what_was_begun_before() {
    check(|| {
        let (tag, other) = (Tag::new("account", 7_u32), Tag::new("account", 8_u32));
        let tags = Arc::new((TagTable::new(1), Mutex::new(1), Mutex::new(None)));
        let (table, ..) = &*tags;
        let slots = table.slots(|tags| tags.add(tag));
        let of_other = table.slots(|tags| tags.add(other));
        let loading = (Arc::clone(&tags), slots.clone());
        let loader = thread::spawn(move || {
            let (tags, slots) = loading;
            let (table, source, shard) = &*tags;
            let stamp = table.stamp();
            let value = *source.lock();
            *shard.lock() = Some((value, stamp));
            // A load that begins after an invalidation is served.
            value == 2 || slots == of_other || stamp == 0
        });
        let (table, source, shard) = &*tags;
        *source.lock() = 2;
        let invalidating = Arc::clone(&tags);
        let second = thread::spawn(move || invalidating.0.invalidate(other));
        table.invalidate(tag);
        let read = |slots: &TagSlots| {
            let (value, stamp) = (*shard.lock())?;
            (!table.was_invalidated(slots, stamp)).then_some(value)
        };
        assert_ne!(read(&slots), Some(1), "older than the invalidation");
        loader.join().unwrap();
        second.join().unwrap();
        assert_ne!(read(&slots), Some(1), "older than the invalidation");
        let begun = table.stamp();
        assert!(!table.was_invalidated(&slots, begun), "begun after it");
        assert_eq!(begun, 2);
    });
}

/// Whoever sees that a load was begun before a tag was invalidated sees so from then on, and one that began afterwards is
/// not hidden. Fails if an invalidation may take back the number of a later one.
#[test]
fn two_invalidations_of_one_tag_count_as_the_later_one() {
    check(|| {
        let tag = Tag::new("account", 7_u32);
        let table = Arc::new(TagTable::new(1));
        let slots = table.slots(|tags| tags.add(tag));
        let invalidating = Arc::clone(&table);
        let other = thread::spawn(move || invalidating.invalidate(tag));
        let before = table.stamp();
        table.invalidate(tag);
        assert!(table.was_invalidated(&slots, before));
        other.join().unwrap();
        assert!(table.was_invalidated(&slots, 1), "the second of them");
        assert!(!table.was_invalidated(&slots, table.stamp()));
        assert_eq!(table.count(), 2);
    });
}

/// Fails if the table is told before the count is raised: who finds a number there may then have a stamp below it. That the
/// table is read with acquire cannot be checked so: to loom a sequentially consistent load never returns an older value.
#[test]
fn what_is_loaded_because_a_tag_was_invalidated_is_not_hidden_by_that() {
    static FOUND: StdAtomicUsize = StdAtomicUsize::new(0);
    check(|| {
        let tag = Tag::new("account", 7_u32);
        let table = Arc::new(TagTable::new(1));
        let slots = table.slots(|tags| tags.add(tag));
        // Tags are hashed with a seed, and this small table has them share places often.
        let other = (8_u32..)
            .map(|id| Tag::new("account", id))
            .find(|other| slots != table.slots(|tags| tags.add(*other)))
            .expect("some tag has another place");
        let invalidating = [tag, other].map(|tag| {
            let table = Arc::clone(&table);
            thread::spawn(move || table.invalidate(tag))
        });
        if table.was_invalidated(&slots, 0) {
            let begun = table.stamp();
            assert!(!table.was_invalidated(&slots, begun), "begun after it");
            FOUND.fetch_add(1, Relaxed);
        }
        for thread in invalidating {
            thread.join().unwrap();
        }
        assert!(table.was_invalidated(&slots, 0), "both have returned");
    });
    assert!(FOUND.load(Relaxed) > 0, "some look while it is told");
}
