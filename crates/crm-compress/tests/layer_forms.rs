//! The layer with a cache, with padding, and with dictionaries.
#![cfg(feature = "tower")]

mod support;

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use crm_compress::{
    Coding, CompressLayer, EncodedBody, EncodedCache, EncodedStats, Level, Padding, encode,
};
use http::{Request, Response, request, response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use support::script::{Script, Step};
use support::{bodies, decoders};
use tower::{Layer, ServiceExt, service_fn};

async fn answer<B: Body + Unpin>(
    layer: &CompressLayer,
    request: request::Builder,
    response: Response<B>,
) -> (response::Parts, EncodedBody<B>) {
    let mut response = Some(response);
    let service = layer.layer(service_fn(move |_: Request<()>| {
        let response = response.take().unwrap();
        async { Ok::<_, Infallible>(response) }
    }));
    let request = request.body(()).unwrap();
    service.oneshot(request).await.unwrap().into_parts()
}

/// The same with a whole body.
async fn whole(
    layer: &CompressLayer,
    request: request::Builder,
    response: response::Builder,
    body: &[u8],
) -> (response::Parts, Bytes) {
    let body = Full::new(Bytes::copy_from_slice(body));
    let (parts, out) = answer(layer, request, response.body(body).unwrap()).await;
    (parts, out.collect().await.unwrap().to_bytes())
}

fn get(accept: &str) -> request::Builder {
    Request::builder()
        .uri("/customers/7?view=all")
        .header("accept-encoding", accept)
        .header("host", "crm.example")
}

fn json() -> response::Builder {
    Response::builder().header("content-type", "application/json")
}

fn cached() -> (CompressLayer, Arc<EncodedCache>) {
    let forms = Arc::new(EncodedCache::new(64 << 20));
    (CompressLayer::new().cache(Arc::clone(&forms)), forms)
}

fn hits_and_misses(forms: &EncodedCache) -> (u64, u64) {
    let EncodedStats { hits, misses, .. } = forms.stats();
    (hits, misses)
}

#[tokio::test]
async fn a_body_is_encoded_once_for_each_coding_and_level() {
    let (layer, forms) = cached();
    let body = bodies::json(10_000, 1);
    let mut misses = 0;
    for coding in [Coding::Gzip, Coding::Deflate] {
        for level in [Level::Balanced, Level::Smallest] {
            misses += 1;
            for _ in 0..2 {
                let layer = layer.clone().level(level);
                let (parts, sent) = whole(&layer, get(coding.name()), json(), &body).await;
                assert_eq!(parts.headers["content-encoding"], coding.name());
                assert_eq!(sent, encode(coding, level, &body));
            }
            assert_eq!(hits_and_misses(&forms), (misses, misses));
        }
    }
    // A request for the head has the length of the kept form.
    let head = get("gzip").method("HEAD");
    let response = json().header("content-length", body.len());
    let (parts, _) = whole(&layer, head, response, &body).await;
    let length = encode(Coding::Gzip, Level::Balanced, &body).len();
    assert_eq!(parts.headers["content-length"], length.to_string());
    assert_eq!(hits_and_misses(&forms), (misses + 1, misses));
}

#[tokio::test]
async fn what_would_not_shrink_is_not_tried_again() {
    let (layer, forms) = cached();
    let noise = bodies::noise(5_000, 2);
    for hits in 0..3 {
        let (parts, sent) = whole(&layer, get("gzip"), json(), &noise).await;
        assert!(!parts.headers.contains_key("content-encoding"));
        assert_eq!(sent, noise);
        assert_eq!(hits_and_misses(&forms), (hits, 1));
    }
    // A client that refuses identity gets it encoded nevertheless.
    let (parts, sent) = whole(&layer, get("gzip, identity;q=0"), json(), &noise).await;
    assert_eq!(parts.headers["content-encoding"], "gzip");
    assert_eq!(decoders::decode(Coding::Gzip, &sent).unwrap(), noise);
}

#[tokio::test]
async fn streams_are_not_kept() {
    let (layer, forms) = cached();
    let body = bodies::json(5_000, 3);
    let source = Script::new([Step::data(&*body), Step::Pending]);
    let (_, out) = answer(&layer, get("gzip"), json().body(source).unwrap()).await;
    let sent = out.collect().await.unwrap().to_bytes();
    assert_eq!(decoders::decode(Coding::Gzip, &sent).unwrap(), body);
    assert_eq!(hits_and_misses(&forms), (0, 0));
}

/// Two bodies of the same length.
fn pair() -> [Vec<u8>; 2] {
    ["\"Ada\"", "\"Eva\""].map(|name| name.repeat(500).into_bytes())
}

/// Whether the second of two bodies of the same tag is answered with the form of the first.
async fn is_taken_for_the_other(
    layer: &CompressLayer,
    requests: [request::Builder; 2],
    responses: [response::Builder; 2],
) -> bool {
    let mut sent = Vec::new();
    for ((request, response), body) in requests.into_iter().zip(responses).zip(pair()) {
        let (parts, encoded) = whole(layer, request, response, &body).await;
        assert_eq!(parts.headers["content-encoding"], "gzip");
        sent.push(decoders::decode(Coding::Gzip, &encoded).unwrap());
    }
    assert_eq!(sent[0], pair()[0]);
    sent[1] != pair()[1]
}

fn tagged() -> response::Builder {
    json().header("etag", "\"v7\"")
}

#[tokio::test]
async fn a_tag_stands_for_a_body_only_where_that_was_said() {
    let same = || [get("gzip"), get("gzip")];
    for (by_tag, taken) in [(None, false), (Some(false), false), (Some(true), true)] {
        let (mut layer, _) = cached();
        if let Some(by_tag) = by_tag {
            layer = layer.cache_by_tag(by_tag);
        }
        assert_eq!(
            is_taken_for_the_other(&layer, same(), [tagged(), tagged()]).await,
            taken
        );
    }
    // What everybody may see, also for a request for the head.
    let public = || {
        tagged()
            .header("cache-control", "public, max-age=60")
            .header("vary", "accept-encoding, Available-Dictionary")
    };
    let layer = cached().0.cache_by_tag(true);
    assert!(is_taken_for_the_other(&layer, same(), [public(), public()]).await);
}

#[tokio::test]
async fn a_tag_of_another_resource_is_another_tag() {
    let uri = |uri: &'static str| {
        Request::builder()
            .uri(uri)
            .header("accept-encoding", "gzip")
            .header("host", "crm.example")
    };
    let other_host = get("gzip").header("x-before", "");
    let mut headers = other_host;
    headers
        .headers_mut()
        .unwrap()
        .insert("host", "other.example".parse().unwrap());
    for other in [
        uri("/customers/8?view=all"),
        uri("/customers/7?view=own"),
        uri("/customers/7"),
        uri("http://other.example/customers/7?view=all"),
        headers,
    ] {
        let layer = cached().0.cache_by_tag(true);
        let requests = [get("gzip"), other];
        assert!(!is_taken_for_the_other(&layer, requests, [tagged(), tagged()]).await);
    }
    let layer = cached().0.cache_by_tag(true);
    let responses = [tagged(), json().header("etag", "\"v8\"")];
    assert!(!is_taken_for_the_other(&layer, [get("gzip"), get("gzip")], responses).await);
}

