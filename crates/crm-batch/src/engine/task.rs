//! A task that fills a chunk, or takes up a part of one, and works on it.

use std::time::Duration;

use crm_clock::Tick;
use rayon::Scope;

use super::baton::{Baton, Pull};
use super::ear::{Cut, Ear};
use super::gate::Filled;
use super::pace::Timing;
use super::part::{Part, Stop, Worked};
use super::piece::Piece;
use super::relay::{Relay, Task};
use crate::outlet::Outlet;
use crate::panic::contain;
use crate::work::Work;
use crate::{Chunk, Room, Source, Stage};

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
        baton: Baton<S>,
    ) -> Option<W::State> {
        self.control.look();
        let (mut baton, opening) = match self.gate.open(baton) {
            Ok(opened) => opened?,
            Err(baton) => {
                drop(baton);
                return None;
            }
        };
        let clock = &self.settings.clock;
        let mut part = opening.spare.unwrap_or_default();
        part.chunk.clear();
        let counted = part.chunk.rows().is_some();
        let left = baton.remaining();
        let wanted = match left {
            Some(left) => opening.size.towards_the_end(left, self.threads),
            None => opening.size.rows(),
        };
        let wanted = if counted { wanted } else { opening.size.most() };
        let room = opening.size.bytes(counted);
        let begun = clock.now();
        let number = baton.next_chunk();
        let (pull, bytes) = baton.fill(
            &mut part.chunk,
            &Room::controlled(wanted, room, self.control),
        );
        let filled = clock.now();
        let rows = part.chunk.rows();
        let record = Filled {
            number,
            rows,
            bytes,
            before: opening.in_flight,
            remaining: left.map(|left| left.saturating_sub(rows.unwrap_or(0)) as u64),
            position: baton.source_position(),
        };

        // The source of an ended run is kept until its last chunk is handed in: its destructor is user code.
        let full = matches!(pull, Pull::More);
        let (stop, _ended) = match pull {
            Pull::More => {
                if let Some(baton) = self.gate.pass(&record, baton) {
                    self.spawn(scope, Task::Fill(baton));
                }
                (None, None)
            }
            Pull::Ended if rows == Some(0) => {
                self.gate.enter_last(None);
                return opening.hand;
            }
            Pull::Ended => {
                self.gate.enter_last(Some(&record));
                (None, Some(baton))
            }
            Pull::Stopped(stop) => {
                self.gate.enter_last(Some(&record));
                (Some(stop), Some(baton))
            }
        };
        let timing = Timing {
            rows,
            room,
            full,
            worked: 0,
            fill: filled - begun,
            work: Duration::ZERO,
        };
        let ear = Ear {
            relay: self,
            scope,
            number,
            low: 0,
            high: u64::MAX,
            size: opening.size,
            whole: true,
            next_look: 0,
            looked: None,
        };
        self.toil(ear, part, opening.hand, stop, timing, filled)
    }

    /// A part that another worker has cut off.
    pub(super) fn cut<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        cut: Cut<S::Chunk>,
    ) -> Option<W::State> {
        let (spare, hand) = self.gate.join();
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
            looked: None,
        };
        self.toil(ear, part, hand, None, timing, self.settings.clock.now())
    }

    /// Works on a part, hands it in, and settles what is due.
    fn toil<'scope>(
        &'scope self,
        mut ear: Ear<'_, 'scope, 'run, S, W, K>,
        mut part: Part<W, S::Error>,
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
