//! A thousand ask for one key at once.
//!
//! The load is held until all have asked, and then for another 20 ms, so that all are waiting. Measured is the time from
//! the end of the load until the last one has its value. A bare primitive stands beside it that wakes as many: whoever
//! would load does without a cache, and wakes the others.
//!
//! How often one who waits is woken is found in further rounds that are not timed: for threads it is what the system
//! counts as voluntary switches (Linux only), for tasks the polls after the first. One is what it takes.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

use crm_cache::Cache;
use crm_clock::{Clock, Tick};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::Scale;
use crate::support::rounds::{Contender, Figures, in_turn, of};

const WAITERS: usize = 1_000;

/// How long the load takes when all have asked.
const LOAD: Duration = Duration::from_millis(20);

/// What the loads bring.
const VALUE: u64 = 7;

/// Enough for a thread that does nothing but wait.
const STACK: usize = 1 << 17;

/// What one way of asking has come to over all rounds.
#[derive(Default)]
struct Counts {
    rounds: AtomicUsize,
    loads: AtomicUsize,
    /// In the rounds in which they are counted.
    wakings: AtomicUsize,
    waiters: AtomicUsize,
}

impl Counts {
    fn woken(&self, times: usize) {
        self.wakings.fetch_add(times, Ordering::Relaxed);
        self.waiters.fetch_add(1, Ordering::Relaxed);
    }

    fn wakings_of_each(&self) -> String {
        match self.waiters.load(Ordering::Relaxed) {
            0 => "unknown".to_owned(),
            waiters => format!(
                "{:.2}",
                self.wakings.load(Ordering::Relaxed) as f64 / waiters as f64
            ),
        }
    }

    fn loads_of_a_round(&self) -> f64 {
        let loads = self.loads.load(Ordering::Relaxed);
        loads as f64 / self.rounds.load(Ordering::Relaxed) as f64
    }
}

/// One load that all wait for.
struct Gate {
    clock: Clock,
    waiters: usize,
    asked: AtomicUsize,
    loads: AtomicUsize,
    ended: Mutex<Tick>,
}

impl Gate {
    fn new(waiters: usize) -> Self {
        let clock = Clock::system();
        Self {
            waiters,
            asked: AtomicUsize::new(0),
            loads: AtomicUsize::new(0),
            ended: Mutex::new(clock.now()),
            clock,
        }
    }

    fn asks(&self) {
        self.asked.fetch_add(1, Ordering::SeqCst);
    }

    fn have_all_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst) == self.waiters
    }

    fn end(&self) -> u64 {
        self.loads.fetch_add(1, Ordering::Relaxed);
        *self.ended.lock().expect("nobody panics") = self.clock.now();
        VALUE
    }

    fn load(&self) -> u64 {
        while !self.have_all_asked() {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(LOAD);
        self.end()
    }

    async fn load_async(&self) -> u64 {
        while !self.have_all_asked() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(LOAD).await;
        self.end()
    }

    /// Takes the counts of this load in; how long after its end the last one had the value.
    fn close(&self, counts: &Counts, last: Option<Tick>) -> f64 {
        counts.rounds.fetch_add(1, Ordering::Relaxed);
        let loads = self.loads.load(Ordering::Relaxed);
        counts.loads.fetch_add(loads, Ordering::Relaxed);
        let ended = *self.ended.lock().expect("nobody panics");
        last.map_or(0.0, |last| (last - ended).as_secs_f64() * 1e6)
    }
}

/// How often this thread has waited for something so far.
fn waits_of_this_thread() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    let count = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    count.trim().parse().ok()
}

