//! Prefix codes of bounded length, as short as the frequencies allow.
//!
//! The lengths of the unbounded code are computed in place by the method of Moffat and Katajainen ("In-place calculation
//! of minimum-redundancy codes", 1995). Where one exceeds the bound, codes are moved up the tree until the lengths fit
//! again, as zlib does; deflate's bounds are so wide that this is rare and costs a few bits.

/// The longest code of the literal and of the distance alphabet.
pub(crate) const LONGEST_CODE: usize = 15;

/// A code for an alphabet of `N` symbols.
#[derive(Clone, Debug)]
pub(crate) struct Code<const N: usize> {
    /// The bits of each symbol, the first to be sent in the lowest place.
    pub(crate) words: [u16; N],
    /// How many bits each symbol has; none for one that does not occur.
    pub(crate) lengths: [u8; N],
}

impl<const N: usize> Code<N> {
    pub(crate) const fn new() -> Self {
        Self {
            words: [0; N],
            lengths: [0; N],
        }
    }

    /// Makes this the best code for symbols that occur so often, with no length above `longest`.
    ///
    /// At least two symbols get a code, because some decoders refuse an incomplete one.
    pub(crate) fn fit(&mut self, frequencies: &[u32; N], longest: usize) {
        debug_assert!(N <= 1 << longest && longest <= LONGEST_CODE);
        let mut sorted = [0; N];
        let used = sort(frequencies, &mut sorted);
        let mut counts = [0u16; LONGEST_CODE + 1];
        self.lengths = [0; N];
        if used < 2 {
            // The symbol that occurs, or the first one, and another beside it.
            let one = sorted.first().map_or(0, |&entry| symbol(entry)) * used;
            let other = usize::from(one == 0);
            self.lengths[one] = 1;
            self.lengths[other] = 1;
            counts[1] = 2;
        } else {
            let sorted = &mut sorted[..used];
            let mut symbols = [0u16; N];
            for (place, entry) in symbols.iter_mut().zip(&*sorted) {
                *place = symbol(*entry) as u16;
            }
            for entry in &mut *sorted {
                *entry >>= SYMBOL_BITS;
            }
            depths(sorted);
            count_lengths(sorted, longest, &mut counts);
            // The rarest symbols come first and get the longest codes.
            let mut symbols = symbols.iter();
            for length in (1..=longest).rev() {
                for &symbol in symbols.by_ref().take(counts[length].into()) {
                    self.lengths[usize::from(symbol)] = length as u8;
                }
            }
        }
        self.assign(&counts);
    }

    /// The code of these lengths.
    pub(crate) const fn of(lengths: [u8; N]) -> Self {
        let mut counts = [0; LONGEST_CODE + 1];
        let mut symbol = 0;
        while symbol < N {
            counts[lengths[symbol] as usize] += 1;
            symbol += 1;
        }
        let mut code = Self {
            words: [0; N],
            lengths,
        };
        code.assign(&counts);
        code
    }

    /// The words that belong to the lengths (RFC 1951, section 3.2.2).
    const fn assign(&mut self, counts: &[u16; LONGEST_CODE + 1]) {
        let mut next = [0u32; LONGEST_CODE + 1];
        let mut length = 1;
        while length < LONGEST_CODE {
            next[length + 1] = (next[length] + counts[length] as u32) << 1;
            length += 1;
        }
        let mut symbol = 0;
        while symbol < N {
            let length = (self.lengths[symbol] & 15) as usize;
            // Turned around, the word stands in the upper half and moves down; without a length nothing is left of it.
            self.words[symbol] = ((next[length].reverse_bits() >> 16) >> (16 - length)) as u16;
            next[length] += 1;
            symbol += 1;
        }
    }
}

/// A frequency and its symbol in one word, so that sorting words sorts by frequency, then by symbol.
const SYMBOL_BITS: u32 = 9;

fn symbol(entry: u32) -> usize {
    (entry & ((1 << SYMBOL_BITS) - 1)) as usize
}

/// The largest frequency that shares a word with its symbol; larger ones count as this one.
const MOST: u32 = u32::MAX >> SYMBOL_BITS;

/// Writes the symbols that occur to the front of `sorted`, the rarest first, and returns how many there are.
fn sort<const N: usize>(frequencies: &[u32; N], sorted: &mut [u32; N]) -> usize {
    let mut used = 0;
    for (symbol, &frequency) in frequencies.iter().enumerate() {
        if frequency > 0 {
            sorted[used] = (frequency.min(MOST) << SYMBOL_BITS) | symbol as u32;
            used += 1;
        }
    }
    sorted[..used].sort_unstable();
    used
}

/// Turns frequencies in ascending order into the depths of their leaves, in descending order.
fn depths(weights: &mut [u32]) {
    let n = weights.len();
    // Inner nodes are made in ascending order and kept in front of the leaves that are still to be joined; a node that
    // has been joined holds its parent.
    let (mut leaf, mut root) = (0, 0);
    for next in 0..n - 1 {
        let mut sum = 0;
        for _ in 0..2 {
            if leaf >= n || (root < next && weights[root] < weights[leaf]) {
                sum += weights[root];
                weights[root] = next as u32;
                root += 1;
            } else {
                sum += weights[leaf];
                leaf += 1;
            }
        }
        weights[next] = sum;
    }
    // From the root down, an inner node is one deeper than its parent.
    weights[n - 2] = 0;
    for next in (0..n - 2).rev() {
        weights[next] = weights[weights[next] as usize] + 1;
    }
    // On each depth, what is no inner node is a leaf.
    let (mut available, mut depth, mut inner, mut place) = (1, 0, n as i64 - 2, n);
    while available > 0 {
        let mut joined = 0;
        while inner >= 0 && weights[inner as usize] == depth {
            joined += 1;
            inner -= 1;
        }
        for _ in joined..available {
            place -= 1;
            weights[place] = depth;
        }
        available = 2 * joined;
        depth += 1;
    }
}

