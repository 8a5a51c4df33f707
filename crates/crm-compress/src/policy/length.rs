//! Bodies that are too small to gain anything.

use crate::{Predicate, Reason, ResponseHead};

/// Objects to a body below this number of bytes. A body whose length is not known in advance passes.
///
/// The default is 860. A segment on an Ethernet path carries 1460 bytes, the head of a typical response takes up to
/// 600 of them, and what fits into the rest leaves in the same packet whether it is encoded or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinimumLength(
    /// The least length in bytes.
    pub u64,
);

impl Default for MinimumLength {
    fn default() -> Self {
        Self(860)
    }
}

impl Predicate for MinimumLength {
    fn objection(&self, head: &ResponseHead<'_>) -> Option<Reason> {
        let minimum = self.0;
        head.body_length()
            .filter(|&length| length < minimum)
            .map(|length| Reason::TooSmall { length, minimum })
    }
}
