//! What would help: from the figures of a window to advice, most worth first, each with the effect to expect.
//!
//! ```
//! use crm_monitor::advise::{Advisor, Figures};
//! use std::time::Duration;
//!
//! let minute = Figures::builder()
//!     .arrival_rate(360.0) // a second
//!     .service_time(Duration::from_millis(10))
//!     .workers(4)
//!     .errors(0.0)
//!     .build()?;
//! let counsel = Advisor::new().advise(&minute);
//! assert_eq!(
//!     counsel.advice()[0].to_string(),
//!     "add workers: bring the workers from 4 to 6, and expect the mean response time to go from 29.6 ms to 10.8 ms"
//! );
//! # Ok::<(), crm_monitor::advise::FiguresError>(())
//! ```
//!
//! | type | what it is |
//! |---|---|
//! | [`Figures`], [`CacheFigures`] | what is known of a window; checked once, and all optional |
//! | [`Advisor`] | says what would help; how it reckons is told there |
//! | [`Counsel`] | all that it says: advice in order of worth, and what is not known for want of which figure |
//! | [`Advice`] | one [`Action`], the [`Fact`]s behind it, its [`Effect`]s, and what it is worth |
//! | [`Verdict`] | advice [held against](Advice::held_against) the figures after the change |
//! | [`Predict`], [`Load`], [`Prediction`] | the seam for models; [`AllenCunneen`] is the one that is built in |
//!
//! Nothing is measured here and nothing is logged: figures go in, values come out. Figures that contradict each other are a
//! [`FiguresError`]; what is merely missing leaves out the advice that needs it.

// `figures`, `figures_builder`, `figures_recorded`, `cache_figures`: what is known of a window.
// `load`, `predict`, `allen_cunneen`: what a queue does under a load.
// `measure`, `fact`, `effect`, `quantity`: numbers with their names and units, and how they are written.
// `terms`, `situation`: what is assumed; the load as it is, and as it would be after one change.
// `cache_more`, `compress`, `add_workers`, `shed_load`, `slow_tail`, `errors`: one thing that could help each.
// `action`, `advice`, `advisor`, `counsel`, `verdict`: what is said, in which order, and what came of it.

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
