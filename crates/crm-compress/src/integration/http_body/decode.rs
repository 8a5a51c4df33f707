//! A body that decodes what another one yields.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{FRAME, TURN};
#[cfg(feature = "dcz")]
use crate::Dictionary;
#[cfg(not(feature = "dcz"))]
use crate::session::Dictionary;
use crate::{ContentEncoding, DecodeError, DecodeLimits, Decoder};

pin_project! {
    /// A body that decodes what another body yields, within limits.
    ///
    /// What can be decoded of a frame is yielded before the next one is asked for, in pieces of up to 16 KiB; no more is
    /// kept than the [`Decoder`] keeps. Trailers pass through, once the body has proved to be whole. A body without codings
    /// passes as it is, and no limit applies to it.
    ///
    /// **Errors** are boxed. One of decoding is a [`DecodeError`], which [`DecodeError::find`] gets back from whatever it
    /// has been wrapped in since; others are those of the body. After an error the body is at its end.
    ///
    /// ```
    /// use crm_compress::{ContentEncoding, DecodeBody, DecodeError, DecodeLimits, Gzip};
    /// use http_body_util::{BodyExt, Full};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let encoded = Gzip::default().encode(b"[1,2,3]");
    /// let chain = ContentEncoding::parse(["gzip"]).unwrap();
    ///
    /// let body = DecodeBody::new(Full::new(&*encoded), &chain, &DecodeLimits::default()).unwrap();
    /// assert_eq!(body.collect().await.unwrap().to_bytes(), "[1,2,3]");
    ///
    /// let half = Full::new(&encoded[..9]);
    /// let body = DecodeBody::new(half, &chain, &DecodeLimits::default()).unwrap();
    /// let error = body.collect().await.unwrap_err();
    /// assert_eq!(DecodeError::find(&*error).unwrap().status(), 400);
    /// # });
    /// ```
    #[must_use = "bodies do nothing unless polled"]
    pub struct DecodeBody<B>
    where
        B: Body,
    {
        #[pin]
        body: B,
        stage: Stage,
        input: Option<B::Data>,
        // Whether the decoder may have more to give without more input.
        more: bool,
        ended: bool,
        trailers: Option<HeaderMap>,
        refused: Option<Refused>,
    }
}

/// The status with which a body was refused, or 0; shared by the body and who answers for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refused(Arc<AtomicU16>);

impl Refused {
    /// The status, once the body has been refused.
    #[cfg(feature = "tower")]
    pub(crate) fn status(&self) -> Option<u16> {
        // It publishes nothing but itself.
        Some(self.0.load(Ordering::Relaxed)).filter(|&status| status != 0)
    }
}

enum Stage {
    /// The body has no coding.
    Plain,
    Running(Decoder),
    Done,
}

/// How much is decoded at a time.
const PIECE: usize = 16 * 1024;

impl<B: Body> DecodeBody<B> {
    /// Decodes what `body` yields, by these codings.
    ///
    /// # Errors
    ///
    /// [`DecodeError::ChainTooLong`] when there are more codings than the limits allow.
    pub fn new(
        body: B,
        chain: &ContentEncoding,
        limits: &DecodeLimits,
    ) -> Result<Self, DecodeError> {
        Self::with(body, chain, limits, &[])
    }

    /// The same with dictionaries for dcz; see [`Decoder::with_dictionaries`].
    ///
    /// # Errors
    ///
    /// [`DecodeError::ChainTooLong`] when there are more codings than the limits allow.
    #[cfg(feature = "dcz")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dcz")))]
    pub fn with_dictionaries(
        body: B,
        chain: &ContentEncoding,
        limits: &DecodeLimits,
        dictionaries: &[Dictionary],
    ) -> Result<Self, DecodeError> {
        Self::with(body, chain, limits, dictionaries)
    }

    pub(crate) fn with(
        body: B,
        chain: &ContentEncoding,
        limits: &DecodeLimits,
        dictionaries: &[Dictionary],
    ) -> Result<Self, DecodeError> {
        let stage = if chain.is_identity() {
            Stage::Plain
        } else {
            Stage::Running(Decoder::with(chain, limits, dictionaries)?)
        };
        Ok(Self {
            body,
            stage,
            input: None,
            more: false,
            ended: false,
            trailers: None,
            refused: None,
        })
    }

