//! Do many requests fail?

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
    let (Some(errors), Some(arrival_rate)) = (figures.errors, figures.arrival_rate) else {
        return Err([
            ("errors", figures.errors.is_none()),
            ("arrival rate", figures.arrival_rate.is_none()),
        ]
        .into_iter()
        .filter_map(|(name, lacking)| lacking.then_some(name))
        .collect());
    };
    if errors <= Terms::FAILING * arrival_rate {
        return Ok(None);
    }
    let failure = situation.terms.failure;
    let worth = errors * failure;
    Ok(Some(Advice {
        action: Action::LookAtErrors,
        change: None,
        evidence: vec![
            Fact::new("errors", errors, Dimension::PerSecond),
            Fact::new("arrival rate", arrival_rate, Dimension::PerSecond),
            Fact::new("share of errors", errors / arrival_rate, Dimension::Share),
            Fact::new("an error counts as (assumed)", failure, Dimension::Seconds),
        ],
        effects: vec![
            Effect::new(Measure::ErrorRate, errors, 0.0),
            Effect::new(Measure::Cost, worth, 0.0),
        ],
        worth,
        basis: figures.clone(),
    }))
}
