//! The measurement: each setting on each body, in turn, until the time is up.

use crm_perf::clock::{Clock, Tick};

use crate::bodies::Body;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::setting::Setting;

/// A sample takes at least so long, by repetition; reading the clock is nothing beside it.
const SAMPLE: f64 = 20e-6;
/// No setting is measured more often on one body.
const MOST_SAMPLES: usize = 101;

/// What a setting made of a body.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// What is sent: the body itself where the setting does not make it smaller.
    pub(crate) bytes: u64,
    pub(crate) shrank: bool,
    /// Medians, in seconds. Who does not shrink a body has spent the time all the same.
    pub(crate) encode: f64,
    /// Zero unless it was asked for.
    pub(crate) decode: f64,
    pub(crate) samples: usize,
}

/// For how long, and whether decoding is measured too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seconds: f64,
    pub(crate) decompress: bool,
}

/// A setting on a body, as far as it has been measured.
struct Pair<'a> {
    body: &'a Body,
    setting: Setting,
    /// The bytes that are sent where it shrank.
    sent: Option<u64>,
    /// What is sent, where decoding is measured too.
    kept: Option<Vec<u8>>,
    repeats: u32,
    spent: f64,
    encode: Vec<f64>,
    decode: Vec<f64>,
}

/// Measures all settings on all bodies; the outcomes are by body, in the order of the settings.
///
/// A first round encodes everything once, decodes it and compares. The rounds that follow are in an order drawn anew, so that a
/// drift of the machine meets all alike; each pair has the same share of the time, and who has used up his own waits. The first
/// round counts only where nothing follows it.
pub(crate) fn measure(
    bodies: &[Body],
    settings: &[Setting],
    plan: Plan,
    clock: &Clock,
) -> Result<Vec<Vec<Outcome>>, Failure> {
    let started = clock.now();
    let seconds_since = |tick: Tick| (clock.now() - tick).as_secs_f64();
    let mut pairs = Vec::with_capacity(bodies.len() * settings.len());
    let progress = Progress::of((bodies.len() * settings.len()) as u64, "first round");
    for body in bodies {
        for &setting in settings {
            let pair = Pair::first(body, setting, plan.decompress, clock);
            progress.set(pairs.len() as u64 + 1);
            match pair {
                Ok(pair) => pairs.push(pair),
                Err(failure) => {
                    progress.finish();
                    return Err(failure);
                }
            }
        }
    }
    progress.finish();

    let progress = Progress::of((plan.seconds * 1e3) as u64, "measuring");
    let share = plan.seconds / pairs.len() as f64;
    let mut chance = fastrand::Rng::with_seed(1);
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    let mut seen = started;
    'rounds: for round in 0..MOST_SAMPLES {
        chance.shuffle(&mut order);
        let mut waits = true;
        for &at in &order {
            let pair = &mut pairs[at];
            // Three samples are a median; more must fit into the share.
            if round >= 3 && pair.spent > share {
                continue;
            }
            let spent = seconds_since(started);
            if spent + pair.expected() > plan.seconds {
                if spent > plan.seconds {
                    break 'rounds;
                }
                continue;
            }
            waits = false;
            pair.sample(clock);
            if seconds_since(seen) > 0.1 {
                seen = clock.now();
                progress.set((seconds_since(started) * 1e3) as u64);
            }
        }
        if waits {
            break;
        }
    }
    progress.finish();

    let outcomes: Vec<_> = pairs.iter().map(Pair::outcome).collect();
    Ok(outcomes
        .chunks(settings.len())
        .map(<[Outcome]>::to_vec)
        .collect())
}

impl<'a> Pair<'a> {
    /// The first round: whether the body comes back, and how long it takes about.
    fn first(
        body: &'a Body,
        setting: Setting,
        decompress: bool,
        clock: &Clock,
    ) -> Result<Self, Failure> {
        let (sent, spent) = timed(clock, 1, || setting.encode(&body.bytes));
        let mut decode = Vec::new();
        if let Some(encoded) = &sent {
            let differs = |why: String| Failure::Differs {
                body: body.name.clone(),
                setting,
                why,
            };
            let (decoded, spent) = timed(clock, 1, || setting.decode(encoded, body.bytes.len()));
            if decompress {
                decode.push(spent);
            }
            let decoded = decoded.map_err(differs)?;
            if decoded != body.bytes {
                let same = decoded.iter().zip(&body.bytes).take_while(|(a, b)| a == b);
                return Err(differs(format!("they part at byte {}", same.count())));
            }
        }
        Ok(Self {
            body,
            setting,
            sent: sent.as_ref().map(|sent| sent.len() as u64),
            kept: sent.filter(|_| decompress),
            repeats: (SAMPLE / spent.max(1e-9)).ceil().clamp(1.0, 1e3) as u32,
            spent: 0.0,
            encode: vec![spent],
            decode,
        })
    }

