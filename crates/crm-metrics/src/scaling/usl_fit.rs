//! The parameters of the Universal Scalability Law from measurements.

use super::{Interval, Usl};
use crate::check;
use crate::error::ParamError;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::numeric::student;
use alloc::vec;
use alloc::vec::Vec;

/// A [`Usl`] fitted to measurements by least squares, with what the fit tells about its own accuracy.
///
/// # Formula
///
/// ```text
/// minimise  RSS = sum of (X_i - X(N_i))^2   over  gamma > 0,  0 <= alpha <= 1,  beta >= 0
/// s^2 = RSS / (m - 3),   covariance = s^2 (J' J)^-1
/// interval = estimate +- t(m - 3) * standard error
/// ```
///
/// `m` is the number of measurements and `J` the matrix of derivatives at the solution; `t` is the quantile of Student's
/// distribution for the two-sided confidence. The minimum is found by the method of Gauss and Newton with step control, started from
/// the exact solution of the linear problem for `N / X`. A parameter that the data would drive out of its range is held at
/// the end of it, and its standard error is zero.
///
/// A peak beyond the measured loads is an extrapolation. Ask [`beta_interval`](Self::beta_interval) before relying on it: where that
/// reaches down to zero, the measurements show no peak, wherever [`peak_load`](Usl::peak_load) may lie. Measurements that grow
/// in proportion can leave a `beta` of rounding errors, some 1e-18, and a peak at 1e9.
///
/// Source: N. J. Gunther 2007, as for [`Usl`]; the statistics as in D. M. Bates and D. G. Watts, "Nonlinear Regression Analysis
/// and Its Applications", Wiley 1988. Parameters and residual error agree with version 3.0.3 of the R package usl on its data
/// sets to all digits that it prints. Its intervals are narrower than these: see
/// [`r_package_intervals`](Self::r_package_intervals).
///
/// # Example
///
/// ```
/// use crm_metrics::scaling::UslFit;
///
/// // Measurements from the tests of the R package usl.
/// let measured = [(1.0, 20.0), (4.0, 78.0), (8.0, 130.0), (12.0, 170.0), (16.0, 190.0), (20.0, 200.0)];
/// let fit = UslFit::new(&measured)?;
/// assert!((fit.law().gamma() - 20.856_05).abs() < 1e-5);
/// assert!((fit.law().alpha() - 0.024_44).abs() < 1e-5);
/// // Six measurements leave three degrees of freedom: contention might as well be nothing.
/// let alpha = fit.alpha_interval(0.95)?;
/// assert!((alpha.low + 0.002_259).abs() < 1e-6 && (alpha.high - 0.051_147).abs() < 1e-6);
/// # Ok::<(), crm_metrics::ParamError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UslFit {
    law: Usl,
    measurements: u64,
    residual_sum_of_squares: f64,
    /// `(J' J)^-1` for gamma, alpha, beta; zero for what is held at an end of its range.
    inverse: [[f64; 3]; 3],
}

/// The values of gamma, alpha and beta, gamma in units of the largest throughput.
type Point = [f64; 3];

impl UslFit {
    /// Fits the law to pairs of load and throughput.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when there are fewer than four measurements or than three different loads, a load is below one or
    /// above 1e100, or a throughput does not lie between 1e-290 and 1e290.
    pub fn new(measurements: &[(f64, f64)]) -> Result<Self, ParamError> {
        let m = measurements.len();
        if m < 4 {
            return Err(ParamError::new(
                "measurements",
                m as f64,
                "be at least four in number",
            ));
        }
        let mut largest = 0.0_f64;
        let mut loads: Vec<f64> = Vec::with_capacity(m);
        for &(load, throughput) in measurements {
            if !(1.0..=1e100).contains(&load) {
                return Err(ParamError::new("load", load, "lie between 1 and 1e100"));
            }
            largest = largest.max(check::scale("throughput", throughput)?);
            if !loads.contains(&load) {
                loads.push(load);
            }
        }
        if loads.len() < 3 {
            return Err(ParamError::new(
                "measurements",
                loads.len() as f64,
                "have at least three different loads",
            ));
        }
        let data: Vec<(f64, f64)> = measurements
            .iter()
            .map(|&(load, throughput)| (load, throughput / largest))
            .collect();
        let start = linear_start(&data);
        // Every set of ends at which parameters may be held; the best fit within the range wins.
        let mut best: Option<(f64, Point, [bool; 3])> = None;
        for alpha_held in [None, Some(0.0), Some(1.0)] {
            for beta_held in [None, Some(0.0)] {
                let mut point = start;
                point[1] = alpha_held.unwrap_or(point[1].clamp(0.0, 1.0));
                point[2] = beta_held.unwrap_or(point[2].max(0.0));
                let free = [true, alpha_held.is_none(), beta_held.is_none()];
                let (rss, point) = gauss_newton(&data, point, free);
                let inside = point[0] > 0.0 && (0.0..=1.0).contains(&point[1]) && point[2] >= 0.0;
                if inside && best.is_none_or(|(least, ..)| rss < least) {
                    best = Some((rss, point, free));
                }
            }
        }
        let (rss, point, free) = best.ok_or_else(|| {
            ParamError::new("measurements", m as f64, "resemble a scalability law")
        })?;
        let law = Usl::new(point[0] * largest, point[1], point[2])?;
        let scaled = covariance(&data, point, free);
        let scale = [largest, 1.0, 1.0];
        let mut inverse = [[0.0; 3]; 3];
        for (i, row) in inverse.iter_mut().enumerate() {
            for (j, cell) in row.iter_mut().enumerate() {
                *cell = scaled[i][j] * (scale[i] / largest) * (scale[j] / largest);
            }
        }
        Ok(Self {
            law,
            measurements: m as u64,
            residual_sum_of_squares: rss * largest * largest,
            inverse,
        })
    }

