//! The settings, and the layer that a router takes.

use std::sync::Arc;

use http::HeaderValue;
use tower_layer::Layer;

use super::service::Compress;
use crate::{Coding, HeaderRules, Level, MediaPattern, Policy, TagRule, Worthwhile};

/// What is offered when nothing else is said, the preferred first. The design notes say why in this order.
const OFFERS: &[Coding] = &[
    #[cfg(feature = "zstd")]
    Coding::Zstd,
    Coding::Gzip,
    #[cfg(feature = "brotli")]
    Coding::Brotli,
    Coding::Deflate,
];

/// A layer that encodes the responses of a service.
///
/// ```
/// use axum::{Router, routing::get};
/// use crm_compress::CompressLayer;
///
/// let app: Router = Router::new()
///     .route("/customers/{id}", get(|| async { "..." }))
///     .layer(CompressLayer::new());
/// ```
///
/// What it does with a request and its response:
///
/// 1. It negotiates, and maps If-None-Match, If-Match and If-Range back, so that the service finds its own entity tags in
///    them. This is [`Exchange::begin`](crate::Exchange::begin).
/// 2. It calls the service and asks the [`Policy`] about the answer. What is left is handed on without a look at its
///    body. Responses of gRPC are left by every policy.
/// 3. It polls a body that is to be encoded, once. **A body that is there at once and whole** is encoded as a whole, and
///    has an exact length; if it would not shrink, it goes out as it was. That is a body which ends after one frame, or one
///    which says its length and is ready to its end; of at most 1 MiB, see [`whole_up_to`](Self::whole_up_to).
/// 4. **Any other body streams**, by an [`EncodeBody`](crate::EncodeBody): what the source has yielded goes out when it
///    pauses. An error of the source, also one that came with the first look, ends the stream cut off.
/// 5. It makes all headers true, by [`Exchange::apply`](crate::Exchange::apply). A Content-Length is corrected; where
///    there was none, the server takes the length of the body. A HEAD request gets the headers of GET, also from a service
///    that leaves the body out; only the length may then be missing.
///
/// The work is done where the response is made, on the thread that polls it: about 4 µs for 1 KB, 20 µs for 10 KB and
/// 3 ms at 1 MiB. A service that is left has some 0.2 µs more to do. Beyond the output itself nothing is allocated, unless
/// the response has a Content-Length or an entity tag to be written anew.
///
/// The body of the service has to be [`Unpin`], as those of axum and hyper are; `Box::pin` makes any other so.
#[derive(Debug)]
pub struct CompressLayer<P = Worthwhile> {
    policy: Arc<Policy<P>>,
    settings: Settings,
}

/// What does not depend on the type of the policy.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) offers: Vec<Coding>,
    pub(super) headers: HeaderRules,
    pub(super) level: Level,
    /// The last one that was given comes first.
    pub(super) levels: Vec<(MediaPattern, Level)>,
    pub(super) refuse_unacceptable: bool,
    pub(super) record_decisions: bool,
    pub(super) whole_up_to: usize,
}

/// What all clones of a service share.
#[derive(Debug)]
pub(super) struct Shared<P> {
    pub(super) policy: Arc<Policy<P>>,
    pub(super) settings: Settings,
}

impl CompressLayer {
    /// The layer with the default [`Policy`] and [`Level::Balanced`], which offers every coding of this build.
    #[must_use]
    pub fn new() -> Self {
        Self {
            policy: Arc::new(Policy::default()),
            settings: Settings {
                offers: OFFERS.to_vec(),
                headers: HeaderRules::new(),
                level: Level::default(),
                levels: Vec::new(),
                refuse_unacceptable: false,
                record_decisions: false,
                whole_up_to: 1024 * 1024,
            },
        }
    }
}

