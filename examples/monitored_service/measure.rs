//! What is measured of each request.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use crm_monitor::{Histogram, InFlight, Monitor, RegisterError};

/// The routes that are told apart.
const ROUTES: [&str; 2] = ["/customers/{id}", "/customers"];

/// The response times of all requests and of each route, with their failures, and the requests that are under way.
#[derive(Debug)]
pub(crate) struct Requests {
    pub(crate) times: Histogram,
    pub(crate) in_flight: InFlight,
    pub(crate) routes: [(&'static str, Histogram); ROUTES.len()],
}

impl Requests {
    pub(crate) fn register(monitor: &Monitor) -> Result<Arc<Self>, RegisterError> {
        let times = monitor
            .histogram("http_response_time_seconds")
            .help("Time from the request to the response.")
            .register()?;
        let in_flight = monitor
            .in_flight("http_requests_in_flight")
            .help("Requests that are not answered yet.")
            .register()?;
        let [one, list] = ROUTES.map(|route| {
            let times = monitor
                .histogram("http_route_response_time_seconds")
                .help("Time from the request to the response, by route.")
                .label("route", route)
                .register()?;
            Ok::<_, RegisterError>((route, times))
        });
        Ok(Arc::new(Self {
            times,
            in_flight,
            routes: [one?, list?],
        }))
    }
}

/// Measures a request; an error of the server is a failure.
pub(crate) async fn measure(
    State(requests): State<Arc<Requests>>,
    route: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let _under_way = requests.in_flight.enter_owned();
    let of_route = requests
        .routes
        .iter()
        .find(|(name, _)| *name == route.as_str());
    let timers = [Some(&requests.times), of_route.map(|(_, times)| times)]
        .map(|times| times.map(Histogram::start));
    let response = next.run(request).await;
    let is_failure = response.status().is_server_error();
    for timer in timers.into_iter().flatten() {
        if is_failure {
            timer.fail();
        } else {
            timer.stop();
        }
    }
    response
}
