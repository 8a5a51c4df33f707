//! What does it save to keep an encoder instead of making a new one for each response?
//!
//! `new_encoder` makes a `flate2` encoder for each body, `pooled` is `crm_compress::Gzip`, both at the same level. The bodies
//! are generated lists of customers; `CRM_PERF_BODIES=FOLDER` takes the folder's `.json` files instead.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crm_compress::Gzip;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

mod support {
    //! What this benchmark shares with others.
    pub(crate) mod bodies;
}

use support::bodies::{Body, bodies};

/// The level that `Gzip::default()` encodes with; the assertion on the sizes below fails when they part.
const LEVEL: Compression = Compression::new(5);

fn new_encoder(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), LEVEL);
    encoder
        .write_all(body)
        .expect("a vector takes whatever is written to it");
    encoder
        .finish()
        .expect("a vector takes whatever is written to it")
}

fn decoded(encoded: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    GzDecoder::new(encoded)
        .read_to_end(&mut body)
        .expect("what was encoded can be decoded");
    body
}

fn compress_gzip(criterion: &mut Criterion) {
    let pooled = Gzip::default();
    let mut group = criterion.benchmark_group("compress_gzip");
    for Body { name, bytes } in bodies() {
        let (new, kept) = (new_encoder(&bytes), pooled.encode(&bytes));
        assert_eq!(decoded(&new), bytes);
        assert_eq!(decoded(&kept), bytes);
        // A body that reaches the encoder in other pieces may differ by a few bytes; another level differs by more.
        assert!(
            new.len().abs_diff(kept.len()) <= new.len() / 1_000,
            "{name}: {} and {} bytes, is the level the same?",
            new.len(),
            kept.len()
        );

        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::new("new_encoder", &name), |bencher| {
            bencher.iter(|| new_encoder(&bytes));
        });
        group.bench_function(BenchmarkId::new("pooled", &name), |bencher| {
            bencher.iter(|| pooled.encode(&bytes));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = compress_gzip
}
criterion_main!(benches);
