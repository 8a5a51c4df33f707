//! What the layer makes of a response, without a server around it.
#![cfg(feature = "tower")]

mod support;

use std::convert::Infallible;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use crm_compress::{
    Coding, CompressLayer, Decision, EncodedBody, Level, MinimumLength, Policy, Predicate, Reason,
    TagRule,
};
use http::{Method, Request, Response, StatusCode, request, response};
use http_body::Body;
use http_body_util::{BodyExt, Empty, Full};
use support::script::{Failed, Script, Step};
use support::{bodies, decoders};
use tower::{Layer, ServiceExt, service_fn};

/// Sends this request through the layer to a service that answers with `response`.
async fn answer<B, P>(
    layer: &CompressLayer<P>,
    request: request::Builder,
    response: Response<B>,
) -> (response::Parts, EncodedBody<B>)
where
    B: Body + Unpin,
    P: Predicate,
{
    let mut response = Some(response);
    let service = layer.layer(service_fn(move |_: Request<()>| {
        let response = response.take().unwrap();
        async { Ok::<_, Infallible>(response) }
    }));
    let request = request.body(()).unwrap();
    service.oneshot(request).await.unwrap().into_parts()
}

/// The same for a browser's GET, and the body that it gets.
async fn get<B>(layer: &CompressLayer, response: Response<B>) -> (response::Parts, Bytes)
where
    B: Body + Unpin,
    B::Error: fmt::Debug,
{
    let (parts, body) = answer(layer, browser(), response).await;
    (parts, body.collect().await.unwrap().to_bytes())
}

fn browser() -> request::Builder {
    Request::builder().header("accept-encoding", "gzip, deflate, br, zstd")
}

fn only_gzip() -> request::Builder {
    Request::builder().header("accept-encoding", "gzip")
}

/// JSON without any other header.
fn json<B>(body: B) -> Response<B> {
    Response::builder()
        .header("content-type", "application/json")
        .body(body)
        .unwrap()
}

/// Whether Vary names Accept-Encoding, which it must not do twice.
fn varies(parts: &response::Parts) -> bool {
    let named = parts
        .headers
        .get_all("vary")
        .iter()
        .flat_map(|line| line.to_str().unwrap().split(','))
        .filter(|name| name.trim().eq_ignore_ascii_case("accept-encoding"))
        .count();
    assert!(named < 2, "named twice");
    named == 1
}

/// The next frame's data, without waiting.
fn next<B: Body + Unpin>(body: &mut EncodedBody<B>) -> Poll<Option<Result<Bytes, B::Error>>> {
    Pin::new(body)
        .poll_frame(&mut Context::from_waker(Waker::noop()))
        .map_ok(|frame| frame.into_data().unwrap_or_default())
}

#[tokio::test]
async fn a_whole_body_is_encoded_and_the_headers_say_so() {
    let body = bodies::json(10_000, 1);
    for coding in [Coding::Gzip, Coding::Deflate] {
        let request = Request::builder().header("accept-encoding", coding.name());
        let mut response = json(Full::new(Bytes::from(body.clone())));
        let headers = response.headers_mut();
        headers.insert("content-length", body.len().into());
        headers.insert("accept-ranges", "bytes".parse().unwrap());
        headers.insert("vary", "Origin".parse().unwrap());
        let (parts, out) = answer(&CompressLayer::new(), request, response).await;
        assert_eq!(out.decision(), Some(Decision::Encode(coding)));
        let length = out.size_hint().exact().unwrap();
        let encoded = out.collect().await.unwrap().to_bytes();
        assert_eq!(decoders::decode(coding, &encoded).unwrap(), body);
        assert_eq!(encoded.len() as u64, length);
        assert_eq!(parts.headers["content-encoding"], coding.name());
        assert_eq!(parts.headers["content-length"], length.to_string());
        assert!(!parts.headers.contains_key("accept-ranges"));
        assert!(varies(&parts));
        let vary = parts.headers.get_all("vary").iter();
        assert!(
            vary.into_iter()
                .any(|line| line.to_str().unwrap().contains("Origin"))
        );
    }
}

