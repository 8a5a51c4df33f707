//! Look-up: the customer of each invoice, in the order in which the invoices came.
//!
//! The record of a customer is computed by one query on the invoice lines: without an index that reads the whole table,
//! with an index the lines of this customer, and through the cache nothing, once the customer is there.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use crm_perf::cache::Cache;
use serde::Serialize;

use super::{Context, invoice_stream};
use crate::customer::Customer;
use crate::database::Database;
use crate::failure::Failure;
use crate::invoice::CustomerId;
use crate::tally::Tally;
use crate::timing::{Spread, clock_cost, nanos, timed};

/// The figures of the leg.
#[derive(Debug, Serialize)]
pub(crate) struct LookUp {
    pub(crate) input: Tally,
    /// What reading the clock twice costs. It is part of every response time below.
    pub(crate) clock_nanos: u64,
    pub(crate) create_index_seconds: f64,
    pub(crate) scan: Way,
    pub(crate) index: Way,
    pub(crate) cache: Way,
    /// The same with a cache that has room for a quarter of the customers.
    pub(crate) small_cache: Way,
}

/// One way to ask.
#[derive(Debug, Serialize)]
pub(crate) struct Way {
    /// How many look-ups were asked, and of how many in the stream.
    pub(crate) asked: usize,
    pub(crate) stream: usize,
    pub(crate) response: Spread,
    pub(crate) per_second: f64,
    pub(crate) cache_entries: Option<usize>,
    pub(crate) hit_ratio: Option<f64>,
}

pub(crate) fn run(context: &Context<'_>, path: &Path) -> Result<LookUp, Failure> {
    context.progress.step("look-up, without an index");
    let mut database = Database::open_to_change(path)?;
    let (counter, stream) = invoice_stream(&database)?;
    let input = counter.tally();

    // A whole table for each look-up is slow: every so-and-so-many-th of the stream stands for all.
    let every = (stream.len() / context.args.scans()).max(1);
    let sample: Vec<CustomerId> = stream.iter().copied().step_by(every).collect();
    let mut by_scan = Vec::new();
    let scan = ask(context, &sample, stream.len(), |id| {
        by_scan.push(database.customer(id)?);
        Ok(())
    })?;

    context.progress.step("look-up, with an index");
    let (indexed, create) = timed(context.clock, || database.create_index());
    indexed?;
    let index = ask(context, &stream, stream.len(), |id| {
        black_box(database.customer(id)?);
        Ok(())
    })?;

    context.progress.step("look-up, through the cache");
    let customers = input.customers as usize;
    // Entries are dealt out to shards by hash, never quite evenly: twice the room is room for everyone.
    let (cache, cached) = through_cache(context, &database, &stream, customers * 2)?;
    let (small_cache, _) = through_cache(context, &database, &stream, customers.div_ceil(4))?;

    for (expected, id) in by_scan.iter().zip(&sample) {
        if database.customer(*id)? != *expected {
            return Err(Failure::Disagree(format!(
                "the index changes the record of customer {id}"
            )));
        }
        if cached.get(id).is_some_and(|found| *found != *expected) {
            return Err(Failure::Disagree(format!(
                "the cache has another record of customer {id}"
            )));
        }
    }
    Ok(LookUp {
        input,
        clock_nanos: clock_cost(context.clock),
        create_index_seconds: create.as_secs_f64(),
        scan,
        index,
        cache,
        small_cache,
    })
}

type Customers = Cache<CustomerId, Arc<Customer>>;

fn through_cache(
    context: &Context<'_>,
    database: &Database,
    stream: &[CustomerId],
    entries: usize,
) -> Result<(Way, Customers), Failure> {
    let cache: Customers = Cache::new(entries);
    let mut way = ask(context, stream, stream.len(), |id| {
        let found = cache.get_or_load(&id, |id| database.customer(*id).map(Arc::new));
        black_box(found.map_err(|error| Failure::Refused(error.to_string()))?);
        Ok(())
    })?;
    way.cache_entries = Some(cache.capacity());
    way.hit_ratio = cache.stats().hit_ratio();
    Ok((way, cache))
}

/// Asks for one customer after the other and times each look-up.
fn ask(
    context: &Context<'_>,
    ids: &[CustomerId],
    stream: usize,
    mut look_up: impl FnMut(CustomerId) -> Result<(), Failure>,
) -> Result<Way, Failure> {
    let mut samples = Vec::with_capacity(ids.len());
    let (asked, whole) = timed(context.clock, || {
        ids.iter().try_for_each(|&id| {
            let (found, elapsed) = timed(context.clock, || look_up(id));
            samples.push(nanos(elapsed));
            found
        })
    });
    asked?;
    Ok(Way {
        asked: ids.len(),
        stream,
        response: Spread::of(&mut samples),
        per_second: ids.len() as f64 / whole.as_secs_f64(),
        cache_entries: None,
        hit_ratio: None,
    })
}
