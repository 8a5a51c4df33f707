//! Vary, Cache-Control and the digests, as values alone.

mod support;

use std::borrow::Cow;

use crm_compress::{
    Coding, Decision, Form, Negotiated, Policy, Reason, ResponseHead, Rewrite, TagRule,
    forbids_transform, made_false_by_encoding, vary,
};
use proptest::prelude::*;

fn merged(lines: &[&str], dictionaries: bool) -> Option<String> {
    vary(lines, dictionaries).map(|value| String::from_utf8(value.into_owned()).unwrap())
}

#[test]
fn vary_is_merged_and_never_doubled() {
    for (lines, expected) in [
        (&[][..], Some("Accept-Encoding")),
        (&[""], Some("Accept-Encoding")),
        (&[" , ,"], Some("Accept-Encoding")),
        // The next two are from the test suite of Envoy (compressor_filter_test.cc), which is Apache-2.0.
        (&["Accept-Encoding"], None),
        (&["Accept-Encoding, Cookie"], None),
        (&["accept-ENCODING"], None),
        (&["Cookie"], Some("Cookie, Accept-Encoding")),
        (
            &["Cookie", "Origin ,\tAccept"],
            Some("Cookie, Origin, Accept, Accept-Encoding"),
        ),
        (&["Cookie", "x,Accept-Encoding"], None),
        (&["Accept-Encoding", "Cookie"], None),
        (&["*"], None),
        (&["Cookie, *"], None),
        (&["Cookie", " * "], None),
        (
            &["Accept-Encodings"],
            Some("Accept-Encodings, Accept-Encoding"),
        ),
        (
            &["X-Accept-Encoding"],
            Some("X-Accept-Encoding, Accept-Encoding"),
        ),
        (
            &["Accept-Language"],
            Some("Accept-Language, Accept-Encoding"),
        ),
        // A name that begins with a star is a name.
        (&["*x"], Some("*x, Accept-Encoding")),
    ] {
        assert_eq!(merged(lines, false).as_deref(), expected, "{lines:?}");
    }
    for (lines, expected) in [
        (&[][..], Some("Accept-Encoding, Available-Dictionary")),
        (
            &["Accept-Encoding"],
            Some("Accept-Encoding, Available-Dictionary"),
        ),
        (
            &["available-dictionary"],
            Some("available-dictionary, Accept-Encoding"),
        ),
        (&["Available-Dictionary", "accept-encoding"], None),
        (
            &["Cookie"],
            Some("Cookie, Accept-Encoding, Available-Dictionary"),
        ),
        (&["*"], None),
    ] {
        assert_eq!(merged(lines, true).as_deref(), expected, "{lines:?}");
    }
    // The usual value is not built anew.
    assert!(matches!(vary([""; 0], false), Some(Cow::Borrowed(_))));
    assert!(matches!(vary([""; 0], true), Some(Cow::Borrowed(_))));
}

#[test]
fn no_transform_is_a_directive_of_its_own() {
    for line in [
        // The first two are from the test suite of Envoy (compressor_filter_test.cc), which is Apache-2.0.
        "no-transform",
        "No-Transform",
        "private, no-transform",
        " ,\tno-transform\t, max-age=3",
        "no-transform=1",
        "no-transform = \"x\"",
        "x=\"a\", no-transform",
        r#"x="\\", no-transform"#,
        r#"x="a", no-transform, y="b""#,
        "max-age=60,no-transform,private",
        // A string that is never closed is none. Not to encode is never wrong.
        "x=\"a, no-transform",
        r#"x="a\", no-transform"#,
    ] {
        assert!(forbids_transform(line.as_bytes()), "{line}");
    }
    for line in [
        "",
        "private",
        "no-transforms",
        "no-transform-x",
        "xno-transform",
        "no transform",
        "x=no-transform",
        "x=\"no-transform\"",
        "x=\"a, no-transform\"",
        "x=\"a, no-transform, b\", private",
        r#"x="a\", no-transform""#,
        r#"x="\", no-transform, ""#,
        r#"x="a\\\", no-transform""#,
        "\"no-transform\"",
        "\"no-transform",
    ] {
        assert!(!forbids_transform(line.as_bytes()), "{line}");
    }
    assert!(forbids_transform(b"\xff, no-transform, \0"));
    // Time that grew with the square of the length would not let this test end.
    for begin in ["\"\\", "\"", ",", "\",", " ", "=", "\\"] {
        let line = begin.repeat(1 << 20) + ",no-transform";
        assert!(forbids_transform(line.as_bytes()), "{begin}");
    }
}