#[tokio::test]
async fn what_may_be_for_one_client_is_never_recognised_by_its_tag() {
    let layer = || cached().0.cache_by_tag(true);
    type Change<T> = fn(T) -> T;
    let requests: [Change<request::Builder>; 4] = [
        |request| request.header("authorization", "Bearer 17"),
        |request| request.header("cookie", "session=17"),
        |request| request.method("POST"),
        |request| request.method("QUERY"),
    ];
    for change in requests {
        let requests = [get("gzip"), change(get("gzip"))];
        assert!(!is_taken_for_the_other(&layer(), requests, [tagged(), tagged()]).await);
        let both = [change(get("gzip")), change(get("gzip"))];
        assert!(!is_taken_for_the_other(&layer(), both, [tagged(), tagged()]).await);
    }
    let responses: [Change<response::Builder>; 10] = [
        |response| response.header("set-cookie", "session=17"),
        |response| response.header("cache-control", "max-age=0, Private"),
        |response| response.header("cache-control", "private=\"set-cookie\""),
        |response| response.header("cache-control", "private =x"),
        |response| response.header("cache-control", "No-Store"),
        |response| response.header("vary", "Accept-Encoding, X-Tenant"),
        |response| response.header("vary", "*"),
        |response| {
            response
                .header("vary", "accept-encoding")
                .header("vary", "cookie")
        },
        |response| response.status(404),
        |response| response.status(203),
    ];
    for change in responses {
        let responses = [tagged(), change(tagged())];
        let requests = || [get("gzip"), get("gzip")];
        assert!(!is_taken_for_the_other(&layer(), requests(), responses).await);
        let both = [change(tagged()), change(tagged())];
        assert!(!is_taken_for_the_other(&layer(), requests(), both).await);
    }
    let weak = || json().header("etag", "W/\"v7\"");
    let requests = [get("gzip"), get("gzip")];
    assert!(!is_taken_for_the_other(&layer(), requests, [weak(), weak()]).await);
}

