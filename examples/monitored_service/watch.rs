//! What is made of the figures once a second: the view that the page shows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use axum::Router;
use crm_perf::cache::Stats;
use crm_perf::clock::{Clock, Tick, wall_time};
use crm_perf::monitor::judge::{Apdex, LittleCheck, Saturation};
use crm_perf::monitor::{History, Over, Reading, Snapshot, Tracked, Value};

use crate::advice::{self, advise};
use crate::args::Args;
use crate::failure::Failure;
use crate::instruments::Instruments;
use crate::load::Seen;
use crate::past::Past;
use crate::promises::{Promises, TIME, millis};
use crate::service::Service;
use crate::view::{self, Cache, Point, Route, View};

/// The window of the figures that move: long enough for a p99, short enough to see what happens.
const NOW: Duration = Duration::from_secs(5);
/// The window of what is told in words.
const RECENT: Duration = Duration::from_secs(60);

/// Watches the service.
#[derive(Debug)]
pub(crate) struct Watch {
    instruments: Instruments,
    service: Arc<Service>,
    connections: u32,
    about: String,
    period: Duration,
    clock: Clock,
    started: Tick,
    history: History,
    requests: Tracked<Snapshot>,
    queries: Tracked<Snapshot>,
    bytes_out: Tracked<u64>,
    judged: Mutex<Judged>,
}

/// What changes when it is looked at.
#[derive(Debug)]
struct Judged {
    promises: Promises,
    past: Past<Kept>,
}

/// What no history follows, since it is not recorded but read: kept from look to look.
#[derive(Debug)]
struct Kept {
    cache: Stats,
    /// Seconds of processor time.
    cpu: Option<f64>,
    /// By the name of the route.
    routes: Vec<(String, Arc<Snapshot>)>,
    in_flight: u64,
}

impl Watch {
    pub(crate) fn new(
        args: &Args,
        instruments: Instruments,
        service: Arc<Service>,
    ) -> Result<Arc<Self>, Failure> {
        instruments.observe_cache(&service)?;
        let clock = instruments.monitor.clock().clone();
        let history = History::builder()
            .clock(clock.clone())
            .longest(args.period)
            .build()
            .map_err(Failure::History)?;
        let requests = history.track(instruments.requests.response_times());
        let queries = history.track(&instruments.database.query_time);
        let connections = args.connections;
        let busy = {
            let queries = queries.clone();
            move || Some(saturation(&queries.over(RECENT)?, connections)?.utilisation())
        };
        let load = match args.load {
            Some(rate) => format!(", asked {rate} times a second by itself"),
            None => String::new(),
        };
        Ok(Arc::new(Self {
            service,
            connections,
            about: format!("{} customers{load}", args.customers),
            period: args.period,
            started: clock.now(),
            clock,
            bytes_out: history.track(instruments.requests.response_bytes()),
            judged: Mutex::new(Judged {
                promises: Promises::new(args.period, requests.clone(), busy)?,
                past: Past::new(RECENT.as_secs() as usize + 2),
            }),
            requests,
            queries,
            history,
            instruments,
        }))
    }

    /// The routes, measured.
    pub(crate) fn around(&self, routes: Router) -> Router {
        routes.route_layer(self.instruments.requests.clone())
    }

    /// All figures.
    pub(crate) fn read(&self) -> Reading {
        self.instruments.monitor.read()
    }

    fn judged(&self) -> MutexGuard<'_, Judged> {
        self.judged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the page shows now. Call it once a second.
    pub(crate) fn look(&self) -> View {
        self.history.sample();
        let (now, wall) = (self.clock.now(), wall_time());
        let reading = self.read();
        let in_flight = self.instruments.requests.in_flight().value();
        let all = self.instruments.requests.response_times().snapshot();
        let mut judged = self.judged();
        judged.past.push(
            now,
            Kept {
                cache: self.service.cache.stats(),
                cpu: figure(&reading, "process_cpu_seconds"),
                routes: routes(&reading),
                in_flight,
            },
        );
        let standing = judged.promises.judge(now, wall, RECENT);
        let mut view = View {
            about: self.about.clone(),
            requests: all.count(),
            failed: all.failures(),
            budget_of: format!("for {}", span(self.period)),
            cores: thread::available_parallelism().map_or(1, usize::from),
            cache: Cache {
                entries: self.service.cache.len(),
                capacity: self.service.cache.capacity(),
            },
            health: standing.health(all.count()),
            alerts: standing.alerts,
            point: Point {
                at: millis(wall),
                flight: in_flight,
                budget: standing.objectives[0].left,
                memory: figure(&reading, "process_resident_memory_bytes"),
                ..Point::default()
            },
            objectives: standing.objectives,
            no_advice: "Not enough requests yet to say.".to_owned(),
            ..View::default()
        };
        self.show_now(&mut view, &judged.past);
        self.show_recent(&mut view, &judged.past);
        view
    }

    /// The last seconds: what the lines are drawn through.
    fn show_now(&self, view: &mut View, past: &Past<Kept>) {
        let point = &mut view.point;
        if let Some(window) = self.requests.over(NOW) {
            let recorded = &window.value;
            point.p50 = quantile(recorded, 0.5);
            point.p95 = quantile(recorded, 0.95);
            point.p99 = quantile(recorded, 0.99);
            point.rate = window.rate().per_second();
            point.failed = recorded.failures() as f64 / window.elapsed.as_secs_f64();
        }
        if let Some((then, now, elapsed)) = past.over(NOW) {
            point.hits = now.cache.since(&then.cache).hit_ratio();
            point.cpu = now
                .cpu
                .zip(then.cpu)
                .map(|(now, then)| (now - then) / elapsed.as_secs_f64());
        }
    }

