//! Ages in a few buckets: how long ago an entry was last used, on a logarithmic scale.

/// Buckets to an octave. Fewer cannot tell a loop's length from a little more than it.
const PER_OCTAVE: u32 = 4;

/// Enough buckets for every `u32`: four for the ages below four, and four to each octave from there on.
pub(crate) const MOST_BUCKETS: usize = 4 * 31;

/// The bucket of an age: exact below 8, then four to an octave.
#[inline]
pub(crate) fn bucket(age: u32) -> usize {
    if age < PER_OCTAVE {
        return age as usize;
    }
    let octave = age.ilog2();
    (PER_OCTAVE * (octave - 1) + ((age >> (octave - 2)) & (PER_OCTAVE - 1))) as usize
}

/// The first age of a bucket; of the bucket past the last, the first age beyond it.
pub(crate) fn first_age(bucket: usize) -> f64 {
    let (octave, quarter) = (bucket as u32 / PER_OCTAVE, bucket as u32 % PER_OCTAVE);
    if octave == 0 {
        return f64::from(quarter);
    }
    f64::from(PER_OCTAVE + quarter) * f64::from(octave - 1).exp2()
}

#[cfg(test)]
mod tests {
    use super::{MOST_BUCKETS, bucket, first_age};

    #[test]
    fn every_age_lies_in_its_bucket() {
        let ages = (0..if cfg!(miri) { 700 } else { 70_000 })
            .chain((0..32).flat_map(|bit| [(1_u32 << bit) - 1, 1 << bit]))
            .chain([u32::MAX]);
        for age in ages {
            let (bucket, age) = (bucket(age), f64::from(age));
            assert!(bucket < MOST_BUCKETS);
            assert!(
                first_age(bucket) <= age && age < first_age(bucket + 1),
                "age {age} in bucket {bucket}"
            );
        }
    }
}
