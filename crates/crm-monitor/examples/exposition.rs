//! Writes one reading in every format into a folder, for `ci/exposition.py` to hold against readers of other makers.
//!
//! ```text
//! cargo run -p crm-monitor --all-features --example exposition -- FOLDER
//! ```

use std::error::Error;
use std::fs::{self, File};
use std::path::PathBuf;

use crm_monitor::expose::{Exposition, Format, zabbix_discovery, zabbix_values};
use crm_monitor::{Layout, Monitor, RegisterError};

/// What escaping has to carry.
const TEXTS: [&str; 9] = [
    "",
    "/customers/{id}",
    "a \"quoted\" word, and a backslash: \\",
    "\\n is no line break,\nbut this was one",
    "ends with a backslash \\",
    "\\\\\"\\\"",
    "# EOF",
    "} 1 # {a=\"b\"} 2",
    "☃ 𝄞 \u{7f}\u{1}\t",
];

fn monitor() -> Result<Monitor, RegisterError> {
    let monitor = Monitor::new();
    for (index, text) in TEXTS.iter().enumerate() {
        let number = index as u64;
        monitor
            .counter("http_requests")
            .help("Requests answered: \"all\" of them,\nwith \\ and so on.")
            .label("route", text)
            .register()?
            .add(number * 1_000_003);
        monitor
            .gauge("http_in_flight")
            .help("Requests in progress.")
            .label("route", text)
            .register()?
            .set(number as i64 - 4);
        let times = monitor
            .histogram("http_response_time_seconds")
            .help("From the first byte of the request to the last of the response.")
            .label("route", text)
            .label("status", "200")
            .register()?;
        let mut value = 1_000 + number;
        for step in 0..400 {
            // From a microsecond to some minutes.
            value = (value * 21 / 20 + step) % 300_000_000_000;
            if step % 41 == number {
                times.record_failure(value);
            } else if step % 37 == 0 {
                times.record_with_exemplar(value, &[("trace_id", text)]);
            } else {
                times.record(value);
            }
        }
    }
    // The largest that there are, and nothing.
    monitor
        .counter("answered_bytes")
        .help("Bytes sent.")
        .register()?
        .add(u64::MAX);
    monitor
        .gauge("drift_seconds")
        .help("How far the clock is off.")
        .register()?
        .set(i64::MIN);
    let sizes = monitor
        .histogram("answer_size_bytes")
        .help("Sizes of answers.")
        .layout(Layout::new(64, 1 << 30, 0.05).expect("a range that ascends"))
        .register()?;
    for value in [0, 1, 63, 64, 1 << 20, 1 << 31, u64::MAX] {
        sizes.record(value);
    }
    sizes.record_failure(65);
    monitor
        .histogram("waiting_jobs")
        .help("What has no unit, and never fails.")
        .register()?
        .record(3);
    monitor
        .histogram("never_recorded_seconds")
        .help("Nothing at all.")
        .register()?;
    Ok(monitor)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(
        std::env::args_os()
            .nth(1)
            .ok_or("name the folder to write into")?,
    );
    fs::create_dir_all(&folder)?;
    let reading = monitor()?.read();
    let exposition = Exposition::new();
    for (format, name) in [
        (Format::Prometheus, "prometheus.txt"),
        (Format::OpenMetrics, "openmetrics.txt"),
        (Format::Json, "reading.json"),
        (Format::Protobuf, "prometheus.pb"),
    ] {
        exposition.write(format, &reading, &mut File::create(folder.join(name))?)?;
    }
    zabbix_values(&reading, "-", &mut File::create(folder.join("zabbix.txt"))?)?;
    zabbix_discovery(&reading, &mut File::create(folder.join("zabbix.json"))?)?;
    Ok(())
}
