//! Which format a scraper wants, and what its response is called.

/// The Content-Type of Prometheus text 0.0.4.
pub const PROMETHEUS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The Content-Type of OpenMetrics text 1.0.
pub const OPENMETRICS_CONTENT_TYPE: &str =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The Content-Type of Prometheus's protobuf format.
#[cfg(feature = "prost")]
pub const PROTOBUF_CONTENT_TYPE: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// The Content-Type of JSON.
#[cfg(feature = "serde_json")]
pub const JSON_CONTENT_TYPE: &str = "application/json";

/// A format in which a reading can be sent over HTTP.
///
/// ```
/// use crm_monitor::expose::Format;
///
/// // What Prometheus 2.42 sends.
/// let accept = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
///               text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
/// let format = Format::negotiate([accept]);
/// assert_eq!(format, Format::OpenMetrics);
/// assert_eq!(format.content_type(), "application/openmetrics-text; version=1.0.0; charset=utf-8");
/// assert_eq!(Format::negotiate(None), Format::Prometheus); // no Accept header
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus text 0.0.4, which everything reads.
    Prometheus,
    /// OpenMetrics text 1.0, which has exemplars and times of creation.
    OpenMetrics,
    /// Prometheus protobuf, which has native histograms.
    #[cfg(feature = "prost")]
    Protobuf,
    /// JSON, for pages and scripts.
    #[cfg(feature = "serde_json")]
    Json,
}

/// The media type of a format, and what it takes to be meant by a range of an Accept header.
struct Offer {
    format: Format,
    kind: &'static str,
    subtype: &'static str,
    /// Parameters that have to have this value where the range has them at all.
    parameters: &'static [(&'static str, &'static str)],
}

/// The most telling first, which decides between equal qualities.
const OFFERS: &[Offer] = &[
    #[cfg(feature = "prost")]
    Offer {
        format: Format::Protobuf,
        kind: "application",
        subtype: "vnd.google.protobuf",
        parameters: &[
            ("proto", "io.prometheus.client.MetricFamily"),
            ("encoding", "delimited"),
        ],
    },
    Offer {
        format: Format::OpenMetrics,
        kind: "application",
        subtype: "openmetrics-text",
        parameters: &[("version", "1.0.0")],
    },
    Offer {
        format: Format::Prometheus,
        kind: "text",
        subtype: "plain",
        parameters: &[("version", "0.0.4")],
    },
    #[cfg(feature = "serde_json")]
    Offer {
        format: Format::Json,
        kind: "application",
        subtype: "json",
        parameters: &[],
    },
];

/// How closely a range names an offer: not by name, by its first half, or by its whole name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    Any,
    Kind,
    Named,
}

impl Format {
    /// The value of the Content-Type header.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Format::Prometheus => PROMETHEUS_CONTENT_TYPE,
            Format::OpenMetrics => OPENMETRICS_CONTENT_TYPE,
            #[cfg(feature = "prost")]
            Format::Protobuf => PROTOBUF_CONTENT_TYPE,
            #[cfg(feature = "serde_json")]
            Format::Json => JSON_CONTENT_TYPE,
        }
    }

    /// The format for a request with these Accept header lines: the one of the highest quality; among equals one that
    /// was named rather than covered by `*`, then the one that tells more (protobuf, OpenMetrics, text, JSON).
    ///
    /// What only a `*` covers is answered by text 0.0.4, and so is a request that takes none of the formats, as by the
    /// client libraries of Prometheus: a person with a browser should see something.
    pub fn negotiate<'a>(accept: impl IntoIterator<Item = &'a str>) -> Format {
        // For each offer the closest range that covers it, and its quality in thousandths.
        let mut found: [Option<(Closeness, u16)>; OFFERS.len()] = [None; OFFERS.len()];
        for line in accept {
            for range in split(line, ',') {
                let mut parts = split(range, ';');
                let name = parts.next().unwrap_or_default().trim();
                let (kind, subtype) = name.split_once('/').unwrap_or((name, ""));
                let mut quality = 1000;
                let mut matches = [true; OFFERS.len()];
                for parameter in parts {
                    let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
                    let (key, value) = (key.trim(), value.trim().trim_matches('"'));
                    if key.eq_ignore_ascii_case("q") {
                        quality = thousandths(value);
                        continue;
                    }
                    for (matches, offer) in matches.iter_mut().zip(OFFERS) {
                        *matches &= offer.parameters.iter().all(|(name, wanted)| {
                            !key.eq_ignore_ascii_case(name) || value.eq_ignore_ascii_case(wanted)
                        });
                    }
                }
                for ((found, offer), matches) in found.iter_mut().zip(OFFERS).zip(matches) {
                    let closeness = match (kind, subtype) {
                        ("*", "*") => Closeness::Any,
                        (kind, "*") if kind.eq_ignore_ascii_case(offer.kind) => Closeness::Kind,
                        (kind, subtype)
                            if kind.eq_ignore_ascii_case(offer.kind)
                                && subtype.eq_ignore_ascii_case(offer.subtype) =>
                        {
                            Closeness::Named
                        }
                        _ => continue,
                    };
                    if matches
                        && found.is_none_or(|(before, best)| (closeness, quality) > (before, best))
                    {
                        *found = Some((closeness, quality));
                    }
                }
            }
        }
        let mut best = (0, Closeness::Any, 0, Format::Prometheus);
        for (rank, (found, offer)) in found.iter().zip(OFFERS).enumerate() {
            let Some((closeness, quality)) = *found else {
                continue;
            };
            let plainness =
                usize::from(closeness == Closeness::Any && offer.format == Format::Prometheus);
            let rank = OFFERS.len() - rank + plainness * OFFERS.len();
            if quality > 0 && (quality, closeness, rank) > (best.0, best.1, best.2) {
                best = (quality, closeness, rank, offer.format);
            }
        }
        best.3
    }
}

/// The parts between separators that are not inside quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '"';
        character == separator && !quoted
    })
}

/// A quality of RFC 9110, section 12.4.2, in thousandths; one that cannot be read takes nothing.
fn thousandths(text: &str) -> u16 {
    match text.parse::<f64>() {
        Ok(quality) if (0.0..=1.0).contains(&quality) => (quality * 1000.0).round() as u16,
        _ => 0,
    }
}
