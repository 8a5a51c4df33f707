//! What a service holds to encode each body once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::quality::RandomState;

use super::bounded::Bounded;
use super::key::Key;
use super::{EncodedForm, EncodedStats, EncodedStore, Identity};
use crate::{Coding, Level, Reason, encode_if_smaller};

/// Encodes a body once, and answers with the kept form when it is to be sent again.
///
/// ```
/// use crm_compress::{Coding, EncodedCache, Identity, Level};
///
/// let forms = EncodedCache::new(64 << 20); // bytes; made once
///
/// let json = br#"{"id":7,"name":"Ada"}"#.repeat(100);
/// let form = forms.encode(Coding::Gzip, Level::Smallest, Identity::body(), &json)?;
/// let again = forms.encode(Coding::Gzip, Level::Smallest, Identity::body(), &json)?; // not encoded again
/// assert_eq!(form, again);
/// assert_eq!(forms.stats().hits, 1);
/// # Ok::<(), crm_compress::Reason>(())
/// ```
///
/// The form is an `Arc<[u8]>`, which `Bytes::from_owner` takes without a copy. That a body would not shrink is kept too, and
/// not tried again. Since a form is made once and sent often, [`Level::Smallest`] is often the right one.
///
/// # No body is mistaken for another
///
/// By [`Identity::body`] a kept form is used only after the whole body was compared with the one it was made from. By
/// [`Identity::tag`] the resource, the tag and the body's length are compared; that these name one body is the caller's word.
///
/// # Bounds
///
/// What [`EncodedCache::new`] keeps, the bodies by which forms are recognised, tables and overhead included, takes never
/// more than the limit. A form that takes more than a sixteenth of the limit is not kept. Forms that are being sent live on
/// until they are sent, without the body.
///
/// # Concurrency
///
/// Share it by reference or in an `Arc`. Encoding and comparing run under no lock. Threads that miss the same body at the same
/// moment each encode it, and the first form stays; a store that lets them wait for one is in `crm-perf`. An encoder
/// that panics leaves nothing behind.
///
/// A hit is faster than a miss, and whoever can time answers can tell whether the same body was sent to anyone lately. Where
/// that is a secret, give each tenant a cache of its own, or do not cache.
pub struct EncodedCache {
    store: Store,
    seed: RandomState,
    counts: Counts,
}

/// On cache lines of their own: every call writes here, and reads what stands beside it.
#[derive(Default)]
#[repr(align(128))]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    collisions: AtomicU64,
    reused_bytes: AtomicU64,
}

impl Counts {
    fn hit(&self, length: usize) {
        self.hits.fetch_add(1, Ordering::Relaxed);
        self.reused_bytes
            .fetch_add(length as u64, Ordering::Relaxed);
    }

    fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    fn collision(&self) {
        self.collisions.fetch_add(1, Ordering::Relaxed);
    }
}

enum Store {
    Own(Bounded),
    Other(Box<dyn EncodedStore>),
}

impl EncodedCache {
    /// A cache whose forms take at most `limit` bytes. With a limit of zero it keeps nothing, and encodes each body.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self::with(Store::Own(Bounded::new(limit)))
    }

    /// A cache that keeps its forms in this store.
    #[must_use]
    pub fn over(store: impl EncodedStore + 'static) -> Self {
        Self::with(Store::Other(Box::new(store)))
    }

    fn with(store: Store) -> Self {
        Self {
            store,
            seed: RandomState::default(),
            counts: Counts::default(),
        }
    }

    /// The body's encoded form, as [`encode_if_smaller`] makes it.
    ///
    /// # Errors
    ///
    /// [`Reason::WouldNotShrink`] when the coding does not get below the body's own length; send the body as it is.
    /// Identity never does.
    ///
    /// # Panics
    ///
    /// For a [`Coding`] that needs a dictionary, which is `dcz`: give its encoder to [`encode_with`](Self::encode_with).
    pub fn encode(
        &self,
        coding: Coding,
        level: Level,
        identity: Identity<'_>,
        body: &[u8],
    ) -> Result<Arc<[u8]>, Reason> {
        self.encode_with(coding, level, identity, body, || {
            encode_if_smaller(coding, level, body).ok()
        })
    }

    /// The body's encoded form, made by an encoder of the caller's if it is not kept: padded, by a dictionary, by another
    /// library. `None` from it means that the body would not shrink.
    ///
    /// Forms that `encode` makes in another way than [`encode`](Self::encode) does must have a
    /// [variant](Identity::variant) of their own. It runs under no lock, and at most twice.
    ///
    /// # Errors
    ///
    /// [`Reason::WouldNotShrink`] when `encode` has said so, now or for this body before. For [`Coding::Identity`] always,
    /// without a call of `encode`.
    ///
    /// # Panics
    ///
    /// If `encode` does; nothing is kept then.
    pub fn encode_with(
        &self,
        coding: Coding,
        level: Level,
        identity: Identity<'_>,
        body: &[u8],
        encode: impl Fn() -> Option<Vec<u8>>,
    ) -> Result<Arc<[u8]>, Reason> {
        let key = Key::new(coding, level, identity, body);
        let encoded = if coding == Coding::Identity {
            None
        } else {
            self.form(&key, encode)
        };
        encoded.ok_or(Reason::WouldNotShrink {
            coding,
            length: body.len() as u64,
        })
    }

    fn form(&self, key: &Key<'_>, encode: impl Fn() -> Option<Vec<u8>>) -> Option<Arc<[u8]>> {
        let store: &dyn EncodedStore = match &self.store {
            // What cannot be kept need not be looked for.
            Store::Own(store) if !store.admits(EncodedForm::least_weight(key)) => {
                self.counts.miss();
                return encode().map(Arc::from);
            }
            Store::Own(store) => store,
            Store::Other(store) => &**store,
        };
        let mut made: Option<EncodedForm> = None;
        let mut missed = false;
        let form = store.get_or_make(key.number(&self.seed), &mut || {
            if !missed {
                missed = true;
                self.counts.miss();
            }
            let form = EncodedForm::new(key, encode());
            made = Some(form.clone());
            form
        });
        if form.is_of(key) {
            if !missed {
                self.counts.hit(key.length());
            }
            return form.encoded();
        }
        // Another body has the same number. It keeps its place, and this one goes without.
        self.counts.collision();
        match made {
            Some(made) => made.encoded(),
            None => {
                self.counts.miss();
                encode().map(Arc::from)
            }
        }
    }

    /// What was counted so far. Counts of calls that run at the moment may be there in part.
    #[must_use]
    pub fn stats(&self) -> EncodedStats {
        let counts = &self.counts;
        EncodedStats {
            hits: counts.hits.load(Ordering::Relaxed),
            misses: counts.misses.load(Ordering::Relaxed),
            collisions: counts.collisions.load(Ordering::Relaxed),
            reused_bytes: counts.reused_bytes.load(Ordering::Relaxed),
            held: match &self.store {
                Store::Own(store) => Some(store.held()),
                Store::Other(_) => None,
            },
        }
    }
}

// Without the seed, which is nobody's business.
impl fmt::Debug for EncodedCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodedCache")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
