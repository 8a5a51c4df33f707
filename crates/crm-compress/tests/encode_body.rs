//! The encoding body, polled by hand.
#![cfg(feature = "http-body")]

mod support;

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use crm_compress::{Coding, EncodeBody, Level};
use http_body::{Body, Frame, SizeHint};
use support::decoders;

/// What a body does at one poll.
#[derive(Clone, Debug)]
enum Step {
    Data(Vec<u8>),
    Pending,
}

/// A body that does these steps, and then ends.
struct Script(VecDeque<Step>);

impl Script {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        match self.0.pop_front() {
            Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data.into())))),
            Some(Step::Pending) => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

type Polled = Poll<Option<Result<Frame<Bytes>, &'static str>>>;

fn poll(body: &mut EncodeBody<Script>) -> Polled {
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

/// The data of a poll that must have yielded some.
fn data(polled: Polled) -> Bytes {
    let Poll::Ready(Some(Ok(frame))) = polled else {
        panic!("no frame: {polled:?}");
    };
    frame.into_data().expect("data")
}

#[test]
fn what_the_source_has_yielded_goes_out_when_it_is_pending() {
    for coding in [Coding::Gzip, Coding::Deflate] {
        let steps = [
            Step::Pending,
            Step::Data(b"first;".to_vec()),
            Step::Data(b"second;".to_vec()),
            Step::Pending,
            Step::Pending,
            Step::Data(b"third".to_vec()),
        ];
        let mut body = EncodeBody::new(coding, Level::Balanced, Script::new(steps));
        assert!(poll(&mut body).is_pending(), "nothing to say yet");
        let first = data(poll(&mut body));
        assert_eq!(decoders::decode_so_far(coding, &first), b"first;second;");
        assert!(poll(&mut body).is_pending(), "nothing to flush twice");
        let mut all = first.to_vec();
        while let Poll::Ready(Some(frame)) = poll(&mut body) {
            all.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
        assert!(body.is_end_stream());
        assert_eq!(
            decoders::decode(coding, &all).unwrap(),
            b"first;second;third"
        );
    }
}
