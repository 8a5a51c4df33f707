//! The largest load, the smallest speed and the fewest servers for a target: they meet it, and just so.

mod support;

use crm_metrics::queueing::{
    Engset, ErlangA, FiniteSource, Md1, Mdc, Mg1, Mg1Ps, Mm1, MmInf, Mmc, Mmcc, Mmck, Target,
    TargetError, erlang_b_load, erlang_b_servers,
};
use support::assert_close;

/// A root is told to so many digits.
const ROOT: f64 = 1e-12;

fn targets() -> Vec<Target> {
    let mut targets = Vec::new();
    for time in [1e-6, 0.01, 0.3, 2.0, 50.0] {
        targets.push(Target::MeanWaitingTime(time));
        targets.push(Target::MeanResponseTime(time));
        for p in [0.5, 0.9, 0.999] {
            targets.push(Target::WaitingTime { p, within: time });
            targets.push(Target::ResponseTime { p, within: time });
        }
    }
    for p in [0.2, 0.95] {
        targets.push(Target::WaitingTime { p, within: 0.0 });
    }
    for share in [1e-9, 0.01, 0.3, 0.9] {
        targets.push(Target::Loss(share));
    }
    targets
}

/// Asks for each target, and that the figure at the result meets it while a little beyond it does not. Returns how many had an answer.
fn holds(
    name: &str,
    largest: impl Fn(Target) -> Result<f64, TargetError>,
    figure: impl Fn(f64, Target) -> Option<f64>,
    beyond: f64,
) -> usize {
    let mut answered = 0;
    for target in targets() {
        let what = format!("{name} {target:?}");
        let most = match target {
            Target::MeanWaitingTime(time) | Target::MeanResponseTime(time) => time,
            Target::WaitingTime { p, .. } | Target::ResponseTime { p, .. } => 1.0 - p,
            Target::Loss(share) => share,
            _ => unreachable!(),
        };
        match largest(target) {
            Ok(x) => {
                answered += 1;
                let at = figure(x, target).unwrap_or_else(|| panic!("{what}: no model at {x:e}"));
                assert!(at <= most, "{what}: {at:e} at {x:e}");
                if let Some(over) = figure(x * (1.0 + 1e-9 * beyond), target) {
                    assert!(over > most, "{what}: {over:e} beyond {x:e}");
                }
            }
            Err(TargetError::Unreachable { best }) => assert!(best > most, "{what}: {best:e}"),
            Err(TargetError::Always { worst }) => assert!(worst <= most, "{what}: {worst:e}"),
            Err(TargetError::Unknown) => assert!(figure(1.0, target).is_none(), "{what}"),
            Err(error) => panic!("{what}: {error}"),
        }
    }
    answered
}

/// The figure of a target by the methods of a model; those that it lacks are left out.
macro_rules! figure {
    ($model:expr, $target:expr $(, $kind:ident = $value:expr)+) => {{
        let model = $model.ok()?;
        match $target {
            $(figure!(@pattern $kind, t) => Some($value(&model, figure!(@value $kind, t))),)+
            _ => None,
        }
    }};
    (@pattern wait, $t:ident) => { Target::MeanWaitingTime($t) };
    (@pattern response, $t:ident) => { Target::MeanResponseTime($t) };
    (@pattern late, $t:ident) => { Target::WaitingTime { within: $t, .. } };
    (@pattern slow, $t:ident) => { Target::ResponseTime { within: $t, .. } };
    (@pattern loss, $t:ident) => { Target::Loss($t) };
    (@value $kind:ident, $t:ident) => { $t };
}

/// All four figures of waiting and response.
macro_rules! four {
    ($name:ident, $model:expr, $target:expr) => {
        figure!(
            $model,
            $target,
            wait = |m: &$name, _| m.mean_waiting_time(),
            response = |m: &$name, _| m.mean_response_time(),
            late = |m: &$name, t| m.waiting_time_tail(t),
            slow = |m: &$name, t| m.response_time_tail(t)
        )
    };
}

