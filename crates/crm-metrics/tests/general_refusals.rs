//! Bad input to the models beyond M/M/c comes back as a typed error.

use crm_metrics::queueing::{
    Gg1, Ggc, Gm1, Md1, Mdc, Mg1, Mg1Priority, Mg1Ps, Mg1Vacation, MmcPriority, ModelError,
    Polling, PollingStation, PriorityClass, Unstable,
};
use std::fmt::Debug;
use std::panic::catch_unwind;

const NOT_COUNTS: [f64; 4] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e-300];
const NOT_RATES: [f64; 7] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -1.0,
    0.0,
    1e-300,
    1e300,
];

#[track_caller]
fn refused<T: Debug>(result: Result<T, impl Into<ModelError>>, name: &str) {
    match result.map_err(Into::into) {
        Err(ModelError::Param(error)) => assert_eq!(error.name, name),
        other => panic!("{name}: {other:?}"),
    }
}

#[track_caller]
fn unstable<T: Debug>(result: Result<T, ModelError>) -> Unstable {
    match result {
        Err(ModelError::Unstable(overload)) => overload,
        other => panic!("expected an unstable load, not {other:?}"),
    }
}

#[test]
fn bad_counts() {
    for bad in NOT_COUNTS {
        refused(Md1::new(bad, 1.0), "arrival_rate");
        refused(Mdc::new(bad, 1.0, 2), "arrival_rate");
        refused(Mg1Ps::new(bad, 1.0), "arrival_rate");
        refused(Gg1::new(bad, 1.0, 1.0, 1.0), "arrival_rate");
        refused(Gg1::new(0.5, 1.0, bad, 1.0), "arrival_variation");
        refused(Gg1::new(0.5, 1.0, 1.0, bad), "service_variation");
        refused(Ggc::new(bad, 1.0, 2, 1.0, 1.0), "arrival_rate");
        refused(Ggc::new(0.5, 1.0, 2, bad, 1.0), "arrival_variation");
        refused(Ggc::new(0.5, 1.0, 2, 1.0, bad), "service_variation");
        refused(
            MmcPriority::non_preemptive(&[0.1, bad], 1.0, 2),
            "arrival_rate",
        );
        refused(
            MmcPriority::preemptive_resume(&[bad], 1.0, 2),
            "arrival_rate",
        );
        refused(PriorityClass::new(bad, 1.0, 1.0), "arrival_rate");
        refused(
            PriorityClass::new(1.0, 1.0, bad),
            "squared_coefficient_of_variation",
        );
        refused(PollingStation::new(bad, 1.0, 1.0), "arrival_rate");
        refused(
            PollingStation::new(1.0, 1.0, bad),
            "squared_coefficient_of_variation",
        );
        let station = PollingStation::new(0.1, 1.0, 1.0).unwrap();
        refused(station.with_switch_over(bad, 1.0), "mean");
        refused(station.with_switch_over(1.0, bad), "variance");
        let queue = Mg1::exponential(0.5, 1.0).unwrap();
        let name = "squared_coefficient_of_variation";
        refused(Mg1Vacation::multiple(queue, 1.0, bad), name);
        refused(Mg1Vacation::single(queue, 1.0, bad, 0.9), name);
        refused(Gm1::uniform(bad, 3.0, 1.0), "shortest");
        refused(Gm1::hyperexponential(&[(bad, 2.0)], 1.0), "probability");
    }
}

#[test]
fn bad_scales() {
    for bad in NOT_RATES {
        refused(Md1::new(0.0, bad), "mean_service_time");
        refused(Mdc::new(0.0, bad, 2), "service_time");
        refused(Mg1Ps::new(0.0, bad), "mean_service_time");
        refused(Gg1::new(0.0, bad, 1.0, 1.0), "service_rate");
        refused(Ggc::new(0.0, bad, 2, 1.0, 1.0), "service_rate");
        refused(MmcPriority::non_preemptive(&[0.0], bad, 2), "service_rate");
        refused(PriorityClass::new(0.0, bad, 1.0), "mean_service_time");
        refused(PollingStation::new(0.0, bad, 1.0), "mean_service_time");
        let queue = Mg1::exponential(0.5, 1.0).unwrap();
        refused(Mg1Vacation::multiple(queue, bad, 1.0), "mean_vacation");
        refused(Gm1::deterministic(bad, 1.0), "interarrival_time");
        refused(Gm1::deterministic(2.0, bad), "service_rate");
        refused(Gm1::exponential(bad, 1.0), "mean");
        refused(Gm1::erlang(2, bad, 1.0), "mean_interarrival_time");
        refused(Gm1::uniform(0.0, bad, 1.0), "longest");
        refused(
            Gm1::from_transform(bad, |s| (-s).exp(), 1.0),
            "mean_interarrival_time",
        );
        refused(
            Gm1::from_transform(2.0, |s| (-s).exp(), bad),
            "service_rate",
        );
    }
}

