//! Queueing models: how long a line gets, and how long one stands in it.
//!
//! - [`Mm1`]: one server, Poisson arrivals, exponential service.
//! - [`Mmc`]: the same with any number of servers; also finds the number needed for a target.
//! - [`Mg1`]: one server and any distribution of the service time, by its moments.
//! - [`Md1`]: the same with a constant service time: distributions included.
//! - [`Mdc`]: the same with any number of servers.
//! - [`Mg1Ps`]: the same under processor sharing. [`Mg1Vacation`]: the same with a server that goes away.
//! - [`Gm1`]: one server, exponential service, and any distribution of the time between arrivals.
//! - [`Gg1`] and [`Ggc`]: any arrivals and services by two moments, approximately.
//! - [`Mg1Priority`] and [`MmcPriority`]: classes of requests, some more urgent than others.
//! - [`Polling`]: one server that goes round several queues.
//! - [`erlang_b`], [`erlang_c`] and their logarithms: the two classic probabilities, without a model around them; [`erlang_b_load`],
//!   [`erlang_b_servers`], [`erlang_b_real_servers`] turn the first one round.
//! - [`Mmcc`], [`Mmck`], [`MmInf`]: no waiting line, a limited one, no need of one.
//! - [`ErlangA`]: customers who give up waiting; [`Retrial`]: customers who try again, approximately.
//! - [`FiniteSource`], [`Engset`]: few customers, who wait or are lost.
//! - [`MxM1`] for requests that come in batches.
//! - [`Target`]: what is promised, for the functions of most models that find the largest load, the smallest speed or the fewest servers for it.
//! - [`BirthDeath`], [`steady_state`]: chains given by their rates.
//! - [`halfin_whitt_probability_of_waiting`], [`halfin_whitt_beta`], [`garnett_probability_of_waiting`],
//!   [`jagerman_scaled_blocking`], [`square_root_staffing`]: limits of many servers.
//!
//! Each model is validated once in its constructor; its formulas cannot fail afterwards. Times may be in any unit, and
//! rates are then per that unit. Models of exponential service, [`Gg1`] and [`Ggc`] take a `service_rate`, what one server could do;
//! models of a constant service time or of its moments take the time itself. Requests are served in the order in which they came, and the system has been
//! running for long enough that its start no longer matters.

mod approximation;
mod birth_death;
mod engset;
mod erlang;
mod erlang_a;
mod erlang_inverse;
mod erlang_sums;
mod exact;
pub(crate) mod fewest;
mod finite_source;
mod gamma_mix;
mod gm1;
mod heavy_traffic;
mod markov;
mod md1;
mod mdc;
mod mg1;
mod mg1_ps;
mod mm1;
mod mmc;
mod mmcc;
mod mmck;
mod mminf;
mod mxm1;
pub(crate) mod poisson;
mod polling;
mod priority;
mod quantile;
mod retrial;
mod share;
mod sizing;
mod sojourn;
mod target;
mod truncated_geometric;
mod unimodal;
mod vacation;

pub use crate::error::{ModelError, Unstable};
pub use approximation::{Gg1, Ggc};
pub use birth_death::BirthDeath;
pub use engset::Engset;
pub(crate) use erlang::Loss;
pub use erlang::{erlang_b, erlang_c, ln_erlang_b, ln_erlang_c};
pub use erlang_a::{ErlangA, abandonment_rate};
pub use erlang_inverse::{erlang_b_load, erlang_b_real_servers, erlang_b_servers};
pub(crate) use erlang_sums::ErlangSums;
pub use finite_source::FiniteSource;
pub use gm1::Gm1;
pub use heavy_traffic::{
    garnett_probability_of_waiting, halfin_whitt_beta, halfin_whitt_probability_of_waiting,
    jagerman_scaled_blocking, square_root_staffing,
};
pub use markov::steady_state;
pub use md1::Md1;
pub use mdc::Mdc;
pub use mg1::Mg1;
pub use mg1_ps::Mg1Ps;
pub use mm1::Mm1;
pub use mmc::Mmc;
pub use mmcc::Mmcc;
pub use mmck::Mmck;
pub use mminf::MmInf;
pub use mxm1::MxM1;
pub use polling::{Polling, PollingStation};
pub use priority::{Mg1Priority, MmcPriority, PriorityClass};
pub use retrial::Retrial;
pub use target::{Target, TargetError};
pub use vacation::Mg1Vacation;
