//! What does it cost to build a queueing model and to ask it for the waiting time?
//!
//! M/M/c is asked at 10, 1000 and a million servers: its waiting probability is a recurrence over the servers when done
//! naively, so the growth from one row to the next is the figure to look at.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use crm_metrics::queueing::{Mg1, Mm1, Mmc};

/// The share of the capacity that is in use in every model.
const UTILISATION: f64 = 0.9;

fn metrics_formulas(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("metrics_formulas");
    group.bench_function("mm1", |bencher| {
        bencher.iter(|| {
            let model = Mm1::new(black_box(UTILISATION), black_box(1.0)).expect("stable");
            model.mean_waiting_time()
        });
    });
    for servers in [10, 1_000, 1_000_000] {
        group.bench_with_input(
            BenchmarkId::new("mmc", servers),
            &servers,
            |bencher, &servers| {
                let arrivals = UTILISATION * f64::from(servers);
                bencher.iter(|| {
                    let model = Mmc::new(black_box(arrivals), black_box(1.0), black_box(servers))
                        .expect("stable");
                    model.mean_waiting_time()
                });
            },
        );
    }
    group.bench_function("mg1", |bencher| {
        bencher.iter(|| {
            let model =
                Mg1::new(black_box(UTILISATION), black_box(1.0), black_box(2.0)).expect("stable");
            model.mean_waiting_time()
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = metrics_formulas
}
criterion_main!(benches);
