//! Every crate is reached through the facade, and its types are the crate's own.

#[test]
fn the_modules_are_the_crates() {
    let clock: crm_clock::Clock = crm_perf::clock::Clock::system();
    let cache: crm_cache::Cache<u32, u32> = crm_perf::cache::Cache::builder(1)
        .clock(clock)
        .build()
        .unwrap();
    assert_eq!(cache.capacity(), 1);
    let batch: crm_batch::Batch = crm_perf::batch::Batch::new();
    assert_eq!(batch.map([1, 2], |n: u32| n + 1), [2, 3]);
    let coding: crm_compress::Coding = crm_perf::compress::Coding::Gzip;
    assert_eq!(coding.name(), "gzip");
    let queue: crm_metrics::queueing::Mm1 =
        crm_perf::metrics::queueing::Mm1::new(1.0, 2.0).unwrap();
    assert_eq!(queue.utilisation(), 0.5);
    let counter: crm_monitor::Counter = crm_perf::monitor::Counter::new();
    assert_eq!(counter.value(), 0);
}

#[cfg(feature = "serde")]
#[test]
fn a_snapshot_can_be_taken_through_the_facade() {
    let cache: crm_perf::cache::Cache<u32, u32> = crm_perf::cache::Cache::new(10);
    cache.insert(7, 8);
    let mut file = Vec::new();
    assert_eq!(cache.snapshot(&mut file).unwrap(), 1);
    let restarted: crm_perf::cache::Cache<u32, u32> = crm_perf::cache::Cache::new(10);
    assert_eq!(restarted.restore(&file[..]).unwrap(), 1);
    assert_eq!(restarted.get(&7), Some(8));
}

#[cfg(feature = "rusqlite")]
#[test]
fn tables_are_read_through_the_facade() {
    use crm_perf::batch::{Batch, SqliteRows, Verdict};

    let shop = rusqlite::Connection::open_in_memory().unwrap();
    let rows = "SELECT 7 AS id UNION SELECT 9";
    let rows: SqliteRows<_, _> = SqliteRows::new(shop, rows, "id", |row| row.get("id")).unwrap();
    let mut seen: Vec<i64> = Vec::new();
    let report = Batch::new()
        .job(rows)
        .process(|id| Ok::<_, std::io::Error>(Verdict::Output(id)))
        .into(&mut seen)
        .run()
        .unwrap();
    assert_eq!((report.written(), seen), (2, vec![7, 9]));
}

/// Each of these names is there only with the feature of the crate itself.
#[test]
fn features_of_compress_are_reached() {
    #[cfg(feature = "tower")]
    let _: crm_perf::compress::CompressLayer = crm_compress::CompressLayer::new();
    #[cfg(feature = "http-body")]
    let _: crm_perf::compress::EncodeBody<String> = crm_compress::EncodeBody::new(
        crm_compress::Coding::Gzip,
        Default::default(),
        String::new(),
    );
    #[cfg(feature = "http")]
    let _: crm_perf::compress::HeaderRules = crm_compress::HeaderRules::new();
    #[cfg(feature = "brotli")]
    assert!(
        !crm_perf::compress::Brotli::default()
            .encode(b"a")
            .is_empty()
    );
    #[cfg(feature = "zstd")]
    assert!(!crm_perf::compress::Zstd::default().encode(b"a").is_empty());
    #[cfg(feature = "dcz")]
    assert!(crm_perf::compress::Dictionary::new("eight bytes").is_ok());
    #[cfg(feature = "rayon")]
    assert!(
        !crm_perf::compress::Gzip::default()
            .encode_parallel(b"a")
            .is_empty()
    );
    // The engine shows in the bytes alone: the same body has others.
    let body: Vec<u8> = (0..40_000_u32)
        .flat_map(|n| (n * n).to_le_bytes())
        .collect();
    let gzip = crm_perf::compress::Gzip::default().level(crm_perf::compress::Level::Fastest);
    assert!(gzip.encode(&body).len() < body.len());
}

/// The same for the monitor; its feature `metrics` has another name here.
#[test]
fn features_of_the_monitor_are_reached() {
    let monitor = crm_perf::monitor::Monitor::new();
    #[cfg(feature = "tower")]
    assert!(crm_perf::monitor::MonitorLayer::new(&monitor).is_ok());
    #[cfg(feature = "procfs")]
    assert!(monitor.observe_process().is_ok());
    #[cfg(feature = "metrics-recorder")]
    let _: crm_perf::monitor::Recorder = crm_monitor::Recorder::new(&monitor).unwrap();
    #[cfg(feature = "tracing")]
    let _: Option<crm_perf::monitor::SpanLayer> = None::<crm_monitor::SpanLayer>;
    let counter = monitor.counter("logins").register().unwrap();
    counter.increment();
    let reading = monitor.read();
    #[cfg(feature = "prost")]
    assert!(crm_perf::monitor::expose::protobuf(&reading, &mut Vec::new()).is_ok());
    #[cfg(feature = "serde_json")]
    assert!(crm_perf::monitor::expose::json(&reading, &mut String::new()).is_ok());
    #[cfg(feature = "opentelemetry")]
    assert!(!crm_perf::monitor::otlp_bytes(&reading, [("service.name", "crm")]).is_empty());
    assert!(
        reading
            .families
            .iter()
            .any(|family| &*family.name == "logins")
    );
}
