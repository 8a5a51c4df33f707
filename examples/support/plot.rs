//! Curves on a grid.

use std::fmt::Write;

/// The colours of the curves, in light and in dark surroundings.
pub(crate) const COLOURS: (&str, &str) = (
    "\
.line.blue { stroke: #1f6fd1; } circle.blue { fill: #1f6fd1; }
.line.brown { stroke: #b86e12; } circle.brown { fill: #b86e12; }
.line.grey { stroke: #5b6675; stroke-dasharray: 7 5; } circle.grey { fill: #5b6675; }
.line.red { stroke: #c0392b; stroke-width: 1.5; } circle.red { fill: #c0392b; }",
    "  \
  .line.blue { stroke: #5aa0f2; } circle.blue { fill: #5aa0f2; }
  .line.brown { stroke: #eeb05c; } circle.brown { fill: #eeb05c; }
  .line.grey { stroke: #9aa6b5; } circle.grey { fill: #9aa6b5; }
  .line.red { stroke: #ef7f72; } circle.red { fill: #ef7f72; }",
);

/// A text that begins at `x`, on the line `y`.
pub(crate) fn text(body: &mut String, class: &str, x: f64, y: f64, text: &str) {
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        body,
        r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{text}</text>"#
    );
}

/// The names of the curves, one beside the other, each behind a piece of its line.
pub(crate) fn legend(body: &mut String, left: f64, y: f64, step: f64, curves: &[(&str, &str)]) {
    for (at, (class, name)) in curves.iter().enumerate() {
        let x = left + step * at as f64;
        let _ = writeln!(
            body,
            r#"<line class="line {class}" x1="{:.1}" x2="{:.1}" y1="{y:.1}" y2="{y:.1}"/>"#,
            x + 2.0,
            x + 28.0
        );
        text(body, "text", x + 38.0, y + 4.5, name);
    }
}

/// Where the curves lie, and what the edges stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panel {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
    /// The values at the left and at the right edge.
    pub(crate) across: (f64, f64),
    /// The value at the upper edge; the lower one is zero.
    pub(crate) high: f64,
}

impl Panel {
    pub(crate) fn x(&self, value: f64) -> f64 {
        let (from, to) = self.across;
        self.left + (value - from) / (to - from) * (self.right - self.left)
    }

    pub(crate) fn y(&self, value: f64) -> f64 {
        self.bottom - value / self.high * (self.bottom - self.top)
    }

    /// Lines and names at round values: `up` on the vertical axis, `across` on the horizontal one.
    pub(crate) fn grid(&self, body: &mut String, up: &[(f64, String)], across: &[(f64, String)]) {
        let Self {
            left,
            right,
            top,
            bottom,
            ..
        } = *self;
        for (value, name) in up {
            let y = self.y(*value);
            let _ = writeln!(
                body,
                r#"<line class="grid" x1="{left:.1}" x2="{right:.1}" y1="{y:.1}" y2="{y:.1}"/><text class="axis" x="{:.1}" y="{:.1}" text-anchor="end">{name}</text>"#,
                left - 10.0,
                y + 4.5
            );
        }
        for (value, name) in across {
            let x = self.x(*value);
            let _ = writeln!(
                body,
                r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{top:.1}" y2="{bottom:.1}"/><text class="axis" x="{x:.1}" y="{:.1}" text-anchor="middle">{name}</text>"#,
                bottom + 20.0
            );
        }
    }

    /// A curve; it is broken where a value is missing and cut where it leaves through the upper edge.
    pub(crate) fn curve(&self, body: &mut String, class: &str, points: &[(f64, Option<f64>)]) {
        let mut pieces: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
        let mut before: Option<(f64, f64)> = None;
        for &(x, value) in points {
            let now = value.map(|value| (x, value));
            if let (Some(from), Some(to)) = (before, now)
                && (from.1 > self.high) != (to.1 > self.high)
            {
                let share = (self.high - from.1) / (to.1 - from.1);
                let edge = (from.0 + share * (to.0 - from.0), self.high);
                push(&mut pieces, edge);
            }
            match now {
                Some(point) if point.1 <= self.high => push(&mut pieces, point),
                _ => pieces.push(Vec::new()),
            }
            before = now;
        }
        for piece in pieces.iter().filter(|piece| piece.len() > 1) {
            let _ = write!(body, r#"<polyline class="line {class}" points=""#);
            for &(x, value) in piece {
                let _ = write!(body, "{:.1},{:.1} ", self.x(x), self.y(value));
            }
            body.push_str("\"/>\n");
        }
    }

    /// A point, and what is told of it on being pointed at.
    pub(crate) fn point(&self, body: &mut String, class: &str, x: f64, value: f64, told: &str) {
        if value <= self.high {
            let _ = writeln!(
                body,
                r#"<circle class="{class}" cx="{:.1}" cy="{:.1}" r="4"><title>{told}</title></circle>"#,
                self.x(x),
                self.y(value)
            );
        }
    }
}

/// Puts a point on the piece that is being drawn.
fn push(pieces: &mut [Vec<(f64, f64)>], point: (f64, f64)) {
    if let Some(piece) = pieces.last_mut() {
        piece.push(point);
    }
}

/// Round values from zero to `to`, at most `most` beside zero.
pub(crate) fn ticks(to: f64, most: u32) -> Vec<f64> {
    let least = to / f64::from(most);
    let decade = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
    let step = steps
        .into_iter()
        .find(|&step| step >= least * (1.0 - 1e-9))
        .unwrap_or(least);
    (0..=most)
        .map(|i| f64::from(i) * step)
        .filter(|&tick| tick <= to * (1.0 + 1e-9))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANEL: Panel = Panel {
        left: 100.0,
        right: 200.0,
        top: 10.0,
        bottom: 110.0,
        across: (0.0, 10.0),
        high: 50.0,
    };

    #[test]
    fn a_curve_is_cut_at_the_upper_edge_and_broken_where_a_value_is_missing() {
        let mut body = String::new();
        let points = [
            (0.0, Some(0.0)),
            (2.0, Some(25.0)),
            (4.0, Some(125.0)),
            (6.0, Some(25.0)),
            (7.0, None),
            (8.0, Some(0.0)),
            (10.0, Some(50.0)),
        ];
        PANEL.curve(&mut body, "blue", &points);
        let pieces: Vec<_> = body.lines().collect();
        assert_eq!(
            pieces,
            [
                r#"<polyline class="line blue" points="100.0,110.0 120.0,60.0 125.0,10.0 "/>"#,
                r#"<polyline class="line blue" points="155.0,10.0 160.0,60.0 "/>"#,
                r#"<polyline class="line blue" points="180.0,110.0 200.0,10.0 "/>"#,
            ]
        );
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(100.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(0.7, 5), [0.0, 0.2, 0.4, 0.6000000000000001]);
        assert_eq!(ticks(1.2e6, 4), [0.0, 5e5, 1e6]);
    }
}