#[test]
fn one_server() {
    let figure = |rate: f64, target| four!(Mm1, Mm1::new(rate, 3.0), target);
    assert!(holds("Mm1", |t| Mm1::largest_arrival_rate(3.0, t), figure, 1.0) > 20);
    let figure = |rate: f64, target| four!(Mm1, Mm1::new(2.0, rate), target);
    assert_eq!(
        holds("Mm1", |t| Mm1::smallest_service_rate(2.0, t), figure, -1.0),
        42
    );
    let figure = |rate: f64, target| four!(Md1, Md1::new(rate, 0.4), target);
    assert!(holds("Md1", |t| Md1::largest_arrival_rate(0.4, t), figure, 1.0) > 20);
    let figure = |time: f64, target| four!(Md1, Md1::new(2.0, time), target);
    assert_eq!(
        holds("Md1", |t| Md1::longest_service_time(2.0, t), figure, 1.0),
        42
    );
}

#[test]
fn several_servers() {
    for c in [1, 4, 70] {
        let figure = |rate: f64, target| four!(Mmc, Mmc::new(rate, 3.0, c), target);
        assert!(holds("Mmc", |t| Mmc::largest_arrival_rate(3.0, c, t), figure, 1.0) > 20);
        let figure = |rate: f64, target| four!(Mmc, Mmc::new(2.0, rate, c), target);
        assert_eq!(
            holds(
                "Mmc",
                |t| Mmc::smallest_service_rate(2.0, c, t),
                figure,
                -1.0
            ),
            42
        );
        let figure = |rate: f64, target| four!(Mdc, Mdc::new(rate, 0.4, c), target);
        assert!(holds("Mdc", |t| Mdc::largest_arrival_rate(0.4, c, t), figure, 1.0) > 20);
        let figure = |time: f64, target| four!(Mdc, Mdc::new(2.0, time, c), target);
        assert_eq!(
            holds("Mdc", |t| Mdc::longest_service_time(2.0, c, t), figure, 1.0),
            42
        );
    }
}

#[test]
fn losses() {
    macro_rules! five {
        ($model:expr, $target:expr) => {
            figure!(
                $model,
                $target,
                wait = |m: &Mmck, _| m.mean_waiting_time(),
                response = |m: &Mmck, _| m.mean_response_time(),
                late = |m: &Mmck, t| m.waiting_time_tail(t),
                slow = |m: &Mmck, t| m.response_time_tail(t),
                loss = |m: &Mmck, _| m.blocking_probability()
            )
        };
    }
    for (c, k) in [(1, 5), (4, 9), (30, 40)] {
        let figure = |rate: f64, target| five!(Mmck::new(rate, 3.0, c, k), target);
        assert!(
            holds(
                "Mmck",
                |t| Mmck::largest_arrival_rate(3.0, c, k, t),
                figure,
                1.0
            ) > 10
        );
        let figure = |rate: f64, target| five!(Mmck::new(2.0, rate, c, k), target);
        assert_eq!(
            holds(
                "Mmck",
                |t| Mmck::smallest_service_rate(2.0, c, k, t),
                figure,
                -1.0
            ),
            46
        );
    }
    macro_rules! lost {
        ($model:expr, $target:expr) => {
            figure!(
                $model,
                $target,
                response = |m: &Mmcc, _| m.mean_response_time(),
                slow = |m: &Mmcc, t| m.response_time_tail(t),
                loss = |m: &Mmcc, _| m.blocking_probability()
            )
        };
    }
    for c in [1, 17] {
        let figure = |rate: f64, target| lost!(Mmcc::new(rate, 3.0, c), target);
        assert_eq!(
            holds(
                "Mmcc",
                |t| Mmcc::largest_arrival_rate(3.0, c, t),
                figure,
                1.0
            ),
            4
        );
        let figure = |rate: f64, target| lost!(Mmcc::new(2.0, rate, c), target);
        assert_eq!(
            holds(
                "Mmcc",
                |t| Mmcc::smallest_service_rate(2.0, c, t),
                figure,
                -1.0
            ),
            24
        );
        for share in [1e-9, 0.01, 0.5] {
            let load = Mmcc::largest_arrival_rate(1.0, c, Target::Loss(share)).unwrap();
            assert_close("Erlang B", load, erlang_b_load(c, share).unwrap(), ROOT);
        }
    }
    let fewest = Mmcc::fewest_servers(80.0, 1.0, Target::Loss(0.003)).unwrap();
    assert_eq!(fewest, erlang_b_servers(80.0, 0.003).unwrap());
}

