//! Requests that are slow or fail on purpose, so that there is something to be seen.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What share of the requests gets into which trouble.
#[derive(Debug)]
pub(crate) struct Trouble {
    slow: f64,
    slow_by: Duration,
    fail: f64,
    random: Mutex<fastrand::Rng>,
}

impl Trouble {
    pub(crate) fn new(slow: f64, slow_by: Duration, fail: f64, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            slow,
            slow_by,
            fail,
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
        })
    }

    /// Whether a request is slow, and whether it fails; it may do both.
    fn draw(&self) -> (bool, bool) {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        (random.f64() < self.slow, random.f64() < self.fail)
    }
}

/// Lets a request into its trouble. It stands within the monitor's layer, which sees what comes of it.
pub(crate) async fn befall(
    State(trouble): State<Arc<Trouble>>,
    request: Request,
    next: Next,
) -> Response {
    let (is_slow, fails) = trouble.draw();
    if is_slow {
        tokio::time::sleep(trouble.slow_by).await;
    }
    if fails {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "this request fails on purpose",
        )
            .into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_get_into_trouble_as_was_asked_for() {
        let trouble = Trouble::new(0.2, Duration::ZERO, 0.05, 1);
        let drawn: Vec<_> = (0..20_000).map(|_| trouble.draw()).collect();
        let share = |which: fn(&(bool, bool)) -> bool| {
            drawn.iter().filter(|&fate| which(fate)).count() as f64 / drawn.len() as f64
        };
        // Four standard deviations on each side.
        assert!((share(|fate| fate.0) - 0.2).abs() < 0.0115);
        assert!((share(|fate| fate.1) - 0.05).abs() < 0.0062);
        let none = Trouble::new(0.0, Duration::ZERO, 0.0, 1);
        assert!((0..1_000).all(|_| none.draw() == (false, false)));
    }
}