impl Default for CompressLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> CompressLayer<P> {
    /// Decides by this policy instead of the default one.
    ///
    /// ```
    /// use crm_compress::{CompressLayer, Policy, Reason, ResponseHead};
    ///
    /// let layer = CompressLayer::new().policy(
    ///     Policy::default()
    ///         .minimum_length(500)
    ///         .and(|head: &ResponseHead<'_>| (head.status() >= 500).then_some(Reason::Other("in trouble"))),
    /// );
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn policy<Q>(self, policy: Policy<Q>) -> CompressLayer<Q> {
        CompressLayer {
            policy: Arc::new(policy),
            settings: self.settings,
        }
    }

    /// Encodes at this level instead of [`Level::Balanced`].
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.settings.level = level;
        self
    }

    /// Encodes media types that match `pattern` at this level. Where several patterns match, the last one that was given
    /// counts.
    ///
    /// ```
    /// use crm_compress::{CompressLayer, Level};
    ///
    /// let layer = CompressLayer::new().level_for("text/csv".parse()?, Level::Fastest); // large exports
    /// # let _ = layer;
    /// # Ok::<(), crm_compress::InvalidMediaPattern>(())
    /// ```
    #[must_use]
    pub fn level_for(mut self, pattern: MediaPattern, level: Level) -> Self {
        self.settings.levels.insert(0, (pattern, level));
        self
    }

    /// Offers these codings and no others; among those that a client likes equally, the first one wins.
    ///
    /// The default is zstd, gzip, br and deflate, as far as this build has them.
    #[must_use]
    pub fn codings(mut self, offers: impl IntoIterator<Item = Coding>) -> Self {
        self.settings.offers = offers.into_iter().collect();
        self
    }

    /// Makes the entity tags of encoded forms by this rule instead of [`TagRule::Suffix`], and maps the conditions of
    /// requests back by it.
    #[must_use]
    pub fn entity_tags(mut self, rule: TagRule) -> Self {
        self.settings.headers = self.settings.headers.tags(rule);
        self
    }

    /// Whether a request that accepts nothing that is offered, and refuses identity too, is answered by 406 before the
    /// service is called. The default is no: such a client gets identity.
    #[must_use]
    pub fn refuse_unacceptable(mut self, refuse: bool) -> Self {
        self.settings.refuse_unacceptable = refuse;
        self
    }

    /// Whether each response gets its [`Decision`](crate::Decision) among its extensions, for logs and figures. The default
    /// is no, because it costs three allocations; [`EncodedBody::decision`](super::EncodedBody::decision) costs none.
    #[must_use]
    pub fn record_decisions(mut self, record: bool) -> Self {
        self.settings.record_decisions = record;
        self
    }

    /// Encodes a body that is there at once as a whole if it has at most this number of bytes, and as a stream beyond
    /// it; 1 MiB is the default. That is also how much one response may hold before its head goes out, and how much work
    /// may be done for it without a pause.
    #[must_use]
    pub fn whole_up_to(mut self, bytes: usize) -> Self {
        self.settings.whole_up_to = bytes;
        self
    }
}

impl<P> Clone for CompressLayer<P> {
    fn clone(&self) -> Self {
        Self {
            policy: Arc::clone(&self.policy),
            settings: self.settings.clone(),
        }
    }
}

impl<S, P> Layer<S> for CompressLayer<P> {
    type Service = Compress<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Compress::new(
            inner,
            Arc::new(Shared {
                policy: Arc::clone(&self.policy),
                settings: self.settings.clone(),
            }),
        )
    }
}

impl Settings {
    /// The level for this Content-Type.
    pub(super) fn level(&self, content_type: Option<&HeaderValue>) -> Level {
        if self.levels.is_empty() {
            return self.level;
        }
        content_type
            .and_then(|value| value.to_str().ok())
            .and_then(|value| {
                let includes = |rule: &&(MediaPattern, Level)| rule.0.includes(value);
                self.levels.iter().find(includes)
            })
            .map_or(self.level, |(_, level)| *level)
    }
}
