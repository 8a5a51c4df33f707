//! A desk and its target: agents for a load, interval by interval.

use super::{Interval, Performance};
use crate::check;
use crate::error::{ModelError, ParamError, Unstable};
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::queueing::fewest::fewest_servers;

/// A desk: what it has to achieve, and the circumstances under which its agents work.
///
/// The agents are the fewest for which Erlang C, or with patience Erlang A, meets the target and whose occupancy is within its limit; the scheduled ones are
/// `agents / (1 - shrinkage)`, rounded up. Sources are those of [`Mmc`](crate::queueing::Mmc) and [`ErlangA`](crate::queueing::ErlangA).
///
/// # Example
///
/// ```
/// use crm_metrics::staffing::{Desk, Interval};
///
/// // 80 % within 20 s, nobody busier than 85 %, three hours in ten away from the desk. Times in seconds.
/// let desk = Desk::for_service_level(0.8, 20.0)?.with_max_occupancy(0.85)?.with_shrinkage(0.3)?;
/// let day = [Interval::new(1800.0, 100.0, 180.0)?, Interval::new(1800.0, 220.0, 170.0)?, Interval::new(1800.0, 0.0, 170.0)?];
/// let mut agents = Vec::new();
/// for staffed in desk.plan(&day) {
///     let staffed = staffed?;
///     agents.push((staffed.agents(), staffed.scheduled()));
/// }
/// assert_eq!(agents, [(14, 20), (25, 36), (0, 0)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Desk {
    target: Target,
    max_occupancy: f64,
    shrinkage: f64,
    abandonment_rate: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    ServiceLevel { share: f64, within: f64 },
    MeanWait(f64),
    Abandonment(f64),
}

impl Desk {
    /// A `share` of all callers is to be served after a wait of at most `within`: 0.8 and 20 s for 80/20.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `share` does not lie strictly between zero and one, or `within` is negative or not finite.
    pub fn for_service_level(share: f64, within: f64) -> Result<Self, ParamError> {
        let share = check::open_share("share", share)?;
        let within = check::not_negative("within", within)?;
        Ok(Self::new(Target::ServiceLevel { share, within }))
    }

    /// The mean waiting time of all callers is to be at most `target`.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `target` is not finite and above zero.
    pub fn for_mean_waiting_time(target: f64) -> Result<Self, ParamError> {
        Ok(Self::new(Target::MeanWait(check::positive(
            "target", target,
        )?)))
    }

    /// At most a share `target` of callers, whose patience is exponential with mean `mean_patience`, is to give up.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `target` does not lie strictly between zero and one, or `mean_patience` not between 1e-290 and 1e290.
    pub fn for_abandonment(target: f64, mean_patience: f64) -> Result<Self, ParamError> {
        let target = check::open_share("target", target)?;
        Self::new(Target::Abandonment(target)).with_mean_patience(mean_patience)
    }

    const fn new(target: Target) -> Self {
        Self {
            target,
            max_occupancy: 1.0,
            shrinkage: 0.0,
            abandonment_rate: None,
        }
    }

