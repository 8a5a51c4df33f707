//! How far the run is, on standard error, and nothing there when that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// So many requests go by between two looks at the bar, so that it costs the replay nothing.
pub(crate) const STRIDE: usize = 1 << 16;

/// One bar for all replays; threads share it.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar for the reading of a file, whose number of requests nobody knows yet.
    pub(crate) fn reading() -> Self {
        Self::styled(
            ProgressBar::no_length(),
            "reading: {human_pos} requests {elapsed:>4}",
        )
    }

    /// A bar for so many requests, all replays together.
    pub(crate) fn replaying(requests: u64) -> Self {
        Self::styled(
            ProgressBar::new(requests),
            "{bar:24.cyan/dim} {percent:>3} % {elapsed:>4}, {eta} left  replaying",
        )
    }

    fn styled(bar: ProgressBar, template: &str) -> Self {
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    pub(crate) fn advance(&self, requests: usize) {
        self.bar.inc(requests as u64);
    }

    /// Takes the bar away; the figures follow.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
