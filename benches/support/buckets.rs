//! The buckets of a histogram that has few.

/// Upper ends of sixteen buckets, in seconds: even steps of the logarithm from 1 us to 50 s.
pub(crate) fn sixteen() -> Vec<f64> {
    let step = (50.0_f64 / 1e-6).powf(1.0 / 15.0);
    (0..16).map(|index| 1e-6 * step.powi(index)).collect()
}