    /// The law with the fitted parameters.
    #[must_use]
    pub const fn law(&self) -> Usl {
        self.law
    }

    /// `s`: the standard error of the residuals, in the unit of the throughput.
    #[must_use]
    pub fn residual_standard_error(&self) -> f64 {
        (self.residual_sum_of_squares / self.freedom() as f64).sqrt()
    }

    /// `m - 3`: the degrees of freedom.
    #[must_use]
    pub const fn freedom(&self) -> u64 {
        self.measurements - 3
    }

    /// The standard error of `gamma`.
    #[must_use]
    pub fn gamma_standard_error(&self) -> f64 {
        self.standard_error(0)
    }

    /// The standard error of `alpha`.
    #[must_use]
    pub fn alpha_standard_error(&self) -> f64 {
        self.standard_error(1)
    }

    /// The standard error of `beta`.
    #[must_use]
    pub fn beta_standard_error(&self) -> f64 {
        self.standard_error(2)
    }

    /// The interval of `gamma` at a confidence such as 0.95.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `confidence` does not lie strictly between zero and one.
    pub fn gamma_interval(&self, confidence: f64) -> Result<Interval, ParamError> {
        self.interval(self.law.gamma(), self.gamma_standard_error(), confidence)
    }

    /// The interval of `alpha` at a confidence such as 0.95. It may reach below zero.
    ///
    /// # Errors
    ///
    /// As for [`gamma_interval`](Self::gamma_interval).
    pub fn alpha_interval(&self, confidence: f64) -> Result<Interval, ParamError> {
        self.interval(self.law.alpha(), self.alpha_standard_error(), confidence)
    }

    /// The interval of `beta` at a confidence such as 0.95. It may reach below zero.
    ///
    /// # Errors
    ///
    /// As for [`gamma_interval`](Self::gamma_interval).
    pub fn beta_interval(&self, confidence: f64) -> Result<Interval, ParamError> {
        self.interval(self.law.beta(), self.beta_standard_error(), confidence)
    }

    /// The interval of the mean throughput at a load, from the covariance of all three parameters.
    ///
    /// # Errors
    ///
    /// As for [`gamma_interval`](Self::gamma_interval).
    ///
    /// # Panics
    ///
    /// As for [`Usl::throughput`].
    pub fn throughput_interval(&self, load: f64, confidence: f64) -> Result<Interval, ParamError> {
        let centre = self.law.throughput(load);
        let point = [self.law.gamma(), self.law.alpha(), self.law.beta()];
        let slope = gradient(point, load);
        let mut variance = 0.0;
        for (row, a) in self.inverse.iter().zip(slope) {
            for (cell, b) in row.iter().zip(slope) {
                variance += a * cell * b;
            }
        }
        let error = self.residual_standard_error() * variance.max(0.0).sqrt();
        self.interval(centre, error, confidence)
    }

