//! The service time: a distribution with the mean and the variation that were given.
//!
//! Two moments leave the distribution open. Where it matters, for percentiles, the usual choice is made: constant without
//! variation, gamma below that of the exponential distribution, exponential at it, and above it a mixture of two exponential
//! ones with balanced means (H. C. Tijms, "Stochastic Models: An Algorithmic Approach", Wiley 1994, appendix B).

/// Cells into which a gamma distribution is cut.
const CELLS: usize = 600;

/// A service time in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    mean: f64,
    scv: f64,
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Shape {
    Constant,
    /// Cells in ascending order, over each of which the density is taken as even.
    Cells(Vec<Cell>),
    /// Exponential stages, one of which a request goes through.
    Branches(Vec<Branch>),
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    from: f64,
    to: f64,
    share: f64,
}

#[derive(Clone, Copy, Debug)]
struct Branch {
    share: f64,
    rate: f64,
}

/// A wait: none for some, exponential for the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    /// The share that has to wait.
    pub(crate) waits: f64,
    /// The rate at which a wait ends.
    pub(crate) rate: f64,
}

impl Service {
    /// `mean` must be above zero, `scv` not below it, and both finite.
    pub(crate) fn new(mean: f64, scv: f64) -> Self {
        let shape = if scv == 0.0 {
            Shape::Constant
        } else if scv < 1.0 {
            Shape::Cells(gamma_cells(mean, scv))
        } else {
            // Each branch brings half of the mean. At a variation of one they are the same.
            let lean = ((scv - 1.0) / (scv + 1.0)).sqrt();
            // The smaller share without a difference of nearly equal numbers.
            let rare = 1.0 / ((scv + 1.0) * (1.0 + lean));
            let branch = |share: f64| Branch {
                share,
                rate: 2.0 * share / mean,
            };
            Shape::Branches(vec![branch(1.0 - rare), branch(rare)])
        };
        Self { mean, scv, shape }
    }

    pub(crate) fn mean(&self) -> f64 {
        self.mean
    }

    /// The squared coefficient of variation.
    pub(crate) fn scv(&self) -> f64 {
        self.scv
    }

    /// The share of responses, wait and service together, that take longer than `t`.
    pub(crate) fn response_tail(&self, wait: Wait, t: f64) -> f64 {
        let Wait { waits, rate } = wait;
        match &self.shape {
            Shape::Constant if t < self.mean => 1.0,
            Shape::Constant => waits * (-rate * (t - self.mean)).exp(),
            Shape::Cells(cells) => cells
                .iter()
                .map(|cell| {
                    let within = (t.min(cell.to) - cell.from).max(0.0);
                    let width = cell.to - cell.from;
                    // Of the services that are over by t, those whose wait was too long: the mean of e^(-rate (t - s)).
                    let over = (t - (cell.from + within)).max(0.0);
                    let late = waits * (-rate * over).exp() * mean_decay(rate * within);
                    cell.share * (1.0 - (within / width) * (1.0 - late))
                })
                .sum(),
            Shape::Branches(branches) => branches
                .iter()
                .map(|branch| {
                    let Branch { share, rate: mu } = *branch;
                    // The integral of mu e^(-mu s) e^(-rate (t - s)), from the slower of the two so that nothing overflows.
                    let (slow, fast) = (rate.min(mu), rate.max(mu));
                    let late = mu * t * (-slow * t).exp() * mean_decay((fast - slow) * t);
                    share * ((-mu * t).exp() + waits * late)
                })
                .sum(),
        }
    }
}

/// `(1 - e^-x) / x`: the mean of `e^-u` for `u` even between zero and `x`.
fn mean_decay(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { -(-x).exp_m1() / x }
}