#[tokio::test]
async fn whole_bodies_are_padded_and_streams_are_not() {
    let padding = Padding::up_to(500).key([7; 16]);
    let layer = CompressLayer::new().padding(padding);
    let body = bodies::json(5_000, 4);
    for coding in [Coding::Gzip, Coding::Deflate] {
        let padded = padding.encode(coding, Level::Balanced, &body);
        assert!(padded.len() > encode(coding, Level::Balanced, &body).len());
        let (_, sent) = whole(&layer, get(coding.name()), json(), &body).await;
        assert_eq!(sent, padded);
        assert_eq!(decoders::decode(coding, &sent).unwrap(), body);
    }
    let stream = async |layer: &CompressLayer| {
        let source = Script::new([Step::data(&*body), Step::Pending]);
        let (_, out) = answer(layer, get("gzip"), json().body(source).unwrap()).await;
        out.collect().await.unwrap().to_bytes()
    };
    assert_eq!(stream(&layer).await, stream(&CompressLayer::new()).await);

    // What shrinks by less than it is padded goes out as it was; who refuses identity gets it padded.
    let mut short = bodies::noise(1_000, 5);
    short.extend_from_slice(&[b' '; 40]);
    let layer = layer.padding(Padding::up_to(Padding::MOST).key([7; 16]));
    let (parts, sent) = whole(&layer, get("gzip"), json(), &short).await;
    assert!(!parts.headers.contains_key("content-encoding") && sent == short);
    let (_, sent) = whole(&layer, get("gzip, identity;q=0"), json(), &short).await;
    assert!(sent.len() > encode(Coding::Gzip, Level::Balanced, &short).len());
    assert_eq!(decoders::decode(Coding::Gzip, &sent).unwrap(), short);
}

#[tokio::test]
async fn a_cache_tells_paddings_apart() {
    let (plain, forms) = cached();
    let body = bodies::json(5_000, 6);
    let mut other = [1; 16];
    other[15] = 2;
    let paddings = [
        None,
        Some(Padding::up_to(300).key([1; 16])),
        Some(Padding::up_to(301).key([1; 16])),
        Some(Padding::up_to(300).key(other)),
    ];
    for round in 0..2 {
        for (at, padding) in paddings.into_iter().enumerate() {
            let (layer, expected) = match padding {
                None => (plain.clone(), encode(Coding::Gzip, Level::Balanced, &body)),
                Some(padding) => (
                    plain.clone().padding(padding),
                    padding.encode(Coding::Gzip, Level::Balanced, &body),
                ),
            };
            let (_, sent) = whole(&layer, get("gzip"), json(), &body).await;
            assert_eq!(sent, expected);
            let (hits, misses) = hits_and_misses(&forms);
            assert_eq!(hits + misses, (4 * round + at + 1) as u64);
            assert_eq!(misses, if round == 0 { at as u64 + 1 } else { 4 });
        }
    }
}

#[cfg(feature = "dcz")]
mod dictionaries {
    use crm_compress::{Decision, Dictionary, Reason};

    use super::*;

    fn dictionary(seed: u64) -> Dictionary {
        Dictionary::new(bodies::json(8_000, seed)).unwrap()
    }

    fn with(dictionary: &Dictionary, accept: &str) -> request::Builder {
        get(accept).header(
            "available-dictionary",
            format!(":{}:", dictionary.hash_base64()),
        )
    }

    /// By libzstd itself, with nothing but the dictionary's bytes.
    fn decoded(dictionary: &Dictionary, encoded: &[u8]) -> Vec<u8> {
        assert_eq!(encoded[8..40], dictionary.hash());
        let mut context = zstd_safe::DCtx::create();
        let mut decoded = Vec::with_capacity(100_000);
        let frames = &encoded[40..];
        let bytes = dictionary.as_bytes();
        context
            .decompress_using_dict(&mut decoded, frames, bytes)
            .unwrap();
        decoded
    }

    /// The names of all Vary lines, in lower case and order.
    fn vary(parts: &response::Parts) -> Vec<String> {
        let lines = parts.headers.get_all("vary").iter();
        let mut names: Vec<String> = lines
            .flat_map(|line| line.to_str().unwrap().split(','))
            .map(|name| name.trim().to_ascii_lowercase())
            .collect();
        names.sort();
        names
    }

