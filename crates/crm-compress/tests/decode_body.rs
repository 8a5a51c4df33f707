//! The decoding body, polled by hand.
#![cfg(feature = "http-body")]

mod support;

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use crm_compress::{
    Coding, ContentEncoding, DecodeBody, DecodeError, DecodeLimits, Encoder, Level, encode,
};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use support::bodies;
use support::script::{Failed, Script, Step};

/// All that this build can read.
const CODINGS: &[Coding] = &[
    Coding::Gzip,
    Coding::Deflate,
    #[cfg(feature = "brotli")]
    Coding::Brotli,
    #[cfg(feature = "zstd")]
    Coding::Zstd,
];

type BoxError = Box<dyn Error + Send + Sync>;

fn decoding<B: Body>(coding: Coding, body: B) -> DecodeBody<B> {
    DecodeBody::new(body, &coding.into(), &DecodeLimits::default()).unwrap()
}

fn poll<B>(body: &mut DecodeBody<B>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

/// All data up to the end or the error.
fn all(body: &mut DecodeBody<Script>) -> (Vec<u8>, Option<BoxError>) {
    let mut all = Vec::new();
    loop {
        match poll(body) {
            Poll::Pending => {}
            Poll::Ready(None) => return (all, None),
            Poll::Ready(Some(Err(error))) => return (all, Some(error)),
            Poll::Ready(Some(Ok(frame))) => {
                let data = frame.into_data().unwrap();
                assert!(!data.is_empty() && data.len() <= 16 * 1024);
                all.extend_from_slice(&data);
            }
        }
    }
}

#[test]
fn what_can_be_decoded_does_not_wait() {
    use std::io::Write;
    for &coding in CODINGS {
        let mut encoder = Encoder::new(coding, Level::Balanced, Vec::new());
        encoder.write_all(b"first;").unwrap();
        encoder.flush().unwrap();
        let first = std::mem::take(encoder.get_mut());
        encoder.write_all(b"second").unwrap();
        let second = encoder.finish().unwrap();
        let steps = [Step::data(first), Step::Pending, Step::data(second)];
        let mut body = decoding(coding, Script::new(steps));
        let Poll::Ready(Some(Ok(frame))) = poll(&mut body) else {
            panic!("held back");
        };
        assert_eq!(frame.into_data().unwrap(), "first;");
        assert!(poll(&mut body).is_pending());
        assert!(!body.is_end_stream());
        let (rest, error) = all(&mut body);
        assert_eq!((&*rest, error.is_none()), (&b"second"[..], true));
        assert!(body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(0));
    }
}

#[test]
fn trailers_follow_a_body_that_is_whole() {
    let encoded = encode(Coding::Gzip, Level::Balanced, b"body");
    let steps = [Step::data(&*encoded), Step::Trailers("yes")];
    let mut body = decoding(Coding::Gzip, Script::new(steps));
    assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(frame))) if frame.is_data()));
    let Poll::Ready(Some(Ok(frame))) = poll(&mut body) else {
        panic!("no trailers");
    };
    assert_eq!(frame.into_trailers().unwrap()["x-checked"], "yes");
    assert!(matches!(poll(&mut body), Poll::Ready(None)));

    let steps = [Step::data(&encoded[..9]), Step::Trailers("yes")];
    let (_, error) = all(&mut decoding(Coding::Gzip, Script::new(steps)));
    let error = error.expect("an error instead of the trailers");
    assert!(matches!(
        DecodeError::find(&*error),
        Some(DecodeError::Truncated { .. })
    ));
}

#[test]
fn a_body_that_is_cut_off_or_broken_ends_in_a_typed_error() {
    let json = bodies::json(40_000, 1);
    for &coding in CODINGS {
        let encoded = encode(coding, Level::Balanced, &json);
        let whole = encoded.len();
        for length in [0, 1, 9, whole / 2, whole - 1] {
            let steps = encoded[..length].chunks(1_000).map(Step::data);
            let mut body = decoding(coding, Script::new(steps));
            let (decoded, error) = all(&mut body);
            let error = error.expect("cut off");
            let error = DecodeError::find(&*error).unwrap();
            assert!(
                matches!(error, DecodeError::Truncated { .. }),
                "{length}: {error}"
            );
            assert!(json.starts_with(&decoded));
            assert!(matches!(poll(&mut body), Poll::Ready(None)));
            assert!(body.is_end_stream());
        }
        // The others end without a checksum.
        if matches!(coding, Coding::Gzip | Coding::Deflate) {
            let mut broken = encoded.clone();
            broken[whole - 1] ^= 1;
            let (_, error) = all(&mut decoding(coding, Script::new([Step::data(broken)])));
            let error = error.expect("broken");
            assert_eq!(DecodeError::find(&*error).unwrap().status(), 400);
        }
        let longer = [encoded, b"more".to_vec()].concat();
        let (_, error) = all(&mut decoding(coding, Script::new([Step::data(&*longer)])));
        let error = error.expect("something follows");
        assert!(matches!(
            DecodeError::find(&*error),
            Some(DecodeError::TrailingData { .. })
        ));
    }
}

