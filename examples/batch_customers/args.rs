//! What the command line says.

use std::path::{Path, PathBuf};

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use jiff::civil::Date;

/// Scores ten million customers, and goes on where it was killed.
///
/// Rows of customers are validated, their names upper-cased, and each customer who has ever ordered is scored by recency,
/// frequency and monetary value. Rows that are no customers go into a file of rejects, with their place and the reason.
/// Both files are there when the run has ended, and not before; until then they lie beside their names, with a checkpoint.
///
/// The report goes to standard output; progress goes to standard error when that is a terminal. Ctrl-C is a kill like any
/// other: --resume goes on.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "batch_customers",
    max_term_width = 110,
    verbatim_doc_comment,
    after_help = "Examples:\n  \
        batch_customers --output scored.csv                            ten million generated customers\n  \
        batch_customers --output scored.csv --kill-after 4000000       the same, killed on the way\n  \
        batch_customers --output scored.csv --resume                   and gone on with\n  \
        batch_customers --input customers.csv --output scored.csv      your own"
)]
pub(crate) struct Args {
    /// The customers, as CSV with the columns that examples/README.md names, in any order; without it they are generated
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rows", "seed", "generate"])]
    pub(crate) input: Option<PathBuf>,

    /// Customers to generate
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    pub(crate) rows: u64,

    /// Decides the generated customers
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Where the generated customers are written and stay [default: a file that goes with the process]
    #[arg(long, value_name = "FILE")]
    pub(crate) generate: Option<PathBuf>,

    /// Where the scores go; rejects go beside it, as NAME.rejects.csv [default: scored.csv in a folder of its own among the
    /// system's temporary files]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// The day from which recency counts
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-01-01")]
    pub(crate) today: Date,

    /// Goes on from the checkpoint of a run that has not finished, or begins at the start when there is none
    #[arg(long, conflicts_with = "start_over")]
    pub(crate) resume: bool,

    /// Forgets the checkpoint of a run that has not finished
    #[arg(long)]
    pub(crate) start_over: bool,

    /// Aborts the process once this run has settled so many records, without a word to anybody, for trying --resume
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub(crate) kill_after: Option<u64>,

    /// Milliseconds between two checkpoints; 0 makes each chunk durable, which costs a great deal
    #[arg(long, value_name = "MS", default_value_t = 1_000)]
    pub(crate) commit_every: u64,

    /// Threads of the job [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_024))]
    pub(crate) threads: Option<usize>,

    /// Writes every figure as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

impl Args {
    pub(crate) fn output(&self) -> PathBuf {
        self.output.clone().unwrap_or_else(|| {
            let folder = std::env::temp_dir().join("batch_customers");
            folder.join("scored.csv")
        })
    }
}

/// The file of rejects beside `output`.
pub(crate) fn rejects_of(output: &Path) -> PathBuf {
    output.with_extension("rejects.csv")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["batch_customers"], arguments].concat())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn without_options_ten_million_customers_are_generated() {
        let args = parse(&[]).unwrap();
        assert_eq!(
            (args.rows, args.input, args.threads),
            (10_000_000, None, None)
        );
    }

    #[test]
    fn rejects_lie_beside_the_output() {
        let beside = |output| rejects_of(Path::new(output));
        assert_eq!(beside("a/b.csv"), Path::new("a/b.rejects.csv"));
        assert_eq!(beside("scores"), Path::new("scores.rejects.csv"));
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        for bad in [
            &["--resume", "--start-over"][..],
            &["--input", "a", "--rows", "5"],
            &["--input", "a", "--generate", "b"],
            &["--kill-after", "0"],
            &["--threads", "0"],
            &["--today", "2026-02-30"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