    /// Callers who give up: their patience is exponential with mean `mean_patience`, and the model Erlang A.
    ///
    /// [`abandonment_rate`](crate::queueing::abandonment_rate) finds its reciprocal in what was observed.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `mean_patience` is not between 1e-290 and 1e290.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::staffing::Desk;
    ///
    /// // 180 calls in half an hour, four minutes each, in seconds: 24 erlangs. Callers who wait for ever ...
    /// let desk = Desk::for_service_level(0.8, 20.0)?.with_shrinkage(0.3)?;
    /// let staffed = desk.staff(180.0 / 1800.0, 240.0)?;
    /// assert_eq!((staffed.agents(), staffed.scheduled()), (29, 42));
    /// // ... and callers who wait for two minutes on average: fewer agents, since some of the calls are lost.
    /// let staffed = desk.with_mean_patience(120.0)?.staff(180.0 / 1800.0, 240.0)?;
    /// assert_eq!((staffed.agents(), staffed.scheduled()), (26, 38));
    /// assert_eq!(format!("{:.1} %", 100.0 * staffed.performance().probability_of_abandonment()), "5.8 %");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_mean_patience(self, mean_patience: f64) -> Result<Self, ParamError> {
        let patience = check::scale("mean_patience", mean_patience)?;
        Ok(Self {
            abandonment_rate: Some(1.0 / patience),
            ..self
        })
    }

    /// No agent is to be busy for more than this share of time.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `max_occupancy` does not lie strictly between zero and one.
    pub fn with_max_occupancy(self, max_occupancy: f64) -> Result<Self, ParamError> {
        Ok(Self {
            max_occupancy: check::open_share("max_occupancy", max_occupancy)?,
            ..self
        })
    }

    /// Agents are away (breaks, training, illness) for this share of the time that they are scheduled for.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `shrinkage` is not at least zero and below one.
    pub fn with_shrinkage(self, shrinkage: f64) -> Result<Self, ParamError> {
        if !(0.0..1.0).contains(&shrinkage) {
            let must = "be at least zero and below one";
            return Err(ParamError::new("shrinkage", shrinkage, must));
        }
        Ok(Self {
            shrinkage: shrinkage + 0.0,
            ..self
        })
    }

    /// The fewest agents for calls that come at `arrival_rate` per unit of time and take `mean_handling_time` each; none
    /// when nobody calls.
    ///
    /// # Errors
    ///
    /// [`ModelError::Param`] when `arrival_rate` is negative or not finite, `mean_handling_time` not between 1e-290 and
    /// 1e290, or the target out of reach of 2^32 agents; [`ModelError::Unstable`] when the load alone is.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::staffing::Desk;
    ///
    /// // As pyworkforce has it: 100 calls in 30 minutes of 3 minutes each, 80 % within 20 s, occupancy at most 70 %.
    /// let desk = Desk::for_service_level(0.8, 0.33)?.with_max_occupancy(0.7)?.with_shrinkage(0.3)?;
    /// let staffed = desk.staff(100.0 / 30.0, 3.0)?;
    /// assert_eq!((staffed.agents(), staffed.scheduled()), (15, 22));
    /// assert!((staffed.performance().service_level(0.33) - 0.941).abs() < 0.0005);
    /// assert!((staffed.performance().occupancy() - 0.667).abs() < 0.0005);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn staff(&self, arrival_rate: f64, mean_handling_time: f64) -> Result<Staffed, ModelError> {
        let none = self.performance_of(arrival_rate, mean_handling_time, 0.0);
        if let Ok(performance) = none {
            if arrival_rate == 0.0 {
                return Ok(self.staffed(0, performance));
            }
        } else if let Err(ModelError::Param(error)) = none {
            return Err(error.into());
        }
        let found = fewest_servers(
            |agents| {
                let performance = self.enough(arrival_rate, mean_handling_time, f64::from(agents));
                performance.map(|performance| (agents, performance))
            },
            |(_, performance)| performance.is_some(),
        )?;
        let Some((agents, Some(performance))) = found else {
            return Err(self.out_of_reach(arrival_rate, mean_handling_time));
        };
        Ok(self.staffed(agents, performance))
    }

    /// The least number of agents, fractions allowed: for agents who are shared, or to see how narrowly whole ones do.
    ///
    /// The target is met just there; the next whole number is that of [`staff`](Self::staff).
    ///
    /// # Errors
    ///
    /// As for [`staff`](Self::staff).
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::staffing::Desk;
    ///
    /// let desk = Desk::for_service_level(0.8, 20.0)?;
    /// let agents = desk.fractional_agents(200.0 / 3600.0, 180.0)?;
    /// assert!((13.0..14.0).contains(&agents));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fractional_agents(
        &self,
        arrival_rate: f64,
        mean_handling_time: f64,
    ) -> Result<f64, ModelError> {
        let whole = f64::from(self.staff(arrival_rate, mean_handling_time)?.agents());
        if whole == 0.0 {
            return Ok(0.0);
        }
        let (mut low, mut high) = (whole - 1.0, whole);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if !(middle > low && middle < high) {
                break;
            }
            if self
                .enough(arrival_rate, mean_handling_time, middle)?
                .is_some()
            {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(high)
    }

    /// What so many `agents` come to, the target aside.
    ///
    /// # Errors
    ///
    /// As for [`staff`](Self::staff), and [`ModelError::Unstable`] when callers do not give up and the agents cannot
    /// work off the load; its loads are calls per unit of time. [`ModelError::Param`] when `agents` is negative or not
    /// finite.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::queueing::ModelError;
    /// use crm_metrics::staffing::Desk;
    ///
    /// let desk = Desk::for_service_level(0.8, 20.0)?;
    /// let Err(ModelError::Unstable(overload)) = desk.performance_of(0.06, 180.0, 9.0) else { panic!("ten erlangs") };
    /// assert_eq!(overload.stable_below, 0.05);
    /// # Ok::<(), crm_metrics::ParamError>(())
    /// ```
    pub fn performance_of(
        &self,
        arrival_rate: f64,
        mean_handling_time: f64,
        agents: f64,
    ) -> Result<Performance, ModelError> {
        Performance::new(
            arrival_rate,
            mean_handling_time,
            agents,
            self.abandonment_rate,
        )
    }

    /// The fewest agents for each interval of a forecast, in its order.
    pub fn plan<'a>(
        &'a self,
        forecast: &'a [Interval],
    ) -> impl Iterator<Item = Result<Staffed, ModelError>> + 'a {
        forecast
            .iter()
            .map(|interval| self.staff(interval.arrival_rate(), interval.mean_handling_time()))
    }

    /// What a roster comes to: the performance of each interval with its number of agents, overload being an error of its
    /// own interval only. It ends with the shorter of the two lists.
    pub fn review<'a>(
        &'a self,
        forecast: &'a [Interval],
        agents: &'a [f64],
    ) -> impl Iterator<Item = Result<Performance, ModelError>> + 'a {
        forecast.iter().zip(agents).map(|(interval, &agents)| {
            self.performance_of(
                interval.arrival_rate(),
                interval.mean_handling_time(),
                agents,
            )
        })
    }

    /// The performance of so many agents, if it meets the target and the limit of occupancy.
    fn enough(
        &self,
        arrival_rate: f64,
        mean_handling_time: f64,
        agents: f64,
    ) -> Result<Option<Performance>, ModelError> {
        let found = match self.performance_of(arrival_rate, mean_handling_time, agents) {
            Ok(found) => found,
            Err(ModelError::Unstable(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let met = match self.target {
            // By the missed ones: at many nines they have the digits.
            Target::ServiceLevel { share, within } => found.missed(within) <= 1.0 - share,
            Target::MeanWait(target) => found.mean_waiting_time() <= target,
            Target::Abandonment(target) => found.probability_of_abandonment() <= target,
        };
        Ok((met && found.occupancy() <= self.max_occupancy).then_some(found))
    }

    fn out_of_reach(&self, arrival_rate: f64, mean_handling_time: f64) -> ModelError {
        let most = f64::from(u32::MAX);
        if arrival_rate * mean_handling_time >= most {
            return Unstable {
                offered: arrival_rate,
                stable_below: most / mean_handling_time,
            }
            .into();
        }
        let must = "leave the target within reach of 2^32 agents";
        ParamError::new("arrival_rate", arrival_rate, must).into()
    }

    fn staffed(&self, agents: u32, performance: Performance) -> Staffed {
        // A quotient that is whole but for its rounding is not rounded up.
        let scheduled = f64::from(agents) / (1.0 - self.shrinkage);
        let scheduled = (scheduled * (1.0 - 4.0 * f64::EPSILON)).ceil();
        Staffed {
            agents,
            // The cast saturates.
            scheduled: scheduled as u64,
            performance,
        }
    }
}

/// The agents that a load needs: what [`Desk::staff`] and [`Desk::plan`] find.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Staffed {
    agents: u32,
    scheduled: u64,
    performance: Performance,
}

impl Staffed {
    /// The fewest agents at the desk that meet the target.
    #[must_use]
    pub const fn agents(&self) -> u32 {
        self.agents
    }

    /// Those to be scheduled, so that as many are at the desk in spite of the shrinkage: `agents / (1 - shrinkage)`,
    /// rounded up.
    #[must_use]
    pub const fn scheduled(&self) -> u64 {
        self.scheduled
    }

    /// What they come to.
    #[must_use]
    pub const fn performance(&self) -> &Performance {
        &self.performance
    }
}
