//! What is registered, and the handles that a request finds at once.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crm_clock::{Clock, Tick};
use http::{Method, StatusCode};

use super::head::RequestHead;
use crate::histogram::nanoseconds;
use crate::integration::table::Table;
use crate::registry::name::LABEL_VALUE_LIMIT;
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

/// How a request ended, as far as ends are told apart: a class of status, an end without one, or a whole status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct End(usize);

impl End {
    const CLASSES: [&'static str; 9] = [
        "1xx", "2xx", "3xx", "4xx", "5xx", "other", "error", "dropped", "panicked",
    ];
    /// The statuses that IANA lists, without the one that is temporary; whole statuses come after the classes.
    const CODES: [&'static str; 61] = [
        "100", "101", "102", "103", "200", "201", "202", "203", "204", "205", "206", "207", "208",
        "226", "300", "301", "302", "303", "304", "305", "307", "308", "400", "401", "402", "403",
        "404", "405", "406", "407", "408", "409", "410", "411", "412", "413", "414", "415", "416",
        "417", "421", "422", "423", "424", "425", "426", "428", "429", "431", "451", "500", "501",
        "502", "503", "504", "505", "506", "507", "508", "510", "511",
    ];
    const OTHER: Self = Self(5);
    pub(super) const ERROR: Self = Self(6);
    pub(super) const DROPPED: Self = Self(7);
    pub(super) const PANICKED: Self = Self(8);

    fn of(status: StatusCode, whole: bool) -> Self {
        let code = || Self::CODES.binary_search(&status.as_str()).ok();
        if let Some(code) = whole.then(code).flatten() {
            return Self(Self::CLASSES.len() + code);
        }
        match status.as_u16() / 100 {
            hundreds @ 1..=5 => Self(usize::from(hundreds) - 1),
            _ => Self::OTHER,
        }
    }

    fn name(self) -> &'static str {
        let code = |end: usize| Self::CODES[end - Self::CLASSES.len()];
        let class = Self::CLASSES.get(self.0);
        class.copied().unwrap_or_else(|| code(self.0))
    }

    /// How many there are, with whole statuses or without.
    const fn count(whole: bool) -> usize {
        Self::CLASSES.len() + if whole { Self::CODES.len() } else { 0 }
    }
}

/// Where a request's route has its handles.
#[derive(Clone, Copy, Debug)]
pub(super) enum Routed {
    /// With all others: routes are not told apart, or this one is beyond the limit.
    Rest,
    /// With all that have no route.
    Unmatched,
    /// At this place of the table.
    At(usize),
}

/// What is recorded of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) begun: Tick,
    pub(super) kind: Kind,
    pub(super) routed: Routed,
    pub(super) end: End,
    pub(super) failed: bool,
    /// Whether the service has said that it has no such method.
    pub(super) refused: bool,
}

/// Tells the route of a request.
pub(super) type Route =
    Arc<dyn for<'a> Fn(RequestHead<'a>) -> Option<&'a str> + Send + Sync + 'static>;

/// The handles of one route, each made when it is first needed.
#[derive(Default)]
pub(super) struct Row {
    /// By method, then by end: as many as can be told apart.
    requests: [OnceLock<Box<[OnceLock<Counter>]>>; Kind::NAMES.len()],
    times: [OnceLock<Histogram>; Kind::NAMES.len()],
}

impl Row {
    fn requests(&self, Kind(kind): Kind, End(end): End, whole: bool) -> &OnceLock<Counter> {
        let ends = || (0..End::count(whole)).map(|_| OnceLock::new()).collect();
        &self.requests[kind].get_or_init(ends)[end]
    }
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
    /// Of requests without a route, which take no place from those that have one.
    pub(super) unmatched: Box<Row>,
}

impl Routes {
    /// How many series of times there may be where this number of routes is told apart: `unmatched` and `other` come on top.
    pub(super) const fn most_times(routes: usize) -> usize {
        routes.saturating_add(2).saturating_mul(Kind::NAMES.len())
    }

    /// Where the route of this name has its handles; it is taken in if there is room, and a label can hold it.
    fn find(&self, name: &str) -> Routed {
        if name.len() > LABEL_VALUE_LIMIT {
            return Routed::Rest;
        }
        let new = || (Box::from(name), Row::default());
        self.rows.find(name, new).map_or(Routed::Rest, Routed::At)
    }

