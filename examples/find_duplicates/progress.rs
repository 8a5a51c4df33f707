//! How far the search is, on standard error, and nothing there when that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over the pairs of all blocks.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn comparing(pairs: u64) -> Self {
        let bar = ProgressBar::new(pairs);
        let template = "{bar:24.cyan/dim} {percent:>3} %  comparing {human_len} pairs, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    pub(crate) fn advance(&self, pairs: u64) {
        self.bar.inc(pairs);
    }

    /// Takes the bar away; the figures follow.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
