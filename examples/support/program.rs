//! What the programs have in common: how a command line is refused, and where figures go.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

/// A file of ours that cannot be written.
#[derive(Debug)]
pub(crate) struct CannotWrite {
    pub(crate) file: PathBuf,
    pub(crate) error: io::Error,
}

impl fmt::Display for CannotWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write {}: {}", self.file.display(), self.error)
    }
}

impl std::error::Error for CannotWrite {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

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

/// Whether the files can be written: better known now than after a minute. What they hold stays until then.
pub(crate) fn writable<'a>(
    files: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<(), CannotWrite> {
    for file in files {
        let opened = File::options().append(true).create(true).open(file);
        opened.map_err(|error| CannotWrite {
            file: file.clone(),
            error,
        })?;
    }
    Ok(())
}

/// Writes the files that were asked for, and the table to `out`.
pub(crate) fn publish<const N: usize>(
    files: [(&Option<PathBuf>, &dyn Fn() -> String); N],
    table: &str,
    out: &mut impl Write,
) -> Result<(), CannotWrite> {
    // The files come first: they are kept when the reader of the table has gone away.
    for (file, content) in files {
        if let Some(file) = file {
            fs::write(file, content()).map_err(|error| CannotWrite {
                file: file.clone(),
                error,
            })?;
        }
    }
    match out.write_all(table.as_bytes()) {
        // As of `| head`, which has what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| CannotWrite {
            file: PathBuf::from("standard output"),
            error,
        }),
    }
}

/// Every figure, for a program.
pub(crate) fn json(report: &impl Serialize) -> String {
    // Numbers, text and lists: there is nothing that could fail.
    let mut json = serde_json::to_string_pretty(report).unwrap_or_default();
    json.push('\n');
    json
}
