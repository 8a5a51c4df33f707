//! The job as a loop over the rows that the `csv` crate reads.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};

use super::row::{HEADER, encode};

pub(crate) fn run(input: &Path, output: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut reader = ReaderBuilder::new()
        .buffer_capacity(64 * 1024)
        .from_path(input)?;
    let mut out = BufWriter::with_capacity(64 * 1024, File::create(output)?);
    out.write_all(HEADER)?;
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        encode(record.iter(), &mut out)?;
    }
    out.flush()?;
    Ok(())
}
