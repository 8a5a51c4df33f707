//! Figures of the process itself, as Linux tells them.
//!
//! The names are those that Prometheus's own client libraries give them, so that dashboards made for those show these. What
//! the system does not tell is absent; elsewhere than on Linux everything is.

use crate::error::RegisterError;
use crate::monitor::Monitor;

impl Monitor {
    /// Registers the figures of this process, which are read from `/proc` whenever the monitor is. Needs the feature
    /// `procfs`.
    ///
    /// | name | what it is |
    /// |---|---|
    /// | `process_cpu_seconds` | processor time in user and system mode (counter) |
    /// | `process_resident_memory_bytes` | memory that is not swapped out |
    /// | `process_virtual_memory_bytes` | address space |
    /// | `process_open_fds`, `process_max_fds` | open files, sockets among them, and how many may be |
    /// | `process_threads` | threads |
    /// | `process_start_time_seconds` | when the process started, in seconds since 1970 |
    /// | `process_disk_read_bytes`, `process_disk_written_bytes` | what the process made disks read and write (counters) |
    /// | `process_network_receive_bytes`, `process_network_transmit_bytes` | what passed all network interfaces but the loopback: of the process's network namespace, since Linux does not count by process (counters) |
    ///
    /// What the system does not tell is absent, not zero: a limit that is not set, disks in a container that hides them. On
    /// systems other than Linux nothing is registered.
    ///
    /// ```
    /// use crm_monitor::Monitor;
    ///
    /// let monitor = Monitor::new();
    /// monitor.observe_process()?;
    /// let memory = monitor.read().family("process_resident_memory_bytes").cloned();
    /// assert_eq!(memory.is_some(), cfg!(target_os = "linux"));
    /// # Ok::<(), crm_monitor::RegisterError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RegisterError`] where one of the names is registered already, or the monitor is full. Nothing is registered then.
    pub fn observe_process(&self) -> Result<(), RegisterError> {
        #[cfg(target_os = "linux")]
        self.registry()
            .add_collector(std::sync::Arc::new(linux::Figures::new()))?;
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::time::{Duration, SystemTime};

    use parking_lot::Mutex;
    use procfs::process::{LimitValue, Process, Stat};

    use crate::reading::{Kind, Value};
    use crate::registry::{Collect, Collected};

    const CPU: &str = "process_cpu_seconds";
    const RESIDENT: &str = "process_resident_memory_bytes";
    const VIRTUAL: &str = "process_virtual_memory_bytes";
    const OPEN_FILES: &str = "process_open_fds";
    const MAX_FILES: &str = "process_max_fds";
    const THREADS: &str = "process_threads";
    const START: &str = "process_start_time_seconds";
    const DISK_READ: &str = "process_disk_read_bytes";
    const DISK_WRITTEN: &str = "process_disk_written_bytes";
    const RECEIVED: &str = "process_network_receive_bytes";
    const SENT: &str = "process_network_transmit_bytes";

    const FAMILIES: [(&str, Kind, &str); 11] = [
        (
            CPU,
            Kind::Counter,
            "Processor time in user and system mode.",
        ),
        (RESIDENT, Kind::Gauge, "Memory that is not swapped out."),
        (VIRTUAL, Kind::Gauge, "Address space."),
        (OPEN_FILES, Kind::Gauge, "Open files, sockets among them."),
        (MAX_FILES, Kind::Gauge, "How many files may be open."),
        (THREADS, Kind::Gauge, "Threads."),
        (START, Kind::Gauge, "When the process started, since 1970."),
        (
            DISK_READ,
            Kind::Counter,
            "What the process made disks read.",
        ),
        (
            DISK_WRITTEN,
            Kind::Counter,
            "What the process made disks write.",
        ),
        (
            RECEIVED,
            Kind::Counter,
            "What all network interfaces of the namespace received, the loopback apart.",
        ),
        (
            SENT,
            Kind::Counter,
            "What all network interfaces of the namespace sent, the loopback apart.",
        ),
    ];

    /// The figures of this process.
    #[derive(Debug)]
    pub(super) struct Figures {
        /// When the process started, if that is known; it does not change.
        started: Option<Duration>,
        network: Mutex<Network>,
    }

    impl Figures {
        pub(super) fn new() -> Self {
            let stat = Process::myself().and_then(|process| process.stat());
            Self {
                started: stat.ok().and_then(|stat| since_1970(&stat)),
                network: Mutex::default(),
            }
        }
    }

    /// When a process started: so many ticks after the machine.
    fn since_1970(stat: &Stat) -> Option<Duration> {
        let booted = Duration::from_secs(procfs::boot_time_secs().ok()?);
        booted.checked_add(seconds_of_ticks(stat.starttime))
    }

    fn seconds_of_ticks(ticks: u64) -> Duration {
        Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64)
    }

    impl Collect for Figures {
        fn families(&self) -> Vec<Collected> {
            let started = self
                .started
                .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
            FAMILIES
                .into_iter()
                .map(|(name, kind, help)| Collected {
                    name,
                    help,
                    kind,
                    // The network was there before.
                    created: started.filter(|_| name != RECEIVED && name != SENT),
                })
                .collect()
        }

