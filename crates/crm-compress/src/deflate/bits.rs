//! Bits on their way into bytes, the least significant first.

/// Writes bits into a slice that has room for them.
#[derive(Debug)]
pub(crate) struct BitWriter<'a> {
    output: &'a mut [u8],
    at: usize,
    bits: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    /// How many bytes beyond the last bit the slice must have, because whole words are written.
    pub(crate) const SLACK: usize = 8;

    /// A writer that goes on after `pending`, some bits that were left over.
    pub(crate) fn new(output: &'a mut [u8], pending: Pending) -> Self {
        Self {
            output,
            at: 0,
            bits: pending.bits.into(),
            count: pending.count,
        }
    }

    /// Takes the `count` low bits of `bits`; the others are zero. Between two calls of [`flush`](Self::flush) there is
    /// room for 57 bits.
    #[inline]
    pub(crate) fn put(&mut self, bits: u64, count: u32) {
        debug_assert!(self.count + count <= 64 && bits.checked_shr(count).unwrap_or(0) == 0);
        self.bits |= bits << self.count;
        self.count += count;
    }

    /// Writes out whole bytes, so that less than eight bits wait.
    #[inline]
    pub(crate) fn flush(&mut self) {
        self.output[self.at..self.at + 8].copy_from_slice(&self.bits.to_le_bytes());
        let bytes = self.count / 8;
        self.at += bytes as usize;
        self.bits = self.bits.checked_shr(bytes * 8).unwrap_or(0);
        self.count %= 8;
    }

    /// How many bytes have been written, and the bits that wait for company.
    pub(crate) fn finish(mut self) -> (usize, Pending) {
        self.flush();
        let pending = Pending {
            bits: self.bits as u8,
            count: self.count,
        };
        (self.at, pending)
    }
}

/// Less than eight bits, which do not fill a byte yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pending {
    bits: u8,
    count: u32,
}

impl Pending {
    /// How many bits wait.
    pub(crate) fn count(self) -> u32 {
        self.count
    }

    /// The byte that they make when zeros fill it, if there are any.
    pub(crate) fn padded(self) -> Option<u8> {
        (self.count > 0).then_some(self.bits)
    }
}
