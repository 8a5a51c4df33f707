//! What the command line says.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

/// A customer service that answers from memory: axum over SQLite, with crm-cache between them.
///
/// Without --requests it serves a database file until it is stopped. With --requests it tests itself:
/// it makes a temporary database, sends itself mixed requests from several tasks, checks every answer,
/// and prints what the caches have done.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "customer_cache",
    max_term_width = 110,
    verbatim_doc_comment,
    after_help = "Examples:\n  \
        customer_cache --database customers.sqlite   serve, and make the file if there is none\n  \
        curl http://127.0.0.1:3000/customers/7       in another terminal\n  \
        customer_cache --requests 100000             test itself and tell what it is worth"
)]
pub(crate) struct Args {
    /// The database to serve; a file that does not exist is made, with invented customers
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "requests",
        conflicts_with = "requests"
    )]
    pub(crate) database: Option<PathBuf>,

    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub(crate) listen: SocketAddr,

    /// Tests itself with so many requests instead of serving
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    pub(crate) requests: Option<u32>,

    /// Tasks that send requests at once
    #[arg(long, value_name = "N", default_value_t = 8, conflicts_with = "database",
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) tasks: u32,

    /// Customers in a new database
    #[arg(long, value_name = "N", default_value_t = 5_000,
        value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) customers: u32,

    /// Decides the customers and the requests
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["customer_cache"], arguments].concat())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn it_serves_a_database_on_port_3000_or_tests_itself() {
        let args = parse(&["--database", "c.sqlite"]).unwrap();
        assert_eq!(args.listen.to_string(), "127.0.0.1:3000");
        assert_eq!(args.requests, None);
        assert_eq!(parse(&["--requests", "9"]).unwrap().requests, Some(9));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            &[][..],
            &["--requests", "0"],
            &["--requests", "9", "--database", "c.sqlite"],
            &["--requests", "9", "--tasks", "0"],
            &["--database", "c.sqlite", "--tasks", "2"],
            &["--database", "c.sqlite", "--listen", "3000"],
            &["--requests", "9", "--customers", "0"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