/// Has all ask at once, each on a thread of its own: `ask(which of them, load)`.
fn by_threads(
    waiters: usize,
    counts: &Counts,
    is_timed: bool,
    ask: impl Fn(usize, &dyn Fn() -> u64) -> u64 + Sync,
) -> f64 {
    let gate = Gate::new(waiters);
    let (answered, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let main = thread::current();
    let last = thread::scope(|scope| {
        let (gate, answered, is_over) = (&gate, &answered, &is_over);
        let (main, ask) = (&main, &ask);
        let one = move |index: usize| {
            let before = if is_timed {
                None
            } else {
                waits_of_this_thread()
            };
            let has_loaded = AtomicBool::new(false);
            gate.asks();
            let value = ask(index, &|| {
                has_loaded.store(true, Ordering::Relaxed);
                gate.load()
            });
            let end = gate.clock.now();
            assert_eq!(value, VALUE);
            let after = before.and_then(|_| waits_of_this_thread());
            if let (Some(before), Some(after), false) = (before, after, has_loaded.into_inner()) {
                counts.woken(after - before);
            }
            if answered.fetch_add(1, Ordering::SeqCst) + 1 == gate.waiters {
                main.unpark();
            }
            // To end costs a thread more than to be woken: none does before all are.
            while !is_over.load(Ordering::SeqCst) {
                thread::park();
            }
            end
        };
        let threads: Vec<_> = (0..waiters)
            .map(|index| {
                let thread = thread::Builder::new().stack_size(STACK);
                thread
                    .spawn_scoped(scope, move || one(index))
                    .expect("the system has a thousand threads")
            })
            .collect();
        while answered.load(Ordering::SeqCst) < waiters {
            thread::park();
        }
        is_over.store(true, Ordering::SeqCst);
        threads.iter().for_each(|waiter| waiter.thread().unpark());
        threads
            .into_iter()
            .map(|waiter| waiter.join().expect("nobody panics"))
            .max()
    });
    gate.close(counts, last)
}

type Answer = Pin<Box<dyn Future<Output = u64> + Send>>;

/// Has all ask at once, each in a task of its own.
fn by_tasks(
    runtime: &Runtime,
    waiters: usize,
    counts: &Arc<Counts>,
    is_timed: bool,
    ask: impl Fn(usize, Answer) -> Answer,
) -> f64 {
    let gate = Arc::new(Gate::new(waiters));
    let tasks: Vec<_> = (0..waiters)
        .map(|index| {
            let has_loaded = Arc::new(AtomicBool::new(false));
            let load = {
                let (gate, has_loaded) = (Arc::clone(&gate), Arc::clone(&has_loaded));
                async move {
                    has_loaded.store(true, Ordering::Relaxed);
                    gate.load_async().await
                }
            };
            let mut answer = ask(index, Box::pin(load));
            let (gate, counts) = (Arc::clone(&gate), Arc::clone(counts));
            runtime.spawn(async move {
                let mut polls = 0;
                let value = poll_fn(|context| {
                    polls += 1;
                    let polled = answer.as_mut().poll(context);
                    if polls == 1 {
                        gate.asks();
                    }
                    polled
                })
                .await;
                let end = gate.clock.now();
                assert_eq!(value, VALUE);
                if !is_timed && !has_loaded.load(Ordering::Relaxed) {
                    counts.woken(polls - 1);
                }
                end
            })
        })
        .collect();
    let last = runtime.block_on(async {
        let mut last = None;
        for task in tasks {
            last = last.max(Some(task.await.expect("nobody panics")));
        }
        last
    });
    gate.close(counts, last)
}

/// Asks on a thread: which of them it is, and what loads.
type AskThread = Box<dyn Fn(usize, &dyn Fn() -> u64) -> u64 + Sync>;

/// Asks in a task.
type AskTask = Box<dyn Fn(usize, Answer) -> Answer>;

/// A way of asking, with its counts; `run(round, is_timed)`.
struct Way {
    name: &'static str,
    against: &'static str,
    counts: Arc<Counts>,
    run: Box<dyn Fn(u64, bool) -> f64>,
}

fn threads(
    waiters: usize,
    name: &'static str,
    against: &'static str,
    // Makes what one round needs.
    begin: impl Fn(u64) -> AskThread + 'static,
) -> Way {
    let counts = Arc::<Counts>::default();
    Way {
        name,
        against,
        counts: Arc::clone(&counts),
        run: Box::new(move |round, is_timed| {
            by_threads(waiters, &counts, is_timed, &*begin(round))
        }),
    }
}

fn ways_of_threads(waiters: usize) -> Vec<Way> {
    let ours = Arc::new(Cache::<u64, u64>::new(1_000));
    let quick = Arc::new(quick_cache::sync::Cache::<u64, u64>::new(1_000));
    let moka = moka::sync::Cache::<u64, u64>::new(1_000);
    let unparks = |_| -> AskThread {
        let (value, waiting) = (OnceLock::new(), Mutex::new(Vec::<Thread>::new()));
        Box::new(move |index, load| {
            if index == 0 {
                let _ = value.set(load());
                let waiting = std::mem::take(&mut *waiting.lock().expect("nobody panics"));
                waiting.iter().for_each(Thread::unpark);
            } else {
                let mut waiting = waiting.lock().expect("nobody panics");
                if value.get().is_none() {
                    waiting.push(thread::current());
                }
                drop(waiting);
                while value.get().is_none() {
                    thread::park();
                }
            }
            value.get().copied().unwrap_or_default()
        })
    };
    vec![
        threads(waiters, UNPARKS, UNPARKS, unparks),
        threads(waiters, "bare: unparks, again", UNPARKS, unparks),
        threads(waiters, "bare: std Condvar", UNPARKS, |_| {
            let (value, is_there) = (Mutex::new(None), Condvar::new());
            Box::new(move |index, load| {
                if index == 0 {
                    let loaded = load();
                    *value.lock().expect("nobody panics") = Some(loaded);
                    is_there.notify_all();
                    loaded
                } else {
                    let value = value.lock().expect("nobody panics");
                    let value = is_there.wait_while(value, |value| value.is_none());
                    value.expect("nobody panics").unwrap_or_default()
                }
            })
        }),
        threads(waiters, "bare: parking_lot Condvar", UNPARKS, |_| {
            let (value, is_there) = (parking_lot::Mutex::new(None), parking_lot::Condvar::new());
            Box::new(move |index, load| {
                if index == 0 {
                    let loaded = load();
                    *value.lock() = Some(loaded);
                    is_there.notify_all();
                    loaded
                } else {
                    let mut value = value.lock();
                    is_there.wait_while(&mut value, |value| value.is_none());
                    value.unwrap_or_default()
                }
            })
        }),
        threads(waiters, "crm_cache get_or_load", UNPARKS, move |key| {
            let cache = Arc::clone(&ours);
            Box::new(move |_, load| {
                let loaded = cache.get_or_load(&key, |_| Ok::<_, Infallible>(load()));
                loaded.unwrap_or_default()
            })
        }),
        threads(
            waiters,
            "quick_cache get_or_insert_with",
            UNPARKS,
            move |key| {
                let cache = Arc::clone(&quick);
                Box::new(move |_, load| {
                    let loaded = cache.get_or_insert_with(&key, || Ok::<_, Infallible>(load()));
                    loaded.unwrap_or_default()
                })
            },
        ),
        threads(waiters, "moka get_with", UNPARKS, move |key| {
            let cache = moka.clone();
            Box::new(move |_, load| cache.get_with(key, load))
        }),
    ]
}

const UNPARKS: &str = "bare: unparks";
const ONESHOTS: &str = "bare: a oneshot each";

fn tasks(
    waiters: usize,
    runtime: &Arc<Runtime>,
    name: &'static str,
    begin: impl Fn(u64) -> AskTask + 'static,
) -> Way {
    let (counts, runtime) = (Arc::<Counts>::default(), Arc::clone(runtime));
    Way {
        name,
        against: ONESHOTS,
        counts: Arc::clone(&counts),
        run: Box::new(move |round, is_timed| {
            by_tasks(&runtime, waiters, &counts, is_timed, &*begin(round))
        }),
    }
}

fn ways_of_tasks(waiters: usize) -> Vec<Way> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("the system has two threads");
    let runtime = Arc::new(runtime);
    let ours = Arc::new(Cache::<u64, u64>::new(1_000));
    let quick = Arc::new(quick_cache::sync::Cache::<u64, u64>::new(1_000));
    let moka = moka::future::Cache::<u64, u64>::new(1_000);
    let oneshots = |_| -> AskTask {
        let waiting = Arc::new(Mutex::new(Vec::<oneshot::Sender<u64>>::new()));
        Box::new(move |index, load| {
            let waiting = Arc::clone(&waiting);
            if index == 0 {
                Box::pin(async move {
                    let value = load.await;
                    let waiting = std::mem::take(&mut *waiting.lock().expect("nobody panics"));
                    for waiter in waiting {
                        let _ = waiter.send(value);
                    }
                    value
                })
            } else {
                let (sender, receiver) = oneshot::channel();
                waiting.lock().expect("nobody panics").push(sender);
                Box::pin(async { receiver.await.expect("the load has not ended yet") })
            }
        })
    };
    let tasks = |name, begin: Box<dyn Fn(u64) -> AskTask>| tasks(waiters, &runtime, name, begin);
    vec![
        tasks(ONESHOTS, Box::new(oneshots)),
        tasks("bare: a oneshot each, again", Box::new(oneshots)),
        tasks(
            "crm_cache get_or_load_async",
            Box::new(move |key| {
                let cache = Arc::clone(&ours);
                Box::new(move |_, load| {
                    let cache = Arc::clone(&cache);
                    Box::pin(async move {
                        let load = |_| async { Ok::<_, Infallible>(load.await) };
                        let loaded = cache.get_or_load_async(&key, load).await;
                        loaded.unwrap_or_default()
                    })
                })
            }),
        ),
        tasks(
            "quick_cache get_or_insert_async",
            Box::new(move |key| {
                let cache = Arc::clone(&quick);
                Box::new(move |_, load| {
                    let cache = Arc::clone(&cache);
                    Box::pin(async move {
                        let load = async { Ok::<_, Infallible>(load.await) };
                        let loaded = cache.get_or_insert_async(&key, load).await;
                        loaded.unwrap_or_default()
                    })
                })
            }),
        ),
        tasks(
            "moka::future get_with",
            Box::new(move |key| {
                let cache = moka.clone();
                Box::new(move |_, load| {
                    let cache = cache.clone();
                    Box::pin(async move { cache.get_with(key, load).await })
                })
            }),
        ),
    ]
}

