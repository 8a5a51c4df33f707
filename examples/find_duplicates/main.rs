//! Who is in the file twice: candidate pairs by blocking, similarity field by field, clusters of what is alike.
//!
//! ```text
//! $ cargo run --release --example find_duplicates -- febrl_3.csv
//! febrl_3.csv: 5,000 records, 2,000 known clusters with 6,538 pairs
//! 7 passes, 7,303 blocks of at most 13 records, 0 skipped as too large
//! 8,564 pairs compared, 99.2 % of the known ones among them
//!
//!   threshold   pairs   precision   recall       F1   clusters   largest   precision   recall       F1
//!  ────────────────────────────────────────────────────────────────────────────────────────────────────
//!      > 0.50   6,418     100.0 %   98.1 %   99.0 %      1,164         6     100.0 %   99.4 %   99.7 %
//!        0.55   6,355     100.0 %   97.2 %   98.5 %      1,164         6     100.0 %   98.8 %   99.4 %
//!        0.60   6,245     100.0 %   95.5 %   97.7 %      1,163         6     100.0 %   98.2 %   99.1 %
//!        0.65   5,998     100.0 %   91.7 %   95.6 %      1,154         6     100.0 %   95.3 %   97.5 %
//!        0.70   5,543     100.0 %   84.7 %   91.7 %      1,138         6     100.0 %   88.2 %   93.7 %
//!        0.80   4,766     100.0 %   72.8 %   84.3 %      1,104         6     100.0 %   78.5 %   87.9 %
//!        0.90   3,404     100.0 %   52.0 %   68.4 %      1,008         6     100.0 %   56.7 %   72.4 %
//! ```
//!
//! How to read it:
//!
//! - **among them.** A pair that blocking does not bring together is not found at any threshold: this is the most that
//!   recall can be. More passes raise it, and the pairs to compare with it.
//! - **pairs, and the first precision, recall and F1.** What is above the threshold, and how much of it is right. F1 is
//!   their harmonic mean.
//! - **clusters, largest, and the second three.** What the pairs join, and all pairs within that. Recall grows, for who is
//!   like a third record belongs together. Where one cluster has a large part of the file, a few wrong pairs have joined
//!   what is right: clusters want a higher threshold than pairs do.
//! - **`>`** is the threshold of `--threshold`, and of the file of pairs.
//! - **The last line**, left out above, says how long the comparison took and how evenly the threads shared it. A small file
//!   is done before a second thread is awake.
//!
//! The order of events is here. `table` reads, `layout` knows which columns count, `blocks` and `similarity` say who is
//! compared and how, `search` is the batch, `clusters` joins and judges. See also `examples/README.md`, or
//! `cargo run --release --example find_duplicates -- --help`.

mod args;
mod blocks;
mod clusters;
#[path = "../support/command.rs"]
mod command;
mod failure;
mod generator;
mod layout;
#[path = "../support/people.rs"]
mod people;
#[path = "../support/program.rs"]
mod program;
mod progress;
mod report;
mod search;
mod similarity;
mod soundex;
mod table;
#[cfg(test)]
#[path = "../support/testing.rs"]
mod testing;
#[cfg(test)]
mod tests;
#[path = "../support/unpacked.rs"]
mod unpacked;

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use crate::args::Args;
use crate::blocks::Blocks;
use crate::failure::Failure;
use crate::layout::Layout;
use crate::program::CannotWrite;
use crate::report::Report;
use crate::search::Pair;
use crate::similarity::Measure;
use crate::table::Table;

/// How many rows that were passed over are told.
const BAD_ROWS_SHOWN: usize = 5;

fn main() -> ExitCode {
    run(env::args_os(), &mut io::stdout(), &mut io::stderr())
}

/// The program, with its command line and the places where it writes: the figures to `out`, messages to `err`.
fn run(
    arguments: impl Iterator<Item = OsString>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> ExitCode {
    command::run("find_duplicates", arguments, out, err, |args, out, err| {
        publish(args, &find(args, err)?, out)
    })
}

/// Reads the records and finds who is there twice.
fn find(args: &Args, err: &mut impl Write) -> Result<Report, Failure> {
    program::writable([&args.json, &args.pairs].into_iter().flatten())?;
    let (name, (table, layout)) = read(args)?;
    let _ = tell(&table, err);
    let blocks = Blocks::of(&table, &layout.passes, args.largest_block);
    let measure = Measure::new(&table, &layout.compare);
    let least = report::thresholds(layout.threshold)[0];
    let found = search::search(args, &table, &blocks, &measure, least)?;
    if let Some(file) = &args.pairs {
        let alike = found
            .pairs
            .iter()
            .filter(|pair| pair.similarity >= layout.threshold);
        write_pairs(&table, alike, file)?;
    }
    Ok(Report::new(name, &table, &layout, &blocks, &found))
}

fn read(args: &Args) -> Result<(String, (Table, Layout)), Failure> {
    let Some(file) = &args.file else {
        let name = format!("generated records, seed {}", args.seed);
        let text = generator::records(args.rows, args.seed);
        let read = Table::read(text.as_bytes(), &name, args)?;
        return Ok((name, read));
    };
    let source = unpacked::unpacked(file).map_err(|error| Failure::Open {
        file: file.clone(),
        error,
    })?;
    let read = Table::read(source, &file.display().to_string(), args)?;
    let name = file.file_name().unwrap_or(file.as_os_str());
    Ok((name.to_string_lossy().into_owned(), read))
}

/// Tells the first rows that were passed over, a line each, and how many more there are.
fn tell(table: &Table, err: &mut impl Write) -> io::Result<()> {
    for bad in table.bad.iter().take(BAD_ROWS_SHOWN) {
        writeln!(err, "passed over: {bad}")?;
    }
    if let Some(more @ 1..) = table.bad.len().checked_sub(BAD_ROWS_SHOWN) {
        writeln!(err, "and {more} more bad rows")?;
    }
    Ok(())
}

/// The pairs as CSV.
fn write_pairs<'p>(
    table: &Table,
    pairs: impl Iterator<Item = &'p Pair>,
    file: &std::path::Path,
) -> Result<(), Failure> {
    let write = || {
        let mut out = BufWriter::new(File::create(file)?);
        writeln!(out, "a,b,similarity,known")?;
        for pair in pairs {
            let [a, b] = [pair.a, pair.b].map(|record| quoted(table.id(record)));
            let known = if table.is_known(pair.a, pair.b) {
                "yes"
            } else {
                "no"
            };
            let known = if table.known.is_empty() { "" } else { known };
            writeln!(out, "{a},{b},{:.4},{known}", pair.similarity)?;
        }
        out.flush()
    };
    write().map_err(|error| {
        Failure::Write(CannotWrite {
            file: file.to_owned(),
            error,
        })
    })
}

/// A field of CSV, with quotes where it needs them.
fn quoted(field: String) -> String {
    match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    }
}

/// The figures to `out`, and the file that was asked for.
fn publish(args: &Args, report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    program::publish(
        [(&args.json, &|| program::json(report))],
        &report.render(),
        out,
    )?;
    Ok(())
}
