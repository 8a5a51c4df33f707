//! What does it cost to ask for a page of customers at once, and how many loads do many pages share?
//!
//! `page`: fifty keys of which ten are missing, by one call that loads them together, next to the same by hand: fifty
//! `get`s, one load of what is missing, ten `insert`s. The time of the load itself, which only makes the pairs, is measured
//! beside them and taken off. `pages`: sixty-four callers at once, threads or tasks, and how many loads of 2 ms they make.
//!
//! All of one case is measured in turn, in rounds (`--rounds`). A time is the median over the rounds; a ratio is the median,
//! with its quartiles, of the ratio within a round. Rows that end in `again` measure the row before a second time: what
//! they differ by is noise.

use std::io::{self, Write};

use clap::{Parser, ValueEnum};

mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod now;
    pub(crate) mod rounds;
    pub(crate) mod together;
}

mod many {
    //! The questions, one a file, and the bound that the second one is held against.
    pub(crate) mod ideal;
    pub(crate) mod page;
    pub(crate) mod pages;
}

use many::{page, pages};
use support::arguments::Common;

/// The keys of a page.
const PAGE: usize = 50;

#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Part::Page, Part::Pages])]
    parts: Vec<Part>,
    /// Rounds that count; one before them warms up.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    Page,
    Pages,
}

/// How much is done of it.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    /// Customers and capacities are divided by this.
    pub(crate) smaller: usize,
    /// Pages of a round.
    pub(crate) pages: usize,
    /// Callers at once.
    pub(crate) callers: usize,
    pub(crate) rounds: usize,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let scale = if arguments.common.is_test() {
        Scale {
            smaller: 100,
            pages: 2,
            callers: 8,
            rounds: 1,
        }
    } else {
        Scale {
            smaller: 1,
            pages: 200,
            callers: 64,
            rounds: arguments.rounds.max(1),
        }
    };
    let mut out = io::stdout().lock();
    for part in arguments.parts {
        match part {
            Part::Page => page::measure(&mut out, scale)?,
            Part::Pages => pages::measure(&mut out, scale)?,
        }
        writeln!(out)?;
    }
    Ok(())
}
