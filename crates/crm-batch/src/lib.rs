//! In preparation.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod batch;
mod builder;
mod engine;
mod error;
mod failure;
mod panic;
mod progress;
mod report;
mod settings;

pub use batch::Batch;
pub use builder::Builder;
pub use error::{BatchError, BuildError, Stage};
pub use failure::Failure;
pub use panic::Panic;
pub use progress::Progress;
pub use report::{Report, Skip};
