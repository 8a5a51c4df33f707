//! How alike two records are: the weighted mean of the similarity of the fields that both have.

use strsim::jaro_winkler;

use crate::layout::Compare;
use crate::table::{Column, EMPTY, Table};

/// Records that share less than this part of the weights are not compared: there is too little to go by.
const LEAST_SHARED: f32 = 0.4;

/// Texts that have nothing to do with each other are alike to about this degree, because they share letters by chance. It
/// counts as nothing, and what is above it is stretched.
const CHANCE: f64 = 0.6;

/// The same for dates and numbers, which have few different signs.
const CHANCE_OF_DIGITS: f64 = 0.8;

/// What is compared, the heaviest first.
#[derive(Debug)]
pub(crate) struct Measure<'t> {
    fields: Vec<(&'t Column, f32)>,
    /// The sum of all weights.
    total: f32,
}

impl<'t> Measure<'t> {
    pub(crate) fn new(table: &'t Table, compare: &[Compare]) -> Self {
        // All columns are there: the layout has seen to it.
        let column = |of: &Compare| Some((&table.columns[table.column(&of.column)?], of.weight));
        let mut fields: Vec<_> = compare.iter().filter_map(column).collect();
        fields.sort_by(|a, b| b.1.total_cmp(&a.1));
        Self {
            total: fields.iter().map(|(_, weight)| weight).sum(),
            fields,
        }
    }

    /// From 0 to 1; `None` when it is below `least`, or when the records share too little.
    pub(crate) fn of(&self, a: u32, b: u32, least: f32) -> Option<f32> {
        let cells = |column: &Column| (column.cells[a as usize], column.cells[b as usize]);
        let both = |column: &Column| {
            let (a, b) = cells(column);
            a != EMPTY && b != EMPTY
        };
        let shared: f32 = self
            .fields
            .iter()
            .filter(|(column, _)| both(column))
            .map(|(_, weight)| weight)
            .sum();
        if shared < LEAST_SHARED * self.total {
            return None;
        }
        // What may still be lost before the mean falls below the least.
        let mut left = (1.0 - least) * shared;
        let mut lost = 0.0;
        for (column, weight) in &self.fields {
            let (a, b) = cells(column);
            if a == b || a == EMPTY || b == EMPTY {
                continue;
            }
            let (a, b) = (&column.texts[a as usize], &column.texts[b as usize]);
            let less = weight * (1.0 - alike(a, b));
            lost += less;
            left -= less;
            // A trifle, because sums of fractions are not exact.
            if left < -1e-5 * shared {
                return None;
            }
        }
        Some(1.0 - lost / shared)
    }
}

/// How alike two texts are, beyond chance.
fn alike(a: &str, b: &str) -> f32 {
    let is_number = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
    let chance = if is_number(a) && is_number(b) {
        CHANCE_OF_DIGITS
    } else {
        CHANCE
    };
    ((jaro_winkler(a, b) - chance) / (1.0 - chance)).max(0.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::table;

    fn similarity(text: &str, compare: &str, least: f32) -> Option<f32> {
        let (table, layout) = table(text, &["--compare", compare, "--block", "a"]);
        let measure = Measure::new(&table, &layout.compare);
        let found = measure.of(0, 1, least);
        assert_eq!(found, measure.of(1, 0, least));
        found
    }

    #[test]
    fn it_is_the_weighted_mean_over_the_fields_that_both_have() {
        // By the definition: martha and marhta have 6 letters, all in common, 2 in another order, and 3 in front.
        let jaro: f64 = (1.0 + 1.0 + 5.0 / 6.0) / 3.0;
        let martha = ((jaro + 0.3 * (1.0 - jaro) - CHANCE) / (1.0 - CHANCE)) as f32;
        let close = |found: Option<f32>, expected: f32| {
            let found = found.unwrap();
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        };
        close(similarity("a,b\nmartha,x\nmarhta,x\n", "a:1", 0.0), martha);
        close(
            similarity("a,b\nmartha,x\nmarhta,x\n", "a:3,b:1", 0.0),
            (3.0 * martha + 1.0) / 4.0,
        );
        close(
            similarity("a,b\nmartha,x\nmarhta,\n", "a:3,b:1", 0.0),
            martha,
        );
        close(similarity("a,b\nabc,x\nxyz,x\n", "a:3,b:1", 0.0), 0.25);
        close(similarity("a,b\nmartha,x\nmartha,x\n", "a:3,b:1", 1.0), 1.0);
    }

    #[test]
    fn digits_are_alike_by_chance() {
        // Jaro 8/9 without a common beginning, for letters and for digits.
        let jaro = 8.0 / 9.0;
        let beyond = |chance: f64| ((jaro - chance) / (1.0 - chance)) as f32;
        let close = |found: f32, expected: f32| assert!((found - expected).abs() < 1e-5, "{found}");
        close(alike("abcdef", "xbcdef"), beyond(CHANCE));
        close(alike("123456", "923456"), beyond(CHANCE_OF_DIGITS));
        close(alike("a23456", "923456"), beyond(CHANCE));
        assert_eq!(alike("19560409", "70831122"), 0.0);
    }

    #[test]
    fn who_shares_too_little_is_not_compared() {
        assert_eq!(similarity("a,b\nada,\nada,x\n", "a:1,b:2", 0.0), None);
        assert_eq!(similarity("a,b\nada,\nada,x\n", "a:1,b:1", 0.0), Some(1.0));
        assert_eq!(similarity("a,b\n,x\nada,\n", "a:1,b:1", 0.0), None);
    }

    #[test]
    fn what_is_below_the_least_is_not_found_and_what_reaches_it_is() {
        let text = "a,b,c\nmartha,x,abc\nmarhta,x,xyz\n";
        let compare = "a:3,b:1,c:2";
        let exact = similarity(text, compare, 0.0).unwrap();
        assert_eq!(similarity(text, compare, exact), Some(exact));
        assert_eq!(similarity(text, compare, exact + 0.001), None);
    }
}
