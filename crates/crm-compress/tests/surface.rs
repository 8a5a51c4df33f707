//! What every user relies on: threads, names, and words.

mod support;

use std::error::Error;

use crm_compress::{
    AcceptEncoding, Coding, Decision, Deflate, EncodedCache, EncodedForm, EncodedStats,
    EncodedStore, Encoder, EntityTag, Form, Gzip, Identity, InvalidMediaPattern, Level,
    LevelOutOfRange, MediaPattern, MediaTypes, Negotiated, Policy, PoolStats, Reason, ResponseHead,
    Rewrite, StreamFinished, TagRule, UnknownCoding,
};
use support::codings::{CODINGS, levels, scale};

#[test]
fn the_types_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<AcceptEncoding>();
    crosses::<Negotiated>();
    crosses::<Policy>();
    crosses::<MediaTypes>();
    crosses::<MediaPattern>();
    crosses::<ResponseHead<'_>>();
    crosses::<Decision>();
    crosses::<Reason>();
    crosses::<Gzip>();
    crosses::<Deflate>();
    crosses::<Encoder<Vec<u8>>>();
    crosses::<PoolStats>();
    crosses::<EntityTag<'_>>();
    crosses::<Form>();
    crosses::<TagRule>();
    crosses::<Rewrite>();
    #[cfg(feature = "http")]
    crosses::<crm_compress::Exchange>();
    #[cfg(feature = "http")]
    crosses::<crm_compress::HeaderRules>();
    #[cfg(feature = "http")]
    crosses::<crm_compress::Outcome>();
    crosses::<EncodedCache>();
    crosses::<EncodedForm>();
    crosses::<EncodedStats>();
    crosses::<Identity<'_>>();
    crosses::<Box<dyn EncodedStore>>();
    crosses::<crm_compress::ReadEncoder<&[u8]>>();
    crosses::<crm_compress::Padding>();
    crosses::<crm_compress::Decoder>();
    crosses::<crm_compress::DecodeReader<&[u8]>>();
    crosses::<crm_compress::DecodeError>();
    crosses::<crm_compress::DecodeLimits>();
    #[cfg(feature = "dcz")]
    crosses::<crm_compress::Dictionary>();
    #[cfg(feature = "rayon")]
    crosses::<crm_compress::ParallelEncoder<Vec<u8>>>();
}

/// A server moves services, futures and bodies from thread to thread.
#[cfg(feature = "tower")]
#[test]
fn the_layers_cross_threads() {
    type Full = http_body_util::Full<bytes::Bytes>;
    fn crosses<T: Send + Sync>() {}
    crosses::<crm_compress::CompressLayer>();
    crosses::<crm_compress::Compress<()>>();
    crosses::<crm_compress::CompressFuture<(), crm_compress::Worthwhile>>();
    crosses::<crm_compress::EncodedBody<Full>>();
    crosses::<crm_compress::EncodeBody<Full>>();
    crosses::<crm_compress::DecodeLayer>();
    crosses::<crm_compress::Decode<()>>();
    crosses::<crm_compress::DecodeFuture<()>>();
    crosses::<crm_compress::DecodeBody<Full>>();
    crosses::<crm_compress::AnswerBody<Full>>();
}

#[test]
fn codings_have_their_registered_names() {
    for (coding, name) in [
        (Coding::Identity, "identity"),
        (Coding::Gzip, "gzip"),
        (Coding::Deflate, "deflate"),
    ] {
        assert_eq!(coding.name(), name);
        assert_eq!(coding.to_string(), name);
        assert_eq!(name.parse(), Ok(coding));
        assert_eq!(name.to_uppercase().parse(), Ok(coding));
    }
    assert_eq!("x-gzip".parse(), Ok(Coding::Gzip));
    for (name, coding) in [
        ("br", cfg!(feature = "brotli")),
        ("zstd", cfg!(feature = "zstd")),
        ("dcz", cfg!(feature = "dcz")),
    ] {
        for spelling in [name.to_owned(), name.to_uppercase()] {
            let parsed = spelling.parse::<Coding>();
            assert_eq!(parsed.is_ok(), coding, "{name}");
            assert!(parsed.is_ok_and(|coding| coding.name() == name) == coding);
        }
    }
    for name in [
        "",
        "bz",
        "zstb",
        "dcb",
        "x-deflate",
        " gzip",
        "gzip;q=1",
        "*",
    ] {
        assert_eq!(name.parse::<Coding>(), Err(UnknownCoding), "{name}");
    }
}

