//! The figures for a terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};
use indicatif::HumanCount;

use super::{Part, Report, clock, percent, seconds};
use crate::desk::Outcome;

/// What the log is, the day by half-hours, the models beside what happened, and the agents that the target takes.
pub(crate) fn render(report: &Report) -> String {
    let all = &report.all;
    let mut out = head(report);
    grid(&mut out, &by_time(report));
    out.push('\n');
    grid(&mut out, &models(report));
    let needed = &all.needed;
    let scheduled = if needed.scheduled > needed.erlang_a {
        format!(", {:.2} scheduled,", needed.scheduled)
    } else {
        String::new()
    };
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "\n\"off\" is the mean distance from what happened, {0} by {0}, weighted by calls.\n\n{1}\n{2}\n\
         {3} % within {4} s would have taken {5:.2} agents by Erlang A{scheduled} and {6:.2} by Erlang C; {7:.2} were there.",
        interval(report.interval_minutes),
        verdict("who waits:   ", |outcome| outcome.waits, report),
        verdict("who gives up:", |outcome| outcome.abandons, report),
        report.target_percent,
        report.target_seconds,
        needed.erlang_a,
        needed.erlang_c,
        all.agents
    );
    out
}

fn interval(minutes: u32) -> String {
    match minutes {
        30 => "half-hour".to_owned(),
        60 => "hour".to_owned(),
        minutes => format!("{minutes}-minute interval"),
    }
}

/// What was read, and what was not taken.
fn head(report: &Report) -> String {
    let all = &report.all;
    let mut out = format!(
        "{}: {} calls at the desk on {} days",
        report.log,
        HumanCount(all.calls),
        report.days
    );
    let passed_over = [
        (report.bad_lines.count, "bad lines passed over"),
        (report.left_out, "left out"),
        (report.before_the_desk, "gave up before the desk"),
        (report.unattended, "came while no agent was there"),
    ];
    let passed_over: Vec<String> = passed_over
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", HumanCount(count)))
        .collect();
    if !passed_over.is_empty() {
        let _ = write!(out, "\n  {}", passed_over.join(", "));
    }
    let waiting = report.while_waiting.map(|agents| {
        format!(
            "while somebody waited, {:.2} agents were serving of {:.2} that are counted as there\n",
            agents.serving, agents.counted
        )
    });
    let _ = writeln!(
        out,
        "\nmean patience {:.0} s; more was offered than all agents could serve in {} of {} {}s\n{}",
        report.patience,
        HumanCount(all.overloaded as u64),
        HumanCount(all.half_hours as u64),
        interval(report.interval_minutes),
        waiting.unwrap_or_default()
    );
    out
}

/// The day: what was estimated, what happened, and what the models say.
fn by_time(report: &Report) -> Table {
    let in_time = format!("in {} s", report.target_seconds);
    let groups = [
        ("", "from"),
        ("", "calls"),
        ("", "load"),
        ("", "agents"),
        ("", "service"),
        ("", "patience"),
        ("waits", "was"),
        ("", "C"),
        ("", "A"),
        ("gives up", "was"),
        ("", "A"),
        ("mean wait", "was"),
        ("", "A"),
        (&in_time, "was"),
        ("", "C"),
        ("", "A"),
        ("needs", "A"),
    ];
    let mut table = table();
    table.set_header(groups.map(|(group, name)| format!("{group}\n{name}")));
    let short = |share: f64| format!("{:.0} %", 100.0 * share);
    for part in &report.by_time_of_day {
        let Part {
            happened,
            erlang_c,
            erlang_a,
            ..
        } = part;
        table.add_row([
            part.start.map(clock).unwrap_or_default(),
            format!("{:.1}", part.calls as f64 / part.half_hours as f64),
            format!("{:.1}", part.load),
            format!("{:.1}", part.agents),
            seconds(part.service),
            seconds(part.patience),
            short(happened.waits),
            short(erlang_c.waits),
            short(erlang_a.waits),
            short(happened.abandons),
            short(erlang_a.abandons),
            seconds(happened.wait),
            seconds(erlang_a.wait),
            short(happened.in_time),
            short(erlang_c.in_time),
            short(erlang_a.in_time),
            format!("{:.1}", part.needed.erlang_a),
        ]);
    }
    table
}

/// All half-hours together.
fn models(report: &Report) -> Table {
    type Row<'a> = (&'a str, fn(&Outcome) -> f64, fn(f64) -> String);
    let all = &report.all;
    let in_time = format!("in {} s", report.target_seconds);
    let rows: [Row<'_>; 4] = [
        ("waits", |outcome| outcome.waits, percent),
        ("gives up", |outcome| outcome.abandons, percent),
        ("mean wait", |outcome| outcome.wait, seconds),
        (&in_time, |outcome| outcome.in_time, percent),
    ];
    let mut table = table();
    let header = ["", "happened", "Erlang C", "off", "Erlang A", "off"];
    table.set_header(header);
    for (name, of, shown) in rows {
        let columns = [
            &all.happened,
            &all.erlang_c,
            &all.off_erlang_c,
            &all.erlang_a,
            &all.off_erlang_a,
        ];
        let name = [name.to_owned()].into_iter();
        table.add_row(name.chain(columns.map(|column| shown(of(column)))));
    }
    table
}

/// Which model is closer, over all and half-hour by half-hour, and by how many points it is off, and the other.
fn verdict(who: &str, of: fn(&Outcome) -> f64, report: &Report) -> String {
    let all = &report.all;
    let happened = of(&all.happened);
    let over_all = [&all.erlang_a, &all.erlang_c].map(|model| (of(model) - happened).abs());
    let single = [&all.off_erlang_a, &all.off_erlang_c].map(of);
    let told = |[a, c]: [f64; 2]| {
        let (closer, near, far) = if a < c {
            ("Erlang A", a, c)
        } else {
            ("Erlang C", c, a)
        };
        let (near, far) = (100.0 * near, 100.0 * far);
        format!("{closer} ({near:.1} points off against {far:.1})")
    };
    let interval = interval(report.interval_minutes);
    format!(
        "{who} closer over all is {}, {interval} by {interval} {}",
        told(over_all),
        told(single)
    )
}

fn table() -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_style(TableComponent::HeaderLines, '\u{2500}')
        .set_style(TableComponent::MiddleHeaderIntersections, '\u{2500}')
        .set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn grid(out: &mut String, table: &Table) {
    let mut table = table.clone();
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
        column.set_padding((1, 1));
    }
    for line in table.lines() {
        let _ = writeln!(out, "{}", line.trim_end());
    }
}
