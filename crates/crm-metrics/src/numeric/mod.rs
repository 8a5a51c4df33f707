//! Special functions that several formulas share, each exact where its callers need it.

pub(crate) mod binomial;
pub(crate) mod double;
pub(crate) mod mills;
pub(crate) mod normal;
pub(crate) mod quadrature;
pub(crate) mod root;
pub(crate) mod student;
