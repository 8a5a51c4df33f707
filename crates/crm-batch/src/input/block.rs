//! The bytes of one chunk: whole records, with room behind them.

use std::fmt;

use super::{Place, Rule, Scan};

/// Bytes behind the records, so that a parser may load some at once at any place, and the first of which is a line end.
const PAD: usize = 8;

/// The memory of a block grows in these steps.
const STEP: usize = 1 << 14;

/// Whole records of a file. Its memory is filled again and again, and never cleared.
#[derive(Clone, Default)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    /// Where the next record begins.
    pub(crate) at: usize,
    /// Where the records end.
    pub(crate) end: usize,
    /// Records that are left.
    pub(crate) rows: usize,
    /// Records of the file before the next one.
    pub(crate) record: u64,
    /// Bytes of the file before the first one.
    pub(crate) base: u64,
}

impl Block {
    /// Nothing yet, from this place of the file.
    pub(crate) fn reset(&mut self, place: Place) {
        self.at = 0;
        self.end = 0;
        self.rows = 0;
        self.record = place.record;
        self.base = place.offset;
    }

    /// The bytes that have been put in.
    #[inline]
    pub(crate) fn filled(&self) -> &[u8] {
        &self.bytes[..self.end]
    }

    /// The same, and at least [`PAD`] bytes behind them.
    #[inline]
    pub(crate) fn padded(&self) -> &[u8] {
        &self.bytes
    }

    /// Memory for so many bytes more, of which `end` is then to be told.
    pub(crate) fn space(&mut self, more: usize) -> &mut [u8] {
        let need = self.end + more + PAD;
        if self.bytes.len() < need {
            let need = need.next_multiple_of(STEP);
            self.bytes.reserve_exact(need - self.bytes.len());
            self.bytes.resize(need, 0);
        }
        &mut self.bytes[self.end..][..more]
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.space(bytes.len()).copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Drops the first bytes, in which there is no record.
    pub(crate) fn drop_front(&mut self, bytes: usize) {
        self.bytes.copy_within(bytes..self.end, 0);
        self.end -= bytes;
        self.base += bytes as u64;
    }

    /// Ends it here, with so many records.
    pub(crate) fn seal(&mut self, end: usize, rows: usize) {
        self.end = end;
        self.rows = rows;
        self.space(0);
        self.bytes[end] = b'\n';
    }

    /// The place of the next record, which begins at `at`.
    #[inline]
    pub(crate) fn place(&self) -> Place {
        Place {
            record: self.record,
            offset: self.base + self.at as u64,
        }
    }

    /// A block that holds one record alone.
    pub(crate) fn only(place: Place, bytes: &[u8]) -> Self {
        let mut block = Self::default();
        block.reset(place);
        // A retry keeps it for a while: no more memory than it needs.
        block.bytes = Vec::with_capacity(bytes.len() + PAD);
        block.bytes.extend_from_slice(bytes);
        block.bytes.extend_from_slice(&[0; PAD]);
        block.seal(bytes.len(), 1);
        block
    }

    /// Counts one record as taken, which ended before `next`.
    #[inline]
    pub(crate) fn take(&mut self, next: usize) {
        self.at = next.min(self.end);
        self.rows -= 1;
        self.record += 1;
    }

    /// Cuts off the second half of the records that are left.
    pub(crate) fn split(&mut self, rule: &impl Rule) -> Option<Self> {
        let half = self.rows / 2;
        if half == 0 {
            return None;
        }
        let keep = self.rows - half;
        let left = &self.bytes[self.at..self.end];
        let mut scan = Scan::default();
        rule.scan(left, &mut scan, keep);
        let cut = rule.cut(left, &scan);
        let mut second = Self::default();
        second.reset(Place {
            record: self.record + keep as u64,
            offset: self.base + (self.at + cut) as u64,
        });
        second.put(&left[cut..]);
        second.seal(second.end, half);
        self.seal(self.at + cut, keep);
        Some(second)
    }

    pub(crate) fn clear(&mut self) {
        self.reset(Place::default());
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block")
            .field("records", &self.rows)
            .field("bytes", &(self.end - self.at))
            .field("place", &self.place())
            .finish_non_exhaustive()
    }
}
