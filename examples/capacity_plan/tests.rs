//! The whole program, as a user runs it: what it prints, what it writes, and how it ends.

use std::fs;
use std::process::ExitCode;

use serde_json::Value;

use crate::testing::{Folder, Output};

fn run(arguments: &[&str]) -> Output {
    Output::of(crate::run, &[&["capacity_plan"], arguments].concat())
}

/// A run that ends well, and its figures.
fn figures(arguments: &[&str]) -> (Output, Value) {
    let folder = Folder::new();
    let json = folder.0.path().join("plan.json");
    let output = run(&[arguments, &["--json", json.to_str().unwrap()]].concat());
    assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
    assert_eq!(output.err, "");
    let figures = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    (output, figures)
}

fn near(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!(
        (found / expected - 1.0).abs() < 1e-9,
        "{found} instead of {expected}"
    );
}

const ONE: [&str; 6] = [
    "--arrivals",
    "8/s",
    "--service",
    "100ms",
    "--target",
    "p95=1.6s",
];

#[test]
fn one_server_is_planned_as_by_hand() {
    // M/M/1, lambda = 8, mu = 10: W = 1/2 s and p95 = ln 20 / 2 = 1.498 s, so that one server meets 1.6 s. With lambda = 8.8,
    // W = 5/6 s; 9.6 gives 2.5 s; 12 is too much. The target holds while ln 20 / (10 - lambda) <= 1.6.
    let (output, plan) = figures(&ONE);
    assert_eq!(plan["servers"], 1);
    assert_eq!(plan["model"], "M/M/c");
    near(&plan["offered_load"], 0.8);
    let loads = plan["loads"].as_array().unwrap();
    assert_eq!(loads.len(), 4);
    for (load, (rate, mean)) in loads.iter().zip([(8.0, 0.5), (8.8, 5.0 / 6.0), (9.6, 2.5)]) {
        near(&load["arrivals"], rate);
        near(&load["times"]["mean_response"], mean);
        near(&load["times"]["mean_wait"], mean - 0.1);
        near(&load["times"]["response"][2], mean * 20_f64.ln());
        near(&load["times"]["probability_of_waiting"], rate / 10.0);
    }
    assert_eq!(loads[0]["times"]["meets_target"], true);
    assert_eq!(loads[1]["times"]["meets_target"], false);
    assert_eq!(loads[1]["servers_needed"], 2);
    near(&loads[3]["utilisation"], 1.2);
    assert_eq!(loads[3]["times"], Value::Null);
    near(&plan["most_on_target"], 10.0 - 20_f64.ln() / 1.6);
    near(&plan["stable_below"], 10.0);
    assert_eq!(plan["one_less"], Value::Null);
    assert!((plan["knee"]["utilisation"].as_f64().unwrap() - 0.5).abs() < 1e-6);

    for line in [
        "8/s requests of 100 ms each (squared variation 1), p95 at most 1.6 s\n",
        "model: M/M/c, exact for",
        "1 server needed.\n",
        "    now        8/s    80.0 %      400 ms     500 ms   347 ms   1.15 s    1.5 s    2.3 s        met       1\n",
        "  +50 %       12/s   120.0 %       grows      grows    grows    grows    grows    grows   overload       2\n",
        "knee    5/s (50.0 % busy, mean response 200 ms)",
        "target  met up to 8.13/s, +1.6 % from here\n",
        "limit   stable below 10/s, +25 % from here\n",
    ] {
        assert!(output.out.contains(line), "{line}{}", output.out);
    }
}

#[test]
fn a_published_desk_is_found_and_one_agent_less_is_told() {
    // 200 calls an hour of three minutes, 80 % within 20 s: 14 agents; with 13, some 71 % are answered in time.
    let calls = ["--arrivals", "200/h", "--service", "3min"];
    let target = ["--target", "wait80=20s"];
    let (output, plan) = figures(&[&calls[..], &target].concat());
    assert_eq!(plan["servers"], 14);
    assert_eq!(plan["one_less"]["times"]["meets_target"], false);
    assert!(
        output
            .out
            .contains("14 servers needed; with 13, p80 of the wait would be "),
        "{}",
        output.out
    );
    let given = ["--servers", "13", "--growth", "0.5"];
    let (output, plan) = figures(&[&calls[..], &target, &given].concat());
    assert_eq!(plan["servers"], 13);
    assert_eq!(plan["loads"].as_array().unwrap().len(), 2);
    assert!(
        output
            .out
            .contains("13 servers: the target is missed; 14 servers needed.\n"),
        "{}",
        output.out
    );
}

#[test]
fn the_variation_decides_on_the_model() {
    let calls = ["--arrivals", "8", "--service", "0.1", "--target", "wait=1s"];
    let model = |more: &[&str]| {
        let (output, plan) = figures(&[&calls[..], more].concat());
        assert!(output.out.contains("model: "), "{}", output.out);
        (
            plan["model"].as_str().unwrap().to_owned(),
            plan["loads"][0]["times"]["mean_wait"].as_f64().unwrap(),
        )
    };
    let one = ["--servers", "1"];
    // Pollaczek-Khinchine: 0.4 s (1 + scv) / 2.
    for (more, name, wait) in [
        (["--scv", "0"], "M/D/1", 0.2),
        (["--deviation", "50ms"], "M/G/1", 0.25),
        (["--deviation", "100ms"], "M/M/c", 0.4),
        (["--scv", "3"], "M/G/1", 0.8),
    ] {
        let (found, mean) = model(&[&more[..], &one].concat());
        assert_eq!(found, name);
        assert!((mean - wait).abs() < 1e-12, "{name}: {mean}");
    }
    let two = ["--servers", "2"];
    assert_eq!(model(&[&["--scv", "0"], &two[..]].concat()).0, "M/D/c");
    assert_eq!(model(&[&["--scv", "3"], &two[..]].concat()).0, "M/G/c");
}

