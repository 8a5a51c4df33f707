//! A source and a sink over SQLite.
//!
//! - `sink`: when a transaction begins, commits, and is taken back.
//! - `ledger`: the table that holds the checkpoints, and all SQL about it.
//! - `rows`: the pages of a query.

mod error;
mod ledger;
mod rows;
mod sink;

pub use error::SqliteError;
pub use rows::SqliteRows;
pub use sink::SqliteSink;