        fn values(&self) -> Vec<(&'static str, Value)> {
            let Ok(process) = Process::myself() else {
                return Vec::new();
            };
            let mut values = Vec::with_capacity(FAMILIES.len());
            let mut gauge = |name, value: Option<f64>| {
                values.extend(value.map(|value| (name, Value::ObservedGauge(value))));
            };
            let stat = process.stat().ok();
            gauge(
                RESIDENT,
                stat.as_ref()
                    .map(|stat| stat.rss as f64 * procfs::page_size() as f64),
            );
            gauge(VIRTUAL, stat.as_ref().map(|stat| stat.vsize as f64));
            gauge(THREADS, stat.as_ref().map(|stat| stat.num_threads as f64));
            gauge(
                OPEN_FILES,
                process.fd_count().ok().map(|count| count as f64),
            );
            gauge(MAX_FILES, max_files(&process));
            gauge(START, self.started.map(|since| since.as_secs_f64()));
            let io = process.io().ok();
            let network = self.network.lock().read();
            let counters = [
                (
                    CPU,
                    stat.map(|stat| nanoseconds(stat.utime.saturating_add(stat.stime))),
                ),
                (DISK_READ, io.as_ref().map(|io| io.read_bytes)),
                (DISK_WRITTEN, io.as_ref().map(|io| io.write_bytes)),
                (RECEIVED, network.map(|(received, _)| received)),
                (SENT, network.map(|(_, sent)| sent)),
            ];
            for (name, value) in counters {
                values.extend(value.map(|value| (name, Value::Counter(value))));
            }
            values
        }
    }

    /// Ticks as counters hold seconds.
    fn nanoseconds(ticks: u64) -> u64 {
        u64::try_from(seconds_of_ticks(ticks).as_nanos()).unwrap_or(u64::MAX)
    }

    fn max_files(process: &Process) -> Option<f64> {
        match process.limits().ok()?.max_open_files.soft_limit {
            LimitValue::Value(files) => Some(files as f64),
            LimitValue::Unlimited => None,
        }
    }

    /// What passed the interfaces of this process's network namespace.
    ///
    /// The system counts by interface, and forgets the count with the interface. What is told must not fall, so that what has
    /// passed since the last reading is added up.
    #[derive(Debug, Default)]
    struct Network {
        /// By interface, what the system told last.
        told: HashMap<String, (u64, u64)>,
        total: (u64, u64),
    }

    impl Network {
        /// Bytes received and sent; none if there are no interfaces.
        fn read(&mut self) -> Option<(u64, u64)> {
            let interfaces = procfs::net::dev_status().ok()?;
            self.update(
                interfaces
                    .into_values()
                    .map(|device| (device.name, (device.recv_bytes, device.sent_bytes))),
            )
        }

        fn update(
            &mut self,
            interfaces: impl Iterator<Item = (String, (u64, u64))>,
        ) -> Option<(u64, u64)> {
            let now: HashMap<_, _> = interfaces.filter(|(name, _)| name != "lo").collect();
            for (name, &(received, sent)) in &now {
                let before = self.told.get(name).copied().unwrap_or_default();
                // What others pass off as Linux may say anything.
                let (all_received, all_sent) = self.total;
                self.total = (
                    all_received.saturating_add(passed(before.0, received)),
                    all_sent.saturating_add(passed(before.1, sent)),
                );
            }
            let any = !now.is_empty() || self.total != (0, 0);
            self.told = now;
            any.then_some(self.total)
        }
    }

    /// How far a count went; one that fell began again at zero.
    fn passed(before: u64, now: u64) -> u64 {
        now.checked_sub(before).unwrap_or(now)
    }

    #[cfg(test)]
    mod tests {
        use super::Network;

        fn named(interfaces: &[(&str, u64, u64)]) -> impl Iterator<Item = (String, (u64, u64))> {
            let owned: Vec<_> = interfaces
                .iter()
                .map(|&(name, received, sent)| (name.to_owned(), (received, sent)))
                .collect();
            owned.into_iter()
        }

        #[test]
        fn what_passed_an_interface_stays_counted_when_it_goes_or_starts_again() {
            let mut network = Network::default();
            assert_eq!(network.update(named(&[("lo", 9, 9)])), None);
            let both = named(&[("lo", 9, 9), ("eth0", 100, 10), ("wg0", 50, 5)]);
            assert_eq!(network.update(both), Some((150, 15)));
            let one = named(&[("eth0", 101, 12)]);
            assert_eq!(network.update(one), Some((151, 17)));
            let again = named(&[("eth0", 3, 1), ("wg0", 7, 2)]);
            assert_eq!(network.update(again), Some((161, 20)));
            assert_eq!(network.update(named(&[])), Some((161, 20)));
        }

        #[test]
        fn what_cannot_be_does_no_harm() {
            let most = [("eth0", u64::MAX, 0), ("eth1", u64::MAX, 7)];
            let told = Network::default().update(named(&most));
            assert_eq!(told, Some((u64::MAX, 7)));
        }
    }
}