    /// The intervals of gamma, alpha and beta as version 3.0.3 of the R package usl prints them, for comparison with it.
    ///
    /// They are `estimate +- t * standard error` with the one-sided quantile at `m - 1` degrees of freedom. What it calls 95 % is
    /// therefore at most 90 % by the two-sided definition, which [`alpha_interval`](Self::alpha_interval) and its likes follow.
    ///
    /// # Errors
    ///
    /// [`ParamError`] when `level` does not lie strictly between a half and one.
    ///
    /// # Example
    ///
    /// ```
    /// use crm_metrics::scaling::UslFit;
    ///
    /// let measured = [(1.0, 20.0), (4.0, 78.0), (8.0, 130.0), (12.0, 170.0), (16.0, 190.0), (20.0, 200.0)];
    /// let [_, alpha, _] = UslFit::new(&measured)?.r_package_intervals(0.95)?;
    /// assert!((alpha.low - 0.007_54).abs() < 1e-5 && (alpha.high - 0.041_35).abs() < 1e-5);
    /// # Ok::<(), crm_metrics::ParamError>(())
    /// ```
    pub fn r_package_intervals(&self, level: f64) -> Result<[Interval; 3], ParamError> {
        let t = self.one_sided_quantile(level)?;
        let point = [self.law.gamma(), self.law.alpha(), self.law.beta()];
        Ok([0, 1, 2].map(|i| around(point[i], t * self.standard_error(i))))
    }

    /// The band that version 3.0.3 of the R package usl draws around its fit, as wide at every load, for comparison with it.
    ///
    /// It is the fitted value plus and minus `t * sd`, with `sd` the root of `RSS / (m - 1)` and `t` as in
    /// [`r_package_intervals`](Self::r_package_intervals).
    ///
    /// # Errors
    ///
    /// As for [`r_package_intervals`](Self::r_package_intervals).
    ///
    /// # Panics
    ///
    /// As for [`Usl::throughput`].
    pub fn r_package_band(&self, load: f64, level: f64) -> Result<Interval, ParamError> {
        let t = self.one_sided_quantile(level)?;
        let deviation = (self.residual_sum_of_squares / (self.measurements - 1) as f64).sqrt();
        Ok(around(self.law.throughput(load), t * deviation))
    }

    fn one_sided_quantile(&self, level: f64) -> Result<f64, ParamError> {
        if !(level > 0.5 && level < 1.0) {
            return Err(ParamError::new(
                "level",
                level,
                "lie between a half and one, both excluded",
            ));
        }
        Ok(student::two_sided_quantile(
            2.0 * (1.0 - level),
            self.measurements - 1,
        ))
    }

    fn standard_error(&self, index: usize) -> f64 {
        self.residual_standard_error() * self.inverse[index][index].max(0.0).sqrt()
    }

    fn interval(&self, centre: f64, error: f64, confidence: f64) -> Result<Interval, ParamError> {
        let confidence = check::open_share("confidence", confidence)?;
        let t = student::two_sided_quantile(1.0 - confidence, self.freedom());
        Ok(around(centre, t * error))
    }
}

fn around(centre: f64, margin: f64) -> Interval {
    Interval {
        low: centre - margin,
        high: centre + margin,
    }
}

fn value([gamma, alpha, beta]: Point, n: f64) -> f64 {
    gamma * n / (1.0 + (n - 1.0) * (alpha + beta * n))
}

fn gradient([gamma, alpha, beta]: Point, n: f64) -> Point {
    let share = 1.0 / (1.0 + (n - 1.0) * (alpha + beta * n));
    let by_gamma = n * share;
    let by_alpha = -gamma * by_gamma * ((n - 1.0) * share);
    [by_gamma, by_alpha, by_alpha * n]
}

/// `N / X` is a polynomial in `N`, whose coefficients follow by linear least squares, weighted so that the errors of `X` count alike.
fn linear_start(data: &[(f64, f64)]) -> Point {
    let rows: Vec<[f64; 3]> = data
        .iter()
        .map(|&(n, x)| [x * x / n, x * x / n * (n - 1.0), x * x * (n - 1.0)])
        .collect();
    let target: Vec<f64> = data.iter().map(|&(_, x)| x).collect();
    let Some((solution, _)) = least_squares(&rows, &target, [true; 3]) else {
        return [data[0].1 / data[0].0, 0.0, 0.0];
    };
    let [c, a, b] = solution;
    if c > 0.0 {
        [1.0 / c, a / c, b / c]
    } else {
        let steepest = data.iter().map(|&(n, x)| x / n).fold(0.0, f64::max);
        [steepest, 0.0, 0.0]
    }
}

