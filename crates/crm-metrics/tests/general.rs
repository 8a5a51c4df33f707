//! The models beyond M/M/c against values of 80 digits, which `tests/data/general.py` writes.

mod support;

use crm_metrics::queueing::{Gg1, Ggc, Gm1, Md1, Mdc, Mg1Priority, MmcPriority, PriorityClass};
use support::reference::{Case, cases_of};
use support::tolerance;

fn cases(models: &[&str]) -> Vec<Case> {
    cases_of(include_str!("data/general.txt"), models)
}

/// The argument of a quantity such as `P(Wq>0.3)`, `Wq_p0.99` or `ln_p_17`.
fn argument(quantity: &str, before: &str) -> Option<f64> {
    let rest = quantity.strip_prefix(before)?;
    rest.trim_end_matches(')').parse().ok()
}

/// Compares all values of all cases, and names every one that is off.
#[track_caller]
fn compare(cases: &[Case], figure: impl Fn(&Case, &str) -> Option<f64>) {
    let mut off = Vec::new();
    for case in cases {
        for &(quantity, expected) in &case.values {
            let what = case.name(quantity);
            let actual = figure(case, quantity).unwrap_or_else(|| panic!("{what} is not compared"));
            let error = (actual - expected).abs();
            let exact = actual == expected || error <= tolerance::PLAIN * expected.abs();
            if !exact {
                let relative = error / expected.abs();
                off.push(format!(
                    "{what}: {actual:e} instead of {expected:e}, {relative:.1e}"
                ));
            }
        }
    }
    assert!(off.is_empty(), "{}", off.join("\n"));
}

#[test]
fn md1() {
    let cases = cases(&["md1"]);
    assert_eq!(cases.len(), 13);
    compare(&cases, |case, quantity| {
        let model = Md1::new(case.get("lambda"), case.get("service_time")).unwrap();
        Some(match quantity {
            "rho" => model.utilisation(),
            "Wq" => model.mean_waiting_time(),
            "L" => model.mean_in_system(),
            "var_Wq" => model.waiting_time_variance(),
            _ => {
                if let Some(n) = argument(quantity, "ln_p_") {
                    model.ln_state_probability(n as u64)
                } else if let Some(p) = argument(quantity, "Wq_p") {
                    model.waiting_time_quantile(p)
                } else if let Some(t) = argument(quantity, "P(Wq<=") {
                    model.waiting_time_cdf(t)
                } else if let Some(t) = argument(quantity, "ln_P(Wq>") {
                    model.ln_waiting_time_tail(t)
                } else {
                    model.waiting_time_tail(argument(quantity, "P(Wq>")?)
                }
            }
        })
    });
}

#[test]
fn gm1() {
    let cases = cases(&[
        "gm1_deterministic",
        "gm1_erlang",
        "gm1_uniform",
        "gm1_hyper2",
    ]);
    assert_eq!(cases.len(), 55);
    compare(&cases, |case, quantity| {
        let mu = case.get("mu");
        let model = match case.model {
            "gm1_deterministic" => Gm1::deterministic(case.get("m"), mu),
            "gm1_erlang" => Gm1::erlang(case.get("k") as u32, case.get("m"), mu),
            "gm1_uniform" => Gm1::uniform(case.get("a"), case.get("b"), mu),
            _ => {
                let p = case.get("p");
                Gm1::hyperexponential(&[(p, case.get("a")), (1.0 - p, case.get("b"))], mu)
            }
        }
        .unwrap();
        Some(match quantity {
            "rho" => model.utilisation(),
            "idle" => model.idle_probability(),
            "sigma" => model.probability_of_waiting(),
            "Wq" => model.mean_waiting_time(),
            "W" => model.mean_response_time(),
            "Lq" => model.mean_in_queue(),
            "L" => model.mean_in_system(),
            "var_Wq" => model.waiting_time_variance(),
            _ => {
                if let Some(t) = argument(quantity, "P(Wq>") {
                    model.waiting_time_tail(t)
                } else if let Some(t) = argument(quantity, "P(W<=") {
                    model.response_time_cdf(t)
                } else {
                    model.waiting_time_cdf(argument(quantity, "P(Wq<=")?)
                }
            }
        })
    });
}

#[test]
fn mdc() {
    let cases = cases(&["mdc"]);
    assert_eq!(cases.len(), 19);
    compare(&cases, |case, quantity| {
        let model = Mdc::new(case.get("lambda"), case.get("service_time"), case.servers()).unwrap();
        Some(match quantity {
            "p_wait" => model.probability_of_waiting(),
            "p_nowait" => model.probability_of_not_waiting(),
            "ln_p_wait" => model.ln_probability_of_waiting(),
            "Lq" => model.mean_in_queue(),
            "Wq" => model.mean_waiting_time(),
            "var_Wq" => model.waiting_time_variance(),
            "var_Lq" => model.in_queue_variance(),
            _ => return None,
        })
    });
}

/// The parameters `name_0`, `name_1` and so on.
fn list(case: &Case, name: &str) -> Vec<f64> {
    (0..)
        .map_while(|k| case.find(&format!("{name}_{k}")))
        .collect()
}

#[test]
fn priorities_of_mmc() {
    let cases = cases(&["priority_mmc"]);
    assert_eq!(cases.len(), 11);
    compare(&cases, |case, quantity| {
        let (rates, mu, c) = (list(case, "lambda"), case.get("mu"), case.servers());
        if let Some(k) = argument(quantity, "polite_") {
            let model = MmcPriority::non_preemptive(&rates, mu, c).unwrap();
            return Some(model.mean_waiting_time(k as usize));
        }
        let k = argument(quantity, "strict_")?;
        let model = MmcPriority::preemptive_resume(&rates, mu, c).unwrap();
        Some(model.mean_waiting_time(k as usize))
    });
}

#[test]
fn priorities_of_mg1() {
    let cases = cases(&["priority_mg1"]);
    assert_eq!(cases.len(), 4);
    compare(&cases, |case, quantity| {
        let means = list(case, "mean").into_iter().zip(list(case, "cs2"));
        let classes: Vec<_> = means
            .zip(list(case, "lambda"))
            .map(|((mean, cs2), lambda)| PriorityClass::new(lambda, mean, cs2).unwrap())
            .collect();
        if let Some(k) = argument(quantity, "polite_") {
            let model = Mg1Priority::non_preemptive(&classes).unwrap();
            return Some(model.mean_waiting_time(k as usize));
        }
        let k = argument(quantity, "strict_")?;
        let model = Mg1Priority::preemptive_resume(&classes).unwrap();
        Some(model.mean_response_time(k as usize))
    });
}

#[test]
fn approximations() {
    let cases = cases(&["ggc"]);
    assert_eq!(cases.len(), 81);
    compare(&cases, |case, quantity| {
        let (lambda, mu) = (case.get("lambda"), case.get("mu"));
        let (ca2, cs2) = (case.get("ca2"), case.get("cs2"));
        let many = Ggc::new(lambda, mu, case.servers(), ca2, cs2).unwrap();
        let one = || Gg1::new(lambda, mu, ca2, cs2).unwrap();
        Some(match quantity {
            "allen_cunneen" => many.allen_cunneen(),
            "sakasegawa" => many.sakasegawa(),
            "whitt" => many.whitt(),
            "kimura" => many.kimura()?,
            "p_wait" => many.whitt_probability_of_waiting(),
            "kingman_bound" => one().kingman_bound(),
            "kingman" => one().kingman(),
            "marchal" => one().marchal(),
            "klb" => one().kraemer_langenbach_belz(),
            _ => return None,
        })
    });
}