    /// Tells `refused` when the body is.
    #[cfg(feature = "tower")]
    pub(crate) fn telling(mut self, refused: Refused) -> Self {
        self.refused = Some(refused);
        self
    }

    /// The body that is decoded.
    pub fn get_ref(&self) -> &B {
        &self.body
    }
}

type BoxError = Box<dyn Error + Send + Sync>;

impl<B> Body for DecodeBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        let mut turn = TURN;
        loop {
            let decoder = match this.stage {
                Stage::Running(decoder) => decoder,
                Stage::Done => return Poll::Ready(None),
                Stage::Plain => {
                    let plain = |mut data: B::Data| data.copy_to_bytes(data.remaining());
                    return this
                        .body
                        .poll_frame(cx)
                        .map_ok(|frame| frame.map_data(plain))
                        .map_err(Into::into);
                }
            };
            if turn == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let input = this.input.as_mut().filter(Buf::has_remaining);
            if input.is_some() || *this.more {
                match step(decoder, input, turn) {
                    Ok((taken, piece)) => {
                        *this.more = piece.len() == PIECE;
                        if !piece.is_empty() {
                            return Poll::Ready(Some(Ok(Frame::data(piece))));
                        }
                        turn = turn.saturating_sub(taken.max(FRAME));
                    }
                    Err(error) => {
                        *this.stage = Stage::Done;
                        return Poll::Ready(Some(Err(refused(this.refused, error))));
                    }
                }
                continue;
            }
            *this.input = None;
            if *this.ended {
                let whole = decoder.finish();
                *this.stage = Stage::Done;
                return Poll::Ready(match whole {
                    Ok(()) => this
                        .trailers
                        .take()
                        .map(|trailers| Ok(Frame::trailers(trailers))),
                    Err(error) => Some(Err(refused(this.refused, error))),
                });
            }
            turn = turn.saturating_sub(FRAME);
            match this.body.as_mut().poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => *this.ended = true,
                Poll::Ready(Some(Err(error))) => {
                    *this.stage = Stage::Done;
                    return Poll::Ready(Some(Err(error.into())));
                }
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => *this.input = Some(data),
                    Err(frame) => {
                        if let Ok(trailers) = frame.into_trailers() {
                            *this.trailers = Some(trailers);
                            *this.ended = true;
                        }
                    }
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.stage {
            Stage::Plain => self.body.is_end_stream(),
            // Whether it is whole shows only at the end.
            Stage::Running(_) => false,
            Stage::Done => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.stage {
            Stage::Plain => self.body.size_hint(),
            Stage::Running(_) => SizeHint::default(),
            Stage::Done => SizeHint::with_exact(0),
        }
    }
}

/// The error of the body, told to who answers for it.
fn refused(refused: &Option<Refused>, error: DecodeError) -> BoxError {
    if let Some(Refused(status)) = refused {
        status.store(error.status(), Ordering::Relaxed);
    }
    error.into()
}

/// Decodes the next chunk of `input`, at most `most` bytes of it; how many it took, and what came of it.
fn step(
    decoder: &mut Decoder,
    input: Option<&mut impl Buf>,
    most: usize,
) -> Result<(usize, Bytes), DecodeError> {
    let mut piece = [0; PIECE];
    let progress = match input {
        None => decoder.decode(&[], &mut piece)?,
        Some(data) => {
            let chunk = data.chunk();
            let progress = decoder.decode(&chunk[..chunk.len().min(most)], &mut piece)?;
            data.advance(progress.consumed);
            progress
        }
    };
    let decoded = Bytes::copy_from_slice(&piece[..progress.produced]);
    Ok((progress.consumed, decoded))
}

impl DecodeError {
    /// The error of decoding from which `error` comes, if it does: itself, or what it was wrapped around.
    ///
    /// A handler whose framework wraps the errors of a body finds the reason with it.
    #[must_use]
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        std::iter::successors(Some(error), |&error| error.source())
            .find_map(<dyn Error>::downcast_ref)
    }
}

impl<B: Body> fmt::Debug for DecodeBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decoder = match &self.stage {
            Stage::Running(decoder) => Some(decoder),
            Stage::Plain | Stage::Done => None,
        };
        f.debug_struct("DecodeBody")
            .field("decoder", &decoder)
            .finish_non_exhaustive()
    }
}
