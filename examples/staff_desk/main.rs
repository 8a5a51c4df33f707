//! What Erlang C and Erlang A would have said of a call centre's days, beside what really happened.
//!
//! ```text
//! $ cargo run --release --example staff_desk -- anonbank_1999-01.csv.gz
//! anonbank_1999-01.csv.gz: 30,130 calls at the desk on 29 days
//!   19 bad lines passed over, 240 left out, 1,198 gave up before the desk, 12 came while no agent was there
//! mean patience 366 s; more was offered than all agents could serve in 248 of 794 half-hours
//! while somebody waited, 4.93 agents were serving of 4.96 that are counted as there
//!
//!                                                       waits                  gives up          mean wait           in 20 s                 needs
//!   from   calls   load   agents   service   patience     was       C      A        was      A         was       A       was      C      A       A
//! ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
//!    ...
//!  10:00    56.6    6.1      5.9     195 s      419 s    66 %    82 %   66 %       12 %   17 %        50 s    72 s      44 %   20 %   41 %     8.7
//!  10:30    54.4    6.1      5.9     202 s      427 s    69 %    87 %   69 %       11 %   18 %        47 s    77 s      43 %   14 %   37 %     8.8
//!    ...
//!  16:00    71.9    6.1      5.0     152 s      248 s    83 %    96 %   79 %       25 %   26 %        62 s    65 s      26 %    5 %   28 %     8.4
//!    ...
//!
//!              happened   Erlang C        off   Erlang A      off
//! ────────────────────────────────────────────────────────────────
//!      waits     55.3 %     72.2 %     20.1 %     56.4 %   11.5 %
//!   gives up     10.3 %      0.0 %     10.3 %     15.0 %    6.6 %
//!  mean wait       38 s   no bound   no bound       57 s     26 s
//!    in 20 s     54.4 %     30.3 %     26.3 %     49.6 %   12.9 %
//!
//! "off" is the mean distance from what happened, half-hour by half-hour, weighted by calls.
//!
//! who waits:    closer over all is Erlang A (1.1 points off against 16.8), half-hour by half-hour Erlang A (11.5 points off against 20.1)
//! who gives up: closer over all is Erlang A (4.7 points off against 10.3), half-hour by half-hour Erlang A (6.6 points off against 10.3)
//! 80 % within 20 s would have taken 6.08 agents by Erlang A and 6.40 by Erlang C; 4.54 were there.
//! ```
//!
//! How to read it:
//!
//! - **calls, load, agents, service, patience.** What the log says of a half-hour, on average over its days. `desk.rs` tells how
//!   each is estimated; the hardest is the number of agents, about which `agents.rs` has more.
//! - **waits, gives up, mean wait, in 20 s.** "was" is what happened, C and A are what the models make of load and agents. Of
//!   all callers, so many have to wait, give up waiting, wait for so long on average, and are served after at most 20 s.
//! - **Erlang C** knows no impatience. Nobody gives up, and where more is offered than the agents can serve, all wait without
//!   bound. **Erlang A** has callers who give up.
//! - **off.** Where a model is too high on one day and too low on another, the mean over all conceals it; this one does not.
//! - **needs.** The agents that would have reached the target, by Erlang A. They are to be at the desk all the time; with
//!   `--shrinkage`, those who must be scheduled for that are told too.
//! - **while somebody waited.** All who are there should be serving then. Where far more are counted than serve, they were not
//!   there, and the models were asked about another desk than that of the log.
//!
//! The models take each half-hour as if its load had been there for ever: a line that is left over from the half-hour before, or
//! has not grown yet, is not in them. And what is estimated from one half-hour has its chance in it, to which the models add
//! theirs. So on the generated log, whose truth is Erlang A, even Erlang A has 13.9 % give up where 12.1 % did.
//!
//! The order of events is here. `reader` and `call` know the log, `generator` makes one, `agents` counts who was there, `desk`
//! estimates and asks the models, and `report` has the table and the picture. See also `examples/README.md`, or
//! `cargo run --release --example staff_desk -- --help`.

