//! What does it cost to have a cache load what is missing?
//!
//! `hit`: asking for what is there, by the call that would load it, next to the plain `get` of the same cache. `miss`: a load
//! that does nothing, so that what is left is what the cache adds to a load, next to `get` and `insert` by hand.
//! `stampede`: a thousand ask for one key at once, threads or tasks; how many loads there are, and how long after the
//! load's end the last one has its value, next to a bare primitive that wakes as many.
//!
//! All of one case is measured in turn, in rounds (`--rounds`). A time is the median over the rounds; a ratio is the median,
//! with its quartiles, of the ratio within a round. Rows that end in `again` measure the row before a second time: what
//! they differ by is noise. Values are bare numbers, so that no counting of references hides what is compared.

use std::io::{self, Write};

use clap::{Parser, ValueEnum};

mod support {
    //! What this benchmark shares with others.
    pub(crate) mod arguments;
    pub(crate) mod now;
    pub(crate) mod rounds;
    pub(crate) mod together;
    pub(crate) mod zipf;
}

mod loading {
    //! The questions, one a file.
    pub(crate) mod hit;
    pub(crate) mod miss;
    pub(crate) mod stampede;
}

use loading::{hit, miss, stampede};
use support::arguments::Common;

#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Part::Hit, Part::Miss, Part::Stampede])]
    parts: Vec<Part>,
    /// The numbers of threads for hits and misses.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2])]
    threads: Vec<usize>,
    /// Rounds that count; one before them warms up.
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    Hit,
    Miss,
    Stampede,
}

/// How much is done of it.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    /// Customers, capacities, requests and waiters are divided by this.
    pub(crate) smaller: usize,
    pub(crate) rounds: usize,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let scale = if arguments.common.is_test() {
        Scale {
            smaller: 100,
            rounds: 1,
        }
    } else {
        Scale {
            smaller: 1,
            rounds: arguments.rounds.max(1),
        }
    };
    let mut out = io::stdout().lock();
    for part in arguments.parts {
        match part {
            Part::Hit => hit::measure(&mut out, scale, &arguments.threads)?,
            Part::Miss => miss::measure(&mut out, scale, &arguments.threads)?,
            Part::Stampede => stampede::measure(&mut out, scale)?,
        }
        writeln!(out)?;
    }
    Ok(())
}
