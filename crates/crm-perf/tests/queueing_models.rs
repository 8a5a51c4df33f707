//! The models of `crm-metrics` as the advisor of `crm-monitor` asks them.

use std::time::Duration;

use crm_perf::QueueingModels;
use crm_perf::metrics::queueing::{Ggc, Mdc, Mg1, Mmc};
use crm_perf::monitor::advise::{Action, Advisor, AllenCunneen, Figures, Load, Measure, Predict};

fn wait(load: &Load) -> f64 {
    QueueingModels.predict(load).unwrap().waiting_time
}

fn load(arrivals: f64, workers: u32, ca2: f64, cs2: f64) -> Load {
    let load = Load::new(arrivals, 0.01, workers).unwrap();
    load.with_variations(ca2, cs2).unwrap()
}

#[test]
fn each_load_has_its_model() {
    let single = Mg1::new(80.0, 0.01, 3.0).unwrap().mean_waiting_time();
    assert_eq!(wait(&load(80.0, 1, 1.0, 3.0)), single);
    let random = Mmc::new(360.0, 100.0, 4).unwrap().mean_waiting_time();
    assert_eq!(wait(&load(360.0, 4, 1.0, 1.0)), random);
    let ggc = |ca2, cs2| Ggc::new(360.0, 100.0, 4, ca2, cs2).unwrap();
    let regular = ggc(0.5, 2.0).kimura().unwrap();
    assert_eq!(wait(&load(360.0, 4, 0.5, 2.0)), regular);
    assert_eq!(wait(&load(360.0, 4, 3.0, 2.0)), ggc(3.0, 2.0).whitt());
    let bursts = Ggc::new(80.0, 100.0, 1, 3.0, 1.0).unwrap();
    assert_eq!(wait(&load(80.0, 1, 3.0, 1.0)), bursts.whitt());
}

/// Constant services after random arrivals are known exactly: the models are nearer to that than the built-in one.
#[test]
fn the_models_are_nearer_to_the_truth() {
    for workers in [2, 5, 20] {
        let arrivals = 85.0 * f64::from(workers);
        let exact = Mdc::new(arrivals, 0.01, workers)
            .unwrap()
            .mean_waiting_time();
        let constant = load(arrivals, workers, 1.0, 0.0);
        let off = |wait: f64| (wait / exact - 1.0).abs();
        let built_in = AllenCunneen.predict(&constant).unwrap().waiting_time;
        assert!(off(wait(&constant)) < 0.02, "{workers}");
        assert!(off(wait(&constant)) < off(built_in), "{workers}");
    }
}

#[test]
fn the_built_in_model_is_the_same_where_it_is_exact() {
    for (arrivals, workers) in [(30.0, 1), (360.0, 4), (9_900.0, 100), (1.0, 1)] {
        let load = load(arrivals, workers, 1.0, 1.0);
        let built_in = AllenCunneen.predict(&load).unwrap();
        let here = QueueingModels.predict(&load).unwrap();
        assert!((built_in.waiting_time / here.waiting_time - 1.0).abs() < 1e-9);
        assert!((built_in.response_time / here.response_time - 1.0).abs() < 1e-12);
        assert_eq!(built_in.utilisation, here.utilisation);
    }
}

#[test]
fn an_overload_waits_for_ever() {
    for (workers, ca2, cs2) in [(1, 1.0, 2.0), (4, 1.0, 1.0), (4, 0.5, 0.5), (4, 2.0, 1.0)] {
        for over in [1.0, 1.5] {
            let load = load(100.0 * f64::from(workers) * over, workers, ca2, cs2);
            assert_eq!(wait(&load), f64::INFINITY);
        }
    }
}

#[test]
fn what_a_model_cannot_take_is_not_predicted() {
    let mut load = load(360.0, 4, 1.0, 1.0);
    load.arrival_rate = f64::NAN;
    assert!(QueueingModels.predict(&load).is_none());
}

#[test]
fn the_advisor_goes_by_it() {
    let busy = Figures::builder()
        .arrival_rate(1_700.0)
        .service_time(Duration::from_millis(10))
        .service_variation(0.0)
        .workers(18)
        .build()
        .unwrap();
    let predicted = |counsel: crm_perf::monitor::advise::Counsel| {
        let advice = counsel.of(Action::AddWorkers).unwrap().clone();
        advice.effect(Measure::WaitingTime).unwrap().before
    };
    let here = predicted(Advisor::predicting_by(QueueingModels).advise(&busy));
    let exact = Mdc::new(1_700.0, 0.01, 18).unwrap().mean_waiting_time();
    assert!((here / exact - 1.0).abs() < 0.02, "{here} of {exact}");
    assert!(predicted(Advisor::new().advise(&busy)) < here);
}
