//! The figures for a terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};
use indicatif::HumanCount;

use super::{Advice, ENOUGH, Report, percent};

/// What the log is, the hit ratios, and how large the cache should be.
pub(crate) fn render(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{}: {} requests, {} distinct keys{}",
        report.file,
        HumanCount(report.requests),
        HumanCount(report.distinct_keys),
        match report.bad_lines.count {
            0 => String::new(),
            1 => ", 1 bad line passed over".to_owned(),
            bad => format!(", {} bad lines passed over", HumanCount(bad)),
        }
    );
    let _ = writeln!(
        out,
        "best hit ratio, with room for all keys: {}\n",
        percent(report.best_hit_ratio)
    );
    grid(&mut out, report);
    out.push('\n');
    if report.best_hit_ratio == 0.0 {
        let _ = writeln!(out, "No key comes twice: no cache can help here.");
        return out;
    }
    for advice in &report.advice {
        let _ = writeln!(out, "{}", in_words(advice, report.best_hit_ratio));
    }
    out
}

fn grid(out: &mut String, report: &Report) {
    let mut table = Table::new();
    let columns = ["capacity".to_owned(), "of keys".to_owned()].into_iter();
    table
        .load_preset(presets::NOTHING)
        .set_style(TableComponent::HeaderLines, '\u{2500}')
        .set_style(TableComponent::MiddleHeaderIntersections, '\u{2500}')
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(
            columns.chain(
                report
                    .curves
                    .iter()
                    .map(|curve| curve.contender.to_string()),
            ),
        );
    for (row, point) in report.curves[0].points.iter().enumerate() {
        let capacity = point.capacity;
        let of_keys = capacity as f64 / report.distinct_keys as f64 * 100.0;
        let first = [
            HumanCount(capacity as u64).to_string(),
            format!("{of_keys:.1} %"),
        ]
        .into_iter();
        let ratios = report
            .curves
            .iter()
            .map(|curve| percent(curve.points[row].hit_ratio));
        table.add_row(first.chain(ratios));
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for line in table.lines() {
        let _ = writeln!(out, " {}", line.trim_end());
    }
}

fn in_words(advice: &Advice, best: f64) -> String {
    let enough = ENOUGH * 100.0;
    match (&advice.enough, advice.too_small) {
        (Some(point), too_small) => {
            let capacity = HumanCount(point.capacity as u64);
            let not = too_small.map_or_else(
                || "; nothing smaller was tried".to_owned(),
                |entries| format!("; {} do not", HumanCount(entries as u64)),
            );
            format!(
                "{:<8}  {capacity} entries reach {enough:.0} % of the best hit ratio ({} of {}){not}.",
                advice.policy,
                percent(point.hit_ratio),
                percent(best),
            )
        }
        (None, too_small) => format!(
            "{:<8}  no capacity tried reaches {enough:.0} % of the best hit ratio, {}: try more than {} entries.",
            advice.policy,
            percent(best),
            HumanCount(too_small.unwrap_or(0) as u64)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Contender;
    use crate::report::tests::report;

    #[test]
    fn each_capacity_is_a_row_and_each_contender_a_column() {
        let mut report = report(&[
            (Contender::Adaptive, &[10, 20, 30, 79]),
            (Contender::Lru, &[5, 60, 75, 75]),
            (Contender::Optimum, &[40, 80, 80, 80]),
        ]);
        report.bad_lines.count = 2;
        let table = render(&report);
        let expected = "\
trace.log: 100 requests, 20 distinct keys, 2 bad lines passed over
best hit ratio, with room for all keys: 80.00 %

  capacity    of keys   adaptive       lru   optimum
 \u{2500}";
        assert!(table.starts_with(expected), "{table}");
        let row = "       10     50.0 %    20.00 %   60.00 %   80.00 %\n";
        assert!(table.contains(row), "{table}");
        let advice = "
adaptive  1,000 entries reach 95 % of the best hit ratio (79.00 % of 80.00 %); 100 do not.
lru       no capacity tried reaches 95 % of the best hit ratio, 80.00 %: try more than 1,000 entries.
";
        assert!(table.ends_with(advice), "{table}");
    }

    #[test]
    fn where_no_cache_helps_none_is_advised() {
        let mut report = report(&[(Contender::Lru, &[0, 0])]);
        report.best_hit_ratio = 0.0;
        let table = render(&report);
        assert!(
            table.ends_with("No key comes twice: no cache can help here.\n"),
            "{table}"
        );
    }
}
