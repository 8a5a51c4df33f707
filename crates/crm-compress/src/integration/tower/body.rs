//! The body that goes out.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{Decision, EncodeBody};

pin_project! {
    /// The body of a response that went through [`CompressLayer`](super::CompressLayer): whole bytes, an encoded stream, or
    /// the body of the service as it is.
    ///
    /// A body that is whole says its exact length, from which every server makes the Content-Length.
    #[must_use = "bodies do nothing unless polled"]
    pub struct EncodedBody<B>
    where
        B: Body,
    {
        #[pin]
        form: Form<B>,
        decision: Option<Decision>,
    }
}

pin_project! {
    #[project = Projected]
    pub(super) enum Form<B>
    where
        B: Body,
    {
        // As the service made it.
        Plain { #[pin] body: B },
        // All of it, encoded or not.
        Whole { bytes: Bytes },
        // Encoded while it is sent.
        Stream { #[pin] body: EncodeBody<B> },
    }
}

impl<B: Body> EncodedBody<B> {
    pub(super) fn new(form: Form<B>, decision: Decision) -> Self {
        Self {
            form,
            decision: Some(decision),
        }
    }

    /// No content, for a request that was refused.
    pub(super) fn refused() -> Self {
        let bytes = Bytes::new();
        Self {
            form: Form::Whole { bytes },
            decision: None,
        }
    }

    /// What was decided for this response, for logs and figures; `None` when the service was not called.
    pub const fn decision(&self) -> Option<Decision> {
        self.decision
    }
}

impl<B: Body> Body for EncodedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().form.project() {
            Projected::Plain { body } => {
                let plain = |mut data: B::Data| data.copy_to_bytes(data.remaining());
                body.poll_frame(cx).map_ok(|frame| frame.map_data(plain))
            }
            Projected::Whole { bytes } if bytes.is_empty() => Poll::Ready(None),
            Projected::Whole { bytes } => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Projected::Stream { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.form {
            Form::Plain { body } => body.is_end_stream(),
            Form::Whole { bytes } => bytes.is_empty(),
            Form::Stream { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.form {
            Form::Plain { body } => body.size_hint(),
            Form::Whole { bytes } => SizeHint::with_exact(bytes.len() as u64),
            Form::Stream { body } => body.size_hint(),
        }
    }
}

impl<B: Body> fmt::Debug for EncodedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.form {
            Form::Plain { .. } => "plain",
            Form::Whole { .. } => "whole",
            Form::Stream { .. } => "stream",
        };
        f.debug_struct("EncodedBody")
            .field("form", &form)
            .field("decision", &self.decision)
            .finish_non_exhaustive()
    }
}
