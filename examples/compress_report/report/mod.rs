//! What was measured, put together, and three ways to show it; as JSON it is what it is.
//!
//! - [`table`]: for the terminal
//! - [`words`]: what the program would choose, in words
//! - [`chart`]: time on the line against bytes

pub(crate) mod chart;
pub(crate) mod table;
mod words;

use crm_perf::compress::{
    AcceptEncoding, Coding, Decision, Policy, Reason, ResponseHead, negotiate,
};
use serde::Serialize;

use crate::advice::{self, Advice};
use crate::args::Args;
use crate::bodies::{Bodies, Body, PassedOver};
use crate::dictionary::Gain;
use crate::measure::Outcome;
use crate::setting::Setting;
use crate::units::Line;

/// Everything that a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) line_bits_per_second: Line,
    /// For how long was measured.
    pub(crate) seconds: f64,
    /// Whether times on the line count decoding.
    pub(crate) decompress: bool,
    /// How often a body is sent that is made once and sent often.
    pub(crate) sends: u32,
    /// How many there were before some were taken of them.
    pub(crate) bodies_found: usize,
    pub(crate) passed_over: Vec<PassedOver>,
    pub(crate) bodies: Vec<Sheet>,
    pub(crate) total: Sheet,
    pub(crate) advice: Advice,
    /// What a dictionary would bring, where there are many small bodies.
    pub(crate) dictionary: Option<Gain>,
}

/// The figures of one body, or of all together.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sheet {
    pub(crate) name: String,
    /// The name without the folder that all of them are in.
    #[serde(skip)]
    pub(crate) short: String,
    pub(crate) bytes: u64,
    pub(crate) media_type: Option<&'static str>,
    /// Why the default policy would leave it as it is, where it would.
    pub(crate) left_by_default: Option<String>,
    /// For how long it is on the line as it is.
    pub(crate) on_line_as_it_is_seconds: f64,
    pub(crate) rows: Vec<Row>,
    /// Whether it is below the least length of the default policy.
    #[serde(skip)]
    pub(crate) small: bool,
}

/// What a setting does to a body, or to all.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) setting: Setting,
    /// What is sent. A body that the setting does not make smaller is sent as it is.
    pub(crate) bytes: u64,
    pub(crate) ratio: f64,
    /// The median, or the sum of the medians of all bodies.
    pub(crate) encode_seconds: f64,
    /// Zero unless it was asked for.
    pub(crate) decode_seconds: f64,
    /// Encoding, sending, and decoding if it was asked for.
    pub(crate) on_line_seconds: f64,
    /// Millions of bytes of the body in a second of encoding.
    pub(crate) megabytes_per_second: f64,
    /// Bodies that it did not make smaller.
    pub(crate) not_smaller: u64,
    /// The fewest of which a time is the median.
    pub(crate) samples: usize,
}

impl Row {
    fn new(setting: Setting, of: u64, outcome: &Outcome, line: Line) -> Self {
        Self {
            setting,
            bytes: outcome.bytes,
            ratio: of as f64 / outcome.bytes as f64,
            encode_seconds: outcome.encode,
            decode_seconds: outcome.decode,
            on_line_seconds: outcome.encode + line.seconds(outcome.bytes) + outcome.decode,
            // A clock that does not move in that time tells nothing.
            megabytes_per_second: if outcome.encode > 0.0 {
                of as f64 / 1e6 / outcome.encode
            } else {
                0.0
            },
            not_smaller: u64::from(!outcome.shrank),
            samples: outcome.samples,
        }
    }
}

impl Report {
    pub(crate) fn new(
        args: &Args,
        bodies: Bodies,
        settings: &[Setting],
        outcomes: &[Vec<Outcome>],
    ) -> Self {
        let line = args.line;
        let folder = common_folder(&bodies.list);
        let sheets: Vec<Sheet> = bodies
            .list
            .iter()
            .zip(outcomes)
            .map(|(body, outcomes)| Sheet {
                short: body.name[folder..].to_owned(),
                ..Sheet::of_body(body, settings, outcomes, line)
            })
            .collect();
        let total = Sheet::of_all(&sheets, settings, line);
        let advice = advice::advise(&sheets, &total, line, args.sends);
        Self {
            line_bits_per_second: line,
            seconds: args.seconds,
            decompress: args.decompress,
            sends: args.sends,
            bodies_found: bodies.found,
            passed_over: bodies.passed_over,
            bodies: sheets,
            total,
            advice,
            dictionary: None,
        }
    }
}

