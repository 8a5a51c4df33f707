//! What a worker hears while it works on a part: the end of the run, the clock, and that a thread has nothing to do.

use std::mem;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::sync::pool::Scope;
use crm_clock::Tick;

use super::pace::ChunkSize;
use super::part::Attend;
use super::relay::{Relay, Task};
use super::retry::Again;
use crate::outlet::Outlet;
use crate::work::Work;
use crate::{Chunk, Source};

/// Looks at the clock in one chunk, at least, when there is reason to look at all.
const LOOKS: usize = 16;

/// Nanoseconds of a record that is worth a hand-over by itself.
const HEAVY: u128 = 20_000;

/// Parts that a worker cuts off at once when its records are heavy.
const CUTS: usize = 3;

/// A part that another worker has cut off. It may be cut again, between `low` and `high`.
pub(super) struct Cut<C> {
    pub(super) number: u64,
    pub(super) low: u64,
    pub(super) high: u64,
    pub(super) chunk: C,
    pub(super) size: ChunkSize,
}

/// What a worker hears and says while it works on a part of a chunk in the pool.
pub(super) struct Ear<'a, 'scope, 'run, S: Source, W: Work<Chunk = S::Chunk>, K>
where
    K: Outlet<W>,
{
    pub(super) relay: &'scope Relay<'run, S, W, K>,
    pub(super) scope: &'a Scope<'scope>,
    pub(super) number: u64,
    pub(super) low: u64,
    pub(super) high: u64,
    pub(super) size: ChunkSize,
    /// Whether it may be split, as far as is known.
    pub(super) whole: bool,
    /// The row before which the clock is next looked at.
    pub(super) next_look: usize,
    /// When it was last looked whether to split, and at which row.
    pub(super) looked: (usize, Tick),
}

impl<S, W, K> Attend<W> for Ear<'_, '_, '_, S, W, K>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    #[cold]
    fn hear(&mut self, chunk: &mut W::Chunk, rows: usize) -> ControlFlow<()> {
        let control = self.relay.control;
        if control.has_alarm() && rows >= self.next_look {
            self.next_look = rows + (self.size.rows() / LOOKS).clamp(1, 1_024);
            control.look();
            self.relay.call_due(self.scope);
        }
        if control.is_over() {
            return ControlFlow::Break(());
        }
        if self.whole && control.is_idle() {
            self.share(chunk, rows);
        }
        ControlFlow::Continue(())
    }

    fn later(&mut self, offset: usize, delay: Duration, record: W::Chunk) {
        let again = Again {
            number: self.number,
            low: self.low,
            offset,
            attempts: 1,
            record,
        };
        let due = self.relay.settings.clock.now() + delay;
        drop(self.relay.gate.delay(self.number, due, again, true));
        self.relay.ring();
    }
}

impl<S, W, K> Ear<'_, '_, '_, S, W, K>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    /// Gives the second half of the rest to a worker that has nothing to do, if it is worth a hand-over.
    ///
    /// Either the records are so many that they are worth it at the pace of the last chunk, or the last ones were heavy, and
    /// those that follow may be as well. Then it gives seven eighths, in three parts: where the heavy ones end is not known,
    /// and the next look is a heavy record away.
    fn share(&mut self, chunk: &mut W::Chunk, rows: usize) {
        let rest = chunk.rows();
        if rest.is_some_and(|rest| rest < 2) {
            return;
        }
        let now = self.relay.settings.clock.now();
        let (before, then) = mem::replace(&mut self.looked, (rows, now));
        let heavy = rows > before && (now - then).as_nanos() >= HEAVY * (rows - before) as u128;
        if !heavy && rest.is_some_and(|rest| !self.size.is_worth_splitting(rest)) {
            return;
        }
        let most = if heavy { CUTS } else { 1 };
        if !self.relay.gate.claim(self.number, most) {
            return;
        }
        let mut cuts = Vec::new();
        while cuts.len() < most {
            let middle = self.low + (self.high - self.low) / 2;
            let half = if middle > self.low {
                chunk.split()
            } else {
                None
            };
            let Some(chunk) = half else { break };
            cuts.push(Cut {
                number: self.number,
                low: middle,
                high: self.high,
                chunk,
                size: self.size,
            });
            self.high = middle;
        }
        self.whole = !cuts.is_empty();
        self.relay.gate.unclaim(self.number, most - cuts.len());
        // A thread that has nothing to do takes the one that was spawned first: let that be the nearest.
        for cut in cuts.into_iter().rev() {
            self.relay.spawn(self.scope, Task::Work(cut));
        }
    }
}
