//! Values as services see them, and as somebody chooses them who wants quantiles to be wrong.

use fastrand::Rng;

use crm_monitor::Layout;

/// A source of values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Distribution {
    /// Response times of one kind of request: the logarithm is normal.
    Lognormal { median: f64, sigma: f64 },
    /// Hits and misses of a cache: two lognormal humps, a part of the values in the first.
    Bimodal { first: f64, second: f64, part: f64 },
    /// A heavy tail: the smaller the shape, the heavier.
    Pareto { least: f64, shape: f64 },
    /// The same value every time.
    One(u64),
    /// Nothing but the first and the last value of buckets.
    Edges,
    /// Two values, far apart.
    Two(u64, u64),
    /// Every width of number is as likely as any other.
    AnyWidth,
    /// A lot of one value, and one value in a thousand that is far away.
    Needle { hay: u64, needle: u64 },
}

impl Distribution {
    pub(crate) fn draw(&self, layout: &Layout, random: &mut Rng) -> u64 {
        match *self {
            Self::Lognormal { median, sigma } => (median * (sigma * normal(random)).exp()) as u64,
            Self::Bimodal {
                first,
                second,
                part,
            } => {
                let median = if random.f64() < part { first } else { second };
                (median * (0.2 * normal(random)).exp()) as u64
            }
            // Its distribution function, inverted.
            Self::Pareto { least, shape } => {
                (least * (1.0 - random.f64()).powf(-shape.recip())) as u64
            }
            Self::One(value) => value,
            Self::Edges => {
                let bounds = layout.bounds(random.usize(0..layout.len()));
                *if random.bool() {
                    bounds.start()
                } else {
                    bounds.end()
                }
            }
            Self::Two(a, b) => {
                if random.bool() {
                    a
                } else {
                    b
                }
            }
            Self::AnyWidth => random.u64(..) >> random.u32(0..64),
            Self::Needle { hay, needle } => {
                if random.u32(0..1_000) == 0 {
                    needle
                } else {
                    hay
                }
            }
        }
    }
}

/// A normal number (Box and Muller 1958).
fn normal(random: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.f64()).cos()
}
