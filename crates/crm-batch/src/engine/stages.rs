//! Stages that block, on threads of their own.
//!
//! The caller's thread keeps the run: it settles chunks if the sink is apart, begins retries that are due, looks at the
//! deadline, and sleeps while there is nothing of this. A source that is apart has a thread that fills chunk after chunk, sleeps
//! while the window is full, and leaves the work on each to the pool. All of them are woken by the bell of the control.

use std::mem;
use std::panic;

use crate::sync::pool::Scope;

use super::baton::{Baton, Pull};
use super::gate::Next;
use super::relay::{Fall, Relay, RunDesk, Task};
use super::settle::settle;
use crate::Source;
use crate::aside::Aside;
use crate::outlet::Outlet;
use crate::sync::thread;
use crate::work::Work;

impl<'run, S, W, K> Relay<'run, S, W, K>
where
    S: Source,
    W: Work<Chunk = S::Chunk>,
    K: Outlet<W>,
{
    /// Runs with the stages that block apart from the pool.
    pub(super) fn run_apart(&self, baton: Box<Baton<S>>, mut desk: RunDesk<'run, S, W, K>) {
        match Aside::new() {
            Ok(aside) => self.settings.in_place_scope(|scope| {
                aside.run(|| self.keep(scope, baton, desk));
            }),
            Err(error) => {
                desk.no_thread(error);
                self.close(desk);
            }
        }
    }

    /// Keeps the run from its start to its end.
    fn keep<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        baton: Box<Baton<S>>,
        desk: RunDesk<'run, S, W, K>,
    ) {
        // The first task may hand in its chunk before this thread goes on.
        let mut desk = if self.apart.sink {
            Some(desk)
        } else {
            self.gate.put(desk);
            None
        };
        thread::scope(|threads| {
            let fall = Fall(self.control);
            let mut source = None;
            if self.apart.source {
                let draw = || self.draw(scope, baton);
                let thread = thread::Builder::new().name("crm-batch-source".to_owned());
                match thread.spawn_scoped(threads, draw) {
                    Ok(thread) => source = Some(thread),
                    Err(error) => {
                        if let Some(mut desk) = desk.take().or_else(|| self.gate.take()) {
                            desk.no_thread(error);
                            self.close(desk);
                        }
                        mem::forget(fall);
                        return;
                    }
                }
            } else {
                self.spawn(scope, Task::Fill(baton));
            }
            self.serve(scope, desk);
            mem::forget(fall);
            if let Some(Err(panic)) = source.map(thread::ScopedJoinHandle::join) {
                panic::resume_unwind(panic);
            }
        });
    }

    /// Does what there is to do, and sleeps in between. It has the desk if the sink is apart.
    fn serve<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        mut desk: Option<RunDesk<'run, S, W, K>>,
    ) {
        let clock = &self.settings.clock;
        loop {
            match self.control.until(|| self.gate.next(clock.now())) {
                Next::Done => break,
                Next::Fill(baton) => self.spawn(scope, Task::Fill(baton)),
                Next::Again(again) => self.spawn(scope, Task::Again(again)),
                Next::Settle(due) => {
                    let Some(mut own) = desk.take() else {
                        unreachable!("chunks are due here only if the sink is apart")
                    };
                    let begun = clock.now();
                    let rows = due.rows;
                    let Some(spare) = settle(&mut own, due) else {
                        self.close(own);
                        break;
                    };
                    let time = clock.now() - begun;
                    if let Some(baton) = self.gate.settled_apart(rows, spare, time) {
                        self.spawn(scope, Task::Fill(baton));
                    }
                    self.ring();
                    desk = Some(own);
                }
            }
        }
        if let Some(desk) = desk {
            self.gate.put(desk);
        }
    }

    /// Fills chunks until the source or the run has ended, and hands them to the pool.
    fn draw<'scope>(&'scope self, scope: &Scope<'scope>, mut baton: Box<Baton<S>>) {
        let fall = Fall(self.control);
        while let Some(opening) = self.control.until(|| self.gate.admit()) {
            let (draft, pull) =
                self.pull(&mut baton, opening.size, opening.spare, opening.in_flight);
            let (more, stop) = match pull {
                Pull::More => (true, None),
                Pull::Ended => (false, None),
                Pull::Stopped(stop) => (false, Some(stop)),
            };
            self.gate.enter(&draft.filled, draft.timing.fill);
            self.spawn(scope, Task::Chunk(Box::new(draft), stop));
            if !more {
                self.gate.enter_last(None, baton);
                self.ring();
                mem::forget(fall);
                return;
            }
        }
        drop(baton);
        mem::forget(fall);
    }
}