#[tokio::test]
async fn a_body_that_is_ready_in_one_frame_needs_no_length_to_be_whole() {
    let body = bodies::json(5_000, 2);
    let source = Script::new([Step::data(&*body)]);
    let (parts, out) = answer(&CompressLayer::new(), only_gzip(), json(source)).await;
    let length = out.size_hint().exact();
    assert!(length.is_some_and(|length| length < 1_500), "{length:?}");
    assert_eq!(parts.headers["content-encoding"], "gzip");
    let encoded = out.collect().await.unwrap().to_bytes();
    assert_eq!(decoders::decode(Coding::Gzip, &encoded).unwrap(), body);
}

#[tokio::test]
async fn a_body_that_says_its_length_is_gathered_while_it_is_ready() {
    let body = bodies::json(40_000, 3);
    let steps = || body.chunks(1_000).map(Step::data);
    let source = Script::new(steps()).telling_length();
    let (_, out) = answer(&CompressLayer::new(), only_gzip(), json(source)).await;
    assert!(out.size_hint().exact().is_some(), "gathered");
    let encoded = out.collect().await.unwrap().to_bytes();
    assert_eq!(decoders::decode(Coding::Gzip, &encoded).unwrap(), body);

    // Without a length it may go on for ever, so it is a stream from its second frame on.
    let source = Script::new(steps());
    let polls = source.polls();
    let (_, out) = answer(&CompressLayer::new(), only_gzip(), json(source)).await;
    assert_eq!(out.size_hint().exact(), None);
    assert_eq!(polls.load(Ordering::Relaxed), 2);
    let encoded = out.collect().await.unwrap().to_bytes();
    assert_eq!(decoders::decode(Coding::Gzip, &encoded).unwrap(), body);
}

#[tokio::test]
async fn a_body_that_pauses_is_a_stream_wherever_it_pauses() {
    let body = bodies::json(5_000, 4);
    let body = &body[..5_000];
    for pause in 0..=5 {
        let mut steps: Vec<Step> = body.chunks(1_000).map(Step::data).collect();
        steps.insert(pause, Step::Pending);
        let mut response = json(Script::new(steps).telling_length());
        response
            .headers_mut()
            .insert("content-length", 5_000.into());
        let (parts, out) = answer(&CompressLayer::new(), only_gzip(), response).await;
        assert_eq!(parts.headers["content-encoding"], "gzip");
        assert!(
            !parts.headers.contains_key("content-length"),
            "of another form"
        );
        assert!(varies(&parts));
        assert_eq!(out.size_hint().exact(), None);
        let encoded = out.collect().await.unwrap().to_bytes();
        assert_eq!(decoders::decode(Coding::Gzip, &encoded).unwrap(), body);
    }
}

#[tokio::test]
async fn the_bound_of_a_whole_body_is_the_last_length_that_is_whole() {
    let layer = CompressLayer::new().whole_up_to(2_000);
    for (length, whole) in [(2_000, true), (2_001, false)] {
        let body = bodies::json(3_000, 5)[..length].to_vec();
        for source in [
            Script::new([Step::data(&*body)]),
            Script::new([Step::data(&*body)]).telling_length(),
            Script::new(body.chunks(700).map(Step::data)).telling_length(),
        ] {
            let (told, polls) = (source.size_hint().exact().is_some(), source.polls());
            let (_, out) = answer(&layer, only_gzip(), json(source)).await;
            assert_eq!(out.size_hint().exact().is_some(), whole, "{length}");
            // What says that it is too long is not gathered in vain.
            assert_eq!(polls.load(Ordering::Relaxed) == 0, told && !whole);
            let encoded = out.collect().await.unwrap().to_bytes();
            assert_eq!(decoders::decode(Coding::Gzip, &encoded).unwrap(), body);
        }
    }
}

