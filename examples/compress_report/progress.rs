//! How far the run is, on standard error, and nothing there when that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that is drawn between measurements, never during one.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar for reading, of which nobody knows how much there is.
    pub(crate) fn reading() -> Self {
        Self::styled(
            ProgressBar::no_length(),
            "reading: {human_pos} bodies {elapsed:>4}",
        )
    }

    /// A bar for so many steps.
    pub(crate) fn of(steps: u64, what: &'static str) -> Self {
        let progress = Self::styled(
            ProgressBar::new(steps),
            "{bar:24.cyan/dim} {percent:>3} % {elapsed:>4}, {eta} left  {msg}",
        );
        progress.bar.set_message(what);
        progress
    }

    fn styled(bar: ProgressBar, template: &str) -> Self {
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    pub(crate) fn set(&self, steps: u64) {
        self.bar.set_position(steps);
    }

    /// Takes the bar away; the figures follow.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
