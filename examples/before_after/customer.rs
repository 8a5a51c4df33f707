//! A customer as a CRM shows one: what the invoices say about them, in one record.

use serde::Serialize;

use crate::invoice::CustomerId;

/// The record that is looked up, cached, and sent as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Customer {
    pub(crate) id: CustomerId,
    pub(crate) country: String,
    pub(crate) invoices: u64,
    pub(crate) lines: u64,
    pub(crate) articles: i64,
    /// Thousandths of the currency's unit, returns taken off.
    pub(crate) spent_mills: i64,
    /// Seconds since 1970-01-01 00:00, in the shop's own time.
    pub(crate) first_order_at: i64,
    pub(crate) last_order_at: i64,
}
