//! The figures as one page that needs nothing from elsewhere.

use std::fmt::Write;

use super::chart::{Bar, Span, bars, spans};
use super::sections::{Grid, Section, cached, name, scored, sections};
use super::units::{bytes, count, percent, rate, time};
use super::{Report, ratio};
use crate::legs::load::Prediction;
use crate::legs::lookup::Way;

const STYLE: &str = include_str!("page.css");

/// What separates text from markup.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The whole page.
pub(crate) fn render(report: &Report) -> String {
    let sections = sections(report);
    let charts = [
        import(report),
        look_up(report),
        scoring(report),
        responses(report),
        load(report),
    ];
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Before and after: {0}</title>
<style>
{STYLE}</style>
</head>
<body>
<main>
<h1>Before and after</h1>
<p class="about">{0}</p>
<ul class="short">
"#,
        escaped(&report.input.about()),
    );
    for section in &sections {
        let _ = writeln!(
            page,
            "<li><b>{}</b> {}</li>",
            section.name,
            escaped(&section.in_short)
        );
    }
    page.push_str("</ul>\n");
    for (section, chart) in sections.iter().zip(&charts) {
        write_section(&mut page, section, chart);
    }
    bad_lines(&mut page, report);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn write_section(page: &mut String, section: &Section, chart: &str) {
    let _ = write!(
        page,
        "<section>\n<h2>{}</h2>\n<p class=\"about\">{}<br>{}</p>\n<div class=\"wide\">{chart}</div>\n",
        section.name,
        escaped(section.about),
        escaped(&section.input)
    );
    for grid in &section.grids {
        write_grid(page, grid);
    }
    let notes = section.notes.join(" ");
    let _ = write!(
        page,
        "<p class=\"note\">{}</p>\n</section>\n",
        escaped(&notes)
    );
}

fn write_grid(page: &mut String, grid: &Grid) {
    page.push_str("<div class=\"wide\"><table>\n<thead><tr>");
    for column in &grid.columns {
        let _ = write!(page, "<th>{}</th>", escaped(column));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in &grid.rows {
        page.push_str("<tr>");
        for cell in row {
            let _ = write!(page, "<td>{}</td>", escaped(cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n");
}

/// The first bad lines; a page of a million of them helps nobody.
fn bad_lines(page: &mut String, report: &Report) {
    const SHOWN: usize = 100;
    let bad = &report.import.bad_lines;
    if bad.is_empty() {
        return;
    }
    let _ = write!(
        page,
        "<section>\n<h2>Bad lines</h2>\n<p class=\"about\">{} lines could not be used{}</p>\n<ul>\n",
        count(bad.len() as u64),
        if bad.len() > SHOWN {
            format!("; the first {SHOWN}")
        } else {
            String::new()
        }
    );
    for line in bad.iter().take(SHOWN) {
        let _ = writeln!(page, "<li>{}</li>", escaped(&line.to_string()));
    }
    page.push_str("</ul>\n</section>\n");
}

fn bar(name: impl Into<String>, value: f64, class: &'static str, shown: String) -> Bar {
    Bar {
        name: name.into(),
        parts: vec![(value, class)],
        shown,
        apart: false,
    }
}

fn apart(bar: Bar) -> Bar {
    Bar { apart: true, ..bar }
}

fn import(report: &Report) -> String {
    let import = &report.import;
    let row = |name: &str, pass: &crate::legs::import::Pass, class| {
        bar(
            name,
            pass.lines_per_second,
            class,
            rate(pass.lines_per_second),
        )
    };
    bars(
        "Lines imported in a second",
        &[
            row("import, one by one", &import.one_by_one, "before"),
            row("import, batch", &import.batch, "after"),
            apart(row(
                "parse only, one thread",
                &import.parse_one_thread,
                "before",
            )),
            row("parse only, batch", &import.parse_batch, "after"),
        ],
    )
}

fn look_up(report: &Report) -> String {
    let look_up = &report.look_up;
    let span = |name: String, way: &Way, class| Span {
        name,
        class,
        median: way.response.median_nanos as f64,
        p99: way.response.p99_nanos as f64,
        p999: way.response.p999_nanos as f64,
    };
    let mut chart = spans(
        "Response time of a look-up: median, p99 and p99.9 on a logarithmic axis",
        &[
            span("database, no index".to_owned(), &look_up.scan, "before"),
            span("database, index".to_owned(), &look_up.index, "middle"),
            span(cached(&look_up.small_cache), &look_up.small_cache, "after"),
            span(cached(&look_up.cache), &look_up.cache, "after"),
        ],
    );
    chart.push_str(
        "<p class=\"key\">Large dot: median. Middle: p99. Small: p99.9. Each step of the axis is ten times the last.</p>",
    );
    chart
}

fn scoring(report: &Report) -> String {
    let rows = [&report.scoring.as_in_the_file, &report.scoring.replicated].map(|comparison| {
        let per_second = |seconds: f64| ratio(comparison.customers as f64, seconds);
        let (one, batch) = (
            per_second(comparison.one_thread_seconds),
            per_second(comparison.batch_seconds),
        );
        [
            apart(bar(
                scored(comparison),
                one,
                "before",
                format!("{} on one thread", rate(one)),
            )),
            bar("", batch, "after", format!("{} as a batch", rate(batch))),
        ]
    });
    bars("Customers scored in a second", rows.as_flattened())
}

fn responses(report: &Report) -> String {
    let rows: Vec<Bar> = report
        .responses
        .answers
        .iter()
        .map(|answer| {
            let share = ratio(answer.sent_bytes as f64, answer.identity_bytes as f64);
            let class = if answer.left_alone.is_some() {
                "before"
            } else {
                "after"
            };
            let mut row = bar(
                format!("{}, {}", answer.body, answer.client),
                share,
                class,
                format!(
                    "{} of {}",
                    percent(share),
                    bytes(answer.identity_bytes as u64)
                ),
            );
            // What is not sent.
            row.parts.push(((1.0 - share).max(0.0), "rest"));
            row
        })
        .collect();
    bars("Bytes sent, as a share of the JSON", &rows)
}

fn load(report: &Report) -> String {
    let mut rows = Vec::new();
    for run in &report.load.runs {
        let Prediction::Steady {
            queueing_nanos,
            response_nanos,
            ..
        } = &run.prediction
        else {
            continue; // Its bar would leave no room for the others.
        };
        let row = |name: String, queueing: f64, all: f64, what: &str| Bar {
            name,
            parts: vec![(queueing, "queueing"), (all - queueing, "service")],
            shown: format!("{} {what}", time(all)),
            apart: false,
        };
        let mean = run.response.mean_nanos;
        rows.push(apart(row(name(run), run.queueing_nanos, mean, "measured")));
        rows.push(row(
            String::new(),
            *queueing_nanos,
            *response_nanos,
            "predicted",
        ));
    }
    let mut chart = bars("Mean response time, measured and predicted", &rows);
    chart.push_str(
        "<p class=\"key\"><i class=\"queueing\"></i> in the queue, T_q <i class=\"service\"></i> served, T_s</p>",
    );
    chart
}
