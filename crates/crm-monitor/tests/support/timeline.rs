//! A history of good and bad events by the minute, and alerts that watch it go by.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crm_clock::Tick;
use crm_monitor::judge::{Alerts, BurnRules, Change, Events};

const MINUTE: Duration = Duration::from_secs(60);

/// What one minute saw.
pub(crate) enum Minute {
    Seen { bad: u64, total: u64 },
    Missing,
}

/// Sums up to each minute, so that any window is one subtraction.
#[derive(Clone)]
pub(crate) struct Timeline {
    sums: Arc<Vec<Sum>>,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    bad: u64,
    total: u64,
    seen: u64,
}

impl Timeline {
    pub(crate) fn of(minutes: u64, mut minute: impl FnMut(u64) -> Minute) -> Self {
        let mut sum = Sum::default();
        let mut sums = vec![sum];
        for number in 0..minutes {
            if let Minute::Seen { bad, total } = minute(number) {
                sum.bad += bad;
                sum.total += total;
                sum.seen += 1;
            }
            sums.push(sum);
        }
        let sums = Arc::new(sums);
        Self { sums }
    }

    /// The events of a window that ends with the minutes gone by; none when none of them was seen.
    fn events(&self, gone: u64, window: Duration) -> Option<Events> {
        let end = self.sums[gone as usize];
        let begin = self.sums[gone.saturating_sub(window.as_secs() / 60) as usize];
        let events = Events::with_bad(end.bad - begin.bad, end.total - begin.total).unwrap();
        // Whoever stands in the dark knows nothing, not even of the long window's older part.
        let dark = end.seen == self.sums[gone.saturating_sub(1) as usize].seen;
        (!dark && end.seen > begin.seen).then_some(events)
    }

    /// What changes when the alerts look once a minute, by the number of minutes gone by.
    pub(crate) fn watch(&self, rules: BurnRules) -> Vec<(u64, Change)> {
        self.watch_at(rules, 1..self.sums.len() as u64)
    }

    /// The same with a clock that jumps from one minute to another.
    pub(crate) fn watch_through(&self, rules: BurnRules, from: u64, to: u64) -> Vec<(u64, Change)> {
        self.watch_at(rules, (1..from).chain(to..self.sums.len() as u64))
    }

    fn watch_at(&self, rules: BurnRules, minutes: impl Iterator<Item = u64>) -> Vec<(u64, Change)> {
        let (history, gone) = (self.clone(), Arc::new(AtomicU64::new(0)));
        let reader = Arc::clone(&gone);
        let mut alerts = Alerts::new();
        let source = move |window| history.events(reader.load(Ordering::Relaxed), window);
        alerts.objective("answers", rules, source).unwrap();
        let mut changes = Vec::new();
        for minute in minutes {
            gone.store(minute, Ordering::Relaxed);
            let now = Tick::ZERO + MINUTE * minute as u32;
            changes.extend(
                alerts
                    .evaluate(now)
                    .into_iter()
                    .map(|change| (minute, change)),
            );
        }
        changes
    }
}
