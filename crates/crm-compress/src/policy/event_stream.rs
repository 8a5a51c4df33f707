//! Streams of server-sent events.

use crate::policy::media_type::essence;
use crate::{Predicate, Reason, ResponseHead};

/// Objects to `text/event-stream`: an event is small, has to arrive at once, and gains little from an encoder that is
/// flushed after each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoEventStream;

impl Predicate for NoEventStream {
    fn objection(&self, head: &ResponseHead<'_>) -> Option<Reason> {
        let (kind, subtype) = essence(head.content_type()?)?;
        (kind.eq_ignore_ascii_case("text") && subtype.eq_ignore_ascii_case("event-stream"))
            .then_some(Reason::EventStream)
    }
}
