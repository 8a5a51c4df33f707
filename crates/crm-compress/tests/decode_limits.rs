//! Every limit holds for every coding, at its exact value, however the body is cut.

mod support;

use crm_compress::{ContentEncoding, DecodeError, DecodeLimits, Decoder, decode};
use support::bodies;
use support::decoding::{Outcome, drive, word};
use support::streams::{
    codings, empty_member, encode, encode_chain, named_member, repeats, skippable,
};

const NONE: u64 = u64::MAX;

/// No limit but those that a test sets.
fn unlimited() -> DecodeLimits {
    DecodeLimits::default()
        .decoded_bytes(NONE)
        .encoded_bytes(NONE)
        .ratio(NONE)
        .members(NONE)
        .header_bytes(NONE)
        .codings(usize::MAX)
        .window_bytes(NONE)
}

/// What becomes of a body, asserted to be the same whole and in pieces.
fn ask(codings: &str, limits: &DecodeLimits, body: &[u8]) -> Outcome {
    let whole = drive(codings, limits, [body], 1 << 16);
    for (piece, room) in [(1, 1 << 16), (1024, 1000), (1000, 4096), (700, 1)] {
        if whole.body.len() / room + body.len() / piece < 100_000 {
            let cut = drive(codings, limits, body.chunks(piece), room);
            assert_eq!(cut.word, whole.word, "{codings} {piece} {room}");
            assert_eq!(cut.error, whole.error);
            assert_eq!(cut.body.len(), whole.body.len());
            assert!(cut.body == whole.body);
        }
    }
    match decode([codings], body, limits) {
        Ok(body) => assert!(whole.word == "ok" && body == whole.body),
        Err(error) => assert_eq!(word(&error), whole.word),
    }
    whole
}

fn chains() -> Vec<String> {
    let mut chains: Vec<String> = codings().into_iter().map(String::from).collect();
    for first in codings() {
        for second in codings() {
            chains.push(format!("{first}, {second}"));
        }
    }
    chains.push(String::from("gzip, deflate, gzip"));
    chains
}

#[test]
fn decoded_bytes() {
    let body = bodies::json(40_000, 1);
    let length = body.len() as u64;
    let identity = [String::from("identity")];
    for chain in chains().iter().chain(&identity) {
        let encoded = match &**chain {
            "identity" => body.clone(),
            chain => encode_chain(chain, &body),
        };
        let exact = ask(chain, &unlimited().decoded_bytes(length), &encoded);
        assert!(exact.word == "ok" && exact.body == body, "{chain}");
        for limit in [0, 1, 1000, length - 1] {
            let over = ask(chain, &unlimited().decoded_bytes(limit), &encoded);
            assert_eq!(over.word, "decoded", "{chain} {limit}");
            // All that is allowed was handed out, and nothing more.
            assert!(over.body == body[..limit as usize], "{chain} {limit}");
        }
    }
}

#[test]
fn nothing_is_within_a_limit_of_nothing() {
    let limits = unlimited().decoded_bytes(0);
    for chain in chains() {
        let encoded = encode_chain(&chain, b"");
        assert_eq!(ask(&chain, &limits, &encoded).word, "ok", "{chain}");
        let encoded = encode_chain(&chain, b"x");
        assert_eq!(ask(&chain, &limits, &encoded).word, "decoded", "{chain}");
    }
    assert_eq!(
        ask("", &limits.encoded_bytes(0).ratio_grace(0), b"").word,
        "ok"
    );
}

#[test]
fn encoded_bytes() {
    let body = bodies::json(40_000, 2);
    for coding in codings() {
        let encoded = encode(coding, &body);
        let length = encoded.len() as u64;
        let exact = ask(coding, &unlimited().encoded_bytes(length), &encoded);
        assert!(exact.word == "ok" && exact.body == body, "{coding}");
        for limit in [0, 1, 1000, length - 1] {
            let over = ask(coding, &unlimited().encoded_bytes(limit), &encoded);
            assert_eq!(over.word, "encoded", "{coding} {limit}");
        }
    }
    let over = ask("", &unlimited().encoded_bytes(9), b"0123456789");
    assert_eq!((over.word, &*over.body), ("encoded", &b"012345678"[..]));
}

