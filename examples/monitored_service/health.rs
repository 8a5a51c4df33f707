//! What a probe is told.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::events::Events;
use crate::view::Level;

/// 503 while it is critical; what is not known yet is no reason to send nobody here.
pub(crate) async fn health(State(events): State<Arc<Events>>) -> Response {
    let view = events.last().unwrap_or_default();
    let status = match view.health.level {
        Level::Critical => StatusCode::SERVICE_UNAVAILABLE,
        Level::Unknown | Level::Ok | Level::Warning => StatusCode::OK,
    };
    let body = json!({
        "status": view.health.level,
        "reason": view.health.reason,
        "requests": view.requests,
        "failed": view.failed,
        "point": view.point,
    });
    (status, Json(body)).into_response()
}
