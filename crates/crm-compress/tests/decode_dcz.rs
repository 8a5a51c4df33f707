//! Bodies in dcz that clients send: by the dictionary that they name, within the limits of every other coding.
#![cfg(feature = "dcz")]

mod support;

use std::io::{Read, Write};

use crm_compress::{
    Coding, ContentEncoding, DecodeError, DecodeLimits, DecodeReader, Decoder, Dictionary, Gzip,
    Level, decode, decode_with_dictionaries,
};
use support::bodies;

fn dictionary(seed: u64) -> Dictionary {
    Dictionary::new(bodies::json(8_000, seed)).unwrap()
}

fn dcz(body: &[u8], dictionary: &Dictionary) -> Result<Vec<u8>, DecodeError> {
    within(&DecodeLimits::default(), body, dictionary)
}

fn within(
    limits: &DecodeLimits,
    body: &[u8],
    dictionary: &Dictionary,
) -> Result<Vec<u8>, DecodeError> {
    decode_with_dictionaries(["dcz"], body, limits, std::slice::from_ref(dictionary))
}

/// Decodes in pieces of `piece` bytes, into room for `room` bytes.
fn in_pieces(
    body: &[u8],
    dictionaries: &[Dictionary],
    piece: usize,
    room: usize,
) -> Result<Vec<u8>, DecodeError> {
    let chain = ContentEncoding::from(Coding::Dcz);
    let mut decoder =
        Decoder::with_dictionaries(&chain, &DecodeLimits::default(), dictionaries).unwrap();
    let (mut decoded, mut output) = (Vec::new(), vec![0; room]);
    for mut piece in body.chunks(piece) {
        loop {
            let progress = decoder.decode(piece, &mut output)?;
            decoded.extend_from_slice(&output[..progress.produced]);
            piece = &piece[progress.consumed..];
            if piece.is_empty() && progress.produced < room {
                break;
            }
        }
    }
    decoder.finish()?;
    Ok(decoded)
}

#[test]
fn what_was_encoded_is_decoded() {
    let all = [dictionary(1), dictionary(2), dictionary(3)];
    for (name, body) in bodies::all() {
        for level in [Level::Fastest, Level::Balanced, Level::Smallest] {
            for dictionary in &all {
                let whole = dictionary.encode(level, &body);
                let mut stream = dictionary.encoder(level, Vec::new());
                for chunk in body.chunks(3_000) {
                    stream.write_all(chunk).unwrap();
                    stream.flush().unwrap();
                }
                for encoded in [whole, stream.finish().unwrap()] {
                    let limits = DecodeLimits::default().ratio(u64::MAX);
                    let decoded = decode_with_dictionaries(["dcz"], &encoded, &limits, &all);
                    assert!(decoded.unwrap() == body, "{name}, {level}");
                }
            }
        }
    }
}

#[test]
fn the_pieces_do_not_matter() {
    let all = [dictionary(1), dictionary(2)];
    let body = bodies::json(3_000, 9);
    let encoded = all[1].encode(Level::Balanced, &body);
    for (piece, room) in [
        (1, 1),
        (1, 5_000),
        (7, 100),
        (39, 64),
        (40, 64),
        (41, 64),
        (5_000, 1),
    ] {
        assert_eq!(in_pieces(&encoded, &all, piece, room).unwrap(), body);
    }
    let chain = ContentEncoding::parse(["dcz, gzip"]).unwrap();
    let wrapped = Gzip::default().encode(&encoded);
    let limits = DecodeLimits::default();
    let mut reader = DecodeReader::with_dictionaries(&*wrapped, &chain, &limits, &all).unwrap();
    let mut decoded = Vec::new();
    reader.read_to_end(&mut decoded).unwrap();
    assert_eq!(decoded, body);
}

#[test]
fn an_unknown_dictionary_is_for_the_client_to_replace() {
    let (ours, other) = (dictionary(1), dictionary(2));
    let encoded = other.encode(Level::Balanced, &bodies::json(3_000, 9));
    let error = dcz(&encoded, &ours).unwrap_err();
    assert!(matches!(
        error,
        DecodeError::UnknownDictionary {
            coding: Coding::Dcz
        }
    ));
    assert_eq!(error.status(), 415);
    assert!(error.accept_encoding().unwrap().contains("gzip"));
    assert!(error.to_string().contains("encode it with another"));
    // Every bit of the hash counts.
    let right = ours.encode(Level::Balanced, b"a body");
    assert_eq!(dcz(&right, &ours).unwrap(), b"a body");
    for at in 8..40 {
        let mut wrong = right.clone();
        wrong[at] ^= 1;
        let error = dcz(&wrong, &ours).unwrap_err();
        assert!(matches!(error, DecodeError::UnknownDictionary { .. }));
    }
    for at in 0..8 {
        let mut wrong = right.clone();
        wrong[at] ^= 1;
        let error = dcz(&wrong, &ours).unwrap_err();
        assert!(matches!(error, DecodeError::InvalidHeader { .. }));
        assert_eq!(error.status(), 400);
    }
}