#[test]
fn abandonment() {
    macro_rules! five {
        ($model:expr, $target:expr) => {
            figure!(
                $model,
                $target,
                wait = |m: &ErlangA, _| m.mean_waiting_time(),
                response = |m: &ErlangA, _| m.mean_response_time_of_served(),
                late = |m: &ErlangA, t| 1.0 - m.served_within(t),
                slow = |m: &ErlangA, t| 1.0
                    - m.probability_of_service() * m.response_time_cdf_of_served(t),
                loss = |m: &ErlangA, _| m.probability_of_abandonment()
            )
        };
    }
    for (c, theta) in [(1, 1.0), (12, 0.3), (40, 5.0)] {
        let figure = |rate: f64, target| five!(ErlangA::new(rate, 3.0, c, theta), target);
        let largest = |t| ErlangA::largest_arrival_rate(3.0, c, theta, t);
        assert!(holds("ErlangA", largest, figure, 1.0) > 10);
        let figure = |rate: f64, target| five!(ErlangA::new(2.0, rate, c, theta), target);
        let smallest = |t| ErlangA::smallest_service_rate(2.0, c, theta, t);
        assert!(holds("ErlangA", smallest, figure, -1.0) > 30);
    }
    let within = 20.0 / 3600.0;
    let promise = Target::WaitingTime { p: 0.8, within };
    assert_eq!(ErlangA::fewest_servers(200.0, 20.0, 12.0, promise), Ok(13));
    assert_eq!(
        ErlangA::fewest_servers(48.0, 1.0, 0.5, Target::Loss(0.03)),
        Ok(51)
    );
}

#[test]
fn finite_sources() {
    macro_rules! five {
        ($model:expr, $target:expr) => {
            figure!(
                $model,
                $target,
                wait = |m: &FiniteSource, _| m.mean_waiting_time(),
                response = |m: &FiniteSource, _| m.mean_response_time(),
                late = |m: &FiniteSource, t| m.waiting_time_tail(t),
                slow = |m: &FiniteSource, t| m.response_time_tail(t),
                loss = |m: &FiniteSource, _| m.call_congestion()
            )
        };
    }
    for (c, n) in [(1, 6), (3, 20)] {
        let figure = |rate: f64, target| five!(FiniteSource::new(rate, 3.0, c, n), target);
        let largest = |t| FiniteSource::largest_request_rate(3.0, c, n, t);
        assert!(holds("FiniteSource", largest, figure, 1.0) > 5);
        let figure = |rate: f64, target| five!(FiniteSource::new(2.0, rate, c, n), target);
        let smallest = |t| FiniteSource::smallest_service_rate(2.0, c, n, t);
        assert!(holds("FiniteSource", smallest, figure, -1.0) > 35);
        let lost = |m: &Engset, _| m.call_congestion();
        let figure = |rate: f64, target| figure!(Engset::new(rate, 3.0, c, n), target, loss = lost);
        for share in [1e-9, 0.01, 0.3] {
            let rate = Engset::largest_request_rate(3.0, c, n, Target::Loss(share)).unwrap();
            assert_close(
                "Engset",
                figure(rate, Target::Loss(share)).unwrap(),
                share,
                1e-11,
            );
            let rate = Engset::smallest_service_rate(0.5, c, n, Target::Loss(share)).unwrap();
            let back = Engset::new(0.5, rate, c, n).unwrap().call_congestion();
            assert_close("Engset", back, share, 1e-11);
        }
    }
    assert_eq!(
        Engset::fewest_servers(0.1, 1.0, 20, Target::Loss(0.01)),
        Ok(6)
    );
    let most = Engset::largest_population(0.1, 1.0, 6, Target::Loss(0.01)).unwrap();
    assert!(Engset::new(0.1, 1.0, 6, most).unwrap().call_congestion() <= 0.01);
    assert!(
        Engset::new(0.1, 1.0, 6, most + 1)
            .unwrap()
            .call_congestion()
            > 0.01
    );
    assert_eq!(
        FiniteSource::fewest_servers(1.0, 2.0, 8, Target::MeanWaitingTime(0.01)),
        Ok(5)
    );
}

