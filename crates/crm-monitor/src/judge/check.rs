//! One check of a set: its rules with their latches, and its active alerts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crm_clock::Tick;

use super::alert::{Alert, Change};
use super::hold::Hold;
use super::latch::{Latch, Level};
use super::reason::Reason;
use super::severity::Severity;
use super::standing::Standing;

/// What a check looks at: a source of figures with rules on them.
pub(super) trait Probe: Send + Sync {
    /// Severity and hold of each rule.
    fn rules(&self) -> Vec<(Severity, Hold)>;

    /// After which time without data a ticket says so.
    fn missing_after(&self) -> Option<Duration>;

    /// What each rule sees now, in the order of the rules.
    fn look(&self) -> Vec<(Level, Reason)>;
}

pub(super) struct Check {
    pub(super) name: Arc<str>,
    probe: Box<dyn Probe>,
    lines: Vec<(Severity, Latch)>,
    missing: Option<(Duration, Latch)>,
    active: Vec<(Topic, Alert)>,
    known: bool,
    figures: Vec<Reason>,
}

/// What an alert is about; a check has at most one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Rules(Severity),
    Missing,
}

impl Check {
    pub(super) fn new(name: Arc<str>, probe: Box<dyn Probe>) -> Self {
        let line = |(severity, hold)| (severity, Latch::new(hold));
        let missing = |time| (time, Latch::new(Hold::new().raise_after(time)));
        Self {
            name,
            lines: probe.rules().into_iter().map(line).collect(),
            missing: probe.missing_after().map(missing),
            probe,
            active: Vec::new(),
            known: false,
            figures: Vec::new(),
        }
    }

    pub(super) fn active(&self) -> impl Iterator<Item = &Alert> {
        self.active.iter().map(|(_, alert)| alert)
    }

    pub(super) fn standing(&self) -> Standing {
        Standing {
            name: Arc::clone(&self.name),
            severity: self.active().map(Alert::severity).max(),
            known: self.known,
            figures: self.figures.clone(),
        }
    }

    /// What each rule sees now; this asks the caller's source.
    pub(super) fn look(&self) -> Vec<(Level, Reason)> {
        self.probe.look()
    }

    /// Moves the latches by what was seen, and adds what has changed to `changes`.
    pub(super) fn evaluate(
        &mut self,
        seen: Vec<(Level, Reason)>,
        now: Tick,
        last_id: &mut u64,
        changes: &mut Vec<Change>,
    ) {
        for ((_, latch), (level, _)) in self.lines.iter_mut().zip(&seen) {
            // Whether an alert is active follows from the latches below, so that the edge itself is not needed.
            let _ = latch.update(now, *level);
        }
        self.known = seen.iter().any(|(level, _)| *level != Level::Unknown);

        for severity in Severity::ALL {
            let mut raised = self
                .lines
                .iter()
                .zip(&seen)
                .filter(|((of, latch), _)| *of == severity && latch.is_raised());
            let reason = raised.next().map(|(_, (_, reason))| *reason);
            self.turn(
                Topic::Rules(severity),
                severity,
                reason,
                now,
                last_id,
                changes,
            );
        }
        if let Some((time, latch)) = &mut self.missing {
            let level = if self.known { Level::Good } else { Level::Bad };
            let _ = latch.update(now, level);
            let reason = latch.is_raised().then_some(Reason::Missing(*time));
            self.turn(
                Topic::Missing,
                Severity::Ticket,
                reason,
                now,
                last_id,
                changes,
            );
        }
        self.figures = seen.into_iter().map(|(_, reason)| reason).collect();
    }

    /// Raises the alert on `topic` if there is a reason and it is not active, clears it if there is none and it is.
    fn turn(
        &mut self,
        topic: Topic,
        severity: Severity,
        reason: Option<Reason>,
        now: Tick,
        last_id: &mut u64,
        changes: &mut Vec<Change>,
    ) {
        let place = self.active.iter().position(|(of, _)| *of == topic);
        match (reason, place) {
            (Some(reason), None) => {
                *last_id += 1;
                let alert = Alert {
                    id: *last_id,
                    name: Arc::clone(&self.name),
                    severity,
                    reason,
                    since: now,
                };
                self.active.push((topic, alert.clone()));
                changes.push(Change::Raised(alert));
            }
            (None, Some(place)) => {
                let (_, alert) = self.active.remove(place);
                let lasted = now - alert.since;
                changes.push(Change::Cleared { alert, lasted });
            }
            _ => {}
        }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("name", &self.name)
            .field("active", &self.active)
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}