#[test]
fn the_limits_hold_whatever_the_frames() {
    let bomb = encode(Coding::Gzip, Level::Smallest, &vec![0; 20 << 20]);
    for frame in [1_000, bomb.len()] {
        let steps = bomb.chunks(frame).map(Step::data);
        let (decoded, error) = all(&mut decoding(Coding::Gzip, Script::new(steps)));
        assert!(decoded.len() <= 10 << 20);
        let error = error.expect("a bomb");
        assert_eq!(DecodeError::find(&*error).unwrap().status(), 413);
    }
    let chain = ContentEncoding::parse(["gzip, gzip, gzip"]).unwrap();
    let limits = DecodeLimits::default();
    let error = DecodeBody::new(Full::<Bytes>::default(), &chain, &limits).unwrap_err();
    assert!(matches!(error, DecodeError::ChainTooLong { limit: 2 }));
}

#[test]
fn errors_of_the_source_pass_through() {
    for coding in [Coding::Identity, Coding::Gzip] {
        let steps = [
            Step::data(encode(coding, Level::Balanced, b"half")),
            Step::Fail,
        ];
        let (decoded, error) = all(&mut decoding(coding, Script::new(steps)));
        assert_eq!(decoded, b"half");
        let error = error.expect("an error");
        assert_eq!(error.downcast_ref(), Some(&Failed));
        assert!(DecodeError::find(&*error).is_none());
    }
}

#[test]
fn a_body_without_coding_passes_as_it_is() {
    let mut body = decoding(Coding::Identity, Full::<Bytes>::from("plain"));
    assert_eq!(body.size_hint().exact(), Some(5));
    assert!(!body.is_end_stream());
    assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(frame))) if frame.is_data()));
    assert!(body.is_end_stream());
}

/// Counts how often it was woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_source_of_nothing_lets_others_run() {
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut steps = vec![Step::data(""); 100_000];
    steps.push(Step::data(encode(
        Coding::Gzip,
        Level::Balanced,
        b"at last",
    )));
    let mut body = decoding(Coding::Gzip, Script::new(steps));
    let mut pending = 0;
    while Pin::new(&mut body)
        .poll_frame(&mut Context::from_waker(&waker))
        .is_pending()
    {
        pending += 1;
    }
    assert_eq!(wakes.0.load(Ordering::Relaxed), pending);
    assert!(pending >= 20, "{pending}");
}

/// An error around another, as frameworks make them.
#[derive(Debug)]
struct Around(BoxError);

impl fmt::Display for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("around")
    }
}

impl Error for Around {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

#[tokio::test]
async fn the_reason_is_found_within_other_errors() {
    let body = decoding(Coding::Gzip, Full::<Bytes>::from("no gzip"));
    let error = Around(Box::new(Around(body.collect().await.unwrap_err())));
    let found = DecodeError::find(&error).unwrap();
    assert!(
        matches!(found, DecodeError::InvalidHeader { .. }),
        "{found}"
    );
}

proptest! {
    #![proptest_config(support::properties(|usual| usual / 2))]

    /// What was encoded comes out again, however it is cut into frames.
    #[test]
    fn the_frames_do_not_matter(
        length in 0_usize..60_000,
        seed: u64,
        frames in prop::collection::vec((0_usize..3_000, any::<bool>()), 1..10),
    ) {
        let json = bodies::json(length, seed);
        for &coding in CODINGS {
            let encoded = encode(coding, Level::Balanced, &json);
            let mut rest = &*encoded;
            let mut steps = Vec::new();
            for (length, pause) in frames.iter().cycle() {
                let (frame, after) = rest.split_at((*length).min(rest.len()));
                steps.push(Step::data(frame));
                steps.extend(pause.then_some(Step::Pending));
                rest = after;
                // Frames that are all empty would never come to the end.
                if rest.is_empty() || steps.len() > 1_000 {
                    steps.push(Step::data(rest));
                    break;
                }
            }
            let (decoded, error) = all(&mut decoding(coding, Script::new(steps)));
            prop_assert!(error.is_none(), "{error:?}");
            prop_assert!(decoded == json);
        }
    }
}
