//! The layer for tower services.
//!
//! - `layer`: the settings, and the layer that a router takes.
//! - `head`: what a route may be told from.
//! - `instruments`: what is registered, and the handles that a request finds at once.
//! - `flight`: one request on its way, and how it ended.
//! - `service`: what happens before the inner service is called.
//! - `future`: what happens until it has answered.
//! - `body`: the bodies that are counted.

mod body;
mod flight;
mod future;
mod head;
mod instruments;
mod layer;
mod service;

pub use body::{CountedBody, MonitoredBody};
pub use future::MonitorFuture;
pub use head::RequestHead;
pub use layer::{MonitorLayer, MonitorLayerBuilder};
pub use service::Monitored;