#[test]
fn levels_are_checked_against_the_scale() {
    assert_eq!(Level::default(), Level::Balanced);
    for coding in [Coding::Gzip, Coding::Deflate] {
        for level in [
            Level::Fastest,
            Level::Balanced,
            Level::Smallest,
            Level::Exact(0),
            Level::Exact(9),
        ] {
            assert_eq!(level.checked_for(coding), Ok(level));
        }
        let error: LevelOutOfRange = Level::Exact(10).checked_for(coding).unwrap_err();
        assert_eq!((error.level, error.coding), (10, coding));
        assert_eq!((error.first, error.last), (0, 9));
    }
    for &coding in CODINGS {
        let (first, last) = scale(coding);
        for level in levels(coding) {
            assert_eq!(level.checked_for(coding), Ok(level));
        }
        let error = Level::Exact(last + 1).checked_for(coding).unwrap_err();
        assert_eq!((error.first, error.last), (first, last));
        if first > 0 {
            let error = Level::Exact(0).checked_for(coding).unwrap_err();
            assert_eq!((error.first, error.last), (first, last));
        }
    }
    assert_eq!(
        Level::Exact(99).checked_for(Coding::Identity),
        Ok(Level::Exact(99))
    );
    let words: Vec<String> = [
        Level::Fastest,
        Level::Balanced,
        Level::Smallest,
        Level::Exact(7),
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    assert_eq!(words, ["fastest", "balanced", "smallest", "7"]);
}

#[test]
fn errors_name_the_remedy() {
    fn words(error: &dyn Error) -> String {
        error.to_string()
    }
    let mut known = String::from("gzip, deflate");
    for (name, there) in [
        ("br", cfg!(feature = "brotli")),
        ("zstd", cfg!(feature = "zstd")),
        ("dcz", cfg!(feature = "dcz")),
    ] {
        if there {
            known += ", ";
            known += name;
        }
    }
    assert_eq!(
        words(&UnknownCoding),
        format!("unknown content coding; use {known} or identity")
    );
    assert_eq!(
        words(&Level::Exact(10).checked_for(Coding::Deflate).unwrap_err()),
        "level 10 is not on the scale of deflate; choose one from 0 to 9"
    );
    assert_eq!(
        words(&InvalidMediaPattern),
        "invalid media pattern; write it as type/subtype, type/* or +suffix, without parameters"
    );
    assert_eq!(
        words(&StreamFinished),
        "the encoded stream has ended; begin another encoder for more"
    );
}

#[test]
fn reasons_speak_with_their_numbers() {
    for (reason, words) in [
        (Reason::NoBody { status: 304 }, "status 304 has no body"),
        (Reason::Partial, "partial content"),
        (Reason::AlreadyEncoded, "encoded already"),
        (Reason::NoTransform, "cache-control says no-transform"),
        (
            Reason::TooSmall {
                length: 77,
                minimum: 860,
            },
            "smaller than 860 bytes: 77",
        ),
        (Reason::NoMediaType, "no media type"),
        (
            Reason::MediaType,
            "media type not on the list of those that compress",
        ),
        (Reason::EventStream, "stream of server-sent events"),
        (Reason::ClientPrefersIdentity, "client prefers identity"),
        (
            Reason::NotAcceptable,
            "client accepts no coding that is offered, nor identity",
        ),
        (
            Reason::WouldNotShrink {
                coding: Coding::Gzip,
                length: 900,
            },
            "gzip would not shrink 900 bytes",
        ),
        (Reason::Other("busy"), "busy"),
    ] {
        assert_eq!(reason.to_string(), words);
        let error: Box<dyn Error> = reason.into();
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn debug_says_where_a_stream_stands() {
    let mut encoder = Gzip::default().encoder(Vec::new());
    assert!(format!("{encoder:?}").contains("Gzip"));
    encoder.try_finish().unwrap();
    assert!(format!("{encoder:?}").contains("Finished"));
}
