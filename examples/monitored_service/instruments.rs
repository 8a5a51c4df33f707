//! All that is registered, and so all that `/metrics` shows.

use std::sync::Arc;

use axum::extract::MatchedPath;
use crm_perf::clock::Clock;
use crm_perf::monitor::{Monitor, MonitorLayer, RegisterError};

use crate::database;
use crate::service::Service;

/// What is measured of the requests, of the database and, once there is a service, of its cache.
#[derive(Debug)]
pub(crate) struct Instruments {
    pub(crate) monitor: Monitor,
    /// Response times with their failures, by route and of all; in flight; bytes.
    pub(crate) requests: MonitorLayer,
    pub(crate) database: database::Instruments,
}

impl Instruments {
    pub(crate) fn register(clock: &Clock) -> Result<Self, RegisterError> {
        let monitor = Monitor::with_clock(clock.clone());
        // Memory, processor time, files and bytes: absent where the system does not tell them.
        monitor.observe_process()?;
        let requests = MonitorLayer::builder(&monitor)
            .route(|request| request.extensions().get().map(MatchedPath::as_str))
            .build()?;
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

    /// What the cache counts by itself is only read when somebody asks.
    pub(crate) fn observe_cache(&self, service: &Arc<Service>) -> Result<(), RegisterError> {
        let figure = |read: fn(&Service) -> f64| {
            let service = Arc::clone(service);
            move || read(&service)
        };
        let counter = |name, help, read| {
            let counter = self.monitor.observe_counter(name).help(help);
            counter.register(figure(read))
        };
        counter("cache_hits", "Customers found in the cache.", |service| {
            service.cache.stats().hits as f64
        })?;
        counter("cache_misses", "Customers not found in it.", |service| {
            service.cache.stats().misses as f64
        })?;
        self.monitor
            .observe_gauge("cache_entries")
            .help("Customers that are kept.")
            .register(figure(|service| service.cache.len() as f64))
    }
}