/// Measures all ways in turn, and counts wakings in as many rounds again at most.
fn herd(out: &mut impl Write, waiters: &str, ways: &[Way], rounds: usize) -> io::Result<()> {
    let mut contenders: Vec<_> = ways
        .iter()
        .map(|way| {
            let run = |round| (way.run)(round as u64, true);
            Contender::new(way.name, way.against, run)
        })
        .collect();
    let figures = in_turn(&mut contenders, rounds);
    for round in 0..rounds.min(3) {
        for way in ways {
            // No key that a cache has by now.
            (way.run)(u64::MAX - round as u64, false);
        }
    }
    for (way, row) in ways.iter().zip(&figures) {
        write_row(out, waiters, way, row, of(&figures, way.against))?;
    }
    Ok(())
}

fn write_row(
    out: &mut impl Write,
    waiters: &str,
    way: &Way,
    own: &Figures,
    reference: &Figures,
) -> io::Result<()> {
    let loads = way.counts.loads_of_a_round();
    assert!(
        !way.name.starts_with("crm_cache") || (loads - 1.0).abs() < f64::EPSILON,
        "a stampede made {loads} loads"
    );
    writeln!(
        out,
        "| {waiters} | {} | {loads:.2} | {:.0} | {:.2} | {} |",
        way.name,
        own.median(),
        own.compare(reference, |own, other| own / other),
        way.counts.wakings_of_each(),
    )
}

pub(crate) fn measure(out: &mut impl Write, scale: Scale) -> io::Result<()> {
    let waiters = WAITERS / scale.smaller;
    writeln!(
        out,
        "stampede: {waiters} ask for one key, median of {} rounds\n",
        scale.rounds
    )?;
    writeln!(
        out,
        "| who asks | call | loads | us from its end to the last answer | to the bare primitive | quartiles | wakings of each |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|")?;
    herd(out, "threads", &ways_of_threads(waiters), scale.rounds)?;
    herd(out, "tasks", &ways_of_tasks(waiters), scale.rounds)
}
