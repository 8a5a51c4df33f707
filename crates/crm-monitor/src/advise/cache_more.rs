//! Would more hits help?

use super::action::Action;
use super::advice::Advice;
use super::advisor::Considered;
use super::effect::Effect;
use super::fact::Fact;
use super::load::Load;
use super::measure::{Dimension, Measure};
use super::situation::Situation;

pub(super) fn consider(situation: &Situation<'_>) -> Considered {
    let queue = situation.queue();
    let Some(cache) = situation.figures.cache else {
        let mut lacking = vec!["cache"];
        lacking.extend(queue.err().unwrap_or_default());
        return Err(lacking);
    };
    let queue = queue?;
    let before = cache.hit_ratio;
    let target = cache
        .reachable
        .unwrap_or_else(|| f64::midpoint(before, 1.0));
    if target <= before {
        return Ok(None);
    }

    let load = &queue.load;
    let saved = cache.time_at(before) - cache.time_at(target);
    let service_time = load.service_time - saved;
    if service_time < 1e-9 {
        // The figures may disagree by a tenth, which here is all that would be left.
        return Err(vec!["a service time longer than its lookups"]);
    }
    let variance = load.service_variation * load.service_time.powi(2);
    let variance = cache.variance_at(target, load.service_time, variance);
    let changed = Load {
        service_time,
        service_variation: variance / service_time.powi(2),
        ..*load
    };
    let after = situation
        .with(queue, &changed)
        .ok_or_else(|| vec!["a model's answer"])?;
    if !queue.is_notable(&after) {
        return Ok(None);
    }

    let mut evidence = vec![
        Fact::new("hit ratio", before, Dimension::Share),
        Fact::new("time of a hit", cache.hit, Dimension::Seconds),
        Fact::new("time of a miss", cache.miss, Dimension::Seconds),
        Fact::new("lookups in a request", cache.lookups, Dimension::Ratio),
    ];
    evidence.extend(queue.evidence(situation.figures));
    let mut effects = queue.effects(&after);
    effects.push(Effect::new(
        Measure::ServiceTime,
        load.service_time,
        service_time,
    ));
    let cost = (queue.cost(&queue.now, load), queue.cost(&after, &changed));
    effects.push(Effect::new(Measure::Cost, cost.0, cost.1));
    Ok(Some(Advice {
        action: Action::CacheMore,
        change: Some(Effect::new(Measure::HitRatio, before, target)),
        evidence,
        effects,
        worth: cost.0 - cost.1,
        basis: situation.figures.clone(),
    }))
}
