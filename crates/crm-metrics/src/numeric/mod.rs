//! Special functions that several formulas share, each exact where its callers need it.

pub(crate) mod binomial;
pub(crate) mod double;
#[cfg(feature = "libm")]
pub(crate) mod elementary;
pub(crate) mod mills;
pub(crate) mod normal;
pub(crate) mod quadrature;
pub(crate) mod root;
pub(crate) mod student;
