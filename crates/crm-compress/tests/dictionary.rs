//! dcz: the form of RFC 9842, what a dictionary is worth, and what is no dictionary.
#![cfg(feature = "dcz")]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::process::Command;

use crm_compress::{
    Coding, Dictionary, DictionaryError, Encoder, Gzip, Level, Reason, Zstd, available_dictionary,
    encode, encode_if_smaller, encode_into,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use support::{bodies, decoders};

const MAGIC: [u8; 8] = [0x5e, 0x2a, 0x4d, 0x18, 0x20, 0, 0, 0];

/// An order of a CRM, some 450 bytes.
fn order(id: u64) -> String {
    const CUSTOMERS: [(&str, &str, &str, &str, &str); 12] = [
        (
            "VINET",
            "Vins et alcools Chevalier",
            "59 rue de l'Abbaye",
            "Reims",
            "France",
        ),
        (
            "TOMSP",
            "Toms Spezialitaeten",
            "Luisenstr. 48",
            "Muenster",
            "Germany",
        ),
        (
            "HANAR",
            "Hanari Carnes",
            "Rua do Paco, 67",
            "Rio de Janeiro",
            "Brazil",
        ),
        (
            "SUPRD",
            "Supremes delices",
            "Boulevard Tirou, 255",
            "Charleroi",
            "Belgium",
        ),
        (
            "CHOPS",
            "Chop-suey Chinese",
            "Hauptstr. 31",
            "Bern",
            "Switzerland",
        ),
        (
            "RICSU",
            "Richter Supermarkt",
            "Starenweg 5",
            "Geneve",
            "Switzerland",
        ),
        (
            "WELLI",
            "Wellington Importadora",
            "Rua do Mercado, 12",
            "Resende",
            "Brazil",
        ),
        (
            "HILAA",
            "Hilarion-Abastos",
            "Carrera 22 con Ave. Carlos",
            "San Cristobal",
            "Venezuela",
        ),
        ("ERNSH", "Ernst Handel", "Kirchgasse 6", "Graz", "Austria"),
        (
            "CENTC",
            "Centro comercial",
            "Sierras de Granada 9993",
            "Mexico D.F.",
            "Mexico",
        ),
        (
            "OTTIK",
            "Ottilies Kaeseladen",
            "Mehrheimerstr. 369",
            "Koeln",
            "Germany",
        ),
        (
            "FOLKO",
            "Folk och fae HB",
            "Akergatan 24",
            "Braecke",
            "Sweden",
        ),
    ];
    let mut noise = bodies::Noise::new(id * 7_919 + 1);
    let (key, name, street, city, country) = CUSTOMERS[(noise.next() % 12) as usize];
    let mut number = |below: u64| (noise.next() >> 20) % below;
    format!(
        "{{\"attributes\": {{\"type\": \"Order\", \"url\": \"/services/data/v60.0/sobjects/Order/{id:018}\"}}, \
         \"OrderID\": {}, \"CustomerID\": \"{key}\", \"EmployeeID\": {}, \"OrderDate\": \"199{}-0{}-1{} 00:00:00.000\", \
         \"RequiredDate\": \"199{}-0{}-2{} 00:00:00.000\", \"ShipVia\": {}, \"Freight\": {}.{:02}, \"ShipName\": \"{name}\", \
         \"ShipAddress\": \"{street}\", \"ShipCity\": \"{city}\", \"ShipRegion\": null, \"ShipPostalCode\": \"{:05}\", \
         \"ShipCountry\": \"{country}\"}}",
        10_248 + id,
        number(9) + 1,
        number(3) + 6,
        number(9) + 1,
        number(10),
        number(3) + 6,
        number(9) + 1,
        number(10),
        number(3) + 1,
        number(300),
        number(100),
        number(100_000),
    )
}

/// Half of the orders to learn from, and the other half.
fn orders() -> (Vec<String>, Vec<String>) {
    let all = |odd| (0..800).filter(|id| id % 2 == odd).map(order).collect();
    (all(0), all(1))
}

fn trained() -> Dictionary {
    Dictionary::train(orders().0, 32 * 1024).unwrap()
}

/// The body of a dcz stream by libzstd's streaming decoder, with nothing but the dictionary's bytes.
fn decode(dictionary: &[u8], encoded: &[u8]) -> Result<Vec<u8>, String> {
    let (head, frame) = encoded.split_at_checked(40).ok_or("no head")?;
    if head[..8] != MAGIC || head[8..] != *Sha256::digest(dictionary) {
        return Err(String::from("another head"));
    }
    let mut context = zstd_safe::DCtx::create();
    context.load_dictionary(dictionary).unwrap();
    decoders::zstd_with(&mut context, frame)
}

fn levels() -> impl Iterator<Item = Level> {
    let named = [Level::Fastest, Level::Balanced, Level::Smallest];
    named.into_iter().chain((1..=19).map(Level::Exact))
}

#[test]
fn every_body_decodes_at_every_level() {
    let dictionary = trained();
    let mut all = bodies::all();
    all.push(("an order", order(1_000).into_bytes()));
    for (name, body) in all {
        for level in levels() {
            let whole = dictionary.encode(level, &body);
            let decoded = decode(dictionary.as_bytes(), &whole);
            assert!(decoded.as_ref() == Ok(&body), "{name}, {level}");
            let mut into = b"before".to_vec();
            dictionary.encode_into(level, &body, &mut into);
            assert!(
                into.strip_prefix(b"before") == Some(&*whole),
                "{name}, {level}"
            );
            let smaller = dictionary.encode_if_smaller(level, &body);
            if whole.len() < body.len() {
                assert!(smaller.as_ref() == Ok(&whole), "{name}, {level}");
            } else {
                let (coding, length) = (Coding::Dcz, body.len() as u64);
                assert_eq!(smaller, Err(Reason::WouldNotShrink { coding, length }));
            }
        }
    }
}

#[test]
fn streams_decode_and_flush() {
    let dictionary = trained();
    for level in levels() {
        let body = [
            order(1_001).into_bytes(),
            bodies::json(60_000, 1),
            bodies::noise(60_000, 2),
        ]
        .concat();
        for chunk in [200, 7_000, 200_000] {
            let mut encoder = dictionary.encoder(level, Vec::new());
            assert_eq!(encoder.coding(), Coding::Dcz);
            let mut written = 0;
            for (index, chunk) in body.chunks(chunk).enumerate() {
                encoder.write_all(chunk).unwrap();
                written += chunk.len();
                if index % 97 == 0 {
                    encoder.flush().unwrap();
                    let mut context = zstd_safe::DCtx::create();
                    context.load_dictionary(dictionary.as_bytes()).unwrap();
                    let so_far =
                        decoders::zstd_so_far_with(&mut context, &encoder.get_ref()[40..]).0;
                    assert!(so_far == body[..written], "{level}");
                }
            }
            let encoded = encoder.finish().unwrap();
            assert!(
                decode(dictionary.as_bytes(), &encoded).as_ref() == Ok(&body),
                "{level}"
            );
        }
        let mut encoded = Vec::new();
        dictionary
            .read_encoder(level, &*body)
            .read_to_end(&mut encoded)
            .unwrap();
        assert!(
            decode(dictionary.as_bytes(), &encoded).as_ref() == Ok(&body),
            "{level}"
        );
    }
}

/// A stream with a dictionary uses contexts that others use without one, and leaves nothing of it in them.
#[test]
fn a_context_forgets_the_dictionary() {
    let dictionary = trained();
    let body = order(1_002);
    let plain = Zstd::default().encode(body.as_bytes());
    let with = dictionary.encode(Level::Balanced, body.as_bytes());
    assert_eq!(
        decoders::decode(Coding::Zstd, &plain).unwrap(),
        body.as_bytes()
    );
    for abandoned in [false, true] {
        let mut encoder = dictionary.encoder(Level::Balanced, Vec::new());
        encoder.write_all(body.as_bytes()).unwrap();
        if !abandoned {
            encoder.try_finish().unwrap();
        }
        drop(encoder);
        assert_eq!(Zstd::default().encode(body.as_bytes()), plain);
        let mut encoder = Zstd::default().encoder(Vec::new());
        encoder.write_all(body.as_bytes()).unwrap();
        let streamed = encoder.finish().unwrap();
        assert_eq!(
            decoders::decode(Coding::Zstd, &streamed).unwrap(),
            body.as_bytes()
        );
        assert_eq!(dictionary.encode(Level::Balanced, body.as_bytes()), with);
        let another = Dictionary::new(body.clone()).unwrap();
        let encoded = another.encode(Level::Balanced, body.as_bytes());
        assert_eq!(decode(body.as_bytes(), &encoded).unwrap(), body.as_bytes());
        assert!(
            encoded.len() < 60,
            "the body is the dictionary: {}",
            encoded.len()
        );
    }
}

#[test]
fn a_single_record_shrinks_to_a_quarter() {
    let (known, others) = orders();
    let dictionary = Dictionary::train(known, 32 * 1024).unwrap();
    let sum = |length: &dyn Fn(&[u8]) -> usize| -> usize {
        others.iter().map(|order| length(order.as_bytes())).sum()
    };
    let plain = sum(&|order| order.len());
    let gzip = sum(&|order| Gzip::default().encode(order).len());
    let dcz = sum(&|order| dictionary.encode(Level::Balanced, order).len());
    assert!((420..480).contains(&(plain / others.len())));
    assert!(plain < gzip * 2, "gzip: {plain} to {gzip}");
    assert!(plain >= dcz * 4, "the head included: {plain} to {dcz}");
}

#[test]
fn the_head_is_that_of_the_rfc() {
    let dictionary = Dictionary::new(&b"what both ends hold"[..]).unwrap();
    let hash: [u8; 32] = Sha256::digest(b"what both ends hold").into();
    assert_eq!(dictionary.hash(), hash);
    assert_eq!(dictionary.as_bytes(), b"what both ends hold");
    let encoded = dictionary.encode(Level::Balanced, b"what both ends hold, and more");
    assert_eq!(encoded[..8], MAGIC);
    assert_eq!(encoded[8..40], hash);
    assert_eq!(encoded[40..44], [0x28, 0xb5, 0x2f, 0xfd]);
    // No identifier of a dictionary, which plain bytes do not have, and no checksum.
    assert_eq!(encoded[44] & 0b111, 0);
    assert_eq!(dictionary.clone(), dictionary);
    assert_ne!(dictionary, Dictionary::new(&b"something else"[..]).unwrap());
    assert!(format!("{dictionary:?}").contains(&dictionary.hash_base64()));
}

/// To the zstd command the head is a frame to be skipped.
#[test]
fn the_zstd_command_decodes_it() {
    let dictionary = trained();
    let folder = env!("CARGO_TARGET_TMPDIR");
    let paths = [
        format!("{folder}/dictionary"),
        format!("{folder}/orders.dcz"),
    ];
    let mut expected = Vec::new();
    let mut streams = Vec::new();
    for (index, level) in levels().enumerate() {
        for body in [
            order(2_000 + index as u64).into_bytes(),
            bodies::json(40_000, 3),
        ] {
            dictionary.encode_into(level, &body, &mut streams);
            expected.extend(body);
        }
    }
    fs::write(&paths[0], dictionary.as_bytes()).unwrap();
    fs::write(&paths[1], streams).unwrap();
    let output = Command::new("zstd")
        .args(["-dc", "--memory=8MB", "-D", &paths[0], &paths[1]])
        .output();
    match output {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(output.stdout == expected);
        }
        Err(_) => decoders::skipped("zstd"),
    }
}

