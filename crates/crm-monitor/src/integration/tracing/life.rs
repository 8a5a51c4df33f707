//! What is known of an open span.

use std::time::Duration;

use crm_clock::Tick;

/// An open span: when it began, how long it has been entered, and whether it has failed.
///
/// A span may be entered again within itself, and on several threads at once. It is busy while it is entered at all.
#[derive(Debug)]
pub(super) struct Life {
    created: Tick,
    /// When it was last entered from outside.
    entered: Tick,
    /// How many entries have not been left.
    depth: usize,
    busy: Duration,
    pub(super) failed: bool,
    /// The place of the span's name in the layer's table.
    pub(super) place: Option<usize>,
}

/// How long a span took.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Lived {
    pub(super) whole: Duration,
    pub(super) busy: Duration,
    pub(super) idle: Duration,
}

impl Life {
    pub(super) const fn new(now: Tick, place: Option<usize>) -> Self {
        Self {
            created: now,
            entered: now,
            depth: 0,
            busy: Duration::ZERO,
            failed: false,
            place,
        }
    }

    pub(super) fn enter(&mut self, now: Tick) {
        if self.depth == 0 {
            self.entered = now;
        }
        self.depth += 1;
    }

    pub(super) fn exit(&mut self, now: Tick) {
        match self.depth {
            // Left more often than entered: the subscriber does not allow it, and there is nothing to add.
            0 => return,
            1 => self.busy += now - self.entered,
            _ => {}
        }
        self.depth -= 1;
    }

    /// How long it was, now that it is no longer entered and nobody will enter it again.
    pub(super) fn close(&self, now: Tick) -> Lived {
        let whole = now - self.created;
        Lived {
            whole,
            busy: self.busy,
            idle: whole.saturating_sub(self.busy),
        }
    }
}
