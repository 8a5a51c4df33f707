//! The file of scores and the file of rejects.

use std::path::Path;
use std::time::Duration;

use crm_perf::batch::{CsvRow, FileError, FileSink, Skip};

use crate::args::rejects_of;
use crate::customer::Reason;
use crate::score::HEADER;

const REJECTS_HEADER: &str = "record,byte,reason,row\n";

pub(crate) fn create(output: &Path, every: Duration) -> FileSink {
    FileSink::create(output)
        .header(HEADER)
        .with_rejects(rejects_of(output))
        .rejects_header(REJECTS_HEADER)
        .commit_every(every)
}

/// Takes a row that is no customer: where it stands, why, and as it is.
pub(crate) fn reject(
    files: &mut FileSink,
    skip: &Skip<Reason>,
    row: Option<CsvRow<'_>>,
) -> Result<(), FileError> {
    let (offset, raw) = row.map_or((0, &b""[..]), |row| (row.place().offset, row.raw()));
    let mut line = format!("{},{offset},", skip.position()).into_bytes();
    quote(skip.failure().to_string().as_bytes(), &mut line);
    line.push(b',');
    quote(raw, &mut line);
    line.push(b'\n');
    files.reject(&line)
}

/// A field of CSV in quotes, whatever it holds.
fn quote(field: &[u8], row: &mut Vec<u8>) {
    row.push(b'"');
    for byte in field {
        if *byte == b'"' {
            row.push(b'"');
        }
        row.push(*byte);
    }
    row.push(b'"');
}
