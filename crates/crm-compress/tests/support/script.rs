//! A body that does what a test says, poll by poll.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// What a body does at one poll.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Data(Bytes),
    Pending,
    /// `X-Checked` with this value, and a digest of what was yielded.
    Trailers(&'static str),
    Fail,
}

impl Step {
    pub(crate) fn data(data: impl Into<Vec<u8>>) -> Self {
        Self::Data(Bytes::from(data.into()))
    }
}

/// The error of a body that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the source failed")
    }
}

impl std::error::Error for Failed {}

/// A body that does its steps, one a poll, and then ends. After its end, or an error, it must not be polled again.
pub(crate) struct Script {
    steps: VecDeque<Step>,
    over: bool,
    /// Says the length of the data that is still to come.
    tells_length: bool,
    polls: Arc<AtomicUsize>,
}

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            over: false,
            tells_length: false,
            polls: Arc::default(),
        }
    }

    pub(crate) fn telling_length(mut self) -> Self {
        self.tells_length = true;
        self
    }

    /// How often it has been polled.
    pub(crate) fn polls(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.polls)
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = Failed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failed>>> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        assert!(!self.over, "polled after its end");
        match self.steps.pop_front() {
            Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Step::Pending) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Trailers(value)) => {
                let mut trailers = HeaderMap::new();
                trailers.insert("x-checked", value.parse().unwrap());
                trailers.insert("content-digest", "sha-256=:AA==:".parse().unwrap());
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            Some(Step::Fail) => {
                self.over = true;
                Poll::Ready(Some(Err(Failed)))
            }
            None => {
                self.over = true;
                Poll::Ready(None)
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.steps.iter().map(|step| match step {
            Step::Data(data) => data.len() as u64,
            _ => 0,
        });
        if self.tells_length {
            SizeHint::with_exact(length.sum())
        } else {
            SizeHint::default()
        }
    }
}
