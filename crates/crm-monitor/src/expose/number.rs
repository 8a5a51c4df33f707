//! Numbers as text, without an allocation: exact decimals of integers, and floats in the spelling of the formats.

use std::fmt::Write;

/// How many decimal digits lie behind the point when a recorded integer is written in its unit: 9 for nanoseconds
/// that are shown as seconds.
pub(super) type Decimals = usize;

/// The digits of an integer.
pub(super) fn integer(text: &mut String, value: u64) {
    // 20 digits hold the largest; they are made from the last to the first.
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    ascii(text, &digits[at..]);
}

/// `value / 10^decimals`, exactly: no exponent, no trailing zeros.
pub(super) fn decimal(text: &mut String, value: u128, decimals: Decimals) {
    let Some(scale) = 10u64.checked_pow(decimals as u32).filter(|_| decimals > 0) else {
        return wide(text, value);
    };
    let (whole, fraction) = match u64::try_from(value) {
        Ok(value) => (u128::from(value / scale), value % scale),
        Err(_) => (
            value / u128::from(scale),
            (value % u128::from(scale)) as u64,
        ),
    };
    wide(text, whole);
    if fraction == 0 {
        return;
    }
    let mut digits = [b'0'; 20];
    let digits = &mut digits[..decimals];
    let mut rest = fraction;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let used = digits
        .iter()
        .rposition(|digit| *digit != b'0')
        .map_or(0, |last| last + 1);
    text.push('.');
    ascii(text, &digits[..used]);
}

fn wide(text: &mut String, value: u128) {
    match u64::try_from(value) {
        Ok(value) => integer(text, value),
        // Sums past 2^64 are rare enough for the slow way.
        Err(_) => infallible(write!(text, "{value}")),
    }
}

