//! Where blocks go: the output, the bits that do not fill a byte yet, and the length that must not be exceeded.

use super::bits::{BitWriter, Pending};

/// The end of the output.
#[derive(Debug)]
pub(crate) struct Sink<'a> {
    output: &'a mut Vec<u8>,
    /// The most bytes that the output may have.
    limit: usize,
    pending: Pending,
}

/// Something came to more than there is room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLarge;

/// The most bytes in one stored block.
const STORED: usize = 0xffff;

impl<'a> Sink<'a> {
    pub(crate) fn new(output: &'a mut Vec<u8>, limit: usize) -> Self {
        Self {
            output,
            limit,
            pending: Pending::default(),
        }
    }

    /// Writes exactly `bits` bits, by `write`; the `last` ones of all data need a byte even when they do not fill it.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] when there is no room for them. Nothing is written then.
    pub(crate) fn write(
        &mut self,
        bits: u64,
        last: bool,
        write: impl FnOnce(&mut BitWriter<'_>),
    ) -> Result<(), TooLarge> {
        let bits = bits + u64::from(self.pending.count());
        let whole = (bits / 8) as usize;
        self.check(if last { bits.div_ceil(8) } else { bits / 8 })?;
        let start = self.output.len();
        self.output.resize(start + whole + BitWriter::SLACK, 0);
        let mut writer = BitWriter::new(&mut self.output[start..], self.pending);
        write(&mut writer);
        let (written, pending) = writer.finish();
        debug_assert_eq!(written, whole, "the bits were counted wrongly");
        self.output.truncate(start + written);
        self.pending = pending;
        Ok(())
    }

    fn check(&self, bytes: u64) -> Result<(), TooLarge> {
        if self.output.len() as u64 + bytes > self.limit as u64 {
            return Err(TooLarge);
        }
        Ok(())
    }

    /// How many bits `length` bytes take when they are stored, with what fills the byte that is begun.
    pub(crate) fn bits_to_store(&self, length: usize) -> u64 {
        let blocks = length.div_ceil(STORED).max(1) as u64;
        let begun = u64::from(self.pending.count());
        let filled = (begun + 3).next_multiple_of(8) - begun;
        // Later blocks begin on a byte, so that their three bits take a whole one.
        filled + 32 + (blocks - 1) * 40 + 8 * length as u64
    }

    /// Writes bytes as they are, in as many stored blocks as it takes (RFC 1951, section 3.2.4).
    ///
    /// # Errors
    ///
    /// [`TooLarge`] when there is no room for them. Nothing is written then.
    pub(crate) fn store(&mut self, body: &[u8], last: bool) -> Result<(), TooLarge> {
        let bits = self.bits_to_store(body.len()) + u64::from(self.pending.count());
        self.check(bits / 8)?;
        let mut rest = body;
        loop {
            let (part, behind) = rest.split_at(rest.len().min(STORED));
            let mut head = [0; 2 + BitWriter::SLACK];
            let mut writer = BitWriter::new(&mut head, self.pending);
            writer.put((last && behind.is_empty()).into(), 3);
            let (written, left) = writer.finish();
            self.output.extend_from_slice(&head[..written]);
            self.output.extend(left.padded());
            let length = part.len() as u16;
            self.output.extend_from_slice(&length.to_le_bytes());
            self.output.extend_from_slice(&(!length).to_le_bytes());
            self.output.extend_from_slice(part);
            self.pending = Pending::default();
            rest = behind;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Ends the data after its last block.
    pub(crate) fn finish(self) {
        self.output.extend(self.pending.padded());
    }

    /// Ends a part that another will follow, at a byte: by an empty stored block, as zlib's "sync flush" does.
    #[cfg(feature = "rayon")]
    pub(crate) fn finish_part(mut self) {
        self.limit = usize::MAX;
        let stored = self.store(&[], false);
        debug_assert!(stored.is_ok(), "there is no limit");
    }
}