/// A body that says it has far more than it has, as that of a proxy may whose source declares a length and then stalls.
struct Boastful(Script);

impl Body for Boastful {
    type Data = <Script as Body>::Data;
    type Error = <Script as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(u64::MAX / 2)
    }
}

/// Memory follows what has come, and not what was said, however large a body may be that is encoded whole.
#[tokio::test]
async fn no_room_is_made_for_a_length_that_is_only_said() {
    let layer = CompressLayer::new().whole_up_to(usize::MAX);
    let body = bodies::json(3_000, 5);
    let source = Boastful(Script::new(body.chunks(700).map(Step::data)));
    let (_, out) = answer(&layer, only_gzip(), json(source)).await;
    let encoded = out.collect().await.unwrap().to_bytes();
    assert_eq!(decoders::decode(Coding::Gzip, &encoded).unwrap(), body);
}

#[tokio::test]
async fn a_body_that_would_not_shrink_goes_out_as_it_was() {
    let body = bodies::noise(5_000, 6);
    let mut response = json(Full::new(Bytes::from(body.clone())));
    response
        .headers_mut()
        .insert("content-length", 5_000.into());
    let (parts, out) = answer(&CompressLayer::new(), only_gzip(), response).await;
    let reason = Reason::WouldNotShrink {
        coding: Coding::Gzip,
        length: 5_000,
    };
    assert_eq!(out.decision(), Some(Decision::Leave(reason)));
    assert_eq!(out.collect().await.unwrap().to_bytes(), body);
    assert!(!parts.headers.contains_key("content-encoding"));
    assert_eq!(parts.headers["content-length"], "5000");
    assert!(varies(&parts), "another body of this resource may shrink");
}

#[tokio::test]
async fn a_stream_that_turns_out_small_is_not_worth_it_either() {
    let source = Script::new([Step::data(vec![b'a'; 859])]);
    let (parts, out) = answer(&CompressLayer::new(), only_gzip(), json(source)).await;
    let reason = Reason::TooSmall {
        length: 859,
        minimum: 860,
    };
    assert_eq!(out.decision(), Some(Decision::Leave(reason)));
    assert!(!parts.headers.contains_key("content-encoding"));
    assert_eq!(out.collect().await.unwrap().to_bytes().len(), 859);
}

#[tokio::test]
async fn a_body_that_is_left_is_not_looked_at() {
    let body = bodies::json(5_000, 7);
    let mut responses = vec![(
        Response::builder().header("content-type", "image/png"),
        Reason::MediaType,
    )];
    let json = || Response::builder().header("content-type", "application/json");
    responses.extend([
        (Response::builder(), Reason::NoMediaType),
        (
            json().header("content-encoding", "br"),
            Reason::AlreadyEncoded,
        ),
        (
            json().header("content-range", "bytes 0-9/5000").status(206),
            Reason::Partial,
        ),
        (
            json().header("content-range", "bytes */5000").status(416),
            Reason::Partial,
        ),
        (
            json().header("cache-control", "public, No-Transform"),
            Reason::NoTransform,
        ),
        (
            Response::builder().header("content-type", "text/event-stream; charset=utf-8"),
            Reason::EventStream,
        ),
        (json().status(204), Reason::NoBody { status: 204 }),
        (json().status(101), Reason::NoBody { status: 101 }),
    ]);
    for (response, reason) in responses {
        let source = Script::new([Step::data(&*body)]);
        let polls = source.polls();
        let response = response.body(source).unwrap();
        let before = response.headers().clone();
        let (parts, out) = answer(&CompressLayer::new(), browser(), response).await;
        assert_eq!(out.decision(), Some(Decision::Leave(reason)));
        assert_eq!(polls.load(Ordering::Relaxed), 0, "{reason}");
        if reason != Reason::Partial {
            assert_eq!(parts.headers, before, "{reason}");
        }
        assert_eq!(out.collect().await.unwrap().to_bytes(), body);
    }
}

