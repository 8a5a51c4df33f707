//! How a body is encoded: all that its form depends on beside itself.

#[cfg(feature = "dcz")]
use crate::Dictionary;
#[cfg(not(feature = "dcz"))]
use crate::session::Dictionary;
use crate::{Coding, Level, Padding, Reason, body};

/// All that a form depends on beside the body.
#[derive(Clone, Copy)]
pub(super) struct Encoding<'a> {
    pub(super) coding: Coding,
    pub(super) level: Level,
    pub(super) padding: Option<&'a Padding>,
    /// For dcz alone.
    pub(super) dictionary: Option<&'a Dictionary>,
}

/// The room for what tells forms apart.
pub(super) type Variant = [u8; 18 + 32];

impl Encoding<'_> {
    pub(super) fn encode(&self, bytes: &[u8]) -> Vec<u8> {
        let Self { coding, level, .. } = *self;
        match self.padding {
            Some(padding) => padding.encode_with(self.dictionary, coding, level, bytes),
            None => body::encode_with(self.dictionary, coding, level, bytes),
        }
    }

    pub(super) fn encode_if_smaller(&self, bytes: &[u8]) -> Result<Vec<u8>, Reason> {
        let Self { coding, level, .. } = *self;
        match self.padding {
            Some(padding) => padding.encode_if_smaller_with(self.dictionary, coding, level, bytes),
            None => body::encode_if_smaller_with(self.dictionary, coding, level, bytes),
        }
    }

    /// What tells this form from others of the same coding and level: the padding, and the hash of the dictionary. Both
    /// have lengths of their own, so that neither is taken for the other.
    pub(super) fn variant<'a>(&self, room: &'a mut Variant) -> &'a [u8] {
        let mut length = 0;
        if let Some(padding) = self.padding {
            let identity = padding.identity();
            room[..identity.len()].copy_from_slice(&identity);
            length = identity.len();
        }
        #[cfg(feature = "dcz")]
        if let Some(dictionary) = self.dictionary {
            let hash = dictionary.hash();
            room[length..length + hash.len()].copy_from_slice(&hash);
            length += hash.len();
        }
        &room[..length]
    }
}
