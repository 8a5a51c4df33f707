//! Advice is taken in a simulated service, and what was predicted is held against what comes of it.
//!
//! The allowed errors are those of the model: it is exact for random arrivals of exponential services, and knows of other
//! ones no more than two moments.

#[path = "support/queue.rs"]
mod queue;

use crm_monitor::advise::{Action, Advice, Advisor, Doubt, Figures, Measure};
use queue::{Seen, Service, Work};

const REQUESTS: usize = 100_000;

const SERVICE: Service = Service {
    arrivals: 360.0,
    burst: 1,
    workers: 4,
    admitted: 1.0,
    work: Work::Exponential(0.010),
};

fn run(service: Service, seed: u64) -> Seen {
    service.run(seed, REQUESTS / 10, REQUESTS)
}

fn figures(service: Service, seed: u64) -> Figures {
    run(service, seed).figures(&service).build().unwrap()
}

fn advice(figures: &Figures, action: Action) -> Advice {
    let counsel = Advisor::new().advise(figures);
    let found = counsel.of(action);
    found
        .unwrap_or_else(|| panic!("no advice to {action} in:\n{counsel}"))
        .clone()
}

/// Held within `percent`; and the prediction says something: without the change it would not have held.
fn assert_held(advice: &Advice, before: &Figures, after: &Figures, percent: f64) {
    let verdict = advice.held_within(after, percent / 100.0);
    assert_eq!(verdict.is_held(), Some(true), "{advice}\n{verdict}");
    let error = verdict.comparisons()[0].error_percent();
    assert!(error.abs() <= percent, "{verdict}");
    let unchanged = advice.held_within(before, percent / 100.0);
    assert_ne!(unchanged.is_held(), Some(true), "{unchanged}");
    let first = unchanged.comparisons()[0];
    assert!(first.error_percent() > 2.0 * percent, "{unchanged}");
}

/// What the advice changes, done.
fn workers(advice: &Advice, service: Service) -> Service {
    let change = advice.change().unwrap();
    assert_eq!(change.measure, Measure::Workers);
    Service {
        workers: change.after as usize,
        ..service
    }
}

#[test]
fn more_workers_where_the_model_is_exact() {
    let before = figures(SERVICE, 1);
    let advice = advice(&before, Action::AddWorkers);
    let after = figures(workers(&advice, SERVICE), 2);
    assert_held(&advice, &before, &after, 3.0);
    // The advised number is the smallest that does: with one less the wait would still be long.
    let wait = |figures: &Figures| figures.measured(Measure::WaitingTime).unwrap();
    let mut fewer = workers(&advice, SERVICE);
    fewer.workers -= 1;
    assert!(wait(&after) < 0.0025 && wait(&figures(fewer, 3)) > 0.0025);
}

#[test]
fn more_workers_where_services_vary() {
    let service = Service {
        work: Work::Mixed((0.1, 0.055), 0.005),
        ..SERVICE
    };
    let before = figures(service, 4);
    assert!(before.service_variation().unwrap() > 4.0);
    let advice = advice(&before, Action::AddWorkers);
    let after = figures(workers(&advice, service), 5);
    assert_held(&advice, &before, &after, 15.0);
}

/// Nobody told the model of bursts: the measured response time does.
#[test]
fn more_workers_where_arrivals_come_in_bursts() {
    let service = Service {
        burst: 4,
        ..SERVICE
    };
    let before = figures(service, 6);
    let advice = advice(&before, Action::AddWorkers);
    let after = figures(workers(&advice, service), 7);
    let verdict = advice.held_within(&after, 0.25);
    assert_eq!(verdict.is_held(), Some(true), "{verdict}");
    let without = Figures::builder()
        .arrival_rate(before.arrival_rate().unwrap())
        .service_time(before.service_time().unwrap())
        .workers(4)
        .build()
        .unwrap();
    let blind = Advisor::new().advise(&without);
    let blind = blind.of(Action::AddWorkers).unwrap();
    let blind = blind.effect(Measure::ResponseTime).unwrap().before;
    let seen = before.response_time().unwrap().as_secs_f64();
    assert!(blind < 0.6 * seen, "{blind} of {seen}");
}

#[test]
fn more_hits() {
    let cached = |hit_ratio| Service {
        work: Work::Cached(0.003, hit_ratio, 0.001, 0.016),
        ..SERVICE
    };
    let before = figures(cached(0.6), 8);
    let advice = advice(&before, Action::CacheMore);
    let hit_ratio = advice.change().unwrap().after;
    assert!((hit_ratio - 0.8).abs() < 1e-12);
    let after = figures(cached(hit_ratio), 9);
    assert_held(&advice, &before, &after, 5.0);
}

