//! Networks of queues: requests that pass several stations, one after the other.
//!
//! - [`Station`]: one server, several, as many as it takes, or a speed that depends on the number present.
//! - [`Network`]: stations with one class of requests: [`open`](Network::open) or [`closed`](Network::closed) (exact, by a convolution that
//!   neither overflows nor cancels), [`mean_values`](Network::mean_values) (exact, for each population in turn), and the
//!   approximations of [`bard_schweitzer`](Network::bard_schweitzer) and the [`linearizer`](Network::linearizer).
//! - [`JacksonNetwork`]: an open network given by arrivals from outside and routing probabilities.
//! - [`MulticlassNetwork`]: several classes of requests, open, closed or mixed.
//! - [`BlockingNetwork`]: a closed network of stations with little room, exact for small ones, approximate for others.
//!
//! Bounds that need no solution are in [`operational`](crate::operational). All models but the last have a product form: queueing stations
//! serve in the order of arrival with exponential times (the same for all classes), or share the processor with any distribution.
//! Times may be in any unit, and rates are then per that unit.

mod approximate;
mod blocking;
mod convolution;
mod error;
mod jackson;
mod mean_values;
mod multiclass;
mod multiserver;
mod routing;
mod single_class;
mod solution;
mod station;

pub use blocking::BlockingNetwork;
pub use error::NetworkError;
pub use jackson::{JacksonBuilder, JacksonNetwork};
pub use mean_values::MeanValues;
pub use multiclass::{
    ClassMeasures, ClassStation, MulticlassBuilder, MulticlassNetwork, MulticlassSolution, Workload,
};
pub use single_class::{Network, NetworkBuilder};
pub use solution::{Solution, StationMeasures};
pub use station::Station;
