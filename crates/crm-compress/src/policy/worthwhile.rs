//! The default bundle of considerations.

use crate::{MediaTypes, MinimumLength, NoEventStream, Predicate, Reason, ResponseHead};

/// What a default [`Policy`](crate::Policy) asks for: [`MinimumLength`], [`NoEventStream`], [`MediaTypes`], in this
/// order. The setters of the policy change them.
#[derive(Clone, Debug, Default)]
pub struct Worthwhile {
    pub(super) length: MinimumLength,
    pub(super) event_streams: bool,
    pub(super) types: MediaTypes,
}

impl Predicate for Worthwhile {
    fn objection(&self, head: &ResponseHead<'_>) -> Option<Reason> {
        if let Some(reason) = self.length.objection(head) {
            return Some(reason);
        }
        match NoEventStream.objection(head) {
            // Who asked for event streams has spoken of their media type too; the list need not name it again.
            Some(_) if self.event_streams => None,
            Some(reason) => Some(reason),
            None => self.types.objection(head),
        }
    }
}
