//! The settings, and the layer that a router takes.

use std::fmt;
use std::sync::Arc;

use http::Method;
use tower_layer::Layer;

use super::head::RequestHead;
use super::instruments::{Instruments, Requests, Route, Routes, Row};
use super::service::Monitored;
use crate::integration::or_taken;
use crate::integration::table::Table;
use crate::{Counter, Histogram, InFlight, Layout, Monitor, RegisterError};

/// How many routes are told apart, unless [`MonitorLayerBuilder::limit`] says otherwise.
const LIMIT: usize = 200;

/// What to do instead of making a second layer of the same names.
const ONE_LAYER: &str = "clone the first layer to record into the same figures, or name those of the second by MonitorLayerBuilder::prefix";

/// A layer that measures the requests of a service. Needs the feature `tower`.
///
/// ```
/// use axum::{Router, routing::get};
/// use crm_monitor::{Monitor, MonitorLayer};
///
/// let monitor = Monitor::new();
/// let app: Router = Router::new()
///     .route("/customers/{id}", get(|| async { "..." }))
///     .layer(MonitorLayer::new(&monitor)?);
/// # Ok::<(), crm_monitor::RegisterError>(())
/// ```
///
/// It registers, and records into:
///
/// | name | what | labels |
/// |---|---|---|
/// | `http_response_time_seconds` | histogram of the time from the call to the end of the body, with its failures | |
/// | `http_requests` | counter of the requests that have ended | `method`, `status`, and `route` if asked for |
/// | `http_requests_in_flight` | gauge of the requests that have not | |
/// | `http_request_bytes` | counter of the bytes of bodies that the service has read | |
/// | `http_response_bytes` | counter of the bytes of bodies that the server has taken | |
/// | `http_responses_cut` | counter of the bodies that the server dropped before their end | |
/// | `http_route_response_time_seconds` | the response time once more, only if asked for | `method`, `route` |
///
/// The label `status` is the class `1xx` to `5xx` of the status that was sent, `other` beyond, and `error`, `dropped` or
/// `panicked` where none was; [whole statuses](MonitorLayerBuilder::status_codes) are there for whoever asks. **A failure** is a status of `5xx`, an error of the service, a service that panics or is dropped
/// before it has answered, and a body that panics or errs. The label `method` is one of the nine that RFC 9110 and RFC 5789
/// name, or `other`.
///
/// A request ends when its body has ended, or is dropped. That is where a stream of events is at its end after an hour: give
/// such routes a router without this layer. A body that is dropped early is no failure, since most often the client has gone;
/// it is counted as cut unless all of it was sent, or it was not to be sent, as with HEAD, 204 and 304. Of a connection that
/// is upgraded, the request ends with the answer 101.
///
/// A request costs two readings of the clock, three clones of an `Arc` and its records. Nothing is allocated once its method,
/// status and route have been seen.
///
/// # Where it belongs
///
/// Outermost, so that its time is the client's. What is outside of it, as a layer that catches panics, it does not see. The
/// body of the request becomes a [`CountedBody`](super::CountedBody), and that of the response a
/// [`MonitoredBody`](super::MonitoredBody); no body need be [`Unpin`]. Each call of axum's `Router::layer` takes any body. A
/// stack of `ServiceBuilder` does not: what insists on axum's own body there, as `middleware::from_fn` does, goes into a call of
/// its own.
///
/// A clone records into the same figures; a second layer beside the first needs another [`prefix`](MonitorLayerBuilder::prefix).
#[derive(Clone, Debug)]
pub struct MonitorLayer {
    instruments: Arc<Instruments>,
}

impl MonitorLayer {
    /// The layer with names that begin with `http`, which tells no routes apart.
    ///
    /// # Errors
    ///
    /// Where one of the names is taken already, as it is by another such layer.
    pub fn new(monitor: &Monitor) -> Result<Self, RegisterError> {
        Self::builder(monitor).build()
    }

