//! Charts as inline SVG. Colours are the page's, by class, so that they follow light and dark.

use std::fmt::Write;

use super::html::escaped;
use super::units::time;

const WIDTH: f64 = 760.0;
/// Where the plot begins; names stand to the left of it.
const LEFT: f64 = 210.0;
/// Where it ends; values stand to the right of it.
const RIGHT: f64 = 580.0;
const ROW: f64 = 30.0;

/// A bar of one or several parts.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) name: String,
    /// Length and class of each part, from the left.
    pub(crate) parts: Vec<(f64, &'static str)>,
    /// What stands behind the bar.
    pub(crate) shown: String,
    /// Begins a new group, with some air before it.
    pub(crate) apart: bool,
}

/// Horizontal bars from zero, the longest across the plot.
pub(crate) fn bars(about: &str, bars: &[Bar]) -> String {
    let length = |bar: &Bar| bar.parts.iter().map(|(part, _)| part).sum::<f64>();
    let longest = bars.iter().map(length).fold(f64::MIN_POSITIVE, f64::max);
    let mut body = String::new();
    let mut y = 4.0;
    for (i, bar) in bars.iter().enumerate() {
        if bar.apart && i > 0 {
            y += 14.0;
        }
        name(&mut body, &bar.name, y);
        let mut x = LEFT;
        for (part, class) in &bar.parts {
            let width = part / longest * (RIGHT - LEFT);
            let _ = write!(
                body,
                r#"<rect class="{class}" x="{x:.1}" y="{:.1}" width="{:.1}" height="18"/>"#,
                y + 6.0,
                width.max(1.0)
            );
            x += width.max(1.0);
        }
        let _ = write!(
            body,
            r#"<text class="value" x="{:.1}" y="{:.1}">{}</text>"#,
            x + 8.0,
            y + 20.0,
            escaped(&bar.shown)
        );
        y += ROW;
    }
    svg(about, y + 4.0, &body)
}

/// A distribution of response times, in nanoseconds.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) class: &'static str,
    pub(crate) median: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
}

/// Median, p99 and p99.9 of each row on a common logarithmic axis.
pub(crate) fn spans(about: &str, spans: &[Span]) -> String {
    let exponent = |nanos: f64| nanos.clamp(1.0, 1e19).log10();
    // From a nanosecond to some 300 years, whatever is given: the axis is finite.
    let exponents = || {
        spans
            .iter()
            .flat_map(|span| [span.median, span.p999])
            .map(exponent)
    };
    let from = exponents().reduce(f64::min).unwrap_or(0.0).floor();
    let to = exponents()
        .reduce(f64::max)
        .unwrap_or(0.0)
        .ceil()
        .max(from + 1.0);
    // Half of the last name of the axis stands to the right of it.
    let right = WIDTH - 30.0;
    let x = |nanos: f64| LEFT + (exponent(nanos) - from) / (to - from) * (right - LEFT);

    let row = 40.0;
    let bottom = 12.0 + row * spans.len() as f64;
    let mut body = String::new();
    for decade in from as i32..=to as i32 {
        let nanos = 10_f64.powi(decade);
        let _ = write!(
            body,
            r#"<line class="grid" x1="{0:.1}" x2="{0:.1}" y1="4" y2="{bottom:.1}"/><text class="axis" x="{0:.1}" y="{1:.1}">{2}</text>"#,
            x(nanos),
            bottom + 18.0,
            round(nanos)
        );
    }
    for (i, span) in spans.iter().enumerate() {
        let top = 4.0 + row * i as f64;
        name(&mut body, &span.name, top);
        let y = top + 16.0;
        let _ = write!(
            body,
            r#"<line class="{class} span" x1="{:.1}" x2="{:.1}" y1="{y}" y2="{y}"/>"#,
            x(span.median),
            x(span.p999),
            class = span.class
        );
        for (nanos, radius, what) in [
            (span.p999, 4.0, "p99.9"),
            (span.p99, 5.0, "p99"),
            (span.median, 7.0, "median"),
        ] {
            let _ = write!(
                body,
                r#"<circle class="{class}" cx="{:.1}" cy="{y}" r="{radius}"><title>{what}: {}</title></circle>"#,
                x(nanos),
                time(nanos),
                class = span.class
            );
        }
        let _ = write!(
            body,
            r#"<text class="value under" x="{:.1}" y="{:.1}">{}</text>"#,
            x(span.median),
            y + 19.0,
            time(span.median)
        );
    }
    svg(about, bottom + 28.0, &body)
}

/// A power of ten without decimals.
fn round(nanos: f64) -> String {
    match nanos {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{:.0} \u{b5}s", n / 1e3),
        n if n < 1e9 => format!("{:.0} ms", n / 1e6),
        n => format!("{:.0} s", n / 1e9),
    }
}

fn name(body: &mut String, name: &str, y: f64) {
    let _ = write!(
        body,
        r#"<text class="name" x="{:.1}" y="{:.1}">{}</text>"#,
        LEFT - 12.0,
        y + 20.0,
        escaped(name)
    );
}

fn svg(about: &str, height: f64, body: &str) -> String {
    format!(
        r#"<svg viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="{0}"><title>{0}</title>{body}</svg>"#,
        escaped(about)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, length: f64) -> Bar {
        Bar {
            name: name.to_owned(),
            parts: vec![(length, "after")],
            shown: "x".to_owned(),
            apart: false,
        }
    }

    #[test]
    fn the_longest_bar_crosses_the_plot_and_the_others_are_in_proportion() {
        let svg = bars("about", &[bar("a", 2.0), bar("b", 1.0)]);
        assert!(svg.contains(r#"width="370.0""#), "{svg}");
        assert!(svg.contains(r#"width="185.0""#), "{svg}");
    }

    #[test]
    fn nothing_to_draw_is_still_a_picture() {
        for svg in [
            bars("about", &[]),
            bars("about", &[bar("a", 0.0)]),
            spans("about", &[]),
        ] {
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn names_cannot_break_the_page() {
        let svg = bars("a \"b\"", &[bar("<script>", 1.0)]);
        assert!(svg.contains("&lt;script&gt;"));
        assert!(svg.contains("a &quot;b&quot;"));
    }
}
