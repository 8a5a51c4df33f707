//! Every figure of every model agrees with its value at 80 digits.

mod support;

use crm_metrics::queueing::{Mg1, Mm1, Mmc, erlang_b, erlang_c, ln_erlang_b, ln_erlang_c};
use support::reference::{Case, cases};
use support::{assert_within, tolerance};

/// The argument of a quantity such as `P(W>0.3)`, `W_p0.99` or `ln_p_17`.
fn argument(quantity: &str, before: &str) -> Option<f64> {
    let rest = quantity.strip_prefix(before)?;
    rest.trim_end_matches(')').parse().ok()
}

/// Compares all values of a case. `floor` is an absolute allowance for quantiles of the waiting time.
fn compare(case: &Case, floor: f64, figure: impl Fn(&str) -> Option<f64>) {
    for &(quantity, expected) in &case.values {
        let what = case.name(quantity);
        let actual = figure(quantity).unwrap_or_else(|| panic!("{what} is not compared"));
        let relative = match case.model {
            _ if case.hard => tolerance::HARD,
            model if model.starts_with("mg1") => tolerance::MG1,
            _ => tolerance::PLAIN,
        };
        let floor = if quantity.starts_with("Wq_p") {
            floor
        } else {
            0.0
        };
        assert_within(&what, actual, expected, relative * expected.abs() + floor);
        if quantity.starts_with("ln_p_") && expected > -700.0 {
            // The probability itself, whose relative error is the absolute one of its logarithm.
            assert_within(&what, actual, expected, relative);
        }
    }
}

#[test]
fn mm1() {
    let cases = cases(&["mm1"]);
    assert_eq!(cases.len(), 14);
    for case in &cases {
        let model = Mm1::new(case.get("lambda"), case.get("mu")).unwrap();
        let spare = 1.0 / model.mean_response_time();
        compare(case, tolerance::QUANTILE_FLOOR / spare, |quantity| {
            Some(match quantity {
                "rho" => model.utilisation(),
                "L" => model.mean_in_system(),
                "Lq" => model.mean_in_queue(),
                "W" => model.mean_response_time(),
                "Wq" => model.mean_waiting_time(),
                "var_L" => model.in_system_variance(),
                "var_Lq" => model.in_queue_variance(),
                "var_W" => model.response_time_variance(),
                "var_Wq" => model.waiting_time_variance(),
                "p0" => model.idle_probability(),
                _ => {
                    if let Some(n) = argument(quantity, "ln_p_") {
                        model.ln_state_probability(n as u64)
                    } else if let Some(p) = argument(quantity, "W_p") {
                        model.response_time_quantile(p)
                    } else if let Some(p) = argument(quantity, "Wq_p") {
                        model.waiting_time_quantile(p)
                    } else if let Some(t) = argument(quantity, "P(W<=") {
                        model.response_time_cdf(t)
                    } else if let Some(t) = argument(quantity, "P(W>") {
                        model.response_time_tail(t)
                    } else if let Some(t) = argument(quantity, "P(Wq<=") {
                        model.waiting_time_cdf(t)
                    } else {
                        model.waiting_time_tail(argument(quantity, "P(Wq>")?)
                    }
                }
            })
        });
    }
}

/// The docs promise more of the moments of M/M/1 than of the rest.
#[test]
fn moments_of_mm1_to_the_last_digits() {
    for case in &cases(&["mm1"]) {
        let model = Mm1::new(case.get("lambda"), case.get("mu")).unwrap();
        for &(quantity, expected) in &case.values {
            let actual = match quantity {
                "rho" => model.utilisation(),
                "L" => model.mean_in_system(),
                "Lq" => model.mean_in_queue(),
                "W" => model.mean_response_time(),
                "Wq" => model.mean_waiting_time(),
                "var_L" => model.in_system_variance(),
                "p0" => model.idle_probability(),
                _ => continue,
            };
            let allowed = tolerance::MM1_MEANS * expected;
            assert_within(&case.name(quantity), actual, expected, allowed);
        }
    }
}