#[test]
fn what_speaks_of_other_bytes() {
    for name in [
        "Repr-Digest",
        "content-digest",
        "DIGEST",
        "Content-MD5",
        "Accept-Ranges",
    ] {
        assert!(made_false_by_encoding(name), "{name}");
    }
    for name in [
        "",
        "Content-Type",
        "Content-Length",
        "ETag",
        "Want-Repr-Digest",
        "Last-Modified",
        "Range",
    ] {
        assert!(!made_false_by_encoding(name), "{name}");
    }
}

proptest! {
    #![proptest_config(support::properties(|cases| cases))]

    /// What was named is named afterwards, in its order; nothing is added but what was missing; and once is enough.
    #[test]
    fn vary_keeps_what_it_has(
        lines in prop::collection::vec("([ ,\t]|Cookie|accept-encoding|Available-Dictionary|[*]|x){0,6}", 0..4),
        dictionaries: bool,
    ) {
        let names = |lines: &[String]| -> Vec<String> {
            lines
                .iter()
                .flat_map(|line| line.split(','))
                .map(|name| name.trim_matches([' ', '\t']).to_ascii_lowercase())
                .filter(|name| !name.is_empty())
                .collect()
        };
        let before = names(&lines);
        let after = match vary(&lines, dictionaries) {
            None => before.clone(),
            Some(value) => names(&[String::from_utf8(value.into_owned()).unwrap()]),
        };
        prop_assert_eq!(&after[..before.len()], &before[..]);
        let covered = |name: &str| after.iter().any(|other| other == name || other == "*");
        prop_assert!(covered("accept-encoding"));
        prop_assert!(!dictionaries || covered("available-dictionary"));
        for added in &after[before.len()..] {
            prop_assert!(!before.contains(added));
            prop_assert!(["accept-encoding", "available-dictionary"].contains(&added.as_str()));
        }
        let again = vary([after.join(",")], dictionaries);
        prop_assert!(again.is_none());
    }
}

const DECIDED: &str = include_str!("cases/headers_decided.txt");

/// What the suites of others say about headers. None of it is disputed, but for one thing: Envoy removes a strong tag
/// that is well formed too, where we append the coding.
#[test]
fn the_cases_of_others() {
    let gzip = Negotiated::Coding(Coding::Gzip);
    let encoded = |head: ResponseHead<'_>| {
        let decision = Policy::default().decide(&head, gzip);
        let encoded = matches!(decision, Decision::Encode(_));
        (encoded, decision)
    };
    let yes = |answer: bool| String::from(if answer { "yes" } else { "no" });
    let quoted = |value: &str| format!("\"{value}\"");
    let mut count = 0;
    for row in DECIDED.lines().filter(|row| !row.starts_with('#')) {
        let fields: Vec<&str> = row.split(" | ").collect();
        let [_, question, value, expected] = fields[..] else {
            panic!("{row}");
        };
        let value = value[1..value.len() - 1].replace("\\t", "\t");
        let json = ResponseHead::new(200).media_type("application/json");
        let answer = match question {
            "compressible" => yes(encoded(ResponseHead::new(200).media_type(&value)).0),
            "event stream" => {
                let (_, decision) = encoded(ResponseHead::new(200).media_type(&value));
                yes(decision == Decision::Leave(Reason::EventStream))
            }
            "encoded under Cache-Control" => yes(encoded(json.cache_control(&value)).0),
            "encoded under Content-Encoding" => yes(encoded(json.content_encoding(&value)).0),
            "Vary afterwards" => quoted(&merged(&[&value], false).unwrap_or(value)),
            question => {
                let name = question.strip_prefix("ETag with ").expect(row);
                // A coding that this build has not stands for one that it has.
                let coding = name.parse().unwrap_or(Coding::Gzip);
                match TagRule::default().encoded(value.as_bytes(), Form::of(coding)) {
                    Rewrite::Remove => String::from("none"),
                    Rewrite::Keep => quoted(&value),
                    Rewrite::Replace(tag) => {
                        let tag = String::from_utf8(tag).unwrap();
                        quoted(&tag.replace(coding.name(), name))
                    }
                }
            }
        };
        assert_eq!(answer, expected, "{row}");
        count += 1;
    }
    assert_eq!(count, 28);
}