/// A gamma distribution with an `scv` below one, from where it begins to matter to where it ceases to.
fn gamma_cells(mean: f64, scv: f64) -> Vec<Cell> {
    let deviation = scv.sqrt();
    let from = (1.0 - 12.0 * deviation).max(0.0);
    let to = 1.0 + 30.0 * deviation;
    // The upper half of the cells is wider: the density falls there more slowly than it rises.
    let edge = |i: usize| {
        let u = i as f64 / CELLS as f64;
        from + (to - from) * u * (0.25 + 0.75 * u)
    };
    let shape = 1.0 / scv;
    // The logarithm of the density at x times the mean, but for a constant; x is near one where the shape is large.
    let ln_density = |x: f64| {
        let ln = (x - 1.0).ln_1p();
        shape * (ln - (x - 1.0)) - ln
    };
    let mut cells: Vec<Cell> = (0..CELLS)
        .map(|i| {
            let (low, high) = (edge(i), edge(i + 1));
            Cell {
                from: mean * low,
                to: mean * high,
                share: (high - low) * ln_density(0.5 * (low + high)).exp(),
            }
        })
        .collect();
    let all: f64 = cells.iter().map(|cell| cell.share).sum();
    for cell in &mut cells {
        cell.share /= all;
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_WAIT: Wait = Wait {
        waits: 0.0,
        rate: 1.0,
    };

    impl Service {
        /// The share of services that take longer than `t`.
        fn tail(&self, t: f64) -> f64 {
            self.response_tail(NO_WAIT, t)
        }
    }

    /// The mean and the squared coefficient of variation by summing the tail.
    fn moments(service: &Service) -> (f64, f64) {
        let step = 1e-2;
        let (mut mean, mut square) = (0.0, 0.0);
        for i in 0..20_000 {
            let t = (f64::from(i) + 0.5) * step;
            let tail = service.tail(t);
            mean += tail * step;
            square += 2.0 * t * tail * step;
        }
        (mean, square / mean / mean - 1.0)
    }

    #[test]
    fn every_shape_has_the_moments_that_were_asked_for() {
        for scv in [0.0, 0.01, 0.25, 0.8, 1.0, 1.5, 6.0] {
            let (mean, found) = moments(&Service::new(2.0, scv));
            assert!((mean - 2.0).abs() < 2e-3, "{scv}: mean {mean}");
            assert!((found - scv).abs() < 2e-3 + 2e-3 * scv, "{scv}: {found}");
        }
    }

    #[test]
    fn two_stages_of_gamma_are_those_of_erlang() {
        // scv 1/2 is Erlang's distribution of two stages: P(S > t) = e^-2t (1 + 2t) for a mean of one.
        let service = Service::new(1.0, 0.5);
        for t in [0.1_f64, 0.5, 1.0, 3.0, 6.0] {
            let exact = (-2.0 * t).exp() * (1.0 + 2.0 * t);
            let found = service.tail(t);
            assert!((found / exact - 1.0).abs() < 2e-3, "{t}: {found} {exact}");
        }
    }

    #[test]
    fn an_exponential_service_after_an_exponential_wait_is_the_sum_of_both() {
        // Rates 1 and 1/2: P(S + W > t) = 2 e^(-t/2) - e^-t.
        let service = Service::new(1.0, 1.0);
        for waits in [0.0, 0.3, 1.0] {
            let wait = Wait { waits, rate: 0.5 };
            for t in [0.01_f64, 1.0, 7.0] {
                let both = 2.0 * (-t / 2.0).exp() - (-t).exp();
                let exact = (1.0 - waits) * (-t).exp() + waits * both;
                let found = service.response_tail(wait, t);
                assert!((found / exact - 1.0).abs() < 1e-12, "{t}: {found} {exact}");
            }
        }
    }

    #[test]
    fn a_tail_falls_from_one_to_zero() {
        for (scv, rate) in [0.0, 1e-9, 0.3, 0.999, 1.0, 1e6]
            .into_iter()
            .flat_map(|scv| [0.1, 1e4, 1e300].map(|rate| (scv, rate)))
        {
            let service = Service::new(3.0, scv);
            let wait = Wait { waits: 0.4, rate };
            let mut before = 1.0 + 1e-12;
            for i in 0..2_000 {
                let tail = service.response_tail(wait, f64::from(i) * 0.05);
                assert!(
                    tail <= before && tail >= 0.0,
                    "{scv}, {rate} at {i}: {tail}"
                );
                before = tail + 1e-12;
            }
            assert!((service.response_tail(NO_WAIT, 0.0) - 1.0).abs() < 1e-9);
        }
    }
}
