//! A kept form.

use std::fmt;
use std::sync::Arc;

use super::key::{Kept, Key};

/// An encoded form as an [`EncodedStore`](crate::EncodedStore) keeps it: a cheap handle that tells what it weighs.
///
/// It knows of which body it is a form, and only the [`EncodedCache`](crate::EncodedCache) gets at its bytes, after it has
/// compared. A store cannot mix up two bodies.
#[derive(Clone)]
pub struct EncodedForm(Arc<Inner>);

struct Inner {
    key: Kept,
    /// None if it is known that encoding would not shrink the body.
    encoded: Option<Arc<[u8]>>,
}

/// What a form takes besides its bytes, in memory of 64-bit machines: some 130 bytes in three allocations, and its place
/// in tables that may be four times as large as what is in them. A benchmark holds that it is not too little.
const OVERHEAD: u64 = 320;

impl EncodedForm {
    pub(super) fn new(key: &Key<'_>, encoded: Option<Vec<u8>>) -> Self {
        Self(Arc::new(Inner {
            key: key.keep(),
            encoded: encoded.map(Arc::from),
        }))
    }

    /// What the form takes in memory, in bytes: the encoded bytes, what it is recognised by, which may be the body, and
    /// 320 for itself and its place in a store.
    #[must_use]
    pub fn weight(&self) -> u64 {
        let encoded = self.0.encoded.as_ref().map_or(0, |encoded| encoded.len());
        Self::least_weight(&self.0.key.key()) + encoded as u64
    }

    /// What a form of this key takes if its encoded bytes are none.
    pub(super) fn least_weight(key: &Key<'_>) -> u64 {
        OVERHEAD + key.size() as u64
    }

    pub(super) fn is_of(&self, key: &Key<'_>) -> bool {
        self.0.key.key() == *key
    }

    /// The bytes, without what they were recognised by: a slow client keeps no more than it is sent.
    pub(super) fn encoded(&self) -> Option<Arc<[u8]>> {
        self.0.encoded.clone()
    }
}

// Without the bytes, which are somebody's data.
impl fmt::Debug for EncodedForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodedForm")
            .field("coding", &self.0.key.key().coding())
            .field("weight", &self.weight())
            .finish_non_exhaustive()
    }
}
