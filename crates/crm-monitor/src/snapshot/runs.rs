//! The counts of buckets in few bytes: runs of neighbours, most of which take a byte or two.

use crate::snapshot::varint;

/// Writes the buckets that are not empty, given by place in ascending order, and returns how many runs they make.
///
/// A run is: how many empty buckets lie before it, how many buckets it has, and their counts. It goes on over a single empty bucket,
/// for which a new one would take as many bytes.
pub(crate) fn write(bytes: &mut Vec<u8>, buckets: impl Iterator<Item = (usize, u64)>) -> u64 {
    let (mut runs, mut run) = (0, Vec::new());
    // Where the last run ended, and this one so far.
    let (mut before, mut end) = (0, 0);
    let mut finish = |run: &mut Vec<u64>, before: usize| {
        if !run.is_empty() {
            varint::write(bytes, before as u64);
            varint::write(bytes, run.len() as u64);
            run.drain(..).for_each(|count| varint::write(bytes, count));
            runs += 1;
        }
    };
    for (place, count) in buckets {
        if place > end + 1 || run.is_empty() {
            finish(&mut run, before);
            before = place - end;
        } else if place == end + 1 {
            run.push(0);
        }
        run.push(count);
        end = place + 1;
    }
    finish(&mut run, before);
    runs
}
