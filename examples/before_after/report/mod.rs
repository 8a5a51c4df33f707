//! The figures of a run, and three ways to show them.
//!
//! - [`table`]: for the terminal
//! - [`json`]: every figure, for a program
//! - [`html`]: one page with charts
//!
//! [`sections`] puts them into words for the first and the last, [`units`] writes numbers as people read them, and
//! [`chart`] draws.

pub(crate) mod chart;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod sections;
pub(crate) mod table;
pub(crate) mod units;

use serde::Serialize;

use crate::args::{Args, processors};
use crate::legs::import::Import;
use crate::legs::load::Load;
use crate::legs::lookup::LookUp;
use crate::legs::responses::Responses;
use crate::legs::scoring::Scoring;

/// Everything that a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) input: Input,
    pub(crate) elapsed_seconds: f64,
    pub(crate) import: Import,
    pub(crate) look_up: LookUp,
    pub(crate) scoring: Scoring,
    pub(crate) responses: Responses,
    pub(crate) load: Load,
}

/// What was measured, and on what.
#[derive(Debug, Serialize)]
pub(crate) struct Input {
    /// The name of the file, or how it was generated.
    pub(crate) file: String,
    pub(crate) seed: u64,
    pub(crate) quick: bool,
    pub(crate) processors: usize,
    /// Without optimisation the figures mean nothing.
    pub(crate) optimised: bool,
}

impl Input {
    pub(crate) fn of(args: &Args) -> Self {
        let file = match &args.data {
            Some(file) => file.file_name().map_or_else(
                || file.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            ),
            None => format!("generated, {} lines, seed {}", args.lines(), args.seed),
        };
        Self {
            file,
            seed: args.seed,
            quick: args.quick,
            processors: processors(),
            optimised: !cfg!(debug_assertions),
        }
    }

    /// One line on the input and the machine.
    pub(crate) fn about(&self) -> String {
        let processors = match self.processors {
            1 => "one processor".to_owned(),
            several => format!("{several} processors"),
        };
        let unfit = if self.optimised {
            ""
        } else {
            "; NOT OPTIMISED: run with --release, the figures below mean nothing"
        };
        let quick = if self.quick {
            "; quick: the figures are rough"
        } else {
            ""
        };
        format!("{}, {processors}{quick}{unfit}", self.file)
    }
}

/// How many times as much `after` is as `before`.
pub(crate) fn ratio(after: f64, before: f64) -> f64 {
    if before > 0.0 {
        after / before
    } else {
        f64::NAN
    }
}
