//! What the command line says.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Parser, ValueEnum};

/// How many entries does your cache need? Replays an access log at many capacities.
///
/// The log holds one key for each request, in order. It is replayed through the real cache for each
/// capacity and policy: a request gets its key, and inserts it on a miss. Each replay is one client,
/// one pass, and begins with an empty cache. Beside the policies stand exact LRU, which is LRU with
/// one shard, and the optimum, which knows all future requests and which no cache can beat.
///
/// The table goes to standard output; progress and bad lines go to standard error.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "cache_replay",
    max_term_width = 110,
    verbatim_doc_comment,
    after_help = "Examples:\n  \
        cache_replay requests.log                              one key a line\n  \
        cache_replay online_retail.csv.gz --column CustomerID  one column of a CSV file with a header\n  \
        cache_replay access.log --column 7 --delimiter ' '     the seventh field of a web server's log\n  \
        cache_replay trace.u32.gz --capacity 1000,2000,4000 --svg curve.svg"
)]
pub(crate) struct Args {
    /// The access log: text with one key a line, CSV with --column, or numbers as .u32; each plain or gzip
    ///
    /// A file whose name ends in .u32 or .u32.gz holds one little-endian number of 32 bits for each
    /// request. Any other is text. Whether it is packed is seen from its content.
    #[arg(value_name = "FILE", verbatim_doc_comment)]
    pub(crate) file: PathBuf,

    /// The column that holds the key, by its name in the header or by its number from 1 (then there is no header)
    #[arg(long, value_name = "NAME|NUMBER", value_parser = column)]
    pub(crate) column: Option<Column>,

    /// The first line names the columns and is no request; a --column with a name implies it
    #[arg(long)]
    pub(crate) header: bool,

    /// What separates columns: one character, or `tab`
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = crate::log_lines::delimiter)]
    pub(crate) delimiter: u8,

    /// The capacities to try, in entries, as `1000,2000,5000`, or `auto`: from 1/1000 of the distinct keys to all of them,
    /// four to a decade
    #[arg(long, value_name = "LIST|auto", default_value = "auto", value_parser = capacities)]
    pub(crate) capacity: Capacities,

    /// The policies to try
    #[arg(
        long,
        value_name = "LIST",
        value_enum,
        value_delimiter = ',',
        default_value = "adaptive,lru"
    )]
    pub(crate) policy: Vec<PolicyName>,

    /// Shards of the cache [default: what the cache chooses for the capacity and this machine]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=65_536))]
    pub(crate) shards: Option<usize>,

    /// Writes every figure as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Draws hit ratio against capacity
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

impl Args {
    /// The policies, each once, in the order in which they were named.
    pub(crate) fn policies(&self) -> Vec<PolicyName> {
        let mut policies = Vec::new();
        for policy in &self.policy {
            if !policies.contains(policy) {
                policies.push(*policy);
            }
        }
        policies
    }
}

/// Where the key stands in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Counted from 0.
    Number(usize),
    Name(String),
}

/// Which capacities are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Capacities {
    Auto,
    /// Ascending, each once.
    List(Vec<usize>),
}

/// A policy of the cache, as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyName {
    /// learns from the reuse that it sees
    Adaptive,
    /// least recently used, exact within a shard
    Lru,
}

/// A cache takes memory for its whole capacity at once, so a slip of the keyboard must not ask for all there is.
const MOST_ENTRIES: usize = 100_000_000;

fn capacities(text: &str) -> Result<Capacities, String> {
    if text.trim() == "auto" {
        return Ok(Capacities::Auto);
    }
    let number = |part: &str| match part.trim().replace('_', "").parse() {
        Ok(entries @ 1..=MOST_ENTRIES) => Ok(entries),
        _ => Err(format!(
            "`{part}` is no capacity: give `auto`, or numbers from 1 to {MOST_ENTRIES} with commas between them"
        )),
    };
    let mut list = text
        .split(',')
        .map(number)
        .collect::<Result<Vec<usize>, _>>()?;
    list.sort_unstable();
    list.dedup();
    Ok(Capacities::List(list))
}

fn column(text: &str) -> Result<Column, String> {
    match text.parse() {
        Ok(0_usize) => Err("columns are counted from 1".to_owned()),
        Ok(number) => Ok(Column::Number(number - 1)),
        Err(_) if text.trim().is_empty() => Err("give a name or a number".to_owned()),
        Err(_) => Ok(Column::Name(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["cache_replay", "log"], arguments].concat())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn without_options_both_policies_are_tried_at_chosen_capacities() {
        let args = parse(&[]).unwrap();
        assert_eq!(args.capacity, Capacities::Auto);
        assert_eq!(args.policies(), [PolicyName::Adaptive, PolicyName::Lru]);
        assert_eq!(args.delimiter, b',');
    }

    #[test]
    fn lists_are_put_in_order() {
        let args = parse(&["--capacity", "50,1_000, 50,7", "--policy", "lru,lru"]).unwrap();
        assert_eq!(args.capacity, Capacities::List(vec![7, 50, 1000]));
        assert_eq!(args.policies(), [PolicyName::Lru]);
    }

    #[test]
    fn a_column_is_a_number_or_a_name() {
        let column = |text| parse(&["--column", text]).unwrap().column.unwrap();
        assert_eq!(column("7"), Column::Number(6));
        assert_eq!(column("CustomerID"), Column::Name("CustomerID".to_owned()));
        assert_eq!(parse(&["--delimiter", "tab"]).unwrap().delimiter, b'\t');
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for bad in [
            ["--capacity", "0"],
            ["--capacity", ""],
            ["--capacity", "auto,5"],
            ["--capacity", "99999999999"],
            ["--column", "0"],
            ["--column", ""],
            ["--delimiter", "ab"],
            ["--delimiter", "\""],
            ["--policy", "fifo"],
            ["--shards", "0"],
        ] {
            assert!(parse(&bad).is_err(), "{bad:?}");
        }
    }
}
