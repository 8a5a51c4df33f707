//! What a benchmark with a `main` of its own is asked on its command line.

use clap::Args;

// The part that all of them understand, as Criterion does. No doc comment: it would head the help of each benchmark.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Measure. `cargo bench` adds it.
    #[arg(long)]
    bench: bool,
    /// Run each case once and small, as a test.
    #[arg(long)]
    test: bool,
    /// What is meant for other benchmarks: one command line goes to all that `cargo bench` runs.
    #[arg(hide = true, allow_hyphen_values = true)]
    others: Vec<String>,
}

impl Common {
    /// Whether to run as a test: asked for, or run by `cargo test`, which does not say `--bench`.
    pub(crate) fn is_test(&self) -> bool {
        self.test || !self.bench
    }
}