#[test]
fn encoded_bytes_between_two_codings() {
    let body = bodies::noise(5000, 3);
    for coding in codings() {
        let inner = encode("gzip", &body);
        let outer = encode(coding, &inner);
        let chain = format!("gzip, {coding}");
        let larger = inner.len().max(outer.len()) as u64;
        let exact = ask(&chain, &unlimited().encoded_bytes(larger), &outer);
        assert_eq!(exact.word, "ok", "{chain}");
        let over = ask(&chain, &unlimited().encoded_bytes(larger - 1), &outer);
        assert_eq!(over.word, "encoded", "{chain}");
    }
    // The layer between is a thousand times what arrives and what leaves.
    let inner = empty_member().repeat(50_000);
    let outer = encode("gzip", &inner);
    assert!(outer.len() < inner.len() / 100);
    let limits = unlimited().encoded_bytes(inner.len() as u64);
    assert_eq!(ask("gzip, gzip", &limits, &outer).word, "ok");
    let limits = unlimited().encoded_bytes(inner.len() as u64 - 1);
    assert_eq!(ask("gzip, gzip", &limits, &outer).word, "encoded");
}

#[test]
fn ratio() {
    let body = vec![0; 300_000];
    for coding in codings() {
        let encoded = encode(coding, &body);
        // Counted in steps of a kibibyte.
        let arrived = (encoded.len() as u64).next_multiple_of(1024);
        let fits = (body.len() as u64).div_ceil(arrived);
        let limits = unlimited().ratio_grace(0);
        assert_eq!(
            ask(coding, &limits.ratio(fits), &encoded).word,
            "ok",
            "{coding}"
        );
        let over = ask(coding, &limits.ratio(fits - 1), &encoded);
        assert_eq!(over.word, "ratio", "{coding}");
        // Below the grace, any ratio will do.
        let grace = limits.ratio(0).ratio_grace(300_000);
        assert_eq!(ask(coding, &grace, &encoded).word, "ok", "{coding}");
        let over = ask(coding, &grace.ratio_grace(299_999), &encoded);
        assert_eq!((over.word, over.body.len()), ("ratio", 299_999), "{coding}");
        assert_eq!(
            ask(coding, &limits.ratio(0), &encoded).word,
            "ratio",
            "{coding}"
        );
        assert_eq!(
            ask(coding, &limits.ratio(NONE), &encoded).word,
            "ok",
            "{coding}"
        );
        assert_eq!(ask(coding, &limits.ratio_grace(NONE), &encoded).word, "ok");
    }
}

#[test]
fn ratio_counts_what_arrived_so_far() {
    let body = [
        bodies::noise(5000, 4),
        vec![0; 200_000],
        bodies::noise(5000, 5),
    ]
    .concat();
    for coding in codings() {
        let encoded = encode(coding, &body);
        assert!(encoded.len() > 10_000);
        let limits = unlimited().ratio_grace(0);
        // The zeros come after half of the noise, and it counts no more than it did then.
        let over = ask(coding, &limits.ratio(25), &encoded);
        assert_eq!(over.word, "ratio", "{coding}");
        assert!(over.body.len() > 100_000, "{coding} {}", over.body.len());
        let fits = ask(coding, &limits.ratio(50), &encoded);
        assert!(fits.word == "ok" && fits.body == body, "{coding}");
    }
}

#[test]
fn ratio_of_a_layer_that_leads_to_nothing() {
    let inner = empty_member().repeat(50_000);
    let outer = encode("gzip", &inner);
    let limits = unlimited().ratio(100).ratio_grace(100_000);
    assert_eq!(ask("gzip, gzip", &limits, &outer).word, "ratio");
}

