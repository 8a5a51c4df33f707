//! Does the size of a system cost anything: a million servers, a waiting room for a million, 10,000 customers in a network?
//!
//! A time is that of one answer from bare numbers: checking them, building the model, and the figures named. The first
//! part of a name is the time that the answer may take.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use crm_metrics::network::{Network, NetworkBuilder, Station};
use crm_metrics::queueing::{ErlangA, Mmc, Mmck, erlang_b, erlang_c};

/// That the answers are right, before they are timed: values at 50 digits.
fn check() {
    let close = |what: &str, answer: f64, exact: f64| {
        let off = (answer / exact - 1.0).abs();
        assert!(off < 1e-12, "{what}: {answer:e} for {exact:e}");
    };
    let million = 1_000_000_u32;
    let b = erlang_b(million, 999_000.0).expect("valid");
    close("Erlang B", b, 2.874_213_757_768_679e-4);
    let c = erlang_c(million, 999_000.0).expect("stable");
    close("Erlang C", c, 0.223_303_390_291_344_1);
    let pool = Mmc::new(999_999.0, 1.0, million).expect("stable");
    close("M/M/c", pool.mean_waiting_time(), 0.998_747_588_964_593_8);
    let desk = ErlangA::new(1e5, 1.0, 110_000, 0.001).expect("valid");
    close(
        "Erlang A",
        desk.probability_of_waiting(),
        7.431_171_304_768_02e-213,
    );
    let room = Mmck::new(1.0, 1.0, 1, 1_000_000).expect("valid");
    close(
        "M/M/c/K",
        room.response_time_quantile(0.99),
        989_999.999_999_999_9,
    );
    let demands = [0.01, 0.02, 0.005, 0.019_999_9];
    let network = Network::builder()
        .demands(demands)
        .think_time(100.0)
        .build();
    let solution = network.expect("valid").closed(10_000).expect("valid");
    close("closed", solution.throughput(), 49.990_123_763_100_54);
}

/// Where the servers are far from busy, nearly busy, and as busy as can be.
const LOADS: [(&str, f64); 4] = [
    ("half", 500_000.0),
    ("99.9 %", 999_000.0),
    ("99.9999 %", 999_999.0),
    ("all but 1e-9", 1e6 * (1.0 - 1e-9)),
];

fn loss_and_delay(criterion: &mut Criterion) {
    check();
    let servers = black_box(1_000_000_u32);
    let mut group = criterion.benchmark_group("1 us");
    for (name, load) in [
        ("half", 5e5),
        ("99.9 %", 999_000.0),
        ("100 %", 1e6),
        ("200 %", 2e6),
    ] {
        group.bench_function(format!("erlang_b/{name}"), |bencher| {
            bencher.iter(|| erlang_b(servers, black_box(load)).expect("valid"));
        });
    }
    for (name, load) in LOADS {
        group.bench_function(format!("erlang_c/{name}"), |bencher| {
            bencher.iter(|| erlang_c(servers, black_box(load)).expect("stable"));
        });
    }
    let build = |load: f64| Mmc::new(black_box(load), black_box(1.0), servers).expect("stable");
    for (name, load) in LOADS {
        group.bench_function(format!("mmc, means/{name}"), |bencher| {
            bencher.iter(|| {
                let model = build(load);
                (model.mean_waiting_time(), model.mean_in_system())
            });
        });
        group.bench_function(format!("mmc, wait p50 p99 p99.9/{name}"), |bencher| {
            bencher.iter(|| {
                let model = build(load);
                [0.5, 0.99, 0.999].map(|p| model.waiting_time_quantile(black_box(p)))
            });
        });
        group.bench_function(format!("mmc, response p99/{name}"), |bencher| {
            bencher.iter(|| build(load).response_time_quantile(black_box(0.99)));
        });
    }
    group.finish();
}

