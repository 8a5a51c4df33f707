//! Blocks between the thread that fills them and the pool that encodes them; they come out in the order they went in.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::block::Block;

/// What a panic carries.
pub(super) type Payload = Box<dyn Any + Send>;

/// The queue of one stream. Its blocks own their memory, so that a job of the pool borrows from nobody and may outlive
/// the stream that it was for; dropping the queue gives up what nobody has begun.
#[derive(Debug)]
pub(super) struct Queue {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// The oldest block is done.
    ready: Condvar,
    work: Box<dyn Fn(&mut Block) + Send + Sync>,
}

#[derive(Default)]
struct State {
    /// Blocks that nobody has begun, the oldest first.
    waiting: VecDeque<Block>,
    /// A place for each block that has been put in and not taken out, the oldest first.
    places: VecDeque<Place>,
    /// The number of the oldest of them.
    first: u64,
}

enum Place {
    /// Waiting, or in the hands of a thread.
    Open,
    Done(Block),
    Panicked(Payload),
}

impl Queue {
    /// A queue whose blocks are encoded by `work`.
    pub(super) fn new(work: impl Fn(&mut Block) + Send + Sync + 'static) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                ready: Condvar::new(),
                work: Box::new(work),
            }),
        }
    }

    /// Puts in the next block, and asks the current pool to encode one.
    pub(super) fn put(&self, block: Block) {
        let mut state = self.shared.state();
        debug_assert_eq!(block.number, state.first + state.places.len() as u64);
        state.places.push_back(Place::Open);
        state.waiting.push_back(block);
        drop(state);
        let shared = Arc::clone(&self.shared);
        // The job takes whatever block is the oldest by then, which may be none.
        rayon::spawn(move || shared.encode_one());
    }

    /// Takes out the oldest block if it is done.
    pub(super) fn try_take(&self) -> Option<Result<Block, Payload>> {
        self.shared.state().take()
    }

    /// Takes out the oldest block, and waits for it if need be; `None` when there is none at all.
    ///
    /// A thread of a pool must not wait for what it may itself be meant to run. It encodes what nobody has begun, of this
    /// stream alone, and waits only for blocks that another thread is encoding at that moment and will bring to an end.
    /// Any other thread does so with the oldest block alone, because all threads of the pool may be waiting for what this
    /// one writes.
    pub(super) fn take(&self) -> Option<Result<Block, Payload>> {
        let in_pool = rayon::current_thread_index().is_some();
        let mut state = self.shared.state();
        loop {
            if let Some(block) = state.take() {
                return Some(block);
            }
            if state.places.is_empty() {
                return None;
            }
            let next = state.waiting.front().map(|block| block.number);
            state = if next.is_some_and(|number| in_pool || number == state.first) {
                drop(state);
                self.shared.encode_one();
                self.shared.state()
            } else {
                let woken = self.shared.ready.wait(state);
                woken.unwrap_or_else(PoisonError::into_inner)
            };
        }
    }

    /// Gives up all blocks. Those in the hands of a thread end in nothing.
    pub(super) fn abandon(&self) {
        let mut state = self.shared.state();
        let given_up = (
            std::mem::take(&mut state.waiting),
            std::mem::take(&mut state.places),
        );
        drop(state);
        drop(given_up);
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl Shared {
    /// Encodes the oldest block that nobody has begun, if there is one.
    fn encode_one(&self) {
        let Some(mut block) = self.state().waiting.pop_front() else {
            return;
        };
        let number = block.number;
        // Unwound, a job would take the process along. The block is dropped, so nobody sees what it was left as.
        let place = match catch_unwind(AssertUnwindSafe(|| (self.work)(&mut block))) {
            Ok(()) => Place::Done(block),
            Err(payload) => Place::Panicked(payload),
        };
        let mut state = self.state();
        let at = (number - state.first) as usize;
        // There is no place when the stream has been given up.
        if let Some(open) = state.places.get_mut(at) {
            *open = place;
            drop(state);
            if at == 0 {
                self.ready.notify_one();
            }
        }
    }

    /// The state. No code of others runs under its lock, and a panic between two moves leaves it whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes out the oldest block if it is done.
    fn take(&mut self) -> Option<Result<Block, Payload>> {
        if matches!(self.places.front()?, Place::Open) {
            return None;
        }
        self.first += 1;
        match self.places.pop_front()? {
            Place::Open => None,
            Place::Done(block) => Some(Ok(block)),
            Place::Panicked(payload) => Some(Err(payload)),
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
