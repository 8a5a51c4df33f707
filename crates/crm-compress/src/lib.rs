//! HTTP content codings: which one a client takes, whether a body deserves it, and pooled
//! encoders: gzip and deflate by default, zstd and brotli as features.
//!
//! ```
//! use crm_compress::{AcceptEncoding, Coding, Decision, Level, Policy, ResponseHead, encode, negotiate};
//!
//! // What the server can send, the preferred first.
//! const OFFERS: [Coding; 2] = [Coding::Gzip, Coding::Deflate];
//!
//! let json = br#"{"id":7,"name":"Ada","city":"London"}"#.repeat(50);
//! let policy = Policy::default(); // made once
//!
//! let accept = AcceptEncoding::parse(["gzip, deflate, br, zstd"]); // all lines of the request's field
//! let head = ResponseHead::new(200).media_type("application/json").length(json.len() as u64);
//! match policy.decide(&head, negotiate(&accept, &OFFERS)) {
//!     Decision::Encode(coding) => {
//!         let body = encode(coding, Level::default(), &json);
//!         println!("Content-Encoding: {coding}, {} of {} bytes", body.len(), json.len());
//! #       assert!(body.len() < 100);
//!     }
//!     Decision::Leave(reason) => println!("sent as it is: {reason}"),
//! }
//! ```
//!
//! Where the coding is fixed, one line does: `Gzip::default().encode(&json)`.
//!
//! # How to choose
//!
//! | to do | use |
//! |---|---|
//! | find out what a client takes | [`AcceptEncoding`], [`negotiate`] |
//! | find out whether a body deserves it | [`Policy`], with [`ResponseHead`]; combine [`Predicate`]s for one's own rules |
//! | encode a body that is in memory | [`Gzip`], [`Deflate`]; [`encode`] for a coding that was negotiated |
//! | never send more bytes than there were | [`encode_if_smaller`], which keeps a body that would not shrink |
//! | encode into a buffer that is used again | [`encode_into`] |
//! | encode while the body is being made | [`Encoder`], a [`Write`](std::io::Write) |
//! | encode what a reader yields | [`ReadEncoder`], a [`Read`](std::io::Read) that never holds back what its source gave |
//! | encode for clients that take more than gzip | `Zstd` (feature `zstd`), `Brotli` (feature `brotli`) |
//! | encode short records, of which the client knows others | `Dictionary` (feature `dcz`) |
//! | trade time for bytes | [`Level`] |
//! | hide the exact length beside secrets | [`Padding`] |
//! | compress an export on all cores | `Gzip::encode_parallel` or `ParallelEncoder`, with the feature `rayon` |
//! | make the headers true | `Exchange` (feature `http`); [`TagRule`] and [`vary`] for other libraries |
//! | encode a body once that is sent often | [`EncodedCache`] |
//! | decode a body that a client sent | [`decode`]; [`DecodeReader`] over a [`Read`](std::io::Read); [`Decoder`] for pieces |
//! | decode a body in `dcz` | `decode_with_dictionaries` (feature `dcz`) |
//! | say how much that may cost | [`DecodeLimits`] |
//! | answer a body that was refused | [`DecodeError::status`], [`DecodeError::accept_encoding`] |
//! | spare a layer the work for a body that comes again | `CompressLayer::cache` |
//! | send `dcz` to clients that hold a dictionary | `CompressLayer::dictionary` (features `tower` and `dcz`) |
//! | encode the responses of an axum router, decode its requests | `CompressLayer`, `DecodeLayer` (feature `tower`) |
//! | encode or decode the bodies of another server | `EncodeBody`, `DecodeBody` (feature `http-body`) |
//!
//! The page `_guide` (with the feature `tower`) leads from one line to a whole service.
//!
//! The core knows no HTTP library: header values are strings or bytes. The features `http`, `http-body` and `tower` do.
//!
//! # Headers that go with it
//!
//! An encoded response says so in Content-Encoding, has another length and another `ETag`, and another Vary; the
//! conditions of the next request come back in its terms. [`_headers`] is the table of all of it, with the sections that
//! ask for it. The `Exchange` of the feature `http` does it in two calls; for other libraries there are [`TagRule`],
//! [`vary`], [`forbids_transform`] and [`made_false_by_encoding`], which work on bytes.
//!
//! # Guarantees
//!
//! - **Pure decisions.** Negotiation and policy are functions of their arguments, do not allocate, and take time linear
//!   in the length of the headers.
//! - **No allocation beyond the output.** Once a thread has encoded, another body takes no memory but that of the
//!   result; [`encode_into`] into a vector with room takes none, and neither does a stream. `Brotli` and `Zstd` say where
//!   they make an exception, and [`pool_stats`] for how many threads it holds.
//! - **Bounded memory.** The pool holds a bounded number of states of bounded size for each coding; see [`pool_stats`].
//!   An [`EncodedCache`] takes as many bytes as it is given.
//! - **Nothing of one body shows in another.** A state from the pool produces, byte for byte, what a new one would,
//!   also after a body that was abandoned half-way. The bytes of the last body are not wiped from its memory, but no
//!   path leads to them. What a `Dictionary` was trained on does show: whoever may fetch it reads it.
//! - **Equal bodies have equal encodings** for the same coding and level, on every thread.
//! - **Encoding never fails.** Only a stream's writer can. The one coding that needs more than a body is `dcz`: a call
//!   that names it without a `Dictionary` is a mistake in the program, and panics.
//! - **Decoding is bounded**: for every coding by the same limits, in memory, in bytes and in work; see [`DecodeLimits`].
//!
//! Everything is `Send` and `Sync`. Nothing here is asynchronous and nothing waits: encoding is work for the processor,
//! about a millisecond for 100 KB of JSON.
//!
//! # Features
//!
//! | feature | brings | needs a C compiler |
//! |---|---|---|
//! | `brotli` | the coding `br`, encoded and decoded | no |
//! | `zstd` | the coding `zstd`, encoded and decoded | yes |
//! | `dcz` | the coding `dcz`: zstd with a dictionary, and the training of one | yes |
//! | `http` | policies and headers for the types of the crate `http` | no |
//! | `http-body` | bodies that encode and decode what another body yields | no |
//! | `tower` | layers for tower services, axum among them | no |
//! | `rayon` | one large export on all threads of a pool, into one gzip stream | no |
//! | `libdeflate` | [`Level::Fastest`] for whole gzip and deflate bodies in two thirds of the time | yes |
//!
//! None is a default. The default has gzip and deflate, and is Rust throughout. A coding that a build cannot send cannot be
//! named in it.
//!
//! A feature that any crate of a program turns on is on for all of it. Two of them can then be seen from outside: with
//! `zstd` or `brotli`, a `CompressLayer` that was not given its `codings` offers them too; and with `libdeflate`,
//! [`Level::Fastest`] makes other bytes of the same body, so that servers which share strong tags should share the feature.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod accept_encoding;
mod body;
mod codec;
mod coding;
mod decode;
mod deflate;
#[cfg(feature = "dcz")]
mod dictionary;
mod encoded;
mod encoder;
mod engine;
mod error;
mod frame;
mod header;
mod integration;
mod level;
mod negotiate;
mod padding;
#[cfg(feature = "rayon")]
mod parallel;
mod policy;
mod pool;
mod read_encoder;
mod reason;
mod session;
mod whole;

