//! Would it help to turn some away?

use super::action::Action;
use super::advice::Advice;
use super::advisor::Considered;
use super::effect::Effect;
use super::load::Load;
use super::measure::Measure;
use super::situation::{Queue, Situation};
use super::terms::Terms;

pub(super) fn consider(situation: &Situation<'_>) -> Considered {
    let (figures, terms) = (situation.figures, situation.terms);
    let queue = situation.queue()?;
    let load = &queue.load;
    let waits = situation
        .wait_for_worker(queue, load)
        .ok_or_else(|| vec!["a model's answer"])?;
    if waits <= Terms::LONG_WAIT * load.service_time {
        return Ok(None);
    }

    let changed = Load {
        arrival_rate: most(situation, queue),
        ..*load
    };
    let after = situation
        .with(queue, &changed)
        .ok_or_else(|| vec!["a model's answer"])?;
    let shed = load.arrival_rate - changed.arrival_rate;
    let cost = (
        queue.cost(&queue.now, load),
        queue.cost(&after, &changed) + shed * terms.failure,
    );
    let worth = cost.0 - cost.1;
    if worth <= 0.0 || !queue.is_notable(&after) {
        return Ok(None);
    }
    let refused = figures.refused.unwrap_or(0.0);
    let mut effects = queue.effects(&after);
    effects.push(Effect::new(Measure::RefusedRate, refused, refused + shed));
    effects.push(Effect::new(Measure::Cost, cost.0, cost.1));
    Ok(Some(Advice {
        action: Action::ShedLoad,
        change: Some(Effect::new(
            Measure::ArrivalRate,
            load.arrival_rate,
            changed.arrival_rate,
        )),
        evidence: queue.evidence(figures),
        effects,
        worth,
        basis: figures.clone(),
    }))
}

/// The most requests by the second with which nobody waits long on average, to a millionth of those that come.
fn most(situation: &Situation<'_>, queue: &Queue) -> f64 {
    let (mut short, mut long) = (0.0, queue.load.arrival_rate);
    for _ in 0..20 {
        let arrival_rate = f64::midpoint(short, long);
        let load = Load {
            arrival_rate,
            ..queue.load
        };
        let waits = situation.wait_for_worker(queue, &load);
        if waits.is_some_and(|wait| wait <= Terms::LONG_WAIT * load.service_time) {
            short = arrival_rate;
        } else {
            long = arrival_rate;
        }
    }
    short
}