/// How many codes there are of each length, when none may exceed `longest`.
fn count_lengths(depths: &[u32], longest: usize, counts: &mut [u16; LONGEST_CODE + 1]) {
    // In units of the longest code's share: more than `1 << longest` cannot be told apart.
    let mut share = 0usize;
    for &depth in depths {
        let length = (depth as usize).min(longest);
        counts[length] += 1;
        share += 1 << (longest - length);
    }
    while share > 1 << longest {
        // A leaf above the last level goes one down and takes one of the last level beside it.
        let mut length = longest - 1;
        while counts[length] == 0 {
            length -= 1;
        }
        counts[length] -= 1;
        counts[length + 1] += 2;
        counts[longest] -= 1;
        share -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cost of the best code without a bound, by joining the two rarest again and again.
    fn best_cost(frequencies: &[u32]) -> u64 {
        let mut weights: Vec<u64> = frequencies
            .iter()
            .filter(|&&f| f > 0)
            .map(|&f| f.into())
            .collect();
        let mut cost = 0;
        while weights.len() > 1 {
            weights.sort_unstable_by_key(|&weight| std::cmp::Reverse(weight));
            let joined = weights.pop().unwrap() + weights.pop().unwrap();
            cost += joined;
            weights.push(joined);
        }
        cost
    }

    fn cost<const N: usize>(code: &Code<N>, frequencies: &[u32; N]) -> u64 {
        frequencies
            .iter()
            .zip(&code.lengths)
            .map(|(&f, &l)| u64::from(f) * u64::from(l))
            .sum()
    }

    /// No word is the beginning of another, and there is one for every sequence of bits.
    fn assert_complete<const N: usize>(code: &Code<N>, longest: usize) {
        let mut covered = vec![false; 1 << longest];
        for (&word, &length) in code
            .words
            .iter()
            .zip(&code.lengths)
            .filter(|&(_, &length)| length > 0)
        {
            assert!(usize::from(length) <= longest);
            for above in 0..1 << (longest - usize::from(length)) {
                let place = &mut covered[above << length | usize::from(word)];
                assert!(!*place, "two words begin alike");
                *place = true;
            }
        }
        assert!(
            covered.iter().all(|&covered| covered),
            "the code is incomplete"
        );
    }

    fn noise(seed: u64) -> impl FnMut() -> u32 {
        let mut state = seed;
        move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as u32
        }
    }

    #[test]
    fn codes_are_complete_and_as_short_as_can_be() {
        for seed in 1..200 {
            let mut next = noise(seed);
            let mut frequencies = [0; 288];
            for frequency in &mut frequencies {
                let kind = next();
                *frequency = match kind % 4 {
                    0 => 0,
                    1 => 1,
                    2 => next() % 50,
                    _ => next() % 200,
                };
            }
            let mut code = Code::new();
            code.fit(&frequencies, LONGEST_CODE);
            assert_complete(&code, LONGEST_CODE);
            assert_eq!(
                cost(&code, &frequencies),
                best_cost(&frequencies),
                "seed {seed}"
            );
            for (frequency, length) in frequencies.iter().zip(&code.lengths) {
                assert_eq!(*frequency > 0, *length > 0);
            }
        }
    }

    #[test]
    fn the_bound_on_lengths_holds_at_little_cost() {
        // Fibonacci's numbers make the deepest tree there is.
        let mut frequencies = [0; 30];
        let (mut one, mut two) = (1, 1);
        for frequency in &mut frequencies {
            *frequency = one;
            (one, two) = (two, one + two);
        }
        let mut code = Code::new();
        code.fit(&frequencies, LONGEST_CODE);
        assert_complete(&code, LONGEST_CODE);
        let best = best_cost(&frequencies);
        assert!(cost(&code, &frequencies) > best);
        assert!(cost(&code, &frequencies) < best + best / 500);

        let mut short = [0; 19];
        short.copy_from_slice(&frequencies[..19]);
        let mut code = Code::new();
        code.fit(&short, 7);
        assert_complete(&code, 7);
    }

    #[test]
    fn alphabets_of_none_and_of_one_have_two_words() {
        for present in [None, Some(0), Some(1), Some(29)] {
            let mut frequencies = [0; 30];
            if let Some(present) = present {
                frequencies[present] = 7;
            }
            let mut code = Code::new();
            code.fit(&frequencies, LONGEST_CODE);
            assert_eq!(
                code.lengths
                    .iter()
                    .map(|&length| usize::from(length))
                    .sum::<usize>(),
                2
            );
            assert_eq!(code.lengths[present.unwrap_or(0)], 1);
            assert_complete(&code, LONGEST_CODE);
        }
    }

    #[test]
    fn a_frequency_beyond_the_sort_does_not_wrap() {
        let mut frequencies = [0; 30];
        frequencies[3] = u32::MAX;
        frequencies[5] = 1;
        frequencies[9] = 1;
        let mut code = Code::new();
        // Sums of more than two such frequencies do not occur: a block ends long before.
        code.fit(&frequencies, LONGEST_CODE);
        assert_eq!([3, 5, 9].map(|symbol| code.lengths[symbol]), [1, 2, 2]);
    }
}
