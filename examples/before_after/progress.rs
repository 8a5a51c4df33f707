//! How far the run is, on standard error, and nothing there when that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// One bar for the whole run. It is drawn between measurements, never during one.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn new(steps: u64) -> Self {
        let bar = ProgressBar::new(steps);
        if let Ok(style) =
            ProgressStyle::with_template("{bar:24.cyan/dim} {pos:>2}/{len} {elapsed:>4}  {msg}")
        {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Says what comes next.
    pub(crate) fn step(&self, what: &'static str) {
        self.bar.set_message(what);
        self.bar.inc(1);
        self.bar.tick();
    }

    /// Takes the bar away; the figures follow.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
