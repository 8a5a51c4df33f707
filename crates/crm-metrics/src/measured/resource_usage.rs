//! Memory, CPU, disk and network, summed over components.

use core::iter::Sum;
use core::ops::{Add, AddAssign};
use core::time::Duration;

use crate::check;
use crate::error::ParamError;

/// What a component uses, or all components together: their sum, each resource on its own.
///
/// # Formula
///
/// ```text
/// M = sum of M_i      memory, bytes
/// P = sum of P_i      CPU, processor time
/// D = sum of D_i      disk, bytes
/// N = sum of N_i      network, bytes
/// ```
///
/// `i` runs over the components. Sums saturate at the largest value of their type instead of wrapping; the sum of no
/// component is zero.
///
/// Source: the additivity of resource counters, as in B. Gregg, "Systems Performance", 2nd edition, Addison-Wesley
/// 2020.
///
/// # Example
///
/// ```
/// use crm_metrics::ResourceUsage;
/// use std::time::Duration;
///
/// let cache = ResourceUsage { memory_bytes: 512 << 20, cpu_time: Duration::from_secs(30), ..Default::default() };
/// let store = ResourceUsage { memory_bytes: 64 << 20, cpu_time: Duration::from_secs(90), disk_bytes: 3 << 30, ..Default::default() };
/// let service: ResourceUsage = [cache, store].iter().sum();
/// assert_eq!(service.memory_bytes, 576 << 20);
/// assert_eq!(service.busy_processors(Duration::from_secs(60))?, 2.0);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResourceUsage {
    /// Memory held, in bytes.
    pub memory_bytes: u64,
    /// Processor time consumed, over all threads.
    pub cpu_time: Duration,
    /// Disk space held or bytes moved to and from it; say which, and do not mix them.
    pub disk_bytes: u64,
    /// Bytes sent and received.
    pub network_bytes: u64,
}

impl ResourceUsage {
    /// The mean number of processors that were busy: processor time per unit of time.
    ///
    /// # Formula
    ///
    /// ```text
    /// U = P / T
    /// ```
    ///
    /// `P` is the processor time and `T` the time `over` which it was consumed. Divided by the number of processors it
    /// is their utilisation.
    ///
    /// Source: Denning and Buzen 1978, as for [`throughput`](crate::throughput) (`U = B / T`).
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `over` is zero.
    pub fn busy_processors(&self, over: Duration) -> Result<f64, ParamError> {
        let over = check::span("over", over)?;
        Ok(self.cpu_time.div_duration_f64(over))
    }
}

impl Add for ResourceUsage {
    type Output = Self;

    /// The sum of each resource, saturating.
    fn add(self, other: Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.saturating_add(other.memory_bytes),
            cpu_time: self.cpu_time.saturating_add(other.cpu_time),
            disk_bytes: self.disk_bytes.saturating_add(other.disk_bytes),
            network_bytes: self.network_bytes.saturating_add(other.network_bytes),
        }
    }
}

impl AddAssign for ResourceUsage {
    /// Adds each resource, saturating.
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for ResourceUsage {
    fn sum<I: Iterator<Item = Self>>(components: I) -> Self {
        components.fold(Self::default(), Add::add)
    }
}

impl<'a> Sum<&'a Self> for ResourceUsage {
    fn sum<I: Iterator<Item = &'a Self>>(components: I) -> Self {
        components.copied().sum()
    }
}