#[test]
fn without_any_dictionary_the_coding_is_unknown() {
    let encoded = dictionary(1).encode(Level::Balanced, b"a body");
    let limits = DecodeLimits::default();
    let none = decode_with_dictionaries(["dcz"], &encoded, &limits, &[]);
    for result in [none, decode(["dcz"], &encoded, &limits)] {
        assert!(matches!(result, Err(DecodeError::UnsupportedCoding)));
    }
    // A dictionary is no reason to take what is zstd for dcz, or the other way round.
    let ours = dictionary(1);
    let zstd = crm_compress::encode(Coding::Zstd, Level::Balanced, &bodies::json(3_000, 9));
    assert!(matches!(
        dcz(&zstd, &ours),
        Err(DecodeError::InvalidHeader { .. })
    ));
    let result = decode_with_dictionaries(["zstd"], &encoded[40..], &limits, &[ours]);
    assert!(result.is_err() || result.unwrap() == b"a body"); // too short to need it
}

#[test]
fn every_cut_is_a_cut() {
    let ours = dictionary(1);
    let encoded = ours.encode(Level::Balanced, &bodies::json(1_000, 9));
    for length in 0..encoded.len() {
        let error = dcz(&encoded[..length], &ours).unwrap_err();
        let coding = Coding::Dcz;
        assert!(
            matches!(error, DecodeError::Truncated { coding: of } if of == coding),
            "{length}: {error:?}"
        );
    }
    let mut longer = encoded.clone();
    longer.push(0x28);
    assert!(dcz(&longer, &ours).is_err());
}

#[test]
fn the_limits_are_those_of_every_coding() {
    let ours = dictionary(1);
    let body = bodies::json(50_000, 1);
    let encoded = ours.encode(Level::Balanced, &body);
    let limits = DecodeLimits::default();
    let exact = limits.decoded_bytes(body.len() as u64);
    assert_eq!(within(&exact, &encoded, &ours).unwrap(), body);
    let refused = |limits: DecodeLimits| within(&limits, &encoded, &ours).unwrap_err();
    let error = refused(limits.decoded_bytes(body.len() as u64 - 1));
    assert!(matches!(error, DecodeError::DecodedTooLarge { .. }));
    let error = refused(limits.encoded_bytes(encoded.len() as u64 - 1));
    assert!(matches!(error, DecodeError::EncodedTooLarge { .. }));
    let error = refused(limits.members(0));
    assert!(matches!(
        error,
        DecodeError::TooManyMembers {
            coding: Coding::Dcz,
            limit: 0
        }
    ));
    let bomb = ours.encode(Level::Balanced, &vec![0; 20 << 20]);
    for limits in [limits, limits.decoded_bytes(u64::MAX)] {
        assert_eq!(within(&limits, &bomb, &ours).unwrap_err().status(), 413);
    }
}

/// A frame with this window: the byte "x", a thousand times.
fn frame(dictionary: &Dictionary, exponent: u8, eighths: u8) -> Vec<u8> {
    let mut frame = dictionary.encode(Level::Balanced, b"")[..40].to_vec();
    frame.extend_from_slice(&0xfd2f_b528_u32.to_le_bytes());
    frame.extend_from_slice(&[0, (exponent - 10) << 3 | eighths]);
    frame.extend_from_slice(&(1000_u32 << 3 | 1 << 1 | 1).to_le_bytes()[..3]);
    frame.push(b'x');
    frame
}

/// RFC 9842, section 5: 8 MiB, or a quarter more than the dictionary.
#[test]
fn the_window_goes_with_the_dictionary() {
    let small = dictionary(1);
    let large = Dictionary::new(bodies::noise(8 << 20, 1)).unwrap();
    let limits = DecodeLimits::default();
    for (dictionary, exponent, eighths, limits, taken) in [
        (&small, 23, 0, limits, true),
        (&small, 23, 1, limits, false),
        (&large, 23, 2, limits, true),
        (&large, 23, 3, limits, false),
        (&large, 23, 3, limits.window_bytes(11 << 20), true),
        (&large, 20, 0, limits.window_bytes(1 << 20), true),
        (&large, 20, 1, limits.window_bytes(1 << 20), false),
    ] {
        let result = within(&limits, &frame(dictionary, exponent, eighths), dictionary);
        match result {
            Ok(body) => assert!(taken && body == [b'x'; 1000]),
            Err(error) => {
                assert!(!taken, "{exponent} {eighths}: {error}");
                let coding = Coding::Dcz;
                assert!(
                    matches!(error, DecodeError::WindowTooLarge { coding: of, .. } if of == coding)
                );
            }
        }
    }
}