#[test]
fn mmc() {
    let cases = cases(&["mmc"]);
    assert_eq!(cases.len(), 31);
    for case in &cases {
        let model = Mmc::new(case.get("lambda"), case.get("mu"), case.servers()).unwrap();
        let spare = case.get("mu") * f64::from(case.servers()) - case.get("lambda");
        compare(case, tolerance::QUANTILE_FLOOR / spare, |quantity| {
            Some(match quantity {
                "rho" => model.utilisation(),
                "offered_load" => model.offered_load(),
                "p_wait" => model.probability_of_waiting(),
                "ln_p_wait" => model.ln_probability_of_waiting(),
                "ln_p0" => model.ln_state_probability(0),
                "L" => model.mean_in_system(),
                "Lq" => model.mean_in_queue(),
                "W" => model.mean_response_time(),
                "Wq" => model.mean_waiting_time(),
                "var_L" => model.in_system_variance(),
                "var_Lq" => model.in_queue_variance(),
                "var_W" => model.response_time_variance(),
                "var_Wq" => model.waiting_time_variance(),
                _ => {
                    if let Some(n) = argument(quantity, "ln_p_") {
                        model.ln_state_probability(n as u64)
                    } else if let Some(p) = argument(quantity, "W_p") {
                        model.response_time_quantile(p)
                    } else if let Some(p) = argument(quantity, "Wq_p") {
                        model.waiting_time_quantile(p)
                    } else if let Some(t) = argument(quantity, "P(W<=") {
                        model.response_time_cdf(t)
                    } else if let Some(t) = argument(quantity, "P(W>") {
                        model.response_time_tail(t)
                    } else if let Some(t) = argument(quantity, "P(Wq<=") {
                        model.waiting_time_cdf(t)
                    } else {
                        model.waiting_time_tail(argument(quantity, "P(Wq>")?)
                    }
                }
            })
        });
    }
}

#[test]
fn mg1() {
    let cases = cases(&["mg1_moments", "mg1_deterministic", "mg1_exponential"]);
    assert_eq!(cases.len(), 12);
    for case in &cases {
        let (lambda, mean) = (case.get("lambda"), case.get("mean"));
        let model = match case.model {
            "mg1_deterministic" => Mg1::deterministic(lambda, mean).unwrap(),
            "mg1_exponential" => Mg1::exponential(lambda, mean).unwrap(),
            _ => Mg1::new(lambda, mean, case.get("cs2"))
                .unwrap()
                .with_third_moment(case.get("third"))
                .unwrap(),
        };
        compare(case, 0.0, |quantity| {
            Some(match quantity {
                "rho" => model.utilisation(),
                "L" => model.mean_in_system(),
                "Lq" => model.mean_in_queue(),
                "W" => model.mean_response_time(),
                "Wq" => model.mean_waiting_time(),
                "busy_period" => model.mean_busy_period(),
                "var_L" => model.in_system_variance()?,
                "var_Lq" => model.in_queue_variance()?,
                "var_W" => model.response_time_variance()?,
                "var_Wq" => model.waiting_time_variance()?,
                _ => return None,
            })
        });
    }
}

#[test]
fn erlang() {
    let cases = cases(&["erlang_b", "erlang_c"]);
    assert_eq!(cases.len(), 53);
    for case in &cases {
        let (c, a) = (case.servers(), case.get("offered_load"));
        compare(case, 0.0, |quantity| match (case.model, quantity) {
            ("erlang_b", "blocking") => erlang_b(c, a).ok(),
            ("erlang_b", "ln_blocking") => ln_erlang_b(c, a).ok(),
            ("erlang_c", "p_wait") => erlang_c(c, a).ok(),
            ("erlang_c", "ln_p_wait") => ln_erlang_c(c, a).ok(),
            _ => None,
        });
    }
}
