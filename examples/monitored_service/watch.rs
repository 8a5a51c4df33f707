//! What is measured, and what is made of it once a second.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use axum::{Router, middleware};
use crm_monitor::{Monitor, Snapshot};
use crm_perf::cache::Stats;
use crm_perf::clock::{Clock, Tick, wall_time};

use crate::args::Args;
use crate::database;
use crate::failure::Failure;
use crate::load::Seen;
use crate::measure::{Requests, measure};
use crate::past::Past;
use crate::service::Service;
use crate::view::{Cache, Health, Level, Point, Route, Saturation, View};

/// The window of the figures that move: long enough for a p99, short enough to see what happens.
const NOW: Duration = Duration::from_secs(5);
/// The window of what is told in words.
const RECENT: Duration = Duration::from_secs(60);

/// All that is registered.
#[derive(Debug)]
pub(crate) struct Instruments {
    monitor: Monitor,
    requests: Arc<Requests>,
    pub(crate) database: database::Instruments,
}

impl Instruments {
    pub(crate) fn register(clock: &Clock) -> Result<Self, Failure> {
        let monitor = Monitor::with_clock(clock.clone());
        let requests = Requests::register(&monitor)?;
        let database = database::Instruments {
            in_use: monitor
                .in_flight("database_connections_in_use")
                .help("Connections that a query has.")
                .register()?,
            waiting: monitor
                .in_flight("database_queries_waiting")
                .help("Queries that wait for a connection.")
                .register()?,
            query_time: monitor
                .histogram("database_query_time_seconds")
                .help("Time for which a query has a connection.")
                .register()?,
        };
        Ok(Self {
            monitor,
            requests,
            database,
        })
    }
}

/// What was counted until a moment.
#[derive(Debug)]
struct Totals {
    requests: Snapshot,
    routes: Vec<Snapshot>,
    queries: Snapshot,
    cache: Stats,
}

/// Watches the service.
#[derive(Debug)]
pub(crate) struct Watch {
    instruments: Instruments,
    service: Arc<Service>,
    connections: usize,
    about: String,
    clock: Clock,
    started: Tick,
    past: Mutex<Past<Totals>>,
}

impl Watch {
    pub(crate) fn new(
        args: &Args,
        instruments: Instruments,
        service: Arc<Service>,
    ) -> Result<Arc<Self>, Failure> {
        let clock = instruments.monitor.clock().clone();
        let load = args
            .load
            .map(|rate| format!(", {rate} requests a second by itself"));
        Ok(Arc::new(Self {
            instruments,
            service,
            connections: args.connections,
            about: format!("{} customers{}", args.customers, load.unwrap_or_default()),
            started: clock.now(),
            clock,
            past: Mutex::new(Past::new(RECENT.as_secs() as usize + 2)),
        }))
    }

    /// The routes, measured.
    pub(crate) fn around(&self, routes: Router) -> Router {
        let requests = Arc::clone(&self.instruments.requests);
        routes.route_layer(middleware::from_fn_with_state(requests, measure))
    }

    fn totals(&self) -> Totals {
        let requests = &self.instruments.requests;
        Totals {
            requests: requests.times.snapshot(),
            routes: requests
                .routes
                .iter()
                .map(|(_, times)| times.snapshot())
                .collect(),
            queries: self.instruments.database.query_time.snapshot(),
            cache: self.service.cache.stats(),
        }
    }

    /// What the page shows now.
    pub(crate) fn look(&self) -> View {
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        past.push(self.clock.now(), self.totals());
        let since_start = self.totals();
        let requests = &self.instruments.requests;
        let mut view = View {
            about: self.about.clone(),
            requests: since_start.requests.count(),
            failed: since_start.requests.failures(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            cache: Cache {
                entries: self.service.cache.len(),
                capacity: self.service.cache.capacity(),
            },
            health: Health::default(),
            point: Point {
                at: wall_time()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default()
                    .as_millis() as u64,
                flight: requests.in_flight.value(),
                ..Point::default()
            },
            ..View::default()
        };
        if let Some((then, now, time)) = past.over(NOW) {
            let window = since(&now.requests, &then.requests);
            view.point.p50 = quantile(&window, 0.5);
            view.point.p95 = quantile(&window, 0.95);
            view.point.p99 = quantile(&window, 0.99);
            view.point.rate = window.count() as f64 / time.as_secs_f64();
            view.point.failed = window.failures() as f64 / time.as_secs_f64();
            view.point.hits = now.cache.since(&then.cache).hit_ratio();
        }
        if let Some((then, now, time)) = past.over(RECENT) {
            let seconds = time.as_secs_f64();
            let window = since(&now.requests, &then.requests);
            view.flight_by_little = window
                .mean()
                .map(|mean| mean * 1e-9 * window.count() as f64 / seconds);
            for (at, (route, _)) in requests.routes.iter().enumerate() {
                let window = since(&now.routes[at], &then.routes[at]);
                view.routes.push(Route {
                    route: (*route).to_owned(),
                    rate: window.count() as f64 / seconds,
                    p50: quantile(&window, 0.5),
                    p95: quantile(&window, 0.95),
                    p99: quantile(&window, 0.99),
                    failed: (window.count() > 0)
                        .then(|| window.failures() as f64 / window.count() as f64),
                });
            }
            view.health = judge(&window);
            let queries = since(&now.queries, &then.queries);
            let in_use = queries.sum() as f64 * 1e-9 / seconds;
            view.saturation.push(Saturation {
                name: "Database connections".to_owned(),
                busy: Some(in_use / self.connections as f64),
                words: format!("{in_use:.2} of {} in use", self.connections),
            });
        }
        view
    }

    /// What came of it.
    pub(crate) fn summary(&self, load: Option<&Seen>) -> String {
        let times = self.instruments.requests.times.snapshot();
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

/// A hundredth of the requests may fail before somebody should look, and a twentieth before others should serve.
fn judge(window: &Snapshot) -> Health {
    let share = window.failures() as f64 / window.count().max(1) as f64;
    let level = match share {
        _ if window.count() == 0 => Level::Unknown,
        0.05.. => Level::Critical,
        0.01.. => Level::Warning,
        _ => Level::Ok,
    };
    Health {
        level,
        reason: format!(
            "{:.1} % of the requests of the last minute failed",
            share * 100.0
        ),
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

fn since(now: &Snapshot, then: &Snapshot) -> Snapshot {
    now.since(then)
        .unwrap_or_else(|_| Snapshot::empty(now.layout()))
}

/// In seconds.
fn quantile(times: &Snapshot, share: f64) -> Option<f64> {
    times
        .quantile(share)
        .map(|quantile| quantile.value() as f64 * 1e-9)
}
