//! How many servers a service needs: from its load, its service time and what its users are to get.
//!
//! ```text
//! $ cargo run --release --example capacity_plan -- --arrivals 120/s --service 20ms --deviation 35ms --target p99=250ms
//! 120/s requests of 20 ms each (squared variation 3.06), p99 at most 250 ms
//! model: M/G/c, approximate: mean wait after Kimura 1986, percentiles with an exponential wait of those who wait
//!
//! 4 servers needed; with 3, p99 would be 319 ms.
//!
//!    load   arrivals     busy   mean wait   response       p50       p90       p95      p99   target   needs
//!  ──────────────────────────────────────────────────────────────────────────────────────────────────────────
//!     now      120/s   60.0 %     6.22 ms    26.2 ms     14 ms   61.1 ms   92.8 ms   194 ms      met       4
//!   +10 %      132/s   66.0 %      9.7 ms    29.7 ms   16.2 ms   71.1 ms    104 ms   201 ms      met       4
//!   +20 %      144/s   72.0 %     15.1 ms    35.1 ms   19.8 ms   85.7 ms    121 ms   215 ms      met       4
//!   +50 %      180/s   90.0 %     77.6 ms    97.6 ms   65.1 ms    233 ms    303 ms   465 ms   missed       5
//!
//! knee    118/s (59.0 % busy, mean response 25.8 ms): there throughput over response time is greatest (Kleinrock 1979)
//! target  met up to 158/s, +31.4 % from here
//! limit   stable below 200/s, +66.7 % from here
//! ```
//!
//! How to read it:
//!
//! - **Squared variation.** The variance of the service time over its squared mean: 0 when it is always the same, 1 when it
//!   is exponential, more when a few requests take much longer than most. It decides on the model, and the second line says
//!   which one it is and what of it is exact. `pool.rs` has the whole list.
//! - **The table.** Each row is one load on the same servers: how busy they are, how long requests wait on average, and how
//!   long until the answer, on average and at four percentiles. "needs" is the number of servers that this load would take.
//!   Where the line grows without end there is no time to tell.
//! - **knee.** The load at which throughput over mean response time is greatest (L. Kleinrock, "Power and deterministic rules
//!   of thumb for probabilistic problems in computer communications", ICC 1979). Below it, more load brings more than it
//!   costs; above it, response time grows faster than throughput. It knows nothing of the target.
//! - **target.** How far the load may grow before these servers miss it.
//! - **limit.** From there on, no line is ever worked off.
//!
//! All models take requests that come at random and independently of each other. Where they come in bursts, waits are
//! longer than told here.
//!
//! `args` and `units` know the command line, `service` the service time, `pool` the models, `plan` what is asked of them, and
//! `report` the table and the picture. See also `examples/README.md`, or
//! `cargo run --release --example capacity_plan -- --help`.

mod args;
#[path = "../support/command.rs"]
mod command;
mod failure;
#[path = "../support/page.rs"]
mod page;
mod plan;
#[path = "../support/plot.rs"]
mod plot;
mod pool;
#[path = "../support/program.rs"]
mod program;
mod report;
mod service;
#[cfg(test)]
#[path = "../support/testing.rs"]
mod testing;
#[cfg(test)]
mod tests;
mod units;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::args::Args;
use crate::failure::Failure;
use crate::plan::Plan;
use crate::service::Service;

fn main() -> ExitCode {
    run(env::args_os(), &mut io::stdout(), &mut io::stderr())
}

/// The program, with its command line and the places where it writes: the figures to `out`, messages to `err`.
fn run(
    arguments: impl Iterator<Item = OsString>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> ExitCode {
    command::run("capacity_plan", arguments, out, err, |args, out, _| {
        answer(args, out)
    })
}

/// Makes the plan and shows it.
fn answer(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    program::writable([&args.json, &args.svg].into_iter().flatten())?;
    let service = service(args)?;
    let plan = Plan::new(args, &service)?;
    program::publish(
        [
            (&args.json, &|| program::json(&plan)),
            (&args.svg, &|| report::chart::render(&plan, &service)),
        ],
        &report::table::render(&plan),
        out,
    )?;
    Ok(())
}

/// The service time, once every number of the command line has been found to make sense.
fn service(args: &Args) -> Result<Service, Failure> {
    let refuse = |option, given: String, must| {
        Err(Failure::Argument {
            option,
            given,
            must,
        })
    };
    // Wide enough for anything that is served, and within what every model takes.
    let sound = |value: f64| (1e-12..=1e12).contains(&value);
    if !sound(args.arrivals.per_second) {
        let must = "lie between 1e-12/s and 1e12/s";
        let given = format!("{:?}/s", args.arrivals.per_second);
        return refuse("--arrivals", given, must);
    }
    let must = "lie between 1e-12 s and 1e12 s";
    let mean = args.service.0;
    for (option, seconds) in [("--service", mean), ("--target", args.target.most.0)] {
        if !sound(seconds) {
            return refuse(option, format!("{seconds:?} s"), must);
        }
    }
    let scv = match (args.scv, args.deviation) {
        (Some(scv), _) => scv,
        (None, Some(deviation)) => (deviation.0 / mean).powi(2),
        (None, None) => 1.0,
    };
    let (option, given) = match args.deviation {
        Some(deviation) => ("--deviation", format!("{:?} s", deviation.0)),
        None => ("--scv", format!("{scv:?}")),
    };
    if !(0.0..=1e6).contains(&scv) || args.deviation.is_some_and(|time| time.0 < 0.0) {
        let must = "lie between 0 and 1e6, or a --deviation between 0 and 1000 times --service";
        return refuse(option, given, must);
    }
    for &growth in &args.growth {
        if !(growth > -100.0 && growth <= 1e6) {
            return refuse(
                "--growth",
                growth.to_string(),
                "be above -100 % and at most 1e6 %",
            );
        }
    }
    Ok(Service::new(mean, scv))
}
