//! Scoring: how recently, how often and for how much each customer bought, each as a score from 1 to 5.
//!
//! The scores are quintiles: a fifth of the customers gets each, ties together. Measuring a customer takes all of the
//! customer's lines and depends on nobody else, which is what a batch is for; where the fifths lie needs everyone and
//! stays on one thread in both ways.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crm_perf::batch::Batch;
use fastrand::Rng;
use serde::Serialize;

use super::Context;
use crate::database::{Database, Purchase};
use crate::failure::Failure;
use crate::invoice::CustomerId;
use crate::tally::{Counter, Tally};
use crate::timing::{median, timed};

/// The figures of the leg.
#[derive(Debug, Serialize)]
pub(crate) struct Scoring {
    pub(crate) input: Tally,
    pub(crate) repeats: usize,
    pub(crate) as_in_the_file: Comparison,
    /// Each customer several times: once as in the file, and as replicas whose lines are drawn anew from the customer's
    /// own, with replacement. Lines stay with their invoices' numbers and dates.
    pub(crate) replicated: Comparison,
    /// The customers of the file with the highest and the lowest score in all three.
    pub(crate) best: usize,
    pub(crate) weakest: usize,
}

/// One thread against the batch, on equal input with equal results.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) scale: u64,
    pub(crate) customers: usize,
    pub(crate) lines: usize,
    pub(crate) one_thread_seconds: f64,
    pub(crate) batch_seconds: f64,
    pub(crate) equal: bool,
}

/// One line of one invoice, reduced to what scoring needs.
#[derive(Clone, Copy, Debug)]
struct Bought {
    invoice: u32,
    at: i64,
    mills: i64,
}

/// A customer and all that the customer bought.
#[derive(Clone, Debug)]
struct History {
    customer: CustomerId,
    bought: Vec<Bought>,
}

/// What a customer is scored by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Measures {
    customer: CustomerId,
    /// Of the last order; later is better.
    last_at: i64,
    invoices: i64,
    mills: i64,
}

/// From 1, the weakest fifth, to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Score {
    customer: CustomerId,
    recency: u8,
    frequency: u8,
    monetary: u8,
}

pub(crate) fn run(context: &Context<'_>, path: &Path) -> Result<Scoring, Failure> {
    context.progress.step("scoring");
    let purchases = Database::open(path)?.purchases()?;
    let input = Counter::from(purchases.iter().map(|purchase| purchase.customer)).tally();
    let histories = histories(&purchases);
    drop(purchases);

    let (as_in_the_file, scores) = compare(context, &histories, 1)?;
    let scale = context.args.score_scale();
    let replicas = replicate(&histories, scale, context.args.seed);
    drop(histories);
    let (replicated, _) = compare(context, &replicas, scale)?;
    let count = |wanted: u8| {
        scores
            .iter()
            .filter(|s| [s.recency, s.frequency, s.monetary] == [wanted; 3])
            .count()
    };
    Ok(Scoring {
        input,
        repeats: context.args.repeats(),
        as_in_the_file,
        replicated,
        best: count(5),
        weakest: count(1),
    })
}

fn compare(
    context: &Context<'_>,
    histories: &[History],
    scale: u64,
) -> Result<(Comparison, Vec<Score>), Failure> {
    let (mut serial, mut parallel) = (Vec::new(), Vec::new());
    let mut scores = Vec::new();
    for _ in 0..context.args.repeats() {
        let (one, elapsed) = timed(context.clock, || score_on_one_thread(histories));
        serial.push(elapsed.as_secs_f64());
        let (batch, elapsed) = timed(context.clock, || score_as_batch(histories));
        parallel.push(elapsed.as_secs_f64());
        if one != batch {
            return Err(Failure::Disagree(
                "scores of one thread and of the batch".to_owned(),
            ));
        }
        scores = batch;
    }
    let comparison = Comparison {
        scale,
        customers: histories.len(),
        lines: histories.iter().map(|history| history.bought.len()).sum(),
        one_thread_seconds: median(&serial).unwrap_or(0.0),
        batch_seconds: median(&parallel).unwrap_or(0.0),
        equal: true,
    };
    Ok((comparison, scores))
}

fn score_on_one_thread(histories: &[History]) -> Vec<Score> {
    let measures: Vec<Measures> = histories.iter().map(measure).collect();
    score(&measures)
}

fn score_as_batch(histories: &[History]) -> Vec<Score> {
    let measures: Vec<Measures> = Batch::new().map(histories, measure);
    score(&measures)
}

fn measure(history: &History) -> Measures {
    let bought = &history.bought;
    let mut invoices: Vec<u32> = bought.iter().map(|line| line.invoice).collect();
    invoices.sort_unstable();
    invoices.dedup();
    Measures {
        customer: history.customer,
        last_at: bought.iter().map(|line| line.at).max().unwrap_or(i64::MIN),
        invoices: invoices.len() as i64,
        mills: bought
            .iter()
            .fold(0, |sum: i64, line| sum.saturating_add(line.mills)),
    }
}

fn score(measures: &[Measures]) -> Vec<Score> {
    let recency = Fifths::of(measures.iter().map(|m| m.last_at));
    let frequency = Fifths::of(measures.iter().map(|m| m.invoices));
    let monetary = Fifths::of(measures.iter().map(|m| m.mills));
    let score = |m: &Measures| Score {
        customer: m.customer,
        recency: recency.score(m.last_at),
        frequency: frequency.score(m.invoices),
        monetary: monetary.score(m.mills),
    };
    measures.iter().map(score).collect()
}

