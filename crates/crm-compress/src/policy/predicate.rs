//! The seam: one consideration, and how two combine.

use crate::{Reason, ResponseHead};

/// One consideration of whether a body is worth encoding.
///
/// Closures `Fn(&ResponseHead<'_>) -> Option<Reason>` implement it; [`Reason::Other`] takes words of one's own.
///
/// ```
/// use crm_compress::{MinimumLength, NoEventStream, Policy, Predicate, ResponseHead};
///
/// // No list of media types: whatever is long enough, and no event stream.
/// let policy = Policy::new(MinimumLength(1_400).and(NoEventStream));
/// # let _ = policy;
/// assert!(MinimumLength(1_400).objection(&ResponseHead::new(200).length(1_399)).is_some());
/// ```
pub trait Predicate {
    /// Why the body is better left as it is, or `None` when nothing speaks against encoding it.
    fn objection(&self, head: &ResponseHead<'_>) -> Option<Reason>;

    /// Objects when this predicate does, and otherwise when `other` does.
    fn and<O: Predicate>(self, other: O) -> And<Self, O>
    where
        Self: Sized,
    {
        And {
            first: self,
            second: other,
        }
    }
}

impl<F> Predicate for F
where
    F: Fn(&ResponseHead<'_>) -> Option<Reason>,
{
    fn objection(&self, head: &ResponseHead<'_>) -> Option<Reason> {
        self(head)
    }
}

/// Two predicates, made by [`Predicate::and`]: the first objection counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct And<A, B> {
    first: A,
    second: B,
}

impl<A: Predicate, B: Predicate> Predicate for And<A, B> {
    fn objection(&self, head: &ResponseHead<'_>) -> Option<Reason> {
        self.first
            .objection(head)
            .or_else(|| self.second.objection(head))
    }
}
