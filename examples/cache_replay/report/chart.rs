//! Hit ratio against capacity, as an SVG picture that stands alone.

use std::fmt::Write;

use indicatif::HumanCount;

use super::{ENOUGH, Point, Report, percent};
use crate::label::{escaped, shortened};
use crate::page::page;
use crate::replay::Contender;

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = WIDTH - 28.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = HEIGHT - 58.0;

/// The colours of the curves, in light and in dark surroundings.
const COLOURS: (&str, &str) = (
    "\
.line.adaptive { stroke: #1f6fd1; } circle.adaptive { fill: #1f6fd1; }
.line.lru { stroke: #b86e12; } circle.lru { fill: #b86e12; }
.line.exact_lru { stroke: #e8b872; stroke-width: 7; } circle.exact_lru { fill: #e8b872; }
.line.optimum { stroke: #5b6675; stroke-dasharray: 7 5; } circle.optimum { fill: #5b6675; }",
    "  \
  .line.adaptive { stroke: #5aa0f2; } circle.adaptive { fill: #5aa0f2; }
  .line.lru { stroke: #eeb05c; } circle.lru { fill: #eeb05c; }
  .line.exact_lru { stroke: #7a5524; } circle.exact_lru { fill: #7a5524; }
  .line.optimum { stroke: #9aa6b5; } circle.optimum { fill: #9aa6b5; }",
);

/// The curves on a logarithmic axis of capacities.
pub(crate) fn render(report: &Report) -> String {
    let plot = Plot::of(report);
    let mut body = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        body,
        "<text class=\"title\" x=\"{LEFT}\" y=\"30\">Hit ratio against capacity: {}</text>\n\
         <text class=\"axis\" x=\"{RIGHT}\" y=\"30\" text-anchor=\"end\">{} requests, {} keys</text>\n",
        escaped(&shortened(&report.file)),
        HumanCount(report.requests),
        HumanCount(report.distinct_keys)
    );
    axes(&mut body, &plot);
    if report.best_hit_ratio > 0.0 {
        let y = plot.y(ENOUGH * report.best_hit_ratio);
        let _ = writeln!(
            body,
            r#"<line class="mark" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1}" y2="{y:.1}"/><text class="axis" x="{:.1}" y="{:.1}">95 % of the best</text>"#,
            LEFT + 6.0,
            y - 6.0
        );
    }
    let mut x = LEFT;
    // The widest line lies beneath those that it may coincide with.
    for contender in [
        Contender::Optimum,
        Contender::ExactLru,
        Contender::Lru,
        Contender::Adaptive,
    ] {
        let Some(curve) = report.curves.iter().find(|c| c.contender == contender) else {
            continue;
        };
        let class = class(contender);
        let _ = writeln!(
            body,
            r#"<line class="line {class}" x1="{:.1}" x2="{:.1}" y1="54" y2="54"/><text class="text" x="{:.1}" y="58.5">{contender}</text>"#,
            x + 2.0,
            x + 28.0,
            x + 38.0
        );
        x += 130.0;
        line(
            &mut body,
            &plot,
            class,
            &contender.to_string(),
            &curve.points,
        );
    }
    let title = format!("Hit ratio against capacity: {}", escaped(&report.file));
    page(&title, (WIDTH, HEIGHT), COLOURS, &body)
}

/// Where a capacity and a hit ratio lie in the picture.
struct Plot {
    /// Decimal logarithms of the least and the largest capacity.
    from: f64,
    to: f64,
    /// The hit ratio at the upper edge.
    highest: f64,
}

impl Plot {
    fn of(report: &Report) -> Self {
        let points = || report.curves.iter().flat_map(|curve| &curve.points);
        let exponents = || points().map(|point| (point.capacity as f64).log10());
        let from = exponents().reduce(f64::min).unwrap_or(0.0);
        let to = exponents().reduce(f64::max).unwrap_or(0.0);
        let best = points()
            .map(|point| point.hit_ratio)
            .fold(report.best_hit_ratio, f64::max);
        // Each divides by four into ticks without decimals.
        let highest = [0.04, 0.08, 0.2, 0.4, 0.6, 0.8]
            .into_iter()
            .find(|&edge| best <= edge)
            .unwrap_or(1.0);
        // A single capacity stands in the middle.
        let apart = if to - from < 0.01 { 0.5 } else { 0.0 };
        Self {
            from: from - apart,
            to: to + apart,
            highest,
        }
    }

    fn x(&self, capacity: f64) -> f64 {
        LEFT + (capacity.log10() - self.from) / (self.to - self.from) * (RIGHT - LEFT)
    }

    fn y(&self, hit_ratio: f64) -> f64 {
        BOTTOM - hit_ratio / self.highest * (BOTTOM - TOP)
    }

    /// Round capacities within the axis: 1, 2 and 5 in each decade, or 1 alone where that would be too many.
    fn ticks(&self) -> Vec<f64> {
        let within = |tick: &f64| (self.from - 1e-9..=self.to + 1e-9).contains(&tick.log10());
        let decades = self.from.floor() as i32..=self.to.ceil() as i32;
        let steps: &[f64] = if self.to - self.from > 4.2 {
            &[1.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        decades
            .flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)))
            .filter(|tick| *tick >= 1.0)
            .filter(within)
            .collect()
    }
}

fn axes(body: &mut String, plot: &Plot) {
    for quarter in 0..=4 {
        let hit_ratio = plot.highest * f64::from(quarter) / 4.0;
        let y = plot.y(hit_ratio);
        let _ = writeln!(
            body,
            r#"<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1}" y2="{y:.1}"/><text class="axis" x="{:.1}" y="{:.1}" text-anchor="end">{:.0} %</text>"#,
            LEFT - 10.0,
            y + 4.5,
            hit_ratio * 100.0
        );
    }
    for tick in plot.ticks() {
        let x = plot.x(tick);
        let _ = writeln!(
            body,
            r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{BOTTOM}"/><text class="axis" x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            BOTTOM + 20.0,
            short(tick)
        );
    }
    let _ = writeln!(
        body,
        r#"<text class="axis" x="{:.1}" y="{:.1}" text-anchor="middle">capacity in entries</text>"#,
        f64::midpoint(LEFT, RIGHT),
        HEIGHT - 14.0
    );
}

fn line(body: &mut String, plot: &Plot, class: &str, name: &str, points: &[Point]) {
    let at = |point: &Point| (plot.x(point.capacity as f64), plot.y(point.hit_ratio));
    let _ = write!(body, r#"<polyline class="line {class}" points=""#);
    for (x, y) in points.iter().map(at) {
        let _ = write!(body, "{x:.1},{y:.1} ");
    }
    body.push_str("\"/>\n");
    for point in points {
        let (x, y) = at(point);
        let _ = writeln!(
            body,
            r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="3"><title>{name}, {} entries: {}</title></circle>"#,
            HumanCount(point.capacity as u64),
            percent(point.hit_ratio)
        );
    }
}

fn class(contender: Contender) -> &'static str {
    match contender {
        Contender::Adaptive => "adaptive",
        Contender::Lru => "lru",
        Contender::ExactLru => "exact_lru",
        Contender::Optimum => "optimum",
    }
}

/// A round capacity: `500`, `20k`, `5M`.
fn short(capacity: f64) -> String {
    match capacity {
        c if c < 1e3 => format!("{c:.0}"),
        c if c < 1e6 => format!("{:.0}k", c / 1e3),
        c => format!("{:.0}M", c / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn points_lie_where_their_figures_say() {
        // The best is 80 %, so the upper edge is; three decades fill the width.
        let svg = render(&report(&[
            (Contender::Adaptive, &[0, 20, 40, 80]),
            (Contender::Optimum, &[80, 80, 80, 80]),
        ]));
        let (third, half) = ((RIGHT - LEFT) / 3.0, f64::midpoint(TOP, BOTTOM));
        for (x, y) in [
            (LEFT, BOTTOM),
            (LEFT + third, f64::midpoint(half, BOTTOM)),
            (LEFT + 2.0 * third, half),
            (RIGHT, TOP),
        ] {
            let circle = format!(r#"<circle class="adaptive" cx="{x:.1}" cy="{y:.1}""#);
            assert!(svg.contains(&circle), "{circle} in {svg}");
        }
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.contains("adaptive, 100 entries: 40.00 %"));
        assert!(svg.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn odd_figures_are_still_a_picture() {
        let one: &[u64] = &[0];
        let mut odd = report(&[(Contender::Lru, one), (Contender::Optimum, one)]);
        odd.best_hit_ratio = 0.0;
        odd.file = "<a & b>".repeat(20);
        let svg = render(&odd);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert!(
            svg.contains("&lt;a &amp; b&gt;") && !svg.contains("<a"),
            "{svg}"
        );
    }

    #[test]
    fn the_axis_has_a_few_round_names() {
        let plot = |from: f64, to: f64| Plot {
            from: from.log10(),
            to: to.log10(),
            highest: 1.0,
        };
        let names = |plot: Plot| plot.ticks().into_iter().map(short).collect::<Vec<_>>();
        assert_eq!(names(plot(187.0, 1_870.0)), ["200", "500", "1k"]);
        assert_eq!(
            names(plot(1.0, 5e6)),
            ["1", "10", "100", "1k", "10k", "100k", "1M"]
        );
    }
}
