//! Numbers as people read them.

/// `1234567` as `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A duration with three digits and the unit that suits it.
pub(crate) fn time(nanos: f64) -> String {
    let (value, unit) = match nanos {
        n if n < 999.5 => (n, "ns"),
        n if n < 999.5e3 => (n / 1e3, "\u{b5}s"),
        n if n < 999.5e6 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    format!("{} {unit}", digits(value))
}

pub(crate) fn seconds(seconds: f64) -> String {
    time(seconds * 1e9)
}

pub(crate) fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        b if b < 1024.0 => format!("{bytes} B"),
        b if b < 1024.0 * 1024.0 => format!("{} KiB", digits(b / 1024.0)),
        b => format!("{} MiB", digits(b / 1024.0 / 1024.0)),
    }
}

/// So many in a second.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second < 1000.0 {
        format!("{}/s", digits(per_second))
    } else {
        format!("{}/s", count(per_second.round() as u64))
    }
}

pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    // 99.996 % is not all.
    if percent > 99.0 && percent < 100.0 {
        format!("{:.3} %", (percent * 1000.0).floor() / 1000.0)
    } else {
        format!("{percent:.1} %")
    }
}

/// A difference, with its sign.
pub(crate) fn deviation(share: f64) -> String {
    format!("{:+.1} %", share * 100.0)
}

/// How many times as fast.
pub(crate) fn times(ratio: f64) -> String {
    if ratio >= 1000.0 {
        format!("{} x", count(ratio.round() as u64))
    } else {
        format!("{} x", digits(ratio))
    }
}

/// [`times`] without decimals, for large ratios.
pub(crate) fn whole_times(ratio: f64) -> String {
    if ratio >= 10.0 {
        format!("{} x", count(ratio.round() as u64))
    } else {
        times(ratio)
    }
}

/// [`whole_times`], and a small ratio as a fraction: `1/834`.
pub(crate) fn against(ratio: f64) -> String {
    if ratio > 0.0 && ratio < 0.1 {
        format!("1/{}", count((1.0 / ratio).round() as u64))
    } else {
        whole_times(ratio)
    }
}

/// Three significant digits, where there are decimals at all.
fn digits(value: f64) -> String {
    match value {
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(541_909), "541,909");
        assert_eq!(count(1_000_000), "1,000,000");
    }

    #[test]
    fn units_suit_the_value() {
        assert_eq!(time(87.0), "87.0 ns");
        assert_eq!(time(999.6), "1.00 \u{b5}s");
        assert_eq!(time(123_456.0), "123 \u{b5}s");
        assert_eq!(seconds(1.5), "1.50 s");
        assert_eq!(bytes(217), "217 B");
        assert_eq!(bytes(1536), "1.50 KiB");
        assert_eq!(rate(12_345.4), "12,345/s");
    }

    #[test]
    fn ratios_read_well_at_either_end() {
        assert_eq!(times(1.834), "1.83 x");
        assert_eq!(whole_times(833.7), "834 x");
        assert_eq!(against(1.0 / 834.0), "1/834");
        assert_eq!(against(1.0), "1.00 x");
        assert_eq!(against(1_234.4), "1,234 x");
    }

    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!(percent(0.999_999_9), "99.999 %");
        assert_eq!(percent(1.0), "100.0 %");
        assert_eq!(percent(0.5), "50.0 %");
        assert_eq!(deviation(-0.042), "-4.2 %");
    }
}
