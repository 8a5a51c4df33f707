//! Figures of this process, held against what the system says at the same time.
#![cfg(all(feature = "procfs", target_os = "linux"))]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, SystemTime};

use crm_clock::{Clock, wall_time};
use crm_monitor::{Kind, Monitor, Reading, RegisterError, Unit, Value};

/// A figure in its unit, if it is there.
fn figure(reading: &Reading, name: &str) -> Option<f64> {
    let family = reading.family(name)?;
    match family.value(&[])? {
        Value::Counter(value) => Some(*value as f64 / family.unit.scale()),
        Value::ObservedGauge(value) => Some(*value),
        other => panic!("{name}: {other:?}"),
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}

/// The number behind a word that begins a line.
fn number(text: &str, word: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix(word))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The same figures as the system tells them, read by other means.
fn told() -> BTreeMap<&'static str, f64> {
    let status = read("/proc/self/status");
    let stat = read("/proc/self/stat");
    // Behind the name of the program, which may hold anything.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks = |index: usize| fields[index].parse::<f64>().unwrap() / 100.0;
    let mut told = BTreeMap::from([
        ("process_cpu_seconds", ticks(11) + ticks(12)),
        (
            "process_virtual_memory_bytes",
            number(&status, "VmSize:").unwrap() * 1024.0,
        ),
        ("process_threads", number(&status, "Threads:").unwrap()),
        (
            "process_open_fds",
            fs::read_dir("/proc/self/fd").unwrap().count() as f64,
        ),
    ]);
    if let Some(files) = number(&read("/proc/self/limits"), "Max open files") {
        told.insert("process_max_fds", files);
    }
    if let Ok(io) = fs::read_to_string("/proc/self/io") {
        told.insert(
            "process_disk_read_bytes",
            number(&io, "read_bytes:").unwrap(),
        );
        told.insert(
            "process_disk_written_bytes",
            number(&io, "write_bytes:").unwrap(),
        );
    }
    let network = read("/proc/net/dev");
    let interfaces: Vec<Vec<f64>> = network
        .lines()
        .skip(2)
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.trim() != "lo")
        .map(|(_, counts)| {
            let counts = counts.split_whitespace();
            counts.map(|count| count.parse().unwrap()).collect()
        })
        .collect();
    if !interfaces.is_empty() {
        let sum = |column: usize| interfaces.iter().map(|counts| counts[column]).sum::<f64>();
        told.insert("process_network_receive_bytes", sum(0));
        told.insert("process_network_transmit_bytes", sum(8));
    }
    told
}

/// What the system says before and after encloses each figure.
fn compare(monitor: &Monitor) -> (BTreeMap<&'static str, f64>, Reading) {
    let before = told();
    let reading = monitor.read();
    let after = told();
    for (name, &low) in &before {
        let value = figure(&reading, name).unwrap_or_else(|| panic!("{name} is absent"));
        let high = after[name];
        // Whoever counts open files has one or two open for it.
        let own = if *name == "process_open_fds" {
            1.0
        } else {
            0.0
        };
        let (low, high) = (low.min(high) - own, low.max(high) + own);
        assert!(
            (low..=high).contains(&value),
            "{name}: {value} in {low}..={high}"
        );
    }
    (before, reading)
}

