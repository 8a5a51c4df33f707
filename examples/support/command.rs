//! A program from its command line to its exit code: how what is wrong with either is told.

use std::ffi::OsString;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

/// Runs the program `name`: its `work` gets the command line and the places where it writes, figures to `out` and messages to
/// `err`. Help goes to `out`, and what is refused to `err`, in one line unless it is the command line itself.
pub(crate) fn run<A: Parser, O: Write, E: Write, F: fmt::Display>(
    name: &str,
    arguments: impl Iterator<Item = OsString>,
    out: &mut O,
    err: &mut E,
    work: impl FnOnce(&A, &mut O, &mut E) -> Result<(), F>,
) -> ExitCode {
    // Nobody is left to tell when a message cannot be written; the exit code still tells.
    let args = match A::try_parse_from(arguments) {
        Ok(args) => args,
        Err(usage) => {
            let text = usage.render();
            let _ = if usage.use_stderr() {
                write!(err, "{text}")
            } else {
                write!(out, "{text}")
            };
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2));
        }
    };
    match work(&args, out, err) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(err, "{name}: {failure}");
            ExitCode::FAILURE
        }
    }
}
