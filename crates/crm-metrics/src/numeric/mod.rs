//! Special functions that several formulas share, each exact where its callers need it.

pub(crate) mod binomial;
pub(crate) mod normal;
pub(crate) mod student;
