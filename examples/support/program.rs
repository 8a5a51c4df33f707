//! What the programs have in common: how a command line is refused, and where figures go.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
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

/// The command line, or how the program ends without one: help and versions go to `out`, refusals to `err`.
pub(crate) fn arguments<A: Parser>(
    arguments: impl Iterator<Item = OsString>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<A, ExitCode> {
    A::try_parse_from(arguments).map_err(|usage| {
        let text = usage.render();
        // Nobody is left to tell when a message cannot be written; the exit code still tells.
        let _ = if usage.use_stderr() {
            write!(err, "{text}")
        } else {
            write!(out, "{text}")
        };
        ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
    })
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

pub(crate) fn write(file: &Path, content: &str) -> Result<(), CannotWrite> {
    fs::write(file, content).map_err(|error| CannotWrite {
        file: file.to_owned(),
        error,
    })
}

/// Every figure, for a program.
pub(crate) fn json(report: &impl Serialize) -> String {
    // Numbers, text and lists: there is nothing that could fail.
    let mut json = serde_json::to_string_pretty(report).unwrap_or_default();
    json.push('\n');
    json
}

/// Puts the table on standard output.
pub(crate) fn print(out: &mut impl Write, text: &str) -> Result<(), CannotWrite> {
    match out.write_all(text.as_bytes()) {
        // As of `| head`, which has what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| CannotWrite {
            file: PathBuf::from("standard output"),
            error,
        }),
    }
}