/// Where there is a closed form, it is what comes out.
#[test]
fn closed_forms() {
    for w in [1e-9, 1e-3, 0.7, 3.0, 1e6] {
        let wait = Target::MeanWaitingTime(w);
        let (mu, lambda): (f64, f64) = (5.0, 2.0);
        let x = mu * w;
        let rate = Mm1::largest_arrival_rate(mu, wait).unwrap();
        assert_close("Mm1", rate, mu * (x / (1.0 + x)), ROOT);
        let rate = Mm1::smallest_service_rate(lambda, wait).unwrap();
        let expected = 0.5 * lambda * (1.0 + (1.0 + 4.0 / (lambda * w)).sqrt());
        assert_close("Mm1", rate, expected, ROOT);
        for cs2 in [0.0, 0.5, 9.0] {
            let rate = Mg1::largest_arrival_rate(0.2, cs2, wait).unwrap();
            let half = 0.1 * (1.0 + cs2);
            assert_close("Mg1", rate, 5.0 * (w / (w + half)), ROOT);
            let time = Mg1::longest_service_time(lambda, cs2, wait).unwrap();
            let x = lambda * w;
            let expected = 2.0 * w / (x + (x * x + 2.0 * x * (1.0 + cs2)).sqrt());
            assert_close("Mg1", time, expected, ROOT);
        }
        let response = Target::MeanResponseTime(w);
        let time = Mg1Ps::longest_service_time(lambda, response).unwrap();
        assert_close("Mg1Ps", time, w / (1.0 + lambda * w), ROOT);
        assert_close(
            "MmInf",
            MmInf::smallest_service_rate(response).unwrap(),
            1.0 / w,
            ROOT,
        );
        let rate = Mm1::smallest_service_rate(lambda, response).unwrap();
        assert_close("Mm1", rate, lambda + 1.0 / w, ROOT);
        let slow = Target::ResponseTime { p: 0.99, within: w };
        let rate = Mm1::smallest_service_rate(lambda, slow).unwrap();
        assert_close("Mm1", rate, lambda + 100.0_f64.ln() / w, ROOT);
        let rate = MmInf::smallest_service_rate(slow).unwrap();
        assert_close("MmInf", rate, 100.0_f64.ln() / w, ROOT);
        if w > 0.2 {
            let rate = Mg1Ps::largest_arrival_rate(0.2, response).unwrap();
            assert_close("Mg1Ps", rate, 5.0 - 1.0 / w, ROOT);
        }
    }
}

#[test]
fn servers_agree_with_the_functions_of_one_target() {
    for (lambda, mu) in [(0.5, 1.0), (1_000.0, 100.0), (200.0, 20.0), (1e6, 1.0)] {
        for w in [1e-3 / mu, 0.1 / mu] {
            let one = Mmc::for_mean_waiting_time(lambda, mu, w).unwrap().servers();
            assert_eq!(
                Mmc::fewest_servers(lambda, mu, Target::MeanWaitingTime(w)),
                Ok(one)
            );
            let one = Mmc::for_service_level(lambda, mu, 0.9, w)
                .unwrap()
                .servers();
            let promise = Target::WaitingTime { p: 0.9, within: w };
            assert_eq!(Mmc::fewest_servers(lambda, mu, promise), Ok(one));
        }
    }
    // Constant services need fewer.
    let promise = Target::MeanWaitingTime(0.001);
    let (random, constant) = (
        Mmc::fewest_servers(95.0, 1.0, promise).unwrap(),
        Mdc::fewest_servers(95.0, 1.0, promise).unwrap(),
    );
    assert!(constant < random, "{constant} {random}");
    assert!(Mdc::new(95.0, 1.0, constant).unwrap().mean_waiting_time() <= 0.001);
    assert!(
        Mdc::new(95.0, 1.0, constant - 1)
            .unwrap()
            .mean_waiting_time()
            > 0.001
    );
    let servers = Mmck::fewest_servers(50.0, 1.0, 10, Target::Loss(0.01)).unwrap();
    let blocked = |c: u32| {
        let pool = Mmck::new(50.0, 1.0, c, u64::from(c) + 10).unwrap();
        pool.blocking_probability()
    };
    assert!(blocked(servers) <= 0.01 && blocked(servers - 1) > 0.01);
}

