//! The figures for a terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};
use indicatif::HumanCount;

use super::{Report, Sheet, words};
use crate::units::{digits, percent, time, times};

/// With so many bodies, each has a table of its own.
const TABLES: usize = 3;
/// So many have a line where they have no table.
const LINES: usize = 20;

/// The figures of all bodies, of each, and what the program would choose.
pub(crate) fn render(report: &Report, each: bool) -> String {
    let mut out = String::new();
    let total = &report.total;
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        out,
        "{}: {} bytes, {} as {} on a line of {}",
        total.name,
        HumanCount(total.bytes),
        time(total.on_line_as_it_is_seconds),
        if report.bodies.len() == 1 {
            "it is"
        } else {
            "they are"
        },
        report.line_bits_per_second,
    );
    let samples = total.rows.iter().map(|row| row.samples).min().unwrap_or(0);
    let _ = writeln!(
        out,
        "each time is the median of at least {samples} in {} s; all came back as they were\n",
        digits(report.seconds)
    );
    sheet(&mut out, report, total);
    if report.bodies.len() > 1 {
        if each || report.bodies.len() <= TABLES {
            for body in &report.bodies {
                let _ = writeln!(out, "\n{}: {}", body.short, described(body));
                sheet(&mut out, report, body);
            }
        } else {
            out.push('\n');
            overview(&mut out, report);
        }
    }
    out.push('\n');
    words::write(&mut out, report);
    out
}

/// Length, type, and why it would be left.
fn described(body: &Sheet) -> String {
    let mut text = format!("{} bytes", HumanCount(body.bytes));
    if let Some(media_type) = body.media_type {
        let _ = write!(text, ", {media_type}");
    }
    if let Some(why) = &body.left_by_default {
        let _ = write!(text, "; the default policy leaves it: {why}");
    }
    text
}

fn empty() -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_style(TableComponent::HeaderLines, '\u{2500}')
        .set_style(TableComponent::MiddleHeaderIntersections, '\u{2500}')
        .set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn write(out: &mut String, mut table: Table) {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for line in table.lines() {
        let _ = writeln!(out, " {}", line.trim_end());
    }
}

/// A row for each setting.
fn sheet(out: &mut String, report: &Report, sheet: &Sheet) {
    let mut table = empty();
    let names = [
        "setting", "bytes", "of all", "ratio", "encode", "MB/s", "decode", "on line", "sooner",
    ];
    let shown = |name: &&str| *name != "decode" || report.decompress;
    table.set_header(names.into_iter().filter(shown));
    let as_it_is = sheet.on_line_as_it_is_seconds;
    table.add_row(
        [
            ("setting", "as it is".to_owned()),
            ("bytes", HumanCount(sheet.bytes).to_string()),
            ("of all", percent(1.0)),
            ("ratio", times(1.0)),
            ("encode", String::new()),
            ("MB/s", String::new()),
            ("decode", String::new()),
            ("on line", time(as_it_is)),
            ("sooner", times(1.0)),
        ]
        .into_iter()
        .filter(|(name, _)| shown(name))
        .map(|(_, cell)| cell),
    );
    for row in &sheet.rows {
        let kept = if row.not_smaller > 0 { " *" } else { "" };
        table.add_row(
            [
                ("setting", format!("{}{kept}", row.setting)),
                ("bytes", HumanCount(row.bytes).to_string()),
                ("of all", percent(row.bytes as f64 / sheet.bytes as f64)),
                ("ratio", times(row.ratio)),
                ("encode", time(row.encode_seconds)),
                ("MB/s", digits(row.megabytes_per_second)),
                ("decode", time(row.decode_seconds)),
                ("on line", time(row.on_line_seconds)),
                ("sooner", times(as_it_is / row.on_line_seconds)),
            ]
            .into_iter()
            .filter(|(name, _)| shown(name))
            .map(|(_, cell)| cell),
        );
    }
    write(out, table);
    if sheet.rows.iter().any(|row| row.not_smaller > 0) {
        let _ = writeln!(
            out,
            " * a body that does not become smaller is sent as it is"
        );
    }
}

/// A line for each body, the largest where there are many.
fn overview(out: &mut String, report: &Report) {
    let mut table = empty();
    table.set_header([
        "body",
        "bytes",
        "soonest with",
        "bytes",
        "ratio",
        "encode",
        "MB/s",
        "on line",
        "as it is",
    ]);
    let mut bodies: Vec<&Sheet> = report.bodies.iter().collect();
    bodies.sort_by_key(|body| std::cmp::Reverse(body.bytes));
    let more = bodies.len().saturating_sub(LINES);
    bodies.truncate(LINES);
    for body in bodies {
        let Some(row) = body.soonest() else { continue };
        let better = row.on_line_seconds < body.on_line_as_it_is_seconds;
        let with = if better {
            row.setting.to_string()
        } else {
            "as it is".to_owned()
        };
        table.add_row([
            body.short.clone(),
            HumanCount(body.bytes).to_string(),
            with,
            HumanCount(if better { row.bytes } else { body.bytes }).to_string(),
            times(if better { row.ratio } else { 1.0 }),
            if better {
                time(row.encode_seconds)
            } else {
                String::new()
            },
            if better {
                digits(row.megabytes_per_second)
            } else {
                String::new()
            },
            time(row.on_line_seconds.min(body.on_line_as_it_is_seconds)),
            time(body.on_line_as_it_is_seconds),
        ]);
    }
    write(out, table);
    if more > 0 {
        let _ = writeln!(
            out,
            " and {more} smaller ones; --each shows all, --json has them"
        );
    }
}
