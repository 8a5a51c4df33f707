//! The stream of events that the dashboard reads: what has been, and then once a second what is.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::Event;
use futures::stream::{self, Stream, StreamExt};
use tokio::sync::watch;

use crate::view::{Point, View};

/// So many seconds are told to whoever comes later.
const KEPT: usize = 300;

/// What was told last.
#[derive(Clone, Debug)]
enum Told {
    Nothing,
    View {
        /// The moments before this view, as JSON.
        history: Arc<str>,
        view: Arc<View>,
        json: Arc<str>,
    },
    /// The service ends.
    Farewell,
}

/// From whoever looks once a second to whoever watches.
#[derive(Debug)]
pub(crate) struct Events {
    points: Mutex<VecDeque<Point>>,
    told: watch::Sender<Told>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self {
            points: Mutex::default(),
            told: watch::Sender::new(Told::Nothing),
        }
    }

    pub(crate) fn tell(&self, view: View) {
        let mut points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        let history = json(&*points);
        points.push_back(view.point.clone());
        if points.len() > KEPT {
            points.pop_front();
        }
        drop(points);
        self.told.send_replace(Told::View {
            history,
            json: json(&view),
            view: Arc::new(view),
        });
    }

    /// Lets every stream end, so that the service can.
    pub(crate) fn end(&self) {
        self.told.send_replace(Told::Farewell);
    }

    /// What was told last, if anything was.
    pub(crate) fn last(&self) -> Option<Arc<View>> {
        match &*self.told.borrow() {
            Told::View { view, .. } => Some(Arc::clone(view)),
            Told::Nothing | Told::Farewell => None,
        }
    }
}

/// Figures and text: there is nothing that could fail.
fn json(value: &impl serde::Serialize) -> Arc<str> {
    serde_json::to_string(value).unwrap_or_default().into()
}

/// `history` once, and then a `view` each second until the service ends. Whoever reads too slowly misses some, and holds up nobody.
pub(crate) async fn events(
    State(events): State<Arc<Events>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut watching = events.told.subscribe();
    // The first is told at once.
    watching.mark_changed();
    let told = stream::unfold((watching, true), |(mut watching, is_first)| async move {
        loop {
            watching.changed().await.ok()?;
            let told = watching.borrow_and_update().clone();
            match told {
                Told::Nothing => {}
                Told::View { history, json, .. } => {
                    let view = Event::default().event("view").data(json);
                    let history = is_first.then(|| Event::default().event("history").data(history));
                    let both = history.into_iter().chain([view]);
                    return Some((both, (watching, false)));
                }
                Told::Farewell => return None,
            }
        }
    });
    Sse::new(told.flat_map(stream::iter).map(Ok))
}
