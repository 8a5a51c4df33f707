//! Handing in what has been worked on, and settling what is due.

use crate::sync::pool::Scope;

use super::desk::{Desk, Flow};
use super::gate::{Deposit, Turn};
use super::part::Part;
use super::piece::{Piece, joined};
use super::relay::{Relay, RunDesk, RunPiece, Task};
use super::slot::Due;
use crate::Source;
use crate::outlet::Outlet;
use crate::work::Work;

type RunTurn<'run, S, W, K> = Turn<RunPiece<S, W>, RunDesk<'run, S, W, K>>;

impl<'run, S, W, K> Relay<'run, S, W, K>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    /// Goes on from a deposit.
    pub(super) fn handed<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        deposit: Deposit<RunPiece<S, W>, RunDesk<'run, S, W, K>>,
    ) {
        match deposit {
            Deposit::Left => (),
            Deposit::Turn(turn) => self.take_turns(scope, turn),
            Deposit::Refused(piece) => drop(piece),
        }
    }

    /// Settles the chunk whose turn it is, and those after it that are ready.
    fn take_turns<'scope>(&'scope self, scope: &Scope<'scope>, turn: RunTurn<'run, S, W, K>) {
        let clock = &self.settings.clock;
        let mut begun = clock.now();
        let mut next = Some(turn);
        while let Some(Turn { mut desk, due }) = next {
            let rows = due.rows;
            let Some(spare) = settle(&mut desk, due) else {
                self.close(desk);
                return;
            };
            // A slow sink may have used up the time, with nobody else to look at the clock.
            self.control.look();
            let now = clock.now();
            let (baton, turn) = self.gate.settled(desk, rows, spare, now - begun);
            begun = now;
            if let Some(baton) = baton {
                self.spawn(scope, Task::Fill(baton));
            }
            self.ring();
            next = turn;
        }
    }

    /// Ends the run with the desk; what waited at the gate is dropped here.
    pub(super) fn close(&self, desk: RunDesk<'run, S, W, K>) {
        let dregs = self.gate.close(desk);
        self.ring();
        drop(dregs);
    }
}

/// Settles a chunk, and gives back its buffers; `None` when that has ended the run.
pub(super) fn settle<W: Work, K: Outlet<W>, I>(
    desk: &mut Desk<'_, W, K, I>,
    due: Due<Piece<W, I>>,
) -> Option<impl Iterator<Item = Box<Part<W, I>>> + use<W, K, I>> {
    let mut parts = joined(due.pieces);
    let mut position = due.first.unwrap_or_else(|| desk.settled());
    let mut flow = desk.settle(&mut position, &mut parts.one);
    for part in &mut parts.more {
        if flow == Flow::Going {
            flow = desk.settle(&mut position, part);
        }
    }
    if flow == Flow::Going {
        flow = desk.close_chunk(due.reading);
    }
    match flow {
        Flow::Going => Some(std::iter::once(parts.one).chain(parts.more)),
        Flow::Ended => None,
    }
}