#[tokio::test]
async fn grpc_is_left_alone_by_every_policy() {
    let layer = CompressLayer::new().policy(Policy::new(MinimumLength(0)));
    for content_type in [
        "application/grpc",
        "application/grpc+proto",
        "Application/gRPC-web",
    ] {
        let response = Response::builder()
            .header("content-type", content_type)
            .body(Full::<Bytes>::from("a message ".repeat(500)))
            .unwrap();
        let request = Request::builder().header("accept-encoding", "gzip, identity;q=0");
        let (parts, out) = answer(&layer, request, response).await;
        assert_eq!(out.decision(), Some(Decision::Leave(Reason::MediaType)));
        assert!(parts.headers.len() == 1, "{:?}", parts.headers);
    }
}

#[tokio::test]
async fn event_streams_may_be_asked_for() {
    let layer = CompressLayer::new().policy(Policy::default().event_streams(true));
    let steps = [
        Step::data("data: 1\n\n"),
        Step::Pending,
        Step::data("data: 2\n\n"),
        Step::Pending,
        Step::Pending,
    ];
    let response = Response::builder()
        .header("content-type", "text/event-stream")
        .body(Script::new(steps))
        .unwrap();
    let (parts, mut out) = answer(&layer, only_gzip(), response).await;
    assert_eq!(parts.headers["content-encoding"], "gzip");
    // The first event was there before the head; the pause that ended the look is behind it, so both events are ready.
    let Poll::Ready(Some(Ok(events))) = next(&mut out) else {
        panic!("nothing to send");
    };
    assert_eq!(
        decoders::decode_so_far(Coding::Gzip, &events),
        b"data: 1\n\ndata: 2\n\n"
    );
    assert!(next(&mut out).is_pending());
}

#[tokio::test]
async fn a_client_that_takes_nothing_gets_the_body_and_vary() {
    let body = bodies::json(5_000, 8);
    for (accept, reason) in [
        ("br;q=0.5", Reason::ClientPrefersIdentity),
        ("identity", Reason::ClientPrefersIdentity),
        ("gzip;q=0.2, identity", Reason::ClientPrefersIdentity),
        ("identity;q=0", Reason::NotAcceptable),
    ] {
        let layer = CompressLayer::new().codings([Coding::Gzip]);
        let request = Request::builder().header("accept-encoding", accept);
        let (parts, out) =
            answer(&layer, request, json(Full::new(Bytes::from(body.clone())))).await;
        assert_eq!(out.decision(), Some(Decision::Leave(reason)), "{accept}");
        assert!(!parts.headers.contains_key("content-encoding"));
        assert!(varies(&parts), "{accept}");
        assert_eq!(parts.status, StatusCode::OK);
        assert_eq!(out.collect().await.unwrap().to_bytes(), body);
    }
}

#[tokio::test]
async fn the_service_is_not_called_for_a_client_that_is_refused() {
    let layer = CompressLayer::new()
        .codings([Coding::Gzip])
        .refuse_unacceptable(true);
    for (accept, refused) in [
        ("br, identity;q=0", true),
        ("*;q=0", true),
        ("br", false),
        ("gzip, identity;q=0", false),
    ] {
        let calls = AtomicUsize::new(0);
        let service = layer.layer(service_fn(|_: Request<()>| {
            calls.fetch_add(1, Ordering::Relaxed);
            async { Ok::<_, Infallible>(json(Full::<Bytes>::from("{}"))) }
        }));
        let request = Request::builder().header("accept-encoding", accept);
        let response = service.oneshot(request.body(()).unwrap()).await.unwrap();
        assert_eq!(
            calls.load(Ordering::Relaxed),
            usize::from(!refused),
            "{accept}"
        );
        if refused {
            let (parts, body) = response.into_parts();
            assert_eq!(parts.status, StatusCode::NOT_ACCEPTABLE);
            assert!(varies(&parts));
            assert_eq!(body.decision(), None);
            assert!(body.is_end_stream() && body.size_hint().exact() == Some(0));
        }
    }
}