#[test]
fn a_dictionary_with_a_number_is_another_one() {
    let ours = dictionary(1);
    let mut numbered = ours.encode(Level::Balanced, b"")[..40].to_vec();
    numbered.extend_from_slice(&0xfd2f_b528_u32.to_le_bytes());
    numbered.extend_from_slice(&[1, 0, 5, 1, 0, 0]);
    let error = dcz(&numbered, &ours).unwrap_err();
    let coding = Coding::Dcz;
    assert!(matches!(error, DecodeError::DictionaryNeeded { coding: of } if of == coding));
    assert_eq!(error.status(), 400);
}

#[cfg(feature = "tower")]
mod layer {
    use std::convert::Infallible;

    use bytes::Bytes;
    use crm_compress::{CompressLayer, DecodeBody, DecodeLayer};
    use http::{Request, Response, response};
    use http_body_util::{BodyExt, Full};
    use tower::{Layer, ServiceExt, service_fn};

    use super::*;

    /// What a service answers that sends back what it was sent, or 400.
    async fn echo(layer: &DecodeLayer, body: Vec<u8>) -> (response::Parts, Bytes) {
        let service = layer.layer(service_fn(
            async |request: Request<DecodeBody<Full<Bytes>>>| {
                assert!(!request.headers().contains_key("content-encoding"));
                let mut response = Response::new(Full::default());
                match request.into_body().collect().await {
                    Ok(body) => *response.body_mut() = Full::new(body.to_bytes()),
                    Err(_) => *response.status_mut() = http::StatusCode::BAD_REQUEST,
                }
                Ok::<_, Infallible>(response)
            },
        ));
        let request = Request::post("/orders").header("content-encoding", "dcz");
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let (parts, body) = service.oneshot(request).await.unwrap().into_parts();
        (parts, body.collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn a_layer_takes_each_of_its_dictionaries() {
        let all = [dictionary(1), dictionary(2), dictionary(3)];
        let none = DecodeLayer::default();
        let layer = DecodeLayer::new(DecodeLimits::default())
            .dictionary(all[0].clone())
            .dictionary(all[1].clone());
        let body = bodies::json(3_000, 9);
        for (at, dictionary) in all.iter().enumerate() {
            let encoded = dictionary.encode(Level::Balanced, &body);
            let (parts, answer) = echo(&layer, encoded.clone()).await;
            if at < 2 {
                assert_eq!((parts.status.as_u16(), &*answer), (200, &*body));
                assert!(!parts.headers.contains_key("accept-encoding"));
            } else {
                assert_eq!(parts.status, 415);
                let accepted = parts.headers["accept-encoding"].to_str().unwrap();
                assert!(accepted.starts_with("gzip"));
            }
            let (parts, _) = echo(&none, encoded).await;
            assert_eq!(parts.status, 415);
        }
        let (parts, _) = echo(&layer, all[0].encode(Level::Balanced, &body)[..60].to_vec()).await;
        assert_eq!(parts.status, 400);
        assert!(!parts.headers.contains_key("accept-encoding"));
    }

    /// What one layer sends, the other takes.
    #[tokio::test]
    async fn the_layers_agree() {
        let ours = dictionary(1);
        let body = bodies::json(3_000, 9);
        let json = Response::builder().header("content-type", "application/json");
        let mut response = Some(json.body(Full::new(Bytes::from(body.clone()))).unwrap());
        let service = CompressLayer::new()
            .dictionary(ours.clone())
            .layer(service_fn(move |_: Request<()>| {
                let response = response.take().unwrap();
                async { Ok::<_, Infallible>(response) }
            }));
        let available = format!(":{}:", ours.hash_base64());
        let request = Request::get("/orders")
            .header("accept-encoding", "dcz")
            .header("available-dictionary", available);
        let request = request.body(()).unwrap();
        let sent = service.oneshot(request).await.unwrap().into_body();
        let sent = sent.collect().await.unwrap().to_bytes().to_vec();
        let layer = DecodeLayer::default().dictionary(ours);
        assert_eq!(echo(&layer, sent).await.1, body);
    }
}
