//! The formulas that tell how a service is doing and how it will do: response time, throughput, availability, queueing.
//!
//! Everything here is a pure function of numbers. Measured quantities are free functions and small structs at the root of
//! the crate; what follows from them has a module for each field: [`queueing`], [`network`], [`operational`], [`staffing`],
//! [`mod@availability`], [`service_level`] and [`scaling`].
//!
//! ```
//! use crm_metrics::queueing::Mmc;
//! use crm_metrics::throughput;
//! use std::time::Duration;
//!
//! // Measured: 432,000 look-ups in an hour; one of the service's workers manages 50 a second.
//! let arrivals = throughput(432_000, Duration::from_secs(3600))?;
//! let workers = Mmc::new(arrivals, 50.0, 3)?;
//! assert!((workers.utilisation() - 0.8).abs() < 1e-15);
//! assert_eq!(format!("{:.1} ms", 1e3 * workers.mean_response_time()), "41.6 ms");
//! assert_eq!(format!("{:.1} ms", 1e3 * workers.response_time_quantile(0.99)), "169.1 ms");
//!
//! // With a fifth more load, how many workers keep the mean wait below 10 ms?
//! assert_eq!(Mmc::for_mean_waiting_time(1.2 * arrivals, 50.0, 0.010)?.servers(), 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What to reach for
//!
//! | question | item |
//! |---|---|
//! | how many requests a second | [`throughput`] |
//! | how long does a request take, and where | [`QueueTime`] (queueing + service + waiting), [`ExchangeTime`] (request + processing + response), [`PathTime`] (processing + network + system) |
//! | what share of requests fails | [`error_rate`] |
//! | what share of time is the service up, or down | [`availability()`], [`unavailability`] |
//! | what share of the time did the last part take | [`elapsed_share`] |
//! | what do the components use together | [`ResourceUsage`] |
//! | how many security events, and how many a second | [`security_events`], [`security_event_rate`] |
//! | how content are customers | [`customer_satisfaction`] |
//! | which query to look at first (a relative cost) | [`query_cost`], [`indexed_query_cost`] |
//! | how busy is a resource at a given throughput | [`operational::utilisation`] |
//! | what does a request ask of a resource, and how often | [`operational::service_demand`], [`operational::forced_flow`] |
//! | number, rate and time: two known, one wanted | [`operational::little_number`], [`operational::little_rate`], [`operational::little_time`] |
//! | response time of a system with thinking users | [`operational::interactive_response_time`] |
//! | what can the bottleneck give at most | [`operational::AsymptoticBounds`] |
//! | how long is the line, and the wait in it | a model of [`queueing`], below |
//! | how many servers for a promise, how much load, how quick a server | [`queueing::Target`] |
//! | how many agents for a forecast, interval by interval | [`staffing::Desk`] |
//! | requests that pass several stations, from outside or from so many users | [`network::Network`], [`network::JacksonNetwork`], [`network::MulticlassNetwork`] |
//! | the same from the demands alone, without solving anything | [`operational::BalancedBounds`], [`operational::GeometricBounds`] |
//! | stations with little room that stop each other | [`network::BlockingNetwork`] |
//! | what do more processors bring, and when is more less | [`scaling::amdahl_speedup`], [`scaling::gustafson_speedup`], [`scaling::UslFit`] |
//! | how available is a service made of such parts | [`availability::Structure`], [`availability::k_of_n`], [`availability::RepairableDuplex`] |
//! | what is left of the error budget, and when to wake somebody | [`service_level::ErrorBudget`], [`service_level::BurnRateAlert`] |
//! | how far can a measured share be trusted | [`service_level::wilson_interval`], [`service_level::clopper_pearson_interval`] |
//! | Apdex, NPS, CSAT, CES | [`service_level::Apdex`], [`service_level::NetPromoterScore`], [`service_level::top_box_share`], [`service_level::customer_effort`] |
//!
//! # Which model fits my service
//!
//! But for those with few customers, all take random (Poisson) arrivals: many customers who come independently of each other.
//!
//! | servers | who finds them busy | service time | model |
//! |---|---|---|---|
//! | one | waits | exponential, or nothing else known | [`queueing::Mm1`]: everything, distributions included |
//! | one | waits | mean and variation measured | [`queueing::Mg1`]: means, and variances from a third moment |
//! | one | waits, and comes in batches | exponential | [`queueing::MxM1`]: means, variances, state probabilities |
//! | several, one line | waits | exponential, or nothing else known | [`queueing::Mmc`]: everything, and the number of servers for a target |
//! | several, one line | waits | mean and variation measured | [`queueing::Ggc`] with an `arrival_variation` of one (M/G/c): approximate mean waits, and how to guess a percentile |
//! | several, one line | waits, but not for ever | exponential | [`queueing::ErlangA`]: abandonment, waits and responses of all and of the served, service levels |
//! | several, one line | waits if there is room | exponential | [`queueing::Mmck`]; with one server it is M/M/1/K |
//! | several | is lost | any | [`queueing::Mmcc`], or [`queueing::erlang_b`] and its inverses for the bare formula |
//! | several | tries again later | exponential | [`queueing::Retrial`], an approximation |
//! | as many as it takes | | any | [`queueing::MmInf`] |
//! | several, few customers | waits | exponential | [`queueing::FiniteSource`]: `N` users, threads or machines |
//! | several, few customers | is lost | any | [`queueing::Engset`] |
//! | any rates that depend on the length of the line | | exponential | [`queueing::BirthDeath`], [`queueing::steady_state`] |
//! | very many | | exponential | [`queueing::halfin_whitt_probability_of_waiting`] and the like: the limits as rules of thumb |
//! | one | waits | always the same | [`queueing::Md1`]: everything, distributions included |
//! | several, one line | waits | always the same | [`queueing::Mdc`]: means, variances and distributions |
//! | one | shares it with all present | mean known | [`queueing::Mg1Ps`] |
//! | one that goes away when idle | waits | mean and variation measured | [`queueing::Mg1Vacation`] |
//! | one or several, urgent requests first | waits | mean and variation, or exponential | [`queueing::Mg1Priority`], [`queueing::MmcPriority`] |
//! | one that goes round several queues | waits | mean and variation measured | [`queueing::Polling`] |
//!
//! Where arrivals are more regular or more bursty than random ones: [`queueing::Gm1`] for one server with exponential service,
//! exactly, and else the approximations of [`queueing::Gg1`] and [`queueing::Ggc`].
//!
//! How much load is too much, how quick a server must be and how many are needed for a promise is asked of most of them in the same way: see
//! [`queueing::Target`]. Which of them tell variances, states, distributions and inverses is a table in [`_design`].
//!
//! # Guarantees
//!
//! - **Validated once.** A constructor checks its parameters; the methods of a model cannot fail. A bad parameter comes
//!   back as [`ParamError`] with name, value and what it must do; a load that the servers cannot work off as
//!   [`queueing::Unstable`] with the load that they could.
//! - **Never NaN.** No function returns NaN. Where the true value lies outside the range of `f64` the result is infinite or zero,
//!   and a probability that may underflow has its logarithm beside it. The argument of a distribution or a quantile
//!   is not validated by a `Result`: NaN, or a probability outside zero to one, panics.
//! - **Accuracy.** Relative error at most 1e-12 at any load and up to a million servers, against values of 80 digits and down to the smallest
//!   normal `f64`; see [`_design`] for the methods. Only from 61 servers on the quantile of a wait that is just beginning to be above zero is exact to
//!   an absolute error, some 1e-15 of the mean wait of those who wait.
//! - **Cost.** Models of single stations do not allocate, but for a list of classes, queues or rates. `O(1)`, Erlang's formulas at a
//!   million servers included; except for the search for a number of servers, which makes `O(log c)` models, finite sources,
//!   which take some ten steps per standard deviation, and what reads a slice.
//! - **Threads.** All types are `Send` and `Sync`, and those of single stations `Copy` unless they hold a list.
//!
//! # Features
//!
//! None is on by default, and there is no dependency then.
//!
//! - `libm`: no standard library; an allocator is all that is asked for. Exponentials, logarithms and the like are those of the crate
//!   [`libm`](https://docs.rs/libm), so that results are the same to the last bit on every platform; they hold to the same accuracy and take somewhat
//!   longer.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![no_std]
#![cfg_attr(
    all(feature = "libm", test),
    expect(
        dead_code,
        unused_imports,
        reason = "the test harness links std, whose methods go before those of a trait"
    )
)]

extern crate alloc;
#[cfg(not(feature = "libm"))]
extern crate std;

pub mod availability;
mod check;
mod error;
mod measured;
pub mod network;
mod numeric;
pub mod operational;
pub mod queueing;
pub mod scaling;
pub mod service_level;
pub mod staffing;

pub use error::ParamError;
pub use measured::{
    ExchangeTime, PathTime, QueueTime, ResourceUsage, availability, customer_satisfaction,
    elapsed_share, error_rate, indexed_query_cost, query_cost, security_event_rate,
    security_events, throughput, unavailability,
};

#[doc = include_str!("../DESIGN.md")]
pub mod _design {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
