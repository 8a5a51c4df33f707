//! The figures for a terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};

use super::Report;
use super::sections::{Grid, sections};
use super::units::seconds;

/// All legs, one after the other, and what they come to.
pub(crate) fn render(report: &Report) -> String {
    let mut out = String::new();
    let sections = sections(report);
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{}", report.input.about());
    for section in &sections {
        let _ = writeln!(out, "\n{}: {}", section.name.to_uppercase(), section.about);
        let _ = writeln!(out, "{}", section.input);
        for grid in &section.grids {
            table(&mut out, grid);
        }
        for note in &section.notes {
            let _ = writeln!(out, "  {note}");
        }
    }
    let _ = writeln!(out, "\nIN SHORT, after {}", seconds(report.elapsed_seconds));
    for section in &sections {
        let _ = writeln!(out, "  {:<11} {}", section.name, section.in_short);
    }
    out
}

fn table(out: &mut String, grid: &Grid) {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_style(TableComponent::HeaderLines, '\u{2500}')
        .set_style(TableComponent::MiddleHeaderIntersections, '\u{2500}')
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(&grid.columns);
    table.add_rows(&grid.rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for line in table.lines() {
        let _ = writeln!(out, " {}", line.trim_end());
    }
}
