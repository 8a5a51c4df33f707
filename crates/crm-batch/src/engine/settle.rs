//! Handing in what has been worked on, and settling what is due.

use rayon::Scope;

use super::desk::Flow;
use super::gate::{Deposit, Turn};
use super::piece::joined;
use super::relay::{Relay, RunDesk, RunPiece, Task};
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
            Deposit::Turn(turn) => self.settle(scope, turn),
            Deposit::Refused(piece) => drop(piece),
        }
    }

    /// Settles the chunk whose turn it is, and those after it that are ready.
    fn settle<'scope>(&'scope self, scope: &Scope<'scope>, turn: RunTurn<'run, S, W, K>) {
        let clock = &self.settings.clock;
        let mut begun = clock.now();
        let mut next = Some(turn);
        while let Some(Turn {
            mut desk,
            pieces,
            first,
            rows,
            reading,
        }) = next
        {
            let mut parts = joined(pieces);
            let mut position = first.unwrap_or_else(|| desk.settled());
            let mut flow = desk.settle(&mut position, &mut parts.one);
            for part in &mut parts.more {
                if flow == Flow::Going {
                    flow = desk.settle(&mut position, part);
                }
            }
            if flow == Flow::Going {
                flow = desk.close_chunk(reading);
            }
            if flow == Flow::Ended {
                let dregs = self.gate.close(desk);
                drop(dregs);
                return;
            }
            // A slow sink may have used up the time, with nobody else to look at the clock.
            self.control.look();
            let now = clock.now();
            let spare = std::iter::once(parts.one).chain(parts.more);
            let (baton, turn) = self.gate.settled(desk, rows, spare, now - begun);
            begun = now;
            if let Some(baton) = baton {
                self.spawn(scope, Task::Fill(baton));
            }
            next = turn;
        }
    }
}
