//! The settings, and the layer that a router takes.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use tower_layer::Layer;

use super::kept::Kept;
use super::service::Compress;
#[cfg(feature = "dcz")]
use crate::Dictionary;
#[cfg(not(feature = "dcz"))]
use crate::session::Dictionary;
use crate::{
    Coding, EncodedCache, HeaderRules, Level, MediaPattern, Padding, Policy, TagRule, Worthwhile,
};

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
/// A [`cache`](Self::cache) spares the third step its work for a body that was sent before.
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
    /// Without dcz.
    pub(super) offers: Vec<Coding>,
    /// What a client is offered that has one of the dictionaries.
    pub(super) offers_with_dictionary: Vec<Coding>,
    pub(super) dictionaries: Vec<Dictionary>,
    pub(super) kept: Option<Kept>,
    /// Whether bodies are recognised by their tag.
    pub(super) kept_by_tag: bool,
    pub(super) padding: Option<Padding>,
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
                offers_with_dictionary: with_dictionary(OFFERS),
                dictionaries: Vec::new(),
                kept: None,
                kept_by_tag: false,
                padding: None,
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
    /// The default is zstd, gzip, br and deflate, as far as this build has them. `Coding::Dcz` need not be named, and is
    /// not offered for that: it comes with its `dictionary`, and then before all others.
    #[must_use]
    pub fn codings(mut self, offers: impl IntoIterator<Item = Coding>) -> Self {
        let with_dictionary = with_dictionary(&[]);
        let mut offers: Vec<Coding> = offers.into_iter().collect();
        offers.retain(|offer| !with_dictionary.contains(offer));
        self.settings.offers_with_dictionary = [with_dictionary, offers.clone()].concat();
        self.settings.offers = offers;
        self
    }

    /// Offers `dcz` (RFC 9842) to clients that hold this dictionary, before every other coding.
    ///
    /// Those are the clients whose request names it in Available-Dictionary, and `dcz` in Accept-Encoding. Every response
    /// that may be encoded then varies by both fields, and the tag of an encoded form says by which dictionary it was.
    /// A service may have several dictionaries, one for each kind of record, or an older one beside the newest: this is
    /// called for each of them. How a client comes to hold one is said at [`Dictionary`].
    ///
    /// ```
    /// use crm_compress::{CompressLayer, Dictionary};
    ///
    /// let orders = Dictionary::new(r#"{"id":,"customer":,"city":"London","currency":"EUR","status":"shipped"}"#)?;
    /// let layer = CompressLayer::new().dictionary(orders);
    /// # let _ = layer;
    /// # Ok::<(), crm_compress::DictionaryError>(())
    /// ```
    #[cfg(feature = "dcz")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dcz")))]
    #[must_use]
    pub fn dictionary(mut self, dictionary: Dictionary) -> Self {
        self.settings.headers = self.settings.headers.dictionaries();
        self.settings.dictionaries.push(dictionary);
        self
    }

    /// Encodes each whole body once, and sends the kept form when the same body comes again.
    ///
    /// A body is recognised by its bytes, all of which are compared: none is mistaken for another, whoever asks and
    /// whatever the headers say. The cache may serve several layers. Since a form is then made once and sent often, a
    /// [`level`](Self::level) of [`Level::Smallest`] is often the right one. Streams are not kept.
    ///
    /// ```
    /// use crm_compress::{CompressLayer, EncodedCache, Level};
    /// use std::sync::Arc;
    ///
    /// let forms = Arc::new(EncodedCache::new(64 << 20)); // bytes
    /// let layer = CompressLayer::new().cache(Arc::clone(&forms)).level(Level::Smallest);
    /// # let _ = layer;
    /// println!("{:?}", forms.stats());
    /// ```
    ///
    /// That a body was sent lately shows in the time of the answer; see [`EncodedCache`].
    #[must_use]
    pub fn cache(mut self, forms: Arc<EncodedCache>) -> Self {
        self.settings.kept = Some(Kept::new(forms));
        self
    }

    /// Whether the [`cache`](Self::cache) recognises a body by its strong entity tag instead of its bytes. The default is
    /// no.
    ///
    /// A kept form is then found without a look at the body, which pays from some 10 KB on, and the body is not kept
    /// beside it. The resource that the tag is of is the host and the URI with its query.
    ///
    /// # This can send one customer the data of another
    ///
    /// It does when one URI answers two customers with different bodies **of the same tag and length**, as a service does
    /// that makes tags of a row's version and shows each customer another part of the row. Say yes only if that cannot be.
    /// The layer must also see the whole URI: it belongs around the outermost router, since one that is nested in another
    /// sees a URI without its prefix.
    ///
    /// What may be for one client alone is recognised by its bytes nevertheless: answers to requests with Authorization or
    /// Cookie, or by another method than GET and HEAD, answers with Set-Cookie or with another status than 200, with
    /// `Cache-Control: private` or `no-store`, and with a Vary that names more than Accept-Encoding and
    /// Available-Dictionary.
    #[must_use]
    pub fn cache_by_tag(mut self, by_tag: bool) -> Self {
        self.settings.kept_by_tag = by_tag;
        self
    }

    /// Hides the exact length of whole encoded bodies; [`Padding`] says against what, and what it does not prevent.
    ///
    /// **A stream is not padded**: where its source pauses shows its length on the line before its end is known. What has
    /// secrets should therefore be whole, and no longer than [`whole_up_to`](Self::whole_up_to). Servers that answer for one
    /// another share a [key](Padding::key), also because the same strong tag means the same bytes.
    #[must_use]
    pub fn padding(mut self, padding: Padding) -> Self {
        self.settings.padding = Some(padding);
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

/// These offers behind dcz, if this build has it.
fn with_dictionary(offers: &[Coding]) -> Vec<Coding> {
    let dcz: &[Coding] = &[
        #[cfg(feature = "dcz")]
        Coding::Dcz,
    ];
    [dcz, offers].concat()
}

impl Settings {
    /// Which of the dictionaries the client has, and what it is offered.
    pub(super) fn offered(
        &self,
        headers: &HeaderMap,
    ) -> (Option<Dictionary>, HeaderRules, &[Coding]) {
        let dictionary = self.available(headers);
        #[cfg(feature = "dcz")]
        if let Some(dictionary) = dictionary {
            let rules = self.headers.dictionary(&dictionary.hash());
            return (
                Some(dictionary.clone()),
                rules,
                &self.offers_with_dictionary,
            );
        }
        (dictionary.cloned(), self.headers, &self.offers)
    }

    /// The dictionary that Available-Dictionary names; of several lines, none counts.
    fn available(&self, headers: &HeaderMap) -> Option<&Dictionary> {
        if self.dictionaries.is_empty() {
            return None;
        }
        #[cfg(feature = "dcz")]
        {
            let mut lines = headers.get_all("available-dictionary").iter();
            let (Some(line), None) = (lines.next(), lines.next()) else {
                return None;
            };
            let hash = crate::available_dictionary(line.as_bytes())?;
            self.dictionaries
                .iter()
                .find(|dictionary| dictionary.hash() == hash)
        }
        #[cfg(not(feature = "dcz"))]
        {
            let _ = headers;
            None
        }
    }

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
