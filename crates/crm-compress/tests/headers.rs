//! Each row of HEADERS.md: what encoding does to the headers of a request and of its response.
#![cfg(feature = "http")]

use crm_compress::{
    Coding, Decision, Exchange, HeaderRules, Negotiated, Outcome, Policy, Reason, ResponseHead,
    TagRule,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

const TABLE: &str = include_str!("../HEADERS.md");

/// Makes a test of each function, and a list of their names.
macro_rules! rows {
    ($(fn $name:ident() $body:block)*) => {
        const ROWS: &[&str] = &[$(stringify!($name)),*];
        $(#[test] fn $name() $body)*
    };
}

#[test]
fn each_row_has_its_test_and_each_test_its_row() {
    let named: Vec<&str> = TABLE
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|row| {
            row.trim_end_matches(" |")
                .rsplit(" | ")
                .next()
                .unwrap()
                .trim_matches('`')
        })
        .collect();
    assert_eq!(named.len(), 34);
    for name in &named {
        assert!(ROWS.contains(name), "no test {name}");
    }
    for name in ROWS {
        assert!(named.contains(name), "no row names {name}");
    }
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    headers
}

/// All lines of a field, joined.
fn field(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines: Vec<&str> = headers
        .get_all(name)
        .iter()
        .map(|line| line.to_str().unwrap())
        .collect();
    (!lines.is_empty()).then(|| lines.join(" // "))
}

/// One exchange; what is not said is the plain case.
struct Case {
    rules: HeaderRules,
    method: Method,
    request: HeaderMap,
    status: StatusCode,
    response: HeaderMap,
    /// The length of the plain body, where Content-Length does not say it.
    length: Option<u64>,
    /// The length of the encoded body.
    encoded: Option<u64>,
    streamed: bool,
}

const JSON: [(&str, &str); 2] = [
    ("content-type", "application/json"),
    ("content-length", "5000"),
];

fn case() -> Case {
    Case {
        rules: HeaderRules::new(),
        method: Method::GET,
        request: headers(&[("accept-encoding", "gzip, deflate, br, zstd")]),
        status: StatusCode::OK,
        response: headers(&JSON),
        length: None,
        encoded: Some(900),
        streamed: false,
    }
}

impl Case {
    fn request(mut self, lines: &[(&str, &str)]) -> Self {
        self.request.extend(headers(lines));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.request.remove(name);
        self.response.remove(name);
        self
    }

    fn response(mut self, lines: &[(&str, &str)]) -> Self {
        for (name, value) in lines {
            self.response.append(
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        self
    }

    fn status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).unwrap();
        self
    }

    fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    fn rules(mut self, rules: HeaderRules) -> Self {
        self.rules = rules;
        self
    }

    fn run(mut self) -> Done {
        let offers = [Coding::Gzip, Coding::Deflate];
        let exchange = Exchange::begin(self.rules, &offers, &self.method, &mut self.request);
        let mut outcome =
            exchange.decide(&Policy::default(), self.status, &self.response, self.length);
        if self.streamed {
            outcome = outcome.streamed();
        }
        exchange.apply(outcome, self.status, &mut self.response, self.encoded);
        Done {
            exchange,
            outcome,
            request: self.request,
            response: self.response,
        }
    }

    /// The response's field afterwards.
    fn then(self, name: &str) -> Option<String> {
        field(&self.run().response, name)
    }
}

struct Done {
    exchange: Exchange,
    outcome: Outcome,
    request: HeaderMap,
    response: HeaderMap,
}

impl Done {
    fn encodes(&self) -> bool {
        matches!(self.outcome.decision(), Decision::Encode(_))
    }
}

fn some(value: &str) -> Option<String> {
    Some(String::from(value))
}

rows! {
    fn the_coding_is_named() {
        assert_eq!(case().then("content-encoding"), some("gzip"));
        let deflate = case().without("accept-encoding").request(&[("accept-encoding", "deflate")]);
        assert_eq!(deflate.then("content-encoding"), some("deflate"));
        assert_eq!(case().without("accept-encoding").then("content-encoding"), None);
    }

    fn identity_is_not_named() {
        for line in ["identity", "", "Identity, identity"] {
            let done = case().response(&[("content-encoding", line)]).run();
            assert!(done.encodes());
            assert_eq!(field(&done.response, "content-encoding"), some("gzip"), "{line}");
        }
        let lines = [("content-encoding", "identity"), ("content-encoding", "")];
        assert_eq!(case().response(&lines).then("content-encoding"), some("gzip"));
    }

    fn nothing_is_encoded_twice() {
        for line in ["br", "something", "GZIP", "identity, x-gzip"] {
            let before = case().response(&[("content-encoding", line), ("etag", "\"a\""), ("accept-ranges", "bytes")]);
            let untouched = before.response.clone();
            let done = before.run();
            assert_eq!(done.outcome.decision(), Decision::Leave(Reason::AlreadyEncoded), "{line}");
            assert_eq!(done.response, untouched, "{line}");
        }
        // A decision of somebody else, who then says what was done first.
        let done = case().run();
        let mut response = headers(&[("content-encoding", "identity, br"), ("content-encoding", "x")]);
        done.exchange.apply(done.outcome, StatusCode::OK, &mut response, None);
        assert_eq!(field(&response, "content-encoding"), some("br, x, gzip"));
    }

    fn an_encoded_response_varies() {
        assert_eq!(case().then("vary"), some("Accept-Encoding"));
        let only = case().without("accept-encoding").request(&[("accept-encoding", "gzip, identity;q=0")]);
        let done = only.without("content-type").response(&[("content-type", "image/png")]).run();
        assert_eq!(field(&done.response, "content-encoding"), some("gzip"));
        assert_eq!(field(&done.response, "vary"), some("Accept-Encoding"));
    }

    fn the_plain_form_varies_too() {
        for accept in ["", "identity", "gzip;q=0", "*;q=0"] {
            let done = case().without("accept-encoding").request(&[("accept-encoding", accept)]).run();
            assert!(!done.encodes(), "{accept}");
            assert_eq!(field(&done.response, "vary"), some("Accept-Encoding"), "{accept}");
        }
        assert_eq!(case().without("accept-encoding").then("vary"), some("Accept-Encoding"));
        // Tried, and found to be no shorter: another body of the same resource may be.
        let done = case().run();
        let left = done.outcome.left(Reason::WouldNotShrink { coding: Coding::Gzip, length: 5000 });
        assert!(left.varies());
        let mut response = headers(&JSON);
        done.exchange.apply(left, StatusCode::OK, &mut response, Some(1));
        assert_eq!(field(&response, "vary"), some("Accept-Encoding"));
        assert_eq!(field(&response, "content-length"), some("5000"));
        assert_eq!(field(&response, "content-encoding"), None);
    }

    fn what_is_plain_for_everyone_does_not_vary() {
        for done in [
            case().without("content-type").response(&[("content-type", "image/png")]).run(),
            case().without("content-length").response(&[("content-length", "77")]).run(),
            case().response(&[("cache-control", "no-transform")]).run(),
            case().response(&[("content-encoding", "br")]).run(),
        ] {
            assert!(!done.encodes() && !done.outcome.varies());
            assert_eq!(field(&done.response, "vary"), None);
        }
    }

    fn vary_is_merged() {
        let merged = |lines: &[(&str, &str)]| case().response(lines).then("vary");
        assert_eq!(merged(&[("vary", "Cookie")]), some("Cookie, Accept-Encoding"));
        assert_eq!(merged(&[("vary", "Cookie"), ("vary", "Origin")]), some("Cookie, Origin, Accept-Encoding"));
        assert_eq!(merged(&[("vary", "Cookie"), ("vary", "accept-encoding")]), some("Cookie // accept-encoding"));
        assert_eq!(merged(&[("vary", "*")]), some("*"));
        assert_eq!(merged(&[("vary", "")]), some("Accept-Encoding"));
    }

    fn dictionaries_vary() {
        let rules = HeaderRules::new().dictionaries();
        assert_eq!(case().rules(rules).then("vary"), some("Accept-Encoding, Available-Dictionary"));
        let plain = case().rules(rules).without("accept-encoding");
        assert_eq!(plain.then("vary"), some("Accept-Encoding, Available-Dictionary"));
        let this = HeaderRules::new().dictionary(&[7; 32]);
        assert_eq!(case().rules(this).then("vary"), some("Accept-Encoding, Available-Dictionary"));
        assert_eq!(case().rules(this).response(&[("etag", "\"a\"")]).then("etag"), some("\"a-gzip\""));
    }

    fn parts_and_confirmations_vary_like_the_whole() {
        let image = ("content-type", "image/png");
        for status in [304, 206] {
            let bare = || case().status(status).without("content-type");
            assert_eq!(bare().then("vary"), some("Accept-Encoding"), "{status}");
            assert_eq!(case().status(status).then("vary"), some("Accept-Encoding"), "{status}");
            assert_eq!(bare().response(&[image]).then("vary"), None, "{status}");
            assert_eq!(bare().response(&[("cache-control", "no-transform")]).then("vary"), None, "{status}");
            assert_eq!(bare().response(&[("content-encoding", "br")]).then("vary"), None, "{status}");
            assert_eq!(bare().without("accept-encoding").then("vary"), some("Accept-Encoding"), "{status}");
            // A short part may be one of something long.
            let short = case().status(status).without("content-length").response(&[("content-length", "1")]);
            assert_eq!(short.then("vary"), some("Accept-Encoding"), "{status}");
        }
        let part = case().status(206).response(&[("content-range", "bytes 0-9/5000")]);
        assert_eq!(part.then("vary"), some("Accept-Encoding"));
        assert_eq!(case().status(416).response(&[("content-range", "bytes */5000")]).then("vary"), None);
    }

    fn the_length_is_that_of_what_is_sent() {
        assert_eq!(case().then("content-length"), some("900"));
        let streamed = Case { encoded: Some(0), ..case().without("content-length") };
        assert_eq!(streamed.then("content-length"), some("0"));
        assert_eq!(case().without("accept-encoding").then("content-length"), some("5000"));
    }

    fn an_unknown_length_is_not_claimed() {
        assert_eq!(Case { encoded: None, ..case() }.then("content-length"), None);
    }

    fn a_confirmation_claims_no_length() {
        let known = || case().status(304).response(&[("etag", "\"a\"")]).request(&[("if-none-match", "\"a-gzip\"")]);
        assert_eq!(known().then("content-length"), None);
        let done = known().response(&[("repr-digest", "sha-256=:AAAA:"), ("accept-ranges", "bytes")]).run();
        assert_eq!(field(&done.response, "repr-digest"), None);
        assert_eq!(field(&done.response, "accept-ranges"), None);
        let plain = case().status(304).response(&[("etag", "\"a\"")]).request(&[("if-none-match", "\"a\"")]);
        assert_eq!(plain.then("content-length"), some("5000"));
    }

    fn ranges_are_not_offered() {
        let bytes = [("accept-ranges", "bytes")];
        assert_eq!(case().response(&bytes).then("accept-ranges"), None);
        assert_eq!(case().without("accept-encoding").response(&bytes).then("accept-ranges"), some("bytes"));
    }

    fn ranges_are_left_alone() {
        for (status, range) in [(206, Some("bytes 0-9/5000")), (206, None), (416, Some("bytes */5000")), (200, Some("x"))] {
            let mut before = case().status(status).response(&[("etag", "\"a\""), ("accept-ranges", "bytes"), ("vary", "Accept-Encoding")]);
            if let Some(range) = range {
                before = before.response(&[("content-range", range)]);
            }
            let untouched = before.response.clone();
            let done = before.request(&[("range", "bytes=0-9")]).run();
            assert_eq!(done.outcome.decision(), Decision::Leave(Reason::Partial));
            assert_eq!(done.response, untouched);
            assert_eq!(field(&done.request, "range"), some("bytes=0-9"));
        }
    }

    fn digests_are_removed() {
        for name in ["content-digest", "repr-digest", "digest", "content-md5"] {
            let line = [(name, "sha-256=:AAAA:"), (name, "x")];
            assert_eq!(case().response(&line).then(name), None, "{name}");
            assert_eq!(case().without("accept-encoding").response(&line).then(name), some("sha-256=:AAAA: // x"));
            let mut trailers = headers(&line);
            trailers.insert("x-other", HeaderValue::from_static("stays"));
            let (encoded, plain) = (case().run(), case().without("accept-encoding").run());
            let before = trailers.clone();
            plain.exchange.apply_to_trailers(plain.outcome, &mut trailers);
            assert_eq!(trailers, before);
            encoded.exchange.apply_to_trailers(encoded.outcome, &mut trailers);
            assert_eq!(trailers, headers(&[("x-other", "stays")]));
        }
    }

    fn forms_have_tags_of_their_own() {
        let tag = |rules: HeaderRules, tag: &str| case().rules(rules).response(&[("etag", tag)]).then("etag");
        let suffix = HeaderRules::new();
        assert_eq!(suffix, HeaderRules::default());
        assert_eq!(tag(suffix, "\"a\""), some("\"a-gzip\""));
        assert_eq!(tag(suffix, "W/\"a\""), some("W/\"a-gzip\""));
        assert_eq!(tag(suffix.tags(TagRule::WeakSuffix), "\"a\""), some("W/\"a-gzip\""));
        assert_eq!(tag(suffix.tags(TagRule::Weaken), "\"a\""), some("W/\"a\""));
        assert_eq!(tag(suffix.tags(TagRule::Remove), "\"a\""), None);
        assert_eq!(case().then("etag"), None);
        // Bytes above 127 are part of it.
        let mut bytes = case();
        bytes.response.insert("etag", HeaderValue::from_bytes(b"\"\xe9\"").unwrap());
        assert_eq!(bytes.run().response["etag"].as_bytes(), b"\"\xe9-gzip\"");
    }

    fn the_tag_of_a_stream_is_weak() {
        let stream = |rules| Case { streamed: true, encoded: None, ..case().rules(rules).response(&[("etag", "\"a\"")]) };
        assert_eq!(stream(HeaderRules::new()).then("etag"), some("W/\"a-gzip\""));
        assert_eq!(stream(HeaderRules::new().tags(TagRule::Remove)).then("etag"), None);
        assert_eq!(stream(HeaderRules::new()).without("accept-encoding").then("etag"), some("\"a\""));
    }

    fn illegible_tags_are_removed() {
        for lines in [
            &[("etag", "686897696a7c876b7e")][..],
            &[("etag", "")],
            &[("etag", "\"a\""), ("etag", "\"b\"")],
            &[("etag", "\"a\""), ("etag", "\"a\"")],
        ] {
            for rule in [TagRule::Suffix, TagRule::WeakSuffix, TagRule::Weaken, TagRule::Remove] {
                let done = case().rules(HeaderRules::new().tags(rule)).response(lines).run();
                assert_eq!(field(&done.response, "etag"), None, "{lines:?}");
            }
            let plain = case().without("accept-encoding").response(lines);
            let untouched = field(&plain.response, "etag");
            assert_eq!(plain.then("etag"), untouched);
        }
    }

    fn plain_tags_stay() {
        let tag = |tag: &str| case().without("accept-encoding").response(&[("etag", tag)]).then("etag");
        assert_eq!(tag("\"a\""), some("\"a\""));
        assert_eq!(tag("W/\"a\""), some("W/\"a\""));
        assert_eq!(tag("\"a-gzip\""), some("\"a-gzip-identity\""));
        // Whatever the reason that it is plain.
        let line = [("etag", "\"a-gzip\"")];
        assert_eq!(case().status(206).response(&line).then("etag"), some("\"a-gzip-identity\""));
        assert_eq!(case().response(&[("content-encoding", "br")]).response(&line).then("etag"), some("\"a-gzip-identity\""));
        // And the client that sends it back means what it was.
        let done = case().request(&[("if-none-match", "\"a-gzip-identity\""), ("if-range", "\"a-gzip-identity\"")]).run();
        assert_eq!(field(&done.request, "if-none-match"), some("\"a-gzip\""));
        assert_eq!(field(&done.request, "if-range"), some("\"a-gzip\""));
    }

    fn a_confirmation_has_the_tag_that_the_client_knows() {
        let tag = |asked: &[(&str, &str)], etag: &str| {
            case().status(304).without("content-type").request(asked).response(&[("etag", etag)]).then("etag")
        };
        let named = |line: &str| tag(&[("if-none-match", line)], "\"a\"");
        assert_eq!(named("\"a-gzip\""), some("\"a-gzip\""));
        assert_eq!(named("W/\"a-gzip\""), some("W/\"a-gzip\""));
        assert_eq!(named("\"a\""), some("\"a\""));
        assert_eq!(named("\"b-gzip\", \"a\""), some("\"a\""));
        assert_eq!(named("\"b\", \"a-gzip\", \"a\""), some("\"a-gzip\""));
        assert_eq!(named("\"a\", \"a-deflate\""), some("\"a\""));
        assert_eq!(tag(&[("if-none-match", "\"b\""), ("if-none-match", "\"a-gzip\"")], "\"a\""), some("\"a-gzip\""));
        assert_eq!(tag(&[("if-none-match", "\"a-gzip-gzip\"")], "\"a-gzip\""), some("\"a-gzip-gzip\""));
        assert_eq!(tag(&[("if-none-match", "\"a-gzip-identity\"")], "\"a-gzip\""), some("\"a-gzip-identity\""));
        // No tag was named.
        assert_eq!(tag(&[("if-modified-since", "Wed, 21 Oct 2015 07:28:00 GMT")], "\"a\""), some("\"a-gzip\""));
        assert_eq!(tag(&[("if-none-match", "*")], "\"a\""), some("\"a-gzip\""));
        let image = [("content-type", "image/png"), ("etag", "\"a\"")];
        assert_eq!(case().status(304).without("content-type").response(&image).then("etag"), some("\"a\""));
        // With the tags of a picture that this client once got encoded.
        let kept = case().status(304).without("content-type").response(&image).request(&[("if-none-match", "\"a-gzip\"")]).run();
        assert_eq!(field(&kept.response, "etag"), some("\"a-gzip\""));
        assert_eq!(field(&kept.response, "vary"), some("Accept-Encoding"));
        let weakened = HeaderRules::new().tags(TagRule::Weaken);
        let done = case().rules(weakened).status(304).request(&[("if-none-match", "W/\"a\"")]).response(&[("etag", "\"a\"")]);
        assert_eq!(done.then("etag"), some("W/\"a\""));
        assert_eq!(case().status(304).request(&[("if-none-match", "\"a-gzip\"")]).then("etag"), None);
    }

    fn a_write_answers_with_the_tag_of_the_resource() {
        for method in [Method::PUT, Method::POST, Method::PATCH, Method::DELETE] {
            let done = case().method(method.clone()).response(&[("etag", "\"a\"")]).run();
            assert_eq!(field(&done.response, "content-encoding"), some("gzip"));
            assert_eq!(field(&done.response, "etag"), some("\"a\""), "{method}");
            let odd = case().method(method.clone()).response(&[("etag", "\"a-br\"")]);
            assert_eq!(odd.then("etag"), some("\"a-br-identity\""), "{method}");
        }
        let query = Method::from_bytes(b"QUERY").unwrap();
        for method in [Method::GET, Method::HEAD, query] {
            let done = case().method(method.clone()).response(&[("etag", "\"a\"")]);
            assert_eq!(done.then("etag"), some("\"a-gzip\""), "{method}");
        }
    }

    fn a_reader_revalidates_the_form_it_would_get() {
        for method in [Method::GET, Method::HEAD] {
            let asks = |accept: &str, line: &str| {
                let request = [("accept-encoding", accept), ("if-none-match", line)];
                let done = case().without("accept-encoding").method(method.clone()).request(&request).run();
                field(&done.request, "if-none-match")
            };
            assert_eq!(asks("gzip", "\"a-gzip\""), some("\"a\""));
            assert_eq!(asks("identity", "\"a-gzip\""), None);
            assert_eq!(asks("deflate", "\"a-gzip\""), None);
            assert_eq!(asks("deflate, gzip", "\"a-gzip\""), some("\"a\""));
            assert_eq!(asks("gzip", "\"a\""), some("\"a\""));
            assert_eq!(asks("identity", "\"a\""), some("\"a\""));
            assert_eq!(asks("gzip", "*"), some("*"));
            assert_eq!(asks("gzip", "\"a-br\", \"b-gzip\""), some("\"b\""));
        }
        let lines = [("if-none-match", "\"a-br\""), ("if-none-match", "\"b\""), ("if-none-match", "\"c-gzip\"")];
        let done = case().request(&lines).run();
        assert_eq!(field(&done.request, "if-none-match"), some("\"b\" // \"c\""));
        // Nothing to be rewritten.
        let untouched = case().request(&[("if-none-match", "\"a\""), ("if-match", "\"b\"")]);
        let before = untouched.request.clone();
        assert_eq!(untouched.run().request, before);
    }

    fn a_writer_speaks_of_the_resource() {
        for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::POST] {
            let lines = [("if-match", "\"a-gzip\", W/\"b-br\""), ("if-match", "\"c\""), ("if-none-match", "\"d-deflate\"")];
            let done = case().method(method).without("accept-encoding").request(&lines).run();
            assert_eq!(field(&done.request, "if-match"), some("\"a\", W/\"b\" // \"c\""));
            assert_eq!(field(&done.request, "if-none-match"), some("\"d\""));
        }
        let done = case().request(&[("if-match", "\"a-deflate\"")]).run();
        assert_eq!(field(&done.request, "if-match"), some("\"a\""));
        let done = case().request(&[("if-match", "x\"a-gzip\"")]).run();
        assert_eq!(field(&done.request, "if-match"), some("W/\"\""));
    }

    fn a_date_does_not_replace_a_tag() {
        let date = ("if-modified-since", "Wed, 21 Oct 2015 07:28:00 GMT");
        let asked = |line: &str| field(&case().request(&[date, ("if-none-match", line)]).run().request, "if-modified-since");
        assert_eq!(asked("\"a-br\""), None);
        assert_eq!(asked("\"a-br\", \"b\""), some(date.1));
        assert_eq!(asked("\"a\""), some(date.1));
        assert_eq!(field(&case().request(&[date]).run().request, "if-modified-since"), some(date.1));
    }

    fn a_date_does_not_tell_forms_apart() {
        let date = "Sat, 21 Nov 2026 10:00:00 GMT";
        for (accept, stays) in [("gzip", false), ("identity", true), ("br;q=0", true)] {
            let done = case()
                .request(&[
                    ("accept-encoding", accept),
                    ("range", "bytes=9-"),
                    ("if-range", date),
                ])
                .run();
            for name in ["range", "if-range"] {
                assert_eq!(
                    field(&done.request, name).is_some(),
                    stays,
                    "{accept}: {name}"
                );
            }
        }
    }

    fn a_range_of_an_encoded_form_is_the_whole() {
        let asked = |tag: &str| {
            let done = case().request(&[("range", "bytes=9-"), ("if-range", tag)]).run();
            (field(&done.request, "range"), field(&done.request, "if-range"))
        };
        assert_eq!(asked("\"a-gzip\""), (None, None));
        assert_eq!(asked("\"a-zstd\""), (None, None));
        for tag in ["\"a\"", "W/\"a\""] {
            assert_eq!(asked(tag), (some("bytes=9-"), some(tag)));
        }
    }

    fn no_transform_is_obeyed() {
        for line in ["no-transform", "max-age=60, No-Transform"] {
            let done = case().response(&[("cache-control", line)]).run();
            assert_eq!(done.outcome.decision(), Decision::Leave(Reason::NoTransform));
            let two = case().response(&[("cache-control", "private"), ("cache-control", line)]).run();
            assert!(!two.encodes());

            let done = case().request(&[("cache-control", line)]).run();
            assert_eq!(done.exchange.negotiated(), Negotiated::Coding(Coding::Identity));
            assert_eq!(done.outcome.decision(), Decision::Leave(Reason::ClientPrefersIdentity));
            assert_eq!(field(&done.response, "vary"), some("Accept-Encoding"));
        }
        for line in ["no-cache", "x=\"no-transform, no-transform\""] {
            assert!(case().request(&[("cache-control", line)]).response(&[("cache-control", line)]).run().encodes());
        }
    }

    fn head_is_like_get() {
        let response = [("etag", "\"a\""), ("accept-ranges", "bytes"), ("repr-digest", "x"), ("vary", "Cookie")];
        for encoded in [Some(900), None] {
            let get = Case { encoded, ..case().response(&response) }.run();
            let head = Case { encoded, ..case().method(Method::HEAD).response(&response) }.run();
            assert_eq!(head.response, get.response);
            assert_eq!(field(&head.response, "content-length").is_some(), encoded.is_some());
        }
        let plain = case().method(Method::HEAD).without("accept-encoding");
        assert_eq!(plain.then("content-length"), some("5000"));
        let short = case().method(Method::HEAD).without("content-length").response(&[("content-length", "77")]).run();
        assert!(!short.encodes());
    }

    fn no_content_no_consequence() {
        for status in [101, 103, 204, 205] {
            let before = case().status(status).response(&[("etag", "\"a\"")]);
            let untouched = before.response.clone();
            let done = before.run();
            assert_eq!(done.outcome.decision(), Decision::Leave(Reason::NoBody { status }));
            assert_eq!(done.response, untouched);
        }
        let tunnel = case().method(Method::CONNECT);
        let untouched = tunnel.response.clone();
        let done = tunnel.run();
        assert_eq!(done.outcome.decision(), Decision::Leave(Reason::NoBody { status: 200 }));
        assert_eq!(done.response, untouched);
        assert!(case().method(Method::CONNECT).status(502).run().encodes());
    }

    fn everything_else_stays() {
        let others = [
            ("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "max-age=60"),
            ("set-cookie", "a=b"),
            ("set-cookie", "c=d"),
            ("content-location", "/x"),
            ("content-language", "en"),
        ];
        let done = case().without("content-type").response(&others).run();
        assert!(done.encodes());
        let mut response = done.response;
        for name in ["content-encoding", "content-length", "vary"] {
            assert!(response.remove(name).is_some(), "{name}");
        }
        assert_eq!(response, headers(&others));
        let asked = [("accept-encoding", "gzip, deflate, br, zstd"), ("cookie", "a=b"), ("range", "bytes=0-1")];
        let done = case().request(&asked[1..]).run();
        assert_eq!(done.request, headers(&asked));
    }
}

#[test]
fn a_head_has_the_facts_of_the_response() {
    let facts = |lines: &[(&str, &str)]| {
        let headers = headers(lines);
        let head = ResponseHead::of_http(StatusCode::OK, &headers);
        (
            head.content_type().map(String::from),
            head.body_length(),
            head.is_encoded(),
            head.is_partial(),
            head.forbids_transform(),
        )
    };
    assert_eq!(
        facts(&[
            ("content-type", "text/html ; charset=x"),
            ("content-length", " 12"),
            ("content-encoding", "identity")
        ]),
        (some("text/html "), Some(12), false, false, false)
    );
    assert_eq!(
        facts(&[
            ("content-encoding", "identity"),
            ("content-encoding", "br"),
            ("content-range", "x"),
            ("cache-control", "no-transform")
        ]),
        (None, None, true, true, true)
    );
    // What occurs twice, or is no text, says nothing.
    assert_eq!(
        facts(&[("content-type", "text/html"), ("content-type", "text/html")]).0,
        some("")
    );
    assert_eq!(
        facts(&[("content-length", "1"), ("content-length", "1")]).1,
        None
    );
    for (value, expected) in [
        (&b"text/html; x=\"\xff\""[..], "text/html"),
        (b"text/\xff", ""),
        (b"", ""),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_bytes(value).unwrap());
        headers.insert("content-length", HeaderValue::from_bytes(b"\xff").unwrap());
        let head = ResponseHead::of_http(StatusCode::OK, &headers);
        assert_eq!(
            (head.content_type(), head.body_length()),
            (Some(expected), None)
        );
    }
}

