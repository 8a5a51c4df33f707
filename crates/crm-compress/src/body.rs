//! A whole body at once.

#[cfg(feature = "dcz")]
use crate::Dictionary;
use crate::engine::Step;
#[cfg(feature = "libdeflate")]
use crate::engine::libdeflate;
#[cfg(not(feature = "dcz"))]
use crate::session::Dictionary;
use crate::session::Session;
use crate::whole::{self, Frame};
use crate::{Coding, Level, Reason};

/// Encodes a body whose coding was negotiated, into a vector of just its size.
///
/// [`Gzip`](crate::Gzip) and [`Deflate`](crate::Deflate) are for a coding that is fixed. Identity copies the body. It
/// never fails, and allocates nothing besides the result once the thread has encoded before.
///
/// # Panics
///
/// For a [`Coding`] that needs a dictionary, which is `dcz`: its own type encodes it.
///
/// ```
/// use crm_compress::{Coding, Level, encode};
///
/// let json = br#"{"id":7,"name":"Ada"}"#.repeat(100);
/// let body = encode(Coding::Gzip, Level::Balanced, &json);
/// assert!(body.len() < json.len() / 10);
/// ```
#[must_use]
pub fn encode(coding: Coding, level: Level, body: &[u8]) -> Vec<u8> {
    encode_with(None, coding, level, body)
}

pub(crate) fn encode_with(
    dictionary: Option<&Dictionary>,
    coding: Coding,
    level: Level,
    body: &[u8],
) -> Vec<u8> {
    let mut output = Vec::new();
    match frame(coding) {
        Some(frame) => {
            output.reserve(guess(body.len()));
            let whole = encode_whole(frame, level, body, &mut output, usize::MAX);
            debug_assert!(whole, "there is no limit");
        }
        None => encode_into_with(dictionary, coding, level, body, &mut output),
    }
    output.shrink_to_fit();
    output
}

/// The frame of a coding that the crate's own deflate encodes, when the body is whole.
fn frame(coding: Coding) -> Option<Frame> {
    match coding {
        Coding::Gzip => Some(Frame::Gzip),
        Coding::Deflate => Some(Frame::Zlib),
        _ => None,
    }
}

/// Encodes a body that is in memory, in this frame, by the engine for its length; see [`whole::encode`].
fn encode_whole(
    frame: Frame,
    level: Level,
    body: &[u8],
    output: &mut Vec<u8>,
    limit: usize,
) -> bool {
    let level = level.deflate();
    #[cfg(feature = "libdeflate")]
    if libdeflate::suits(level, body.len()) {
        return libdeflate::encode(frame, body, output, limit);
    }
    whole::encode(frame, level, body, output, limit)
}

/// The most bytes that [`encode_whole`] makes of a body of `length` bytes, by whichever engine.
fn bound(length: usize) -> usize {
    #[cfg(feature = "libdeflate")]
    let least = libdeflate::bound(length);
    #[cfg(not(feature = "libdeflate"))]
    let least = 0;
    whole::bound(length).max(least)
}

/// Room for what a body of `length` bytes most likely comes to. Where it does not suffice, the vector grows.
fn guess(length: usize) -> usize {
    (length / 4).saturating_add(256)
}

/// Encodes a body as [`encode`] does, and appends it to `output`.
///
/// What `output` holds already stays. Its capacity grows to the worst case, a little more than `body` has, and is left
/// so: a vector that is cleared and used again needs no allocation for any body that is not larger, at the same level.
///
/// # Panics
///
/// For a [`Coding`] that needs a dictionary, as [`encode`] does.
pub fn encode_into(coding: Coding, level: Level, body: &[u8], output: &mut Vec<u8>) {
    encode_into_with(None, coding, level, body, output);
}

pub(crate) fn encode_into_with(
    dictionary: Option<&Dictionary>,
    coding: Coding,
    level: Level,
    body: &[u8],
    output: &mut Vec<u8>,
) {
    if let Some(frame) = frame(coding) {
        output.reserve(bound(body.len()));
        let whole = encode_whole(frame, level, body, output, usize::MAX);
        debug_assert!(whole, "there is no limit");
        return;
    }
    match Session::begin(dictionary, coding, level, Some(body.len())) {
        None => output.extend_from_slice(body),
        Some(session) => {
            output.reserve(Session::bound(coding, level, body.len()));
            let whole = run(session, body, output, PIECE, Room::Grows);
            debug_assert!(whole, "a vector that grows has room");
        }
    }
}

/// Encodes a body as [`encode`] does, if that makes it smaller; stops as soon as it is clear that it does not.
///
/// # Errors
///
/// [`Reason::WouldNotShrink`] when the coding does not get below the body's own length; send the body as it is.
/// Identity never does.
///
/// # Panics
///
/// For a [`Coding`] that needs a dictionary, as [`encode`] does.
///
/// ```
/// use crm_compress::{Coding, Level, encode_if_smaller};
///
/// let reason = encode_if_smaller(Coding::Gzip, Level::Balanced, b"{}").unwrap_err();
/// assert_eq!(reason.to_string(), "gzip would not shrink 2 bytes");
/// ```
pub fn encode_if_smaller(coding: Coding, level: Level, body: &[u8]) -> Result<Vec<u8>, Reason> {
    encode_if_smaller_with(None, coding, level, body)
}