    const BOTH: [&str; 2] = ["accept-encoding", "available-dictionary"];
    const CHROME: &str = "gzip, deflate, br, zstd, dcb, dcz";

    #[tokio::test]
    async fn a_client_that_has_the_dictionary_gets_dcz() {
        let (first, second) = (dictionary(1), dictionary(2));
        let layer = CompressLayer::new()
            .dictionary(first.clone())
            .dictionary(second.clone());
        let body = bodies::json(2_000, 9);
        for dictionary in [first, second] {
            let response = tagged().header("content-length", body.len());
            let (parts, sent) = whole(&layer, with(&dictionary, CHROME), response, &body).await;
            assert_eq!(parts.headers["content-encoding"], "dcz");
            assert_eq!(parts.headers["content-length"], sent.len().to_string());
            assert_eq!(vary(&parts), BOTH);
            assert_eq!(sent, dictionary.encode(Level::Balanced, &body));
            assert_eq!(decoded(&dictionary, &sent), body);
            let hash = dictionary.hash();
            let mark: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(parts.headers["etag"], format!("\"v7-dcz.{mark}\""));

            let source = Script::new([Step::data(&*body), Step::Pending, Step::data(&*body)]);
            let response = json().body(source).unwrap();
            let (parts, out) = answer(&layer, with(&dictionary, CHROME), response).await;
            assert_eq!(out.decision(), Some(Decision::Encode(Coding::Dcz)));
            assert_eq!(parts.headers["content-encoding"], "dcz");
            assert_eq!(vary(&parts), BOTH);
            let sent = out.collect().await.unwrap().to_bytes();
            assert_eq!(decoded(&dictionary, &sent), body.repeat(2));
        }
    }

    #[tokio::test]
    async fn nobody_else_does() {
        let (ours, other) = (dictionary(1), dictionary(2));
        let layer = CompressLayer::new().dictionary(ours.clone());
        let body = bodies::json(2_000, 9);
        let twice = with(&ours, CHROME).header("available-dictionary", ":AA==:");
        for request in [
            get(CHROME),
            with(&other, CHROME),
            with(&ours, "gzip, zstd"),
            with(&ours, "*"),
            with(&ours, "zstd, dcz;q=0"),
            with(&ours, "zstd, dcz;q=0.5"),
            twice,
            get(CHROME).header("available-dictionary", ours.hash_base64()),
        ] {
            let (parts, sent) = whole(&layer, request, tagged(), &body).await;
            assert_eq!(parts.headers["content-encoding"], "zstd");
            assert_eq!(vary(&parts), BOTH);
            assert_eq!(parts.headers["etag"], "\"v7-zstd\"");
            assert_eq!(decoders::decode(Coding::Zstd, &sent).unwrap(), body);
        }
        // The plain form of what may be encoded varies likewise, and so does a refusal.
        for (accept, body) in [("identity", body), (CHROME, bodies::noise(2_000, 3))] {
            let (parts, _) = whole(&layer, with(&ours, accept), json(), &body).await;
            assert!(!parts.headers.contains_key("content-encoding"));
            assert_eq!(vary(&parts), BOTH);
        }
        let layer = layer.refuse_unacceptable(true);
        let (parts, _) = whole(&layer, get("br;q=0, identity;q=0"), json(), b"").await;
        assert_eq!(parts.status, 406);
        assert_eq!(vary(&parts), BOTH);
    }

    #[tokio::test]
    async fn dcz_without_a_dictionary_is_not_offered() {
        let ours = dictionary(1);
        let body = bodies::json(2_000, 9);
        for layer in [
            CompressLayer::new().codings([Coding::Dcz]),
            CompressLayer::new().codings([Coding::Dcz, Coding::Dcz]),
        ] {
            for request in [get(CHROME), with(&ours, CHROME), with(&ours, "dcz")] {
                let (parts, sent) = whole(&layer, request, json(), &body).await;
                assert!(!parts.headers.contains_key("content-encoding"));
                assert_eq!(sent, body);
            }
            let layer = layer.dictionary(ours.clone());
            let (parts, _) = whole(&layer, get(CHROME), json(), &body).await;
            assert!(!parts.headers.contains_key("content-encoding"));
            let (parts, _) = whole(&layer, with(&ours, CHROME), json(), &body).await;
            assert_eq!(parts.headers["content-encoding"], "dcz");
        }
        // It comes first wherever it is named, and whichever was said first.
        let offers = [Coding::Gzip, Coding::Dcz];
        for layer in [
            CompressLayer::new()
                .codings(offers)
                .dictionary(ours.clone()),
            CompressLayer::new()
                .dictionary(ours.clone())
                .codings(offers),
        ] {
            let (parts, _) = whole(&layer, with(&ours, CHROME), json(), &body).await;
            assert_eq!(parts.headers["content-encoding"], "dcz");
            let (parts, _) = whole(&layer, get(CHROME), json(), &body).await;
            assert_eq!(parts.headers["content-encoding"], "gzip");
        }
    }

