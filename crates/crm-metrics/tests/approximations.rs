//! How far the two-moment approximations are from exact waits of phase-type arrivals and services: as their documentation says.

mod support;

use crm_metrics::queueing::{Gg1, Ggc, Gm1, Mg1};
use support::assert_close;
use support::reference::{Case, cases_of};

fn cases() -> Vec<Case> {
    cases_of(include_str!("data/approximations.txt"), &["gigc"])
}

fn value(case: &Case, quantity: &str) -> f64 {
    let found = case.values.iter().find(|(name, _)| *name == quantity);
    found.expect("the quantity is in the file").1
}

fn several(case: &Case) -> Ggc {
    let c = case.servers();
    let lambda = case.get("rho") * f64::from(c);
    Ggc::new(lambda, 1.0, c, case.get("ca2"), case.get("cs2")).unwrap()
}

/// The least and the largest relative error over some of the cases, in per cent.
fn errors(of: impl Fn(&Case) -> bool, wait: impl Fn(&Case) -> f64) -> (f64, f64) {
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    for case in cases().iter().filter(|case| of(case)) {
        let error = 100.0 * (wait(case) / value(case, "Wq") - 1.0);
        range = (range.0.min(error), range.1.max(error));
    }
    range
}

fn one(case: &Case) -> Gg1 {
    Gg1::new(case.get("rho"), 1.0, case.get("ca2"), case.get("cs2")).unwrap()
}

type Wait = fn(&Case) -> f64;

/// The documentation's figures, which are rounded outwards: errors in per cent at loads of at least 0.9, 0.7 and 0.5.
#[track_caller]
fn within(name: &str, some: fn(&Case) -> bool, wait: Wait, told: [(f64, f64); 3]) {
    for (least, told) in [0.9, 0.7, 0.5].into_iter().zip(told) {
        let found = errors(|c| some(c) && c.get("rho") >= least, wait);
        let inside = told.0 <= found.0 && found.1 <= told.1;
        let close = found.0 - told.0 < 1.01 && told.1 - found.1 < 1.01;
        assert!(
            inside && close,
            "{name} from {least}: {found:?} is told as {told:?}"
        );
    }
}

#[test]
fn one_server() {
    let single = |c: &Case| c.servers() == 1;
    let told = [(-1.0, 4.0), (-2.0, 13.0), (-3.0, 29.0)];
    within("Kingman", single, |c| one(c).kingman(), told);
    let told = [(-2.0, 8.0), (-6.0, 28.0), (-11.0, 59.0)];
    within("Marchal", single, |c| one(c).marchal(), told);
    let told = [(-4.0, 2.0), (-7.0, 5.0), (-9.0, 9.0)];
    within("Krämer", single, |c| one(c).kraemer_langenbach_belz(), told);
    for case in cases().iter().filter(|c| single(c)) {
        assert!(one(case).kingman_bound() >= value(case, "Wq"), "{case:?}");
    }
}

#[test]
fn several_servers() {
    let many = |c: &Case| c.servers() > 1;
    let told = [(-14.0, 12.0), (-43.0, 59.0), (-70.0, 243.0)];
    within("Allen", many, |c| several(c).allen_cunneen(), told);
    let told = [(-13.0, 14.0), (-28.0, 100.0), (-28.0, 791.0)];
    within("Sakasegawa", many, |c| several(c).sakasegawa(), told);
    let told = [(-11.0, 5.0), (-35.0, 26.0), (-63.0, 117.0)];
    within("Whitt", many, |c| several(c).whitt(), told);
    let known = |c: &Case| c.servers() > 1 && c.get("ca2") <= 1.0;
    let told = [(-6.0, 1.0), (-31.0, 3.0), (-89.0, 9.0)];
    within("Kimura", known, |c| several(c).kimura().unwrap(), told);
    for case in &cases() {
        let off = several(case).whitt_probability_of_waiting() - value(case, "p_wait");
        assert!(off.abs() < 0.04, "{off} {case:?}");
    }
}

/// The oracle is right: where an exact formula is known, it agrees to all its digits.
#[test]
fn exact_waits() {
    let mut compared = 0;
    for case in &cases() {
        let (rho, ca2, cs2) = (case.get("rho"), case.get("ca2"), case.get("cs2"));
        let wait = value(case, "Wq");
        if case.servers() == 1 && ca2 == 1.0 {
            let exact = Mg1::new(rho, 1.0, cs2).unwrap().mean_waiting_time();
            assert_close("Pollaczek", wait, exact, 1e-11);
            compared += 1;
        }
        if case.servers() == 1 && cs2 == 1.0 && ca2 == 0.5 {
            let exact = Gm1::erlang(2, 1.0 / rho, 1.0).unwrap();
            assert_close("G/M/1", wait, exact.mean_waiting_time(), 1e-11);
            assert_close(
                "G/M/1",
                value(case, "p_wait"),
                exact.probability_of_waiting(),
                1e-11,
            );
            compared += 1;
        }
        if ca2 == 1.0 && cs2 == 1.0 {
            let exact = several(case);
            assert_close("Erlang", wait, exact.pool().mean_waiting_time(), 1e-11);
            let waits = exact.pool().probability_of_waiting();
            assert_close("Erlang", value(case, "p_wait"), waits, 1e-11);
            compared += 1;
        }
    }
    assert_eq!(compared, 36);
}
