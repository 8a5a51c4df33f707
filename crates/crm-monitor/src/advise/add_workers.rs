//! Would more workers help?

use super::action::Action;
use super::advice::Advice;
use super::advisor::Considered;
use super::effect::Effect;
use super::fact::Fact;
use super::load::Load;
use super::measure::{Dimension, Measure};
use super::situation::{Queue, Situation};
use super::terms::Terms;

pub(super) fn consider(situation: &Situation<'_>) -> Considered {
    let (figures, terms) = (situation.figures, situation.terms);
    let queue = situation.queue()?;
    let load = &queue.load;
    let refused = figures.refused.unwrap_or(0.0);
    let offered = load.arrival_rate + refused;
    let refuses = refused > Terms::FAILING * offered;
    let waits = situation
        .wait_for_worker(queue, load)
        .ok_or_else(|| vec!["a model's answer"])?;
    if !refuses && waits <= Terms::SHORT_WAIT * load.service_time {
        return Ok(None);
    }
    let Some(workers) = fewest(situation, queue, offered) else {
        return Ok(None);
    };

    let changed = Load {
        arrival_rate: offered,
        workers,
        ..*load
    };
    let after = situation
        .with(queue, &changed)
        .ok_or_else(|| vec!["a model's answer"])?;
    if !refuses && !queue.is_notable(&after) {
        return Ok(None);
    }
    let cost = (
        queue.cost(&queue.now, load) + refused * terms.failure,
        queue.cost(&after, &changed),
    );
    let mut evidence = queue.evidence(figures);
    let mut effects = queue.effects(&after);
    if refuses {
        evidence.push(Fact::new("refused", refused, Dimension::PerSecond));
        effects.push(Effect::new(Measure::RefusedRate, refused, 0.0));
    }
    effects.push(Effect::new(Measure::Cost, cost.0, cost.1));
    let worth = cost.0 - cost.1;
    Ok((worth > 0.0).then(|| Advice {
        action: Action::AddWorkers,
        change: Some(Effect::new(
            Measure::Workers,
            f64::from(load.workers),
            f64::from(workers),
        )),
        evidence,
        effects,
        worth,
        basis: figures.clone(),
    }))
}

/// The fewest workers, more than now, that keep the wait of all who come short; the most there are where even they do not.
fn fewest(situation: &Situation<'_>, queue: &Queue, offered: f64) -> Option<u32> {
    let (now, most) = (queue.load.workers, situation.terms.most_workers);
    let enough = |workers: u32| {
        let load = Load {
            arrival_rate: offered,
            workers,
            ..queue.load
        };
        situation
            .wait_for_worker(queue, &load)
            .is_some_and(|wait| wait <= Terms::SHORT_WAIT * load.service_time)
    };
    if most <= now {
        return None;
    }
    // Strides that double, so that the costs stay near those of the answer; then halving.
    let (mut short, mut stride) = (now, 1);
    let mut long = loop {
        let tried = short.saturating_add(stride).min(most);
        if tried == most || enough(tried) {
            break tried;
        }
        (short, stride) = (tried, stride * 2);
    };
    while long - short > 1 {
        let middle = short.midpoint(long);
        if enough(middle) {
            long = middle;
        } else {
            short = middle;
        }
    }
    Some(long)
}