pub use accept_encoding::AcceptEncoding;
pub use body::{encode, encode_if_smaller, encode_into};
#[cfg(feature = "brotli")]
pub use codec::Brotli;
#[cfg(feature = "zstd")]
pub use codec::Zstd;
pub use codec::{Deflate, Gzip};
pub use coding::Coding;
#[cfg(feature = "dcz")]
pub use decode::decode_with_dictionaries;
pub use decode::{
    ContentEncoding, DecodeError, DecodeLimits, DecodeReader, Decoder, EngineError, Progress,
    decode,
};
#[cfg(feature = "dcz")]
pub use dictionary::{Dictionary, DictionaryError, available_dictionary};
pub use encoded::{EncodedCache, EncodedForm, EncodedStats, EncodedStore, HeldForms, Identity};
pub use encoder::Encoder;
pub use error::{InvalidMediaPattern, LevelOutOfRange, StreamFinished, UnknownCoding};
pub use header::{
    EntityTag, Form, Rewrite, TagRule, forbids_transform, made_false_by_encoding, vary,
};
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub use integration::{
    AnswerBody, Compress, CompressFuture, CompressLayer, Decode, DecodeFuture, DecodeLayer,
    EncodedBody,
};
#[cfg(feature = "http-body")]
#[cfg_attr(docsrs, doc(cfg(feature = "http-body")))]
pub use integration::{DecodeBody, EncodeBody};
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub use integration::{Exchange, HeaderRules, Outcome};
pub use level::Level;
pub use negotiate::{Negotiated, negotiate};
pub use padding::Padding;
#[cfg(feature = "rayon")]
#[cfg_attr(docsrs, doc(cfg(feature = "rayon")))]
pub use parallel::{ParallelEncoder, ParallelProgress};
pub use policy::{
    And, Decision, MediaPattern, MediaTypes, MinimumLength, NoEventStream, Policy, Predicate,
    ResponseHead, Worthwhile,
};
pub use pool::{PoolStats, pool_stats};
pub use read_encoder::ReadEncoder;
pub use reason::Reason;

#[doc = include_str!("../DESIGN.md")]
pub mod _design {}

#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
#[doc = include_str!("../GUIDE.md")]
pub mod _guide {}

#[doc = include_str!("../HEADERS.md")]
pub mod _headers {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
