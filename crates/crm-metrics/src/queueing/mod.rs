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
//! - [`erlang_b`], [`erlang_c`] and their logarithms: the two classic probabilities, without a model around them.
//!
//! Each model is validated once in its constructor; its formulas cannot fail afterwards. Times may be in any unit, and
//! rates are then per that unit. Requests are served in the order in which they came, and the system has been
//! running for long enough that its start no longer matters.

mod approximation;
mod erlang;
mod exact;
mod gm1;
mod md1;
mod mdc;
mod mg1;
mod mg1_ps;
mod mm1;
mod mmc;
pub(crate) mod poisson;
mod polling;
mod priority;
mod root;
mod share;
mod sojourn;
mod vacation;

pub use crate::error::{ModelError, Unstable};
pub use approximation::{Gg1, Ggc};
pub use erlang::{erlang_b, erlang_c, ln_erlang_b, ln_erlang_c};
pub use gm1::Gm1;
pub use md1::Md1;
pub use mdc::Mdc;
pub use mg1::Mg1;
pub use mg1_ps::Mg1Ps;
pub use mm1::Mm1;
pub use mmc::Mmc;
pub use polling::{Polling, PollingStation};
pub use priority::{Mg1Priority, MmcPriority, PriorityClass};
pub use vacation::Mg1Vacation;
