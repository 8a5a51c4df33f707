//! What a probe is told.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use crm_perf::monitor::expose::{Check, CheckUnit, CheckValue, Range, RangeError};
use serde::Deserialize;
use serde_json::json;

use crate::events::Events;
use crate::promises::TIME;
use crate::view::{Level, View};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    #[default]
    Json,
    /// One line with performance data, as a plugin of Nagios writes it.
    Nagios,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    format: Form,
}

/// 503 while it is critical; what is not known yet is no reason to send nobody here.
pub(crate) async fn health(State(events): State<Arc<Events>>, asked: Query<Asked>) -> Response {
    let view = events.last().unwrap_or_default();
    let status = match view.health.level {
        Level::Critical => StatusCode::SERVICE_UNAVAILABLE,
        Level::Unknown | Level::Ok | Level::Warning => StatusCode::OK,
    };
    match asked.format {
        Form::Json => (status, Json(body(&view))).into_response(),
        Form::Nagios => match check(&view) {
            Ok(check) => (status, format!("{check}\n")).into_response(),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        },
    }
}

fn body(view: &View) -> serde_json::Value {
    json!({
        "status": view.health.level,
        "reason": view.health.reason,
        "requests": view.requests,
        "failed": view.failed,
        "now": view.point,
        "alerts": view.alerts,
        "objectives": view.objectives,
    })
}

/// The figures that a probe keeps. Its ranges are coarser than the objectives: it sees a moment, and they see a day.
fn check(view: &View) -> Result<Check, RangeError> {
    let point = &view.point;
    let p99 = point.p99.map(Duration::from_secs_f64);
    let failed = (point.rate > 0.0).then(|| point.failed / point.rate);
    let busy = view.saturation.first().and_then(|pool| pool.busy);
    // With two digits: more is no news to anybody.
    let percent = |share: Option<f64>| share.map(|share| (share * 1e4).round() / 1e2);
    let alerts = |level| {
        let alerts = view.alerts.iter().filter(|alert| alert.level == level);
        alerts.count() as f64
    };
    Ok(Check::new("CUSTOMERS")
        .value(CheckValue::new("pages", alerts(Level::Critical)).critical(Range::up_to(0.0)?))
        .value(CheckValue::new("tickets", alerts(Level::Warning)).warning(Range::up_to(0.0)?))
        .value(
            CheckValue::duration("response time p99", p99)
                .warning(Range::up_to(TIME.as_secs_f64())?)
                .critical(Range::up_to(10.0 * TIME.as_secs_f64())?),
        )
        .value(
            CheckValue::new("failed", percent(failed))
                .unit(CheckUnit::Percent)
                .warning(Range::up_to(1.0)?)
                .critical(Range::up_to(5.0)?),
        )
        .value(
            CheckValue::new("error budget left", percent(point.budget))
                .unit(CheckUnit::Percent)
                .warning(Range::at_least(25.0)?)
                .critical(Range::at_least(0.0)?),
        )
        .value(
            CheckValue::new("database connections busy", percent(busy))
                .unit(CheckUnit::Percent)
                .warning(Range::up_to(90.0)?),
        ))
}
