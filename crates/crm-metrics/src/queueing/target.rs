//! What a service promises, and the search for the load, the speed or the servers that just keep it.

#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use core::error::Error;
use core::fmt;

use super::fewest::fewest_servers;
use crate::check;
use crate::error::{ModelError, ParamError};
use crate::numeric::root;

/// A promise that the inverse functions of the models keep: a figure and what it may be at most.
///
/// Times are in the unit of the model. `p` is a share of requests, strictly between zero and one. The figure of
/// [`WaitingTime`](Self::WaitingTime) and [`ResponseTime`](Self::ResponseTime) is the share of requests that is late, and
/// its limit `1 - p`: that, not a time, is what [`TargetError`] tells of them.
///
/// | function | of |
/// |---|---|
/// | `largest_arrival_rate` | [`Mm1`](super::Mm1), [`Mmc`](super::Mmc), [`Mmck`](super::Mmck), [`Mmcc`](super::Mmcc), [`Mg1`](super::Mg1), [`Md1`](super::Md1), [`Mdc`](super::Mdc), [`Mg1Ps`](super::Mg1Ps), [`ErlangA`](super::ErlangA) |
/// | `largest_request_rate` | [`FiniteSource`](super::FiniteSource), [`Engset`](super::Engset) |
/// | `smallest_service_rate` | [`Mm1`](super::Mm1), [`Mmc`](super::Mmc), [`Mmck`](super::Mmck), [`Mmcc`](super::Mmcc), [`MmInf`](super::MmInf), [`ErlangA`](super::ErlangA), [`FiniteSource`](super::FiniteSource), [`Engset`](super::Engset) |
/// | `longest_service_time` | [`Mg1`](super::Mg1), [`Md1`](super::Md1), [`Mdc`](super::Mdc), [`Mg1Ps`](super::Mg1Ps) |
/// | `fewest_servers` | [`Mmc`](super::Mmc), [`Mmck`](super::Mmck), [`Mmcc`](super::Mmcc), [`Mdc`](super::Mdc), [`ErlangA`](super::ErlangA), [`FiniteSource`](super::FiniteSource), [`Engset`](super::Engset) |
/// | `largest_population` | [`FiniteSource`](super::FiniteSource), [`Engset`](super::Engset) |
///
/// The model that is built from the result keeps the promise, down to the last digit of its own formulas; a few units in the last place further it
/// no longer does. It takes some ten to some fifty evaluations of the figure.
///
/// # Formula
///
/// The root of `figure(x) = limit`, in a bracket that is found by halves and doubles from the capacity, by Chandrupatla's method. Figures are
/// monotone in rates and servers.
///
/// # Example
///
/// ```
/// use crm_metrics::queueing::{Mmc, Target};
///
/// // Three workers of 50 requests a second each: how many a second, for a 99th percentile of 100 ms?
/// let promise = Target::ResponseTime { p: 0.99, within: 0.1 };
/// let rate = Mmc::largest_arrival_rate(50.0, 3, promise)?;
/// assert_eq!(format!("{rate:.1}"), "76.8");
/// assert!(Mmc::new(rate, 50.0, 3)?.response_time_quantile(0.99) <= 0.1 + 1e-15);
/// // And for 120 a second: how quick must each of them be, or how many are needed?
/// assert_eq!(format!("{:.1}", Mmc::smallest_service_rate(120.0, 3, promise)?), "59.5");
/// assert_eq!(Mmc::fewest_servers(120.0, 50.0, promise)?, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// The mean time in line, of those who are let in; with abandonment of all.
    MeanWaitingTime(f64),
    /// The mean time from arrival to departure, of those who are let in; with abandonment of those who are served.
    MeanResponseTime(f64),
    /// A share `p` of those who are let in waits no longer than `within`; with abandonment a share `p` of all is served after at most that
    /// wait.
    WaitingTime {
        /// The share.
        p: f64,
        /// The wait.
        within: f64,
    },
    /// A share `p` of those who are let in is answered within `within`; with abandonment a share `p` of all is.
    ResponseTime {
        /// The share.
        p: f64,
        /// The response time.
        within: f64,
    },
    /// The share of requests that is lost: turned away, or given up.
    Loss(f64),
}

impl Target {
    /// Refuses a bad number, and tells what the figure may be at most.
    fn limit(self) -> Result<f64, ParamError> {
        match self {
            Self::MeanWaitingTime(time) | Self::MeanResponseTime(time) => {
                check::positive("target", time)
            }
            Self::WaitingTime { p, within } => {
                check::not_negative("within", within)?;
                Ok(1.0 - check::open_share("p", p)?)
            }
            Self::ResponseTime { p, within } => {
                check::positive("within", within)?;
                Ok(1.0 - check::open_share("p", p)?)
            }
            Self::Loss(share) => check::open_share("target", share),
        }
    }
}