/// One test, because the process is one: a second would open files and start threads meanwhile.
#[test]
fn the_figures_are_those_of_the_system() {
    let monitor = Monitor::builder().namespace("crm").build().unwrap();
    monitor.observe_process().unwrap();

    let (before, reading) = compare(&monitor);
    let own = [
        "process_resident_memory_bytes",
        "process_start_time_seconds",
    ];
    for family in &reading.families {
        let name = &*family.name;
        assert!(
            before.contains_key(name) || own.contains(&name),
            "{name} is told by nobody"
        );
        assert!(!family.help.is_empty());
    }
    let family = |name: &str| reading.family(name).unwrap();
    assert_eq!(family("process_cpu_seconds").kind, Kind::Counter);
    assert_eq!(family("process_cpu_seconds").unit, Unit::Seconds);
    assert_eq!(family("process_open_fds").kind, Kind::Gauge);
    assert_eq!(family("process_resident_memory_bytes").unit, Unit::Bytes);

    // It started before now and after its parent could have, and its counters began with it.
    let now = wall_time();
    let since_1970 =
        Duration::from_secs_f64(figure(&reading, "process_start_time_seconds").unwrap());
    let started = SystemTime::UNIX_EPOCH + since_1970;
    let age = now.duration_since(started).unwrap_or_default();
    assert!(age < Duration::from_secs(3600), "{age:?}");
    let created = family("process_cpu_seconds").series[0].created;
    assert!(created.duration_since(started).unwrap_or_default() < Duration::from_millis(1));

    // Memory that is written to is resident.
    let value = |name: &str| figure(&monitor.read(), name).unwrap();
    let resident = value("process_resident_memory_bytes");
    let memory = vec![1_u8; 64 << 20];
    let more = value("process_resident_memory_bytes") - resident;
    assert!(more > 60e6 && more < 90e6, "{more}");
    assert_eq!(
        memory.iter().map(|&byte| u64::from(byte)).sum::<u64>(),
        64 << 20
    );
    drop(memory);

    let open = value("process_open_fds");
    let files: Vec<File> = (0..10)
        .map(|_| File::open("/proc/self/stat").unwrap())
        .collect();
    assert_eq!(value("process_open_fds"), open + 10.0);
    drop(files);
    assert_eq!(value("process_open_fds"), open);

    let (threads, barrier) = (value("process_threads"), Barrier::new(4));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| barrier.wait());
        }
        assert_eq!(value("process_threads"), threads + 3.0);
        barrier.wait();
    });

    // Work takes processor time, and never more than has passed on all processors.
    let clock = Clock::system();
    let (start, used) = (clock.now(), value("process_cpu_seconds"));
    let deadline = start + Duration::from_secs(60);
    while value("process_cpu_seconds") < used + 0.2 {
        assert!(clock.now() < deadline, "no processor time in a minute");
    }
    // Much of it was the system's, which read all that for it.
    compare(&monitor);

    // A name that is taken refuses all of them.
    let taken = Monitor::new();
    taken.gauge("process_threads").register().unwrap();
    let refused = taken.observe_process().unwrap_err();
    let name = "process_threads".to_owned();
    assert_eq!(refused, RegisterError::Duplicate { name });
    assert_eq!((taken.series(), taken.read().families.len()), (1, 1));
    let small = Monitor::builder().series_limit(5).build().unwrap();
    assert!(matches!(
        small.observe_process().unwrap_err(),
        RegisterError::SeriesLimit { limit: 5 }
    ));
    assert_eq!(small.series(), 0);
    assert!(monitor.observe_process().is_err(), "twice");

    // One of them can be left out.
    assert!(monitor.remove("process_threads"));
    let reading = monitor.read();
    assert!(reading.family("process_threads").is_none());
    assert!(reading.family("process_cpu_seconds").is_some());

    // All of them can go and come again, each once.
    let names = || {
        let families = monitor.read().families;
        let names = families.iter().map(|family| family.name.to_string());
        let of_process = names.filter(|name| name.starts_with("process_"));
        of_process.collect::<Vec<_>>()
    };
    for name in &names() {
        assert!(monitor.remove(name));
    }
    // Those that the system does not tell here have no series, but a place.
    for name in [
        "process_disk_read_bytes",
        "process_disk_written_bytes",
        "process_max_fds",
        "process_network_receive_bytes",
        "process_network_transmit_bytes",
    ] {
        monitor.remove(name);
    }
    assert_eq!((monitor.series(), names()), (0, Vec::new()));
    monitor.observe_process().unwrap();
    let again = names();
    assert!(again.contains(&"process_threads".to_owned()));
    assert!(again.is_sorted_by(|one, other| one < other), "{again:?}");
}
