//! How busy the workers are.

use std::fmt;
use std::time::Duration;

use super::error::JudgeError;
use super::words::{Number, Percent};

/// The utilisation of a pool of equal servers: workers, connections, processors.
///
/// # Formula
///
/// ```text
/// U        = X S / m
/// capacity = m / S
/// ```
///
/// `X` is the throughput in requests per second, `S` the mean service time, without waiting, and `m` the number of
/// servers. `X S` is the mean number of busy ones.
///
/// A utilisation above one cannot be: then the time includes waiting, or there are more servers than were told.
///
/// Source: P. J. Denning and J. P. Buzen, "The Operational Analysis of Queueing Network Models", ACM Computing Surveys 10(3), 1978.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::Saturation;
/// use std::time::Duration;
///
/// let pool = Saturation::new(300.0, Duration::from_millis(25), 10)?;
/// assert_eq!((pool.busy(), pool.utilisation()), (7.5, 0.75));
/// assert_eq!((pool.capacity(), pool.spare()), (Some(400.0), Some(100.0)));
/// # Ok::<(), crm_monitor::judge::JudgeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Saturation {
    throughput: f64,
    service: Duration,
    servers: u32,
}

/// Throughputs above are mistakes of units; it keeps all products finite.
const MOST: f64 = 1e18;

/// Refuses a throughput that is none.
pub(super) fn throughput(value: f64) -> Result<f64, JudgeError> {
    if (0.0..=MOST).contains(&value) {
        Ok(value + 0.0)
    } else {
        let must = "lie between 0 and 10^18 a second";
        Err(JudgeError::figure("throughput", value, must))
    }
}

impl Saturation {
    /// The saturation of so many servers at a throughput a second and a mean service time.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Figure`] when the throughput is negative, NaN or above 10^18, or there is no server.
    pub fn new(per_second: f64, service: Duration, servers: u32) -> Result<Self, JudgeError> {
        if servers == 0 {
            return Err(JudgeError::figure("servers", 0.0, "be at least one"));
        }
        Ok(Self {
            throughput: throughput(per_second)?,
            service,
            servers,
        })
    }

    /// `X S`: how many servers are busy on average.
    #[must_use]
    pub fn busy(&self) -> f64 {
        self.throughput * self.service.as_secs_f64()
    }

    /// `X S / m`: the share of the time that a server is busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.busy() / f64::from(self.servers)
    }

    /// `m / S`: the requests a second that keep every server busy; none when the service takes no time.
    #[must_use]
    pub fn capacity(&self) -> Option<f64> {
        let service = self.service.as_secs_f64();
        (service > 0.0).then(|| f64::from(self.servers) / service)
    }

    /// The requests a second that are left up to the capacity, zero when there are none.
    #[must_use]
    pub fn spare(&self) -> Option<f64> {
        Some((self.capacity()? - self.throughput).max(0.0))
    }

    /// Whether the figures can be true: a utilisation of at most one, and one per cent for what the ends of a window cut off.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        self.utilisation() <= 1.01
    }
}

impl fmt::Display for Saturation {
    /// `75 % busy: 7.5 of 10 servers at 300 requests/s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} busy: {} of {} servers at {} requests/s",
            Percent(self.utilisation()),
            Number(self.busy()),
            self.servers,
            Number(self.throughput)
        )?;
        if self.is_possible() {
            return Ok(());
        }
        f.write_str(
            "; that cannot be: the service time includes waiting, or there are more servers",
        )
    }
}
