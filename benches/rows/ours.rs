//! The job as a batch: blocks are cut by the source, parsed and encoded by the workers, and written in order.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use crm_batch::{Batch, Csv, Writer};

use super::blocks::Blocks;
use super::row::{HEADER, encode};

type Done = Result<(), Box<dyn Error + Send + Sync>>;

/// With the source of the crate.
pub(crate) fn run(input: &Path, output: &Path) -> Done {
    let mut out = File::create(output)?;
    out.write_all(HEADER)?;
    let ended = Batch::new()
        .job(Csv::open(input)?)
        .encode(|fields, row| encode(fields.fields()?, row))
        .into(Writer::new(out))
        .run();
    done(ended)
}

/// With a source that parses by `csv-core`, as the programs by hand do.
pub(crate) fn run_core(input: &Path, output: &Path) -> Done {
    let mut out = File::create(output)?;
    out.write_all(HEADER)?;
    let ended = Batch::new()
        .job(Blocks::open(input)?)
        .encode(|fields, row| encode(fields, row))
        .into(Writer::new(out))
        .run();
    done(ended)
}

fn done<T, E: fmt::Display>(ended: Result<T, E>) -> Done {
    match ended {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{error:#}").into()),
    }
}
