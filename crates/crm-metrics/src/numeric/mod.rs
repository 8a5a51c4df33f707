//! Special functions that several formulas share, each exact where its callers need it.

pub(crate) mod double;
pub(crate) mod mills;
pub(crate) mod quadrature;
pub(crate) mod root;