impl Sheet {
    fn of_body(body: &Body, settings: &[Setting], outcomes: &[Outcome], line: Line) -> Self {
        let bytes = body.bytes.len() as u64;
        let left = left_by_default(body);
        Self {
            name: body.name.clone(),
            short: body.name.clone(),
            bytes,
            media_type: body.media_type,
            left_by_default: left.map(|reason| reason.to_string()),
            on_line_as_it_is_seconds: line.seconds(bytes),
            rows: settings
                .iter()
                .zip(outcomes)
                .map(|(&setting, outcome)| Row::new(setting, bytes, outcome, line))
                .collect(),
            small: matches!(left, Some(Reason::TooSmall { .. })),
        }
    }

    fn of_all(sheets: &[Self], settings: &[Setting], line: Line) -> Self {
        let bytes = sheets.iter().map(|sheet| sheet.bytes).sum();
        let rows = settings.iter().enumerate().map(|(at, &setting)| {
            let rows = || sheets.iter().map(|sheet| &sheet.rows[at]);
            let sum = Outcome {
                bytes: rows().map(|row| row.bytes).sum(),
                shrank: true,
                encode: rows().map(|row| row.encode_seconds).sum(),
                decode: rows().map(|row| row.decode_seconds).sum(),
                samples: rows().map(|row| row.samples).min().unwrap_or(0),
            };
            Row {
                not_smaller: rows().map(|row| row.not_smaller).sum(),
                ..Row::new(setting, bytes, &sum, line)
            }
        });
        let name = match sheets {
            [one] => one.short.clone(),
            _ => format!("all {} bodies", sheets.len()),
        };
        Self {
            short: name.clone(),
            name,
            bytes,
            media_type: None,
            left_by_default: None,
            on_line_as_it_is_seconds: line.seconds(bytes),
            rows: rows.collect(),
            small: false,
        }
    }

    /// The rows among which is chosen. Deflate is gzip in another frame, a dozen bytes shorter, which some clients take for a bare
    /// stream: where gzip is there, nobody needs it.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &Row> + Clone {
        let is = |row: &Row, coding| row.setting.coding == coding;
        let gzip = self.rows.iter().any(|row| is(row, Coding::Gzip));
        let shown = move |row: &&Row| !(gzip && is(row, Coding::Deflate));
        self.rows.iter().filter(shown)
    }

    /// The row with which the client has the body soonest.
    pub(crate) fn soonest(&self) -> Option<&Row> {
        let by_time = |a: &&Row, b: &&Row| a.on_line_seconds.total_cmp(&b.on_line_seconds);
        self.candidates().min_by(by_time)
    }
}

/// The length of what the names begin with, all of them, up to the end of a folder.
fn common_folder(bodies: &[Body]) -> usize {
    let Some((first, others)) = bodies.split_first() else {
        return 0;
    };
    let separator = |byte: u8| byte == b'/' || byte == b'\\';
    let first = first.name.as_bytes();
    let common = others.iter().fold(first.len(), |common, body| {
        let same = first.iter().zip(body.name.as_bytes());
        same.take(common).take_while(|(a, b)| a == b).count()
    });
    // After a separator, which is a character of its own, a name can be cut.
    let end = first[..common].iter().rposition(|&byte| separator(byte));
    end.map_or(0, |at| at + 1)
}