/// The sum of squares and the point where no step makes it smaller.
fn gauss_newton(data: &[(f64, f64)], start: Point, free: [bool; 3]) -> (f64, Point) {
    let sum_of_squares = |point: Point| -> f64 {
        let outside = data
            .iter()
            .any(|&(n, _)| 1.0 + (n - 1.0) * (point[1] + point[2] * n) <= 0.0);
        if outside {
            return f64::INFINITY;
        }
        data.iter()
            .map(|&(n, x)| (x - value(point, n)).powi(2))
            .sum()
    };
    let mut point = start;
    let mut least = sum_of_squares(point);
    for _ in 0..500 {
        let rows: Vec<[f64; 3]> = data.iter().map(|&(n, _)| gradient(point, n)).collect();
        let residuals: Vec<f64> = data.iter().map(|&(n, x)| x - value(point, n)).collect();
        let Some((step, _)) = least_squares(&rows, &residuals, free) else {
            break;
        };
        let mut share = 1.0;
        let mut moved = false;
        while share > 1e-10 {
            let next = [0, 1, 2].map(|i| point[i] + share * step[i]);
            let rss = sum_of_squares(next);
            if rss < least {
                moved = true;
                point = next;
                least = rss;
                break;
            }
            share *= 0.5;
        }
        if !moved {
            break;
        }
    }
    // At the bottom the sum of squares is flat to half of the digits; the steps themselves know the rest.
    let mut size = 1e-3;
    for _ in 0..100 {
        let rows: Vec<[f64; 3]> = data.iter().map(|&(n, _)| gradient(point, n)).collect();
        let residuals: Vec<f64> = data.iter().map(|&(n, x)| x - value(point, n)).collect();
        let Some((step, _)) = least_squares(&rows, &residuals, free) else {
            break;
        };
        let next_size = (0..3)
            .map(|i| step[i].abs() / point[i].abs().max(1e-12))
            .fold(0.0, f64::max);
        if next_size >= size {
            break;
        }
        size = next_size;
        point = [0, 1, 2].map(|i| point[i] + step[i]);
    }
    (sum_of_squares(point), point)
}

fn covariance(data: &[(f64, f64)], point: Point, free: [bool; 3]) -> [[f64; 3]; 3] {
    let rows: Vec<[f64; 3]> = data.iter().map(|&(n, _)| gradient(point, n)).collect();
    let nothing = vec![0.0; rows.len()];
    least_squares(&rows, &nothing, free).map_or([[0.0; 3]; 3], |(_, inverse)| inverse)
}

/// Linear least squares in the free columns by orthogonalisation: the solution, and `(J' J)^-1`. None when columns depend on each
/// other.
fn least_squares(
    rows: &[[f64; 3]],
    target: &[f64],
    free: [bool; 3],
) -> Option<([f64; 3], [[f64; 3]; 3])> {
    let columns: Vec<usize> = (0..3).filter(|&j| free[j]).collect();
    let size = columns.len();
    let mut q: Vec<Vec<f64>> = columns
        .iter()
        .map(|&j| rows.iter().map(|row| row[j]).collect())
        .collect();
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(x, y)| x * y).sum() };
    let mut r = [[0.0; 3]; 3];
    let mut right = [0.0; 3];
    let mut rest = target.to_vec();
    for i in 0..size {
        let before = dot(&q[i], &q[i]).sqrt();
        // Twice, so that what the first pass left of the other columns goes too.
        for _ in 0..2 {
            for k in 0..i {
                let (done, todo) = q.split_at_mut(i);
                let share = dot(&done[k], &todo[0]);
                r[k][i] += share;
                for (x, y) in todo[0].iter_mut().zip(&done[k]) {
                    *x -= share * y;
                }
            }
        }
        let norm = dot(&q[i], &q[i]).sqrt();
        if norm.is_nan() || norm <= 1e-13 * before {
            return None;
        }
        r[i][i] = norm;
        for x in &mut q[i] {
            *x /= norm;
        }
        right[i] = dot(&q[i], &rest);
        for (x, y) in rest.iter_mut().zip(&q[i]) {
            *x -= right[i] * y;
        }
    }
    // R^-1 column by column, then the solution R^-1 Q' y and the covariance R^-1 R^-T.
    let mut inverse_r = [[0.0; 3]; 3];
    for j in 0..size {
        inverse_r[j][j] = 1.0 / r[j][j];
        for i in (0..j).rev() {
            let sum: f64 = (i + 1..=j).map(|k| r[i][k] * inverse_r[k][j]).sum();
            inverse_r[i][j] = -sum / r[i][i];
        }
    }
    let mut solution = [0.0; 3];
    let mut inverse = [[0.0; 3]; 3];
    for (i, &to) in columns.iter().enumerate() {
        solution[to] = (i..size).map(|k| inverse_r[i][k] * right[k]).sum();
        for (j, &other) in columns.iter().enumerate() {
            inverse[to][other] = (0..size).map(|k| inverse_r[i][k] * inverse_r[j][k]).sum();
        }
    }
    Some((solution, inverse))
}