fn abandonment(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("1 ms");
    for (name, load) in [
        ("90 %", 9e4),
        ("99.9 %", 99_900.0),
        ("100 %", 1e5),
        ("110 %", 1.1e5),
    ] {
        for theta in [0.001, 0.5, 10.0] {
            let build = || {
                ErlangA::new(black_box(load), black_box(1.0), 100_000, black_box(theta))
                    .expect("valid")
            };
            group.bench_function(
                format!(
                    "erlang_a, shares and means/{name}, patience {}",
                    1.0 / theta
                ),
                |bencher| {
                    bencher.iter(|| {
                        let desk = build();
                        (
                            desk.probability_of_waiting(),
                            desk.probability_of_abandonment(),
                            desk.mean_waiting_time(),
                        )
                    });
                },
            );
            group.bench_function(
                format!("erlang_a, service level/{name}, patience {}", 1.0 / theta),
                |bencher| {
                    bencher.iter(|| build().served_within(black_box(0.001)));
                },
            );
            group.bench_function(
                format!("erlang_a, wait p95/{name}, patience {}", 1.0 / theta),
                |bencher| {
                    bencher.iter(|| build().waiting_time_quantile(black_box(0.95)));
                },
            );
        }
    }
    group.finish();
}

fn limited_room(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("1 ms");
    for servers in [1_u32, 100, 10_000, 900_000] {
        for (name, load) in [
            ("90 %", 0.9),
            ("all but 1e-6", 1.0 - 1e-6),
            ("100 %", 1.0),
            ("all and 1e-6", 1.0 + 1e-6),
            ("110 %", 1.1),
        ] {
            let build = || {
                Mmck::new(
                    black_box(load * f64::from(servers)),
                    black_box(1.0),
                    servers,
                    1_000_000,
                )
                .expect("valid")
            };
            type Ask = fn(&Mmck) -> f64;
            let asked: [(&str, Ask); 4] = [
                ("blocking and mean", |model| {
                    model.blocking_probability() + model.mean_response_time()
                }),
                ("wait p99", |model| {
                    model.waiting_time_quantile(black_box(0.99))
                }),
                ("response p50", |model| {
                    model.response_time_quantile(black_box(0.5))
                }),
                ("response p99", |model| {
                    model.response_time_quantile(black_box(0.99))
                }),
            ];
            for (what, ask) in asked {
                group.bench_function(
                    format!("mmck, {what}/{servers} servers, {name}"),
                    |bencher| {
                        bencher.iter(|| ask(&build()));
                    },
                );
            }
        }
    }
    group.finish();
}

fn customers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("10 ms");
    let solve = |bencher: &mut Bencher<'_>, put_together: &dyn Fn() -> NetworkBuilder| {
        bencher.iter(|| {
            let network = put_together().build().expect("valid");
            network.closed(black_box(10_000)).expect("valid")
        });
    };
    // A bottleneck, and others that are up to twice as fast.
    let unlike = |stations: u32| {
        let demands = (0..stations).map(move |k| 0.02 / (1.0 + f64::from(k) / f64::from(stations)));
        Network::builder().demands(demands).think_time(100.0)
    };
    for stations in [3, 10, 100, 500] {
        group.bench_function(format!("closed/{stations} stations"), |bencher| {
            solve(bencher, &|| unlike(stations));
        });
    }
    group.bench_function("closed/500 equal stations", |bencher| {
        solve(bencher, &|| Network::builder().demands([0.02; 500]));
    });
    group.bench_function("closed/500 stations, 500 delays", |bencher| {
        solve(bencher, &|| {
            (0..500).fold(unlike(500), |network, _| {
                network.station(Station::delay(0.01))
            })
        });
    });
    group.bench_function("closed/3 stations, mean value analysis", |bencher| {
        bencher.iter(|| {
            let network = unlike(3).build().expect("valid");
            network.mean_values().expect("simple").nth(black_box(9_999))
        });
    });
    for (stations, servers) in [(1, 100), (10, 8), (10, 100), (100, 4)] {
        group.bench_function(
            format!("closed/{stations} stations of {servers}"),
            |bencher| {
                solve(bencher, &|| {
                    (0..stations).fold(Network::builder().think_time(100.0), |network, k| {
                        let time =
                            0.02 * f64::from(servers) / (1.0 + f64::from(k) / f64::from(stations));
                        network.station(Station::servers(servers, time))
                    })
                });
            },
        );
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    targets = loss_and_delay, abandonment, limited_room, customers
}
criterion_main!(benches);