/// The largest value of each of the four lower fifths.
#[derive(Debug, PartialEq, Eq)]
struct Fifths([i64; 4]);

impl Fifths {
    fn of(values: impl Iterator<Item = i64>) -> Self {
        let mut values: Vec<i64> = values.collect();
        // Four selections, each in what lies above the one before, are cheaper than a sort.
        let (count, mut done) = (values.len(), 0);
        Self([1, 2, 3, 4].map(|fifth| {
            let at = (count * fifth).div_ceil(5).saturating_sub(1);
            let Some(above) = values.get_mut(done..).filter(|above| !above.is_empty()) else {
                return i64::MAX;
            };
            let (_, value, _) = above.select_nth_unstable(at.saturating_sub(done));
            let value = *value;
            done = at;
            value
        }))
    }

    fn score(&self, value: i64) -> u8 {
        1 + self
            .0
            .iter()
            .map(|&bound| u8::from(value > bound))
            .sum::<u8>()
    }
}

/// The lines of each customer, customers by number, lines as they came.
fn histories(purchases: &[Purchase]) -> Vec<History> {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut customers: BTreeMap<CustomerId, Vec<Bought>> = BTreeMap::new();
    for purchase in purchases {
        let Some(customer) = purchase.customer else {
            continue;
        };
        let next = numbers.len() as u32;
        let invoice = *numbers.entry(&purchase.invoice).or_insert(next);
        customers.entry(customer).or_default().push(Bought {
            invoice,
            at: purchase.ordered_at,
            mills: purchase.total_mills,
        });
    }
    customers
        .into_iter()
        .map(|(customer, bought)| History { customer, bought })
        .collect()
}

/// The customers as they are, and `scale - 1` replicas of each with lines drawn anew.
fn replicate(histories: &[History], scale: u64, seed: u64) -> Vec<History> {
    let mut rng = Rng::with_seed(seed);
    let mut all = histories.to_vec();
    let largest = histories.iter().map(|h| h.customer).max().unwrap_or(0);
    // Numbers that no customer of the file has; the reader lets none above i64::MAX through.
    let mut numbers = largest + 1..;
    for _ in 1..scale {
        all.extend(
            histories
                .iter()
                .zip(&mut numbers)
                .map(|(history, customer)| History {
                    customer,
                    bought: (0..history.bought.len())
                        .map(|_| history.bought[rng.usize(..history.bought.len())])
                        .collect(),
                }),
        );
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn history(customer: CustomerId, lines: &[(u32, i64, i64)]) -> History {
        let bought = lines
            .iter()
            .map(|&(invoice, at, mills)| Bought { invoice, at, mills });
        History {
            customer,
            bought: bought.collect(),
        }
    }

    fn random(customers: u64, seed: u64) -> Vec<History> {
        let mut rng = Rng::with_seed(seed);
        (0..customers)
            .map(|customer| {
                let lines: Vec<_> = (0..rng.usize(1..40))
                    .map(|_| (rng.u32(..12), rng.i64(0..1_000), rng.i64(-50..5_000)))
                    .collect();
                history(customer, &lines)
            })
            .collect()
    }

    #[test]
    fn measures_are_last_date_distinct_invoices_and_sum() {
        let measured = measure(&history(9, &[(4, 70, 10), (2, 90, 5), (4, 80, -3)]));
        let expected = Measures {
            customer: 9,
            last_at: 90,
            invoices: 2,
            mills: 12,
        };
        assert_eq!(measured, expected);
    }

    #[test]
    fn a_fifth_gets_each_score_and_ties_get_the_same() {
        let fifths = Fifths::of(1..=10);
        let scores: Vec<u8> = (1..=10).map(|value| fifths.score(value)).collect();
        assert_eq!(scores, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        let tied = Fifths::of([7; 10].into_iter());
        assert_eq!(tied.score(7), 1);
        assert_eq!(Fifths::of([3].into_iter()).score(3), 1);
    }

    #[test]
    fn fifths_are_those_of_a_sorted_list() {
        let mut rng = Rng::with_seed(3);
        for count in 1..60_usize {
            let values: Vec<i64> = (0..count).map(|_| rng.i64(-9..9)).collect();
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let expected = [1, 2, 3, 4].map(|fifth| sorted[(count * fifth).div_ceil(5) - 1]);
            assert_eq!(Fifths::of(values.into_iter()), Fifths(expected));
        }
    }

    #[test]
    fn the_batch_scores_as_one_thread_does() {
        for customers in [0, 1, 2, 7, 500, 5_000] {
            let histories = random(customers, customers);
            assert_eq!(score_as_batch(&histories), score_on_one_thread(&histories));
        }
    }

    #[test]
    fn replicas_keep_sizes_and_have_numbers_of_their_own() {
        let histories = random(50, 1);
        let all = replicate(&histories, 4, 9);
        assert_eq!(all.len(), 200);
        let ids: HashSet<CustomerId> = all.iter().map(|h| h.customer).collect();
        assert_eq!(ids.len(), 200);
        for (replica, original) in all[50..].iter().zip(histories.iter().cycle()) {
            assert_eq!(replica.bought.len(), original.bought.len());
        }
    }
}