/// A form is read with the dictionary that it was made with, so another dictionary is another form.
#[cfg(feature = "dcz")]
#[test]
fn a_dictionary_has_tags_of_its_own() {
    let ask = |dictionary: u8, accept: &str, named: &str| {
        let rules = HeaderRules::new().dictionary(&[dictionary; 32]);
        let mut request = headers(&[("accept-encoding", accept), ("if-none-match", named)]);
        let offers = [Coding::Dcz, Coding::Gzip];
        let exchange = Exchange::begin(rules, &offers, &Method::GET, &mut request);
        let mut response = headers(&JSON);
        response.insert("etag", HeaderValue::from_static("\"a\""));
        let outcome = exchange.decide(&Policy::default(), StatusCode::OK, &response, None);
        exchange.apply(outcome, StatusCode::OK, &mut response, None);
        assert_eq!(
            field(&response, "vary"),
            some("Accept-Encoding, Available-Dictionary")
        );
        (field(&request, "if-none-match"), field(&response, "etag"))
    };
    let tag = "\"a-dcz.0707070707070707\"";
    assert_eq!(ask(7, "dcz, gzip", tag), (some("\"a\""), some(tag)));
    assert_eq!(
        ask(8, "dcz, gzip", tag),
        (None, some("\"a-dcz.0808080808080808\""))
    );
    assert_eq!(ask(7, "gzip", tag), (None, some("\"a-gzip\"")));
    assert_eq!(ask(7, "*", tag), (None, some("\"a-gzip\"")));
}