    /// A layer with other settings.
    pub fn builder(monitor: &Monitor) -> MonitorLayerBuilder<'_> {
        MonitorLayerBuilder {
            monitor,
            prefix: "http".into(),
            layout: Layout::response_times(),
            route: None,
            limit: LIMIT,
            whole_statuses: false,
        }
    }

    /// The response times of all requests, with their failures: what an objective is held against.
    #[must_use]
    pub fn response_times(&self) -> &Histogram {
        &self.instruments.times
    }

    /// The response times of one method and route, with their failures: what an objective of the route is held against, and what
    /// a [`History`](crate::History) can track.
    ///
    /// ```
    /// use crm_monitor::{History, Monitor, MonitorLayer};
    /// use http::Method;
    ///
    /// let monitor = Monitor::new();
    /// let layer = MonitorLayer::builder(&monitor)
    ///     .route(|request| Some(request.uri().path()))
    ///     .build()?;
    /// let history = History::new();
    /// let imports = layer.route_response_times(&Method::POST, "/imports");
    /// let imports = imports.map(|times| history.track(&times)); // before the first request, and for as long as the layer is there
    /// assert!(imports.is_some());
    /// # Ok::<(), crm_monitor::RegisterError>(())
    /// ```
    ///
    /// The route is as the closure names it, or `unmatched`. One that no request has had yet is told apart from now on. There is
    /// none where routes are not told apart, this one is beyond the [`limit`](MonitorLayerBuilder::limit), or its histogram beyond
    /// that of the monitor. Methods that RFC 9110 and RFC 5789 do not name share one histogram, and requests that the service
    /// answers by 405 or 501 are in it too.
    #[must_use]
    pub fn route_response_times(&self, method: &Method, route: &str) -> Option<Histogram> {
        self.instruments.route_times(method, route)
    }

    /// The requests that have not ended.
    #[must_use]
    pub fn in_flight(&self) -> &InFlight {
        &self.instruments.in_flight
    }

    /// The bytes of bodies that the service has read.
    #[must_use]
    pub fn request_bytes(&self) -> &Counter {
        &self.instruments.request_bytes
    }

    /// The bytes of bodies that the server has taken.
    #[must_use]
    pub fn response_bytes(&self) -> &Counter {
        &self.instruments.response_bytes
    }

    /// The bodies that the server dropped before their end.
    #[must_use]
    pub fn responses_cut(&self) -> &Counter {
        &self.instruments.responses_cut
    }
}

impl<S> Layer<S> for MonitorLayer {
    type Service = Monitored<S>;

    fn layer(&self, inner: S) -> Monitored<S> {
        Monitored::new(inner, Arc::clone(&self.instruments))
    }
}

/// The settings of a [`MonitorLayer`].
#[must_use = "nothing is registered before `build`"]
pub struct MonitorLayerBuilder<'a> {
    monitor: &'a Monitor,
    prefix: String,
    layout: Layout,
    route: Option<Route>,
    limit: usize,
    whole_statuses: bool,
}

