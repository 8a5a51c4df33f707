//! The figures for those who scrape them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use crm_perf::monitor::expose::{Exposition, Format};

use crate::watch::Watch;

/// OpenMetrics, Prometheus text or JSON, as the scraper says in its Accept header.
pub(crate) async fn metrics(State(watch): State<Arc<Watch>>, headers: HeaderMap) -> Response {
    let accept = headers.get_all(header::ACCEPT).into_iter();
    let format = Format::negotiate(accept.filter_map(|line| line.to_str().ok()));
    let mut body = Vec::new();
    match Exposition::new().write(format, &watch.read(), &mut body) {
        Ok(()) => ([(header::CONTENT_TYPE, format.content_type())], body).into_response(),
        // Memory takes whatever is written into it.
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
