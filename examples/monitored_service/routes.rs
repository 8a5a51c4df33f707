//! Who asks for what: the customers, those who watch the service, and those who draw it.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::get;

use crate::events::{Events, events};
use crate::health::health;
use crate::metrics::metrics;
use crate::page::dashboard;
use crate::service::{Service, customers};
use crate::trouble::Trouble;
use crate::watch::Watch;

/// The paths that are answered. Only those of customers are measured: who watches is none of the load.
pub(crate) fn router(
    service: Arc<Service>,
    trouble: Arc<Trouble>,
    watch: &Arc<Watch>,
    told: Arc<Events>,
) -> Router {
    let watching = Router::new()
        .route("/", get(async || Redirect::temporary("/dashboard")))
        .route("/dashboard", get(dashboard))
        .route("/events", get(events))
        .route("/health", get(health))
        .with_state(told);
    let figures = Router::new()
        .route("/metrics", get(metrics))
        .with_state(Arc::clone(watch));
    watch
        .around(customers(service, trouble))
        .merge(watching)
        .merge(figures)
        .fallback(async || (StatusCode::NOT_FOUND, "there is nothing at this path\n"))
}