/// Why there is no load, speed or number that just keeps a [`Target`].
///
/// ```
/// use crm_metrics::queueing::{Mm1, Target, TargetError};
///
/// // A service of ten milliseconds on average is never over in five.
/// let refused = Mm1::largest_arrival_rate(100.0, Target::MeanResponseTime(0.005));
/// assert!(matches!(refused, Err(TargetError::Unreachable { best, .. }) if (best - 0.01).abs() < 1e-9));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum TargetError {
    /// A parameter of the model, or the target, lies outside its domain.
    Param(ParamError),
    /// No value keeps the target.
    Unreachable {
        /// The figure at the best value: a mean time, or the share of requests that is late or lost.
        best: f64,
    },
    /// Every value keeps the target.
    Always {
        /// The figure at the worst value: a mean time, or the share of requests that is late or lost.
        worst: f64,
    },
    /// The model does not tell this figure, or nobody is ever lost in it.
    Unknown,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Param(error) => error.fmt(f),
            Self::Unreachable { best } => write!(
                f,
                "the target cannot be reached: its figure, a mean time or the share that is late or lost, is {best} at best; allow more, or change another parameter"
            ),
            Self::Always { worst } => write!(
                f,
                "the target is met whatever the value: its figure, a mean time or the share that is late or lost, is {worst} at worst; there is no limit to look for"
            ),
            Self::Unknown => f.write_str(
                "the model does not tell the figure of this target: choose another target or model",
            ),
        }
    }
}

impl Error for TargetError {}

impl From<ParamError> for TargetError {
    fn from(error: ParamError) -> Self {
        Self::Param(error)
    }
}

/// A model that can be asked for the figure of a target, the smaller the better.
pub(super) trait Promised {
    /// None where the model does not know it.
    fn figure(&self, target: Target) -> Option<f64>;
}

/// A model, or none where the load is too much for it.
pub(super) fn stable<M>(model: Result<M, ModelError>) -> Result<Option<M>, ParamError> {
    match model {
        Ok(model) => Ok(Some(model)),
        Err(ModelError::Unstable(_)) => Ok(None),
        Err(ModelError::Param(error)) => Err(error),
    }
}

/// A parameter that is looked for: from where it is good to where it is bad.
#[derive(Clone, Copy, Debug)]
pub(super) enum Range {
    /// Good when small, up to a capacity that it must not reach.
    UpTo(f64),
    /// Good when small, without end; a value of the right order of magnitude.
    Up(f64),
    /// Good when large, down to a load that it must not reach.
    DownTo(f64),
    /// Good when large, down to zero.
    Down(f64),
}

/// The values that are tried are factors of `2^j` apart; finite sources take quotients up to 1e150.
const FAR: i32 = 490;

/// Half the distance to a capacity so many times, and nothing is left of it.
const NEAR: i32 = 52;

/// The least and the largest rate or time that is looked for.
const LEAST: f64 = 1e-280;
const MOST: f64 = 1e280;

impl Range {
    /// A value the worse the larger `j` is.
    fn rung(self, j: i32) -> f64 {
        let power = |j: i32| 2.0_f64.powi(j);
        match self {
            Self::UpTo(end) if j < 0 => end * power(j),
            Self::UpTo(end) => end - end * power(-j - 2),
            Self::Up(near) => near * power(j),
            Self::DownTo(end) if j < 0 => end * power(-j),
            Self::DownTo(end) => end + end * power(-j - 1),
            Self::Down(near) => near * power(-j),
        }
    }

    const fn worst(self) -> i32 {
        match self {
            Self::UpTo(_) | Self::DownTo(_) => NEAR,
            Self::Up(_) | Self::Down(_) => FAR,
        }
    }
}

