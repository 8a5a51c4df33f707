//! Networks, availability, intervals and scaling agree with their values at 80 digits.

mod support;

use crm_metrics::availability::{Availability, RepairableDuplex, k_of_n, k_of_units};
use crm_metrics::network::{
    ClassStation, JacksonNetwork, MulticlassNetwork, Network, NetworkBuilder, Station,
};
use crm_metrics::scaling::UslFit;
use crm_metrics::service_level::{clopper_pearson_interval, customer_effort, wilson_interval};
use support::reference::{Case, systems};
use support::{assert_within, tolerance};

/// Compares all values of a case.
fn compare(case: &Case, figure: impl Fn(&str) -> Option<f64>) {
    let relative = if case.hard {
        tolerance::HARD
    } else {
        tolerance::PLAIN
    };
    for &(quantity, expected) in &case.values {
        let what = case.name(quantity);
        let actual = figure(quantity).unwrap_or_else(|| panic!("{what} is not compared"));
        assert_within(&what, actual, expected, relative * expected.abs());
    }
}

/// The index at the end of a quantity such as `Q_3`.
fn index(quantity: &str, before: &str) -> Option<usize> {
    quantity.strip_prefix(before)?.parse().ok()
}

fn builder(case: &Case) -> NetworkBuilder {
    let stations = case.list("d").into_iter().zip(case.list("s"));
    stations.fold(
        Network::builder().think_time(case.get("z")),
        |builder, (demand, servers)| {
            builder.station(if servers == 0.0 {
                Station::delay(demand)
            } else {
                Station::servers(servers as u32, demand)
            })
        },
    )
}

#[test]
fn closed_networks() {
    let cases = systems(&["network"]);
    assert_eq!(cases.len(), 19);
    for case in &cases {
        let network = builder(case).build().unwrap();
        let population = case.get("n") as u32;
        let solution = network.closed(population).unwrap();
        compare(case, |quantity| match quantity {
            "X" => Some(solution.throughput()),
            "R" => Some(solution.response_time()),
            "ln_G" => network.ln_normalising_constant(population).ok(),
            _ => {
                let k = index(quantity, "Q_")?;
                Some(solution.station(k).mean_in_system())
            }
        });
        // The other exact method, where it applies.
        if let Ok(mut values) = network.mean_values() {
            let solution = values.nth(population as usize - 1).unwrap();
            compare(case, |quantity| match quantity {
                "X" => Some(solution.throughput()),
                "R" => Some(solution.response_time()),
                "ln_G" => network.ln_normalising_constant(population).ok(),
                _ => {
                    let k = index(quantity, "Q_")?;
                    Some(solution.station(k).mean_in_system())
                }
            });
        }
    }
}

#[test]
fn several_classes() {
    let cases = systems(&["classes"]);
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let populations: Vec<u32> = case.list("n").iter().map(|&n| n as u32).collect();
        let by_class: Vec<Vec<f64>> = (0..populations.len())
            .map(|c| case.list(&format!("d{c}_")))
            .collect();
        let mut builder = MulticlassNetwork::builder().think_times(case.list("z"));
        for k in 0..case.get("stations") as usize {
            let demands: Vec<f64> = by_class.iter().map(|demands| demands[k]).collect();
            builder = builder.station(ClassStation::queue(demands));
        }
        let solution = builder.build().unwrap().closed(&populations).unwrap();
        compare(case, |quantity| {
            if let Some(c) = index(quantity, "X_") {
                Some(solution.throughput(c))
            } else if let Some(c) = index(quantity, "R_") {
                Some(solution.response_time(c))
            } else {
                Some(solution.mean_at_station(index(quantity, "Q_")?))
            }
        });
    }
}

#[test]
fn jackson() {
    let cases = systems(&["jackson"]);
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let mut builder = JacksonNetwork::builder();
        let stations = case.list("mu").into_iter().zip(case.list("c"));
        for ((rate, servers), external) in stations.zip(case.list("external")) {
            builder = builder.station(Station::servers_at_rate(servers as u32, rate), external);
        }
        let size = case.list("mu").len();
        let routing: Vec<Vec<f64>> = (0..size).map(|i| case.list(&format!("p{i}_"))).collect();
        let network = builder.routing(routing).build().unwrap();
        let solution = network.solution();
        compare(case, |quantity| {
            if quantity == "R" {
                Some(solution.response_time())
            } else if let Some(k) = index(quantity, "lambda_") {
                Some(solution.station(k).throughput())
            } else if let Some(k) = index(quantity, "L_") {
                Some(solution.station(k).mean_in_system())
            } else {
                Some(solution.station(index(quantity, "W_")?).response_time())
            }
        });
    }
}

