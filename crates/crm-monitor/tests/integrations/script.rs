//! A body that does what a list says.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    Data(usize),
    Trailers,
    Fail,
    Panic,
}

/// The error of [`Step::Fail`].
#[derive(Debug)]
pub(crate) struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("as the script says")
    }
}

impl std::error::Error for Failed {}

/// A body that is not `Unpin`.
pub(crate) struct Script {
    steps: VecDeque<Step>,
    exact: Option<u64>,
    tells_end: bool,
    before_each: Box<dyn Fn() + Send + Sync>,
    _pinned: PhantomPinned,
}

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            exact: None,
            tells_end: false,
            before_each: Box::new(|| {}),
            _pinned: PhantomPinned,
        }
    }

    /// Says how many bytes will come.
    pub(crate) fn exact(mut self, exact: bool) -> Self {
        self.exact = exact.then(|| {
            let data = self.steps.iter().map(|step| match step {
                Step::Data(bytes) => *bytes as u64,
                _ => 0,
            });
            data.sum()
        });
        self
    }

    /// Says that the end has come as soon as nothing is left.
    pub(crate) fn tells_end(mut self, tells_end: bool) -> Self {
        self.tells_end = tells_end;
        self
    }

    /// Calls this before each step.
    pub(crate) fn before_each(mut self, before: impl Fn() + Send + Sync + 'static) -> Self {
        self.before_each = Box::new(before);
        self
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = Failed;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failed>>> {
        // The steps are not pinned with the body.
        #[expect(unsafe_code, reason = "a body that is not `Unpin` is what this is for")]
        // SAFETY: nothing is moved out of the body.
        let this = unsafe { self.get_unchecked_mut() };
        (this.before_each)();
        Poll::Ready(this.steps.pop_front().map(|step| match step {
            Step::Data(bytes) => Ok(Frame::data(vec![b'x'; bytes].into())),
            Step::Trailers => Ok(Frame::trailers(http::HeaderMap::new())),
            Step::Fail => Err(Failed),
            // As a panic does, but without words on the terminal.
            Step::Panic => std::panic::resume_unwind(Box::new("as the script says")),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.tells_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.exact
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
