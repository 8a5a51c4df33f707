//! Whether a body deserves to be encoded.
//!
//! - `head`: what the decision may look at.
//! - `predicate`: the seam, one method, and how two of them combine.
//! - `protocol`: what HTTP forbids.
//! - `length`, `event_stream`, `media_type`: one consideration of worth each.
//! - `worthwhile`: the default bundle of those three.

mod event_stream;
mod head;
mod length;
mod media_type;
mod predicate;
mod protocol;
mod worthwhile;

pub use event_stream::NoEventStream;
pub use head::ResponseHead;
pub use length::MinimumLength;
pub use media_type::{MediaPattern, MediaTypes};
pub use predicate::{And, Predicate};
pub use worthwhile::Worthwhile;

use crate::{Coding, Negotiated, Reason};

/// What is to be done with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "the decision says whether to encode the body"]
pub enum Decision {
    /// Encode it so, and say so in Content-Encoding.
    Encode(Coding),
    /// Send it as it is.
    Leave(Reason),
}

impl Decision {
    /// Whether another Accept-Encoding could have led to another answer, so that the response needs
    /// `Vary: Accept-Encoding` (RFC 9110, section 12.5.5). The identity form of such a response needs it too, or a
    /// cache would give it to everyone.
    ///
    /// A body that is not worth it counts as the same for all clients, although one that refuses identity would get it
    /// encoded ([`Negotiated::Only`]): no picture should be kept twice for the sake of such a client.
    #[must_use]
    pub const fn depends_on_client(&self) -> bool {
        match self {
            Self::Encode(_) => true,
            Self::Leave(reason) => matches!(
                reason,
                Reason::ClientPrefersIdentity
                    | Reason::NotAcceptable
                    | Reason::WouldNotShrink { .. }
            ),
        }
    }
}

/// Decides whether a response is encoded.
///
/// Two kinds of reasons leave a body as it is. What **HTTP forbids** holds in every policy: a status without a body,
/// partial content, a body that is encoded already, `no-transform`. What is **not worth it** is up to the policy's
/// [`Predicate`]; the default, [`Worthwhile`], asks for 860 bytes or more, for a media type that compresses, and for
/// no server-sent events.
///
/// ```
/// use crm_compress::{AcceptEncoding, Coding, Decision, Policy, ResponseHead, negotiate};
///
/// let policy = Policy::default();
/// let accept = AcceptEncoding::parse(["gzip, deflate, br, zstd"]);
/// let negotiated = negotiate(&accept, &[Coding::Gzip, Coding::Deflate]);
///
/// let list = ResponseHead::new(200).media_type("application/json; charset=utf-8").length(65_132);
/// assert_eq!(policy.decide(&list, negotiated), Decision::Encode(Coding::Gzip));
///
/// let error = ResponseHead::new(404).media_type("application/problem+json").length(77);
/// let Decision::Leave(reason) = policy.decide(&error, negotiated) else { unreachable!() };
/// assert_eq!(reason.to_string(), "smaller than 860 bytes: 77");
/// ```
///
/// A consideration of one's own joins the others as a closure:
///
/// ```
/// use crm_compress::{Policy, Reason, ResponseHead};
///
/// let busy = true;
/// let policy = Policy::default()
///     .minimum_length(2_000)
///     .and(move |_: &ResponseHead<'_>| busy.then_some(Reason::Other("the service is overloaded")));
/// # let _ = policy;
/// ```
#[derive(Clone, Debug)]
pub struct Policy<P = Worthwhile> {
    predicate: P,
}

/// Only for the default predicate, so that `Policy::default()` needs no type beside it.
impl Default for Policy {
    fn default() -> Self {
        Self::new(Worthwhile::default())
    }
}

impl<P: Predicate> Policy<P> {
    /// A policy with `predicate` instead of the default considerations of worth. What HTTP forbids stays forbidden.
    pub fn new(predicate: P) -> Self {
        Self { predicate }
    }

    /// This policy, and what `other` objects to besides.
    #[must_use]
    pub fn and<O: Predicate>(self, other: O) -> Policy<And<P, O>> {
        Policy {
            predicate: self.predicate.and(other),
        }
    }

    /// What is to be done with the body of this response for this client.
    ///
    /// What HTTP forbids is asked first, then worth, then the client; the first objection is the reason. So a reason
    /// that lies with the client means that the response itself could have been encoded.
    ///
    /// Where the client refuses identity ([`Negotiated::Only`]), worth is not asked: the only form that the client
    /// accepts is the encoded one.
    pub fn decide(&self, head: &ResponseHead<'_>, negotiated: Negotiated) -> Decision {
        if let Some(reason) = protocol::objection(head) {
            return Decision::Leave(reason);
        }
        let objection = self.predicate.objection(head);
        match (objection, negotiated) {
            (None, Negotiated::Coding(Coding::Identity)) => {
                Decision::Leave(Reason::ClientPrefersIdentity)
            }
            (None, Negotiated::NotAcceptable) => Decision::Leave(Reason::NotAcceptable),
            (None, Negotiated::Coding(coding)) | (_, Negotiated::Only(coding)) => {
                Decision::Encode(coding)
            }
            (Some(reason), _) => Decision::Leave(reason),
        }
    }

    /// Whether the response needs `Vary: Accept-Encoding`, given the decision about it.
    ///
    /// This is [`Decision::depends_on_client`], except for a part of a response (206) and for the answer that it has not
    /// changed (304). Both have to carry the Vary that the whole would have had (RFC 9110, sections 15.3.7 and 15.4.5),
    /// so the question is whether the whole could have been encoded. Without a Content-Type the answer is yes, because
    /// a Vary too many costs a cache some room, and one too few gives a client what it cannot read.
    #[must_use]
    pub fn varies(&self, head: &ResponseHead<'_>, decision: Decision) -> bool {
        let part = match decision {
            Decision::Leave(Reason::Partial) => head.status() == 206,
            Decision::Leave(Reason::NoBody { status }) => status == 304,
            _ => false,
        };
        if !part {
            return decision.depends_on_client();
        }
        let whole = head.whole();
        protocol::objection(&whole).is_none()
            && (whole.content_type().is_none() || self.predicate.objection(&whole).is_none())
    }
}

impl Policy {
    /// Asks for bodies of at least `bytes`; 860 is the default, see [`MinimumLength`].
    #[must_use]
    pub fn minimum_length(mut self, bytes: u64) -> Self {
        self.predicate.length = MinimumLength(bytes);
        self
    }

    /// Asks for these media types instead of the default list.
    #[must_use]
    pub fn media_types(mut self, types: MediaTypes) -> Self {
        self.predicate.types = types;
        self
    }

    /// Whether streams of server-sent events may be encoded; the default is no. Whoever says yes flushes the encoder
    /// after each event.
    #[must_use]
    pub fn event_streams(mut self, encode: bool) -> Self {
        self.predicate.event_streams = encode;
        self
    }
}
