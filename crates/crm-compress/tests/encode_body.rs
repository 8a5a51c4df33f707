//! The encoding body, polled by hand.
#![cfg(feature = "http-body")]

mod support;

use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::{Buf, Bytes};
use crm_compress::{Coding, EncodeBody, Encoder, Level};
use http_body::{Body, Frame};
use http_body_util::{Empty, Full};
use proptest::prelude::*;
use support::script::{Failed, Script, Step};
use support::{bodies, decoders};

/// All that this build can send.
const CODINGS: &[Coding] = &[
    Coding::Gzip,
    Coding::Deflate,
    #[cfg(feature = "brotli")]
    Coding::Brotli,
    #[cfg(feature = "zstd")]
    Coding::Zstd,
];

/// Long enough for a flush in several pieces, and to be pending after it.
const PAUSE: [Step; 8] = [const { Step::Pending }; 8];

type Polled<E> = Poll<Option<Result<Frame<Bytes>, E>>>;

fn poll<B: Body + Unpin>(body: &mut EncodeBody<B>) -> Polled<B::Error> {
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

/// The data of a poll that must have yielded some.
fn data<E: std::fmt::Debug>(polled: Polled<E>) -> Bytes {
    match polled {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap(),
        other => panic!("no data: {other:?}"),
    }
}

/// All data of a body that is never pending, up to its end.
fn all<B: Body + Unpin>(body: &mut EncodeBody<B>) -> Vec<u8>
where
    B::Error: std::fmt::Debug,
{
    let mut all = Vec::new();
    while let Poll::Ready(Some(frame)) = poll(body) {
        all.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    assert!(body.is_end_stream());
    all
}

#[test]
fn what_the_source_has_yielded_goes_out_when_it_is_pending() {
    for &coding in CODINGS {
        let steps = [
            Step::Pending,
            Step::data("first;"),
            Step::data("second;"),
            Step::Pending,
            Step::Pending,
            Step::data("third"),
        ];
        let mut body = EncodeBody::new(coding, Level::Balanced, Script::new(steps));
        assert!(poll(&mut body).is_pending(), "nothing to say yet");
        let first = data(poll(&mut body));
        assert_eq!(decoders::decode_so_far(coding, &first), b"first;second;");
        assert!(poll(&mut body).is_pending(), "nothing to flush twice");
        let whole = [&*first, &all(&mut body)].concat();
        assert_eq!(
            decoders::decode(coding, &whole).unwrap(),
            b"first;second;third"
        );
    }
}

#[test]
fn a_flush_of_more_than_a_piece_goes_out_whole() {
    // Noise comes out as long as it went in, so that the flush does not fit into one piece.
    let noise = bodies::noise(60_000, 1);
    for &coding in CODINGS {
        let mut steps = vec![Step::data(&*noise)];
        steps.extend(PAUSE);
        let mut body = EncodeBody::new(coding, Level::Balanced, Script::new(steps));
        let mut so_far = Vec::new();
        while let Poll::Ready(Some(frame)) = poll(&mut body) {
            so_far.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
        assert!(decoders::decode_so_far(coding, &so_far) == noise);
    }
}

#[test]
fn nothing_is_flushed_while_the_source_is_ready() {
    let json = bodies::json(30_000, 1);
    for &coding in CODINGS {
        let mut encoder = Encoder::new(coding, Level::Balanced, Vec::new());
        for chunk in json.chunks(300) {
            encoder.write_all(chunk).unwrap();
        }
        let expected = encoder.finish().unwrap();
        let steps = json.chunks(300).map(Step::data);
        let mut body = EncodeBody::new(coding, Level::Balanced, Script::new(steps));
        assert!(all(&mut body) == expected, "{coding}");
    }
}

#[test]
fn output_waits_in_pieces_and_holds_the_source_up() {
    let steps = (0..8).map(|seed| Step::data(bodies::noise(20_000, seed + 1)));
    let source = Script::new(steps);
    let polls = source.polls();
    let mut body = EncodeBody::new(Coding::Gzip, Level::Balanced, source);
    let mut taken = 0;
    loop {
        let piece = match poll(&mut body) {
            Poll::Ready(Some(frame)) => frame.unwrap().into_data().unwrap(),
            end => break assert!(matches!(end, Poll::Ready(None)), "{end:?}"),
        };
        taken += piece.len();
        assert!(!piece.is_empty() && piece.len() <= 16 * 1024);
        // What the state holds back, one frame under way, and no more.
        let pulled = 20_000 * polls.load(Ordering::Relaxed).min(8);
        assert!(pulled <= taken + 64 * 1024 + 20_000, "{pulled} for {taken}");
    }
    assert!(taken > 160_000);
}

#[test]
fn trailers_follow_the_end_of_the_encoded_stream() {
    let steps = [Step::data("body"), Step::Trailers("yes")];
    let mut body = EncodeBody::new(Coding::Gzip, Level::Balanced, Script::new(steps));
    let encoded = data(poll(&mut body));
    assert_eq!(decoders::decode(Coding::Gzip, &encoded).unwrap(), b"body");
    assert!(!body.is_end_stream(), "trailers are still to come");
    let Poll::Ready(Some(Ok(frame))) = poll(&mut body) else {
        panic!("no trailers");
    };
    let trailers = frame.into_trailers().unwrap();
    assert_eq!(trailers["x-checked"], "yes");
    assert!(!trailers.contains_key("content-digest"), "of other bytes");
    assert!(body.is_end_stream());
    assert!(matches!(poll(&mut body), Poll::Ready(None)));
    assert!(
        matches!(poll(&mut body), Poll::Ready(None)),
        "it stays ended"
    );
}

#[test]
fn an_error_leaves_the_stream_cut_off() {
    for &coding in CODINGS {
        for pause in [false, true] {
            let mut steps = vec![Step::data("half of it")];
            steps.extend(pause.then_some(Step::Pending));
            steps.push(Step::Fail);
            let mut body = EncodeBody::new(coding, Level::Balanced, Script::new(steps));
            let mut sent = Vec::new();
            let error = loop {
                match poll(&mut body) {
                    Poll::Ready(Some(Ok(frame))) => {
                        sent.extend_from_slice(&frame.into_data().unwrap());
                    }
                    Poll::Ready(Some(Err(error))) => break error,
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(error, Failed);
            assert!(decoders::decode(coding, &sent).is_err(), "it looks whole");
            assert!(matches!(poll(&mut body), Poll::Ready(None)));
            assert!(body.is_end_stream());
        }
    }
}

#[test]
fn an_empty_body_has_an_encoding() {
    for &coding in CODINGS {
        let mut body = EncodeBody::new(coding, Level::Balanced, Empty::<Bytes>::new());
        assert!(!body.is_end_stream(), "even nothing has a frame around it");
        assert_eq!(decoders::decode(coding, &all(&mut body)).unwrap(), b"");
    }
}

#[test]
fn identity_passes_everything_on() {
    let steps = [
        Step::data("a"),
        Step::Pending,
        Step::data("bc"),
        Step::Trailers("t"),
    ];
    let source = Script::new(steps).telling_length();
    let mut body = EncodeBody::new(Coding::Identity, Level::Balanced, source);
    assert_eq!(body.size_hint().exact(), Some(3));
    assert_eq!(data(poll(&mut body)), "a");
    assert!(poll(&mut body).is_pending());
    assert_eq!(data(poll(&mut body)), "bc");
    let Poll::Ready(Some(Ok(frame))) = poll(&mut body) else {
        panic!("no trailers");
    };
    assert_eq!(frame.into_trailers().unwrap().len(), 2);
    assert!(matches!(poll(&mut body), Poll::Ready(None)));

    let mut body = EncodeBody::new(Coding::Identity, Level::Balanced, Full::<Bytes>::from("x"));
    assert!(!body.is_end_stream());
    assert_eq!(data(poll(&mut body)), "x");
    assert!(body.is_end_stream());
}

#[test]
fn the_length_is_unknown_until_nothing_is_left() {
    let mut body = EncodeBody::new(
        Coding::Gzip,
        Level::Balanced,
        Full::new(Bytes::from("a body that says its length")),
    );
    assert_eq!(body.size_hint().exact(), None);
    all(&mut body);
    assert_eq!(body.size_hint().exact(), Some(0));
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
fn a_source_that_is_always_ready_lets_others_run() {
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut cx = Context::from_waker(&waker);
    // A hundred times its size in zeros gives no output for long, in one frame or in many, and so do empty frames.
    let one = vec![Step::data(vec![0; 8 << 20])];
    let many = (0..2048).map(|_| Step::data(vec![0; 4096])).collect();
    let empty = vec![Step::data(""); 100_000];
    for steps in [one, many, empty] {
        let mut body = EncodeBody::new(Coding::Gzip, Level::Balanced, Script::new(steps));
        let before = wakes.0.load(Ordering::Relaxed);
        let mut pending = 0;
        let mut sent = Vec::new();
        loop {
            match Pin::new(&mut body).poll_frame(&mut cx) {
                Poll::Pending => pending += 1,
                Poll::Ready(Some(frame)) => {
                    sent.extend_from_slice(&frame.unwrap().into_data().unwrap());
                }
                Poll::Ready(None) => break,
            }
        }
        assert_eq!(
            wakes.0.load(Ordering::Relaxed) - before,
            pending,
            "it comes back"
        );
        assert!(pending >= 20, "{pending}");
        let decoded = decoders::decode(Coding::Gzip, &sent).unwrap();
        assert!(decoded.iter().all(|&byte| byte == 0));
    }
}

/// A body of one frame whose bytes do not lie side by side.
struct Scattered(Option<bytes::buf::Chain<Bytes, Bytes>>);

impl Body for Scattered {
    type Data = bytes::buf::Chain<Bytes, Bytes>;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Infallible>>> {
        Poll::Ready(self.0.take().map(|data| Ok(Frame::data(data))))
    }
}

#[test]
fn data_may_lie_in_several_places() {
    for coding in [Coding::Identity, Coding::Gzip, Coding::Deflate] {
        let data = Bytes::from("here ").chain(Bytes::from("and there"));
        let mut body = EncodeBody::new(coding, Level::Balanced, Scattered(Some(data)));
        let mut sent = Vec::new();
        while let Poll::Ready(Some(Ok(frame))) = poll(&mut body) {
            sent.extend_from_slice(&frame.into_data().unwrap());
        }
        assert_eq!(decoders::decode(coding, &sent).unwrap(), b"here and there");
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let json = (0_usize..3_000, any::<u64>()).prop_map(|(length, seed)| bodies::json(length, seed));
    let noise =
        (0_usize..40_000, any::<u64>()).prop_map(|(length, seed)| bodies::noise(length, seed));
    let part = prop_oneof![
        4 => json.prop_map(|data| vec![Step::data(data)]),
        1 => noise.prop_map(|data| vec![Step::data(data)]),
        1 => Just(vec![Step::data("")]),
        3 => Just(PAUSE.to_vec()),
    ];
    prop::collection::vec(part, 0..20).prop_map(|parts| parts.concat())
}

fn yielded(steps: &[Step]) -> Vec<u8> {
    let data = steps.iter().filter_map(|step| match step {
        Step::Data(data) => Some(&**data),
        _ => None,
    });
    data.collect::<Vec<_>>().concat()
}

proptest! {
    #![proptest_config(support::properties(|usual| usual / 2))]

    /// Whenever the body is pending, all that the source has yielded can be decoded from what was sent.
    #[test]
    fn nothing_is_held_back_and_nothing_is_lost(steps in steps(), level in 1_u8..=9) {
        for &coding in CODINGS {
            let source = Script::new(steps.clone());
            let polls = source.polls();
            let mut body = EncodeBody::new(coding, Level::Exact(level), source);
            let mut sent = Vec::new();
            loop {
                match poll(&mut body) {
                    Poll::Ready(None) => break,
                    Poll::Ready(Some(frame)) => {
                        sent.extend_from_slice(&frame.unwrap().into_data().unwrap());
                    }
                    Poll::Pending => {
                        let so_far = yielded(&steps[..polls.load(Ordering::Relaxed)]);
                        prop_assert!(decoders::decode_so_far(coding, &sent) == so_far);
                    }
                }
            }
            prop_assert!(decoders::decode(coding, &sent) == Ok(yielded(&steps)));
        }
    }
}
