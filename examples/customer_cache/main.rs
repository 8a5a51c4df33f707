//! How a CRM service embeds `crm-cache`: axum over SQLite, and between them a cache of profiles, one of contacts and one
//! of list pages.
//!
//! ```text
//! $ cargo run --release --example customer_cache -- --database customers.sqlite
//! $ curl http://127.0.0.1:3000/customers/7
//! $ curl http://127.0.0.1:3000/accounts/1/customers?page=2
//! $ curl -X PUT -H 'Content-Type: application/json' http://127.0.0.1:3000/customers/7 \
//!     -d '{"account": 1, "name": "Ada", "email": "ada@example.org"}'
//! $ curl -X DELETE http://127.0.0.1:3000/customers/7
//! $ curl http://127.0.0.1:3000/stats
//! ```
//!
//! Read `caches` first: it says what is cached, for how long, and what a change takes out. `routes` is the service,
//! `database` the source, `error` what can go wrong, and `self_test` sends mixed requests and checks every answer:
//!
//! ```text
//! $ cargo run --release --example customer_cache -- --requests 100000
//! ```
//!
//! See also `examples/README.md`, or `cargo run --release --example customer_cache -- --help`.

mod args;
mod caches;
#[path = "../support/command.rs"]
mod command;
mod database;
mod error;
mod routes;
mod self_test;
#[cfg(test)]
mod tests;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};

use crate::args::Args;
use crate::caches::{Caches, Settings};
use crate::database::Database;
use crate::error::Failure;
use crate::routes::Service;

/// Threads for blocking work, and so the most connections to the database. What waits for one of them is a task, which
/// holds nothing.
const CONNECTIONS: usize = 16;

fn main() -> ExitCode {
    run(env::args_os(), &mut io::stdout(), &mut io::stderr())
}

/// The program, with its command line and the places where it writes: figures to `out`, messages to `err`.
fn run(
    arguments: impl Iterator<Item = OsString>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> ExitCode {
    command::run(
        "customer_cache",
        arguments,
        out,
        err,
        |args: &Args, out, err| match (&args.database, args.requests) {
            (Some(file), None) => serve(args, file, err),
            (_, requests) => self_test::run(args, requests.unwrap_or_default(), out),
        },
    )
}

fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(CONNECTIONS)
        .build()
        .map_err(Failure::Runtime)
}

/// A service with empty caches over a database.
fn service(
    database: &Arc<Database>,
    settings: Settings,
    runtime: &Handle,
) -> Result<Arc<Service>, Failure> {
    let source = Arc::clone(database);
    let caches = Caches::new(source, settings, runtime.clone()).map_err(Failure::Cache)?;
    Ok(Arc::new(Service {
        database: Arc::clone(database),
        caches,
    }))
}

fn open(args: &Args, file: &Path) -> Result<Arc<Database>, Failure> {
    match Database::open(file, args.customers, args.seed) {
        Ok(database) => Ok(Arc::new(database)),
        Err(error) => Err(Failure::Database {
            file: file.to_owned(),
            error,
        }),
    }
}

/// Serves until the program is stopped.
fn serve(args: &Args, file: &Path, err: &mut impl Write) -> Result<(), Failure> {
    let database = open(args, file)?;
    let runtime = runtime()?;
    let service = service(&database, Settings::default(), runtime.handle())?;
    runtime.block_on(async {
        let listener = TcpListener::bind(args.listen).await;
        let listener = listener.map_err(|error| Failure::Listen {
            address: args.listen,
            error,
        })?;
        let address = listener.local_addr().unwrap_or(args.listen);
        let _ = writeln!(err, "serving {} on http://{address}", file.display());
        axum::serve(listener, routes::router(service))
            .await
            .map_err(Failure::Serve)
    })
}