#[test]
fn members() {
    for (coding, part) in [("gzip", empty_member()), ("zstd", skippable(0))] {
        if !codings().contains(&coding) {
            continue;
        }
        let five = part.repeat(5);
        assert_eq!(ask(coding, &unlimited().members(5), &five).word, "ok");
        assert_eq!(ask(coding, &unlimited().members(4), &five).word, "members");
        assert_eq!(ask(coding, &unlimited().members(0), &part).word, "members");
        let by_default = DecodeLimits::default();
        assert_eq!(ask(coding, &by_default, &part.repeat(1024)).word, "ok");
        assert_eq!(ask(coding, &by_default, &part.repeat(1025)).word, "members");
        // The last byte before the limit is not yet over it.
        let open = [&*five, &part[..1]].concat();
        assert_eq!(
            ask(coding, &unlimited().members(6), &open).word,
            "truncated"
        );
        assert_eq!(ask(coding, &unlimited().members(5), &open).word, "members");
    }
    if codings().contains(&"zstd") {
        let two = [repeats(1), skippable(3)].concat();
        assert_eq!(ask("zstd", &unlimited().members(2), &two).word, "ok");
        assert_eq!(ask("zstd", &unlimited().members(1), &two).word, "members");
    }
}

#[test]
fn header_bytes() {
    for (name, length) in [(0, 11), (100, 111), (300_000, 300_011)] {
        let body = named_member(name, b"body");
        let exact = ask("gzip", &unlimited().header_bytes(length), &body);
        assert_eq!((exact.word, &*exact.body), ("ok", &b"body"[..]));
        let limits = unlimited().header_bytes(length - 1);
        assert_eq!(ask("gzip", &limits, &body).word, "header size", "{name}");
    }
    let plain = empty_member();
    assert_eq!(
        ask("gzip", &unlimited().header_bytes(10), &plain).word,
        "ok"
    );
    for limit in [0, 1, 9] {
        let limits = unlimited().header_bytes(limit);
        assert_eq!(ask("gzip", &limits, &plain).word, "header size");
    }
    // It is the limit of one header, and the next member begins at nothing.
    let many = named_member(100, b"body").repeat(50);
    assert_eq!(
        ask("gzip", &unlimited().header_bytes(111), &many).word,
        "ok"
    );
    let by_default = DecodeLimits::default();
    assert_eq!(
        ask("gzip", &by_default, &named_member(262_133, b"")).word,
        "ok"
    );
    let endless = named_member(262_134, b"");
    assert_eq!(ask("gzip", &by_default, &endless).word, "header size");
}

#[test]
fn codings_in_a_chain() {
    let body = b"a body under many codings";
    for count in 1..=5 {
        let chain = vec!["gzip"; count].join(", ");
        let encoded = encode_chain(&chain, body);
        let limits = unlimited().codings(count);
        assert_eq!(ask(&chain, &limits, &encoded).body, body);
        let over = ask(&chain, &unlimited().codings(count - 1), &encoded);
        assert_eq!(over.word, "chain");
        assert_eq!(
            over.error.unwrap(),
            format!("body has more than {} codings; apply fewer", count - 1)
        );
    }
    // Five is the most, whatever the limits say.
    let six = ["gzip"; 6];
    let error = ContentEncoding::parse(six).unwrap_err();
    assert!(matches!(error, DecodeError::ChainTooLong { limit: 5 }));
    assert_eq!(unlimited(), unlimited().codings(5));
    // Two by default, identity not counted, in any case and over several lines.
    let limits = DecodeLimits::default();
    let twice = encode_chain("deflate, gzip", body);
    let lines = ["identity, Deflate,,", " ", "X-GZIP\t, IDENTITY"];
    assert_eq!(decode(lines, &twice, &limits).unwrap(), body);
    let chain = ContentEncoding::parse(["gzip, gzip, gzip"]).unwrap();
    let error = Decoder::new(&chain, &limits).unwrap_err();
    assert!(matches!(error, DecodeError::ChainTooLong { limit: 2 }));
    // None takes what is not encoded.
    let none = limits.codings(0);
    assert_eq!(decode(["identity"], body, &none).unwrap(), body);
    let error = decode(["gzip"], &twice, &none).unwrap_err();
    assert_eq!((error.status(), word(&error)), (415, "chain"));
}

