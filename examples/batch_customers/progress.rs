//! How far the run is, on standard error, and nothing there when that is no terminal.

use crm_perf::batch;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// A bar over the bytes of the input.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Bytes that earlier runs have read.
    before: u64,
}

impl Progress {
    /// A bar for the generator, which says how many rows there are.
    pub(crate) fn generating(rows: u64) -> Self {
        Self::styled(
            ProgressBar::new(rows),
            "{bar:24.cyan/dim} {percent:>3} %  generating {human_pos} customers, {eta} left",
            0,
        )
    }

    /// A bar for an input of so many bytes, of which earlier runs have read some.
    pub(crate) fn scoring(bytes: u64, before: u64) -> Self {
        let bar = ProgressBar::new(bytes).with_position(before);
        bar.reset_eta();
        Self::styled(
            bar,
            "{bar:24.cyan/dim} {percent:>3} %  {decimal_bytes} of {decimal_total_bytes}, {msg}, {eta} left",
            before,
        )
    }

    fn styled(bar: ProgressBar, template: &str, before: u64) -> Self {
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, before }
    }

    /// So many records of the generator are done.
    pub(crate) fn records(&self, progress: &batch::Progress) {
        self.bar.set_position(progress.settled());
    }

    /// So many bytes are read, and so many records done.
    pub(crate) fn bytes(&self, progress: &batch::Progress) {
        if self.bar.is_hidden() {
            return;
        }
        let rate = progress.rate().unwrap_or_default();
        self.bar.set_message(format!(
            "{} records, {}/s",
            HumanCount(progress.before() + progress.settled()),
            HumanCount(rate as u64)
        ));
        self.bar.set_position(self.before + progress.bytes());
    }

    /// Takes the bar away; the figures follow.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
