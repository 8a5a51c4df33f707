//! Which media types compress well.

use std::cmp::Ordering;
use std::str::FromStr;

use super::head::SPACE;
use crate::{InvalidMediaPattern, Predicate, Reason, ResponseHead};

/// Objects to media types that are not known to compress well, and to a response without one.
///
/// The default list takes `text/*`, JSON, XML, JavaScript and their like, whatever ends in `+json`, `+xml`, `+yaml`
/// or `+text` (so `image/svg+xml`), and the few fonts, pictures and binary formats that are not compressed by
/// themselves. It takes nothing else: no other image, no audio, video, archive or `application/octet-stream`, no gRPC,
/// and nothing that ends in `+zip` or `+gzip`.
///
/// [`with`](Self::with) and [`without`](Self::without) change it. Of the patterns that match, the narrowest decides:
/// `type/subtype` before `+suffix` before `type/*`; among equally narrow ones the last that was given.
///
/// ```
/// use crm_compress::{MediaTypes, Policy};
///
/// let types = MediaTypes::default()
///     .with("application/vnd.acme.ledger".parse()?)
///     .without("text/csv".parse()?);
/// assert!(types.includes("application/vnd.acme.ledger"));
/// assert!(types.includes("Text/HTML; charset=utf-8"));
/// assert!(!types.includes("text/csv"));
/// let policy = Policy::default().media_types(types);
/// # let _ = policy;
/// # Ok::<(), crm_compress::InvalidMediaPattern>(())
/// ```
#[derive(Clone, Debug)]
pub struct MediaTypes {
    /// The rules, the narrowest kind of pattern first, and the last given first within a kind.
    rules: Vec<(MediaPattern, bool)>,
    /// Whether the built-in list stands behind the rules.
    defaults: bool,
}

impl Default for MediaTypes {
    /// The default list.
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            defaults: true,
        }
    }
}

impl MediaTypes {
    /// The list that takes nothing, to be filled by [`with`](Self::with).
    #[must_use]
    pub const fn none() -> Self {
        Self {
            rules: Vec::new(),
            defaults: false,
        }
    }

    /// Takes media types that match `pattern`.
    #[must_use]
    pub fn with(self, pattern: MediaPattern) -> Self {
        self.rule(pattern, true)
    }

    /// Does not take media types that match `pattern`.
    #[must_use]
    pub fn without(self, pattern: MediaPattern) -> Self {
        self.rule(pattern, false)
    }

    fn rule(mut self, pattern: MediaPattern, takes: bool) -> Self {
        let at = self
            .rules
            .partition_point(|(other, _)| other.breadth() < pattern.breadth());
        self.rules.insert(at, (pattern, takes));
        self
    }

    /// Whether the list takes this Content-Type. What is no media type is not taken.
    #[must_use]
    pub fn includes(&self, content_type: &str) -> bool {
        let Some((kind, subtype)) = essence(content_type) else {
            return false;
        };
        let rule = self
            .rules
            .iter()
            .find(|(pattern, _)| pattern.matches(kind, subtype))
            .map(|(pattern, takes)| (pattern.breadth(), *takes));
        let default = self.defaults.then(|| default_rule(kind, subtype)).flatten();
        match (rule, default) {
            (Some((narrow, takes)), Some((broad, by_default))) => match narrow.cmp(&broad) {
                Ordering::Less | Ordering::Equal => takes,
                Ordering::Greater => by_default,
            },
            (Some((_, takes)), None) | (None, Some((_, takes))) => takes,
            (None, None) => false,
        }
    }
}

impl Predicate for MediaTypes {
    fn objection(&self, head: &ResponseHead<'_>) -> Option<Reason> {
        match head.content_type() {
            None => Some(Reason::NoMediaType),
            Some(content_type) if self.includes(content_type) => None,
            Some(_) => Some(Reason::MediaType),
        }
    }
}

/// Some media types: one (`text/csv`), all of a structured syntax (`+json`), or all of a type (`image/*`).
///
/// It is read from a string; the case does not matter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MediaPattern {
    breadth: Breadth,
    /// The type, or the suffix without its plus sign; in lower case.
    first: Box<str>,
    /// The subtype; empty unless the pattern is a single media type.
    second: Box<str>,
}

/// How much a pattern covers; the narrowest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Breadth {
    Single,
    Suffix,
    Type,
}

impl MediaPattern {
    fn breadth(&self) -> Breadth {
        self.breadth
    }

    /// Whether this Content-Type matches, whatever its parameters. What is no media type does not.
    #[must_use]
    pub fn includes(&self, content_type: &str) -> bool {
        essence(content_type).is_some_and(|(kind, subtype)| self.matches(kind, subtype))
    }

    fn matches(&self, kind: &str, subtype: &str) -> bool {
        match self.breadth {
            Breadth::Single => {
                kind.eq_ignore_ascii_case(&self.first) && subtype.eq_ignore_ascii_case(&self.second)
            }
            Breadth::Suffix => {
                suffix(subtype).is_some_and(|suffix| suffix.eq_ignore_ascii_case(&self.first))
            }
            Breadth::Type => kind.eq_ignore_ascii_case(&self.first),
        }
    }
}