#[test]
fn nothing_to_serve() {
    refused(Mdc::new(0.5, 1.0, 0), "servers");
    refused(Ggc::new(0.5, 1.0, 0, 1.0, 1.0), "servers");
    refused(MmcPriority::non_preemptive(&[0.5], 1.0, 0), "servers");
    refused(MmcPriority::preemptive_resume(&[], 1.0, 1), "arrival_rates");
    refused(Mg1Priority::non_preemptive(&[]), "classes");
    refused(Mg1Priority::preemptive_resume(&[]), "classes");
    refused(Polling::exhaustive(&[]), "stations");
    let station = PollingStation::new(0.1, 1.0, 1.0).unwrap();
    refused(Polling::gated(&[station]), "switch_over");
    refused(Polling::one_limited(station, 2), "switch_over");
    let walked = station.with_switch_over(1.0, 0.0).unwrap();
    refused(Polling::one_limited(walked, 0), "stations");
    refused(station.with_switch_over(0.0, 1.0), "variance");
    refused(Gm1::erlang(0, 2.0, 1.0), "stages");
    refused(Gm1::hyperexponential(&[], 1.0), "probabilities");
}

#[test]
fn impossible_distributions() {
    refused(
        Gm1::hyperexponential(&[(0.5, 2.0), (0.4, 2.0)], 1.0),
        "probabilities",
    );
    refused(Gm1::uniform(3.0, 2.0, 1.0), "longest");
    for value in [f64::NAN, 1.1, -0.5, 0.9 * (-2.0_f64).exp()] {
        refused(Gm1::from_transform(2.0, |_| value, 1.0), "transform");
    }
    let queue = Mg1::exponential(0.5, 1.0).unwrap();
    for value in [f64::NAN, 1.1, -0.5, 0.9 * (-0.5_f64).exp()] {
        refused(Mg1Vacation::single(queue, 1.0, 0.0, value), "no_arrival");
    }
    assert!(Mg1Vacation::single(queue, 1.0, 0.0, (-0.5_f64).exp()).is_ok());
}

#[test]
fn overload() {
    assert_eq!(unstable(Md1::new(4.0, 0.25)).stable_below, 4.0);
    assert_eq!(unstable(Mdc::new(4.0, 0.5, 2)).stable_below, 4.0);
    assert_eq!(unstable(Mg1Ps::new(4.0, 0.25)).stable_below, 4.0);
    assert_eq!(unstable(Gm1::deterministic(0.25, 4.0)).offered, 4.0);
    assert_eq!(unstable(Gg1::new(4.0, 4.0, 1.0, 1.0)).stable_below, 4.0);
    assert_eq!(unstable(Ggc::new(4.0, 2.0, 2, 1.0, 1.0)).stable_below, 4.0);
    let pool = MmcPriority::preemptive_resume(&[1.0, 3.0], 2.0, 2);
    assert_eq!(
        (
            unstable(pool).offered,
            unstable(MmcPriority::non_preemptive(&[5.0], 2.0, 2)).offered
        ),
        (4.0, 5.0)
    );
    let classes = [PriorityClass::new(1.0, 0.5, 1.0).unwrap(); 2];
    assert_eq!(
        unstable(Mg1Priority::non_preemptive(&classes)).utilisation(),
        1.0
    );
    assert_eq!(
        unstable(Mg1Priority::preemptive_resume(&classes)).stable_below,
        1.0
    );
    let station = PollingStation::new(1.0, 0.5, 1.0).unwrap();
    let station = station.with_switch_over(1.0, 0.0).unwrap();
    assert_eq!(unstable(Polling::exhaustive(&[station; 2])).offered, 1.0);
    // One queue could be worked off, but not at one request a round.
    assert_eq!(unstable(Polling::one_limited(station, 1)).offered, 1.5);
    assert!(Polling::gated(&[station]).is_ok());
}

#[test]
fn bad_arguments_panic() {
    let model = Md1::new(0.5, 1.0).unwrap();
    let sharing = Mg1Ps::new(0.5, 1.0).unwrap();
    let paced = Gm1::deterministic(2.0, 1.0).unwrap();
    for bad in [f64::NAN, -0.1, 1.1] {
        assert!(catch_unwind(|| model.waiting_time_quantile(bad)).is_err());
        assert!(catch_unwind(|| model.response_time_quantile(bad)).is_err());
        assert!(catch_unwind(|| paced.waiting_time_quantile(bad)).is_err());
        assert!(catch_unwind(|| paced.response_time_quantile(bad)).is_err());
    }
    assert!(catch_unwind(|| model.waiting_time_cdf(f64::NAN)).is_err());
    assert!(catch_unwind(|| model.ln_waiting_time_tail(f64::NAN)).is_err());
    assert!(catch_unwind(|| paced.waiting_time_tail(f64::NAN)).is_err());
    assert!(catch_unwind(|| sharing.mean_response_time_of(f64::NAN)).is_err());
    assert!(catch_unwind(|| sharing.mean_response_time_of(-1.0)).is_err());
    // Before the arrival nothing has happened, and after for ever everything.
    assert_eq!(
        (model.waiting_time_cdf(-1.0), model.waiting_time_tail(-1.0)),
        (0.0, 1.0)
    );
    assert_eq!(
        (
            model.waiting_time_cdf(f64::INFINITY),
            model.waiting_time_tail(f64::INFINITY)
        ),
        (1.0, 0.0)
    );
    assert_eq!(model.waiting_time_quantile(1.0), f64::INFINITY);
    assert_eq!(model.response_time_cdf(0.5), 0.0);
}
