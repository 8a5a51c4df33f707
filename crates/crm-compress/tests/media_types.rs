//! Which media types deserve to be encoded, by the list that is given and by one's own.

use crm_compress::{
    Coding, Decision, InvalidMediaPattern, MediaPattern, MediaTypes, Negotiated, Policy, Reason,
    ResponseHead,
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
fn media_types_by_default() {
    for value in [
        // From the test suite of Envoy (compressor_filter_test.cc), which is Apache-2.0.
        "application/javascript",
        "application/x-json",
        "application/json;charset=utf-8",
        "application/ecmascript",
        "text/plain",
        "application/xhtml+xml",
        "image/svg+xml",
        "text/xml",
        "Application/XHTML+XML",
        "\ttext/html\t",
        "application/json",
        "text/css",
        "application/x-javascript",
        // From the lists that Cloudflare and Caddy document, besides the above.
        "text/richtext",
        "text/x-component",
        "text/js",
        "image/x-icon",
        "image/vnd.microsoft.icon",
        "application/x-perl",
        "application/x-httpd-cgi",
        "application/rss+xml",
        "application/xml+rss",
        "application/x-protobuf",
        "multipart/bag",
        "multipart/mixed; boundary=x",
        "font/ttf",
        "font/otf",
        "application/vnd.ms-fontobject",
        "application/ttf",
        "application/x-ttf",
        "application/otf",
        "application/x-otf",
        "application/truetype",
        "application/opentype",
        "application/x-opentype",
        "application/eot",
        "application/font",
        "application/font-sfnt",
        "application/manifest+json",
        "application/ld+json",
        "application/graphql+json",
        "application/geo+json",
        // Ours.
        "message/rfc822",
        "application/json ; charset=\"a;b,c\"",
        "application/json;",
        "application/json;;",
        "text/csv; header=present",
        "application/vnd.api+json",
        "application/problem+json",
        "application/atom+xml",
        "application/xml",
        "application/x-ndjson",
        "application/geo+json-seq",
        "application/wasm",
        "font/ttf",
        "image/bmp",
        "image/vnd.microsoft.icon",
        "application/yaml",
        "application/x+zip+json",
        "text/x-anything",
        "application/x-www-form-urlencoded",
    ] {
        encodes(ResponseHead::new(200).media_type(value));
    }
    for value in [
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/avif",
        "image/*",
        "audio/mpeg",
        "video/mp4",
        "application/zip",
        "application/gzip",
        "application/octet-stream",
        "application/pdf",
        "font/woff2",
        "font/woff",
        "application/epub+zip",
        "application/grpc",
        "application/grpc+proto",
        "application/grpc+json",
        "application/GRPC-Web+json",
        "application/grpc-web-text",
        "application/font-woff",
        "font/x-woff",
        "text/x+gzip",
        "application/x+gzip",
        "image/svg+zip",
        "multipart/form-data",
        "multipart/x-mixed-replace; boundary=x",
        "text/html, application/json",
        "text/html charset=utf-8",
        "text/html,",
        "text/",
        "text",
        "text/html/x",
        "text/h\u{e9}",
        "text/html\0",
        "\"text/html\"",
        "text /html",
        "text/ html",
        ";text/html",
        "\u{a0}text/html",
        "\ntext/html",
        "",
        "json",
        "/json",
        "application/",
        "application/json text/plain",
        "application /json",
        "application/x+",
        "application/xjson",
        "textual/plain",
        "application/json+zip",
        "application/x+json+zip",
        "multipart/byteranges; boundary=x",
    ] {
        leaves(ResponseHead::new(200).media_type(value), Reason::MediaType);
    }
    leaves(ResponseHead::new(200), Reason::NoMediaType);
}

#[test]
fn the_narrowest_pattern_decides() {
    let pattern = |text: &str| text.parse::<MediaPattern>().unwrap();
    let types = MediaTypes::default()
        .without(pattern("text/*"))
        .with(pattern("image/*"))
        .without(pattern("+xml"))
        .with(pattern("Image/SVG+xml"));
    for (value, taken) in [
        ("text/html", false),
        ("image/png", true),
        ("image/svg+xml", true),
        ("image/x+xml", false),
        ("application/atom+xml", false),
        ("text/x+xml", false),
        ("text/x+json", true),
        ("application/json", true),
        ("image/bmp", true),
        ("application/zip", false),
    ] {
        assert_eq!(types.includes(value), taken, "{value}");
    }
    // The last of equals.
    let types = types
        .with(pattern("TEXT/*"))
        .without(pattern("image/svg+xml"));
    assert!(types.includes("text/html") && !types.includes("image/svg+xml"));
    // Against the default list, which is of the same breadth.
    let types = MediaTypes::default()
        .without(pattern("application/json"))
        .without(pattern("+json"));
    assert!(!types.includes("application/json") && !types.includes("application/ld+json"));
    let types = MediaTypes::default()
        .with(pattern("application/grpc"))
        .with(pattern("+gzip"));
    assert!(types.includes("application/grpc") && types.includes("text/x+gzip"));
    assert!(
        MediaTypes::default()
            .without(pattern("application/*"))
            .includes("application/json")
    );

    let types = MediaTypes::none().with(pattern("text/csv"));
    assert!(types.includes("text/csv; charset=utf-8") && !types.includes("text/html"));
    let policy = Policy::default().media_types(types);
    assert_eq!(
        policy.decide(&json(), GZIP),
        Decision::Leave(Reason::MediaType)
    );
}

#[test]
fn patterns_are_checked() {
    for text in [
        "text/csv",
        "+json",
        "image/*",
        "application/vnd.acme+json",
        "X/Y",
    ] {
        assert!(text.parse::<MediaPattern>().is_ok(), "{text}");
    }
    for text in [
        "",
        "json",
        "/",
        "text/",
        "/csv",
        "text/csv; charset=utf-8",
        "*",
        "*/*",
        "*/json",
        "text/c*",
        "+",
        "+*",
        " text/csv",
        "a/b/c",
    ] {
        assert_eq!(
            text.parse::<MediaPattern>(),
            Err(InvalidMediaPattern),
            "{text}"
        );
    }
}
