//! The file of scores and the file of rejects, each with a header, through a kill or not.

use std::path::Path;
use std::time::Duration;

use crm_perf::batch::{
    Checkpoint, CsvRow, End, Entry, FileError, FileSink, JobId, Recover, Sink, Skip,
};

use crate::args::rejects_of;
use crate::customer::Reason;
use crate::score::HEADER;

const REJECTS_HEADER: &str = "record,byte,reason,row\n";

/// A file sink whose files have headers.
///
/// A header is written with the first row behind it, so that it is durable exactly when a row is: the counts of the
/// checkpoint tell whether it stands in the file.
pub(crate) struct Scores {
    files: FileSink,
    written: u64,
    rejected: u64,
    /// A run has been gone on from that had written everything, so that only the names are to be given.
    complete: bool,
    row: Vec<u8>,
}

impl Scores {
    pub(crate) fn create(output: &Path, every: Duration) -> Self {
        let files = FileSink::create(output)
            .with_rejects(rejects_of(output))
            .commit_every(every);
        Self {
            files,
            written: 0,
            rejected: 0,
            complete: false,
            row: Vec::new(),
        }
    }

    /// Takes a row that is no customer: where it stands, why, and as it is.
    pub(crate) fn reject(
        &mut self,
        skip: &Skip<Reason>,
        row: Option<CsvRow<'_>>,
    ) -> Result<(), FileError> {
        if self.rejected == 0 {
            self.files.reject(REJECTS_HEADER)?;
        }
        self.rejected += 1;
        let (offset, raw) = row.map_or((0, &b""[..]), |row| (row.place().offset, row.raw()));
        let reason = skip.failure().to_string();
        self.row.clear();
        let place = format!("{},{offset},", skip.position());
        self.row.extend_from_slice(place.as_bytes());
        quote(reason.as_bytes(), &mut self.row);
        self.row.push(b',');
        quote(raw, &mut self.row);
        self.row.push(b'\n');
        self.files.reject(&self.row)
    }

    /// The file of rejects gets its header even if there are none.
    fn head(&mut self) -> Result<(), FileError> {
        if self.written == 0 {
            Sink::<&[u8]>::write(&mut self.files, HEADER.as_bytes())?;
        }
        if self.rejected == 0 {
            self.files.reject(REJECTS_HEADER)?;
        }
        Ok(())
    }
}

impl Sink<&[u8]> for Scores {
    type Error = FileError;

    fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Result<(), FileError> {
        self.written = from.map_or(0, |entry| entry.written);
        self.rejected = from.map_or(0, |entry| entry.skipped);
        Sink::<&[u8]>::begin(&mut self.files, job, from)
    }

    #[inline]
    fn write(&mut self, row: &[u8]) -> Result<(), FileError> {
        if self.written == 0 {
            Sink::<&[u8]>::write(&mut self.files, HEADER.as_bytes())?;
        }
        self.written += 1;
        self.files.write(row)
    }

    fn commit(&mut self, entry: &Entry) -> Result<(), FileError> {
        Sink::<&[u8]>::commit(&mut self.files, entry)
    }

    fn finish(&mut self, entry: &Entry, end: End) -> Result<(), FileError> {
        if end == End::Complete && !self.complete {
            self.head()?;
        }
        Sink::<&[u8]>::finish(&mut self.files, entry, end)
    }

    fn committed(&self) -> Option<Entry> {
        Sink::<&[u8]>::committed(&self.files)
    }
}

impl Recover for Scores {
    type Error = FileError;

    fn recover(&mut self, name: &str) -> Result<Option<Checkpoint>, FileError> {
        let found = self.files.recover(name)?;
        self.complete = found.as_ref().is_some_and(|checkpoint| checkpoint.complete);
        Ok(found)
    }
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
