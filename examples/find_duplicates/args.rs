//! What the command line says.

use std::path::PathBuf;

use clap::Parser;
use clap::builder::RangedU64ValueParser;

use crate::layout::{Compare, Pass};

/// Who is in the file twice? Finds pairs of records that look alike, and tells how many of the known ones it has found.
///
/// Records that share a key are a block, and only records of a block are compared: each pair once, field by field, by
/// Jaro-Winkler similarity. Pairs above the threshold are joined into clusters. Layouts that are known need no options:
/// files of Febrl, and the historical figures of Splink. A file without known clusters is searched without a judgement.
///
/// The report goes to standard output; progress and rows that are passed over go to standard error.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "find_duplicates",
    max_term_width = 110,
    verbatim_doc_comment,
    after_help = "Examples:\n  \
        find_duplicates                                                a generated file\n  \
        find_duplicates febrl_3.csv --pairs pairs.csv                  a layout that is known\n  \
        find_duplicates people.csv --compare name:2,born:3,town:1 --block name:soundex+born:4 --block town+name:3"
)]
pub(crate) struct Args {
    /// The records, as CSV with a header, plain or packed by gzip; without it they are generated
    #[arg(value_name = "FILE", conflicts_with_all = ["rows", "seed"])]
    pub(crate) file: Option<PathBuf>,

    /// The columns to compare, and how much each counts, as `name:2,born:3` [default: those of the layout]
    #[arg(long, value_name = "COLUMN:WEIGHT,...", value_delimiter = ',', value_parser = crate::layout::compare)]
    pub(crate) compare: Vec<Compare>,

    /// A pass of blocking: records that agree in these columns are compared; of a column, all of it, its first letters or its
    /// Soundex code count. Give it once for each pass [default: those of the layout]
    #[arg(long, value_name = "COLUMN[:LETTERS|:soundex]+...", value_parser = crate::layout::pass)]
    pub(crate) block: Vec<Pass>,

    /// The column that names a record [default: that of the layout, or the number of the record]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) id: Option<String>,

    /// The column that says which records are the same one [default: that of the layout]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) cluster: Option<String>,

    /// Records of a block at most; larger ones are skipped, and counted
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = RangedU64ValueParser::<usize>::new().range(2..))]
    pub(crate) largest_block: usize,

    /// From which similarity on a pair is found, from 0 to 1 [default: that of the layout, or 0.7]
    #[arg(long, value_name = "SIMILARITY", value_parser = similarity)]
    pub(crate) threshold: Option<f32>,

    /// Records to generate
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = RangedU64ValueParser::<u64>::new().range(1..=10_000_000))]
    pub(crate) rows: u64,

    /// Decides the generated records
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Threads of the comparison [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_024))]
    pub(crate) threads: Option<usize>,

    /// Writes the pairs that were found, as CSV: two records, their similarity, and whether the known clusters join them
    #[arg(long, value_name = "FILE")]
    pub(crate) pairs: Option<PathBuf>,

    /// Writes every figure as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

fn similarity(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("give a number from 0 to 1, as 0.85".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::layout::{Key, Part};

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["find_duplicates"], arguments].concat())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn columns_have_weights_and_passes_have_parts() {
        let args = parse(&[
            "--compare",
            "name:2,born:0.5",
            "--block",
            "name:soundex+born:4",
            "--block",
            "town",
        ])
        .unwrap();
        let weights: Vec<_> = args
            .compare
            .iter()
            .map(|of| (&*of.column, of.weight))
            .collect();
        assert_eq!(weights, [("name", 2.0), ("born", 0.5)]);
        let key = |column: &str, part| Key {
            column: column.to_owned(),
            part,
        };
        assert_eq!(
            args.block[0].0,
            [key("name", Part::Soundex), key("born", Part::Letters(4))]
        );
        assert_eq!(args.block[1].0, [key("town", Part::Whole)]);
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for bad in [
            &["--compare", "name"][..],
            &["--compare", "name:0"],
            &["--compare", "name:-1"],
            &["--compare", "name:inf"],
            &["--compare", ":1"],
            &["--block", ""],
            &["--block", "name:0"],
            &["--block", "name:all"],
            &["--block", "name+"],
            &["--threshold", "1.1"],
            &["--threshold", "nan"],
            &["--largest-block", "1"],
            &["--threads", "0"],
            &["file", "--rows", "5"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
