//! What comes between two steps of a load does no harm. Keys say when they are hashed, and values when they are cloned, so
//! that a test can act just there.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use crm_cache::{Cache, LoadingCache};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    HashKey(u32),
    CloneValue(u32),
}

type Watcher = Box<dyn FnMut(Step)>;

thread_local! {
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
}

/// Runs `act` at the `nth` of such steps of this thread from now on.
fn at(step: Step, mut nth: u32, act: impl FnOnce() + 'static) {
    let mut act = Some(act);
    let watcher = move |seen| {
        nth -= u32::from(seen == step && nth > 0);
        if nth == 0 {
            if let Some(act) = act.take() {
                act();
            }
        }
    };
    WATCHER.with(|place| *place.borrow_mut() = Some(Box::new(watcher)));
}

/// Does not see what the watcher does itself.
fn tell(step: Step) {
    if let Some(mut watcher) = WATCHER.with(RefCell::take) {
        watcher(step);
        WATCHER.with(|place| {
            place.borrow_mut().get_or_insert(watcher);
        });
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key(u32);

#[derive(Debug, PartialEq, Eq)]
struct Value(u32);

impl Clone for Value {
    fn clone(&self) -> Self {
        tell(Step::CloneValue(self.0));
        Self(self.0)
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        tell(Step::HashKey(self.0));
        self.0.hash(state);
    }
}

type Shared = Arc<Cache<Key, Value>>;

fn until_somebody_waits(cache: &Cache<Key, Value>) {
    while cache.stats().load_waits == 0 {
        thread::yield_now();
    }
}

/// The answer of a thread that would wait for ever if the promise were broken.
fn in_time<T>(answer: &mpsc::Receiver<T>) -> T {
    let limit = Duration::from_secs(60);
    answer.recv_timeout(limit).expect("it waits for ever")
}

/// A call that has begun a key's load, and has not queued it yet, must not come to stand behind a loader that waits for it.
#[test]
fn issue_a_key_on_its_way_into_the_queue_does_not_wait_for_one_who_waits_for_it() {
    fn load(keys: &[Key]) -> Result<Vec<(Key, Value)>, Infallible> {
        Ok(keys
            .iter()
            .map(|key| (key.clone(), Value(10 * key.0)))
            .collect())
    }
    let cache = Shared::new(Cache::new(10));
    let (answer, answers) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    let (leading, led) = (Arc::clone(&cache), answer.clone());
    thread::spawn(move || {
        let page = leading.get_many_or_load(&[Key(1)], |keys| {
            begun.send(()).unwrap();
            may_go_on.recv().unwrap();
            let other = leading.get_or_load(&Key(2), |key| Ok::<_, Infallible>(Value(10 * key.0)));
            assert_eq!(other.unwrap(), Value(20));
            load(keys)
        });
        led.send(page.unwrap()).unwrap();
    });
    has_begun.recv().unwrap();
    let joining = Arc::clone(&cache);
    thread::spawn(move || {
        let watched = Arc::clone(&joining);
        // Hashed to look for it, and again to begin its load.
        at(Step::HashKey(3), 2, move || {
            watched.insert(Key(3), Value(30));
            // Found by the second look: the load of key 2 has begun.
            at(Step::CloneValue(30), 1, move || {
                go_on.send(()).unwrap();
                until_somebody_waits(&watched);
            });
        });
        let page = joining.get_many_or_load(&[Key(2), Key(3)], load);
        answer.send(page.unwrap()).unwrap();
    });
    let mut pages = [in_time(&answers), in_time(&answers)];
    pages.sort_by_key(Vec::len);
    let [one, two] = pages;
    assert_eq!(one, [Some(Value(10))]);
    assert_eq!(two, [Some(Value(20)), Some(Value(30))]);
}

/// A caller who would take a load over that waits for the executor may come just before it is handed there.
#[test]
fn issue_a_load_is_not_handed_to_an_executor_past_one_who_waits_for_it() {
    type Job = Box<dyn FnOnce() + Send>;
    let jobs = Arc::new(Mutex::new(Vec::<Job>::new()));
    let kept = Arc::clone(&jobs);
    let cache: LoadingCache<Key, Value, Infallible> = Cache::builder(10)
        .loading(|key: &Key| Ok(Value(10 * key.0)))
        .executor(move |job| kept.lock().unwrap().push(job))
        .build()
        .unwrap();
    let (answer, answers) = mpsc::channel();
    let waiting = cache.clone();
    // Hashed to look for it, to begin its load, and to look once more.
    at(Step::HashKey(7), 3, move || {
        let cache = waiting.clone();
        thread::spawn(move || answer.send(cache.get(&Key(7)).unwrap()).unwrap());
        while waiting.stats().load_waits == 0 {
            thread::yield_now();
        }
    });
    let mut task = pin!(cache.get_async(&Key(7)));
    let mut context = Context::from_waker(Waker::noop());
    let _ = task.as_mut().poll(&mut context);
    assert_eq!(in_time(&answers), Value(70));
    jobs.lock().unwrap().clear();
}
