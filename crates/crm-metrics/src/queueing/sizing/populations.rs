//! Rates, speeds, servers and customers where these are few.

use crate::check;
use crate::queueing::target::{
    Range, fewest_that_meet, largest_number_that_meets, last_that_meets,
};
use crate::queueing::{Engset, FiniteSource, Target, TargetError};

impl FiniteSource {
    /// The largest rate of requests of one who is away with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn largest_request_rate(
        service_rate: f64,
        servers: u32,
        population: u32,
        target: Target,
    ) -> Result<f64, TargetError> {
        let near = check::scale("service_rate", service_rate)?;
        last_that_meets(target, Range::Up(near), |x| {
            Self::new(x, service_rate, servers, population).map(Some)
        })
    }

    /// The smallest service rate with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn smallest_service_rate(
        request_rate: f64,
        servers: u32,
        population: u32,
        target: Target,
    ) -> Result<f64, TargetError> {
        let near = check::scale("request_rate", request_rate)?;
        last_that_meets(target, Range::Down(near), |x| {
            Self::new(request_rate, x, servers, population).map(Some)
        })
    }

    /// The fewest servers with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such number, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn fewest_servers(
        request_rate: f64,
        service_rate: f64,
        population: u32,
        target: Target,
    ) -> Result<u32, TargetError> {
        let most = population.max(1);
        fewest_that_meet(target, most, |c| {
            Self::new(request_rate, service_rate, c, population).map(Some)
        })
    }

    /// The largest number of customers with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such number, [`TargetError::Unknown`] for a target that this model does not tell.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::{FiniteSource, Target};
    ///
    /// // A server of two requests a second: how many users, who think for ten seconds, with a second to wait on average?
    /// assert_eq!(FiniteSource::largest_population(0.1, 2.0, 1, Target::MeanWaitingTime(1.0))?, 17);
    /// # Ok::<(), crm_metrics::queueing::TargetError>(())
    /// ```
    pub fn largest_population(
        request_rate: f64,
        service_rate: f64,
        servers: u32,
        target: Target,
    ) -> Result<u32, TargetError> {
        largest_number_that_meets(target, 1, |n| {
            Self::new(request_rate, service_rate, servers, n)
        })
    }
}

impl Engset {
    /// The largest rate of calls of one idle source with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn largest_request_rate(
        service_rate: f64,
        servers: u32,
        sources: u32,
        target: Target,
    ) -> Result<f64, TargetError> {
        let near = check::scale("service_rate", service_rate)?;
        last_that_meets(target, Range::Up(near), |x| {
            Self::new(x, service_rate, servers, sources).map(Some)
        })
    }

    /// The smallest service rate with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such rate, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn smallest_service_rate(
        request_rate: f64,
        servers: u32,
        sources: u32,
        target: Target,
    ) -> Result<f64, TargetError> {
        let near = check::scale("request_rate", request_rate)?;
        last_that_meets(target, Range::Down(near), |x| {
            Self::new(request_rate, x, servers, sources).map(Some)
        })
    }

    /// The fewest servers with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such number, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn fewest_servers(
        request_rate: f64,
        service_rate: f64,
        sources: u32,
        target: Target,
    ) -> Result<u32, TargetError> {
        let most = sources.max(1);
        fewest_that_meet(target, most, |c| {
            Self::new(request_rate, service_rate, c, sources).map(Some)
        })
    }

    /// The largest number of sources with which the target is met.
    ///
    /// # Errors
    ///
    /// [`TargetError::Param`] as for [`new`](Self::new) and for a bad target, [`TargetError::Unreachable`] and [`TargetError::Always`] where there
    /// is no such number, [`TargetError::Unknown`] for a target that this model does not tell.
    pub fn largest_population(
        request_rate: f64,
        service_rate: f64,
        servers: u32,
        target: Target,
    ) -> Result<u32, TargetError> {
        largest_number_that_meets(target, 1, |n| {
            Self::new(request_rate, service_rate, servers, n)
        })
    }
}