#[test]
fn chains_of_a_hundred_thousand_are_not_built() {
    let line = "gzip, ".repeat(100_000);
    let error = decode([line], b"", &unlimited()).unwrap_err();
    assert_eq!(word(&error), "chain");
}

#[cfg(feature = "zstd")]
#[test]
fn window_bytes() {
    let limits = DecodeLimits::default();
    // Exponent and eighths: 8 MiB is 13 of them above 1 KiB.
    let frame = |window: u8| {
        let mut frame = repeats(1);
        frame[5] = window;
        frame
    };
    assert_eq!(ask("zstd", &limits, &frame(13 << 3)).word, "ok");
    assert_eq!(ask("zstd", &limits, &frame(13 << 3 | 1)).word, "window");
    let wide = limits.window_bytes(9 << 20);
    assert_eq!(ask("zstd", &wide, &frame(13 << 3 | 1)).word, "ok");
    assert_eq!(ask("zstd", &wide, &frame(13 << 3 | 2)).word, "window");
    assert_eq!(
        ask(
            "zstd",
            &wide.window_bytes((9 << 20) - 1),
            &frame(13 << 3 | 1)
        )
        .word,
        "window"
    );
    // The largest window that can be written is beyond every decoder.
    assert_eq!(ask("zstd", &unlimited(), &frame(255)).word, "window");
    // A frame of one segment has the window of its content, and one without content none.
    let single = |length: u8, body: &[u8]| {
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, length];
        frame.extend([length << 3 | 1, 0, 0]);
        frame.extend(body);
        frame
    };
    for (limit, word) in [(0, "window"), (3, "window"), (4, "ok")] {
        let answer = ask("zstd", &limits.window_bytes(limit), &single(4, b"body"));
        assert_eq!(answer.word, word);
    }
    assert_eq!(
        ask("zstd", &limits.window_bytes(0), &single(0, b"")).word,
        "ok"
    );
}

#[test]
fn bombs_of_one_layer() {
    let limits = DecodeLimits::default();
    let zeros = vec![0; 11 << 20];
    let mut bombs: Vec<(&str, Vec<u8>)> = codings()
        .into_iter()
        .map(|coding| (coding, encode(coding, &zeros)))
        .collect();
    // 32 768 : 1.
    bombs.retain(|bomb| bomb.0 != "zstd");
    if codings().contains(&"zstd") {
        bombs.push(("zstd", repeats(90)));
    }
    for (coding, bomb) in bombs {
        let answer = ask(coding, &limits, &bomb);
        assert_eq!(answer.word, "ratio", "{coding}");
        // Right after the grace, or when a kibibyte more than allowed for it has not come.
        let most = (limits_ratio(bomb.len())).max(1 << 20);
        assert!(answer.body.len() <= most, "{coding} {}", answer.body.len());
        let answer = ask(coding, &limits.ratio(NONE), &bomb);
        assert_eq!(
            (answer.word, answer.body.len()),
            ("decoded", 10 << 20),
            "{coding}"
        );
    }
}

fn limits_ratio(encoded: usize) -> usize {
    200 * encoded.next_multiple_of(1024)
}

#[test]
fn bombs_of_several_layers() {
    let zeros = vec![0; 11 << 20];
    for chain in ["gzip, gzip", "gzip, gzip, gzip", "deflate, gzip"] {
        let bomb = encode_chain(chain, &zeros);
        assert!(bomb.len() < 1000, "{}", bomb.len());
        let limits = DecodeLimits::default().codings(3);
        let answer = ask(chain, &limits, &bomb);
        assert_eq!(
            (answer.word, answer.body.len()),
            ("ratio", 1 << 20),
            "{chain}"
        );
        let answer = ask(chain, &limits.ratio(NONE), &bomb);
        assert_eq!(
            (answer.word, answer.body.len()),
            ("decoded", 10 << 20),
            "{chain}"
        );
    }
}

