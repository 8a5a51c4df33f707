//! What the command line says.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::Parser;
use clap::builder::RangedU64ValueParser;

/// Measures what a cache, batches and compression are worth on a shop's invoices.
///
/// Reads invoice lines, builds an SQLite database from them in a temporary folder, and measures five jobs of a CRM
/// service before and after, in the same run: import, look-up, scoring, responses, and look-ups under load. The figures
/// go to standard output as a table; progress and bad lines go to standard error.
#[derive(Clone, Debug, Parser)]
#[command(name = "before_after", max_term_width = 110)]
pub(crate) struct Args {
    /// Invoice lines in the layout of the UCI Online Retail file, CSV or .gz.
    ///
    /// The header names the columns: `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country`.
    /// Without this, a file of the same layout is generated.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,

    /// Lines to generate, or with --data the most lines to read [default: 300000, with --data all, with --quick 40000]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1_000..=100_000_000))]
    pub(crate) rows: Option<u64>,

    /// Decides the generated file, the replicas that are scored, and the arrivals under load
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// A smaller input and fewer repeats: ends within ten seconds, for a first look
    #[arg(long)]
    pub(crate) quick: bool,

    /// Threads that serve look-ups under load [default: one less than there are processors]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    pub(crate) workers: Option<usize>,

    /// How busy those threads shall be, as a share of their time
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    pub(crate) utilisation: f64,

    /// A look-up under load that takes longer counts as not available, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 20, value_parser = RangedU64ValueParser::<u64>::new().range(1..=60_000))]
    pub(crate) deadline: u64,

    /// Writes every figure and every bad line as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Writes the figures as one self-contained page with charts
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

impl Args {
    /// The most lines to read or generate.
    pub(crate) fn lines(&self) -> u64 {
        self.rows.unwrap_or(match (self.quick, &self.data) {
            (true, _) => 40_000,
            (false, Some(_)) => u64::MAX,
            (false, None) => 300_000,
        })
    }

    /// How many threads serve under load. One processor is left to the rest of the system, which takes it from a worker
    /// otherwise.
    pub(crate) fn workers(&self) -> usize {
        self.workers
            .unwrap_or_else(|| processors().saturating_sub(1).clamp(1, 64))
    }

    /// How often each import is measured; the median counts.
    pub(crate) fn import_repeats(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    /// How often each short job is measured; the median counts.
    pub(crate) fn repeats(&self) -> usize {
        if self.quick { 3 } else { 7 }
    }

    /// How many look-ups are asked of the database without an index.
    pub(crate) fn scans(&self) -> usize {
        if self.quick { 100 } else { 300 }
    }

    /// How often each customer is scored: once as in the file, the rest as replicas.
    pub(crate) fn score_scale(&self) -> u64 {
        if self.quick { 10 } else { 20 }
    }

    /// How long each run under load lasts.
    pub(crate) fn load_time(&self) -> Duration {
        Duration::from_millis(if self.quick { 900 } else { 20_000 })
    }
}

/// How many processors the program may use; one where the system does not say.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.05..=0.95).contains(&share) => Ok(share),
        _ => Err("give a share from 0.05 to 0.95".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["before_after"], arguments].concat())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn rows_win_over_the_defaults() {
        assert_eq!(parse(&[]).unwrap().lines(), 300_000);
        assert_eq!(parse(&["--data", "x.csv"]).unwrap().lines(), u64::MAX);
        assert_eq!(parse(&["--quick", "--data", "x"]).unwrap().lines(), 40_000);
        assert_eq!(
            parse(&["--quick", "--rows", "5000"]).unwrap().lines(),
            5_000
        );
    }

    #[test]
    fn there_is_always_a_worker() {
        assert!(parse(&[]).unwrap().workers() >= 1);
        assert_eq!(parse(&["--workers", "3"]).unwrap().workers(), 3);
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for bad in [
            ["--utilisation", "1"],
            ["--utilisation", "NaN"],
            ["--workers", "0"],
            ["--rows", "10"],
            ["--deadline", "0"],
        ] {
            assert!(parse(&bad).is_err(), "{bad:?}");
        }
    }
}
