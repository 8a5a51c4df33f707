//! Approximate mean value analysis for any number of classes: Bard-Schweitzer, and the Linearizer.

use alloc::vec;
use alloc::vec::Vec;

/// What both need to know of a network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Classes<'a> {
    /// Service demands by station and class.
    pub(super) demands: &'a [Vec<f64>],
    /// Which stations have a line.
    pub(super) lines: &'a [bool],
    pub(super) think_times: &'a [f64],
}

/// What both tell.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub(super) throughputs: Vec<f64>,
    /// Mean numbers by station and class.
    pub(super) numbers: Vec<Vec<f64>>,
}

/// Deviations of the share of a class at a station when one request of a class is missing: by missing class, station, class.
type Deviations = Vec<Vec<Vec<f64>>>;

pub(super) fn bard_schweitzer(classes: &Classes<'_>, population: &[f64]) -> Figures {
    core(classes, population, &classes.no_deviations(), None)
}

pub(super) fn linearizer(classes: &Classes<'_>, population: &[f64]) -> Figures {
    let mut deviations = classes.no_deviations();
    let mut whole = core(classes, population, &deviations, None);
    let mut parts: Vec<Option<Figures>> = population.iter().map(|_| None).collect();
    // As many rounds as the authors take: more bring next to nothing.
    for _ in 0..3 {
        for (missing, part) in parts.iter_mut().enumerate() {
            if population[missing] >= 1.0 {
                let mut fewer = population.to_vec();
                fewer[missing] -= 1.0;
                *part = Some(core(classes, &fewer, &deviations, part.as_ref()));
            }
        }
        for (missing, part) in parts.iter().enumerate() {
            let Some(part) = part else { continue };
            for (k, by_class) in deviations[missing].iter_mut().enumerate() {
                for (class, deviation) in by_class.iter_mut().enumerate() {
                    let fewer = population[class] - f64::from(u8::from(class == missing));
                    *deviation = if fewer > 0.0 && population[class] > 0.0 {
                        part.numbers[k][class] / fewer - whole.numbers[k][class] / population[class]
                    } else {
                        0.0
                    };
                }
            }
        }
        whole = core(classes, population, &deviations, Some(&whole));
    }
    whole
}

/// Mean value analysis at one population, with the numbers seen on arrival taken from the shares at this one and the deviations.
fn core(
    classes: &Classes<'_>,
    population: &[f64],
    deviations: &Deviations,
    start: Option<&Figures>,
) -> Figures {
    let stations = classes.demands.len();
    let mut figures = start.cloned().unwrap_or_else(|| {
        let even = |class: usize| {
            let visited = classes
                .demands
                .iter()
                .filter(|demands| demands[class] > 0.0);
            population[class] / visited.count().max(1) as f64
        };
        Figures {
            throughputs: vec![0.0; population.len()],
            numbers: classes
                .demands
                .iter()
                .map(|demands| {
                    let one = |class: usize| {
                        if demands[class] > 0.0 {
                            even(class)
                        } else {
                            0.0
                        }
                    };
                    (0..population.len()).map(one).collect()
                })
                .collect(),
        }
    });
    for _ in 0..20_000 {
        let mut change = 0.0_f64;
        let before = figures.numbers.clone();
        for (class, &n) in population.iter().enumerate() {
            if n <= 0.0 {
                figures.throughputs[class] = 0.0;
                for numbers in &mut figures.numbers {
                    numbers[class] = 0.0;
                }
                continue;
            }
            let mut residence = vec![0.0; stations];
            for (k, time) in residence.iter_mut().enumerate() {
                let demand = classes.demands[k][class];
                let mut seen = 0.0;
                if classes.lines[k] {
                    for (other, &m) in population.iter().enumerate() {
                        if m > 0.0 {
                            let present = m - f64::from(u8::from(other == class));
                            seen += present * (before[k][other] / m + deviations[class][k][other]);
                        }
                    }
                }
                *time = demand * (1.0 + seen.max(0.0));
            }
            let cycle = classes.think_times[class] + residence.iter().sum::<f64>();
            let throughput = n / cycle;
            figures.throughputs[class] = throughput;
            for (numbers, time) in figures.numbers.iter_mut().zip(&residence) {
                let number = throughput * time;
                change = change.max((number - numbers[class]).abs() / n);
                numbers[class] = number;
            }
        }
        if change <= 1e-15 {
            break;
        }
    }
    figures
}

impl Classes<'_> {
    fn no_deviations(&self) -> Deviations {
        let classes = self.think_times.len();
        vec![vec![vec![0.0; classes]; self.demands.len()]; classes]
    }
}
