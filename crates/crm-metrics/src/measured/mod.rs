//! Quantities that a service counts and times, each the quotient, sum or mean that its name says.
//!
//! - `availability`: the share of time that the service was up.
//! - `elapsed_share`: the last part of a span of time, in per cent.
//! - `error_rate`: the share of requests that failed.
//! - `query_cost`: a relative cost to rank queries by.
//! - `resource_usage`: memory, CPU, disk and network, summed over components.
//! - `response_time`: three ways to cut a response time into parts.
//! - `satisfaction`: the mean of customers' scores.
//! - `security_events`: a sum over kinds, and per unit of time.
//! - `throughput`: requests completed per second.

mod availability;
mod elapsed_share;
mod error_rate;
mod query_cost;
mod resource_usage;
mod response_time;
mod satisfaction;
mod security_events;
mod throughput;

pub use availability::{availability, unavailability};
pub use elapsed_share::elapsed_share;
pub use error_rate::error_rate;
pub use query_cost::{indexed_query_cost, query_cost};
pub use resource_usage::ResourceUsage;
pub use response_time::{ExchangeTime, PathTime, QueueTime};
pub use satisfaction::customer_satisfaction;
pub use security_events::{security_event_rate, security_events};
pub use throughput::throughput;
