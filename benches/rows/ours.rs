//! The job as a batch: blocks are cut by the source, parsed and encoded by the workers, and written in order.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use crm_batch::{Batch, Writer};

use super::blocks::Blocks;
use super::row::{HEADER, encode};

pub(crate) fn run(input: &Path, output: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut out = File::create(output)?;
    out.write_all(HEADER)?;
    let report = Batch::new()
        .job(Blocks::open(input)?)
        .encode(|fields, row| encode(fields, row))
        .into(Writer::new(out))
        .run();
    match report {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string().into()),
    }
}
