//! Our own counter, gauge, and gauge of what is in flight.

use crm_monitor::{Counter, Gauge, InFlight};

use super::Count;

/// `crm_monitor::Counter`.
pub(crate) struct CrmCounter(Counter);

impl Count for CrmCounter {
    const NAME: &'static str = "crm_monitor";

    fn new() -> Self {
        Self(Counter::new())
    }

    fn count(&self) {
        self.0.increment();
    }

    fn is_right(&self, events: u64) -> bool {
        self.0.value() == events
    }
}

/// `crm_monitor::Gauge`, which goes up alone.
pub(crate) struct CrmGauge(Gauge);

impl Count for CrmGauge {
    const NAME: &'static str = "gauge of crm_monitor, add";

    fn new() -> Self {
        Self(Gauge::new())
    }

    fn count(&self) {
        self.0.add(1);
    }

    fn is_right(&self, events: u64) -> bool {
        u64::try_from(self.0.value()) == Ok(events)
    }
}

/// `crm_monitor::InFlight`: one that enters and leaves at once.
pub(crate) struct CrmInFlight(InFlight);

impl Count for CrmInFlight {
    const NAME: &'static str = "in flight of crm_monitor, enter and leave";

    fn new() -> Self {
        Self(InFlight::new())
    }

    fn count(&self) {
        drop(self.0.enter());
    }

    fn is_right(&self, _: u64) -> bool {
        self.0.value() == 0
    }
}
