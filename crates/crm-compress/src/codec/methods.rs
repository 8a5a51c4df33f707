//! What every coding with a type of its own can do.

/// Gives a type with the field `level` the methods that all codings have.
macro_rules! methods {
    ($type:ident, $coding:expr) => {
        impl $type {
            /// This coding at another level than [`Level::Balanced`](crate::Level::Balanced).
            #[must_use]
            pub const fn level(mut self, level: $crate::Level) -> Self {
                self.level = level;
                self
            }

            /// The encoded body; see [`encode`](crate::encode).
            #[must_use]
            pub fn encode(self, body: &[u8]) -> Vec<u8> {
                $crate::body::encode($coding, self.level, body)
            }

            /// Appends the encoded body to `output`; see [`encode_into`](crate::encode_into).
            pub fn encode_into(self, body: &[u8], output: &mut Vec<u8>) {
                $crate::body::encode_into($coding, self.level, body, output);
            }

            /// The encoded body, if it is smaller; see [`encode_if_smaller`](crate::encode_if_smaller).
            ///
            /// # Errors
            ///
            /// [`Reason::WouldNotShrink`](crate::Reason::WouldNotShrink) when it is not.
            pub fn encode_if_smaller(self, body: &[u8]) -> Result<Vec<u8>, $crate::Reason> {
                $crate::body::encode_if_smaller($coding, self.level, body)
            }

            /// An encoder that writes to `writer`.
            pub fn encoder<W: std::io::Write>(self, writer: W) -> $crate::Encoder<W> {
                $crate::Encoder::new($coding, self.level, writer)
            }

            /// An encoder that reads from `reader`.
            pub fn read_encoder<R: std::io::Read>(self, reader: R) -> $crate::ReadEncoder<R> {
                $crate::ReadEncoder::new($coding, self.level, reader)
            }
        }
    };
}
pub(super) use methods;