pub(crate) fn encode_if_smaller_with(
    dictionary: Option<&Dictionary>,
    coding: Coding,
    level: Level,
    body: &[u8],
) -> Result<Vec<u8>, Reason> {
    if let Some(frame) = frame(coding) {
        let mut output = Vec::with_capacity(guess(body.len()));
        let room = body.len().saturating_sub(1);
        if encode_whole(frame, level, body, &mut output, room) {
            output.shrink_to_fit();
            return Ok(output);
        }
    } else if let Some(session) = Session::begin(dictionary, coding, level, Some(body.len())) {
        let mut output = Vec::with_capacity(Session::room_to_shrink(coding, body.len()));
        if run(session, body, &mut output, PIECE, Room::Fixed) && output.len() < body.len() {
            output.shrink_to_fit();
            return Ok(output);
        }
    }
    Err(Reason::WouldNotShrink {
        coding,
        length: body.len() as u64,
    })
}

/// Appends all of a body as [`encode_into`] does, but for the end of the data, so that something can be written before it:
/// the output ends with a flush, at a byte.
#[cfg(feature = "brotli")]
pub(crate) fn flush_into(coding: Coding, level: Level, body: &[u8], output: &mut Vec<u8>) {
    let Some(mut session) = Session::begin(None, coding, level, Some(body.len())) else {
        return output.extend_from_slice(body);
    };
    output.reserve(Session::bound(coding, level, body.len()));
    session.head(output);
    let mut rest = body;
    loop {
        let progress = session.feed(rest, output, Step::Flush);
        if progress.done {
            return;
        }
        rest = &rest[progress.consumed..];
        output.reserve(1024 + rest.len() / 8);
    }
}

/// The most input given to the state at once. It counts in 32 bits, and would take the end of a longer slice for the
/// end of the body.
const PIECE: usize = 1 << 30;

/// What happens when the output is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Grows,
    Fixed,
}

/// Encodes `body` to its end; `false` when there was not enough room.
fn run(mut session: Session, body: &[u8], output: &mut Vec<u8>, piece: usize, room: Room) -> bool {
    session.head(output);
    let mut rest = body;
    loop {
        let (next, step) = match rest.get(..piece) {
            Some(next) if next.len() < rest.len() => (next, Step::Gather),
            _ => (rest, Step::Finish),
        };
        let progress = session.feed(next, output, step);
        rest = &rest[progress.consumed..];
        if progress.done && step == Step::Finish {
            break;
        }
        if output.len() == output.capacity() {
            match room {
                // The bound makes this unreachable; should an engine ever exceed it, the body is still right.
                Room::Grows => output.reserve(1024 + rest.len() / 8),
                Room::Fixed => return false,
            }
        }
    }
    session.trailer(output);
    true
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// The worst bodies fit into what is reserved for them, so that nothing is allocated while one is encoded.
    #[test]
    fn the_bound_holds() {
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8 | 0x90 // nine bits each in the fixed code
        })
        .take(250_000)
        .collect();
        for coding in [Coding::Gzip, Coding::Deflate] {
            for level in (0..=9).map(Level::Exact) {
                for length in [0, 1, 9, 100, 8_191, 16_384, 65_535, 65_536, 250_000] {
                    let session = Session::begin(None, coding, level, Some(length)).unwrap();
                    let mut output = Vec::with_capacity(Session::bound(coding, level, length));
                    let capacity = output.capacity();
                    let fits = run(session, &noise[..length], &mut output, PIECE, Room::Fixed);
                    assert!(fits, "{coding} {level}: {length}");
                    assert_eq!(output.capacity(), capacity, "{coding} {level}: {length}");
                }
            }
        }
    }

    #[test]
    fn a_fixed_room_stops_the_work() {
        let noise: Vec<u8> = (0..40_000_u32)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        let session = Session::begin(None, Coding::Gzip, Level::Balanced, None).unwrap();
        let mut output = Vec::with_capacity(1_000);
        let capacity = output.capacity();
        assert!(!run(session, &noise, &mut output, PIECE, Room::Fixed));
        assert_eq!((output.len(), output.capacity()), (capacity, capacity));
    }

    /// A body of 4 GiB is too much for a test, so the piece is made small instead.
    #[test]
    fn the_end_of_a_piece_is_not_the_end_of_the_body() {
        let body: Vec<u8> = (0..25_000_u32).flat_map(u32::to_le_bytes).collect();
        for piece in [1, 999, 65_536, body.len() - 1, body.len(), body.len() + 1] {
            for coding in [Coding::Gzip, Coding::Deflate] {
                for level in (0..=9).map(Level::Exact) {
                    let session = Session::begin(None, coding, level, None).unwrap();
                    let mut output = Vec::with_capacity(10);
                    assert!(run(session, &body, &mut output, piece, Room::Grows));
                    let mut decoded = Vec::new();
                    match coding {
                        Coding::Gzip => {
                            flate2::read::GzDecoder::new(&*output).read_to_end(&mut decoded)
                        }
                        _ => flate2::read::ZlibDecoder::new(&*output).read_to_end(&mut decoded),
                    }
                    .unwrap();
                    assert!(decoded == body, "{coding} {level:?} in pieces of {piece}");
                    if piece == 1 {
                        break; // one level is slow enough
                    }
                }
            }
        }
    }
}