impl MonitorLayerBuilder<'_> {
    /// Begins the names with this instead of `http`.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Divides response times by this layout instead of [`Layout::response_times`].
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// Tells routes apart: `route` names the route of a request, from what the framework has noted down. A request for which it
    /// names none counts as `unmatched`.
    ///
    /// ```
    /// use axum::{Router, extract::MatchedPath, routing::get};
    /// use crm_monitor::{Monitor, MonitorLayer};
    ///
    /// let monitor = Monitor::new();
    /// let layer = MonitorLayer::builder(&monitor)
    ///     .route(|request| request.extensions().get().map(MatchedPath::as_str))
    ///     .build()?;
    /// let app: Router = Router::new()
    ///     .route("/customers/{id}", get(|| async { "..." }))
    ///     .layer(layer);
    /// # Ok::<(), crm_monitor::RegisterError>(())
    /// ```
    ///
    /// Each pair of method and route takes a histogram, of 17 KB for each thread that records into it. Requests that the service
    /// answers by 405 or 501 have their times under the method `other`, so that a client that tries all methods adds one to a
    /// route. The path of a request is no route, since a client can make up as many as it likes; the [`limit`](Self::limit) is
    /// for whoever names one anyway.
    pub fn route<F>(mut self, route: F) -> Self
    where
        F: for<'r> Fn(RequestHead<'r>) -> Option<&'r str> + Send + Sync + 'static,
    {
        self.route = Some(Arc::new(route));
        self
    }

    /// Tells at most this number of routes apart, up to 65,536; 200 is the default. What comes later counts as the route `other`,
    /// and so does a name of more than 256 bytes.
    ///
    /// A route that is told apart has each method that it is asked by: unusual ones take no place from other routes, nor do
    /// requests that have no route. So there are at most, each 10 methods with `other` among them,
    ///
    /// | series | at most | with the default |
    /// |---|---|---|
    /// | `http_route_response_time_seconds` | (limit + 2) x 10 | 2,020 |
    /// | `http_requests` | (limit + 2) x 10 x 9 | 18,180 |
    /// | the same, with [whole statuses](Self::status_codes) | (limit + 2) x 10 x 70 | 141,400 |
    ///
    /// the 2 for `unmatched` and `other`. A route that is asked by two methods and answers in three classes has two and six. All
    /// figures of the monitor share [`MonitorBuilder::series_limit`](crate::MonitorBuilder::series_limit), past which a family
    /// counts in its overflow.
    pub fn limit(mut self, routes: usize) -> Self {
        self.limit = routes;
        self
    }

    /// Puts the status itself into the label `status`, `404` instead of `4xx`, if it is one of the 61 that IANA lists; others keep
    /// their class, so that there are at most 70 values.
    ///
    /// ```
    /// use crm_monitor::{Monitor, MonitorLayer};
    ///
    /// let monitor = Monitor::new();
    /// let layer = MonitorLayer::builder(&monitor).status_codes(true).build()?;
    /// # Ok::<(), crm_monitor::RegisterError>(())
    /// ```
    pub fn status_codes(mut self, whole: bool) -> Self {
        self.whole_statuses = whole;
        self
    }

    /// Registers the figures.
    ///
    /// # Errors
    ///
    /// Where one of the names is taken already, or is none because of its prefix. What was registered before it stays.
    pub fn build(self) -> Result<MonitorLayer, RegisterError> {
        self.register().map_err(|error| or_taken(error, ONE_LAYER))
    }

    fn register(self) -> Result<MonitorLayer, RegisterError> {
        let Self {
            monitor, prefix, ..
        } = &self;
        let counter = |name: &str, help: &str| {
            let name = format!("{prefix}_{name}");
            monitor.counter(&name).help(help).register()
        };
        let times = monitor
            .histogram(&format!("{prefix}_response_time_seconds"))
            .help("Time from the request to the end of the response.")
            .layout(self.layout)
            .register()?;
        let in_flight = monitor
            .in_flight(&format!("{prefix}_requests_in_flight"))
            .help("Requests whose response has not ended.")
            .register()?;
        let instruments = Instruments {
            clock: monitor.clock().clone(),
            times,
            in_flight,
            requests: self.requests()?,
            request_bytes: counter("request_bytes", "Bytes of request bodies read.")?,
            response_bytes: counter("response_bytes", "Bytes of response bodies sent.")?,
            responses_cut: counter("responses_cut", "Response bodies dropped before their end.")?,
            rest: Row::default(),
            whole_statuses: self.whole_statuses,
        };
        Ok(MonitorLayer {
            instruments: Arc::new(instruments),
        })
    }

    /// The counters by class of status, and what is told apart by route.
    fn requests(&self) -> Result<Requests, RegisterError> {
        let name = format!("{}_requests", self.prefix);
        let help = "Requests whose response has ended.";
        let most = Instruments::most_requests(self.whole_statuses);
        let Some(route) = &self.route else {
            let counters = self.monitor.counters(&name, ["method", "status"]);
            let counters = counters.help(help).limit(most).register()?;
            return Ok(Requests::Together(counters));
        };
        let counters = self.monitor.counters(&name, ["method", "route", "status"]);
        let times = format!("{}_route_response_time_seconds", self.prefix);
        let times = self.monitor.histograms(&times, ["method", "route"]);
        Ok(Requests::ByRoute(Routes {
            route: Arc::clone(route),
            requests: counters
                .help(help)
                .limit(self.limit.saturating_add(2).saturating_mul(most))
                .register()?,
            times: times
                .help("Time from the request to the end of the response, by route.")
                .layout(self.layout)
                .limit(Routes::most_times(self.limit))
                .register()?,
            rows: Table::new(self.limit),
            unmatched: Box::default(),
        }))
    }
}

impl fmt::Debug for MonitorLayerBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitorLayerBuilder")
            .field("prefix", &self.prefix)
            .field("layout", &self.layout)
            .field("by_route", &self.route.is_some())
            .field("limit", &self.limit)
            .field("status_codes", &self.whole_statuses)
            .finish_non_exhaustive()
    }
}
