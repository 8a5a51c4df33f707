//! Decimal numbers, digit by digit: what is written as 99.9 is kept as 99.9.

/// Why a text is no decimal number of so many places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Something other than digits and one point.
    NotADecimal,
    /// Digits behind the last place.
    TooFine,
    /// More than the result can hold.
    TooLarge,
}

/// `number * 10^places`, when that is whole and fits.
pub(super) fn scaled(number: &str, places: usize) -> Result<u64, Fault> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(Fault::NotADecimal);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > places {
        return Err(Fault::TooFine);
    }
    let zeros = std::iter::repeat_n(b'0', places - fraction.len());
    let mut parts = 0_u64;
    for digit in whole.bytes().chain(fraction.bytes()).chain(zeros) {
        parts = parts
            .checked_mul(10)
            .and_then(|parts| parts.checked_add(u64::from(digit - b'0')))
            .ok_or(Fault::TooLarge)?;
    }
    Ok(parts)
}

/// The same for a number that came as `f64`: it means the shortest decimal that reads back as that number, so that 99.9 is
/// 99.9 and not 99.900000000000005684.
pub(super) fn scaled_f64(number: f64, places: usize) -> Result<u64, Fault> {
    if !number.is_finite() || number < 0.0 {
        return Err(Fault::NotADecimal);
    }
    // `abs` turns a negative zero into a plain one, whose sign would be no digit.
    scaled(&number.abs().to_string(), places)
}
