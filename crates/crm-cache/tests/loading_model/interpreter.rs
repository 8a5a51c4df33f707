//! Carries a plan out on the real loading cache and on the obvious one.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crm_cache::{Cache, Clock, LoadError, ManualClock, Request, Stats};

use super::model::{Answer, Flight, Model, Trouble, Waiter};
use super::plan::{Configuration, KEYS, Operation, Plan, Running, Says, TAGS, Write};
use super::source::{Customers, Job, Source, tag};

/// Carries out a plan and returns how many operations that were.
///
/// # Panics
///
/// When the cache does anything but what it promises; the message says after which operation.
pub(crate) fn run(plan: &Plan) -> usize {
    let mut interpreter = Interpreter::new(plan.configuration);
    for operation in &plan.operations {
        interpreter.step(operation);
    }
    interpreter.finish();
    plan.operations.len()
}

type Loaded = Result<u32, LoadError<u32>>;

struct Task {
    future: Pin<Box<dyn Future<Output = Loaded>>>,
    waiter: Waiter,
}

struct Interpreter {
    cache: Customers,
    source: Source,
    model: Model,
    hand: ManualClock,
    tasks: Vec<Task>,
    rules: Configuration,
    done: usize,
    current: Option<Operation>,
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn build(rules: &Configuration, source: &Source) -> (Customers, ManualClock) {
    let (clock, hand) = Clock::manual();
    let tags: Vec<_> = (0..TAGS).map(tag).collect();
    let mut builder = Cache::builder(2 * usize::from(KEYS))
        .policy(rules.policy)
        .shards(rules.shards)
        .tags(move |key: &u8, _: &u32, named| named.add(tags[usize::from(key % TAGS)]))
        .clock(clock);
    if let Some(time_to_live) = rules.time_to_live {
        builder = builder.time_to_live(ms(time_to_live));
    }
    let (loads, jobs) = (source.clone(), source.clone());
    let mut builder = match rules.running {
        Running::Requests => builder.loading_by(move |request: Request<u8, u32, u32>| {
            let source = loads.clone();
            let job: Job = Box::new(move || match source.load() {
                Ok(None) => request.answer_absent(),
                Ok(Some(value)) => request.answer(Ok(value)),
                Err(error) => request.answer(Err(error)),
            });
            jobs.state().jobs.push_back(job);
        }),
        Running::Inline => builder.loading_optional(move |_: &u8| loads.load()),
        Running::Jobs => builder
            .loading_optional(move |_: &u8| loads.load())
            .executor(move |job| jobs.state().jobs.push_back(job)),
    };
    if let Some(quarters) = rules.refresh_ahead {
        builder = builder.refresh_ahead(f64::from(quarters) / 4.0);
    }
    if rules.while_revalidating > 0 {
        builder = builder.stale_while_revalidating(ms(rules.while_revalidating));
    }
    if let Some((age, pause)) = rules.on_error {
        builder = builder.stale_on_error(ms(age), ms(pause));
    }
    if let Some(pause) = rules.retry_pause {
        builder = builder.retry_pause(ms(pause));
    }
    if let Some(life) = rules.failures {
        builder = builder.remember_failures(ms(life));
    }
    if let Some(life) = rules.absences {
        builder = builder.remember_absences(ms(life));
    }
    if rules.is_limited {
        // For threads alone: a task's time is never over.
        builder = builder
            .hard_limit(Duration::ZERO)
            .sleep(|_| std::future::pending());
        if rules.while_revalidating > 0 || rules.on_error.is_some_and(|(age, _)| age > 0) {
            builder = builder.soft_limit(Duration::ZERO);
        }
    }
    (builder.build().expect("a valid configuration"), hand)
}

fn answer(loaded: Loaded) -> Answer {
    loaded.map_err(|error| match error {
        LoadError::Failed(id) => Trouble::Failed(*id),
        LoadError::Absent => Trouble::Absent,
        LoadError::Abandoned => Trouble::GivenUp,
        LoadError::TimedOut => Trouble::TimedOut,
        other => panic!("{other}"),
    })
}

/// Has the obvious cache do what a loader does: the numbers are given out in the order of the real one.
fn load(model: &mut Model, flight: Flight, says: Says, meanwhile: Option<Write>, id: &mut u32) {
    if !model.begin_load(flight) {
        return;
    }
    *id += 1;
    let loaded = says.of(*id);
    if let Some(write) = meanwhile {
        write_to(model, write, id);
    }
    model.land(flight, loaded);
}

fn write_to(model: &mut Model, write: Write, id: &mut u32) -> Option<u32> {
    *id += u32::from(matches!(write, Write::Insert(_)));
    model.write(write, *id)
}

impl Interpreter {
    fn new(rules: Configuration) -> Self {
        let source = Source::default();
        let (cache, hand) = build(&rules, &source);
        source.state().cache = Some(cache.clone());
        Self {
            cache,
            source,
            model: Model::new(rules),
            hand,
            tasks: Vec::new(),
            rules,
            done: 0,
            current: None,
        }
    }

