//! A body is encoded when HTTP permits it, it is worth it, and the client takes it; otherwise the reason is named.

use crm_compress::{
    Coding, Decision, MediaTypes, MinimumLength, Negotiated, NoEventStream, Policy, Predicate,
    Reason, ResponseHead,
};

const GZIP: Negotiated = Negotiated::Coding(Coding::Gzip);

fn json() -> ResponseHead<'static> {
    ResponseHead::new(200)
        .media_type("application/json")
        .length(10_000)
}

fn decide(head: ResponseHead<'_>) -> Decision {
    Policy::default().decide(&head, GZIP)
}

#[track_caller]
fn leaves(head: ResponseHead<'_>, reason: Reason) {
    assert_eq!(decide(head), Decision::Leave(reason));
}

#[track_caller]
fn encodes(head: ResponseHead<'_>) {
    assert_eq!(decide(head), Decision::Encode(Coding::Gzip));
}

#[test]
fn a_plain_answer_is_encoded_as_negotiated() {
    encodes(json());
    let deflate = Negotiated::Coding(Coding::Deflate);
    assert_eq!(
        Policy::default().decide(&json(), deflate),
        Decision::Encode(Coding::Deflate)
    );
}

#[test]
fn size() {
    leaves(
        json().length(859),
        Reason::TooSmall {
            length: 859,
            minimum: 860,
        },
    );
    leaves(
        json().length(0),
        Reason::TooSmall {
            length: 0,
            minimum: 860,
        },
    );
    encodes(json().length(860));
    encodes(json().length(u64::MAX));
    encodes(ResponseHead::new(200).media_type("application/json")); // unknown

    let policy = Policy::default().minimum_length(20_000);
    let small = Decision::Leave(Reason::TooSmall {
        length: 10_000,
        minimum: 20_000,
    });
    assert_eq!(policy.decide(&json(), GZIP), small);
    let policy = Policy::default().minimum_length(0);
    assert_eq!(
        policy.decide(&json().length(1), GZIP),
        Decision::Encode(Coding::Gzip)
    );
}

#[test]
fn status() {
    for status in [100, 101, 103, 199, 204, 205, 304] {
        leaves(
            ResponseHead::new(status)
                .media_type("text/html")
                .length(9_999),
            Reason::NoBody { status },
        );
    }
    for status in [200, 201, 203, 207, 301, 404, 422, 500, 503] {
        encodes(
            ResponseHead::new(status)
                .media_type("text/html")
                .length(9_999),
        );
    }
}

#[test]
fn ranges() {
    leaves(
        ResponseHead::new(206).media_type("text/html"),
        Reason::Partial,
    );
    leaves(json().content_range(), Reason::Partial);
    leaves(
        json().header("Content-Range", "bytes */100"),
        Reason::Partial,
    );
}

#[test]
fn what_is_encoded_already() {
    for value in ["gzip", "br", "x-unknown", "identity, gzip", " GZIP "] {
        leaves(json().content_encoding(value), Reason::AlreadyEncoded);
        leaves(
            json().header("CONTENT-ENCODING", value),
            Reason::AlreadyEncoded,
        );
    }
    for value in ["", "identity", " Identity\t", ",", "identity, identity"] {
        encodes(json().content_encoding(value));
    }
    // A second line does not take back what the first said.
    leaves(
        json().content_encoding("gzip").content_encoding("identity"),
        Reason::AlreadyEncoded,
    );
}

#[test]
fn no_transform() {
    for value in [
        "no-transform",
        "No-Transform",
        "private, no-transform",
        "max-age=60,\tno-transform ,x",
        "no-transform=1",
    ] {
        leaves(json().cache_control(value), Reason::NoTransform);
        leaves(json().header("cache-control", value), Reason::NoTransform);
    }
    for value in [
        "",
        "no-cache",
        "no-transforming",
        "x-no-transform",
        "max-age=60",
        "a=no-transform",
    ] {
        encodes(json().cache_control(value));
    }
    leaves(
        json()
            .cache_control("no-transform")
            .cache_control("private"),
        Reason::NoTransform,
    );
}

#[test]
fn server_sent_events() {
    // The first five are from the test suite of Caddy (encode_test.go, isSSE), which is Apache-2.0.
    for (value, events) in [
        ("text/event-stream ; charset=utf-8", true),
        ("Text/Event-Stream", true),
        ("text/event-stream  ", true),
        ("text/event-stream nonsense", false),
        ("text/event-stream x; charset=utf-8", false),
        ("text/plain", false),
        ("", false),
        ("text/event-streams", false),
        ("application/event-stream", false),
    ] {
        let head = ResponseHead::new(200).media_type(value);
        assert_eq!(
            decide(head) == Decision::Leave(Reason::EventStream),
            events,
            "{value}"
        );
        assert_eq!(NoEventStream.objection(&head).is_some(), events, "{value}");
    }
    let events = ResponseHead::new(200).media_type("text/event-stream");
    let policy = Policy::default()
        .event_streams(true)
        .media_types(MediaTypes::none());
    assert_eq!(policy.decide(&events, GZIP), Decision::Encode(Coding::Gzip));
    assert_eq!(
        policy.decide(&json(), GZIP),
        Decision::Leave(Reason::MediaType)
    );
}

