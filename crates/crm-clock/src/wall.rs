//! The time of day, for what outlives the process.

use std::time::SystemTime;

/// The time of day as the system has it.
///
/// It is for dates, and for what has passed between two processes: no [`Clock`](crate::Clock) goes on while its process does
/// not. It may be set, and so jump in either direction; within one process a clock tells what has passed.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// let since_1970 = crm_clock::wall_time().duration_since(SystemTime::UNIX_EPOCH)?;
/// assert!(since_1970 > Duration::from_secs(1_700_000_000)); // November 2023
/// # Ok::<(), std::time::SystemTimeError>(())
/// ```
#[must_use]
pub fn wall_time() -> SystemTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the time of day"
    )]
    SystemTime::now()
}
