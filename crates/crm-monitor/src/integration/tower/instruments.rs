//! What is registered, and the handles that a request finds at once.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crm_clock::{Clock, Tick};
use http::{Method, StatusCode};

use super::head::RequestHead;
use crate::histogram::nanoseconds;
use crate::integration::table::Table;
use crate::{Counter, Family, Histogram, InFlight};

/// The method of a request, as far as methods are told apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Kind(usize);

impl Kind {
    /// The methods of RFC 9110 and RFC 5789, and the one that stands for all others.
    const NAMES: [&'static str; 10] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "other",
    ];
    pub(super) const HEAD: Self = Self(1);
    const OTHER: Self = Self(9);

    pub(super) fn of(method: &Method) -> Self {
        let known = Self::NAMES[..Self::OTHER.0]
            .iter()
            .position(|name| *name == method.as_str());
        known.map_or(Self::OTHER, Self)
    }
}

/// How a request ended, as far as ends are told apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Class(usize);

impl Class {
    const NAMES: [&'static str; 9] = [
        "1xx", "2xx", "3xx", "4xx", "5xx", "other", "error", "dropped", "panicked",
    ];
    pub(super) const INFORMATIONAL: Self = Self(0);
    const OTHER: Self = Self(5);
    pub(super) const ERROR: Self = Self(6);
    pub(super) const DROPPED: Self = Self(7);
    pub(super) const PANICKED: Self = Self(8);

    pub(super) fn of(status: StatusCode) -> Self {
        match status.as_u16() / 100 {
            hundreds @ 1..=5 => Self(usize::from(hundreds) - 1),
            _ => Self::OTHER,
        }
    }
}

/// Where a request's route has its handles.
#[derive(Clone, Copy, Debug)]
pub(super) enum Routed {
    /// In no row of its own: routes are not told apart, or this one is beyond the limit.
    Nowhere,
    /// At this place of the table.
    At(usize),
}

/// Tells the route of a request.
pub(super) type Route =
    Arc<dyn for<'a> Fn(RequestHead<'a>) -> Option<&'a str> + Send + Sync + 'static>;

/// The handles of one route, each made when it is first needed.
#[derive(Default)]
pub(super) struct Row {
    requests: [[OnceLock<Counter>; Class::NAMES.len()]; Kind::NAMES.len()],
    times: [OnceLock<Histogram>; Kind::NAMES.len()],
}

/// The counters of requests, and what is told apart by route.
pub(super) enum Requests {
    Together(Family<Counter, 2>),
    ByRoute(Routes),
}

/// What is told apart by route.
pub(super) struct Routes {
    pub(super) route: Route,
    pub(super) requests: Family<Counter, 3>,
    pub(super) times: Family<Histogram, 2>,
    pub(super) rows: Table<(Box<str>, Row)>,
}

/// What all requests of a layer record into.
pub(super) struct Instruments {
    pub(super) clock: Clock,
    pub(super) times: Histogram,
    pub(super) in_flight: InFlight,
    pub(super) requests: Requests,
    pub(super) request_bytes: Counter,
    pub(super) response_bytes: Counter,
    pub(super) responses_cut: Counter,
    /// Of every request where routes are not told apart, otherwise of those beyond the limit.
    pub(super) rest: Row,
}

/// The route of a request for which the closure names none.
const UNMATCHED: &str = "unmatched";

/// The route of all requests beyond the limit.
const OTHER: &str = "other";

impl Instruments {
    /// How many classes of status there are.
    pub(super) const CLASSES: usize = Class::NAMES.len();

    pub(super) fn now(&self) -> Tick {
        self.clock.now()
    }

    pub(super) fn route(&self, head: RequestHead<'_>) -> Routed {
        let Requests::ByRoute(routes) = &self.requests else {
            return Routed::Nowhere;
        };
        let name = (routes.route)(head).unwrap_or(UNMATCHED);
        let new = || (Box::from(name), Row::default());
        let place = routes.rows.find(name, new);
        place.map_or(Routed::Nowhere, Routed::At)
    }

    /// Records a request that has ended.
    pub(super) fn record(
        &self,
        begun: Tick,
        kind: Kind,
        routed: Routed,
        class: Class,
        failed: bool,
    ) {
        let elapsed = nanoseconds(self.clock.now() - begun);
        record(&self.times, elapsed, failed);
        let (method, status) = (Kind::NAMES[kind.0], Class::NAMES[class.0]);
        match &self.requests {
            Requests::Together(requests) => self.rest.requests[kind.0][class.0]
                .get_or_init(|| requests.with([method, status]))
                .increment(),
            Requests::ByRoute(routes) => {
                let at = match routed {
                    Routed::At(place) => routes.rows.at(place),
                    Routed::Nowhere => None,
                };
                let (name, row) = at.map_or((OTHER, &self.rest), |(name, row)| (&**name, row));
                row.requests[kind.0][class.0]
                    .get_or_init(|| routes.requests.with([method, name, status]))
                    .increment();
                let times = row.times[kind.0].get_or_init(|| routes.times.with([method, name]));
                record(times, elapsed, failed);
            }
        }
    }
}

fn record(times: &Histogram, elapsed: u64, failed: bool) {
    if failed {
        times.record_failure(elapsed);
    } else {
        times.record(elapsed);
    }
}

impl fmt::Debug for Instruments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Instruments");
        all.field("times", &self.times)
            .field("in_flight", &self.in_flight);
        if let Requests::ByRoute(routes) = &self.requests {
            all.field("routes", &routes.rows);
        }
        all.finish_non_exhaustive()
    }
}
