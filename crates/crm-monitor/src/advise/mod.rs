//! Advice: from the figures of a window to what would help most, with the effect to expect.
//!
//! - `figures`, `figures_builder`, `figures_recorded`, `cache_figures`: what is known of a window, checked once.
//! - `load`, `predict`, `allen_cunneen`: what a queue does under a load; the seam for better models, and the built-in one.
//! - `measure`, `fact`, `effect`, `quantity`: numbers with their names and units, and how they are written.
//! - `situation`: the load as it is, and as it would be after one change.
//! - `cache_more`, `compress`, `add_workers`, `shed_load`, `slow_tail`, `errors`: one thing that could help each.
//! - `action`, `advice`, `advisor`, `counsel`: what is said, and in which order.
//! - `verdict`: what was said, held against what came.
//! - `error`: figures that cannot be.

mod action;
mod add_workers;
mod advice;
mod advisor;
mod allen_cunneen;
mod cache_figures;
mod cache_more;
mod compress;
mod counsel;
mod effect;
mod error;
mod errors;
mod fact;
mod figures;
mod figures_builder;
mod figures_recorded;
mod load;
mod measure;
mod predict;
mod quantity;
mod shed_load;
mod situation;
mod slow_tail;
mod terms;
mod verdict;

pub use action::Action;
pub use advice::Advice;
pub use advisor::Advisor;
pub use allen_cunneen::AllenCunneen;
pub use cache_figures::CacheFigures;
pub use counsel::{Counsel, NotKnown};
pub use effect::Effect;
pub use error::FiguresError;
pub use fact::Fact;
pub use figures::Figures;
pub use figures_builder::FiguresBuilder;
pub use load::Load;
pub use measure::{Dimension, Measure};
pub use predict::{Predict, Prediction};
pub use verdict::{Comparison, Doubt, Verdict};
