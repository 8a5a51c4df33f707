//! Every figure, for a program.

use super::Report;

/// The report as JSON.
pub(crate) fn render(report: &Report) -> String {
    // Numbers, text and lists: there is nothing that could fail.
    let mut json = serde_json::to_string_pretty(report).unwrap_or_default();
    json.push('\n');
    json
}