    #[track_caller]
    fn agree<T: Debug + PartialEq>(&self, real: T, obvious: T, what: &str) {
        assert!(
            real == obvious,
            "{what}: the cache says {real:?}, the obvious one {obvious:?}\nafter {} operations, the last one {:?}\nof {:?}",
            self.done,
            self.current,
            self.rules
        );
    }

    fn step(&mut self, operation: &Operation) {
        self.done += 1;
        self.current = Some(operation.clone());
        match *operation {
            // Nobody would ever answer the request while this thread waits.
            Operation::Get(key, _)
                if self.rules.running == Running::Requests && !self.rules.is_limited =>
            {
                self.spawn(key);
            }
            Operation::Get(key, meanwhile) => self.get(key, meanwhile),
            Operation::GetAsync(key) => self.spawn(key),
            Operation::GetIfPresent(key) => {
                let real = self.cache.get_if_present(&key);
                let obvious = self.model.get_if_present(key);
                self.agree(real, obvious, "get_if_present");
            }
            Operation::Refresh(key) => {
                let real = self.cache.refresh(&key);
                let obvious = self.model.refresh(key);
                self.agree(real, obvious, "refresh");
            }
            Operation::Write(write) => {
                let mut id = self.source.state().last_id;
                let real = self.source.write(&self.cache, write);
                let obvious = write_to(&mut self.model, write, &mut id);
                self.agree(real, obvious, "a write");
            }
            Operation::Advance(by) => {
                self.hand.advance(ms(by));
                self.model.advance(by);
            }
            Operation::RunJob(which, meanwhile) => self.run_job(which, meanwhile),
            Operation::DropJob(which) => {
                if let Some((job, flight)) = self.take_job(which) {
                    drop(job);
                    self.model.give_up(flight);
                }
            }
            Operation::DropTask(which) => {
                if !self.tasks.is_empty() {
                    let at = usize::from(which) % self.tasks.len();
                    drop(self.tasks.remove(at));
                }
            }
            Operation::SourceSays(says) => self.source.state().says = says,
        }
        self.poll_all();
        self.compare();
    }

    /// What loaders are about to do, and the last number given out.
    fn prepare(&self, meanwhile: Option<Write>) -> (Says, u32) {
        let mut state = self.source.state();
        state.meanwhile = meanwhile;
        (state.says, state.last_id)
    }

