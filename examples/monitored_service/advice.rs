//! What would help, as the advisor says it of the last minute.

use std::time::Duration;

use crm_perf::QueueingModels;
use crm_perf::cache::Stats;
use crm_perf::monitor::advise::{
    Action, Advice, Advisor, CacheFigures, Effect, Figures, FiguresError,
};
use crm_perf::monitor::{Over, Snapshot};

use crate::promises::capital;
use crate::view;

/// With fewer requests in the window nothing is said.
const ENOUGH: u64 = 200;
/// The most connections that `--connections` gives.
const MOST_CONNECTIONS: u32 = 64;

/// So many effects are told at most.
const EFFECTS: usize = 2;

/// What a window holds.
#[derive(Debug)]
pub(crate) struct Window<'a> {
    pub(crate) requests: &'a Over<Snapshot>,
    /// Each has a connection for its time: the connections are the workers.
    pub(crate) queries: &'a Over<Snapshot>,
    pub(crate) connections: u32,
    pub(crate) cache: &'a Stats,
    pub(crate) bytes_out: f64,
}

/// Advice with what is behind it, or why there is none.
pub(crate) fn advise(window: &Window<'_>) -> (Vec<view::Advice>, String) {
    if window.requests.value.count() < ENOUGH {
        return (Vec::new(), "Not enough requests yet to say.".to_owned());
    }
    let counsel = match figures(window) {
        Ok(figures) => Advisor::predicting_by(QueueingModels)
            .most_workers(MOST_CONNECTIONS)
            .advise(&figures),
        // Such as a load that has just begun to change, of which two figures do not fit each other.
        Err(error) => return (Vec::new(), format!("Nothing can be said now: {error}.")),
    };
    let nothing = counsel.of(Action::Nothing).map(ToString::to_string);
    let advice = counsel.advice().iter();
    let advice = advice.filter(|advice| advice.action() != Action::Nothing);
    (
        advice.map(shown).collect(),
        capital(&nothing.unwrap_or_default()),
    )
}

/// A worker is a connection to the database. A request has as much of one as its queries take, which are fewer than one on
/// average: the cache answers the others.
fn figures(window: &Window<'_>) -> Result<Figures, FiguresError> {
    let (requests, queries) = (&window.requests.value, &window.queries.value);
    let mut figures = Figures::builder()
        .responses(requests, window.requests.elapsed)
        .workers(window.connections)
        .bytes_out(window.bytes_out)
        // All of it is JSON, and none is compressed.
        .compressible_share(1.0);
    if let (Some(mean), Some(deviation)) = (queries.mean(), queries.standard_deviation()) {
        let share = queries.count() as f64 / requests.count() as f64;
        let demand = share * mean;
        let second_moment = share * (mean * mean + deviation * deviation);
        figures = figures
            .service_time(nanos(demand))
            .service_variation((second_moment / (demand * demand) - 1.0).max(0.0));
        if let Some(hit_ratio) = window.cache.hit_ratio() {
            let lookups = window.cache.reads() as f64 / requests.count() as f64;
            // A hit needs no connection, and a miss one for a query.
            let cache = CacheFigures::new(hit_ratio, Duration::ZERO, nanos(mean));
            figures = figures.cache(cache.lookups(lookups));
        }
    }
    figures.build()
}

fn nanos(nanos: f64) -> Duration {
    Duration::from_secs_f64(nanos * 1e-9)
}

/// Whether a figure changes by a hundredth at least: less looks like nothing.
fn matters(effect: &Effect) -> bool {
    (effect.after - effect.before).abs() >= 0.01 * effect.before.abs()
}

fn shown(advice: &Advice) -> view::Advice {
    let mut title = capital(&advice.action().to_string());
    if let Some(change) = advice.change() {
        title += &format!(": {change}");
    }
    // The first is the one it is for.
    let effects = advice.effects().iter().filter(|effect| matters(effect));
    let effects: Vec<_> = effects.take(EFFECTS).map(ToString::to_string).collect();
    view::Advice {
        title,
        effect: match &*effects.join(", ") {
            "" => String::new(),
            effects => format!("Expect the {effects}."),
        },
        facts: advice.evidence().iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use crm_perf::clock::Clock;
    use crm_perf::monitor::{Histogram, History, Layout};

    use super::*;

    #[test]
    fn a_request_has_as_much_of_a_worker_as_its_queries_take() {
        let (clock, hand) = Clock::manual();
        let history = History::builder().clock(clock).build().unwrap();
        let [requests, queries] = [(); 2].map(|()| Histogram::new(Layout::response_times()));
        let followed = [history.track(&requests), history.track(&queries)];
        for number in 0..400 {
            requests.record_duration(Duration::from_millis(10));
            if number % 2 == 0 {
                queries.record_duration(Duration::from_millis(8));
            }
        }
        hand.advance(Duration::from_secs(2));
        history.sample();
        let over = followed.map(|followed| followed.over(Duration::from_secs(2)).unwrap());
        let mut cache = Stats::default();
        (cache.hits, cache.misses) = (150, 50);
        let window = Window {
            requests: &over[0],
            queries: &over[1],
            connections: 4,
            cache: &cache,
            bytes_out: 1_000.0,
        };
        let figures = figures(&window).unwrap();
        assert_eq!(figures.arrival_rate(), Some(200.0));
        let near = |found: Option<f64>, expected: f64| {
            assert!(
                (found.unwrap() / expected - 1.0).abs() < 0.01,
                "{found:?} for {expected}"
            );
        };
        // Every other request has a query of 8 ms, and the others none.
        near(figures.service_time().map(|time| time.as_secs_f64()), 0.004);
        near(figures.service_variation(), 1.0);
        near(figures.utilisation(), 0.2);
        assert_eq!(figures.cache().unwrap().hit_ratio(), 0.75);
        let (advice, why_none) = advise(&window);
        let titles: Vec<_> = advice.iter().map(|advice| &*advice.title).collect();
        assert!(
            titles.contains(&"Cache more: hit ratio from 75 % to 87.5 %"),
            "{titles:?} {why_none}"
        );
    }
}