#[tokio::test]
async fn a_client_that_refuses_identity_gets_what_is_not_worth_it() {
    let request = || Request::builder().header("accept-encoding", "gzip, identity;q=0");
    let layer = CompressLayer::new();
    for body in [b"{}".to_vec(), bodies::noise(3_000, 9)] {
        let response = json(Full::new(Bytes::from(body.clone())));
        let (parts, out) = answer(&layer, request(), response).await;
        assert_eq!(parts.headers["content-encoding"], "gzip");
        let encoded = out.collect().await.unwrap().to_bytes();
        assert!(encoded.len() > body.len());
        assert_eq!(decoders::decode(Coding::Gzip, &encoded).unwrap(), body);
    }
    // Nothing needs no coding to be nothing.
    let (parts, out) = answer(&layer, request(), json(Empty::<Bytes>::new())).await;
    assert!(!parts.headers.contains_key("content-encoding"));
    assert!(out.is_end_stream());
}

#[tokio::test]
async fn trailers_make_a_stream_and_follow_it() {
    let body = bodies::json(5_000, 10);
    let steps = [Step::data(&*body), Step::Trailers("yes")];
    let response = json(Script::new(steps).telling_length());
    let (parts, out) = answer(&CompressLayer::new(), only_gzip(), response).await;
    assert_eq!(parts.headers["content-encoding"], "gzip");
    assert!(!parts.headers.contains_key("content-length"));
    let collected = out.collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-checked"], "yes");
    let encoded = collected.to_bytes();
    assert_eq!(decoders::decode(Coding::Gzip, &encoded).unwrap(), body);
}

