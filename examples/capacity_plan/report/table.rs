//! The plan for a terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};

use crate::plan::{Load, PERCENTILES, Plan};
use crate::units::{Time, digits};

/// What was asked, the servers, the loads, and how far the load may grow.
pub(crate) fn render(plan: &Plan) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{} requests of {} each (squared variation {}), {}\nmodel: {}, {}\n\n{}\n",
        plan.arrivals,
        plan.service_time,
        digits(plan.scv),
        plan.target,
        plan.model,
        plan.exactness,
        servers(plan)
    );
    grid(&mut out, plan);
    let knee = &plan.knee;
    let _ = writeln!(
        out,
        "\nknee    {} ({} busy, mean response {}): there throughput over response time is greatest (Kleinrock 1979)",
        knee.arrivals,
        percent(knee.utilisation),
        knee.mean_response
    );
    let growth = |rate: f64| digits(100.0 * (rate / plan.arrivals.per_second - 1.0));
    let _ = match plan.most_on_target {
        Some(most) => writeln!(
            out,
            "target  met up to {most}, {} % from here",
            signed(&growth(most.per_second))
        ),
        None => writeln!(
            out,
            "target  not met under any load: the service alone is too slow"
        ),
    };
    let _ = writeln!(
        out,
        "limit   stable below {}, {} % from here",
        plan.stable_below,
        signed(&growth(plan.stable_below.per_second))
    );
    out
}

fn signed(number: &str) -> String {
    if number.starts_with('-') {
        number.to_owned()
    } else {
        format!("+{number}")
    }
}

/// How many servers there are to be, and why not one less.
fn servers(plan: &Plan) -> String {
    let needed = plan.loads.first().and_then(|load| load.servers_needed);
    let measure = plan.target.measure;
    let found = |load: &Load| match &load.times {
        Some(times) => format!("{measure} would be {}", times.measure),
        None => "the line would grow without end".to_owned(),
    };
    if plan.servers_were_given {
        let now = plan.loads.first().and_then(|load| load.times.as_ref());
        let met = match now {
            Some(times) if times.meets_target => "the target is met",
            _ => "the target is missed",
        };
        let needed = needed.map_or_else(
            || "no number of servers meets it".to_owned(),
            |needed| format!("{} needed", counted(needed)),
        );
        return format!("{}: {met}; {needed}.", counted(plan.servers));
    }
    match &plan.one_less {
        Some(less) => format!(
            "{} needed; with {}, {}.",
            counted(plan.servers),
            plan.servers - 1,
            found(less)
        ),
        None => format!("{} needed.", counted(plan.servers)),
    }
}

fn counted(servers: u32) -> String {
    match servers {
        1 => "1 server".to_owned(),
        more => format!("{more} servers"),
    }
}

fn grid(out: &mut String, plan: &Plan) {
    let mut table = Table::new();
    let header = ["load", "arrivals", "busy", "mean wait", "response"].map(str::to_owned);
    let percentiles = PERCENTILES.map(|p| format!("p{}", digits(100.0 * p)));
    let last = ["target", "needs"].map(str::to_owned);
    table
        .load_preset(presets::NOTHING)
        .set_style(TableComponent::HeaderLines, '\u{2500}')
        .set_style(TableComponent::MiddleHeaderIntersections, '\u{2500}')
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.into_iter().chain(percentiles).chain(last));
    for load in &plan.loads {
        table.add_row(row(load));
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for line in table.lines() {
        let _ = writeln!(out, " {}", line.trim_end());
    }
}

fn row(load: &Load) -> Vec<String> {
    let growth = match load.growth_percent {
        0.0 => "now".to_owned(),
        growth => format!("{} %", signed(&digits(growth))),
    };
    let mut row = vec![growth, load.arrivals.to_string(), percent(load.utilisation)];
    let shown = |time: &Time| time.to_string();
    match &load.times {
        Some(times) => {
            row.extend([&times.mean_wait, &times.mean_response].map(shown));
            row.extend(times.response.iter().map(shown));
            row.push(if times.meets_target { "met" } else { "missed" }.to_owned());
        }
        None => {
            row.extend(["grows"; 6].map(str::to_owned));
            row.push("overload".to_owned());
        }
    }
    row.push(
        load.servers_needed
            .map_or_else(|| "-".to_owned(), |servers| servers.to_string()),
    );
    row
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