#[test]
fn what_makes_no_sense_ends_the_program_with_one_line() {
    let change = |option: &str, value: &str| -> Vec<String> {
        let mut line: Vec<String> = ONE.map(str::to_owned).to_vec();
        match line.iter().position(|word| word == option) {
            Some(at) => line[at + 1] = value.to_owned(),
            None => line.extend([option.to_owned(), value.to_owned()]),
        }
        line
    };
    for (option, value, expected) in [
        (
            "--arrivals",
            "0",
            "--arrivals is 0.0/s, but must lie between",
        ),
        ("--arrivals", "-3/s", "--arrivals is -3.0/s, but must"),
        ("--arrivals", "inf", "--arrivals is inf"),
        (
            "--service",
            "0ms",
            "--service is 0.0 s, but must lie between",
        ),
        ("--target", "p95=0s", "--target is 0.0 s, but must"),
        ("--scv", "-1", "--scv is -1.0, but must lie between"),
        ("--scv", "nan", "--scv is NaN"),
        ("--deviation", "-1s", "--deviation is -1.0 s, but must"),
        ("--growth", "-100", "--growth is -100, but must"),
        ("--service", "1e-300", "--service is 1e-300 s"),
        // The service alone has its 95th percentile at 100 ms ln 20.
        (
            "--target",
            "p95=299ms",
            "without any wait it is 300 ms, so serve faster",
        ),
        ("--target", "response=99ms", "without any wait it is 100 ms"),
        ("--arrivals", "1e12", "no number of servers below 2^32"),
        (
            "--json",
            "no/such/folder/x.json",
            "cannot write no/such/folder/x.json",
        ),
        (
            "--svg",
            "no/such/folder/x.svg",
            "cannot write no/such/folder/x.svg",
        ),
    ] {
        let line = change(option, value);
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let told = run(&line).failure();
        assert!(
            told.starts_with("capacity_plan: ") && told.contains(expected),
            "{option} {value}: {told}"
        );
    }
    let overloaded = [
        &ONE[..2],
        &["--service", "1s"],
        &ONE[4..],
        &["--servers", "8"],
    ]
    .concat();
    assert_eq!(
        run(&overloaded).failure(),
        "capacity_plan: 8 servers cannot work off 8/s: keep the load below 8/s, or have at least 9 servers\n"
    );
}

#[test]
fn a_wrong_command_line_is_told_and_help_is_given() {
    for (wrong, expected) in [
        (["--target", "fast"], "`fast` is no target"),
        (["--arrivals", "many"], "`many` is no rate"),
        (["--service", "long"], "`long` is no time"),
    ] {
        let output = run(&wrong);
        assert!(output.ended_with(ExitCode::from(2)));
        assert!(output.err.contains(expected), "{}", output.err);
    }
    assert!(run(&[]).ended_with(ExitCode::from(2)));
    let both = ["--scv", "1", "--deviation", "1s"];
    assert!(run(&[&ONE[..], &both].concat()).ended_with(ExitCode::from(2)));
    let help = run(&["--help"]);
    assert!(help.ended_with(ExitCode::SUCCESS));
    for option in ["--arrivals", "--scv", "--growth", "--svg", "Examples:"] {
        assert!(help.out.contains(option), "{}", help.out);
    }
}

#[test]
fn the_picture_has_its_curves_its_target_and_its_knee() {
    let folder = Folder::new();
    let svg = folder.0.path().join("plan.svg");
    let drawn = |more: &[&str]| {
        let output = run(&[&ONE[..4], more, &["--svg", svg.to_str().unwrap()]].concat());
        assert!(output.ended_with(ExitCode::SUCCESS), "{}", output.err);
        fs::read_to_string(&svg).unwrap()
    };
    let picture = drawn(&ONE[4..]);
    assert_eq!(picture.matches("<polyline").count(), 3);
    for part in [
        "target: p95 at most 1.6 s",
        ">knee</text>",
        ">now</text>",
        ">+20 %</text>",
        "prefers-color-scheme: dark",
    ] {
        assert!(picture.contains(part), "{part} in {picture}");
    }
    // 50 % more is beyond the right edge.
    assert!(!picture.contains("+50 %") && !picture.contains("NaN") && !picture.contains("inf"));
    let waits = drawn(&["--target", "wait80=1s"]);
    assert_eq!(waits.matches("<polyline").count(), 4);
}

#[test]
fn a_large_pool_is_planned_too() {
    let (_, plan) = figures(&[
        "--arrivals",
        "1_000_000/s",
        "--service",
        "1s",
        "--target",
        "wait=1ms",
        "--scv",
        "2",
    ]);
    let servers = plan["servers"].as_u64().unwrap();
    assert!((1_000_001..1_003_000).contains(&servers), "{servers}");
    // Where hardly anybody waits, so few more are enough.
    let (_, plan) = figures(&[
        "--arrivals",
        "1_000_000/s",
        "--service",
        "1s",
        "--target",
        "p95=3s",
        "--scv",
        "0.5",
    ]);
    let servers = plan["servers"].as_u64().unwrap();
    assert!((1_000_001..1_003_000).contains(&servers), "{servers}");
}
