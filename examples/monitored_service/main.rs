//! A customer service that knows how it is doing: axum over SQLite, a cache before it, a monitor around it, and a live
//! dashboard.
//!
//! ```text
//! $ cargo run --release --example monitored_service -- --load 500/s --slow 1% --fail 0.2%
//! $ curl http://127.0.0.1:3000/customers/7
//! $ curl http://127.0.0.1:3000/customers?page=2
//! $ curl http://127.0.0.1:3000/metrics
//! $ curl http://127.0.0.1:3000/health?format=nagios
//! ```
//!
//! and a browser at `http://127.0.0.1:3000/dashboard`. Read `watch` first: it makes of the figures, once a second, what the page
//! shows. `instruments` registers them, `promises` judges by them and `advice` says what would help; `service` and `database` are what
//! is watched, `routes` tells who may ask for what, `events` is the stream that the page in `page/` reads, `trouble` what goes wrong on
//! purpose, and `load` the customers.
//!
//! See also `examples/README.md`, or `cargo run --release --example monitored_service -- --help`.

mod advice;
mod args;
#[path = "../support/command.rs"]
mod command;
mod database;
mod events;
mod failure;
mod health;
mod instruments;
mod load;
mod metrics;
mod page;
mod past;
#[path = "../support/people.rs"]
mod people;
mod progress;
mod promises;
mod routes;
mod service;
#[cfg(test)]
#[path = "../support/testing.rs"]
mod testing;
#[cfg(test)]
mod tests;
mod trouble;
mod view;
mod watch;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crm_perf::clock::Clock;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::args::Args;
use crate::database::Database;
use crate::events::Events;
use crate::failure::Failure;
use crate::instruments::Instruments;
use crate::load::Load;
use crate::progress::Progress;
use crate::service::Service;
use crate::trouble::Trouble;
use crate::watch::Watch;

/// How long an answer that is under way may take when the service ends.
const GRACE: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    run(env::args_os(), &mut io::stdout(), &mut io::stderr())
}

/// The program, with its command line and the places where it writes: what came of it to `out`, messages to `err`.
fn run(
    arguments: impl Iterator<Item = OsString>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> ExitCode {
    command::run("monitored_service", arguments, out, err, work)
}

fn work(args: &Args, out: &mut impl Write, err: &mut impl Write) -> Result<(), Failure> {
    let runtime = runtime(args)?;
    // A port that is taken is better known before the customers are made.
    let listener = runtime.block_on(listen(args))?;
    // From here on an interruption ends the program in good order, and the folder goes with it.
    let interrupted = runtime.spawn(tokio::signal::ctrl_c());
    let folder = tempfile::tempdir().map_err(Failure::Folder)?;
    let file = folder.path().join("customers.sqlite");
    let progress = Progress::new();
    database::fill(&file, args.customers, args.seed, |done| {
        progress.made(done, args.customers);
        !interrupted.is_finished()
    })?;
    if interrupted.is_finished() {
        progress.finish();
        return runtime.block_on(interruption(interrupted));
    }
    let done = runtime.block_on(serve(args, &file, listener, interrupted, &progress, err));
    progress.finish();
    // What still runs is a query that nobody waits for any more.
    runtime.shutdown_timeout(GRACE);
    match out.write_all(done?.as_bytes()) {
        // As of `| head`, which has what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Failure::Output),
    }
}

fn runtime(args: &Args) -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(args.connections as usize)
        .build()
        .map_err(Failure::Runtime)
}

async fn listen(args: &Args) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(args.listen).await;
    listener.map_err(|error| Failure::Listen {
        address: args.listen,
        error,
    })
}

/// Serves until it is time to end, and tells what came of it.
async fn serve(
    args: &Args,
    file: &Path,
    listener: TcpListener,
    interrupted: JoinHandle<io::Result<()>>,
    progress: &Progress,
    err: &mut impl Write,
) -> Result<String, Failure> {
    let clock = Clock::system();
    let instruments = Instruments::register(&clock)?;
    let database = Database::open(
        file,
        args.connections,
        args.query,
        instruments.database.clone(),
    )?;
    let service = Service::new(database, args.cache).map_err(Failure::Cache)?;
    let service = Arc::new(service);
    let watch = Watch::new(args, instruments, Arc::clone(&service))?;
    let trouble = Trouble::new(args.slow, args.slow_by, args.fail, args.seed);
    let events = Arc::new(Events::new());
    let router = routes::router(service, trouble, &watch, Arc::clone(&events));

    let address = listener.local_addr().map_err(Failure::Serve)?;
    let (stop, stopped) = oneshot::channel();
    let stopped = async { stopped.await.unwrap_or_default() };
    let server = axum::serve(listener, router).with_graceful_shutdown(stopped);
    let server = tokio::spawn(server.into_future());
    let _ = writeln!(
        err,
        "serving on http://{address}, the dashboard is http://{address}/dashboard"
    );
    let looking = look(Arc::clone(&watch), Arc::clone(&events), progress.clone());
    let load = args
        .load
        .map(|rate| Load::start(address, rate, args.customers, args.seed, clock.clone()))
        .transpose()
        .map_err(Failure::Runtime)?;

    until_the_end(args, interrupted).await?;
    let seen = match load {
        Some(load) => tokio::task::spawn_blocking(|| load.stop()).await.ok(),
        None => None,
    };
    looking.abort();
    events.end();
    let _ = stop.send(());
    // Whoever keeps a connection busy for longer is cut off.
    if let Ok(Ok(served)) = timeout(GRACE, server).await {
        served.map_err(Failure::Serve)?;
    }
    Ok(watch.summary(seen.as_ref()))
}

/// Looks once a second, and tells whoever watches.
fn look(watch: Arc<Watch>, events: Arc<Events>, progress: Progress) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            second.tick().await;
            let view = watch.look();
            progress.look(&view);
            events.tell(view);
        }
    })
}

/// Returns when the user interrupts, or when the time is up.
async fn until_the_end(
    args: &Args,
    interrupted: JoinHandle<io::Result<()>>,
) -> Result<(), Failure> {
    let interrupted = interruption(interrupted);
    match args.seconds {
        Some(seconds) => {
            let time = Duration::from_secs(seconds.into());
            timeout(time, interrupted).await.unwrap_or(Ok(()))
        }
        None => interrupted.await,
    }
}

/// Returns when the user interrupts.
async fn interruption(interrupted: JoinHandle<io::Result<()>>) -> Result<(), Failure> {
    let interrupted = interrupted.await.map_err(io::Error::from);
    interrupted.and_then(|it| it).map_err(Failure::Runtime)
}
