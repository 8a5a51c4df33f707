//! Where the figures of a program go.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

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
