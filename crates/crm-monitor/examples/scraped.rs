//! Answers scrapers with figures that are known beforehand, for `ci/scraped.py` to hold against what a Prometheus server stores.
//!
//! ```text
//! cargo run -p crm-monitor --all-features --example scraped
//! ```
//!
//! It prints its address, and then records for a while: whoever scrapes it meanwhile reads beside two threads that record as
//! fast as they can. Then it prints what it has recorded, by a count of its own, as JSON. It ends with its standard input.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crm_clock::Clock;
use crm_monitor::expose::{Exposition, Format};
use crm_monitor::{Histogram, Monitor};
use serde_json::{Value, json};

/// Some that escaping has to carry.
const ROUTES: [&str; 4] = [
    "/customers/{id}",
    "a \"quoted\" word, and a backslash: \\",
    "\\n is no line break,\nbut this was one",
    "☃ 𝄞",
];

/// How long it records.
const WHILE: Duration = Duration::from_secs(3);

/// The largest number up to which a float holds every whole one.
const LARGEST: u64 = (1 << 53) - 1;

/// What was recorded into one histogram.
#[derive(Default)]
struct Recorded {
    count: u64,
    nanos: u128,
    times: Vec<u64>,
}

/// Records until the time is over: from 100 us to some seconds, the same at each run but for how many there are.
fn record(times: &Histogram, until: Duration) -> Recorded {
    let clock = Clock::system();
    let start = clock.now();
    let mut recorded = Recorded::default();
    let mut state = 1_u64;
    while clock.now() - start < until {
        for _ in 0..1_000 {
            // Knuth's linear congruential generator.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let octave = (state >> 60) as u32;
            let time = (100_000 << octave) + ((state >> 20) % (100_000 << octave));
            times.record(time);
            recorded.count += 1;
            recorded.nanos += u128::from(time);
            // A part is enough for the quantiles.
            if recorded.count % 64 == 0 {
                recorded.times.push(time);
            }
        }
    }
    recorded
}

/// Reads the head of a request, and answers it in the format that it asks for.
fn answer(stream: &TcpStream, monitor: &Monitor) -> io::Result<()> {
    let mut accept = Vec::new();
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("accept")
        {
            accept.push(value.trim().to_owned());
        }
    }
    let format = Format::negotiate(accept.iter().map(String::as_str));
    let mut body = Vec::new();
    Exposition::new().write(format, &monitor.read(), &mut body)?;
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        format.content_type(),
        body.len()
    )?;
    stream.write_all(&body)
}

/// A sample that is to be found, its value in decimal digits.
fn sample(name: &str, labels: &[(&str, &str)], value: impl ToString) -> Value {
    let labels: serde_json::Map<_, _> = labels
        .iter()
        .map(|(name, value)| (String::from(*name), Value::from(*value)))
        .collect();
    json!({ "name": name, "labels": labels, "value": value.to_string() })
}

fn main() -> Result<(), Box<dyn Error>> {
    let monitor = Monitor::new();
    let mut samples = Vec::new();
    for (number, route) in (1..).zip(ROUTES) {
        let requests = monitor
            .counter("http_requests")
            .help("Requests answered.")
            .label("route", route)
            .register()?;
        requests.add(number * 1_000_003);
        let labels = [("route", route)];
        samples.push(sample("http_requests_total", &labels, number * 1_000_003));
    }
    monitor.counter("answered_bytes").register()?.add(LARGEST);
    samples.push(sample("answered_bytes_total", &[], LARGEST));
    monitor
        .gauge("drift_seconds")
        .register()?
        .set(-42_000_000_001);
    samples.push(sample("drift_seconds", &[], "-42.000000001"));
    let in_flight = monitor.in_flight("http_in_flight").register()?;
    let _guards = [in_flight.enter(), in_flight.enter(), in_flight.enter()];
    samples.push(sample("http_in_flight", &[], 3));
    let times = monitor
        .histogram("http_response_time_seconds")
        .help("Time to the response.")
        .label("route", ROUTES[0])
        .register()?;

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let mut out = io::stdout();
    writeln!(out, "{}", json!({ "address": address }))?;
    out.flush()?;
    let served = monitor.clone();
    // It serves until the process ends.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A scraper that hangs up tries again.
            let _ = answer(&stream, &served);
        }
    });

    let mut all = Recorded::default();
    thread::scope(|scope| {
        let recording = [(); 2].map(|()| scope.spawn(|| record(&times, WHILE)));
        for thread in recording {
            let recorded = thread.join().expect("recording does not panic");
            all.count += recorded.count;
            all.nanos += recorded.nanos;
            all.times.extend(recorded.times);
        }
    });
    all.times.sort_unstable();
    let labels = [("route", ROUTES[0])];
    let name = "http_response_time_seconds";
    let seconds = format!(
        "{}.{:09}",
        all.nanos / 1_000_000_000,
        all.nanos % 1_000_000_000
    );
    samples.push(sample(&format!("{name}_count"), &labels, all.count));
    samples.push(sample(&format!("{name}_sum"), &labels, &seconds));
    let infinite = [labels[0], ("le", "+Inf")];
    samples.push(sample(&format!("{name}_bucket"), &infinite, all.count));
    let quantiles: Vec<_> = [0.1, 0.5, 0.9, 0.99]
        .map(|q| {
            json!([
                q,
                all.times[(q * all.times.len() as f64) as usize] as f64 / 1e9
            ])
        })
        .into();
    writeln!(
        out,
        "{}",
        json!({
            "samples": samples,
            "histogram": { "name": name, "count": all.count.to_string(), "sum": seconds, "quantiles": quantiles },
        })
    )?;
    out.flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