mod agents;
mod args;
#[path = "../support/bad_lines.rs"]
mod bad_lines;
mod call;
#[path = "../support/command.rs"]
mod command;
mod desk;
mod failure;
mod generator;
#[path = "../support/label.rs"]
mod label;
#[path = "../support/log_lines.rs"]
mod log_lines;
#[path = "../support/page.rs"]
mod page;
#[path = "../support/plot.rs"]
mod plot;
#[path = "../support/program.rs"]
mod program;
mod reader;
mod report;
#[cfg(test)]
#[path = "../support/testing.rs"]
mod testing;
#[cfg(test)]
mod tests;
#[path = "../support/unpacked.rs"]
mod unpacked;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::args::Args;
use crate::desk::Desks;
use crate::failure::Failure;
use crate::generator::Profile;
use crate::report::Report;

fn main() -> ExitCode {
    run(env::args_os(), &mut io::stdout(), &mut io::stderr())
}

/// The program, with its command line and the places where it writes: the figures to `out`, messages to `err`.
fn run(
    arguments: impl Iterator<Item = OsString>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> ExitCode {
    command::run("staff_desk", arguments, out, err, |args, out, err| {
        publish(args, &compare(args, err)?, out)
    })
}

/// Reads the log and asks the models.
fn compare(args: &Args, err: &mut impl Write) -> Result<Report, Failure> {
    program::writable([&args.json, &args.svg].into_iter().flatten())?;
    check(args)?;
    let (name, (log, bad)) = match &args.file {
        Some(file) => {
            let name = file.display().to_string();
            let source = unpacked::unpacked(file).map_err(|error| Failure::Read {
                log: name.clone(),
                error,
            })?;
            let read = reader::read(source, &name, args)?;
            let name = file
                .file_name()
                .map_or(name, |name| name.to_string_lossy().into_owned());
            (name, read)
        }
        None => {
            let name = format!("generated log, seed {}", args.seed);
            let log = Profile::example().log(args.days, args.seed);
            let read = reader::read(log.as_bytes(), &name, args)?;
            (name, read)
        }
    };
    let _ = bad.tell(err);
    let desks = Desks::new(args, &log, &name)?;
    Ok(Report::new(args, name, &log, bad, desks))
}

/// Refuses numbers that make no sense, by the names of their options.
fn check(args: &Args) -> Result<(), Failure> {
    let within = |low: f64, high: f64| move |value: f64| value > low && value < high;
    let hundred = "be above 0 and below 100";
    // NaN fails every comparison.
    let numbers = [
        (
            "the percentage of --target",
            Some(args.target.percent),
            within(0.0, 100.0)(args.target.percent),
            hundred,
        ),
        (
            "the seconds of --target",
            Some(args.target.seconds),
            (0.0..=86_400.0).contains(&args.target.seconds),
            "lie between 0 and a day",
        ),
        (
            "--shrinkage",
            Some(args.shrinkage),
            args.shrinkage == 0.0 || within(0.0, 100.0)(args.shrinkage),
            "be at least 0 and below 100",
        ),
        (
            "--occupancy",
            args.occupancy,
            args.occupancy.is_none_or(within(0.0, 100.0)),
            hundred,
        ),
        (
            "--patience",
            args.patience,
            args.patience
                .is_none_or(|seconds| (1e-3..=1e9).contains(&seconds)),
            "lie between 0.001 and 1e9 seconds",
        ),
        (
            "--interval",
            Some(f64::from(args.interval)),
            1_440 % args.interval == 0,
            "divide the 1440 minutes of a day",
        ),
    ];
    for (option, given, sound, must) in numbers {
        if let (Some(given), false) = (given, sound) {
            return Err(Failure::Argument {
                option,
                given,
                must,
            });
        }
    }
    Ok(())
}

/// The table to `out`, and the files that were asked for.
fn publish(args: &Args, report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    program::publish(
        [
            (&args.json, &|| program::json(report)),
            (&args.svg, &|| report::chart::render(report)),
        ],
        &report::table::render(report),
        out,
    )?;
    Ok(())
}
