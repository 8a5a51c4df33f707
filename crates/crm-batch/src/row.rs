//! Rows that the workers encode: the bytes of a chunk's outputs, one behind the other.

use std::fmt;
use std::io;

/// The row that is being made of one record; made by [`Job::encode`](crate::Job::encode).
///
/// It can be written to by `write!`, both of [`io::Write`] and of [`fmt::Write`], neither of which can fail. It lies
/// behind the other rows of its chunk, in memory that is used again for later chunks, so that a row is no allocation.
pub struct Row<'b> {
    bytes: &'b mut Vec<u8>,
    start: usize,
}

impl Row<'_> {
    /// Adds a byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Adds bytes.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds a text.
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Takes back all but the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(self.start.saturating_add(len));
    }

    /// What there is of it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// The same, to be changed in place.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }

    /// Bytes that it has.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Whether nothing has been added: a record whose row stays empty is filtered.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl io::Write for Row<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Write for Row<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("len", &self.len()).finish()
    }
}

/// What the outputs of a chunk lie in together.
pub trait Buffer: Default + Send {
    /// Forgets them, and keeps the memory.
    fn clear(&mut self);
}

impl Buffer for () {
    #[inline]
    fn clear(&mut self) {}
}

/// The rows of a chunk.
#[derive(Debug, Default)]
pub struct Bytes(Vec<u8>);

/// Where a row lies among them.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    start: usize,
    end: usize,
}

impl Bytes {
    /// Makes a row by `encode`; `None` when it stays empty. What a failure leaves of a row is taken back.
    #[inline]
    pub(crate) fn add<E>(
        &mut self,
        encode: impl FnOnce(&mut Row<'_>) -> Result<(), E>,
    ) -> Result<Option<Span>, E> {
        let start = self.0.len();
        let mut row = Row {
            bytes: &mut self.0,
            start,
        };
        if let Err(error) = encode(&mut row) {
            self.0.truncate(start);
            return Err(error);
        }
        let end = self.0.len();
        Ok((end > start).then_some(Span { start, end }))
    }

    #[inline]
    pub(crate) fn row(&self, row: Span) -> &[u8] {
        &self.0[row.start..row.end]
    }
}

impl Buffer for Bytes {
    #[inline]
    fn clear(&mut self) {
        self.0.clear();
    }
}
