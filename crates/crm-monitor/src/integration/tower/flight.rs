//! One request on its way, and how it ended.

use std::sync::Arc;

use http::{Request, StatusCode};

use super::head::RequestHead;
use super::instruments::{End, Ended, Instruments, Kind, Routed};
use crate::{InFlight, InFlightGuard};

/// A request from the call to the end of its answer. Its end, whichever it is, is where it is dropped: what it says
/// then is recorded, so that no path out of the service is left out.
#[derive(Debug)]
pub(super) struct Flight {
    instruments: Arc<Instruments>,
    ended: Ended,
    /// Whether an answer of this status has no body.
    bodiless: bool,
    /// Whether an end now would cut the body off.
    cut: bool,
    _inside: InFlightGuard<InFlight>,
}

impl Flight {
    /// A request that is being handed to the service. Should the service panic meanwhile, that is how it ends.
    pub(super) fn begin<B>(instruments: &Arc<Instruments>, request: &Request<B>) -> Self {
        let mut flight = Self {
            ended: Ended {
                begun: instruments.now(),
                kind: Kind::of(request.method()),
                routed: Routed::Rest,
                end: End::PANICKED,
                failed: true,
                refused: false,
            },
            bodiless: false,
            cut: false,
            _inside: instruments.in_flight.enter_owned(),
            instruments: Arc::clone(instruments),
        };
        flight.ended.routed = instruments.route(RequestHead::of(request));
        flight
    }

    /// The service runs. Should it not come back, it has panicked.
    pub(super) fn enter(&mut self) {
        self.ended.end = End::PANICKED;
    }

    /// The service waits. Should nobody come back to it, it was dropped.
    pub(super) fn leave(&mut self) {
        self.ended.end = End::DROPPED;
    }

    /// The service has failed.
    pub(super) fn error(mut self) {
        self.ended.end = End::ERROR;
    }

    /// The service has answered.
    pub(super) fn answered(&mut self, status: StatusCode) {
        let unknown = [StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED];
        self.ended.end = self.instruments.end(status);
        self.ended.refused = unknown.contains(&status);
        // Whatever is no answer is a failure; an answer is one by its status.
        self.ended.failed = status.is_server_error();
        let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
        self.bodiless = status.is_informational() || bodiless.contains(&status);
    }

    /// Whether the answer has a body which a client gets at all.
    pub(super) fn carries_body(&self) -> bool {
        self.ended.kind != Kind::HEAD && !self.bodiless
    }

    /// Whether an end before the body's own end cuts it off.
    pub(super) fn set_cut(&mut self, cut: bool) {
        self.cut = cut;
    }

    /// The body has failed.
    pub(super) fn broken(&mut self) {
        self.cut = false;
        self.ended.failed = true;
    }

    /// The body runs. Should it not come back, it has panicked; otherwise what is returned is to be given to
    /// [`resume`](Self::resume).
    pub(super) fn suspect(&mut self) -> (bool, bool) {
        (
            std::mem::replace(&mut self.ended.failed, true),
            std::mem::take(&mut self.cut),
        )
    }

    /// The body has come back.
    pub(super) fn resume(&mut self, (failed, cut): (bool, bool)) {
        self.ended.failed = failed;
        self.cut = cut;
    }

    pub(super) fn count_bytes(&self, bytes: u64) {
        self.instruments.response_bytes.add(bytes);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.instruments.record(self.ended);
        if self.cut {
            self.instruments.responses_cut.increment();
        }
    }
}
