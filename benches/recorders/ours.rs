//! Our own histogram: 1 % from 1 us to 1 h.

use crm_monitor::{Histogram, Layout};

use super::{Kept, Recorder, Sum};

/// `crm_monitor::Histogram`.
pub(crate) struct CrmHistogram(Histogram);

impl Recorder for CrmHistogram {
    const NAME: &'static str = "crm_monitor";

    type Time = u64;

    fn new() -> Self {
        Self(Histogram::new(Layout::response_times()))
    }

    fn time(nanos: u64) -> u64 {
        nanos
    }

    fn record(&self, time: u64) {
        self.0.record(time);
    }

    fn kept(&self) -> Kept {
        let snapshot = self.0.snapshot();
        Kept {
            count: Some(snapshot.count()),
            sum: Some(Sum::Nanos(snapshot.sum())),
        }
    }
}

/// `crm_monitor::Histogram`, one for each of two threads: what the second thread costs when nothing is shared at all.
pub(crate) struct CrmApart {
    own: CrmHistogram,
    next: Option<Box<Self>>,
}

impl Recorder for CrmApart {
    const NAME: &'static str = "crm_monitor, one for each thread";

    type Time = u64;

    fn new() -> Self {
        let next = Self {
            own: CrmHistogram::new(),
            next: None,
        };
        Self {
            own: CrmHistogram::new(),
            next: Some(Box::new(next)),
        }
    }

    fn of_thread(&self, thread: usize) -> &Self {
        match &self.next {
            Some(next) if thread == 1 => next,
            _ => self,
        }
    }

    fn time(nanos: u64) -> u64 {
        nanos
    }

    fn record(&self, time: u64) {
        self.own.record(time);
    }

    fn kept(&self) -> Kept {
        let mut all = self.own.0.snapshot();
        if let Some(next) = &self.next {
            let merged = all.merge(&next.own.0.snapshot());
            merged.expect("both are divided in the same way");
        }
        Kept {
            count: Some(all.count()),
            sum: Some(Sum::Nanos(all.sum())),
        }
    }
}