#[test]
fn what_is_no_dictionary_is_refused() {
    assert_eq!(
        Dictionary::new(&b"7 bytes"[..]),
        Err(DictionaryError::TooShort { length: 7 })
    );
    assert!(Dictionary::new(vec![b'x'; 8]).is_ok());
    assert!(Dictionary::new(vec![b'x'; 8 << 20]).is_ok());
    let length = (8 << 20) + 1;
    assert_eq!(
        Dictionary::new(vec![b'x'; length]),
        Err(DictionaryError::TooLong { length })
    );
    // What `zstd --train` writes, and what a client would take for something else.
    let formatted = [&[0x37, 0xa4, 0x30, 0xec][..], &[7; 500]].concat();
    assert_eq!(Dictionary::new(formatted), Err(DictionaryError::Formatted));

    let (known, _) = orders();
    let refused = |samples: &[String], most| Dictionary::train(samples, most).unwrap_err();
    assert_eq!(refused(&[], 4_096), DictionaryError::Untrainable);
    assert_eq!(refused(&known[..1], 4_096), DictionaryError::Untrainable);
    assert_eq!(
        refused(&vec![String::new(); 500], 4_096),
        DictionaryError::Untrainable
    );
    assert_eq!(
        refused(&known, 255),
        DictionaryError::TooShort { length: 255 }
    );
    assert_eq!(refused(&known, length), DictionaryError::TooLong { length });
    for most in [256, 1_000, 50_000] {
        let trained = Dictionary::train(&known, most).unwrap();
        assert!(trained.as_bytes().len() <= most);
    }
    // An empty sample among others does no harm.
    let with_empty = known.iter().cloned().chain([String::new()]);
    assert_eq!(
        Dictionary::train(with_empty, 4_096),
        Dictionary::train(&known, 4_096)
    );

    for (error, words) in [
        (
            DictionaryError::TooShort { length: 3 },
            "a dictionary of 3 bytes is too short; give it 8 bytes, and 256 for training",
        ),
        (
            DictionaryError::TooLong { length: 9_000_000 },
            "a dictionary of 9000000 bytes is too long; 8388608 bytes are the most that every client can reach",
        ),
        (
            DictionaryError::Formatted,
            "the dictionary is in zstd's own format; cut its first four bytes off, so that both ends take it as plain bytes",
        ),
        (
            DictionaryError::Untrainable,
            "nothing to learn from these samples; give more of them, or ask for a smaller dictionary",
        ),
    ] {
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn the_available_dictionary_is_a_byte_sequence() {
    let dictionary = trained();
    let text = dictionary.hash_base64();
    let bare = text.trim_end_matches('=');
    assert_eq!((text.len(), bare.len()), (44, 43));
    for field in [
        format!(":{text}:"),
        format!("  :{text}: "),
        format!(":{bare}:"),
        format!(":{text}:;a=1"),
    ] {
        assert_eq!(
            available_dictionary(field.as_bytes()),
            Some(dictionary.hash()),
            "{field}"
        );
        assert!(dictionary.matches(field.as_bytes()), "{field}");
    }
    for field in [
        String::new(),
        String::from(":"),
        String::from("::"),
        text.clone(),
        format!(":{text}"),
        format!("{text}:"),
        format!(":{text}:, :{text}:"),
        format!(":{text}:x"),
        format!(": {text}:"),
        format!(":{text}=:"),
        format!(":{}:", &text[1..]),
        format!(":A{text}:"),
        format!(":{}:", text.replace(&text[..1], "-")),
        format!("\"{text}\""),
    ] {
        assert_eq!(available_dictionary(field.as_bytes()), None, "{field}");
        assert!(!dictionary.matches(field.as_bytes()));
    }
    let other = Dictionary::new(&b"another dictionary"[..]).unwrap();
    assert!(!other.matches(format!(":{text}:").as_bytes()));
}

#[test]
fn without_a_dictionary_there_is_no_dcz() {
    let refused = |work: fn()| {
        let error = std::panic::catch_unwind(work).unwrap_err();
        let words = error.downcast_ref::<String>().cloned();
        let words = words.or_else(|| error.downcast_ref::<&str>().map(ToString::to_string));
        assert!(words.unwrap().contains("dcz needs a dictionary"));
    };
    refused(|| drop(encode(Coding::Dcz, Level::Balanced, b"body")));
    refused(|| encode_into(Coding::Dcz, Level::Balanced, b"body", &mut Vec::new()));
    refused(|| drop(encode_if_smaller(Coding::Dcz, Level::Balanced, b"body")));
    refused(|| drop(Encoder::new(Coding::Dcz, Level::Balanced, Vec::new())));
}

#[test]
fn it_crosses_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<Dictionary>();
    crosses::<DictionaryError>();
    let dictionary = trained();
    let body = order(3_000);
    let expected = dictionary.encode(Level::Balanced, body.as_bytes());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (dictionary, body, expected) = (dictionary.clone(), &body, &expected);
            scope.spawn(move || {
                for _ in 0..50 {
                    assert!(dictionary.encode(Level::Balanced, body.as_bytes()) == *expected);
                }
            });
        }
    });
}

proptest! {
    #![proptest_config(support::properties(|cases| cases / 4))]

    #[test]
    fn any_dictionary_and_body_decode(
        dictionary in prop::collection::vec(any::<u8>(), 8..2_000),
        cut in 0..2_000_usize,
        noise in prop::collection::vec(any::<u8>(), 0..2_000),
        level in 1..=12_u8,
    ) {
        prop_assume!(!dictionary.starts_with(&[0x37, 0xa4, 0x30, 0xec]));
        // A body that has much of the dictionary in it.
        let part = &dictionary[cut % dictionary.len()..];
        let body = [part, &noise, part].concat();
        let shared = Dictionary::new(dictionary.clone()).unwrap();
        let encoded = shared.encode(Level::Exact(level), &body);
        prop_assert!(decode(&dictionary, &encoded).as_ref() == Ok(&body));
        let mut encoder = shared.encoder(Level::Exact(level), Vec::new());
        encoder.write_all(&body).unwrap();
        prop_assert!(decode(&dictionary, &encoder.finish().unwrap()).as_ref() == Ok(&body));
    }

    #[test]
    fn any_field_is_read_without_panic(field in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = available_dictionary(&field);
        let _ = available_dictionary(&[b":", &*field, b":"].concat());
    }
}