    #[tokio::test]
    async fn a_client_revalidates_by_the_tag_of_its_dictionary() {
        let (ours, other) = (dictionary(1), dictionary(2));
        let layer = CompressLayer::new()
            .dictionary(ours.clone())
            .dictionary(other.clone());
        let body = bodies::json(2_000, 9);
        let (parts, _) = whole(&layer, with(&ours, CHROME), tagged(), &body).await;
        let tag = parts.headers["etag"].clone();
        for (dictionary, known) in [(&ours, true), (&other, false)] {
            let request = with(dictionary, CHROME).header("if-none-match", &tag);
            let service = layer.layer(service_fn(|request: Request<()>| {
                let sent = request.headers().get("if-none-match").cloned();
                let known = sent.is_some_and(|tag| tag == "\"v7\"");
                let response = tagged().status(if known { 304 } else { 200 });
                async { Ok::<_, Infallible>(response.body(Full::<Bytes>::default()).unwrap()) }
            }));
            let response = service.oneshot(request.body(()).unwrap()).await.unwrap();
            let (parts, _) = response.into_parts();
            assert_eq!(parts.status == 304, known);
            if known {
                assert_eq!(parts.headers["etag"], tag);
                assert_eq!(vary(&parts), BOTH);
            }
        }
    }

    #[tokio::test]
    async fn a_cache_and_padding_know_dictionaries() {
        let (ours, other) = (dictionary(1), dictionary(2));
        let forms = Arc::new(EncodedCache::new(64 << 20));
        let layer = CompressLayer::new()
            .dictionary(ours.clone())
            .dictionary(other.clone())
            .cache(Arc::clone(&forms));
        let body = bodies::json(2_000, 9);
        for round in 0..2 {
            for dictionary in [&ours, &other] {
                let (_, sent) = whole(&layer, with(dictionary, CHROME), json(), &body).await;
                assert_eq!(decoded(dictionary, &sent), body);
            }
            assert_eq!(hits_and_misses(&forms), (2 * round, 2));
        }
        // Another coding is none of a dictionary's business.
        let (_, _) = whole(&layer, with(&ours, "gzip"), json(), &body).await;
        let (_, _) = whole(&layer, get("gzip"), json(), &body).await;
        assert_eq!(hits_and_misses(&forms), (3, 3));

        let mut lengths = std::collections::BTreeSet::new();
        let plain = ours.encode(Level::Balanced, &body).len();
        for key in 0..8 {
            let layer = layer.clone().padding(Padding::up_to(200).key([key; 16]));
            let (parts, sent) = whole(&layer, with(&ours, CHROME), json(), &body).await;
            assert_eq!(parts.headers["content-encoding"], "dcz");
            assert_eq!(decoded(&ours, &sent), body);
            assert!((plain + 8..=plain + 208).contains(&sent.len()));
            lengths.insert(sent.len());
        }
        assert!(lengths.len() > 4, "{lengths:?}");
    }

    #[tokio::test]
    async fn what_a_dictionary_does_not_shrink_goes_out_as_it_was() {
        let ours = dictionary(1);
        let layer = CompressLayer::new().dictionary(ours.clone());
        let noise = bodies::noise(2_000, 3);
        let response = json().body(Full::new(Bytes::from(noise.clone()))).unwrap();
        let (_, out) = answer(&layer, with(&ours, CHROME), response).await;
        let (coding, length) = (Coding::Dcz, 2_000);
        let reason = Reason::WouldNotShrink { coding, length };
        assert_eq!(out.decision(), Some(Decision::Leave(reason)));
        let request = with(&ours, "dcz, identity;q=0");
        let (parts, sent) = whole(&layer, request, json(), &noise).await;
        assert_eq!(parts.headers["content-encoding"], "dcz");
        assert_eq!(decoded(&ours, &sent), noise);
    }
}
