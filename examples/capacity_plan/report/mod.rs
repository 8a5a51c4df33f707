//! Two ways to show the plan; as JSON it is what it is.
//!
//! - [`table`]: for the terminal
//! - [`chart`]: response time against load

pub(crate) mod chart;
pub(crate) mod table;
