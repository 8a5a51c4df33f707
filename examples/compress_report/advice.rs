//! Which setting the program would choose, by the figures.

use serde::Serialize;

use crate::report::{Row, Sheet};
use crate::setting::Setting;
use crate::units::Line;
use crm_perf::compress::Coding;

/// Times that differ by less are the same; then the one with less work is chosen.
const SAME: f64 = 0.01;
/// A body goes as it is unless the best setting brings it sooner by at least this share.
const WORTH: f64 = 0.05;

/// What to do with all these bodies.
#[derive(Debug, Serialize)]
pub(crate) struct Advice {
    /// For responses that are made once; nothing where none brings them sooner than as they are.
    pub(crate) once: Option<Choice>,
    /// The same for a client that takes only gzip, where gzip was measured.
    pub(crate) gzip_only: Option<Choice>,
    /// For bodies that are made once and sent often.
    pub(crate) often: Option<Choice>,
    /// The bodies that are better sent as they are.
    pub(crate) as_they_are: Vec<AsItIs>,
}

/// A setting and what speaks for it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Choice {
    pub(crate) setting: Setting,
    pub(crate) bytes: u64,
    pub(crate) ratio: f64,
    pub(crate) encode_seconds: f64,
    pub(crate) on_line_seconds: f64,
    /// On a line faster than this, the bodies as they are come sooner.
    pub(crate) pays_below_bits_per_second: Option<Line>,
    /// So many of these lines can one processor keep busy.
    pub(crate) lines_of_one_processor: f64,
}

/// A body that is better sent as it is.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AsItIs {
    pub(crate) name: String,
    /// The name without the folder that all of them are in.
    #[serde(skip)]
    pub(crate) short: String,
    pub(crate) bytes: u64,
    pub(crate) why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// No setting makes it smaller.
    DoesNotShrink,
    /// It comes hardly sooner, or later.
    NotSooner,
    /// It is below the least length of the default policy.
    Small,
}

pub(crate) fn advise(bodies: &[Sheet], total: &Sheet, line: Line, sends: u32) -> Advice {
    let worth = |row: &&Row| row.on_line_seconds < total.on_line_as_it_is_seconds;
    let choice = |row: &Row| Choice::new(row, total, line);
    let gzip = |row: &&Row| row.setting.coding == Coding::Gzip;
    let shrinking = total.candidates().filter(|row| row.bytes < total.bytes);
    // The work is done once for so many sends, and each has its share of it.
    let shared = |row: &Row| {
        row.on_line_seconds - row.encode_seconds + row.encode_seconds / f64::from(sends)
    };
    Advice {
        once: best(total.candidates().filter(worth)).map(choice),
        gzip_only: best(total.candidates().filter(gzip).filter(worth)).map(choice),
        often: shrinking
            .min_by(|a, b| shared(a).total_cmp(&shared(b)))
            .map(choice),
        as_they_are: bodies.iter().filter_map(as_it_is).collect(),
    }
}

/// The row that is soonest there; of those as soon, the one that takes the least work.
fn best<'a>(rows: impl Iterator<Item = &'a Row> + Clone) -> Option<&'a Row> {
    let soonest = rows
        .clone()
        .map(|row| row.on_line_seconds)
        .min_by(f64::total_cmp)?;
    rows.filter(|row| row.on_line_seconds <= soonest * (1.0 + SAME))
        .min_by(|a, b| a.encode_seconds.total_cmp(&b.encode_seconds))
}

fn as_it_is(body: &Sheet) -> Option<AsItIs> {
    let why = if body.rows.iter().all(|row| row.not_smaller > 0) {
        Why::DoesNotShrink
    } else if body.small {
        Why::Small
    } else {
        let soonest = body.soonest()?.on_line_seconds;
        if soonest <= body.on_line_as_it_is_seconds * (1.0 - WORTH) {
            return None;
        }
        Why::NotSooner
    };
    Some(AsItIs {
        name: body.name.clone(),
        short: body.short.clone(),
        bytes: body.bytes,
        why,
    })
}

impl Choice {
    fn new(row: &Row, total: &Sheet, line: Line) -> Self {
        let work = row.encode_seconds + row.decode_seconds;
        let saved_bits = (total.bytes - row.bytes) as f64 * 8.0;
        Self {
            setting: row.setting,
            bytes: row.bytes,
            ratio: row.ratio,
            encode_seconds: row.encode_seconds,
            on_line_seconds: row.on_line_seconds,
            pays_below_bits_per_second: (work > 0.0).then(|| Line(saved_bits / work)),
            lines_of_one_processor: line.seconds(row.bytes) / row.encode_seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;
    use crate::report::tests::{Case, FASTEST, SMALLEST, report};

    /// On this line a byte takes a microsecond.
    fn advice(bodies: &[Case<'_>]) -> Report {
        report(&["--line", "8Mbit/s", "--sends", "10"], bodies)
    }

    #[test]
    fn once_the_work_counts_and_often_the_bytes_do() {
        let advice = advice(&[("a", 10_000, [(3_000, 100e-6), (2_000, 5_000e-6)])]).advice;
        let once = advice.once.unwrap();
        assert_eq!(once.setting, FASTEST);
        // 7,000 bytes saved for 100 us of work.
        assert_eq!(once.pays_below_bits_per_second.unwrap().0.round(), 560e6);
        assert!((once.lines_of_one_processor - 30.0).abs() < 1e-9);
        assert_eq!(advice.gzip_only.unwrap().setting, FASTEST);
        assert_eq!(advice.often.unwrap().setting, SMALLEST);
        assert!(advice.as_they_are.is_empty());
    }

    #[test]
    fn what_is_as_soon_with_less_work_is_chosen() {
        let soon = advice(&[("a", 10_000, [(3_000, 1_000e-6), (2_000, 1_990e-6)])]).advice;
        assert_eq!(soon.once.unwrap().setting, FASTEST);
        let later = advice(&[("a", 10_000, [(3_000, 1_000e-6), (2_000, 1_900e-6)])]).advice;
        assert_eq!(later.once.unwrap().setting, SMALLEST);
        assert_eq!(later.gzip_only.unwrap().setting, SMALLEST);
    }

    #[test]
    fn where_no_setting_is_sooner_none_is_chosen() {
        let advice = advice(&[("a", 10_000, [(9_999, 100e-6), (9_000, 2_000e-6)])]).advice;
        assert!(advice.once.is_none() && advice.gzip_only.is_none());
        assert_eq!(advice.often.unwrap().setting, SMALLEST);
        assert_eq!(advice.as_they_are[0].why, Why::NotSooner);
    }

    #[test]
    fn each_body_that_is_better_as_it_is_is_named() {
        let advice = advice(&[
            ("fine", 10_000, [(3_000, 100e-6), (2_000, 100e-6)]),
            ("noise", 10_000, [(10_000, 100e-6), (10_000, 100e-6)]),
            ("picture", 10_000, [(9_700, 100e-6), (10_000, 100e-6)]),
            ("record", 300, [(200, 5e-6), (200, 5e-6)]),
        ])
        .advice;
        let found: Vec<_> = advice
            .as_they_are
            .iter()
            .map(|a| (&*a.name, a.why))
            .collect();
        assert_eq!(
            found,
            [
                ("noise", Why::DoesNotShrink),
                ("picture", Why::NotSooner),
                ("record", Why::Small)
            ]
        );
    }
}
