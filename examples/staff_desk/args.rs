//! What the command line says.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::RangedU64ValueParser;
use clap::{Parser, ValueEnum};

const COLUMNS: &str = "\
What the log calls a column, as ROLE=NAME; may be given several times

The roles, each with the name that it has if no other is given:
  date=date                   the day, in any form
  queue_start=q_start_s       when the call began to wait
  queue_end=q_exit_s          when it ceased to
  outcome=outcome             see --served and --abandoned
  service_start=ser_start_s   when an agent took it
  service_end=ser_exit_s      when the agent was done with it
  agent=server_code           who that was
A time is in seconds of the day or as h:mm:ss; empty or zero means that there was none. What ends before it
began ended after midnight. A call that did not wait has no queue_start, and comes at its service_start.";

/// What would Erlang C and Erlang A have said of a call centre's day, and what did really happen?
///
/// The log has a line for each call, with a header. From it come, by half-hour, the calls, the time an
/// agent spends on one, the patience of those who wait, and the number of agents who were there. Both
/// models are asked with these numbers, and their answers stand beside what the log says: who waited,
/// for how long, who gave up, and who was served in time. In the end it says how many agents a target
/// would have taken.
///
/// Without a file, a log of a desk that never was is generated.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "staff_desk",
    max_term_width = 110,
    verbatim_doc_comment,
    after_help = "Examples:\n  \
        staff_desk                                                   a generated log\n  \
        staff_desk anonbank_1999-01.csv.gz --svg january.svg\n  \
        staff_desk calls.csv --column date=day --column agent=name --served answered --abandoned lost\n  \
        staff_desk calls.csv --target 90/15 --shrinkage 30 --occupancy 85"
)]
pub(crate) struct Args {
    /// The call log: CSV with a header, plain or gzip; without it, one is generated
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// What the log calls a column, as ROLE=NAME; may be given several times
    #[arg(long, value_name = "ROLE=NAME", long_help = COLUMNS)]
    pub(crate) column: Vec<Column>,

    /// What separates columns: one character, or `tab`
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = crate::log_lines::delimiter)]
    pub(crate) delimiter: u8,

    /// The outcome of a call that an agent served
    #[arg(long, value_name = "OUTCOME", default_value = "AGENT")]
    pub(crate) served: String,

    /// The outcome of a call whose caller gave up; it counts where it has waited. Calls with any other outcome are left out
    #[arg(long, value_name = "OUTCOME", default_value = "HANG")]
    pub(crate) abandoned: String,

    /// Leaves out calls with this value in this column; may be given several times
    #[arg(long, value_name = "COLUMN=VALUE")]
    pub(crate) without: Vec<Without>,

    /// How agents are counted
    #[arg(long, value_enum, default_value = "available")]
    pub(crate) agents: Counting,

    /// The length of an interval, in minutes; it divides a day
    #[arg(long, value_name = "MINUTES", default_value_t = 30, value_parser = RangedU64ValueParser::<u32>::new().range(5..=1_440))]
    pub(crate) interval: u32,

    /// Mean patience in seconds, instead of what the log says of it
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(crate) patience: Option<f64>,

    /// The service level: such a percentage of all callers is to be served after at most so many seconds
    #[arg(long, value_name = "PERCENT/SECONDS", default_value = "80/20")]
    pub(crate) target: Target,

    /// For what part of their time agents are away from the desk, in percent
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    pub(crate) shrinkage: f64,

    /// For what part of their time at the desk agents may be busy at most, in percent
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true)]
    pub(crate) occupancy: Option<f64>,

    /// Days of a generated log
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = RangedU64ValueParser::<u32>::new().range(1..=1_000))]
    pub(crate) days: u32,

    /// Decides a generated log
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Writes every figure as JSON, those of each single half-hour too
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Draws who waited and who gave up by time of day
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

impl Args {
    /// The name of the column with this role: the last that was given.
    pub(crate) fn column_name(&self, role: Role) -> &str {
        let given = self.column.iter().rev().find(|column| column.role == role);
        given.map_or(role.default_name(), |column| &column.name)
    }
}

/// What a column says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Role {
    Date,
    QueueStart,
    QueueEnd,
    Outcome,
    ServiceStart,
    ServiceEnd,
    Agent,
}

impl Role {
    const fn default_name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::QueueStart => "q_start_s",
            Self::QueueEnd => "q_exit_s",
            Self::Outcome => "outcome",
            Self::ServiceStart => "ser_start_s",
            Self::ServiceEnd => "ser_exit_s",
            Self::Agent => "server_code",
        }
    }
}

/// A column and its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) role: Role,
    pub(crate) name: String,
}

impl FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (role, name) = halves(text)?;
        let role = Role::from_str(role, true).map_err(|_| {
            format!(
                "`{role}` is no role: there are date, queue_start, queue_end, outcome, service_start, service_end and agent"
            )
        })?;
        Ok(Self {
            role,
            name: name.to_owned(),
        })
    }
}

/// A column and a value: such calls are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Without {
    pub(crate) column: String,
    pub(crate) value: String,
}

impl FromStr for Without {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (column, value) = halves(text)?;
        Ok(Self {
            column: column.to_owned(),
            value: value.to_owned(),
        })
    }
}

fn halves(text: &str) -> Result<(&str, &str), String> {
    let (left, right) = text
        .split_once('=')
        .ok_or_else(|| "there is no `=` in it".to_owned())?;
    Ok((left.trim(), right.trim()))
}

/// How agents are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Counting {
    /// those who serve, and those who pause between two calls while nobody waits; by time
    Available,
    /// those who serve, and those who pause between two calls for at most half an hour; by time
    Present,
    /// all who serve at any time in the half-hour
    Seen,
}

/// A service level: 80/20.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) percent: f64,
    pub(crate) seconds: f64,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(left, right)| {
            Some((left.trim().parse().ok()?, right.trim().parse().ok()?))
        });
        match numbers {
            Some((percent, seconds)) => Ok(Self { percent, seconds }),
            None => Err(format!(
                "`{text}` is no service level: give a percentage and seconds, as 80/20"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["staff_desk"], arguments].concat())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn columns_have_the_names_of_the_layout_until_others_are_given() {
        let args = parse(&[]).unwrap();
        assert_eq!(args.column_name(Role::QueueStart), "q_start_s");
        assert_eq!(args.column_name(Role::Agent), "server_code");
        let args = parse(&["--column", "agent=who", "--column", "queue_start = in"]).unwrap();
        assert_eq!(args.column_name(Role::QueueStart), "in");
        assert_eq!(args.column_name(Role::Agent), "who");
        assert_eq!(args.column_name(Role::Date), "date");
    }

    #[test]
    fn a_target_is_a_percentage_and_seconds() {
        let target = parse(&["--target", "90/15"]).unwrap().target;
        assert_eq!((target.percent, target.seconds), (90.0, 15.0));
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for bad in [
            ["--target", "80"],
            ["--target", "most/20"],
            ["--column", "agent"],
            ["--column", "nobody=x"],
            ["--without", "type"],
            ["--interval", "0"],
            ["--interval", "1441"],
            ["--days", "0"],
            ["--agents", "many"],
            ["--patience", "long"],
        ] {
            assert!(parse(&bad).is_err(), "{bad:?}");
        }
    }
}
