//! The choice of a coding: what the client takes against what the server offers.

use crate::{AcceptEncoding, Coding};

/// What [`negotiate`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "the result says which coding the client gets"]
pub enum Negotiated {
    /// The client likes this coding best, and takes identity too. It may be [`Coding::Identity`] itself.
    Coding(Coding),
    /// The client likes this coding best, and **refuses identity**: a body that would otherwise go out as it is, being
    /// too small for example, has to be encoded for this client.
    Only(Coding),
    /// Nothing that is offered is acceptable, and identity is excluded. RFC 9110 permits an answer with 406, and
    /// equally one with identity that disregards the field; the choice is the caller's.
    NotAcceptable,
}

impl Negotiated {
    /// The coding, unless nothing is acceptable.
    #[inline]
    #[must_use]
    pub const fn coding(self) -> Option<Coding> {
        match self {
            Self::Coding(coding) | Self::Only(coding) => Some(coding),
            Self::NotAcceptable => None,
        }
    }

    /// The coding, and identity where nothing is acceptable: the choice of a server that would rather answer than
    /// send a 406.
    #[inline]
    #[must_use]
    pub const fn or_identity(self) -> Coding {
        match self {
            Self::Coding(coding) | Self::Only(coding) => coding,
            Self::NotAcceptable => Coding::Identity,
        }
    }
}

/// The coding that the client prefers among those that the server offers (RFC 9110, section 12.5.3).
///
/// - The greatest weight wins. **Among equal weights the order of `offers` decides**, whatever the client's order.
/// - Identity need not be offered, it is always there. It stands last among equals, unless `offers` names it at another
///   place. An identity of which the client does not speak is acceptable, but only taken when nothing else is.
///   An identity with a greater weight than every coding wins.
/// - A request without the field gets identity; [`AcceptEncoding::is_absent`] says why.
///
/// It is a pure function, without allocation, in time linear in the number of offers.
///
/// ```
/// use crm_compress::{AcceptEncoding, Coding, Negotiated, negotiate};
///
/// const OFFERS: [Coding; 2] = [Coding::Gzip, Coding::Deflate];
///
/// let browser = AcceptEncoding::parse(["gzip, deflate, br, zstd"]);
/// assert_eq!(negotiate(&browser, &OFFERS), Negotiated::Coding(Coding::Gzip));
///
/// let modest = AcceptEncoding::parse(["gzip;q=0.1, identity;q=0.5"]);
/// assert_eq!(negotiate(&modest, &OFFERS), Negotiated::Coding(Coding::Identity));
///
/// let strict = AcceptEncoding::parse(["br, identity;q=0"]);
/// assert_eq!(negotiate(&strict, &OFFERS), Negotiated::NotAcceptable);
/// ```
pub fn negotiate(accept: &AcceptEncoding, offers: &[Coding]) -> Negotiated {
    let mut best = None;
    let mut best_weight = 0;
    // An absent field gives no weight to anything, so that nothing but identity can win.
    // Identity comes once more at the end, for offers that do not name it; a repetition cannot win against itself.
    for &offer in offers.iter().chain([&Coding::Identity]) {
        let weight = accept.weight(offer).unwrap_or(0);
        // Only a greater weight takes the place, so that the first of equals keeps it; a weight of zero never does.
        if weight > best_weight {
            best = Some(offer);
            best_weight = weight;
        }
    }
    match (best, accept.accepts(Coding::Identity)) {
        (Some(coding), true) => Negotiated::Coding(coding),
        (Some(coding), false) => Negotiated::Only(coding),
        (None, true) => Negotiated::Coding(Coding::Identity),
        (None, false) => Negotiated::NotAcceptable,
    }
}
