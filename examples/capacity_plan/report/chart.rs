//! Response time against load, or the wait where the target is about the wait.

use crate::args::Measure;
use crate::page::page;
use crate::plan::{Plan, curve};
use crate::plot::{COLOURS, Panel, legend, text, ticks};
use crate::pool::Pool;
use crate::service::Service;
use crate::units::{Time, digits};

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 476.0;
const POINTS: u32 = 160;

/// The mean and two percentiles, and what the target is about where it is none of them.
pub(crate) fn render(plan: &Plan, service: &Service) -> String {
    let aim = plan.target.measure;
    let of_wait = matches!(aim, Measure::Wait(_) | Measure::MeanWait);
    let (what, mean, percentile): (_, _, fn(f64) -> Measure) = if of_wait {
        ("Wait", Measure::MeanWait, Measure::Wait)
    } else {
        ("Response time", Measure::MeanResponse, Measure::Response)
    };
    let mut curves = vec![
        ("blue", mean),
        ("brown", percentile(0.95)),
        ("grey", percentile(0.99)),
    ];
    if !curves.iter().any(|(_, measure)| *measure == aim) {
        curves.push(("red", aim));
    }
    let curves: Vec<_> = curves
        .into_iter()
        .map(|(class, measure)| {
            let points = curve(service, plan.servers, measure, POINTS);
            (class, measure, points)
        })
        .collect();

    let most = plan.target.most.0;
    let of = |rate: f64, measure| {
        let pool = Pool::new(service, rate, plan.servers).ok();
        pool.map_or(0.0, |pool| pool.measure(measure))
    };
    let now = of(plan.arrivals.per_second, percentile(0.99));
    let unit = plan.arrivals;
    let panel = Panel {
        left: 84.0,
        right: WIDTH - 28.0,
        top: 100.0,
        bottom: HEIGHT - 58.0,
        across: (0.0, plan.stable_below.per_second),
        high: (1.6 * most).max(1.4 * now),
    };
    let mut body = String::new();
    let title = format!(
        "{what} against load: {} {}",
        plan.servers,
        if plan.servers == 1 {
            "server"
        } else {
            "servers"
        }
    );
    text(&mut body, "title", panel.left, 30.0, &title);
    let names: Vec<(&str, String)> = curves
        .iter()
        .map(|(class, measure, _)| (*class, measure.to_string()))
        .collect();
    let names: Vec<(&str, &str)> = names.iter().map(|(c, n)| (*c, n.as_str())).collect();
    legend(&mut body, panel.left, 54.0, 160.0, &names);

    let (name, seconds) = Time(panel.high).unit();
    let up: Vec<_> = ticks(panel.high / seconds, 6)
        .into_iter()
        .map(|tick| (tick * seconds, format!("{} {name}", digits(tick))))
        .collect();
    let across: Vec<_> = ticks(plan.stable_below.number(), 8)
        .into_iter()
        .map(|tick| (tick / unit.number() * unit.per_second, digits(tick)))
        .collect();
    panel.grid(&mut body, &up, &across);
    let below = format!(
        "arrivals per {}; the right edge is all that can be worked off",
        unit.unit()
    );
    text(&mut body, "axis", panel.left, HEIGHT - 14.0, &below);

    let (left, right) = (panel.left, panel.right);
    let level = panel.y(most);
    mark(&mut body, (left, right), (level, level));
    let told = format!("target: {}", plan.target);
    text(&mut body, "axis", left + 6.0, level - 6.0, &told);
    let stable = plan.loads.iter().filter(|load| load.utilisation < 1.0);
    for (at, load) in stable.enumerate() {
        let x = panel.x(load.arrivals.per_second);
        mark(&mut body, (x, x), (panel.top, panel.bottom));
        let name = match load.growth_percent {
            0.0 => "now".to_owned(),
            growth => format!("{growth:+} %"),
        };
        // In two rows, because neighbours may be close.
        let row = panel.top - 6.0 - 14.0 * (at % 2) as f64;
        text(&mut body, "axis", x + 3.0, row, &name);
    }
    for (class, _, points) in &curves {
        panel.curve(&mut body, class, points);
    }
    for load in plan.loads.iter().filter(|load| load.utilisation < 1.0) {
        let rate = load.arrivals.per_second;
        let value = of(rate, mean);
        let told = format!("{}: {mean} {}", load.arrivals, Time(value));
        panel.point(&mut body, "blue", rate, value, &told);
    }
    let rate = plan.knee.arrivals.per_second;
    let value = of(rate, mean);
    let told = format!("knee, {}: {mean} {}", plan.knee.arrivals, Time(value));
    panel.point(&mut body, "red", rate, value, &told);
    if value <= panel.high {
        let (x, y) = (panel.x(rate) - 14.0, panel.y(value) - 10.0);
        text(&mut body, "text", x, y, "knee");
    }
    page(&title, (WIDTH, HEIGHT), COLOURS, &body)
}

fn mark(body: &mut String, (x1, x2): (f64, f64), (y1, y2): (f64, f64)) {
    body.push_str(&format!(
        "<line class=\"mark\" x1=\"{x1:.1}\" x2=\"{x2:.1}\" y1=\"{y1:.1}\" y2=\"{y2:.1}\"/>\n"
    ));
}