/// A float as Go's `%g` with the fewest digits that read back as the same number, which is what Prometheus writes and
/// what OpenMetrics calls canonical: an exponent below 1e-4 and from 1e21 on (`very_large` = 21), or from 1e6 on (6).
fn shortest(text: &mut String, value: f64, very_large: i32) {
    if value.is_nan() {
        return text.push_str("NaN");
    }
    if value.is_infinite() {
        return text.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    }
    // `-d.ddde-ddd` has at most 24 bytes.
    let mut buffer = Short::default();
    infallible(write!(buffer, "{value:e}"));
    let (mantissa, exponent) = buffer
        .as_str()
        .split_once('e')
        .unwrap_or((buffer.as_str(), "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = match mantissa.strip_prefix('-') {
        Some(positive) => {
            text.push('-');
            positive
        }
        None => mantissa,
    };
    if value != 0.0 && (exponent < -4 || exponent >= very_large) {
        text.push_str(mantissa);
        text.push_str(if exponent < 0 { "e-" } else { "e+" });
        if exponent.unsigned_abs() < 10 {
            text.push('0');
        }
        return integer(text, u64::from(exponent.unsigned_abs()));
    }
    let digits = || {
        mantissa
            .bytes()
            .filter(|byte| *byte != b'.')
            .map(char::from)
    };
    if exponent < 0 {
        text.push_str("0.");
        text.extend(std::iter::repeat_n(
            '0',
            exponent.unsigned_abs() as usize - 1,
        ));
        text.extend(digits());
    } else {
        let whole = exponent as usize + 1;
        text.extend(digits().chain(std::iter::repeat('0')).take(whole));
        let mut fraction = digits().skip(whole).peekable();
        if fraction.peek().is_some() {
            text.push('.');
            text.extend(fraction);
        }
    }
}

/// A sample's value: `17`, `0.25`, `1e+21`, `NaN`, `+Inf`.
pub(super) fn float(text: &mut String, value: f64) {
    shortest(text, value, 21);
}

/// A bound in the spelling that OpenMetrics calls canonical: `1.0`, `0.005`, `1e+06`, `+Inf`.
pub(super) fn canonical(text: &mut String, value: f64) {
    let start = text.len();
    shortest(text, value, 6);
    if text[start..]
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-')
    {
        text.push_str(".0");
    }
}

/// A bound in the spelling of Prometheus's own text writer: `1`, `0.005`, `1e+06`, `+Inf`.
pub(super) fn terse(text: &mut String, value: f64) {
    shortest(text, value, 6);
}

fn ascii(text: &mut String, digits: &[u8]) {
    match std::str::from_utf8(digits) {
        Ok(digits) => text.push_str(digits),
        Err(_) => unreachable!("digits are ASCII"),
    }
}

fn infallible(result: std::fmt::Result) {
    debug_assert!(
        result.is_ok(),
        "neither a string nor a buffer of enough bytes refuses text"
    );
}

/// A few bytes of text on the stack.
#[derive(Default)]
struct Short {
    bytes: [u8; 32],
    length: usize,
}

impl Short {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        self.bytes
            .get_mut(self.length..end)
            .ok_or(std::fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{canonical, decimal, float, integer, terse};

    fn of(write: impl Fn(&mut String)) -> String {
        let mut text = String::new();
        write(&mut text);
        text
    }

    #[test]
    fn integers_are_written_as_the_library_writes_them() {
        for value in [0, 1, 9, 10, 99, 100, 12_345_678_901, u64::MAX - 1, u64::MAX] {
            assert_eq!(of(|text| integer(text, value)), value.to_string());
        }
    }

    #[test]
    fn decimals_are_exact_and_have_no_trailing_zeros() {
        for (value, decimals, expected) in [
            (0, 9, "0"),
            (1, 9, "0.000000001"),
            (1_500_000_000, 9, "1.5"),
            (100_000_000, 9, "0.1"),
            (7_000_000_000, 9, "7"),
            (17, 0, "17"),
            (1234, 3, "1.234"),
            (u128::from(u64::MAX), 9, "18446744073.709551615"),
            (u128::from(u64::MAX) + 1, 9, "18446744073.709551616"),
            (u128::MAX, 9, "340282366920938463463374607431.768211455"),
            (u128::MAX, 0, "340282366920938463463374607431768211455"),
        ] {
            assert_eq!(of(|text| decimal(text, value, decimals)), expected);
        }
    }

    /// The examples of OpenMetrics 1.0, "Considerations: Canonical Numbers".
    #[test]
    fn canonical_numbers_are_those_of_the_specification() {
        for (value, expected) in [
            (0.0, "0.0"),
            (0.001, "0.001"),
            (0.002, "0.002"),
            (0.01, "0.01"),
            (0.1, "0.1"),
            (0.9, "0.9"),
            (0.95, "0.95"),
            (0.999, "0.999"),
            (1.0, "1.0"),
            (1.7, "1.7"),
            (10.0, "10.0"),
            (1e-10, "1e-10"),
            (1e-9, "1e-09"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (100_000.0, "100000.0"),
            (1e6, "1e+06"),
            (1e10, "1e+10"),
            (-2.5, "-2.5"),
            (-1.0, "-1.0"),
            (1_048_576.0, "1.048576e+06"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(of(|text| canonical(text, value)), expected);
        }
    }

    #[test]
    fn prometheus_writes_bounds_without_a_point() {
        for (value, expected) in [
            (1.0, "1"),
            (0.005, "0.005"),
            (1e6, "1e+06"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(of(|text| terse(text, value)), expected);
        }
    }

    #[test]
    fn floats_read_back_as_themselves() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (17.0, "17"),
            (1_234_567.5, "1234567.5"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (-f64::from_bits(1), "-5e-324"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            let text = of(|text| float(text, value));
            assert_eq!(text, expected);
            let back: f64 = text.parse().expect("Rust reads all of these spellings");
            assert!(back.to_bits() == value.to_bits() || (back.is_nan() && value.is_nan()));
        }
    }
}
