//! Time on the line against bytes, as an SVG picture that stands alone.
//!
//! Both axes are logarithmic, for one level may take a thousand times the work of another.

use indicatif::HumanCount;

use super::{Report, Row, Sheet};
use crate::label::{escaped, shortened};
use crate::page::page;
use crate::plot::{COLOURS, Panel, legend, text};
use crate::units::time;

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 500.0;

/// An axis in powers of ten.
#[derive(Clone, Copy, Debug)]
struct Axis {
    from: f64,
    to: f64,
}

impl Axis {
    /// From a bit below the least to a bit above the most.
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let logs = values.filter(|value| *value > 0.0).map(f64::log10);
        let least = logs.clone().reduce(f64::min).unwrap_or(0.0);
        let most = logs.reduce(f64::max).unwrap_or(0.0);
        let apart = ((most - least) * 0.06).max(0.05);
        Self {
            from: least - apart,
            to: most + apart,
        }
    }

    fn at(self, value: f64) -> f64 {
        value.log10() - self.from
    }

    fn length(self) -> f64 {
        self.to - self.from
    }

    /// Round values: of each power of ten as many as there is room for.
    fn ticks(self) -> Vec<f64> {
        let steps: &[f64] = match self.length() {
            l if l > 3.0 => &[1.0],
            l if l > 0.9 => &[1.0, 2.0, 5.0],
            l if l > 0.4 => &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
            _ => &[
                1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.7, 2.0, 2.3, 2.6, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0,
                7.0, 8.0, 9.0,
            ],
        };
        let decades = self.from.floor() as i32..=self.to.ceil() as i32;
        decades
            .flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)))
            .filter(|tick| (self.from..=self.to).contains(&tick.log10()))
            .collect()
    }
}

/// All bodies together, a curve for each coding through its levels.
pub(crate) fn render(report: &Report) -> String {
    let total = &report.total;
    let codings = curves(total);
    let shown = || codings.iter().flat_map(|(_, rows)| rows);
    let bytes = Axis::of(shown().map(|row| row.bytes as f64));
    let seconds = Axis::of(shown().map(|row| row.on_line_seconds));
    let panel = Panel {
        left: 84.0,
        right: WIDTH - 28.0,
        top: 104.0,
        bottom: HEIGHT - 62.0,
        across: (0.0, bytes.length()),
        high: seconds.length(),
    };
    let mut body = String::new();
    let line = report.line_bits_per_second;
    let title = format!("Time on a line of {line} against bytes");
    text(&mut body, "title", panel.left, 30.0, &title);
    let name = escaped(&shortened(&total.name));
    let told = format!(
        "{name} as {}: {} bytes, {}",
        if report.bodies.len() == 1 {
            "it is"
        } else {
            "they are"
        },
        HumanCount(total.bytes),
        time(total.on_line_as_it_is_seconds)
    );
    text(&mut body, "axis", panel.left, 50.0, &told);
    let names: Vec<_> = codings
        .iter()
        .map(|(name, _)| (class(name), *name))
        .collect();
    legend(&mut body, panel.left, 76.0, 80.0, &names);

    let up: Vec<_> = seconds
        .ticks()
        .into_iter()
        .map(|tick| (seconds.at(tick), time(tick)))
        .collect();
    let across: Vec<_> = bytes
        .ticks()
        .into_iter()
        .map(|tick| (bytes.at(tick), short(tick)))
        .collect();
    panel.grid(&mut body, &up, &across);
    let below = format!(
        "bytes sent, and the time of {} and sending them; lower left is better, both axes in powers of ten",
        if report.decompress {
            "encoding, decoding"
        } else {
            "encoding"
        }
    );
    text(&mut body, "axis", panel.left, HEIGHT - 16.0, &below);

    let place = |row: &Row| (bytes.at(row.bytes as f64), seconds.at(row.on_line_seconds));
    for (name, rows) in &codings {
        let mut points: Vec<(f64, Option<f64>)> = rows
            .iter()
            .map(|row| place(row))
            .map(|(x, y)| (x, Some(y)))
            .collect();
        // A curve goes from left to right; a higher level is seldom larger.
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        panel.curve(&mut body, class(name), &points);
        let mut before = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        for row in rows {
            let (x, y) = place(row);
            let told = format!(
                "{}: {} bytes, {}",
                row.setting,
                HumanCount(row.bytes),
                time(row.on_line_seconds)
            );
            panel.point(&mut body, class(name), x, y, &told);
            // Of points that lie together one has its name; all have it when they are pointed at.
            let at = (panel.x(x) + 7.0, panel.y(y) - 7.0);
            let label = row.setting.level.to_string();
            let room = 10.0 + 8.0 * label.len() as f64;
            if (at.0 - before.0).abs() > room || (at.1 - before.1).abs() > 14.0 {
                text(&mut body, "axis", at.0, at.1, &label);
                before = at;
            }
        }
    }
    let choices = [
        (report.advice.once, "made once"),
        (report.advice.often, "sent often"),
    ];
    for (at, (choice, what)) in choices.into_iter().enumerate() {
        let Some(choice) = choice else { continue };
        let rows = || shown().filter(|row| row.setting == choice.setting);
        let radius = 8.0 + 3.0 * at as f64;
        for (x, y) in rows().map(|row| place(row)) {
            ring(&mut body, (panel.x(x), panel.y(y)), radius);
        }
        let x = panel.left + 246.0 + 212.0 * at as f64;
        ring(&mut body, (x, 76.0), radius);
        text(
            &mut body,
            "text",
            x + 18.0,
            80.5,
            &format!("{what}: {}", choice.setting),
        );
    }
    page(&format!("{title}: {told}"), (WIDTH, HEIGHT), COLOURS, &body)
}

/// The settings by their codings.
fn curves(total: &Sheet) -> Vec<(&'static str, Vec<&Row>)> {
    let mut codings: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in total.candidates() {
        let name = row.setting.coding.name();
        match codings.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => rows.push(row),
            None => codings.push((name, vec![row])),
        }
    }
    codings
}

fn class(coding: &str) -> &'static str {
    match coding {
        "gzip" => "blue",
        "br" => "brown",
        "zstd" => "red",
        _ => "grey",
    }
}

/// Around a point that is chosen.
fn ring(body: &mut String, (x, y): (f64, f64), radius: f64) {
    body.push_str(&format!(
        "<circle class=\"mark\" fill=\"none\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>\n"
    ));
}

/// A round number of bytes.
fn short(bytes: f64) -> String {
    match bytes {
        b if b < 1e3 => format!("{b:.0} B"),
        b if b < 1e6 => format!("{} kB", round(b / 1e3)),
        b if b < 1e9 => format!("{} MB", round(b / 1e6)),
        b => format!("{} GB", round(b / 1e9)),
    }
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