    /// For how long a sample will take, about.
    fn expected(&self) -> f64 {
        f64::from(self.repeats) * self.encode.last().copied().unwrap_or(0.0)
    }

    fn sample(&mut self, clock: &Clock) {
        let (setting, body) = (self.setting, &self.body.bytes);
        let (_, encode) = timed(clock, self.repeats, || setting.encode(body));
        self.spent += encode * f64::from(self.repeats);
        self.encode.push(encode);
        if let Some(encoded) = &self.kept {
            let (_, decode) = timed(clock, self.repeats, || setting.decode(encoded, body.len()));
            self.spent += decode * f64::from(self.repeats);
            self.decode.push(decode);
        }
    }

    fn outcome(&self) -> Outcome {
        Outcome {
            bytes: self.sent.unwrap_or(self.body.bytes.len() as u64),
            shrank: self.sent.is_some(),
            encode: median_but_first(&self.encode),
            decode: median_but_first(&self.decode),
            samples: (self.encode.len() - 1).max(1),
        }
    }
}

/// What `work` gives, and the seconds that one of so many runs of it takes.
fn timed<T>(clock: &Clock, repeats: u32, work: impl Fn() -> T) -> (T, f64) {
    let start = clock.now();
    for _ in 1..repeats {
        std::hint::black_box(work());
    }
    let result = std::hint::black_box(work());
    let elapsed = clock.now() - start;
    (result, elapsed.as_secs_f64() / f64::from(repeats))
}

/// The lower median of all but the first, which counts where it is alone. Zero of nothing.
fn median_but_first(times: &[f64]) -> f64 {
    let mut times = match times {
        [] => return 0.0,
        [first] => return *first,
        [_, others @ ..] => others.to_vec(),
    };
    times.sort_by(f64::total_cmp);
    times[(times.len() - 1) / 2]
}

#[cfg(test)]
mod tests {
    use crm_perf::compress::{Coding, Level};

    use super::*;

    #[test]
    fn the_first_counts_where_it_is_alone() {
        assert_eq!(median_but_first(&[]), 0.0);
        assert_eq!(median_but_first(&[7.0]), 7.0);
        assert_eq!(median_but_first(&[7.0, 1.0]), 1.0);
        assert_eq!(median_but_first(&[7.0, 3.0, 1.0, 2.0, 9.0]), 2.0);
    }

    #[test]
    fn outcomes_are_by_body_in_the_order_of_the_settings() {
        let body = |name: &str, bytes: Vec<u8>| Body {
            name: name.to_owned(),
            bytes,
            media_type: None,
        };
        let bodies = [
            body("long", b"a line of a body\n".repeat(100)),
            body("short", b"ab".to_vec()),
        ];
        let settings = [Level::Fastest, Level::Smallest].map(|level| Setting {
            coding: Coding::Gzip,
            level,
        });
        let plan = Plan {
            seconds: 0.05,
            decompress: true,
        };
        let outcomes = measure(&bodies, &settings, plan, &Clock::system()).unwrap();
        for (body, of_body) in bodies.iter().zip(&outcomes) {
            for (setting, outcome) in settings.iter().zip(of_body) {
                let sent = setting.encode(&body.bytes);
                assert_eq!(outcome.shrank, sent.is_some());
                assert_eq!(
                    outcome.bytes as usize,
                    sent.unwrap_or(body.bytes.clone()).len()
                );
                assert!(outcome.encode > 0.0 && outcome.samples > 0, "{outcome:?}");
                assert_eq!(outcome.decode > 0.0, outcome.shrank);
            }
        }
        assert!(outcomes[0][0].shrank && !outcomes[1][0].shrank);
    }

    #[test]
    fn without_time_each_is_still_measured_once() {
        let bodies = [Body {
            name: "body".to_owned(),
            bytes: vec![b'a'; 1000],
            media_type: None,
        }];
        let settings = [Setting {
            coding: Coding::Deflate,
            level: Level::Fastest,
        }];
        let plan = Plan {
            seconds: 0.0,
            decompress: false,
        };
        let outcomes = measure(&bodies, &settings, plan, &Clock::system()).unwrap();
        assert_eq!(outcomes[0][0].samples, 1);
        assert!(outcomes[0][0].encode > 0.0);
    }
}
