//! Who waited and who gave up, by time of day, beside what the models say.

use super::{Part, Report, clock, percent};
use crate::desk::Outcome;
use crate::label::{escaped, shortened};
use crate::page::page;
use crate::plot::{COLOURS, Panel, legend, text, ticks};

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 600.0;
const LEFT: f64 = 72.0;

/// A share of fewer calls than this says nothing, and is not drawn; the table has it.
const FEWEST_CALLS: u64 = 30;

/// Two panels, one below the other, over the same hours.
pub(crate) fn render(report: &Report) -> String {
    let length = f64::from(report.interval_minutes) * 60.0;
    let parts: Vec<(f64, &Part)> = report
        .by_time_of_day
        .iter()
        .filter(|part| part.calls >= FEWEST_CALLS)
        .filter_map(|part| Some((part.start?, part)))
        .collect();
    let from = parts.first().map_or(0.0, |(start, _)| *start);
    let to = parts.last().map_or(0.0, |(start, _)| *start) + length;
    let hour = 3_600.0;
    let (from, to) = ((from / hour).floor() * hour, (to / hour).ceil() * hour);
    let panel = |top: f64, bottom: f64, of: fn(&Outcome) -> f64| {
        let highest = parts
            .iter()
            .flat_map(|(_, part)| [&part.happened, &part.erlang_c, &part.erlang_a].map(of));
        let highest = highest.fold(0.05, f64::max);
        let panel = Panel {
            left: LEFT,
            right: WIDTH - 28.0,
            top,
            bottom,
            across: (from, to),
            // The next round share above all of them.
            high: (highest * 10.0 - 1e-9).ceil() / 10.0,
        };
        (panel, of)
    };
    let panels = [
        ("waits", panel(100.0, 300.0, |outcome| outcome.waits)),
        ("gives up", panel(360.0, 540.0, |outcome| outcome.abandons)),
    ];

    let name = escaped(&shortened(&report.log));
    let title = format!("Share of callers by time of day: {name}");
    let mut body = String::new();
    text(&mut body, "title", LEFT, 30.0, &title);
    let curves = [
        ("blue", "happened"),
        ("brown", "Erlang A"),
        ("grey", "Erlang C"),
    ];
    legend(&mut body, LEFT, 54.0, 130.0, &curves);
    for (what, (panel, of)) in panels {
        let up: Vec<_> = ticks(panel.high, 5)
            .into_iter()
            .map(|share| (share, format!("{:.0} %", 100.0 * share)))
            .collect();
        // Every hour, or every second one where that would be too many.
        let step = if to - from > 12.0 * hour { 2.0 } else { 1.0 } * hour;
        let across: Vec<_> = (0..=24)
            .map(|at| (from / step).ceil() * step + f64::from(at) * step)
            .take_while(|&time| time <= to)
            .map(|time| (time, clock(time)))
            .collect();
        panel.grid(&mut body, &up, &across);
        text(&mut body, "text", LEFT, panel.top - 10.0, what);
        for (class, name) in curves.into_iter().rev() {
            let mut points = Vec::new();
            let mut before: Option<f64> = None;
            for &(start, part) in &parts {
                // Nothing is drawn across hours without calls.
                if before.is_some_and(|before| start - before > 1.5 * length) {
                    points.push((start, None));
                }
                before = Some(start);
                let outcome = match name {
                    "happened" => &part.happened,
                    "Erlang A" => &part.erlang_a,
                    _ => &part.erlang_c,
                };
                let (middle, share) = (start + 0.5 * length, of(outcome));
                points.push((middle, Some(share)));
                let told = format!("{}, {name}: {}", clock(start), percent(share));
                panel.point(&mut body, class, middle, share, &told);
            }
            panel.curve(&mut body, class, &points);
        }
    }
    text(&mut body, "axis", LEFT, HEIGHT - 14.0, "time of day");
    page(&title, (WIDTH, HEIGHT), COLOURS, &body)
}
