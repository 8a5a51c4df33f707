//! The rows of a CSV file as records: cut into blocks by the source, into fields by the workers.
//!
//! - `source`: the reader and its header.
//! - `dialect`: delimiter and quote; it finds record ends for the cut, and fields for the row.
//! - `row`: a record with its fields, as the process function is given it.
//! - `error`: what may be wrong with a row.

mod dialect;
mod error;
mod row;
mod source;

pub use error::{CsvError, CsvErrorKind};
pub use row::{Column, CsvBlock, CsvRow, Fields};
pub use source::{Csv, CsvOptions};