/// The last value of the range for which the model that is built meets the target. `build` has none where the load is too much.
pub(super) fn last_that_meets<M: Promised>(
    target: Target,
    range: Range,
    build: impl Fn(f64) -> Result<Option<M>, ParamError>,
) -> Result<f64, TargetError> {
    let limit = target.limit()?;
    // Which sign the excess has, and by how much roughly: infinite where there is no model.
    let excess = |x: f64| -> Result<f64, TargetError> {
        let Some(model) = build(x)? else {
            return Ok(f64::INFINITY);
        };
        let figure = model.figure(target).ok_or(TargetError::Unknown)?;
        if figure <= limit {
            // Also where both are the same number, and where nothing is late.
            return Ok((figure.ln() - limit.ln()).min(0.0));
        }
        Ok((figure.ln() - limit.ln()).max(f64::MIN_POSITIVE))
    };
    let within = |j: i32| (LEAST..=MOST).contains(&range.rung(j));
    let meets = |j: i32| -> Result<bool, TargetError> { Ok(excess(range.rung(j))? <= 0.0) };
    // Gallop from the middle, and halve.
    let start = -1;
    let (mut good, mut bad);
    let mut step = 1;
    if meets(start)? {
        (good, bad) = (start, start + 1);
        while bad <= range.worst() && within(bad) && meets(bad)? {
            good = bad;
            bad += step;
            step *= 2;
        }
        if bad > range.worst() || !within(bad) {
            bad = furthest(good, bad.min(range.worst() + 1), within);
            if meets(bad)? {
                return match range {
                    // As close to the end as numbers get.
                    Range::UpTo(_) | Range::DownTo(_) => Ok(range.rung(bad)),
                    Range::Up(_) | Range::Down(_) => Err(TargetError::Always {
                        worst: figure(&build, target, range.rung(bad))?,
                    }),
                };
            }
        }
    } else {
        (good, bad) = (start - 1, start);
        while good >= -FAR && within(good) && !meets(good)? {
            bad = good;
            good -= step;
            step *= 2;
        }
        if good < -FAR || !within(good) {
            good = furthest(bad, good.max(-FAR - 1), within);
            if !meets(good)? {
                return Err(TargetError::Unreachable {
                    best: figure(&build, target, range.rung(good))?,
                });
            }
        }
    }
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if meets(middle)? {
            good = middle;
        } else {
            bad = middle;
        }
    }
    let (good, bad) = (range.rung(good), range.rung(bad));
    // Both ends are built, so that what lies between them is, too.
    let found = root::find(good, bad, |x| excess(x).unwrap_or(f64::INFINITY));
    // The root's last digits may lie on the wrong side.
    let ulp = f64::EPSILON * found * if bad > good { -0.5 } else { 0.5 };
    let mut x = found;
    let mut steps = 1.0;
    while excess(x)? > 0.0 {
        x = found + steps * ulp;
        steps *= 2.0;
        // The sign alone: the product of two small distances may be zero.
        if (x - good) * ulp.signum() >= 0.0 {
            return Ok(good);
        }
    }
    Ok(x)
}

/// The integer furthest from `inside` towards `outside`, and not the same as that, of which `within` holds.
fn furthest(inside: i32, outside: i32, within: impl Fn(i32) -> bool) -> i32 {
    let (mut inside, mut outside) = (inside, outside);
    while (outside - inside).abs() > 1 {
        let middle = inside + (outside - inside) / 2;
        if within(middle) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    inside
}

fn figure<M: Promised>(
    build: &impl Fn(f64) -> Result<Option<M>, ParamError>,
    target: Target,
    x: f64,
) -> Result<f64, TargetError> {
    let model = build(x)?.ok_or(TargetError::Unknown)?;
    model.figure(target).ok_or(TargetError::Unknown)
}

/// The fewest servers with which the model that is built meets the target, at most `most` of them.
pub(super) fn fewest_that_meet<M: Promised>(
    target: Target,
    most: u32,
    build: impl Fn(u32) -> Result<Option<M>, ParamError>,
) -> Result<u32, TargetError> {
    let limit = target.limit()?;
    let best = match build(most)? {
        Some(model) => model.figure(target).ok_or(TargetError::Unknown)?,
        None => f64::INFINITY,
    };
    if best > limit {
        return Err(TargetError::Unreachable { best });
    }
    let build = |n: u32| -> Result<_, ParamError> { Ok((n, build(n.min(most))?)) };
    let found = fewest_servers(build, |(n, model)| {
        *n >= most
            || model
                .as_ref()
                .and_then(|model| model.figure(target))
                .is_some_and(|figure| figure <= limit)
    })?;
    Ok(found.map_or(most, |(n, _)| n.min(most)))
}

/// The largest number, from `least` on, with which the model that is built meets the target.
pub(super) fn largest_number_that_meets<M: Promised>(
    target: Target,
    least: u32,
    build: impl Fn(u32) -> Result<M, ParamError>,
) -> Result<u32, TargetError> {
    let limit = target.limit()?;
    let figure = |n: u32| -> Result<f64, TargetError> {
        build(n)?.figure(target).ok_or(TargetError::Unknown)
    };
    let best = figure(least)?;
    if best > limit {
        return Err(TargetError::Unreachable { best });
    }
    let (mut good, mut bad) = (least, least.saturating_mul(2).max(2));
    loop {
        let worst = figure(bad)?;
        if worst > limit {
            break;
        }
        if bad == u32::MAX {
            return Err(TargetError::Always { worst });
        }
        (good, bad) = (bad, bad.saturating_mul(2));
    }
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if figure(middle)? <= limit {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Ok(good)
}
