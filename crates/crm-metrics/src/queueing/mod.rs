//! Queueing models: how long a line gets, and how long one stands in it.
//!
//! - [`Mm1`]: one server, Poisson arrivals, exponential service.
//! - [`Mmc`]: the same with any number of servers; also finds the number needed for a target.
//! - [`Mg1`]: one server and any distribution of the service time, by its moments.
//! - [`erlang_b`], [`erlang_c`] and their logarithms: the two classic probabilities, without a model around them; [`erlang_b_load`],
//!   [`erlang_b_servers`], [`erlang_b_real_servers`] turn the first one round.
//! - [`Mmcc`], [`Mmck`], [`MmInf`]: no waiting line, a limited one, no need of one.
//! - [`ErlangA`]: customers who give up waiting; [`Retrial`]: customers who try again, approximately.
//! - [`FiniteSource`], [`Engset`]: few customers, who wait or are lost.
//! - [`MxM1`] for requests that come in batches.
//! - [`BirthDeath`], [`steady_state`]: chains given by their rates.
//! - [`halfin_whitt_probability_of_waiting`], [`halfin_whitt_beta`], [`garnett_probability_of_waiting`],
//!   [`jagerman_scaled_blocking`], [`square_root_staffing`]: limits of many servers.
//!
//! Each model is validated once in its constructor; its formulas cannot fail afterwards. Times may be in any unit, and
//! rates are then per that unit. Requests are served in the order in which they came, and the system has been
//! running for long enough that its start no longer matters.

mod birth_death;
mod engset;
mod erlang;
mod erlang_a;
mod erlang_inverse;
mod erlang_sums;
mod fewest;
mod finite_source;
mod gamma_mix;
mod heavy_traffic;
mod markov;
mod mg1;
mod mm1;
mod mmc;
mod mmcc;
mod mmck;
mod mminf;
mod mxm1;
mod poisson;
mod retrial;
mod share;
mod sojourn;
mod truncated_geometric;
mod unimodal;

pub use crate::error::{ModelError, Unstable};
pub use birth_death::BirthDeath;
pub use engset::Engset;
pub(crate) use erlang::Loss;
pub use erlang::{erlang_b, erlang_c, ln_erlang_b, ln_erlang_c};
pub use erlang_a::{ErlangA, abandonment_rate};
pub use erlang_inverse::{erlang_b_load, erlang_b_real_servers, erlang_b_servers};
pub use finite_source::FiniteSource;
pub use heavy_traffic::{
    garnett_probability_of_waiting, halfin_whitt_beta, halfin_whitt_probability_of_waiting,
    jagerman_scaled_blocking, square_root_staffing,
};
pub use markov::steady_state;
pub use mg1::Mg1;
pub use mm1::Mm1;
pub use mmc::Mmc;
pub use mmcc::Mmcc;
pub use mmck::Mmck;
pub use mminf::MmInf;
pub use mxm1::MxM1;
pub use retrial::Retrial;
