//! Every figure of the loss, delay and abandonment models agrees with its value at 60 digits.

mod support;

use crm_metrics::queueing::{
    Engset, ErlangA, FiniteSource, MmInf, Mmcc, Mmck, erlang_b, erlang_b_load, ln_erlang_b,
};
use support::reference::{Case, waiting_lines};
use support::{assert_within, tolerance};

type Function = Box<dyn Fn(f64) -> f64>;

/// The argument of a quantity such as `P(W>0.3)` or `ln_p_17`.
fn argument(quantity: &str, before: &str) -> Option<f64> {
    let rest = quantity.strip_prefix(before)?;
    rest.trim_end_matches(')').parse().ok()
}

/// Compares all values of the cases of a model and returns how many there were.
fn compare(model: &str, figures: impl Fn(&Case) -> Box<dyn Fn(&str) -> Option<f64>>) -> usize {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for case in &waiting_lines(&[model]) {
        let figure = figures(case);
        for &(quantity, expected) in &case.values {
            let what = case.name(quantity);
            let actual = figure(quantity).unwrap_or_else(|| panic!("{what} is not compared"));
            let relative = if model == "erlang_b_real" {
                tolerance::ERLANG_B
            } else if case.hard {
                tolerance::HARD_SYSTEMS
            } else {
                tolerance::PLAIN
            };
            let off = (actual - expected).abs();
            // The error of a logarithm is the relative one of its argument.
            let size = if quantity.starts_with("ln_") {
                expected.abs().max(1.0)
            } else {
                expected.abs()
            };
            if !(actual == expected || off <= relative * size) {
                wrong.push(format!(
                    "{what}: {actual:e} instead of {expected:e}, off by {:e}",
                    off / expected.abs()
                ));
            }
            compared += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    compared
}

#[test]
fn erlang_b_of_real_servers() {
    let compared = compare("erlang_b_real", |case| {
        let (c, a) = (case.get("servers"), case.get("offered_load"));
        Box::new(move |quantity| match quantity {
            "blocking" => erlang_b(c, a).ok(),
            "ln_blocking" => ln_erlang_b(c, a).ok(),
            _ => None,
        })
    });
    assert!(compared > 55, "{compared}");
}

#[test]
fn load_for_blocking() {
    let compared = compare("erlang_b_load", |case| {
        let (c, b) = (case.get("servers"), case.get("blocking"));
        Box::new(move |_| erlang_b_load(c, b).ok())
    });
    assert_eq!(compared, 10);
}

#[test]
fn erlang_a() {
    let compared = compare("erlang_a", |case| {
        let model = ErlangA::new(
            case.get("lambda"),
            case.get("mu"),
            case.servers(),
            case.get("theta"),
        )
        .unwrap();
        Box::new(move |quantity| {
            Some(match quantity {
                "p_wait" => model.probability_of_waiting(),
                "ln_p_wait" => model.ln_probability_of_waiting(),
                "p_abandon" => model.probability_of_abandonment(),
                "p_abandon_given_wait" => model.probability_of_abandonment_of_waiting(),
                "Lq" => model.mean_in_queue(),
                "L" => model.mean_in_system(),
                "Wq" => model.mean_waiting_time(),
                "Wq_given_wait" => model.mean_waiting_time_of_waiting(),
                "rho" => model.utilisation(),
                "idle" => model.mean_idle_servers(),
                "served" => model.probability_of_service(),
                "var_Lq" => model.in_queue_variance(),
                "var_L" => model.in_system_variance(),
                "Wq_served" => model.mean_waiting_time_of_served(),
                "Wq_abandoned" => model.mean_waiting_time_of_abandoning(),
                _ => {
                    if let Some(n) = argument(quantity, "ln_p_") {
                        model.ln_state_probability(n as u64)
                    } else if let Some(t) = argument(quantity, "P(Wq>") {
                        model.waiting_time_tail(t)
                    } else if let Some(t) = argument(quantity, "P(served,Wq>") {
                        model.served_later_than(t)
                    } else {
                        model.served_within(argument(quantity, "P(served,Wq<=")?)
                    }
                }
            })
        })
    });
    assert!(compared > 350, "{compared}");
}

#[test]
fn mmck() {
    let compared = compare("mmck", |case| {
        let model = Mmck::new(
            case.get("lambda"),
            case.get("mu"),
            case.servers(),
            case.get("capacity") as u64,
        )
        .unwrap();
        Box::new(move |quantity| {
            Some(match quantity {
                "p_block" => model.blocking_probability(),
                "ln_p_block" => model.ln_blocking_probability(),
                "accepted" => model.accepted_share(),
                "Lq" => model.mean_in_queue(),
                "L" => model.mean_in_system(),
                "throughput" => model.throughput(),
                "W" => model.mean_response_time(),
                "Wq" => model.mean_waiting_time(),
                "rho" => model.utilisation(),
                "p_wait" => model.probability_of_waiting(),
                "var_Lq" => model.in_queue_variance(),
                "var_L" => model.in_system_variance(),
                "var_Wq" => model.waiting_time_variance(),
                _ => {
                    if let Some(n) = argument(quantity, "ln_p_") {
                        model.ln_state_probability(n as u64)
                    } else if let Some(t) = argument(quantity, "P(Wq>") {
                        model.waiting_time_tail(t)
                    } else if let Some(t) = argument(quantity, "P(W>") {
                        model.response_time_tail(t)
                    } else {
                        model.waiting_time_cdf(argument(quantity, "P(Wq<=")?)
                    }
                }
            })
        })
    });
    assert!(compared > 330, "{compared}");
}

#[test]
fn finite_source() {
    let compared = compare("finite", |case| {
        let (n, k) = (case.get("population") as u32, case.get("capacity") as u32);
        let (lambda, mu, c) = (case.get("lambda"), case.get("mu"), case.servers());
        let model = FiniteSource::with_capacity(lambda, mu, c, n, k).unwrap();
        let engset = (k == c.min(n)).then(|| Engset::new(lambda, mu, c, n).unwrap());
        Box::new(move |quantity| {
            if let ("call_congestion", Some(loss)) = (quantity, &engset) {
                assert_eq!(loss.call_congestion(), model.call_congestion());
                assert_eq!(loss.time_congestion(), model.time_congestion());
                assert_eq!(loss.mean_in_system(), model.mean_busy_servers());
            }
            Some(match quantity {
                "p0" => model.idle_probability(),
                "p_full" => model.time_congestion(),
                "ln_p_full" => model.ln_state_probability(k),
                "call_congestion" => model.call_congestion(),
                "L" => model.mean_in_system(),
                "Lq" => model.mean_in_queue(),
                "away" => model.mean_away(),
                "busy" => model.mean_busy_servers(),
                "W" => model.mean_response_time(),
                "Wq" => model.mean_waiting_time(),
                "p_wait" => model.probability_of_waiting(),
                "var_L" => model.in_system_variance(),
                "var_Lq" => model.in_queue_variance(),
                _ => {
                    if let Some(t) = argument(quantity, "P(Wq>") {
                        model.waiting_time_tail(t)
                    } else {
                        model.waiting_time_cdf(argument(quantity, "P(Wq<=")?)
                    }
                }
            })
        })
    });
    assert!(compared > 180, "{compared}");
}

#[test]
fn mmcc() {
    let compared = compare("mmcc", |case| {
        let model = Mmcc::new(case.get("lambda"), case.get("mu"), case.servers()).unwrap();
        Box::new(move |quantity| {
            Some(match quantity {
                "blocking" => model.blocking_probability(),
                "ln_blocking" => model.ln_blocking_probability(),
                "L" => model.mean_in_system(),
                "idle" => model.mean_idle_servers(),
                "var_L" => model.in_system_variance(),
                "peakedness" => model.overflow_peakedness(),
                _ => model.ln_state_probability(argument(quantity, "ln_p_")? as u64),
            })
        })
    });
    assert!(compared > 130, "{compared}");
}

#[test]
fn mminf() {
    let compared = compare("mminf", |case| {
        let model = MmInf::new(case.get("lambda"), case.get("mu")).unwrap();
        Box::new(move |quantity| {
            Some(if let Some(n) = argument(quantity, "ln_p_") {
                model.ln_state_probability(n as u64)
            } else if let Some(n) = argument(quantity, "P(N<=") {
                model.in_system_cdf(n as u64)
            } else {
                model.in_system_tail(argument(quantity, "P(N>")? as u64)
            })
        })
    });
    assert!(compared > 30, "{compared}");
}

/// The quantiles lead back to the distributions.
#[test]
fn quantiles_are_those_of_the_distributions() {
    for case in &waiting_lines(&["erlang_a", "mmck", "finite"]) {
        let (lambda, mu, c) = (case.get("lambda"), case.get("mu"), case.servers());
        let (quantile, tail): (Function, Function) = match case.model {
            "erlang_a" => {
                let model = ErlangA::new(lambda, mu, c, case.get("theta")).unwrap();
                (
                    Box::new(move |p| model.waiting_time_quantile(p)),
                    Box::new(move |t| model.waiting_time_tail(t)),
                )
            }
            "mmck" => {
                let model = Mmck::new(lambda, mu, c, case.get("capacity") as u64).unwrap();
                (
                    Box::new(move |p| model.response_time_quantile(p)),
                    Box::new(move |t| model.response_time_tail(t)),
                )
            }
            _ => {
                let (n, k) = (case.get("population") as u32, case.get("capacity") as u32);
                let model = FiniteSource::with_capacity(lambda, mu, c, n, k).unwrap();
                (
                    Box::new(move |p| model.waiting_time_quantile(p)),
                    Box::new(move |t| model.waiting_time_tail(t)),
                )
            }
        };
        for p in [0.1, 0.5, 0.9, 0.99, 0.999_9] {
            let t = quantile(p);
            let later = tail(t);
            if t == 0.0 {
                assert!(later <= (1.0 - p) * (1.0 + 1e-12), "{case:?} {p}");
            } else {
                let slack = if p < 0.5 { 1e-9 } else { 1e-9 * (1.0 - p) };
                assert_within(&case.name("quantile"), later, 1.0 - p, slack);
            }
        }
    }
}

/// A tenth waits, to the last digit, and 0.9 is a little more than its decimal spelling.
#[test]
fn a_wait_that_is_just_beginning() {
    let t = crm_metrics::queueing::Mmc::new(5.0, 10.0, 2)
        .unwrap()
        .waiting_time_quantile(0.9);
    assert_within("Wq", t, 1.480_297_366_166_875_6e-17, 1e-12 * t);
    let t = crm_metrics::queueing::Mm1::new(1.0, 10.0)
        .unwrap()
        .waiting_time_quantile(0.9);
    assert_within("Wq", t, 2.220_446_049_250_313e-16 / 9.0, 1e-12 * t);
}
