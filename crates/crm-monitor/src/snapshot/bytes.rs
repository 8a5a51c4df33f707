//! A snapshot as bytes, for a file or another process, and back again without trust in them.

use crate::error::SnapshotError;
use crate::histogram::Layout;
use crate::snapshot::{Snapshot, runs, varint};

/// What every snapshot begins with.
const MAGIC: [u8; 4] = *b"CRMs";

/// The version of the form below.
const VERSION: u8 = 1;

impl Snapshot {
    /// The snapshot in few bytes, one or two for each bucket that holds something; [`Snapshot::from_bytes`] reads them.
    ///
    /// After four letters and the version follow numbers in groups of seven bits: the three that make the layout, the failures, the
    /// lower and the upper half of the sum, the number of runs, and the runs: how many empty buckets lie before, how many buckets there
    /// are, and their counts. Equal snapshots have equal bytes.
    ///
    /// ```
    /// use crm_monitor::{Histogram, Layout, Snapshot};
    ///
    /// let times = Histogram::new(Layout::response_times());
    /// times.record(1_500_000);
    /// let bytes = times.snapshot().to_bytes();
    /// assert!(bytes.len() < 40);
    /// assert_eq!(Snapshot::from_bytes(&bytes)?, times.snapshot());
    /// # Ok::<(), crm_monitor::SnapshotError>(())
    /// ```
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        let (floor, grouping, last) = self.layout.parts();
        for number in [
            u64::from(floor),
            u64::from(grouping),
            last,
            self.failures,
            self.sum as u64,
            (self.sum >> 64) as u64,
        ] {
            varint::write(&mut bytes, number);
        }
        let mut buckets = Vec::new();
        let runs = runs::write(&mut buckets, self.places());
        varint::write(&mut bytes, runs);
        bytes.extend(buckets);
        bytes
    }

    /// The snapshot that [`Snapshot::to_bytes`] wrote.
    ///
    /// The bytes may come from anywhere: what is accepted is exactly what some snapshot is written as, with a count that is the sum of
    /// its buckets and a sum that such values can have. Whatever they say, it takes at most one mebibyte for the buckets, and time in
    /// proportion to their length and to the buckets of their layout.
    ///
    /// # Errors
    ///
    /// Where the bytes are something else, have an unknown version, end too early or too late, or contradict themselves.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut rest = header(bytes)?;
        let layout = layout(&mut rest)?;
        let failures = varint::read(&mut rest)?;
        let low = varint::read(&mut rest)?;
        let high = varint::read(&mut rest)?;
        let counts = counts(&mut rest, layout)?;
        if !rest.is_empty() {
            return Err(SnapshotError::TrailingBytes);
        }
        let snapshot = Self {
            layout,
            offset: 0,
            count: counts
                .iter()
                .try_fold(0, |sum: u64, count| sum.checked_add(*count))
                .ok_or(SnapshotError::Contradiction)?,
            counts,
            sum: u128::from(low) | u128::from(high) << 64,
            failures,
        }
        .trimmed();
        // A snapshot has one form; any other was made by somebody else.
        if snapshot.is_possible() && snapshot.to_bytes() == bytes {
            Ok(snapshot)
        } else {
            Err(SnapshotError::Contradiction)
        }
    }

    fn trimmed(mut self) -> Self {
        self.trim();
        self.counts.shrink_to_fit();
        self
    }

    /// Whether some values have these figures.
    fn is_possible(&self) -> bool {
        // A product of two words, and a sum of such whose counts add up to a word: neither leaves 128 bits.
        let (mut least, mut most) = (0, 0);
        for bucket in self.buckets() {
            let count = u128::from(bucket.count);
            least += count * u128::from(*bucket.range.start());
            most += count * u128::from(*bucket.range.end());
        }
        // No value exceeds a layout that goes to the end of all values.
        let overflow = self.offset + self.counts.len() == self.layout.len();
        self.failures <= self.count
            && (least..=most).contains(&self.sum)
            && !(overflow && self.layout.highest() == u64::MAX)
    }
}

/// What follows the letters and the version.
fn header(bytes: &[u8]) -> Result<&[u8], SnapshotError> {
    let letters = bytes.len().min(MAGIC.len());
    if bytes[..letters] != MAGIC[..letters] {
        return Err(SnapshotError::NotASnapshot);
    }
    match bytes[letters..].split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        Some((&version, _)) => Err(SnapshotError::UnknownVersion(version)),
        None => Err(SnapshotError::Truncated),
    }
}

fn layout(bytes: &mut &[u8]) -> Result<Layout, SnapshotError> {
    let floor = varint::read(bytes)?;
    let grouping = varint::read(bytes)?;
    let last = varint::read(bytes)?;
    u32::try_from(floor)
        .ok()
        .zip(u32::try_from(grouping).ok())
        .and_then(|(floor, grouping)| Layout::from_parts(floor, grouping, last))
        .ok_or(SnapshotError::Contradiction)
}

/// The counts from the first bucket on.
fn counts(bytes: &mut &[u8], layout: Layout) -> Result<Vec<u64>, SnapshotError> {
    let mut counts = Vec::new();
    for _ in 0..varint::read(bytes)? {
        let empty = varint::read(bytes)?;
        let buckets = varint::read(bytes)?;
        let end = (counts.len() as u64)
            .checked_add(empty)
            .and_then(|first| first.checked_add(buckets))
            .filter(|end| *end <= layout.len() as u64)
            .ok_or(SnapshotError::Contradiction)?;
        let end = end as usize;
        // Twice the room as it is needed, like any list, but never more than the layout has buckets.
        if end > counts.capacity() {
            let room = (2 * counts.capacity()).clamp(end, layout.len());
            counts.reserve_exact(room - counts.len());
        }
        counts.resize(end - buckets as usize, 0);
        for _ in 0..buckets {
            counts.push(varint::read(bytes)?);
        }
    }
    Ok(counts)
}