    /// The last minute: what is told in words.
    fn show_recent(&self, view: &mut View, past: &Past<Kept>) {
        let (Some(requests), Some(queries), Some(bytes_out)) = (
            self.requests.over(RECENT),
            self.queries.over(RECENT),
            self.bytes_out.over(RECENT),
        ) else {
            return;
        };
        let Some((then, now, elapsed)) = past.over(RECENT) else {
            return;
        };
        let seen = past.all().map(|kept| kept.in_flight as f64);
        let in_flight = seen.sum::<f64>() / past.len() as f64;
        let mean = Duration::from_secs_f64(requests.value.mean().unwrap_or_default() * 1e-9);
        let little = LittleCheck::new(requests.rate().per_second(), mean, in_flight);
        view.little = little.ok().map(|check| check.expected());
        view.apdex = apdex(&requests.value).score();
        view.routes = now
            .routes
            .iter()
            .map(|(name, recorded)| {
                let before = then.routes.iter().find(|(before, _)| before == name);
                let window = before.and_then(|(_, before)| recorded.since(before).ok());
                route(name, window.as_ref().unwrap_or(recorded), elapsed)
            })
            .collect();
        view.saturation
            .extend(
                saturation(&queries, self.connections).map(|pool| view::Saturation {
                    name: "Database connections".to_owned(),
                    busy: Some(pool.utilisation()),
                    words: self.pool(&pool),
                }),
            );
        (view.advice, view.no_advice) = advise(&advice::Window {
            requests: &requests,
            queries: &queries,
            connections: self.connections,
            cache: &now.cache.since(&then.cache),
            bytes_out: bytes_out.rate().per_second(),
        });
    }

    fn pool(&self, pool: &Saturation) -> String {
        let waiting = self.instruments.database.waiting.value();
        let mut words = format!(
            "{:.2} of {} in use on average, {waiting} queries wait.",
            pool.busy(),
            self.connections
        );
        if let Some(capacity) = pool.capacity() {
            words += &format!(" They can answer {capacity:.0} queries a second.");
        }
        words
    }

    /// What came of it.
    pub(crate) fn summary(&self, load: Option<&Seen>) -> String {
        let times = self.instruments.requests.response_times().snapshot();
        let elapsed = self.clock.now() - self.started;
        let mut summary = format!(
            "{} requests in {:.1} s, {} failed{}\n",
            times.count(),
            elapsed.as_secs_f64(),
            times.failures(),
            percentiles(&times)
        );
        if let Some(seen) = load {
            summary += &format!(
                "as the load saw it: {} answered, {} failed, {} left out{}\n",
                seen.answered,
                seen.failed,
                seen.left_out,
                percentiles(&seen.times)
            );
        }
        summary
    }
}

/// How busy the connections are, by the utilisation law.
fn saturation(queries: &Over<Snapshot>, connections: u32) -> Option<Saturation> {
    let mean = Duration::from_secs_f64(queries.value.mean().unwrap_or_default() * 1e-9);
    Saturation::new(queries.rate().per_second(), mean, connections).ok()
}

/// How content those are who were answered; a failure contents nobody, however quick it is.
fn apdex(requests: &Snapshot) -> Apdex {
    let within = |time: Duration| {
        let within = requests.count_at_most(time.as_nanos() as u64);
        within.saturating_sub(requests.failures())
    };
    let satisfied = within(TIME);
    let tolerating = within(4 * TIME) - satisfied;
    Apdex::new(
        satisfied,
        tolerating,
        requests.count() - satisfied - tolerating,
    )
}

/// The figure of a name without labels.
fn figure(reading: &Reading, name: &str) -> Option<f64> {
    let family = reading.family(name)?;
    let scale = family.unit.scale();
    family
        .series
        .first()
        .and_then(|series| match &series.value {
            Value::Counter(count) => Some(*count as f64 / scale),
            Value::Gauge(value) => Some(*value as f64 / scale),
            Value::ObservedCounter(value) | Value::ObservedGauge(value) => Some(*value),
            _ => None,
        })
}

fn routes(reading: &Reading) -> Vec<(String, Arc<Snapshot>)> {
    let Some(family) = reading.family("http_route_response_time_seconds") else {
        return Vec::new();
    };
    let series = family.series.iter();
    let recorded = series.filter_map(|series| match &series.value {
        Value::Histogram(recorded) => {
            Some((series.labels.get("route")?.to_owned(), Arc::clone(recorded)))
        }
        _ => None,
    });
    recorded.collect()
}

fn route(name: &str, window: &Snapshot, elapsed: Duration) -> Route {
    let count = window.count() as f64;
    Route {
        route: name.to_owned(),
        rate: count / elapsed.as_secs_f64(),
        p50: quantile(window, 0.5),
        p95: quantile(window, 0.95),
        p99: quantile(window, 0.99),
        failed: (count > 0.0).then(|| window.failures() as f64 / count),
    }
}

fn percentiles(times: &Snapshot) -> String {
    match (quantile(times, 0.5), quantile(times, 0.99)) {
        (Some(p50), Some(p99)) => {
            format!(", p50 {:.2} ms, p99 {:.2} ms", p50 * 1e3, p99 * 1e3)
        }
        _ => String::new(),
    }
}

/// A period in the largest unit of which it has at least two.
fn span(period: Duration) -> String {
    match period.as_secs() {
        seconds @ 172_800.. => format!("{} days", seconds / 86_400),
        86_400.. => "a day".to_owned(),
        seconds => format!("{} h", seconds / 3_600),
    }
}

/// In seconds.
fn quantile(times: &Snapshot, share: f64) -> Option<f64> {
    times
        .quantile(share)
        .map(|quantile| quantile.value() as f64 * 1e-9)
}
