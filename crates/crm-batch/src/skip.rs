//! How many failed records a run may pass over.

use crate::BuildError;

/// How many failed records a run may pass over: a number, a share, or both.
///
/// There is one budget for the whole run. It is counted where records are settled, so that a run in the order of the input
/// ends at the same record each time.
///
/// The share is that of the skipped among all settled records. It is judged at each failed record once `after` records have
/// been settled, and again at the end of the source, whatever their number.
///
/// ```
/// use crm_batch::{Batch, SkipLimit};
///
/// let limit = SkipLimit::records(10_000).share(0.01).after(1_000);
/// let batch = Batch::builder().skip(limit).build()?;
/// # let _ = batch;
/// # Ok::<(), crm_batch::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SkipLimit {
    records: u64,
    share: Option<f64>,
    after: u64,
}

impl SkipLimit {
    /// The first failure ends the run. This is the default.
    pub const NONE: Self = Self::records(0);

    /// Every failure is passed over and reported.
    ///
    /// The report keeps them all, so that the memory of the run grows with them, unless dead letters take them.
    pub const ALL: Self = Self::records(u64::MAX);

    /// At most this many.
    #[must_use]
    pub const fn records(records: u64) -> Self {
        Self {
            records,
            share: None,
            after: 1_000,
        }
    }

    /// At most this share of the settled records, from 0 to 1, besides the number.
    #[must_use]
    pub const fn share(mut self, share: f64) -> Self {
        self.share = Some(share);
        self
    }

    /// Settled records before the share is judged; the default is 1,000.
    #[must_use]
    pub const fn after(mut self, records: u64) -> Self {
        self.after = records;
        self
    }

    pub(crate) fn validate(&self) -> Result<(), BuildError> {
        match self.share {
            Some(share) if !(0.0..=1.0).contains(&share) => Err(BuildError::SkipShare(share)),
            _ => Ok(()),
        }
    }

    /// Failures after which the number alone ends the run.
    pub(crate) fn most(&self) -> u64 {
        self.records
    }

    /// Whether one more may be skipped, after `skipped` of `settled` records.
    pub(crate) fn allows(&self, skipped: u64, settled: u64) -> bool {
        skipped < self.records
            && (settled + 1 < self.after || self.share_allows(skipped + 1, settled + 1))
    }

    /// Whether the share of `skipped` in `settled` is within the limit.
    pub(crate) fn share_allows(&self, skipped: u64, settled: u64) -> bool {
        self.share
            .is_none_or(|share| skipped as f64 <= share * settled as f64)
    }
}

impl Default for SkipLimit {
    fn default() -> Self {
        Self::NONE
    }
}
