//! Are a few requests much slower than most?

use super::action::Action;
use super::advice::Advice;
use super::advisor::Considered;
use super::effect::Effect;
use super::fact::Fact;
use super::measure::{Dimension, Measure};
use super::situation::Situation;
use super::terms::Terms;

pub(super) fn consider(situation: &Situation<'_>) -> Considered {
    let figures = situation.figures;
    let (Some(median), Some(arrival_rate)) =
        (figures.percentile_seconds(0.5), figures.arrival_rate)
    else {
        return Err([
            ("median", figures.percentile_seconds(0.5).is_none()),
            ("arrival rate", figures.arrival_rate.is_none()),
        ]
        .into_iter()
        .filter_map(|(name, lacking)| lacking.then_some(name))
        .collect());
    };
    let upper = || {
        figures
            .percentiles
            .iter()
            .filter(|(share, _)| *share >= 0.9)
    };
    if upper().next().is_none() {
        return Err(vec!["a percentile from 90 % on"]);
    }

    // Those beyond a percentile take at least its time; were the tail exponential, they would begin at this one.
    let exponential = |share: f64| median * -(1.0 - share).ln() / std::f64::consts::LN_2;
    let slowest = upper()
        .filter(|(share, time)| *time > Terms::TAIL * exponential(*share))
        .map(|(share, time)| (*share, *time, (1.0 - share) * (time - exponential(*share))))
        .max_by(|left, right| left.2.total_cmp(&right.2));
    let Some((share, time, saved)) = slowest else {
        return Ok(None);
    };
    let tail = Effect::new(Measure::Percentile(share), time, exponential(share));
    let mut effects = vec![tail];
    if let Some(mean) = figures.response_time {
        // By rounding the mean may be a little less than the percentiles make it.
        effects.push(Effect::new(
            Measure::ResponseTime,
            mean,
            (mean - saved).max(0.0),
        ));
    }
    let mut evidence = vec![
        Fact::new("median", median, Dimension::Seconds),
        Fact::new(tail.measure.to_string(), time, Dimension::Seconds),
        Fact::new("by the median", time / median, Dimension::Ratio),
        Fact::new(
            "by the median, if times were exponential",
            exponential(share) / median,
            Dimension::Ratio,
        ),
    ];
    if let Some(variation) = figures.service_variation {
        evidence.push(Fact::new(
            "variation of the service time",
            variation,
            Dimension::Ratio,
        ));
    }
    let worth = arrival_rate * saved;
    Ok((worth > 0.0).then(|| Advice {
        action: Action::LookAtSlowTail,
        change: None,
        evidence,
        effects,
        worth,
        basis: figures.clone(),
    }))
}
