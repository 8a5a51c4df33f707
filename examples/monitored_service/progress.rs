//! What goes on, in one line on standard error, and nothing there when that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

use crate::view::View;

/// One line that is written over.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    line: ProgressBar,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let line = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{elapsed:>4}  {msg}") {
            line.set_style(style);
        }
        Self { line }
    }

    pub(crate) fn made(&self, done: u32, all: u32) {
        self.line
            .set_message(format!("{done} of {all} customers are made"));
        self.line.tick();
    }

    pub(crate) fn look(&self, view: &View) {
        self.line.set_message(line(view));
        self.line.tick();
    }

    /// Takes the line away; what came of it follows.
    pub(crate) fn finish(&self) {
        self.line.finish_and_clear();
    }
}

fn line(view: &View) -> String {
    let point = &view.point;
    let mut line = format!("{:.0} requests/s", point.rate);
    if let (Some(p50), Some(p99)) = (point.p50, point.p99) {
        line += &format!(", p50 {:.1} ms, p99 {:.1} ms", p50 * 1e3, p99 * 1e3);
    }
    line += &format!(", {:.1}/s fail", point.failed);
    if let Some(hits) = point.hits {
        line += &format!(", {:.0} % from the cache", hits * 100.0);
    }
    if let Some(left) = point.budget {
        line += &format!(", {:.1} % of the error budget left", left * 100.0);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Point;

    #[test]
    fn what_is_not_known_is_left_out() {
        let mut view = View::default();
        assert_eq!(line(&view), "0 requests/s, 0.0/s fail");
        view.point = Point {
            rate: 499.6,
            p50: Some(0.0004),
            p99: Some(0.0123),
            failed: 0.2,
            hits: Some(0.714),
            budget: Some(0.9312),
            ..Point::default()
        };
        assert_eq!(
            line(&view),
            "500 requests/s, p50 0.4 ms, p99 12.3 ms, 0.2/s fail, 71 % from the cache, 93.1 % of the error budget left"
        );
    }
}
