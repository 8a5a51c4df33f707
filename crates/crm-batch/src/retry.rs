//! How often and how late a failed record is tried again.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::BuildError;

/// How often a failed record is tried, and how long it waits in between.
///
/// The wait before the second attempt is [`first_delay`](Self::first_delay); each later one is twice the one before, at most
/// [`longest_delay`](Self::longest_delay). [`jitter`](Self::jitter) takes a random part of it away, so that records
/// that failed together do not come back together. A record that waits holds no thread.
///
/// ```text
/// wait before attempt n + 1  =  min(longest, first x 2^(n - 1)) x (1 - jitter x r),   r random in 0..1
/// ```
///
/// ```
/// use crm_batch::{Batch, Retry};
/// use std::time::Duration;
///
/// let retry = Retry::exponential(5)
///     .first_delay(Duration::from_millis(20))
///     .longest_delay(Duration::from_secs(2));
/// let batch = Batch::builder().retry(retry).build()?;
/// # let _ = batch;
/// # Ok::<(), crm_batch::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    attempts: u32,
    first: Duration,
    longest: Duration,
    jitter: f64,
}

impl Retry {
    /// At most this many attempts for a record, the first one included; waits from 100 ms, doubling, to at most 10 s, with
    /// half of each left to chance.
    #[must_use]
    pub fn exponential(attempts: u32) -> Self {
        Self {
            attempts,
            first: Duration::from_millis(100),
            longest: Duration::from_secs(10),
            jitter: 0.5,
        }
    }

    /// The wait before the second attempt.
    #[must_use]
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.first = delay;
        self
    }

    /// The cap of every wait. [`Duration::MAX`] would be none, and is refused.
    #[must_use]
    pub fn longest_delay(mut self, delay: Duration) -> Self {
        self.longest = delay;
        self
    }

    /// The share of each wait that is left to chance, from 0 to 1.
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = share;
        self
    }

    pub(crate) fn validate(&self) -> Result<(), BuildError> {
        if NonZeroU32::new(self.attempts).is_none() {
            return Err(BuildError::ZeroAttempts);
        }
        if self.longest == Duration::MAX {
            return Err(BuildError::RetryWithoutCap);
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err(BuildError::Jitter(self.jitter));
        }
        Ok(())
    }

    /// The wait after so many attempts; `None` when there is no further one.
    pub(crate) fn delay(&self, attempts: u32, salt: u64) -> Option<Duration> {
        if attempts >= self.attempts {
            return None;
        }
        let factor = 1_u32.checked_shl(attempts - 1).unwrap_or(u32::MAX);
        let delay = self.first.saturating_mul(factor).min(self.longest);
        let random = chance(salt ^ u64::from(attempts));
        // In this order, as the whole of a very long wait is more than a product of floats may be.
        Some(delay.saturating_sub(delay.mul_f64(self.jitter * random)))
    }
}

impl Default for Retry {
    /// Three attempts.
    fn default() -> Self {
        Self::exponential(3)
    }
}

/// A number from 0 to 1 that looks random, after Steele, Lea and Flood, "Fast splittable pseudorandom number generators"
/// (the finaliser of `SplitMix64`).
fn chance(seed: u64) -> f64 {
    let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let mixed = mixed ^ (mixed >> 31);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_end_with_the_attempts() {
        let retry = Retry::exponential(5).jitter(0.0);
        let retry = retry.first_delay(Duration::from_millis(10));
        let retry = retry.longest_delay(Duration::from_millis(35));
        let delays: Vec<_> = (1..6)
            .map(|attempts| retry.delay(attempts, 7).map(|delay| delay.as_millis()))
            .collect();
        assert_eq!(delays, [Some(10), Some(20), Some(35), Some(35), None]);
        let endless = Retry::exponential(u32::MAX).jitter(0.0);
        assert_eq!(endless.delay(1_000, 7), Some(Duration::from_secs(10)));
    }

    #[test]
    fn jitter_takes_away_a_part_and_not_the_same_for_all() {
        let retry = Retry::exponential(2).jitter(0.5);
        let delays: Vec<_> = (0..100).map(|salt| retry.delay(1, salt).unwrap()).collect();
        let range = Duration::from_millis(50)..=Duration::from_millis(100);
        assert!(delays.iter().all(|delay| range.contains(delay)));
        let (least, most) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
        assert!(*most - *least > Duration::from_millis(30));
    }
}