#[test]
fn availability() {
    for case in &systems(&["k_of_n"]) {
        let unit = Availability::new(case.get("p")).unwrap();
        let whole = k_of_n(case.get("k") as u32, case.get("n") as u32, unit).unwrap();
        compare(case, |quantity| match quantity {
            "up" => Some(whole.up()),
            "down" => Some(whole.down()),
            _ => None,
        });
    }
    for case in &systems(&["k_of_units"]) {
        let units: Vec<Availability> = case
            .list("p")
            .into_iter()
            .map(|p| Availability::new(p).unwrap())
            .collect();
        let whole = k_of_units(case.get("k") as u32, &units).unwrap();
        compare(case, |quantity| match quantity {
            "up" => Some(whole.up()),
            "down" => Some(whole.down()),
            _ => None,
        });
    }
    assert_eq!(systems(&["k_of_n", "k_of_units"]).len(), 17);
}

#[test]
fn duplex() {
    let cases = systems(&["duplex"]);
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let pair = RepairableDuplex::new(case.get("mttf"), case.get("mttr"), case.get("coverage"))
            .unwrap()
            .reconfiguration_time(case.get("reconfiguration"))
            .unwrap()
            .reboot_time(case.get("reboot"))
            .unwrap();
        compare(case, |quantity| match quantity {
            "two" => Some(pair.both_up()),
            "reconfiguring" => Some(pair.reconfiguring()),
            "rebooting" => Some(pair.rebooting()),
            "one" => Some(pair.one_up()),
            "none" => Some(pair.none_up()),
            "down" => Some(pair.availability().down()),
            "mttf" => Some(pair.mean_time_to_system_failure()),
            _ => None,
        });
    }
}

#[test]
fn intervals() {
    let cases = systems(&["wilson", "clopper_pearson"]);
    assert_eq!(cases.len(), 26);
    for case in &cases {
        let (k, n) = (case.get("k") as u64, case.get("n") as u64);
        let interval = if case.model == "wilson" {
            wilson_interval(k, n, case.get("z")).unwrap()
        } else {
            clopper_pearson_interval(k, n, case.get("alpha")).unwrap()
        };
        compare(case, |quantity| match quantity {
            "low" => Some(interval.low),
            "high" => Some(interval.high),
            _ => None,
        });
    }
}

#[test]
fn fits() {
    let cases = systems(&["usl_fit"]);
    assert_eq!(cases.len(), 2);
    for case in &cases {
        let measured: Vec<(f64, f64)> = case.list("n").into_iter().zip(case.list("x")).collect();
        let fit = UslFit::new(&measured).unwrap();
        compare(case, |quantity| match quantity {
            "gamma" => Some(fit.law().gamma()),
            "alpha" => Some(fit.law().alpha()),
            "beta" => Some(fit.law().beta()),
            "s" => Some(fit.residual_standard_error()),
            "se_gamma" => Some(fit.gamma_standard_error()),
            "se_alpha" => Some(fit.alpha_standard_error()),
            "se_beta" => Some(fit.beta_standard_error()),
            _ => None,
        });
    }
}

/// Student's quantile, by way of the only interval with any number of degrees of freedom.
#[test]
fn student() {
    let cases = systems(&["student"]);
    assert_eq!(cases.len(), 11);
    for case in &cases {
        let n = case.get("freedom") as usize + 1;
        let scores: Vec<u8> = (0..n).map(|i| (i % 2) as u8).collect();
        let (mean, interval) = customer_effort(&scores, case.get("confidence")).unwrap();
        let ones = (n / 2) as f64;
        let variance = ones * (1.0 - ones / n as f64) / (n - 1) as f64;
        let t = (interval.high - mean) / (variance / n as f64).sqrt();
        compare(case, |quantity| (quantity == "t").then_some(t));
    }
}