    /// The name of a route and its handles, where it is not beyond the limit.
    fn row(&self, routed: Routed) -> Option<(&str, &Row)> {
        match routed {
            Routed::Rest => None,
            Routed::Unmatched => Some((UNMATCHED, &self.unmatched)),
            Routed::At(place) => self.rows.at(place).map(|(name, row)| (&**name, row)),
        }
    }

    fn times<'r>(&self, name: &str, row: &'r Row, Kind(kind): Kind) -> &'r Histogram {
        row.times[kind].get_or_init(|| self.times.with([Kind::NAMES[kind], name]))
    }
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
    /// Whether statuses are told apart whole, and not by their class.
    pub(super) whole_statuses: bool,
}

/// The route of a request for which the closure names none.
const UNMATCHED: &str = "unmatched";

/// The route of all requests beyond the limit.
const OTHER: &str = "other";

impl Instruments {
    /// How many counters of requests a route may have.
    pub(super) const fn most_requests(whole_statuses: bool) -> usize {
        Kind::NAMES.len() * End::count(whole_statuses)
    }

    pub(super) fn now(&self) -> Tick {
        self.clock.now()
    }

    pub(super) fn end(&self, status: StatusCode) -> End {
        End::of(status, self.whole_statuses)
    }

    pub(super) fn route(&self, head: RequestHead<'_>) -> Routed {
        let Requests::ByRoute(routes) = &self.requests else {
            return Routed::Rest;
        };
        let name = (routes.route)(head);
        name.map_or(Routed::Unmatched, |name| routes.find(name))
    }

    /// The response times of one method and route, which is taken in if there is room.
    pub(super) fn route_times(&self, method: &Method, route: &str) -> Option<Histogram> {
        let Requests::ByRoute(routes) = &self.requests else {
            return None;
        };
        let kind = Kind::of(method);
        let routed = match route {
            UNMATCHED => Routed::Unmatched,
            route => routes.find(route),
        };
        let (name, row) = routes.row(routed)?;
        routes.times(name, row, kind);
        // None where what was made is the overflow, which is of other routes as well.
        routes.times.get([Kind::NAMES[kind.0], name])
    }

    /// Records a request that has ended.
    pub(super) fn record(&self, ended: Ended) {
        let Ended {
            kind, end, failed, ..
        } = ended;
        let elapsed = nanoseconds(self.clock.now() - ended.begun);
        record(&self.times, elapsed, failed);
        let (method, status) = (Kind::NAMES[kind.0], end.name());
        match &self.requests {
            Requests::Together(requests) => self
                .rest
                .requests(kind, end, self.whole_statuses)
                .get_or_init(|| requests.with([method, status]))
                .increment(),
            Requests::ByRoute(routes) => {
                let (name, row) = routes.row(ended.routed).unwrap_or((OTHER, &self.rest));
                row.requests(kind, end, self.whole_statuses)
                    .get_or_init(|| routes.requests.with([method, name, status]))
                    .increment();
                // Or whoever tries all methods makes a histogram of each.
                let kind = if ended.refused { Kind::OTHER } else { kind };
                record(routes.times(name, row, kind), elapsed, failed);
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

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::End;

    #[test]
    fn every_status_is_told_by_itself_or_by_its_class() {
        let mut whole = 0;
        for code in 100..1000_u16 {
            let status = StatusCode::from_u16(code).unwrap();
            let class = match code / 100 {
                hundreds @ 1..=5 => format!("{hundreds}xx"),
                _ => "other".into(),
            };
            assert_eq!(End::of(status, false).name(), class);
            let end = End::of(status, true);
            assert!(end.0 < End::count(true));
            // What has a name in the crate `http` has one at IANA, but for the teapot.
            if status.canonical_reason().is_some() && code != 418 {
                assert_eq!(end.name(), status.as_str());
            }
            if end.name() == status.as_str() {
                whole += 1;
            } else {
                assert_eq!(end.name(), class);
            }
        }
        assert_eq!((whole, End::count(true)), (61, 70));
        for (end, name) in [
            (End::ERROR, "error"),
            (End::DROPPED, "dropped"),
            (End::PANICKED, "panicked"),
        ] {
            assert_eq!(end.name(), name);
        }
    }
}
