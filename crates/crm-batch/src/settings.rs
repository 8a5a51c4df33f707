//! What a built batch knows: every choice of its builder, validated.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crm_clock::{Clock, Tick};

use crate::control::Control;
use crate::sync::pool::{self, Scope, ThreadPool};
use crate::{CancelToken, Order, Progress, Retry, SkipLimit};

/// Chunks in flight when the user names no window, on few threads.
const LEAST_WINDOW: usize = 8;

/// Chunks in flight for each thread when the user names no window, on many.
const WINDOW_PER_THREAD: usize = 4;

pub(crate) type Observer = dyn Fn(&Progress) + Send + Sync;

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) chunk_rows: Option<usize>,
    pub(crate) window: Option<usize>,
    pub(crate) chunk_bytes: Option<usize>,
    pub(crate) skip: SkipLimit,
    pub(crate) retry: Retry,
    pub(crate) order: Order,
    pub(crate) cancel: Option<CancelToken>,
    pub(crate) deadline: Option<Duration>,
    /// The pool to work in; without one, the pool that surrounds the caller, or rayon's global pool.
    pub(crate) pool: Option<Arc<ThreadPool>>,
    pub(crate) inline_start: bool,
    pub(crate) source_blocks: bool,
    pub(crate) sink_blocks: bool,
    pub(crate) clock: Clock,
    pub(crate) observer: Option<Arc<Observer>>,
}

impl Settings {
    /// The control of a run that begins at `start`, to which the token speaks.
    pub(crate) fn control(&self, start: Tick) -> Arc<Control> {
        let control = Arc::new(Control::new(&self.clock, start, self.deadline));
        if let Some(token) = &self.cancel {
            token.join(&control);
        }
        control
    }

    /// Threads that would share the work. Asking may start rayon's global pool.
    pub(crate) fn threads(&self) -> usize {
        match &self.pool {
            Some(pool) => pool.current_num_threads(),
            None => pool::current_num_threads(),
        }
    }

    /// Chunks that may be in flight.
    pub(crate) fn window(&self) -> usize {
        self.window
            .unwrap_or_else(|| LEAST_WINDOW.max(WINDOW_PER_THREAD * self.threads()))
    }

    /// Runs `stage` on the caller's thread, and what it spawns in the pool, and returns when all of it has ended.
    pub(crate) fn in_place_scope<'scope>(&self, stage: impl FnOnce(&Scope<'scope>)) {
        match &self.pool {
            Some(pool) => pool.in_place_scope(stage),
            None => pool::in_place_scope(stage),
        }
    }

    /// Runs `root` and everything that it spawns in the pool, and returns when all of it has ended.
    ///
    /// A caller that is a worker of some pool steals work while it waits, be it of this pool or of another, so that
    /// nested runs cannot starve each other.
    pub(crate) fn scope<'scope>(&self, root: impl FnOnce(&Scope<'scope>) + Send) {
        match &self.pool {
            Some(pool) => pool.scope(root),
            None => pool::scope(root),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            chunk_rows: None,
            window: None,
            chunk_bytes: None,
            skip: SkipLimit::NONE,
            retry: Retry::default(),
            order: Order::Input,
            cancel: None,
            deadline: None,
            pool: None,
            inline_start: true,
            source_blocks: false,
            sink_blocks: false,
            clock: Clock::system(),
            observer: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("chunk_rows", &self.chunk_rows)
            .field("window", &self.window)
            .field("chunk_bytes", &self.chunk_bytes)
            .field("skip", &self.skip)
            .field("retry", &self.retry)
            .field("order", &self.order)
            .field("cancel", &self.cancel)
            .field("deadline", &self.deadline)
            .field("pool", &self.pool)
            .field("inline_start", &self.inline_start)
            .field("source_blocks", &self.source_blocks)
            .field("sink_blocks", &self.sink_blocks)
            .field("clock", &self.clock)
            .field("observed", &self.observer.is_some())
            .finish()
    }
}
