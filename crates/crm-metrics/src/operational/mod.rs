//! Operational laws: what must hold between the averages of any system observed for long enough, whatever its
//! distributions.
//!
//! - [`utilisation`]: how busy a resource is at a given throughput.
//! - [`service_demand`]: what a request asks of a resource, from utilisation and throughput.
//! - [`forced_flow`]: the throughput of a resource, from that of the system.
//! - [`little_number`], [`little_rate`], [`little_time`]: Little's law, solved for each of its three quantities.
//! - [`interactive_response_time`]: the response-time law of a closed system with thinking users.
//! - [`AsymptoticBounds`]: what the bottleneck allows, from the service demands alone.
//! - [`BalancedBounds`], [`GeometricBounds`]: closer ones, for networks of single servers with a product form.
//!
//! Times may be in any unit, and rates are then per that unit.

mod balanced_bounds;
mod bounds;
mod forced_flow;
mod geometric_bounds;
mod little;
mod response_time_law;
mod service_demand;
mod utilisation_law;

pub use balanced_bounds::BalancedBounds;
pub use bounds::AsymptoticBounds;
pub use forced_flow::forced_flow;
pub use geometric_bounds::GeometricBounds;
pub use little::{little_number, little_rate, little_time};
pub use response_time_law::interactive_response_time;
pub use service_demand::service_demand;
pub use utilisation_law::utilisation;
