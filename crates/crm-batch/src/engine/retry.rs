//! A record that is tried again.

use crate::sync::pool::Scope;

use super::pace::Timing;
use super::part::{Fate, Rejection, alone, attempt, judge};
use super::piece::Piece;
use super::relay::Relay;
use crate::outlet::Outlet;
use crate::panic::contain;
use crate::work::{Judgement, Work};
use crate::{Chunk, Source, Verdict};

/// A record to be tried again.
pub(super) struct Again<C> {
    pub(super) number: u64,
    pub(super) low: u64,
    pub(super) offset: usize,
    pub(super) attempts: u32,
    pub(super) record: C,
}

impl<S, W, K> Relay<'_, S, W, K>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    /// Tries a record again.
    pub(super) fn again<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        again: Again<S::Chunk>,
    ) -> Option<W::State> {
        if self.control.look() {
            drop(again);
            return None;
        }
        let Again {
            number,
            low,
            offset,
            attempts,
            mut record,
        } = again;
        let hand = self.gate.hand();
        let begun = self.settings.clock.now();
        let attempts = attempts + 1;
        let salt = (number << 20).wrapping_add(offset as u64);
        let (fate, hand) = match hand.map_or_else(|| contain(|| self.work.state()), Ok) {
            Err(panic) => (
                self.given_up(crate::Failure::Panicked(panic), attempts),
                None,
            ),
            Ok(mut hand) => {
                let Some(lent) = record.next() else {
                    unreachable!("a chunk of one record has one")
                };
                let mut buffer = W::Buffer::default();
                let (attempted, copy) = attempt(self.work, &mut hand, lent, &mut buffer);
                match attempted {
                    Ok(Verdict::Output(output)) => (Fate::Late(output, buffer), Some(hand)),
                    Ok(Verdict::Filtered) => (Fate::Filtered(1), Some(hand)),
                    Err(failure) => {
                        let copy = copy.and_then(alone::<W>);
                        let hand = failure.panic().is_none().then_some(hand);
                        match (judge(self.work, &failure, attempts, salt), copy) {
                            (Judgement::Again(delay), Some(record)) => {
                                let due = self.settings.clock.now() + delay;
                                let again = Again {
                                    number,
                                    low,
                                    offset,
                                    attempts,
                                    record,
                                };
                                drop(self.gate.delay(number, due, again, false));
                                return hand;
                            }
                            (judgement, record) => {
                                let rejection = Rejection {
                                    failure,
                                    attempts,
                                    fatal: judgement == Judgement::Fatal,
                                    record,
                                };
                                (Fate::Rejected(rejection), hand)
                            }
                        }
                    }
                }
            }
        };
        let timing = Timing {
            rows: Some(0),
            work: self.settings.clock.now() - begun,
            ..Timing::default()
        };
        let piece = Piece::Late { low, offset, fate };
        let deposit = self.gate.deposit(number, piece, Some(&timing), 0);
        self.handed(scope, deposit);
        hand
    }

    fn given_up(&self, failure: crate::Failure<W::Error>, attempts: u32) -> Fate<W> {
        Fate::Rejected(Rejection {
            failure,
            attempts,
            fatal: true,
            record: None,
        })
    }
}
