//! A thread that may wait, for a caller that must not.

use std::io;

use crate::sync::pool::{self, ThreadPool, ThreadPoolBuilder};

/// Where a caller may wait: on its own thread, or, if that is a worker of a pool, on another one.
///
/// The other one is a pool of one thread, because a worker that waits for another pool does the work of its own meanwhile
/// and sleeps when there is none.
pub(crate) struct Aside(Option<ThreadPool>);

impl Aside {
    /// Starts a thread if this is one of a pool.
    pub(crate) fn new() -> io::Result<Self> {
        if pool::current_thread_index().is_none() {
            return Ok(Self(None));
        }
        let pool = ThreadPoolBuilder::new()
            .num_threads(1)
            .thread_name(|_| "crm-batch-keeper".to_owned())
            .build();
        pool.map(|pool| Self(Some(pool))).map_err(io::Error::other)
    }

    /// Runs what may wait.
    pub(crate) fn run<R: Send>(&self, wait: impl FnOnce() -> R + Send) -> R {
        match &self.0 {
            None => wait(),
            Some(pool) => pool.install(wait),
        }
    }
}
