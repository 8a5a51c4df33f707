//! The elementary functions of `f64` where there is no standard library to have them: those of `libm`, under the same names.

/// What `std` gives to `f64` and `core` does not.
pub(crate) trait Elementary: Sized {
    fn atan(self) -> Self;
    fn atan2(self, x: Self) -> Self;
    fn ceil(self) -> Self;
    fn cosh(self) -> Self;
    fn exp(self) -> Self;
    fn exp_m1(self) -> Self;
    fn floor(self) -> Self;
    fn fract(self) -> Self;
    fn hypot(self, other: Self) -> Self;
    fn ln(self) -> Self;
    fn ln_1p(self) -> Self;
    fn log10(self) -> Self;
    fn mul_add(self, factor: Self, summand: Self) -> Self;
    fn powf(self, power: Self) -> Self;
    fn powi(self, power: i32) -> Self;
    fn round(self) -> Self;
    fn sin(self) -> Self;
    fn sin_cos(self) -> (Self, Self);
    fn sinh(self) -> Self;
    fn sqrt(self) -> Self;
}

impl Elementary for f64 {
    fn atan(self) -> Self {
        libm::atan(self)
    }

    fn atan2(self, x: Self) -> Self {
        libm::atan2(self, x)
    }

    fn ceil(self) -> Self {
        libm::ceil(self)
    }

    fn cosh(self) -> Self {
        libm::cosh(self)
    }

    fn exp(self) -> Self {
        libm::exp(self)
    }

    fn exp_m1(self) -> Self {
        libm::expm1(self)
    }

    fn floor(self) -> Self {
        libm::floor(self)
    }

    fn fract(self) -> Self {
        self - libm::trunc(self)
    }

    fn hypot(self, other: Self) -> Self {
        libm::hypot(self, other)
    }

    fn ln(self) -> Self {
        libm::log(self)
    }

    fn ln_1p(self) -> Self {
        libm::log1p(self)
    }

    fn log10(self) -> Self {
        libm::log10(self)
    }

    fn mul_add(self, factor: Self, summand: Self) -> Self {
        libm::fma(self, factor, summand)
    }

    fn powf(self, power: Self) -> Self {
        libm::pow(self, power)
    }

    fn powi(self, power: i32) -> Self {
        libm::pow(self, power.into())
    }

    fn round(self) -> Self {
        libm::round(self)
    }

    fn sin(self) -> Self {
        libm::sin(self)
    }

    fn sin_cos(self) -> (Self, Self) {
        libm::sincos(self)
    }

    fn sinh(self) -> Self {
        libm::sinh(self)
    }

    fn sqrt(self) -> Self {
        libm::sqrt(self)
    }
}
