//! Whether a body is there at once.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::Body;

use crate::integration::http_body::{Ahead, Source};

/// What a first look at a body found.
pub(super) enum Look<D, E> {
    /// All of it.
    Whole(Bytes),
    /// Its beginning, or nothing yet.
    Part(Ahead<D, E>),
}

/// How many frames are looked at, so that a body of empty ones does not hold the thread.
const FRAMES: usize = 1024;

/// How much room is made at once for what a body only says that it has. Beyond it the room grows with what comes.
const TRUSTED: usize = 1024 * 1024;

/// Polls the body for as long as it is ready and can still turn out to be whole within `most` bytes.
///
/// A body that says its length is gathered from several frames; one that does not is whole when it ends after one.
pub(super) fn look<B: Body + Unpin>(
    body: &mut B,
    cx: &mut Context<'_>,
    most: usize,
) -> Look<B::Data, B::Error> {
    let length = body.size_hint().exact();
    let mut one = Bytes::new();
    let mut many = Vec::new();
    let mut next = None;
    let source = if length.is_some_and(|length| length > most as u64) {
        Source::Open
    } else {
        let mut frames = 0;
        loop {
            if body.is_end_stream() {
                return Look::Whole(gathered(one, many));
            }
            if frames == FRAMES {
                break Source::Open;
            }
            frames += 1;
            match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Pending => break Source::Open,
                Poll::Ready(None) => return Look::Whole(gathered(one, many)),
                Poll::Ready(Some(Err(error))) => break Source::Failed(error),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(mut data) => {
                        let size = data.remaining();
                        let had = one.len() + many.len();
                        let fits = had.checked_add(size).is_some_and(|sum| sum <= most);
                        if had == 0 && fits {
                            one = data.copy_to_bytes(size);
                        } else if fits && length.is_some() {
                            if many.is_empty() {
                                // At most `most`, so it fits; what has come may be more than was said.
                                let said = length.map_or(0, |length| length as usize);
                                many.reserve_exact(said.min(TRUSTED));
                                many.extend_from_slice(&std::mem::take(&mut one));
                            }
                            while data.has_remaining() {
                                let chunk = data.chunk();
                                many.extend_from_slice(chunk);
                                data.advance(chunk.len());
                            }
                        } else {
                            next = Some(data);
                            break Source::Open;
                        }
                    }
                    Err(frame) => {
                        if let Ok(trailers) = frame.into_trailers() {
                            break Source::Ended(Some(trailers));
                        }
                    }
                },
            }
        }
    };
    Look::Part(Ahead {
        gathered: gathered(one, many),
        data: next,
        source,
    })
}

fn gathered(one: Bytes, many: Vec<u8>) -> Bytes {
    if many.is_empty() {
        one
    } else {
        Bytes::from(many)
    }
}
