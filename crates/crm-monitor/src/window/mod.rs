//! Rolling windows over what instruments count, from a second to a month, at no cost to those who record.
//!
//! `history` samples instruments and `sampler` does so on a thread; `tracked` answers for one of them with an `over`. Inside,
//! `source` reads an instrument, `ladder` keeps its past, and `packed` makes that of a histogram small.

mod error;
mod history;
mod ladder;
mod over;
mod packed;
mod sampler;
mod source;
mod tracked;

pub use error::HistoryError;
pub use history::{History, HistoryBuilder, Trackable};
pub use over::{Counted, Over, Rate};
pub use sampler::Sampler;
pub use tracked::Tracked;
