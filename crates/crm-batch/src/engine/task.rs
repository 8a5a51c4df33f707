//! A task that fills a chunk, or takes up a part of one, and works on it.

use std::time::Duration;

use crate::sync::pool::Scope;
use crm_clock::Tick;

use super::baton::{Baton, Pull};
use super::ear::{Cut, Ear};
use super::gate::Filled;
use super::pace::{ChunkSize, Timing};
use super::part::{Part, Stop, Worked};
use super::piece::Piece;
use super::relay::{Relay, Task};
use crate::outlet::Outlet;
use crate::panic::contain;
use crate::work::Work;
use crate::{Chunk, Room, Source, Stage};

/// A chunk that has been filled.
pub(super) struct Draft<W: Work, I> {
    pub(super) part: Box<Part<W, I>>,
    pub(super) filled: Filled,
    pub(super) timing: Timing,
    pub(super) size: ChunkSize,
    /// When the fill had ended, or when a worker has taken it up.
    pub(super) ready: Tick,
}

impl<'run, S, W, K> Relay<'run, S, W, K>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    /// One chunk from the source to the gate.
    pub(super) fn fill<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        baton: Box<Baton<S>>,
    ) -> Option<W::State> {
        self.control.look();
        let (mut baton, opening) = match self.gate.open(baton) {
            Ok(opened) => opened?,
            Err(baton) => {
                drop(baton);
                return None;
            }
        };
        let hand = opening.hand;
        let (draft, pull) = self.pull(&mut baton, opening.size, opening.spare, opening.in_flight);

        let mut stop = None;
        match pull {
            Pull::More => {
                if let Some(baton) = self.gate.pass(&draft.filled, baton) {
                    self.spawn(scope, Task::Fill(baton));
                }
            }
            Pull::Ended if draft.filled.rows == Some(0) => {
                self.gate.enter_last(None, baton);
                return hand;
            }
            Pull::Ended => self.gate.enter_last(Some(&draft.filled), baton),
            Pull::Stopped(with) => {
                self.gate.enter_last(Some(&draft.filled), baton);
                stop = Some(with);
            }
        }
        self.work_on(scope, draft, stop, hand)
    }

    /// Fills a chunk, on whichever thread has the baton.
    pub(super) fn pull(
        &self,
        baton: &mut Baton<S>,
        size: ChunkSize,
        spare: Option<Box<Part<W, S::Error>>>,
        in_flight: usize,
    ) -> (Draft<W, S::Error>, Pull<S::Error>) {
        let clock = &self.settings.clock;
        let mut part = spare.unwrap_or_default();
        part.chunk.clear();
        let counted = part.chunk.rows().is_some();
        let left = baton.remaining();
        let wanted = match left {
            Some(left) => size.towards_the_end(left, self.threads),
            None => size.rows(),
        };
        let wanted = if counted { wanted } else { size.most() };
        let room = size.bytes(counted);
        let begun = clock.now();
        let number = baton.next_chunk();
        let (pull, bytes) = baton.fill(
            &mut part.chunk,
            &Room::controlled(wanted, room, self.control),
        );
        let ready = clock.now();
        let rows = part.chunk.rows();
        let filled = Filled {
            number,
            rows,
            bytes,
            before: in_flight,
            remaining: left.map(|left| left.saturating_sub(rows.unwrap_or(0)) as u64),
            position: baton.source_position(),
        };
        let timing = Timing {
            rows,
            room,
            full: matches!(pull, Pull::More),
            worked: 0,
            fill: ready - begun,
            work: Duration::ZERO,
        };
        let draft = Draft {
            part,
            filled,
            timing,
            size,
            ready,
        };
        (draft, pull)
    }

    /// Works on a chunk that has just been filled, by this thread or by that of the source.
    pub(super) fn work_on<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        draft: Draft<W, S::Error>,
        stop: Option<Stop<S::Error>>,
        hand: Option<W::State>,
    ) -> Option<W::State> {
        let ear = Ear {
            relay: self,
            scope,
            number: draft.filled.number,
            low: 0,
            high: u64::MAX,
            size: draft.size,
            whole: true,
            next_look: 0,
            looked: (0, draft.ready),
        };
        self.toil(ear, draft.part, hand, stop, draft.timing, draft.ready)
    }

    /// A part that another worker has cut off.
    pub(super) fn cut<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        cut: Cut<S::Chunk>,
    ) -> Option<W::State> {
        let (spare, hand) = self.gate.join();
        let begun = self.settings.clock.now();
        let mut part = spare.unwrap_or_default();
        part.chunk = cut.chunk;
        let timing = Timing {
            rows: Some(0),
            ..Timing::default()
        };
        let ear = Ear {
            relay: self,
            scope,
            number: cut.number,
            low: cut.low,
            high: cut.high,
            size: cut.size,
            whole: true,
            next_look: 0,
            looked: (0, begun),
        };
        self.toil(ear, part, hand, None, timing, begun)
    }

    /// Works on a part, hands it in, and settles what is due.
    fn toil<'scope>(
        &'scope self,
        mut ear: Ear<'_, 'scope, 'run, S, W, K>,
        mut part: Box<Part<W, S::Error>>,
        hand: Option<W::State>,
        stop: Option<Stop<S::Error>>,
        mut timing: Timing,
        begun: Tick,
    ) -> Option<W::State> {
        let counted = part.chunk.rows();
        let hand = match hand.map_or_else(|| contain(|| self.work.state()), Ok) {
            Ok(mut hand) => {
                let salt = ear.number << 20;
                let worked = part.work(
                    self.work,
                    &mut hand,
                    self.most_failures,
                    salt,
                    self.control,
                    &mut ear,
                );
                if worked == Worked::Over {
                    self.gate.spent(&timing, self.settings.clock.now() - begun);
                    return Some(hand);
                }
                Some(hand)
            }
            Err(panic) => {
                part.chunk.clear();
                part.rows = 0;
                part.stop = Some(Stop::Panicked(Stage::State, panic));
                None
            }
        };
        timing.worked = part.rows;
        timing.work = self.settings.clock.now() - begun;
        let uncounted = if counted.is_some() { 0 } else { part.rows };
        let (scope, number) = (ear.scope, ear.number);
        let piece = Piece::Part {
            low: ear.low,
            part,
            then: stop,
        };
        let deposit = self.gate.deposit(number, piece, Some(&timing), uncounted);
        self.handed(scope, deposit);
        hand
    }
}