#[tokio::test]
async fn an_error_before_the_head_comes_with_the_body() {
    let half = bodies::json(5_000, 11);
    for steps in [
        vec![Step::Fail],
        vec![Step::data(&*half), Step::Fail],
        vec![Step::data(&*half), Step::data(&*half), Step::Fail],
    ] {
        let source = match steps.len() {
            1 => Script::new(steps),
            _ => Script::new(steps).telling_length(),
        };
        let (parts, mut out) = answer(&CompressLayer::new(), only_gzip(), json(source)).await;
        assert_eq!(parts.status, StatusCode::OK);
        let mut sent = Vec::new();
        let error = loop {
            match next(&mut out) {
                Poll::Ready(Some(Ok(data))) => sent.extend_from_slice(&data),
                Poll::Ready(Some(Err(error))) => break error,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(error, Failed);
        assert!(
            decoders::decode(Coding::Gzip, &sent).is_err(),
            "it looks whole"
        );
        assert!(out.is_end_stream());
    }
}

#[tokio::test]
async fn head_is_answered_like_get() {
    let body = Bytes::from(bodies::json(5_000, 12));
    let layer = CompressLayer::new();
    let tagged = |body: Full<Bytes>| {
        let mut response = json(body);
        response
            .headers_mut()
            .insert("etag", "\"v1\"".parse().unwrap());
        response
    };
    let (get, _) = answer(&layer, only_gzip(), tagged(Full::new(body.clone()))).await;
    let head = || only_gzip().method(Method::HEAD);

    // The service answers HEAD like GET, and the server drops the body.
    let (parts, out) = answer(&layer, head(), tagged(Full::new(body.clone()))).await;
    assert_eq!(parts.headers, get.headers);
    assert!(out.size_hint().exact().is_some_and(|length| length < 1_500));

    // The service leaves the body out, and says how long it would be or does not.
    for length in [Some(body.len()), None] {
        let mut response = tagged(Full::default());
        if let Some(length) = length {
            response
                .headers_mut()
                .insert("content-length", length.into());
        }
        let (parts, out) = answer(&layer, head(), response).await;
        assert_eq!(parts.headers, get.headers);
        assert!(out.is_end_stream());
    }
    let mut response = tagged(Full::default());
    response.headers_mut().insert("content-length", 859.into());
    let (parts, _) = answer(&layer, head(), response).await;
    assert!(!parts.headers.contains_key("content-encoding"));
    assert_eq!(parts.headers["content-length"], "859");

    // A body that GET would stream has the tag of a stream.
    let layer = CompressLayer::new().whole_up_to(1_000);
    let (get, _) = answer(&layer, only_gzip(), tagged(Full::new(body.clone()))).await;
    let mut response = tagged(Full::default());
    response
        .headers_mut()
        .insert("content-length", body.len().into());
    let (parts, _) = answer(&layer, head(), response).await;
    assert_eq!(parts.headers["etag"], "W/\"v1-gzip\"");
    assert_eq!(parts.headers, get.headers);
}

#[tokio::test]
async fn a_tag_promises_equal_bytes_only_where_they_are() {
    let body = bodies::json(5_000, 16);
    let tagged = |source: Script| {
        let mut response = json(source);
        let headers = response.headers_mut();
        headers.insert("etag", "\"v1\"".parse().unwrap());
        headers.insert("content-digest", "sha-256=:AA==:".parse().unwrap());
        response
    };
    let whole = || Script::new([Step::data(&*body)]);
    let stream = || Script::new([Step::data(&*body), Step::Pending]);
    for (rule, of_whole, of_stream) in [
        (TagRule::Suffix, Some("\"v1-gzip\""), Some("W/\"v1-gzip\"")),
        (
            TagRule::WeakSuffix,
            Some("W/\"v1-gzip\""),
            Some("W/\"v1-gzip\""),
        ),
        (TagRule::Weaken, Some("W/\"v1\""), Some("W/\"v1\"")),
        (TagRule::Remove, None, None),
    ] {
        let layer = CompressLayer::new().entity_tags(rule);
        for (source, tag) in [(whole(), of_whole), (stream(), of_stream)] {
            let (parts, _) = answer(&layer, only_gzip(), tagged(source)).await;
            let found = parts.headers.get("etag").map(|tag| tag.to_str().unwrap());
            assert_eq!(found, tag, "{rule:?}");
            assert!(!parts.headers.contains_key("content-digest"));
        }
    }
}

#[tokio::test]
async fn the_level_may_depend_on_the_media_type() {
    let body = Bytes::from(bodies::json(30_000, 13));
    let layer = CompressLayer::new()
        .level(Level::Fastest)
        .level_for("application/*".parse().unwrap(), Level::Balanced)
        .level_for("application/geo+json".parse().unwrap(), Level::Smallest);
    for (content_type, level) in [
        ("text/csv", Level::Fastest),
        ("application/json; charset=utf-8", Level::Balanced),
        ("application/geo+json", Level::Smallest),
    ] {
        let response = || {
            Response::builder()
                .header("content-type", content_type)
                .body(Full::new(body.clone()))
                .unwrap()
        };
        let (_, encoded) = get(&layer.clone().codings([Coding::Gzip]), response()).await;
        assert_eq!(
            encoded,
            crm_compress::encode(Coding::Gzip, level, &body),
            "{content_type}"
        );
    }
}

#[tokio::test]
async fn the_first_coding_wins_among_equals() {
    let body = Bytes::from(bodies::json(3_000, 14));
    for order in [
        [Coding::Gzip, Coding::Deflate],
        [Coding::Deflate, Coding::Gzip],
    ] {
        let layer = CompressLayer::new().codings(order);
        let (parts, _) = get(&layer, json(Full::new(body.clone()))).await;
        assert_eq!(parts.headers["content-encoding"], order[0].name());
    }
}

#[tokio::test]
async fn every_coding_of_this_build_is_offered() {
    let body = Bytes::from(bodies::json(3_000, 17));
    let first = if cfg!(feature = "zstd") {
        "zstd"
    } else {
        "gzip"
    };
    let brotli = if cfg!(feature = "brotli") {
        "br"
    } else {
        "deflate"
    };
    for (accept, coding) in [
        ("gzip, deflate, br, zstd", first),
        ("deflate, br, gzip", "gzip"),
        ("deflate, br", brotli),
        ("*", first),
    ] {
        let request = Request::builder().header("accept-encoding", accept);
        let (parts, _) = answer(
            &CompressLayer::new(),
            request,
            json(Full::new(body.clone())),
        )
        .await;
        assert_eq!(parts.headers["content-encoding"], coding, "{accept}");
    }
}

#[tokio::test]
async fn decisions_are_recorded_on_request() {
    for record in [false, true] {
        let layer = CompressLayer::new().record_decisions(record);
        let (parts, _) = get(&layer, json(Full::<Bytes>::from("{}"))).await;
        let reason = Reason::TooSmall {
            length: 2,
            minimum: 860,
        };
        assert_eq!(
            parts.extensions.get::<Decision>(),
            record.then_some(&Decision::Leave(reason))
        );
    }
}

#[tokio::test]
async fn the_policy_may_be_of_any_type() {
    let body = Bytes::from(bodies::json(3_000, 15));
    let busy = |_: &crm_compress::ResponseHead<'_>| Some(Reason::Other("busy"));
    let layer = CompressLayer::new().policy(Policy::default().and(busy));
    let (parts, out) = answer(&layer, browser(), json(Full::new(body))).await;
    assert_eq!(out.decision(), Some(Decision::Leave(Reason::Other("busy"))));
    assert!(!parts.headers.contains_key("content-encoding"));
}

#[test]
fn what_a_server_asks_of_its_services_holds() {
    fn server<S>(_: &S)
    where
        S: tower::Service<Request<axum::body::Body>> + Clone + Send + Sync + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send,
    {
    }
    let inner = service_fn(|_: Request<axum::body::Body>| {
        std::future::ready(Ok::<_, Infallible>(
            Response::new(axum::body::Body::empty()),
        ))
    });
    server(&CompressLayer::new().layer(inner));
    let inner = service_fn(|_: Request<crm_compress::DecodeBody<axum::body::Body>>| {
        std::future::ready(Ok::<_, Infallible>(
            Response::new(axum::body::Body::empty()),
        ))
    });
    server(&crm_compress::DecodeLayer::default().layer(inner));
}

#[test]
fn the_inner_service_is_called_when_it_is_ready() {
    /// Ready at the second poll; panics when it is called before.
    #[derive(Clone)]
    struct Slow(u32);
    impl tower::Service<Request<()>> for Slow {
        type Response = Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            self.0 += 1;
            if self.0 < 2 {
                Poll::Pending
            } else {
                Poll::Ready(Ok(()))
            }
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            assert!(self.0 >= 2, "not ready");
            self.0 = 0;
            std::future::ready(Ok(json(Full::<Bytes>::from("{}"))))
        }
    }
    let mut service = CompressLayer::new().layer(Slow(0));
    let mut cx = Context::from_waker(Waker::noop());
    let poll_ready = |service: &mut crm_compress::Compress<Slow>, cx: &mut Context<'_>| {
        tower::Service::<Request<()>>::poll_ready(service, cx)
    };
    assert!(poll_ready(&mut service, &mut cx).is_pending());
    assert!(poll_ready(&mut service, &mut cx).is_ready());
    // Readiness belongs to the service that was polled, not to a clone of it.
    let future = tower::Service::call(&mut service, Request::new(()));
    let Poll::Ready(Ok(response)) = pin!(future).poll(&mut cx) else {
        panic!("no answer");
    };
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(service.get_ref().0, 0);
}
