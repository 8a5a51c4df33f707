//! What is compared is measured in turn, so that a drift of the machine meets all of it.

use std::fmt;

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

/// Something that is measured once in each round.
pub(crate) struct Contender<'a> {
    pub(crate) name: &'static str,
    /// The name of what it is compared with.
    pub(crate) against: &'static str,
    /// Measures round number so and so.
    run: Box<dyn FnMut(usize) -> f64 + 'a>,
}

impl<'a> Contender<'a> {
    pub(crate) fn new(
        name: &'static str,
        against: &'static str,
        run: impl FnMut(usize) -> f64 + 'a,
    ) -> Self {
        Self {
            name,
            against,
            run: Box::new(run),
        }
    }
}

/// What was measured of one contender, round by round.
pub(crate) struct Figures {
    pub(crate) name: &'static str,
    pub(crate) against: &'static str,
    pub(crate) rounds: Vec<f64>,
}

impl Figures {
    pub(crate) fn median(&self) -> f64 {
        Spread::of(self.rounds.clone()).median
    }

    /// Compares each round with the same round of another contender.
    pub(crate) fn compare(&self, other: &Self, by: impl Fn(f64, f64) -> f64) -> Spread {
        let pairs = self.rounds.iter().zip(&other.rounds);
        Spread::of(pairs.map(|(&own, &other)| by(own, other)).collect())
    }
}

/// The median and the quartiles.
pub(crate) struct Spread {
    low: f64,
    pub(crate) median: f64,
    high: f64,
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let last = figures.len() - 1;
        Self {
            low: figures[last / 4],
            median: figures[figures.len() / 2],
            high: figures[last - last / 4],
        }
    }
}

/// Two columns of a table: the median, and the quartiles around it.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { low, median, high } = self;
        let digits = f.precision().unwrap_or(2);
        write!(f, "{median:.digits$} | {low:.digits$} to {high:.digits$}")
    }
}

/// Measures all contenders in each round, in an order that is drawn anew each time: what one leaves behind in the
/// processor's caches meets them all. A round before those that count warms up.
pub(crate) fn in_turn(contenders: &mut [Contender<'_>], rounds: usize) -> Vec<Figures> {
    let mut figures: Vec<_> = contenders
        .iter()
        .map(|contender| Figures {
            name: contender.name,
            against: contender.against,
            rounds: Vec::with_capacity(rounds),
        })
        .collect();
    let mut order: Vec<_> = (0..contenders.len()).collect();
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(1);
    for round in 0..=rounds {
        order.shuffle(&mut chance);
        for &index in &order {
            let figure = (contenders[index].run)(round);
            if round > 0 {
                figures[index].rounds.push(figure);
            }
        }
    }
    figures
}

/// The figures of the contender of this name.
pub(crate) fn of<'a>(figures: &'a [Figures], name: &str) -> &'a Figures {
    let found = figures.iter().find(|figures| figures.name == name);
    found.expect("contenders are compared with one another")
}