    fn get(&mut self, key: u8, meanwhile: Option<Write>) {
        let (says, mut id) = self.prepare(meanwhile);
        let mut meanwhile = meanwhile;
        let real = answer(self.cache.get(&key));
        let is_limited = self.rules.is_limited;
        let obvious = self.model.look(key).unwrap_or_else(|mut waiter| {
            if is_limited {
                return self.model.ask_in_passing(&mut waiter);
            }
            let run = |model: &mut Model, flight: Flight| {
                load(model, flight, says, meanwhile.take(), &mut id);
            };
            let told = self.model.poll(&mut waiter, false, run);
            told.expect("it runs what it waits for")
        });
        self.agree(real, obvious, "get");
        self.agree(self.source.state().last_id, id, "loads run by get");
        self.source.state().meanwhile = None;
    }

    /// Begins a task, which looks at once.
    fn spawn(&mut self, key: u8) {
        let cache = self.cache.clone();
        let mut future: Pin<Box<dyn Future<Output = Loaded>>> =
            Box::pin(async move { cache.get_async(&key).await });
        let (says, mut id) = self.prepare(None);
        let real = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        let run = |model: &mut Model, flight: Flight| load(model, flight, says, None, &mut id);
        let told = match self.model.look(key) {
            Ok(told) => Ok(told),
            Err(mut waiter) => match self.model.poll(&mut waiter, true, run) {
                Some(told) => Ok(told),
                None => Err(waiter),
            },
        };
        match (real, told) {
            (Poll::Ready(real), Ok(obvious)) => self.agree(answer(real), obvious, "get_async"),
            (Poll::Pending, Err(waiter)) => self.tasks.push(Task { future, waiter }),
            (real, told) => self.agree(
                format!("{real:?}"),
                format!("{told:?}"),
                "whether a task waits",
            ),
        }
    }

    fn poll_all(&mut self) {
        for mut task in std::mem::take(&mut self.tasks) {
            let (says, mut id) = self.prepare(None);
            let real = task
                .future
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            let run = |model: &mut Model, flight: Flight| load(model, flight, says, None, &mut id);
            let obvious = self.model.poll(&mut task.waiter, true, run);
            let real = match real {
                Poll::Ready(loaded) => Some(answer(loaded)),
                Poll::Pending => None,
            };
            self.agree(real, obvious, "what a task is told");
            if real.is_none() {
                self.tasks.push(task);
            }
        }
    }

    fn take_job(&mut self, which: u8) -> Option<(Job, Flight)> {
        let at = usize::from(which).checked_rem(self.model.jobs.len())?;
        let job = self.source.state().jobs.remove(at);
        self.agree(job.is_some(), true, "jobs");
        job.zip(self.model.jobs.remove(at))
    }

    fn run_job(&mut self, which: u8, meanwhile: Option<Write>) {
        let Some((job, flight)) = self.take_job(which) else {
            return;
        };
        let (says, mut id) = self.prepare(meanwhile);
        job();
        load(&mut self.model, flight, says, meanwhile, &mut id);
        self.agree(self.source.state().last_id, id, "loads run by a job");
        self.source.state().meanwhile = None;
    }

    fn compare(&self) {
        let queued = self.source.state().jobs.len();
        self.agree(queued, self.model.jobs.len(), "jobs queued");
        // What leaves, and when, is up to the engine.
        let seen = |stats: &Stats| {
            [
                stats.hits,
                stats.misses,
                stats.loads,
                stats.load_failures,
                stats.load_waits,
                stats.loads_voided,
                stats.refreshes,
                stats.stale_served,
                stats.failures_served,
                stats.load_timeouts,
                stats.tags_invalidated,
                stats.evictions,
            ]
        };
        let (real, obvious) = (self.cache.stats(), &self.model.stats);
        self.agree(seen(&real), seen(obvious), "statistics");
    }

    /// When all jobs have run, nobody is left who waits.
    fn finish(mut self) {
        while !self.model.jobs.is_empty() {
            self.step(&Operation::RunJob(0, None));
        }
        self.agree(
            self.tasks.len(),
            0,
            "tasks that wait though nothing is to be done",
        );
        let mut state = self.source.state();
        let _ = (state.cache.take(), std::mem::take(&mut state.jobs));
    }
}