#[cfg(feature = "brotli")]
#[test]
fn the_smallest_bomb() {
    // Ten mebibytes in 27 bytes, of the collection of vectors.
    let bomb = support::decoding::bytes("cbffff3ff82700e2b14020f7fe2fffff3ff04f00c4611180eefd07");
    let limits = DecodeLimits::default();
    let answer = ask("br", &limits, &bomb);
    assert_eq!((answer.word, answer.body.len()), ("ratio", 1 << 20));
    let answer = ask("br", &limits.ratio(NONE), &bomb);
    assert_eq!((answer.word, answer.body.len()), ("ok", 10 << 20));
    let answer = ask(
        "br",
        &limits.ratio(NONE).decoded_bytes((10 << 20) - 1),
        &bomb,
    );
    assert_eq!(
        (answer.word, answer.body.len()),
        ("decoded", (10 << 20) - 1)
    );
}

#[test]
fn floods_that_decode_to_nothing() {
    let limits = DecodeLimits::default();
    let members = empty_member().repeat(500_000);
    assert_eq!(drive("gzip", &limits, [&*members], 4096).word, "members");
    let without = limits.members(NONE);
    assert_eq!(drive("gzip", &without, [&*members], 4096).word, "ok");
    let more = empty_member().repeat(600_000);
    assert_eq!(drive("gzip", &without, [&*more], 4096).word, "encoded");
    // Stored blocks without content, in one member: only what arrives bounds them.
    let blocks = [0, 0, 0, 0xff, 0xff].repeat(3 << 20);
    let flood = support::decoding::in_gzip(&blocks, b"");
    assert_eq!(drive("gzip", &limits, [&*flood], 4096).word, "encoded");
    if codings().contains(&"zstd") {
        let frames = skippable(100).repeat(100_000);
        assert_eq!(drive("zstd", &limits, [&*frames], 4096).word, "members");
        let frame = skippable(12 << 20);
        assert_eq!(drive("zstd", &limits, [&*frame], 4096).word, "encoded");
    }
}

#[test]
fn statuses_and_words() {
    let limits = DecodeLimits::default();
    let error = decode(["gzip, compress"], b"", &limits).unwrap_err();
    assert_eq!(error.status(), 415);
    let accepted = error.accept_encoding().unwrap();
    assert_eq!(accepted, codings().join(", "));
    assert_eq!(
        error.to_string(),
        format!("content coding is not supported; use one of {accepted}")
    );
    for malformed in [
        "gzip;q=1",
        "*",
        "gzip deflate",
        "gz",
        "\"gzip\"",
        "gzip\0",
        "identity;",
    ] {
        let error = decode([malformed], b"", &limits).unwrap_err();
        assert_eq!(
            (error.status(), word(&error)),
            (415, "unsupported"),
            "{malformed}"
        );
    }
    let error = decode(["gzip, gzip, gzip"], b"", &limits).unwrap_err();
    assert_eq!(error.status(), 415);
    assert_eq!(error.accept_encoding(), Some(accepted));

    let error = decode(["gzip"], &encode("gzip", b"12"), &limits.decoded_bytes(1)).unwrap_err();
    assert_eq!((error.status(), error.accept_encoding()), (413, None));
    assert_eq!(
        error.to_string(),
        "body decodes to more than 1 bytes; send less, or raise the limit"
    );
    let error = decode(["deflate"], b"x\x9c", &limits).unwrap_err();
    assert_eq!((error.status(), error.accept_encoding()), (400, None));
    assert_eq!(error.to_string(), "deflate body is cut off; send it whole");
}
