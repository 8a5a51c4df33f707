//! What so many agents come to.

use crate::check;
use crate::error::{ModelError, ParamError, Unstable};
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::queueing::{ErlangA, Loss};

/// The performance of a desk with a given number of agents, which may be a fraction.
///
/// Source: Erlang C as in [`Mmc`](crate::queueing::Mmc), with patience Erlang A as in
/// [`ErlangA`](crate::queueing::ErlangA); both continued to real numbers of agents. Symbols: `a` is the offered load in erlangs, `n` the number of agents.
///
/// # Example
///
/// ```
/// use crm_metrics::staffing::Desk;
///
/// // 100 calls in half an hour of three minutes each, and fourteen agents, in minutes.
/// let desk = Desk::for_service_level(0.8, 1.0 / 3.0)?;
/// let performance = desk.performance_of(100.0 / 30.0, 3.0, 14.0)?;
/// assert_eq!(format!("{:.1} %", 100.0 * performance.service_level(1.0 / 3.0)), "88.8 %");
/// assert_eq!(format!("{:.1} %", 100.0 * performance.occupancy()), "71.4 %");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Performance {
    agents: f64,
    load: f64,
    line: Line,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Line {
    /// Nobody calls.
    Empty,
    /// All wait until they are served: probability of waiting, its complement, spare capacity.
    Patient {
        waits: f64,
        waits_not: f64,
        spare: f64,
    },
    Impatient(ErlangA),
}

impl Performance {
    /// For agents who serve `1 / mean_handling_time` calls per unit of time, and callers who give up at `abandonment_rate`.
    pub(super) fn new(
        arrival_rate: f64,
        mean_handling_time: f64,
        agents: f64,
        abandonment_rate: Option<f64>,
    ) -> Result<Self, ModelError> {
        let lambda = check::not_negative("arrival_rate", arrival_rate)?;
        let handling = check::scale("mean_handling_time", mean_handling_time)?;
        let load = check::in_range("arrival_rate", lambda, lambda * handling)?;
        if !(agents >= 0.0 && agents.is_finite()) {
            return Err(ParamError::new("agents", agents, "be finite and not negative").into());
        }
        let line = if lambda == 0.0 {
            Line::Empty
        } else if let Some(theta) = abandonment_rate.filter(|_| agents > 0.0) {
            Line::Impatient(ErlangA::with_real_servers(
                lambda,
                1.0 / handling,
                agents,
                theta,
            )?)
        } else {
            // One rounding: agents and load may agree in nearly all their digits.
            let gap = (-lambda).mul_add(handling, agents);
            if gap <= 0.0 {
                return Err(Unstable {
                    offered: lambda,
                    stable_below: agents / handling,
                }
                .into());
            }
            let loss = Loss::new(agents, load, gap);
            let idle = gap / agents;
            Line::Patient {
                waits: loss.delay(idle),
                waits_not: loss.no_delay(idle),
                spare: gap / handling,
            }
        };
        Ok(Self { agents, load, line })
    }

    /// The number of agents.
    #[must_use]
    pub const fn agents(&self) -> f64 {
        self.agents
    }

    /// `a = lambda h`, with the mean handling time `h`: the offered load in erlangs.
    #[must_use]
    pub const fn offered_load(&self) -> f64 {
        self.load
    }

    /// `a / n`, with patience `a` times the share that is served over `n`: the share of time that an agent is busy.
    #[must_use]
    pub fn occupancy(&self) -> f64 {
        match &self.line {
            Line::Empty => 0.0,
            Line::Patient { .. } => self.load / self.agents,
            Line::Impatient(model) => model.utilisation(),
        }
    }

    /// The probability that a caller has to wait.
    #[must_use]
    pub fn probability_of_waiting(&self) -> f64 {
        match &self.line {
            Line::Empty => 0.0,
            Line::Patient { waits, .. } => *waits,
            Line::Impatient(model) => model.probability_of_waiting(),
        }
    }

    /// The mean waiting time of all callers.
    #[must_use]
    pub fn mean_waiting_time(&self) -> f64 {
        match &self.line {
            Line::Empty => 0.0,
            Line::Patient { waits, spare, .. } => waits / spare,
            Line::Impatient(model) => model.mean_waiting_time(),
        }
    }

    /// The share of callers that gives up.
    #[must_use]
    pub fn probability_of_abandonment(&self) -> f64 {
        match &self.line {
            Line::Empty | Line::Patient { .. } => 0.0,
            Line::Impatient(model) => model.probability_of_abandonment(),
        }
    }

    /// The share of all callers that is served after a wait of at most `within`: the service level. One when nobody calls.
    ///
    /// # Panics
    ///
    /// When `within` is NaN.
    #[must_use]
    pub fn service_level(&self, within: f64) -> f64 {
        let Some(within) = check::time(within) else {
            return 0.0;
        };
        match &self.line {
            Line::Empty => 1.0,
            Line::Patient {
                waits,
                waits_not,
                spare,
            } => (waits_not - waits * (-spare * within).exp_m1()).min(1.0),
            Line::Impatient(model) => model.served_within(within),
        }
    }

    /// The share of all callers that is not: kept apart, because at many nines it has the digits.
    pub(super) fn missed(&self, within: f64) -> f64 {
        match &self.line {
            Line::Empty => 0.0,
            Line::Patient { waits, spare, .. } => waits * (-spare * within).exp(),
            Line::Impatient(model) => 1.0 - model.served_within(within),
        }
    }
}