#[test]
fn headers_in_any_case_say_the_same() {
    let head = ResponseHead::new(200)
        .header("CONTENT-TYPE", "application/json")
        .header("content-length", " 10000 ")
        .header("Content-Encoding", "identity")
        .header("Cache-Control", "private")
        .header("Server", "gzip");
    assert_eq!(head, json());
    assert_eq!(
        (head.status(), head.body_length(), head.content_type()),
        (200, Some(10_000), Some("application/json"))
    );
    assert!(!head.is_partial() && !head.is_encoded() && !head.forbids_transform());
    for length in [
        "many",
        "",
        "+900",
        "-1",
        "900, 900",
        "9e2",
        "18446744073709551616",
    ] {
        let head = json().header("content-length", length);
        assert_eq!(head.body_length(), None, "{length}");
    }
    let longest = ResponseHead::new(200).header("Content-Length", "18446744073709551615");
    assert_eq!(longest.body_length(), Some(u64::MAX));
}

#[test]
fn what_http_forbids_comes_first_and_the_client_last() {
    let policy = Policy::default();
    let tiny = json().length(1);
    for client in [
        Negotiated::Coding(Coding::Identity),
        Negotiated::NotAcceptable,
        GZIP,
    ] {
        assert_eq!(
            policy.decide(&tiny, client),
            Decision::Leave(Reason::TooSmall {
                length: 1,
                minimum: 860
            })
        );
        assert_eq!(
            policy.decide(&tiny.cache_control("no-transform"), client),
            Decision::Leave(Reason::NoTransform)
        );
    }
    let identity = policy.decide(&json(), Negotiated::Coding(Coding::Identity));
    assert_eq!(identity, Decision::Leave(Reason::ClientPrefersIdentity));
    let nothing = policy.decide(&json(), Negotiated::NotAcceptable);
    assert_eq!(nothing, Decision::Leave(Reason::NotAcceptable));
}

#[test]
fn a_client_that_refuses_identity_gets_what_it_accepts() {
    let only = Negotiated::Only(Coding::Gzip);
    let policy = Policy::default();
    assert_eq!(policy.decide(&json(), only), Decision::Encode(Coding::Gzip));
    assert_eq!(
        policy.decide(&json().length(1), only),
        Decision::Encode(Coding::Gzip)
    );
    assert_eq!(
        policy.decide(&ResponseHead::new(200), only),
        Decision::Encode(Coding::Gzip)
    );
    let forbidden = policy.decide(&json().cache_control("no-transform"), only);
    assert_eq!(forbidden, Decision::Leave(Reason::NoTransform));
}

#[test]
fn vary_belongs_to_what_the_client_could_change() {
    let policy = Policy::default();
    assert!(policy.decide(&json(), GZIP).depends_on_client());
    assert!(
        policy
            .decide(&json(), Negotiated::Coding(Coding::Identity))
            .depends_on_client()
    );
    assert!(
        policy
            .decide(&json(), Negotiated::NotAcceptable)
            .depends_on_client()
    );
    let kept = Reason::WouldNotShrink {
        coding: Coding::Gzip,
        length: 900,
    };
    assert!(Decision::Leave(kept).depends_on_client());
    assert!(
        !policy
            .decide(&json().content_encoding("br"), GZIP)
            .depends_on_client()
    );
    assert!(
        !policy
            .decide(&ResponseHead::new(200).media_type("image/png"), GZIP)
            .depends_on_client()
    );
}

#[test]
fn predicates_combine() {
    let busy = Reason::Other("busy");
    let policy = Policy::default()
        .and(move |head: &ResponseHead<'_>| (head.status() == 503).then_some(busy));
    let head = |status| {
        ResponseHead::new(status)
            .media_type("text/html")
            .length(9_999)
    };
    assert_eq!(
        policy.decide(&head(200), GZIP),
        Decision::Encode(Coding::Gzip)
    );
    assert_eq!(policy.decide(&head(503), GZIP), Decision::Leave(busy));
    // The first objection counts.
    let small = Reason::TooSmall {
        length: 1,
        minimum: 860,
    };
    assert_eq!(
        policy.decide(&head(503).length(1), GZIP),
        Decision::Leave(small)
    );

    let bare = Policy::new(MinimumLength(5).and(NoEventStream));
    assert_eq!(
        bare.decide(&ResponseHead::new(200).length(5), GZIP),
        Decision::Encode(Coding::Gzip)
    );
    assert_eq!(
        bare.decide(&ResponseHead::new(200).length(4), GZIP),
        Decision::Leave(Reason::TooSmall {
            length: 4,
            minimum: 5
        })
    );
    assert_eq!(
        bare.decide(&ResponseHead::new(206).length(5), GZIP),
        Decision::Leave(Reason::Partial)
    );
}