/// Why the policy that decides where nobody says otherwise would leave a body as it is, for a client that takes fastest.
fn left_by_default(body: &Body) -> Option<Reason> {
    let negotiated = negotiate(&AcceptEncoding::parse(["gzip"]), &[Coding::Gzip]);
    let mut head = ResponseHead::new(200).length(body.bytes.len() as u64);
    if let Some(media_type) = body.media_type {
        head = head.media_type(media_type);
    }
    match <Policy>::default().decide(&head, negotiated) {
        Decision::Leave(reason) => Some(reason),
        Decision::Encode(_) => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use clap::Parser;
    use crm_perf::compress::Level;

    use super::*;

    /// A name, a length, and the bytes and seconds of gzip's fastest and smallest.
    pub(crate) type Case<'a> = (&'a str, usize, [(u64, f64); 2]);

    pub(crate) const FASTEST: Setting = Setting {
        coding: Coding::Gzip,
        level: Level::Fastest,
    };
    pub(crate) const SMALLEST: Setting = Setting {
        coding: Coding::Gzip,
        level: Level::Smallest,
    };

    /// A report on these bodies.
    pub(crate) fn report(arguments: &[&str], bodies: &[Case<'_>]) -> Report {
        let args = Args::parse_from([&["compress_report", "body"], arguments].concat());
        let outcomes: Vec<Vec<Outcome>> = bodies
            .iter()
            .map(|&(_, length, outcomes)| {
                let outcome = |(bytes, encode)| Outcome {
                    bytes,
                    shrank: bytes < length as u64,
                    encode,
                    decode: 0.0,
                    samples: 5,
                };
                outcomes.map(outcome).to_vec()
            })
            .collect();
        let bodies = Bodies {
            list: bodies
                .iter()
                .map(|&(name, length, _)| Body {
                    name: name.to_owned(),
                    bytes: vec![b'a'; length],
                    media_type: Some("application/json"),
                })
                .collect(),
            passed_over: Vec::new(),
            found: bodies.len(),
        };
        Report::new(&args, bodies, &[FASTEST, SMALLEST], &outcomes)
    }

    #[test]
    fn the_total_is_the_sum_and_the_line_is_counted() {
        // On this line a byte takes a microsecond.
        let report = report(
            &["--line", "8Mbit/s"],
            &[
                ("a", 1_000, [(400, 50e-6), (250, 400e-6)]),
                ("b", 3_000, [(600, 150e-6), (3_000, 100e-6)]),
            ],
        );
        let [fastest, smallest] = report.total.rows[..] else {
            panic!("{report:?}")
        };
        assert_eq!((fastest.bytes, smallest.bytes), (1_000, 3_250));
        assert_eq!(fastest.ratio, 4.0);
        assert_eq!((fastest.not_smaller, smallest.not_smaller), (0, 1));
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        near(report.total.on_line_as_it_is_seconds, 4_000e-6);
        near(fastest.on_line_seconds, 1_200e-6);
        near(smallest.on_line_seconds, 3_750e-6);
        near(fastest.megabytes_per_second, 20.0);
        near(report.bodies[0].rows[1].on_line_seconds, 650e-6);
        assert_eq!(report.bodies[0].soonest().unwrap().setting, FASTEST);
    }

    #[test]
    fn names_are_shown_without_the_folder_that_all_are_in() {
        let shown = |names: &[&str]| -> Vec<String> {
            let bodies: Vec<_> = names
                .iter()
                .map(|name| (*name, 9, [(9, 1e-6), (9, 1e-6)]))
                .collect();
            let report = report(&[], &bodies);
            report.bodies.into_iter().map(|body| body.short).collect()
        };
        assert_eq!(shown(&["a/b/c1", "a/b/c2"]), ["c1", "c2"]);
        assert_eq!(shown(&["a/b/c", "a/bc/d"]), ["b/c", "bc/d"]);
        assert_eq!(shown(&["x", "a/x"]), ["x", "a/x"]);
        assert_eq!(shown(&["a/b/c"]), ["c"]);
    }

    #[test]
    fn the_default_policy_is_asked_about_each_body() {
        let report = report(
            &[],
            &[
                ("short", 77, [(80, 1e-6), (80, 1e-6)]),
                ("long", 7_700, [(80, 1e-6), (80, 1e-6)]),
            ],
        );
        let [short, long] = &report.bodies[..] else {
            panic!("{report:?}")
        };
        assert!(short.small && short.left_by_default.is_some());
        assert!(!long.small && long.left_by_default.is_none());
    }
}
