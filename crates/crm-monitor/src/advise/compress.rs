//! Would fewer bytes help?

use super::action::Action;
use super::advice::Advice;
use super::advisor::Considered;
use super::effect::Effect;
use super::fact::Fact;
use super::load::Load;
use super::measure::{Dimension, Measure};
use super::situation::Situation;
use super::terms::Terms;

pub(super) fn consider(situation: &Situation<'_>) -> Considered {
    let (figures, terms) = (situation.figures, situation.terms);
    let (Some(bytes_out), Some(share)) = (figures.bytes_out, figures.compressible) else {
        return Err([
            ("bytes out", figures.bytes_out.is_none()),
            ("compressible share", figures.compressible.is_none()),
        ]
        .into_iter()
        .filter_map(|(name, lacking)| lacking.then_some(name))
        .collect());
    };
    let compressed_to = figures.compressed_to.unwrap_or(Terms::COMPRESSED_TO);
    let compressible = bytes_out * share;
    let saved = compressible * (1.0 - compressed_to);
    if saved < Terms::NOTABLE * bytes_out || saved <= 0.0 {
        return Ok(None);
    }

    let mut evidence = vec![
        Fact::new("bytes out", bytes_out, Dimension::BytesPerSecond),
        Fact::new("compressible share", share, Dimension::Share),
        Fact::new(
            if figures.compressed_to.is_some() {
                "left after compression"
            } else {
                "left after compression (assumed)"
            },
            compressed_to,
            Dimension::Share,
        ),
        Fact::new(
            "line to a client (assumed)",
            terms.line,
            Dimension::BytesPerSecond,
        ),
        Fact::new(
            "speed of compression (assumed)",
            terms.encoder,
            Dimension::BytesPerSecond,
        ),
    ];
    let mut effects = vec![Effect::new(Measure::BytesOut, bytes_out, bytes_out - saved)];

    // Requests on the line at any moment, and those in the service.
    let encoding = compressible / terms.encoder;
    let (mut before, mut after) = (bytes_out / terms.line, (bytes_out - saved) / terms.line);
    match situation.queue() {
        Ok(queue) if queue.load.arrival_rate > 0.0 => {
            let load = &queue.load;
            let service_time = load.service_time + encoding / load.arrival_rate;
            let variance = load.service_variation * load.service_time.powi(2);
            let changed = Load {
                service_time,
                service_variation: variance / service_time.powi(2),
                ..*load
            };
            let with = situation
                .with(queue, &changed)
                .ok_or_else(|| vec!["a model's answer"])?;
            before += queue.cost(&queue.now, load);
            after += queue.cost(&with, &changed);
            evidence.extend(queue.evidence(figures));
            effects.extend(queue.effects(&with));
        }
        // Without a queue only the encoding itself can be counted.
        _ => after += encoding,
    }
    effects.push(Effect::new(Measure::Cost, before, after));
    let worth = before - after;
    Ok((worth > 0.0).then(|| Advice {
        action: Action::Compress,
        change: None,
        evidence,
        effects,
        worth,
        basis: figures.clone(),
    }))
}
