//! A body that encodes what another one yields.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{FRAME, TURN};
#[cfg(feature = "dcz")]
use crate::Dictionary;
use crate::integration::http::remove_made_false;
#[cfg(not(feature = "dcz"))]
use crate::session::Dictionary;
use crate::{Coding, Encoder, Level};

pin_project! {
    /// A body that encodes what another body yields.
    ///
    /// - **Nothing is held back.** When the source has nothing more for the moment, everything it has yielded so far goes
    ///   out in a form that can be decoded at once; that costs about five bytes, and only where something was held.
    ///   As long as the source is ready, encoded bytes gather in pieces of up to 16 KiB.
    /// - Trailers pass through, behind the end of the encoded stream, but for digests of what is no longer sent.
    /// - An error of the source comes through at once, and the encoded stream stays cut off: no decoder takes it for whole.
    /// - Dropped at whatever point, it gives the encoder's state back to the pool, clean.
    /// - After 256 KiB of input without output it lets other tasks run, whatever the source has ready.
    ///
    /// The state is taken from the pool with the first byte of the source. Each piece of output is one allocation, and
    /// there is no other. The length is unknown in advance; a whole body is better encoded by [`encode`](crate::encode).
    /// [`Coding::Identity`] passes everything on as it is.
    ///
    /// ```
    /// use crm_compress::{Coding, EncodeBody, Level};
    /// use http_body_util::{BodyExt, Full};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let json = br#"{"id":7,"name":"Ada"}"#.repeat(100);
    /// let body = EncodeBody::new(Coding::Gzip, Level::Balanced, Full::new(&*json));
    /// let encoded = body.collect().await.unwrap().to_bytes();
    /// assert!(encoded.len() < json.len() / 10);
    /// # });
    /// ```
    #[must_use = "bodies do nothing unless polled"]
    pub struct EncodeBody<B>
    where
        B: Body,
    {
        #[pin]
        body: B,
        // What has been polled out of the body before it came here.
        ahead: Bytes,
        input: Option<B::Data>,
        source: Source<B::Error>,
        stage: Stage,
        dictionary: Option<Dictionary>,
    }
}

/// What is still to be expected of the body that is encoded.
pub(crate) enum Source<E> {
    Open,
    Ended(Option<HeaderMap>),
    Failed(E),
}

#[expect(
    clippy::large_enum_variant,
    reason = "a box would be an allocation for each body"
)]
enum Stage {
    /// Nothing has been encoded yet, and no state is in use.
    Due(Coding, Level),
    Running(Encoder<Outlet>),
    Done,
}

/// What has been polled out of a body before it was known that it would be encoded as a stream.
#[cfg(feature = "tower")]
pub(crate) struct Ahead<D, E> {
    pub(crate) gathered: Bytes,
    /// Follows `gathered`.
    pub(crate) data: Option<D>,
    /// Follows both.
    pub(crate) source: Source<E>,
}

impl<B: Body> EncodeBody<B> {
    /// Encodes what `body` yields.
    ///
    /// # Panics
    ///
    /// Not here, but when it is polled, for a [`Coding`] that needs a dictionary, which is `dcz`.
    pub fn new(coding: Coding, level: Level, body: B) -> Self {
        Self {
            body,
            ahead: Bytes::new(),
            input: None,
            source: Source::Open,
            stage: Stage::Due(coding, level),
            dictionary: None,
        }
    }

    /// Encodes what `body` yields as `dcz`, with this dictionary.
    #[cfg(feature = "dcz")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dcz")))]
    pub fn with_dictionary(dictionary: &Dictionary, level: Level, body: B) -> Self {
        Self {
            dictionary: Some(dictionary.clone()),
            ..Self::new(Coding::Dcz, level, body)
        }
    }

    /// Encodes what `body` has yielded already, and what it will.
    #[cfg(feature = "tower")]
    pub(crate) fn resume(
        dictionary: Option<&Dictionary>,
        coding: Coding,
        level: Level,
        body: B,
        ahead: Ahead<B::Data, B::Error>,
    ) -> Self {
        Self {
            body,
            ahead: ahead.gathered,
            input: ahead.data,
            source: ahead.source,
            stage: Stage::Due(coding, level),
            dictionary: dictionary.cloned(),
        }
    }

    /// The body that is encoded.
    pub fn get_ref(&self) -> &B {
        &self.body
    }
}

