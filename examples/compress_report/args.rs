//! What the command line says.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;
use crm_perf::compress::{Coding, Level};

use crate::setting;
use crate::units::{Line, Size};

/// What would compression save on your own bodies? Measures each coding and level, and says which one it would choose.
///
/// A body is what one response holds: a file, each file of a folder, or each line with --lines. It is
/// encoded, decoded again and compared; then all settings are measured in turn, again and again, until
/// the time is up. The time on the line is that of encoding the whole body and of sending what came of
/// it; nothing is counted for the way there and back.
///
/// The table goes to standard output; progress and what was passed over go to standard error. Ctrl-C
/// ends the program at any time: files are written at the end, and older ones stay as they are.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "compress_report",
    max_term_width = 110,
    verbatim_doc_comment,
    after_help = "Examples:\n  \
        compress_report customers.json orders.csv\n  \
        compress_report responses/ --line 50Mbit/s --svg lines.svg\n  \
        compress_report records.ndjson --lines                  each line is a body; tells what a dictionary brings\n  \
        curl -s http://localhost:3000/customers | compress_report - --coding gzip --level all"
)]
pub(crate) struct Args {
    /// Bodies: files, folders with all that is in them, or `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// Each line of a file is a body of its own; blank ones are none
    #[arg(long)]
    pub(crate) lines: bool,

    /// The speed of the line to the client: `10Mbit/s`, `256kbit/s`, `1Gbit/s`
    #[arg(
        long,
        value_name = "SPEED",
        default_value = "10Mbit/s",
        allow_hyphen_values = true
    )]
    pub(crate) line: Line,

    /// Counts the time in which this machine decodes a body as well
    #[arg(long)]
    pub(crate) decompress: bool,

    /// The codings to measure [default: all that this build can send]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = coding)]
    pub(crate) coding: Vec<Coding>,

    /// The levels: `named` for fastest, balanced and smallest, `all`, or a list such as `fastest,4,6`
    #[arg(long, value_name = "LIST", default_value = "named")]
    pub(crate) level: Levels,

    /// How often a body is sent that is made once and sent often
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) sends: u32,

    /// For how long to measure, in seconds; each setting is measured once on each body however long that takes
    #[arg(long, value_name = "NUMBER", default_value = "10", value_parser = seconds, allow_hyphen_values = true)]
    pub(crate) seconds: f64,

    /// The most to read, all bodies together
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    pub(crate) limit: Size,

    /// The most bodies to measure; of more, so many are taken evenly
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) most: u32,

    /// Shows a table for each body, however many there are
    #[arg(long)]
    pub(crate) each: bool,

    /// Writes every figure as JSON; times are in seconds
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Draws the time on the line against bytes
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

/// Which levels are measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Levels {
    /// Every number on the scale of each coding.
    All,
    List(Vec<Level>),
}

impl FromStr for Levels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = [Level::Fastest, Level::Balanced, Level::Smallest];
        match text.trim() {
            "all" => return Ok(Self::All),
            "named" => return Ok(Self::List(named.into())),
            _ => {}
        }
        let mut levels = Vec::new();
        for part in text.split(',') {
            let part = part.trim();
            let level = named
                .into_iter()
                .find(|level| level.to_string() == part)
                .or_else(|| part.parse().ok().map(Level::Exact))
                .ok_or_else(|| {
                    format!("`{part}` is no level: give fastest, balanced, smallest or a number")
                })?;
            if !levels.contains(&level) {
                levels.push(level);
            }
        }
        Ok(Self::List(levels))
    }
}

fn coding(text: &str) -> Result<Coding, String> {
    let known = setting::codings();
    let found = text
        .trim()
        .parse()
        .ok()
        .filter(|coding| known.contains(coding));
    found.ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|coding| coding.name()).collect();
        format!(
            "`{text}` is no coding of this build: it has {}",
            names.join(", ")
        )
    })
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.trim().parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err(format!("`{text}` is no time: give seconds from 0 to 86400")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["compress_report", "body"], arguments].concat())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn levels_are_names_numbers_or_all() {
        let levels = |text| parse(&["--level", text]).unwrap().level;
        assert_eq!(levels("all"), Levels::All);
        assert_eq!(
            parse(&[]).unwrap().level,
            levels("fastest, balanced,smallest")
        );
        assert_eq!(
            levels("6,smallest,6"),
            Levels::List(vec![Level::Exact(6), Level::Smallest])
        );
    }

    #[test]
    fn codings_are_those_of_the_build() {
        let args = parse(&["--coding", "gzip,deflate"]).unwrap();
        assert_eq!(args.coding, [Coding::Gzip, Coding::Deflate]);
        let told = parse(&["--coding", "compress"]).unwrap_err().to_string();
        assert!(told.contains("this build: it has gzip, deflate"), "{told}");
        // Identity is always beside the others, and no coding.
        assert!(parse(&["--coding", "identity"]).is_err());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            ["--level", "quick"],
            ["--level", ""],
            ["--level", "-1"],
            ["--line", "0"],
            ["--line", "fast"],
            ["--line", "-5Mbit/s"],
            ["--seconds", "-1"],
            ["--seconds", "NaN"],
            ["--limit", "much"],
            ["--limit", "0"],
            ["--sends", "1"],
            ["--most", "0"],
        ] {
            assert!(parse(&bad).is_err(), "{bad:?}");
        }
        assert!(Args::try_parse_from(["compress_report"]).is_err());
    }
}