#[test]
fn refusals() {
    let wait = Target::MeanWaitingTime(1.0);
    // No load is small enough for an answer in less than a service time, no speed for none.
    let response = Target::MeanResponseTime(0.3);
    let refused = Mmc::largest_arrival_rate(2.0, 4, response);
    assert_eq!(refused, Err(TargetError::Unreachable { best: 0.5 }));
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("0.5 at best"), "{text}");
    // Of a percentile it is the share that is late, not a time: a service alone is longer than one mean for 1/e.
    let alone = Mmc::largest_arrival_rate(
        2.0,
        4,
        Target::ResponseTime {
            p: 0.9,
            within: 0.5,
        },
    );
    let Err(TargetError::Unreachable { best }) = alone else {
        panic!("{alone:?}")
    };
    assert!((best - (-1.0_f64).exp()).abs() < 1e-12);
    let text = alone.unwrap_err().to_string();
    assert!(text.contains("the share that is late"), "{text}");
    // A room of five is never longer to wait in than four services.
    let refused = Mmck::largest_arrival_rate(2.0, 1, 5, Target::MeanWaitingTime(2.01));
    let Err(TargetError::Always { worst }) = refused else {
        panic!("{refused:?}")
    };
    assert_close("worst", worst, 2.0, 1e-9);
    assert_eq!(
        Mmc::largest_arrival_rate(2.0, 4, Target::Loss(0.1)),
        Err(TargetError::Unknown)
    );
    assert_eq!(
        Mmcc::largest_arrival_rate(2.0, 4, wait),
        Err(TargetError::Unknown)
    );
    let promise = Target::ResponseTime {
        p: 0.9,
        within: 1.0,
    };
    assert_eq!(
        Mg1::largest_arrival_rate(0.1, 1.0, promise),
        Err(TargetError::Unknown)
    );
    for bad in [
        Target::MeanWaitingTime(0.0),
        Target::MeanWaitingTime(f64::NAN),
        Target::WaitingTime {
            p: 1.0,
            within: 1.0,
        },
        Target::WaitingTime {
            p: 0.5,
            within: -1.0,
        },
        Target::ResponseTime {
            p: 0.5,
            within: 0.0,
        },
        Target::Loss(0.0),
    ] {
        let refused = Mmc::largest_arrival_rate(2.0, 4, bad);
        assert!(
            matches!(refused, Err(TargetError::Param(_))),
            "{bad:?} {refused:?}"
        );
        let refused = Mmc::fewest_servers(2.0, 4.0, bad);
        assert!(
            matches!(refused, Err(TargetError::Param(_))),
            "{bad:?} {refused:?}"
        );
    }
    for refused in [
        Mmc::largest_arrival_rate(0.0, 4, wait),
        Mmc::largest_arrival_rate(1.0, 0, wait),
        Mmc::smallest_service_rate(f64::NAN, 1, wait),
        Mg1::longest_service_time(1.0, -1.0, wait),
        ErlangA::largest_arrival_rate(1.0, 3, 0.0, wait),
        FiniteSource::smallest_service_rate(1.0, 3, 0, wait),
    ] {
        assert!(matches!(refused, Err(TargetError::Param(_))), "{refused:?}");
    }
}
