//! The Accept-Encoding field is read as its grammar has it, whatever it holds and however long it is.

mod support;

use crm_compress::{AcceptEncoding, Coding, Negotiated, negotiate};
use support::codings::CODINGS;

const OFFERS: [Coding; 2] = [Coding::Gzip, Coding::Deflate];

#[test]
fn an_absent_field_is_not_an_empty_one() {
    let absent = AcceptEncoding::parse(None::<&str>);
    assert_eq!(absent, AcceptEncoding::ABSENT);
    assert_eq!(absent, AcceptEncoding::default());
    assert!(absent.is_absent() && absent.accepts(Coding::Gzip));
    assert_eq!(
        negotiate(&absent, &OFFERS),
        Negotiated::Coding(Coding::Identity)
    );

    let empty = AcceptEncoding::parse([""]);
    assert_ne!(empty, absent);
    assert!(!empty.is_absent() && !empty.accepts(Coding::Gzip) && empty.accepts(Coding::Identity));
    assert_eq!(
        negotiate(&empty, &OFFERS),
        Negotiated::Coding(Coding::Identity)
    );
}

#[test]
fn lines_are_one_list_in_any_case_with_any_space() {
    let one = AcceptEncoding::parse(["gzip;q=0.5, deflate;q=0.25 , identity;q=0"]);
    for lines in [
        &["gzip;q=0.5", "deflate;q=0.25", "identity;q=0"][..],
        &[
            "\t GZip \t;\t Q=0.500 ,, ,",
            "",
            "DEFLATE;q=0.25,Identity;q=0.",
        ],
        &[
            "x-gzip;q=0.5,gzip;q=0.9",
            "deflate;q=0.25,identity;q=0,deflate",
        ],
        &["compress;q=1, X-GZIP ;q=0.5, deflate;q=0.25, identity;q=0.00"],
    ] {
        assert_eq!(AcceptEncoding::parse(lines), one, "{lines:?}");
    }
    assert_eq!(
        AcceptEncoding::parse([b"gzip;q=0.5, \xff, deflate;q=0.25, identity;q=0"]),
        one
    );
}

#[test]
#[cfg(feature = "dcz")]
fn a_star_never_means_a_dictionary() {
    for lines in [&["*"][..], &["gzip, *;q=0.5"], &["zstd"], &[""]] {
        let accept = AcceptEncoding::parse(lines);
        assert_eq!(accept.weight(Coding::Dcz), None, "{lines:?}");
        assert!(!accept.accepts(Coding::Dcz));
    }
    // A client that says nothing takes any coding by the letter of RFC 9110, but has no dictionary.
    assert!(!AcceptEncoding::ABSENT.accepts(Coding::Dcz));
    assert!(AcceptEncoding::ABSENT.accepts(Coding::Zstd));
    let accept = AcceptEncoding::parse(["*;q=0.2, DCZ;q=0.7"]);
    assert_eq!(accept.weight(Coding::Dcz), Some(700));
    assert_eq!(accept.weight(Coding::Zstd), Some(200));
}

#[test]
fn every_coding_of_the_build_is_read() {
    for &coding in CODINGS {
        let name = coding.name();
        for line in [
            format!("{name};q=0.3, *;q=0.1"),
            format!("*, {};q=0.3", name.to_uppercase()),
        ] {
            let accept = AcceptEncoding::parse([line]);
            assert_eq!(accept.weight(coding), Some(300), "{name}");
            assert!(
                CODINGS
                    .iter()
                    .all(|&other| other == coding || accept.weight(other) != Some(300))
            );
        }
        assert_eq!(AcceptEncoding::parse(["*;q=0.4"]).weight(coding), Some(400));
    }
}

#[test]
fn weights_are_thousandths_and_malformed_elements_are_dropped() {
    for (weight, thousandths) in [
        ("0", 0),
        ("0.", 0),
        ("0.000", 0),
        ("0.001", 1),
        ("0.01", 10),
        ("0.1", 100),
        ("0.12", 120),
        ("0.999", 999),
        ("1", 1000),
        ("1.", 1000),
        ("1.000", 1000),
    ] {
        let accept = AcceptEncoding::parse([format!("gzip;q={weight}")]);
        assert_eq!(accept.weight(Coding::Gzip), Some(thousandths), "{weight}");
    }
    for element in [
        "gzip;",
        "gzip;q",
        "gzip;q=",
        "gzip;q=2",
        "gzip;q=1.1",
        "gzip;q=1.001",
        "gzip;q=.5",
        "gzip;q=-0.1",
        "gzip;q=00.5",
        "gzip;q=0.5000",
        "gzip;q =0.5",
        "gzip;q= 0.5",
        "gzip;q=\"0.5\"",
        "gzip;q=0.a",
        "gzip;q=0x1",
        "gzip;q=0:5",
        "gzip;level=9",
        "gzip;q=1;x=y",
        "gzip;q=1;",
        "gzip q=1",
        "\"gzip\"",
        "gzip\u{a0}",
        "gzi",
        "xgzip",
        "x-gzi",
        "gzip\0",
    ] {
        let accept = AcceptEncoding::parse([element, "deflate;q=0.3"]);
        assert_eq!(accept.weight(Coding::Gzip), None, "{element}");
        assert_eq!(accept.weight(Coding::Deflate), Some(300), "{element}");
    }
    // A malformed element does not count as the first of its name.
    let accept = AcceptEncoding::parse(["gzip;q=7, gzip;q=0.7"]);
    assert_eq!(accept.weight(Coding::Gzip), Some(700));
}

/// Time that grew with the square of the length would not let this test end.
#[test]
fn megabytes_are_read_in_one_pass() {
    const MANY: usize = 1 << 20;
    let lines = [
        " ".repeat(4 * MANY),
        ",".repeat(4 * MANY),
        ";".repeat(4 * MANY),
        "gzip;q=0.".repeat(MANY / 2),
        "br;q=1,".repeat(MANY / 2),
        format!("gzip;q=0.{}", "1".repeat(4 * MANY)),
        format!("{0}gzip{0};{0}q=0.5{0}", "\t ".repeat(MANY / 2)),
        "gzip;q=0.7,".repeat(MANY / 4),
    ];
    let accept = AcceptEncoding::parse(&lines);
    assert_eq!(accept.weight(Coding::Gzip), Some(500));
    assert_eq!(accept.weight(Coding::Deflate), None);

    let mut lines = vec!["identity;q=2, br"; 100_000];
    lines.push("deflate;q=0.9");
    let accept = AcceptEncoding::parse(&lines);
    assert_eq!(
        negotiate(&accept, &OFFERS),
        Negotiated::Coding(Coding::Deflate)
    );
    assert_eq!(accept.weight(Coding::Identity), None);
}
