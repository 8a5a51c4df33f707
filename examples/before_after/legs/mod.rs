//! The five jobs, each measured before and after.
//!
//! | leg | before | after |
//! |---|---|---|
//! | [`import`] | lines parsed and inserted one by one | parsed by crm-batch, inserted in order |
//! | [`lookup`] | the database, without and with an index | crm-cache before the database |
//! | [`scoring`] | one thread | crm-batch |
//! | [`responses`] | JSON as it is | the coding that crm-compress negotiates |
//! | [`load`] | workers that ask the database | workers that ask the cache, and what crm-metrics predicts |

pub(crate) mod arrivals;
pub(crate) mod import;
pub(crate) mod load;
pub(crate) mod lookup;
pub(crate) mod responses;
pub(crate) mod scoring;

use std::path::Path;

use crm_perf::clock::Clock;

use crate::args::Args;
use crate::database::Database;
use crate::failure::Failure;
use crate::invoice::CustomerId;
use crate::progress::Progress;
use crate::tally::Counter;

/// What every leg is given.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) args: &'a Args,
    pub(crate) clock: &'a Clock,
    pub(crate) progress: &'a Progress,
    /// The invoice lines.
    pub(crate) input: &'a Path,
    /// Where databases are made.
    pub(crate) folder: &'a Path,
}

/// Reads every line from the database: the counts, and the customers in the order in which their invoices came, one
/// for each invoice.
fn invoice_stream(database: &Database) -> Result<(Counter, Vec<CustomerId>), Failure> {
    let (mut counter, mut stream) = (Counter::default(), Vec::new());
    let mut last = String::new();
    database.each_line(|invoice, customer| {
        counter.line(customer);
        if invoice != last {
            last.clear();
            last.push_str(invoice);
            stream.extend(customer);
        }
    })?;
    Ok((counter, stream))
}