impl FromStr for MediaPattern {
    type Err = InvalidMediaPattern;

    /// Reads `type/subtype`, `+suffix` or `type/*`.
    ///
    /// # Errors
    ///
    /// [`InvalidMediaPattern`] for anything else, parameters included.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (breadth, first, second) = if let Some(suffix) = text.strip_prefix('+') {
            (Breadth::Suffix, suffix, "")
        } else {
            match text.split_once('/') {
                Some((kind, "*")) => (Breadth::Type, kind, ""),
                Some((kind, subtype)) if is_token(subtype) => (Breadth::Single, kind, subtype),
                _ => return Err(InvalidMediaPattern),
            }
        };
        // A star is a token character, but here it would look like a pattern that is none.
        if !is_token(first) || first.contains('*') || second.contains('*') {
            return Err(InvalidMediaPattern);
        }
        Ok(Self {
            breadth,
            first: first.to_ascii_lowercase().into(),
            second: second.to_ascii_lowercase().into(),
        })
    }
}

/// The type and the subtype of a Content-Type, without its parameters; `None` when it is no media type.
pub(super) fn essence(content_type: &str) -> Option<(&str, &str)> {
    let essence = content_type.split(';').next()?.trim_matches(SPACE);
    essence
        .split_once('/')
        .filter(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// The structured syntax of a subtype (RFC 6838, section 4.2.8): what follows its last plus sign.
fn suffix(subtype: &str) -> Option<&str> {
    subtype.rsplit_once('+').map(|(_, suffix)| suffix)
}

/// Whether `text` is a token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// What the default list says, and by how broad a rule.
fn default_rule(kind: &str, subtype: &str) -> Option<(Breadth, bool)> {
    let among = |list: &[&str]| list.iter().any(|name| name.eq_ignore_ascii_case(subtype));
    let is = |name: &str| kind.eq_ignore_ascii_case(name);
    if is("application") && is_grpc(subtype) {
        return Some((Breadth::Single, false));
    }
    if (is("application") && among(APPLICATION))
        || (is("font") && among(FONT))
        || (is("image") && among(IMAGE))
        || (is("message") && among(MESSAGE))
        || (is("multipart") && among(MULTIPART))
    {
        return Some((Breadth::Single, true));
    }
    if let Some(suffix) = suffix(subtype) {
        let among = |list: &[&str]| list.iter().any(|name| name.eq_ignore_ascii_case(suffix));
        if among(SUFFIX) {
            return Some((Breadth::Suffix, true));
        }
        if among(PACKED) {
            return Some((Breadth::Suffix, false));
        }
    }
    is("text").then_some((Breadth::Type, true))
}

/// Whether it is a subtype of gRPC, whatever its messages are written in: each of them has a coding of its own, and its
/// clients do not look for a Content-Encoding.
fn is_grpc(subtype: &str) -> bool {
    let end = subtype.find('+').unwrap_or(subtype.len());
    ["grpc", "grpc-web", "grpc-web-text"]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(&subtype[..end]))
}

/// Structured syntaxes that are text.
const SUFFIX: &[&str] = &["json", "xml", "yaml", "text", "json-seq"];

/// Structured syntaxes that are compressed by themselves, even under `text`.
const PACKED: &[&str] = &["gzip", "zip", "zlib", "zstd"];

/// Subtypes of `application` that compress well.
const APPLICATION: &[&str] = &[
    "csv",
    "ecmascript",
    "eot",
    "font",
    "font-sfnt",
    "graphql",
    "javascript",
    "json",
    "json-seq",
    "json5",
    "jsonl",
    "n-quads",
    "n-triples",
    "ndjson",
    "opentype",
    "otf",
    "postscript",
    "protobuf",
    "rtf",
    "sparql-query",
    "sql",
    "toml",
    "trig",
    "truetype",
    "ttf",
    "typescript",
    "vnd.apple.mpegurl",
    "vnd.google.protobuf",
    "vnd.ms-fontobject",
    "vnd.sqlite3",
    "wasm",
    "x-ecmascript",
    "x-font-opentype",
    "x-font-otf",
    "x-font-truetype",
    "x-font-ttf",
    "x-httpd-cgi",
    "x-javascript",
    "x-json",
    "x-jsonlines",
    "x-mpegurl",
    "x-ndjson",
    "x-opentype",
    "x-otf",
    "x-perl",
    "x-protobuf",
    "x-sh",
    "x-sql",
    "x-ttf",
    "x-www-form-urlencoded",
    "x-yaml",
    "xml",
    "xml+rss",
    "xml-dtd",
    "yaml",
];

/// Fonts that are not compressed by themselves; woff and woff2 are.
const FONT: &[&str] = &["collection", "eot", "opentype", "otf", "sfnt", "ttf"];

/// Images that are not compressed by themselves, besides those in XML.
const IMAGE: &[&str] = &["bmp", "vnd.microsoft.icon", "x-icon", "x-ms-bmp"];

/// Messages, which are text.
const MESSAGE: &[&str] = &["global", "http", "rfc822"];

/// Several bodies in one, of which most are JSON: batches of requests, and answers that come in instalments.
const MULTIPART: &[&str] = &["bag", "mixed"];
