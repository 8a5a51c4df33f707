//! A file as a sink: whole or not at all, and with a checkpoint exactly once.

mod disk;
mod error;
#[cfg(test)]
mod power;
#[cfg(test)]
mod proof;
mod sink;
mod slots;
mod store;

pub use error::FileError;
pub use sink::FileSink;
