//! What batch jobs did, in the exposition of a monitor.

use crm_batch::Report;
use crm_monitor::{Counter, Monitor, RegisterError};

/// Counts what the runs of a batch job did, from their reports, in a monitor; each series has the label `job`.
///
/// | counter | what it counts |
/// |---|---|
/// | `batch_runs` | reports |
/// | `batch_records` | records by `outcome`: `written`, `filtered`, `skipped`, `not_processed` |
/// | `batch_retries` | attempts after a first one had failed |
/// | `batch_read_bytes` | bytes read, where the source tells |
/// | `batch_run_time_seconds` | the time of the runs |
///
/// ```
/// use crm_perf::BatchCounters;
/// use crm_perf::batch::Batch;
/// use crm_perf::monitor::Monitor;
///
/// let monitor = Monitor::new();
/// let nightly = BatchCounters::register(&monitor, "nightly_scores")?;
///
/// let report = Batch::new().run(["7", "9"], |text| text.parse::<u32>(), |_| Ok::<(), std::io::Error>(()))?;
/// nightly.count(&report); // of a run that failed: the report in its error
/// assert_eq!((nightly.runs(), nightly.written()), (1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BatchCounters {
    runs: Counter,
    written: Counter,
    filtered: Counter,
    skipped: Counter,
    not_processed: Counter,
    retries: Counter,
    bytes: Counter,
    nanos: Counter,
}

impl BatchCounters {
    /// Counters for the job of this name.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] when the job has counters already, its name is too long for a label, or the monitor is full. The series before it
    /// stay.
    pub fn register(monitor: &Monitor, job: &str) -> Result<Self, RegisterError> {
        let counter = |name: &str, help: &str| {
            let counter = monitor.counter(name).help(help).label("job", job);
            counter.register()
        };
        let records = |outcome: &str| {
            let counter = monitor
                .counter("batch_records")
                .help("Records of batch jobs, by what became of them.");
            counter
                .label("job", job)
                .label("outcome", outcome)
                .register()
        };
        Ok(Self {
            runs: counter("batch_runs", "Runs of batch jobs that have ended.")?,
            written: records("written")?,
            filtered: records("filtered")?,
            skipped: records("skipped")?,
            not_processed: records("not_processed")?,
            retries: counter(
                "batch_retries",
                "Attempts of batch jobs after a first one had failed.",
            )?,
            bytes: counter("batch_read_bytes", "Bytes that batch jobs have read.")?,
            nanos: counter("batch_run_time_seconds", "The time of runs of batch jobs.")?,
        })
    }

    /// Counts one run.
    pub fn count<E>(&self, report: &Report<E>) {
        self.runs.increment();
        self.written.add(report.written());
        self.filtered.add(report.filtered());
        self.skipped.add(report.skipped());
        self.not_processed.add(report.not_processed());
        self.retries.add(report.retries());
        self.bytes.add(report.bytes());
        let nanos = report.elapsed().as_nanos();
        self.nanos.add(u64::try_from(nanos).unwrap_or(u64::MAX));
    }

    /// Runs counted so far.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs.value()
    }

    /// Records written by them.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.value()
    }
}
