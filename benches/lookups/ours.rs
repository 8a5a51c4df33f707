//! Our own family of counters.

use crm_monitor::{Counter, Family, Monitor};

use super::{Lookup, Values};

/// `crm_monitor::Family`.
pub(crate) struct CrmFamily(Family<Counter, 2>);

impl Lookup for CrmFamily {
    const NAME: &'static str = "crm_monitor, Family::with";

    fn new() -> Self {
        let family = Monitor::new()
            .counters("http_answers", ["route", "status"])
            .limit(1_000)
            .register();
        Self(family.expect("the names are permitted"))
    }

    fn count(&self, values: Values) {
        self.0.with(values).increment();
    }

    fn counted(&self, values: Values) -> u64 {
        self.0.with(values).value()
    }
}
