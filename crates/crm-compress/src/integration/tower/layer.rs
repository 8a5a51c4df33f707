//! The settings, and the layer that a router takes.

use std::sync::Arc;

use http::HeaderValue;
use tower_layer::Layer;

use super::service::Compress;
use crate::{Coding, HeaderRules, Level, MediaPattern, Policy, TagRule, Worthwhile};

/// What is offered when nothing else is said, the preferred first.
const OFFERS: &[Coding] = &[Coding::Gzip, Coding::Deflate];

/// A layer that encodes the responses of a service.
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
    /// Decides by this policy.
    #[must_use]
    pub fn policy<Q>(self, policy: Policy<Q>) -> CompressLayer<Q> {
        CompressLayer {
            policy: Arc::new(policy),
            settings: self.settings,
        }
    }

    /// Encodes at this level.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.settings.level = level;
        self
    }

    /// Encodes media types that match `pattern` at this level. Where several patterns match, the last one that was given
    /// counts.
    #[must_use]
    pub fn level_for(mut self, pattern: MediaPattern, level: Level) -> Self {
        self.settings.levels.insert(0, (pattern, level));
        self
    }

    /// Offers these codings and no others; among those that a client likes equally, the first one wins.
    #[must_use]
    pub fn codings(mut self, offers: impl IntoIterator<Item = Coding>) -> Self {
        self.settings.offers = offers.into_iter().collect();
        self
    }

    /// Makes the entity tags of encoded forms by this rule, and maps the conditions of requests back by it.
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
    /// it; 1 MiB is the default.
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
