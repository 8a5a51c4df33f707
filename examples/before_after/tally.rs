//! What a leg saw of the input, counted by the leg itself.

use std::collections::HashSet;

use serde::Serialize;

use crate::invoice::CustomerId;

/// Counts lines as they pass.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    lines: u64,
    bad: u64,
    without_customer: u64,
    customers: HashSet<CustomerId>,
}

/// Lines, customers, and lines without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    /// All lines beneath the header, the bad ones too.
    pub(crate) lines: u64,
    pub(crate) bad_lines: u64,
    pub(crate) customers: u64,
    pub(crate) lines_without_customer: u64,
}

impl Counter {
    pub(crate) fn line(&mut self, customer: Option<CustomerId>) {
        self.lines += 1;
        match customer {
            Some(customer) => {
                self.customers.insert(customer);
            }
            None => self.without_customer += 1,
        }
    }

    pub(crate) fn bad(&mut self, lines: u64) {
        self.lines += lines;
        self.bad += lines;
    }

    pub(crate) fn tally(&self) -> Tally {
        Tally {
            lines: self.lines,
            bad_lines: self.bad,
            customers: self.customers.len() as u64,
            lines_without_customer: self.without_customer,
        }
    }
}

impl<T: IntoIterator<Item = Option<CustomerId>>> From<T> for Counter {
    fn from(lines: T) -> Self {
        let mut counter = Self::default();
        lines
            .into_iter()
            .for_each(|customer| counter.line(customer));
        counter
    }
}
