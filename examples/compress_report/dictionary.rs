//! What a dictionary would bring: trained on one half of the bodies, tested on the other.
//!
//! Many small records have the same names and much the same values, and each is too short to refer to its own beginning. With
//! `dcz` (RFC 9842) both ends hold what the records share. The halves are disjoint, and no body is in twice.

use crm_perf::clock::Clock;
use crm_perf::compress::{Coding, Dictionary, Level, encode};
use serde::Serialize;

use crate::bodies::Body;
use crate::failure::Failure;

/// With fewer bodies, a dictionary holds them rather than what they share.
const LEAST: usize = 40;
/// Longer bodies have their own beginning to refer to.
const LONGEST_MEAN: usize = 16 * 1024;
/// Samples are together some ten times as long as a dictionary.
const SAMPLES: usize = 10;
const SIZES: (usize, usize) = (1024, 32 * 1024);
/// The times are medians of so many.
const REPEATS: usize = 5;

/// What came of the half that was not trained on, all at the balanced level.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Gain {
    pub(crate) dictionary_bytes: usize,
    pub(crate) trained_on: usize,
    pub(crate) tested_on: usize,
    /// As they are.
    pub(crate) bytes: usize,
    pub(crate) gzip_bytes: usize,
    pub(crate) zstd_bytes: usize,
    pub(crate) dcz_bytes: usize,
    pub(crate) zstd_seconds: f64,
    pub(crate) dcz_seconds: f64,
}

/// Tries it, where there are many bodies and they are small.
pub(crate) fn try_out(bodies: &[Body], clock: &Clock) -> Result<Option<Gain>, Failure> {
    let all: usize = bodies.iter().map(|body| body.bytes.len()).sum();
    if bodies.len() < LEAST || all > LONGEST_MEAN * bodies.len() {
        return Ok(None);
    }
    let half = |which| bodies.iter().skip(which).step_by(2);
    let (training, test): (Vec<_>, Vec<_>) = (half(0).collect(), half(1).collect());
    let samples: usize = training.iter().map(|body| body.bytes.len()).sum();
    let size = (samples / SAMPLES).clamp(SIZES.0, SIZES.1);
    // Bodies that have nothing in common cannot be trained on.
    let Ok(dictionary) = Dictionary::train(training.iter().map(|body| &body.bytes), size) else {
        return Ok(None);
    };

    let with = |body: &Body| dictionary.encode(Level::Balanced, &body.bytes);
    for body in &test {
        let differs = |why: &str| Failure::DiffersByDictionary {
            body: body.name.clone(),
            why: why.to_owned(),
        };
        let encoded = with(body);
        // A head of 40 bytes names the dictionary, and a frame of zstd follows.
        let frame = encoded.get(40..).ok_or_else(|| differs("it has no head"))?;
        let mut back = Vec::with_capacity(body.bytes.len());
        zstd_safe::DCtx::create()
            .decompress_using_dict(&mut back, frame, dictionary.as_bytes())
            .map_err(|code| differs(zstd_safe::get_error_name(code)))?;
        if back != body.bytes {
            return Err(differs("the bytes are others"));
        }
    }
    let total = |encode: &dyn Fn(&Body) -> Vec<u8>| -> (usize, f64) {
        let start = clock.now();
        let bytes = test.iter().map(|body| encode(body).len()).sum();
        (bytes, (clock.now() - start).as_secs_f64())
    };
    let by = |coding| move |body: &Body| encode(coding, Level::Balanced, &body.bytes);
    let (gzip_bytes, _) = total(&by(Coding::Gzip));
    let (mut zstd, mut dcz) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        zstd.push(total(&by(Coding::Zstd)));
        dcz.push(total(&with));
    }
    Ok(Some(Gain {
        dictionary_bytes: dictionary.as_bytes().len(),
        trained_on: training.len(),
        tested_on: test.len(),
        bytes: test.iter().map(|body| body.bytes.len()).sum(),
        gzip_bytes,
        zstd_bytes: zstd[0].0,
        dcz_bytes: dcz[0].0,
        zstd_seconds: median(&mut zstd),
        dcz_seconds: median(&mut dcz),
    }))
}

fn median(runs: &mut [(usize, f64)]) -> f64 {
    runs.sort_by(|a, b| a.1.total_cmp(&b.1));
    runs[runs.len() / 2].1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(count: usize, one: impl Fn(usize) -> String) -> Vec<Body> {
        (0..count)
            .map(|id| Body {
                name: id.to_string(),
                bytes: one(id).into_bytes(),
                media_type: None,
            })
            .collect()
    }

    fn record(id: usize) -> String {
        format!(
            "{{\"type\":\"customer\",\"id\":{id},\"name\":\"Customer {}\",\"address\":{{\"city\":\"London\",\"country\":\"United \
             Kingdom\"}},\"status\":\"active\",\"revenue\":{}}}",
            id * 7919 % 1000,
            id * 104_729 % 9973
        )
    }

    #[test]
    fn small_records_shrink_far_more_with_a_dictionary() {
        let bodies = bodies(300, record);
        let gain = try_out(&bodies, &Clock::system()).unwrap().unwrap();
        assert_eq!((gain.trained_on, gain.tested_on), (150, 150));
        let tested: usize = (1..300).step_by(2).map(|id| record(id).len()).sum();
        assert_eq!(gain.bytes, tested);
        assert!(gain.dcz_bytes * 3 < gain.zstd_bytes * 2, "{gain:?}");
        assert!(gain.dictionary_bytes <= SIZES.1);
    }

    #[test]
    fn few_or_long_bodies_need_none() {
        let clock = Clock::system();
        assert!(
            try_out(&bodies(LEAST - 1, record), &clock)
                .unwrap()
                .is_none()
        );
        let long = |id: usize| record(id).repeat(200);
        assert!(try_out(&bodies(LEAST, long), &clock).unwrap().is_none());
        assert!(try_out(&[], &clock).unwrap().is_none());
    }
}