impl<B: Body> Body for EncodeBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        if let Stage::Due(Coding::Identity, _) = this.stage {
            let plain = |mut data: B::Data| data.copy_to_bytes(data.remaining());
            return this
                .body
                .poll_frame(cx)
                .map_ok(|frame| frame.map_data(plain));
        }
        let mut turn = TURN;
        loop {
            // Failure comes before what is still to be encoded: nobody can use the rest of a stream that is cut off.
            if matches!(this.source, Source::Failed(_)) {
                *this.ahead = Bytes::new();
                *this.input = None;
                *this.stage = Stage::Done;
                if let Source::Failed(error) = this.source.end() {
                    return Poll::Ready(Some(Err(error)));
                }
            }
            if turn == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let (taken, piece) = match this.input {
                _ if this.ahead.has_remaining() => {
                    this.stage
                        .encode(this.dictionary.as_ref(), this.ahead, turn)
                }
                Some(data) if data.has_remaining() => {
                    this.stage.encode(this.dictionary.as_ref(), data, turn)
                }
                _ => (0, None),
            };
            if let Some(piece) = piece {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if taken > 0 {
                turn -= taken;
                continue;
            }
            *this.input = None;
            if !matches!(this.source, Source::Open) {
                if let Some(piece) = this.stage.finish(this.dictionary.as_ref()) {
                    return Poll::Ready(Some(Ok(Frame::data(piece))));
                }
                return Poll::Ready(match this.source.end() {
                    Source::Ended(Some(mut trailers)) => {
                        remove_made_false(&mut trailers);
                        Some(Ok(Frame::trailers(trailers)))
                    }
                    _ => None,
                });
            }
            turn = turn.saturating_sub(FRAME);
            match this.body.as_mut().poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        *this.input = Some(data);
                        if this.body.is_end_stream() {
                            *this.source = Source::Ended(None);
                        }
                    }
                    Err(frame) => {
                        if let Ok(trailers) = frame.into_trailers() {
                            *this.source = Source::Ended(Some(trailers));
                        }
                    }
                },
                Poll::Ready(Some(Err(error))) => *this.source = Source::Failed(error),
                Poll::Ready(None) => *this.source = Source::Ended(None),
                Poll::Pending => {
                    return match this.stage.flush() {
                        Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                        None => Poll::Pending,
                    };
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.stage {
            Stage::Due(Coding::Identity, _) => self.body.is_end_stream(),
            Stage::Due(..) | Stage::Running(_) => false,
            Stage::Done => matches!(self.source, Source::Ended(None)),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.stage {
            Stage::Due(Coding::Identity, _) => self.body.size_hint(),
            Stage::Due(..) | Stage::Running(_) => SizeHint::default(),
            Stage::Done => SizeHint::with_exact(0),
        }
    }
}

impl<E> Source<E> {
    /// What was to come at the end, which comes but once.
    fn end(&mut self) -> Self {
        std::mem::replace(self, Self::Ended(None))
    }
}

impl Stage {
    /// Takes a state, if it has none yet.
    fn begin(&mut self, dictionary: Option<&Dictionary>) {
        if let Self::Due(coding, level) = *self {
            *self = Self::Running(Encoder::with(dictionary, coding, level, Outlet(None)));
        }
    }

    /// Encodes the next chunk of `input`, at most `most` bytes of it; how many it took, and what is to be sent before
    /// more is taken.
    fn encode(
        &mut self,
        dictionary: Option<&Dictionary>,
        input: &mut impl Buf,
        most: usize,
    ) -> (usize, Option<Bytes>) {
        self.begin(dictionary);
        let Self::Running(encoder) = self else {
            return (0, None);
        };
        let chunk = input.chunk();
        // The outlet is empty between two calls, and takes whatever comes; so there is no failure.
        let taken = encoder
            .write(&chunk[..chunk.len().min(most)])
            .unwrap_or_default();
        input.advance(taken);
        (taken, encoder.get_mut().0.take())
    }

    /// What has been taken and not yet sent, so that it can be decoded.
    fn flush(&mut self) -> Option<Bytes> {
        let Self::Running(encoder) = self else {
            return None;
        };
        // It stops where the outlet is full, and goes on with the next call.
        let _ = encoder.flush();
        encoder.get_mut().0.take()
    }

    /// The next piece of the end of the stream.
    fn finish(&mut self, dictionary: Option<&Dictionary>) -> Option<Bytes> {
        self.begin(dictionary);
        let Self::Running(encoder) = self else {
            return None;
        };
        // As with `flush`.
        let finished = encoder.try_finish().is_ok();
        let piece = encoder.get_mut().0.take();
        if finished {
            *self = Self::Done;
        }
        piece
    }
}

/// Takes one piece of output, copied out of the pooled buffer, and wants it fetched before the next.
struct Outlet(Option<Bytes>);

impl Write for Outlet {
    fn write(&mut self, encoded: &[u8]) -> io::Result<usize> {
        if self.0.is_some() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.0 = Some(Bytes::copy_from_slice(encoded));
        Ok(encoded.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<B: Body> fmt::Debug for EncodeBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stage, coding) = match &self.stage {
            Stage::Due(coding, _) => ("due", Some(*coding)),
            Stage::Running(encoder) => ("running", Some(encoder.coding())),
            Stage::Done => ("done", None),
        };
        f.debug_struct("EncodeBody")
            .field("stage", &stage)
            .field("coding", &coding)
            .finish_non_exhaustive()
    }
}