#[test]
fn less_load_in_an_overload() {
    // A quarter more than can be served, for a minute.
    let service = Service {
        arrivals: 500.0,
        ..SERVICE
    };
    let seen = service.run(10, 0, 30_000);
    let before = seen.figures(&service).build().unwrap();
    let counsel = Advisor::new().advise(&before);
    let order: Vec<_> = counsel.advice().iter().map(Advice::action).collect();
    assert_eq!(
        order,
        [Action::AddWorkers, Action::ShedLoad],
        "more workers refuse nobody:\n{counsel}"
    );
    let advice = counsel.of(Action::ShedLoad).unwrap();
    let change = advice.change().unwrap();
    let service = Service {
        admitted: change.after / change.before,
        ..service
    };
    let after = figures(service, 11);
    assert_held(advice, &before, &after, 8.0);
    let refused = advice.effect(Measure::RefusedRate).unwrap();
    let measured = after.refused().unwrap();
    assert!((refused.after - measured).abs() < 0.05 * measured);
}

/// Without a measured response time an overload has a number too: what piles up within a minute.
#[test]
fn an_overload_that_was_not_measured() {
    for arrivals in [396.0, 400.0, 500.0] {
        let service = Service {
            arrivals,
            ..SERVICE
        };
        let responses: Vec<f64> = (0..12)
            .map(|seed| queue::mean(&service.run(seed, 0, (arrivals * 60.0) as usize).responses))
            .collect();
        let simulated = queue::mean(&responses);
        let known = Figures::builder()
            .arrival_rate(arrivals)
            .service_time(std::time::Duration::from_millis(10))
            .workers(4)
            .build()
            .unwrap();
        let modelled = advice(&known, Action::AddWorkers)
            .effect(Measure::ResponseTime)
            .unwrap()
            .before;
        let error = modelled / simulated - 1.0;
        assert!(error.abs() < 0.25, "{arrivals}: {modelled} of {simulated}");
    }
}

#[test]
fn fewer_bytes_keep_workers_busy() {
    let service = |encoding| Service {
        arrivals: 280.0,
        work: Work::Shifted(encoding, 0.010),
        ..SERVICE
    };
    let seen = run(service(0.0), 12);
    let bytes_out = 200_000.0 * 280.0;
    let before = seen
        .figures(&service(0.0))
        .bytes_out(bytes_out)
        .compressible_share(0.9)
        .build()
        .unwrap();
    let advice = advice(&before, Action::Compress);
    // 180,000 bytes at 100 MB/s.
    let seen = run(service(0.0018), 13);
    let after = seen
        .figures(&service(0.0018))
        .bytes_out(bytes_out * (0.1 + 0.9 * 0.3))
        .build()
        .unwrap();
    assert_held(&advice, &before, &after, 3.0);
    let verdict = advice.held_against(&after);
    let response = verdict.comparisons()[1];
    assert_eq!(response.measure, Measure::ResponseTime);
    assert!(response.predicted > response.before);
    assert!(response.error_percent().abs() < 10.0, "{verdict:?}");
}

#[test]
fn a_slow_tail() {
    let slow = Service {
        arrivals: 100.0,
        workers: 16,
        work: Work::Mixed((0.03, 0.4), 0.005),
        ..SERVICE
    };
    let before = figures(slow, 14);
    let advice = advice(&before, Action::LookAtSlowTail);
    // The slow ones become as fast as the others: that is more than the advice dares to promise.
    let mended = Service {
        work: Work::Exponential(0.005),
        ..slow
    };
    let after = figures(mended, 15);
    let verdict = advice.held_against(&after);
    let tail = verdict.comparisons()[0];
    assert_eq!(tail.measure, Measure::Percentile(0.99));
    assert!(tail.error_percent().abs() < 15.0, "{verdict}");
    let mean = verdict.comparisons()[1];
    assert!(mean.measured < mean.predicted && mean.predicted < mean.before);
    // But the service is another one, which the verdict cannot but say.
    assert_eq!(verdict.is_held(), None);
    assert!(matches!(
        verdict.doubts()[..],
        [Doubt::Changed {
            measure: Measure::ServiceTime,
            ..
        }]
    ));
}

#[test]
fn a_load_that_changed_is_not_compared() {
    let before = figures(SERVICE, 16);
    let advice = advice(&before, Action::AddWorkers);
    let busier = Service {
        arrivals: 450.0,
        ..workers(&advice, SERVICE)
    };
    let verdict = advice.held_against(&figures(busier, 17));
    assert_eq!(verdict.is_held(), None);
    assert!(
        verdict
            .to_string()
            .starts_with("not comparable: requests taken in changed from 36"),
        "{verdict}"
    );
}

/// A quiet service gets no advice, whatever it is like.
#[test]
fn a_quiet_service_is_fine() {
    for (seed, work) in [
        Work::Exponential(0.010),
        Work::Shifted(0.005, 0.005),
        Work::Cached(0.009, 0.99, 0.001, 0.002),
    ]
    .into_iter()
    .enumerate()
    {
        let quiet = Service {
            arrivals: 120.0,
            work,
            ..SERVICE
        };
        let counsel = Advisor::new().advise(&figures(quiet, seed as u64));
        let actions: Vec<_> = counsel.advice().iter().map(Advice::action).collect();
        assert_eq!(actions, [Action::Nothing], "{counsel}");
    }
}
