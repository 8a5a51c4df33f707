//! A relative cost to rank queries by.

use core::time::Duration;

use crate::check;
use crate::error::ParamError;

/// Query cost: the planner's cost times the time that the query took. A relative figure, not seconds.
///
/// # Formula
///
/// ```text
/// cost = C_plan x T
/// ```
///
/// `C_plan` is the cost that the database's planner gives the query, in the planner's own unit, and `T` the time
/// measured, in seconds. The product has no meaning by itself: it weighs what the planner expected with what happened, and
/// serves to rank queries of one database under one planner configuration. Never compare it across databases, and never
/// add it up to a duration.
///
/// Source: a convention, without a theory behind it; for the planner's unit see the PostgreSQL manual, "Using EXPLAIN".
///
/// # Errors
///
/// [`ParamError`] when `plan_cost` is negative or not finite, or so large that the product is not finite.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// let scan = crm_metrics::query_cost(18_334.0, Duration::from_millis(120))?;
/// let seek = crm_metrics::query_cost(8.5, Duration::from_micros(40))?;
/// assert!(scan > seek); // look at the scan first
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn query_cost(plan_cost: f64, time: Duration) -> Result<f64, ParamError> {
    let cost = check::not_negative("plan_cost", plan_cost)?;
    check::in_range("plan_cost", plan_cost, cost * time.as_secs_f64())
}

/// Query cost of a statement that keeps indexes up to date: [`query_cost`] times the number of indexes.
///
/// # Formula
///
/// ```text
/// cost = C_plan x T x I
/// ```
///
/// `C_plan` and `T` are those of [`query_cost`]; `I` is the number of `indexes` that the statement touches. The model
/// takes the work as proportional to the number of indexes, which is rough: it ranks, it does not predict.
///
/// Source: as for [`query_cost`].
///
/// # Errors
///
/// [`ParamError`] as for [`query_cost`], and when `indexes` is zero: without an index the product would call every
/// query free, so use [`query_cost`] there.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// let insert = crm_metrics::indexed_query_cost(12.0, Duration::from_millis(2), 5)?;
/// assert!((insert - 0.12).abs() < 1e-15);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
pub fn indexed_query_cost(plan_cost: f64, time: Duration, indexes: u32) -> Result<f64, ParamError> {
    if indexes == 0 {
        return Err(ParamError::new("indexes", 0.0, "be at least one"));
    }
    let cost = query_cost(plan_cost, time)?;
    check::in_range("plan_cost", plan_cost, cost * f64::from(indexes))
}
