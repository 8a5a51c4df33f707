//! What the command line says.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use clap::builder::RangedU64ValueParser;

/// A customer service that knows how it is doing: axum over SQLite, with crm-cache before it and crm-monitor around it.
///
/// It invents customers, serves them, and shows on /dashboard how that goes. With --load it asks itself, as
/// many customers would who know nothing of each other, so that there is something to see.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "monitored_service",
    max_term_width = 110,
    verbatim_doc_comment,
    after_help = "Examples:\n  \
        monitored_service --load 500/s                         then open http://127.0.0.1:3000/dashboard\n  \
        monitored_service --load 500/s --fail 2% --slow 3%     what an alert looks like\n  \
        monitored_service --load 800/s --query 8ms --cache 500 what the advice looks like\n  \
        curl http://127.0.0.1:3000/metrics                     in another terminal\n  \
        curl http://127.0.0.1:3000/health?format=nagios"
)]
pub(crate) struct Args {
    /// Where to listen; with port 0 the system chooses one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub(crate) listen: SocketAddr,

    /// Customers that are invented
    #[arg(long, value_name = "N", default_value_t = 20_000,
        value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub(crate) customers: u32,

    /// Customers that the cache has room for
    #[arg(long, value_name = "N", default_value_t = 4_000,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=5_000_000))]
    pub(crate) cache: usize,

    /// Connections to the database: so many queries run at once, and others wait
    #[arg(long, value_name = "N", default_value_t = 4,
        value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) connections: u32,

    /// What each query takes beyond SQLite's own time, as of a database that lies elsewhere
    #[arg(long, value_name = "TIME", default_value = "2ms", value_parser = time)]
    pub(crate) query: Duration,

    /// Requests that the program sends to itself, as 500/s; they come at random, whatever becomes of earlier ones
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(crate) load: Option<f64>,

    /// The share of requests that are slow, as 1%
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    pub(crate) slow: f64,

    /// How much longer a slow request takes
    #[arg(long, value_name = "TIME", default_value = "150ms", value_parser = time)]
    pub(crate) slow_by: Duration,

    /// The share of requests that fail, as 0.5%
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    pub(crate) fail: f64,

    /// The time for which an error budget is; a day, so that an alert shows within seconds
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = period)]
    pub(crate) period: Duration,

    /// Ends by itself after so many seconds; without it, when it is interrupted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=31_536_000))]
    pub(crate) seconds: Option<u32>,

    /// Decides the customers, and who is asked for when
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Units of time and their seconds.
const UNITS: [(&str, f64); 6] = [
    ("us", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("min", 60.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
];

/// A longer one is a slip of the pen.
const LONGEST: f64 = 365.0 * 86_400.0;

fn time(text: &str) -> Result<Duration, String> {
    let end = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = UNITS.iter().find(|(name, _)| *name == unit.trim());
    match (number.trim().parse::<f64>(), unit) {
        (Ok(number), Some((_, seconds))) if (0.0..=LONGEST).contains(&(number * seconds)) => {
            Ok(Duration::from_secs_f64(number * seconds))
        }
        _ => Err("give a number and a unit, as 200us, 2ms, 1.5s or 30d".to_owned()),
    }
}

fn period(text: &str) -> Result<Duration, String> {
    let period = time(text)?;
    // The shortest window of its alerts is an 8640th of it, and none is shorter than two looks.
    let least = Duration::from_secs(6 * 3_600);
    let month = Duration::from_secs(30 * 86_400);
    if (least..=month).contains(&period) {
        Ok(period)
    } else {
        Err("give a time from 6h to 30d".to_owned())
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text).trim().parse();
    match number {
        Ok(rate) if (0.1..=20_000.0).contains(&rate) => Ok(rate),
        _ => Err("give requests in a second from 0.1/s to 20000/s".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse().map(|percent: f64| percent / 100.0),
        None => text.trim().parse(),
    };
    match share {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("give a share from 0% to 100%".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["monitored_service"], arguments].concat())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn rates_shares_and_times_have_units() {
        let line = [
            "--load",
            "500/s",
            "--slow",
            "1%",
            "--slow-by",
            "0.3s",
            "--fail",
            "0.005",
            "--query",
            "250us",
        ];
        let args = parse(&line).unwrap();
        assert_eq!(args.load, Some(500.0));
        assert_eq!((args.slow, args.fail), (0.01, 0.005));
        assert_eq!(args.slow_by, Duration::from_millis(300));
        assert_eq!(args.query, Duration::from_micros(250));
        assert_eq!(args.period, Duration::from_secs(86_400));
    }

    #[test]
    fn nothing_goes_wrong_unless_it_is_asked_for() {
        let args = parse(&[]).unwrap();
        assert_eq!((args.load, args.slow, args.fail), (None, 0.0, 0.0));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            ["--load", "0/s"],
            ["--load", "500/min"],
            ["--load", "NaN"],
            ["--slow", "101%"],
            ["--fail", "-1%"],
            ["--slow-by", "3"],
            ["--slow-by", "3 weeks"],
            ["--query", "-1ms"],
            ["--period", "5h"],
            ["--connections", "0"],
            ["--cache", "0"],
            ["--customers", "0"],
            ["--seconds", "0"],
            ["--listen", "3000"],
        ] {
            assert!(parse(&bad).is_err(), "{bad:?}");
        }
    }
}