/// A whole conversation, with an application that knows nothing of codings.
#[test]
fn a_client_revalidates_and_updates() {
    let mut current = String::from("\"v1\"");
    let application =
        |method: &Method, request: &HeaderMap, current: &str| -> (StatusCode, HeaderMap) {
            let names = |name: &str| {
                field(request, name).map(|line| line.split(", ").any(|tag| tag == current))
            };
            let etag = headers(&[("etag", current)]);
            match (method.as_str(), names("if-none-match"), names("if-match")) {
                ("GET", Some(true), _) => (StatusCode::NOT_MODIFIED, etag),
                ("PUT", _, Some(false)) => (StatusCode::PRECONDITION_FAILED, HeaderMap::new()),
                ("PUT", ..) => (StatusCode::NO_CONTENT, HeaderMap::new()),
                _ => (StatusCode::OK, {
                    let mut all = headers(&JSON);
                    all.extend(etag);
                    all
                }),
            }
        };
    let ask = |method: Method, lines: &[(&str, &str)], current: &str| {
        let mut request = headers(lines);
        let exchange = Exchange::begin(HeaderRules::new(), &[Coding::Gzip], &method, &mut request);
        let (status, mut response) = application(&method, &request, current);
        let outcome = exchange.decide(&Policy::default(), status, &response, None);
        exchange.apply(outcome, status, &mut response, None);
        (status.as_u16(), field(&response, "etag"))
    };
    let gzip = ("accept-encoding", "gzip");
    let (status, tag) = ask(Method::GET, &[gzip], &current);
    assert_eq!((status, tag.as_deref()), (200, Some("\"v1-gzip\"")));
    let tag = tag.unwrap();
    assert_eq!(
        ask(Method::GET, &[gzip, ("if-none-match", &tag)], &current),
        (304, Some(tag.clone()))
    );
    assert_eq!(
        ask(Method::GET, &[("if-none-match", &tag)], &current),
        (200, some("\"v1\""))
    );
    assert_eq!(ask(Method::PUT, &[("if-match", &tag)], &current).0, 204);
    current = String::from("\"v2\"");
    assert_eq!(ask(Method::PUT, &[("if-match", &tag)], &current).0, 412);
    assert_eq!(
        ask(Method::GET, &[gzip, ("if-none-match", &tag)], &current),
        (200, some("\"v2-gzip\""))
    );
}
