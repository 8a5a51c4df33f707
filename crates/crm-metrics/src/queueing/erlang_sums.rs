//! The two sums behind Erlang's formulas, at any size and for real numbers of servers, in a constant number of steps.
//!
//! With `a` erlangs offered and `c` servers, the states below "all busy", relative to it, weigh
//! `F = c/a + c (c-1)/a^2 + ...`, and the states above it, were there more servers, `T = a/(c+1) + a^2/((c+1)(c+2)) + ...`.
//! Erlang B is `1 / (1 + F)`. Both are incomplete gamma functions divided by a Poisson probability,
//! `F = Q(c, a) / pois(c; a)` and `1 + T = P(c, a) / pois(c; a)`, so that `F + 1 + T = G = 1 / pois(c; a)`, which is how
//! they are continued to real `c`. The one on the smaller side is computed directly, always from terms of one sign:
//!
//! | where | how |
//! |---|---|
//! | `c < 60` | `T` by its series, `F` by its recurrence from the fraction of `c` |
//! | within 5 standard deviations of `c` | N. M. Temme's uniform expansion (1979), with the exponential taken out |
//! | beyond | continued fractions: A. M. Legendre's for `F`, W. Gautschi's (1977) for `T` |
//!
//! The other one is then `G` less what was computed, at most half of it.

use super::poisson;
#[cfg(feature = "libm")]
use crate::numeric::elementary::Elementary as _;
use crate::numeric::mills::erfcx;
use core::f64::consts::PI;

/// From here on Temme's expansion is exact to the last digit.
const MANY: f64 = 60.0;

/// From so many standard deviations on, the continued fractions take at most some 30 steps.
const FAR: f64 = 5.0;

/// `F` and `T`, and what is known better directly than through them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ErlangSums {
    servers: f64,
    load: f64,
    /// `servers - load`, as exactly as the caller knows it.
    gap: f64,
    /// `ln G`.
    ln_whole: f64,
    /// `F`; infinite beyond `f64`.
    below: f64,
    /// `T`; infinite beyond `f64`.
    above: f64,
    /// The positive remainder of the continued fraction: `r` of `F = c / (a - c + r)` where the load is at least
    /// the servers, else `r` of `1 + T = c / (c - a + r)`.
    remainder: f64,
}

impl ErlangSums {
    /// For `servers > 0` and `load >= 0`, both finite, with `gap = servers - load`.
    pub(crate) fn new(servers: f64, load: f64, gap: f64) -> Self {
        let (c, a) = (servers, load);
        let (ln_poisson, half_square) = poisson::ln_poisson_and_distance(c, a, gap);
        let ln_whole = -ln_poisson;
        let distance = (2.0 * half_square).sqrt();
        let whole = ln_whole.exp();
        let (below, above, remainder);
        if gap > 0.0 {
            (above, remainder) = if c < MANY {
                series(c, a)
            } else if distance < FAR {
                let sum = temme(c, gap, half_square);
                (sum - 1.0, c / sum - gap)
            } else {
                let rest = gautschi(a, gap, distance, 1.0);
                ((a - rest) / (gap + rest), rest)
            };
            let recurrence = if c < MANY { climb(c, a) } else { f64::INFINITY };
            below = if recurrence.is_finite() {
                recurrence
            } else {
                whole - 1.0 - above
            };
        } else {
            (below, remainder) = if distance < FAR {
                let sum = if c < MANY {
                    climb(c, a)
                } else {
                    temme(c, gap, half_square)
                };
                (sum, c / sum + gap)
            } else {
                let rest = legendre(c, -gap, 5.0 + 130.0 / distance);
                (c / (rest - gap), rest)
            };
            above = whole - below - 1.0;
        }
        Self {
            servers,
            load,
            gap,
            ln_whole,
            below,
            above,
            remainder,
        }
    }

    /// `F`, infinite where it leaves `f64`.
    pub(crate) const fn below(&self) -> f64 {
        self.below
    }

    /// `ln F`.
    pub(crate) fn ln_below(&self) -> f64 {
        if self.below.is_finite() {
            self.below.ln()
        } else {
            self.ln_whole + (-(1.0 + self.above) * (-self.ln_whole).exp()).ln_1p()
        }
    }

    /// `ln(1 + F)`, which is `-ln B`.
    pub(crate) fn ln_from_below(&self) -> f64 {
        if self.below.is_finite() {
            self.below.ln_1p()
        } else {
            self.ln_whole + (-self.above * (-self.ln_whole).exp()).ln_1p()
        }
    }

    /// `T`, infinite where it leaves `f64`.
    pub(crate) const fn above(&self) -> f64 {
        self.above
    }

    /// `ln(1 + T)`.
    pub(crate) fn ln_from_above(&self) -> f64 {
        if self.above.is_finite() {
            self.above.ln_1p()
        } else {
            self.ln_whole + (-self.below * (-self.ln_whole).exp()).ln_1p()
        }
    }

    /// `ln pois(c; a) = -ln G`.
    pub(crate) fn ln_poisson(&self) -> f64 {
        -self.ln_whole
    }

    /// `P(c, a)`, the regularised incomplete gamma function: for whole `c` the probability that a Poisson variable of
    /// mean `a` is at least `c`.
    pub(crate) fn gamma_p(&self) -> f64 {
        self.ln_gamma_p().exp()
    }

    /// `Q(c, a) = 1 - P(c, a)`: for whole `c` the probability that a Poisson variable of mean `a` is below `c`.
    pub(crate) fn gamma_q(&self) -> f64 {
        self.ln_gamma_q().exp()
    }

    /// `ln P(c, a)`.
    pub(crate) fn ln_gamma_p(&self) -> f64 {
        if self.gap > 0.0 {
            self.above.ln_1p() - self.ln_whole
        } else {
            (-(self.below.ln() - self.ln_whole).exp()).ln_1p()
        }
    }

    /// `ln Q(c, a)`.
    pub(crate) fn ln_gamma_q(&self) -> f64 {
        if self.gap > 0.0 {
            (-(self.above.ln_1p() - self.ln_whole).exp()).ln_1p()
        } else {
            self.below.ln() - self.ln_whole
        }
    }

    /// `c - a (1 - B)`: the mean number of idle servers where nobody waits.
    pub(crate) fn idle(&self) -> f64 {
        if self.gap > 0.0 {
            self.gap + self.load / (1.0 + self.below)
        } else {
            self.servers * (self.remainder / (self.load + self.remainder))
        }
    }

    /// The mean of `j` under the weights `1, a/(c+1), a^2/((c+1)(c+2)), ...`: `c / (1 + T) - c + a`.
    pub(crate) fn mean_above(&self) -> f64 {
        if self.gap > 0.0 {
            self.remainder
        } else {
            self.servers * (-self.ln_from_above()).exp() - self.gap
        }
    }

    /// The variance of `j` under the same weights.
    pub(crate) fn variance_above(&self) -> f64 {
        let mean = self.mean_above();
        if self.gap <= 0.0 {
            let share = self.servers * (-self.ln_from_above()).exp();
            return self.load - mean * share;
        }
        if self.servers < MANY {
            return series_variance(self.servers, self.load, mean);
        }
        let distance =
            (2.0 * poisson::ln_poisson_and_distance(self.servers, self.load, self.gap).1).sqrt();
        if distance < FAR {
            self.load - self.gap * mean - mean * mean
        } else {
            let rest = gautschi(self.load, self.gap, distance, 2.0);
            mean * (1.0 + (rest - mean))
        }
    }
}

/// `F` for few servers: `F_c = (c/a) (1 + F_(c-1))`, from the fraction of `c` upwards.
fn climb(c: f64, a: f64) -> f64 {
    let fraction = c.fract();
    let mut sum = if fraction == 0.0 {
        0.0
    } else if a < 4.0 {
        let whole = (-poisson::ln_poisson(fraction, a, fraction - a)).exp();
        (whole - 1.0 - series(fraction, a).0).max(0.0)
    } else {
        fraction / (a - fraction + legendre(fraction, a - fraction, 34.0))
    };
    let mut k = fraction;
    while k < c - 0.5 {
        k += 1.0;
        sum = (k / a) * (1.0 + sum);
    }
    sum
}

/// `T` and the mean of its index, by their series.
fn series(c: f64, a: f64) -> (f64, f64) {
    let (mut sum, mut moment, mut term, mut j) = (0.0, 0.0, 1.0, 0.0);
    loop {
        j += 1.0;
        term *= a / (c + j);
        sum += term;
        moment += j * term;
        if j * term <= 1e-18 * moment {
            return (sum, moment / (1.0 + sum));
        }
    }
}

/// The variance of the index of the series of `T`, whose mean is known, by the squares of its distances.
fn series_variance(c: f64, a: f64, mean: f64) -> f64 {
    let (mut total, mut squares, mut term, mut j) = (1.0, mean * mean, 1.0, 0.0);
    loop {
        j += 1.0;
        term *= a / (c + j);
        total += term;
        squares += (j - mean) * (j - mean) * term;
        if j > mean && (1.0 + j * j) * term <= 1e-18 * squares {
            return squares / total;
        }
    }
}

/// `r` of `F = c / (g + r)`, with `g = a - c`: `1 + (c-1)/(g+3 + 2 (c-2)/(g+5 + ...))`.
fn legendre(c: f64, g: f64, steps: f64) -> f64 {
    let mut j = steps.floor();
    let mut rest = 0.0;
    while j > 0.0 {
        rest = j * (c - j) / (g + 2.0 * j + 1.0 + rest);
        j -= 1.0;
    }
    1.0 + rest
}

/// `r` of `1 + T = c / (g + r)`, with `g = c - a`: `a/(g+1 + 2 a/(g+2 + ...))`, or the rest of it from a later step on.
fn gautschi(a: f64, g: f64, distance: f64, first: f64) -> f64 {
    let mut j = (6.0 + 130.0 / distance).floor();
    let mut rest = 0.0;
    while j >= first {
        rest = j * a / (g + j + rest);
        j -= 1.0;
    }
    rest
}

/// `F` where `gap <= 0`, else `1 + T`, for `c` at least [`MANY`] and `gap` within [`FAR`]; `half_square` is
/// `c (lambda - 1 - ln lambda)`, with `lambda = a / c`.
fn temme(c: f64, gap: f64, half_square: f64) -> f64 {
    let scaled = half_square.sqrt();
    let eta = (2.0 * half_square / c).sqrt();
    let eta = if gap > 0.0 { -eta } else { eta };
    // Rows are of no account once their first coefficient times c^-k is.
    let rows = if c < 1e3 {
        TEMME.len()
    } else if c < 1e5 {
        6
    } else {
        4
    };
    // So are powers of eta: rows converge like those of eta / 3.54.
    let columns = if eta.abs() < 0.02 {
        9
    } else if eta.abs() < 0.16 {
        14
    } else {
        usize::MAX
    };
    let mut correction = 0.0;
    for row in TEMME[..rows].iter().rev() {
        let row = &row[..columns.min(row.len())];
        let in_eta = row.iter().rev().fold(0.0, |sum, x| sum * eta + x);
        correction = correction / c + in_eta;
    }
    let main = (0.5 * PI * c).sqrt() * erfcx(scaled);
    let signed = if gap > 0.0 { -correction } else { correction };
    poisson::stirling_error(c).exp() * (main + signed)
}

/// Row `k` holds the Taylor coefficients in `eta` of the `k`-th coefficient of Temme's expansion, computed at 60 digits from the
/// recurrence in NIST's Digital Library of Mathematical Functions, 8.12.11, as many as count for `|eta| < 0.8`.
const TEMME: [&[f64]; 9] = [
    &[
        -0.3333333333333333,
        0.08333333333333333,
        -0.014814814814814815,
        0.0011574074074074073,
        0.0003527336860670194,
        -0.0001787551440329218,
        3.919263178522438e-05,
        -2.185448510679992e-06,
        -1.85406221071516e-06,
        8.296711340953087e-07,
        -1.7665952736826078e-07,
        6.707853543401498e-09,
        1.0261809784240309e-08,
        -4.382036018453353e-09,
        9.14769958223679e-10,
        -2.5514193994946248e-11,
        -5.830772132550426e-11,
        2.4361948020667415e-11,
        -5.0276692801141755e-12,
        1.1004392031956135e-13,
        3.371763262400985e-13,
        -1.392388722418162e-13,
        2.8534893807047445e-14,
        -5.139111834242572e-16,
        -1.9752288294349442e-15,
        8.099521156704561e-16,
    ],
    &[
        -0.001851851851851852,
        -0.003472222222222222,
        0.0026455026455026454,
        -0.0009902263374485596,
        0.00020576131687242798,
        -4.018775720164609e-07,
        -1.8098550334489977e-05,
        7.64916091608111e-06,
        -1.6120900894563446e-06,
        4.647127802807434e-09,
        1.378633446915721e-07,
        -5.752545603517705e-08,
        1.1951628599778148e-08,
        -1.7543241719747647e-11,
        -1.0091543710600413e-09,
        4.162792991842583e-10,
        -8.56390702649298e-11,
        6.067215101604758e-14,
        7.1624989648114856e-12,
        -2.933186643771437e-12,
        5.996696365683689e-13,
        -2.1671786527323313e-16,
        -4.978339972369262e-14,
        2.0291628823713425e-14,
    ],
    &[
        0.004133597883597883,
        -0.0026813271604938273,
        0.0007716049382716049,
        2.0093878600823047e-06,
        -0.0001073665322636516,
        5.2923448829120125e-05,
        -1.2760635188618728e-05,
        3.423578734096138e-08,
        1.3721957309062934e-06,
        -6.298992138380055e-07,
        1.4280614206064242e-07,
        -2.0477098421990866e-10,
        -1.409252991086752e-08,
        6.228974084922022e-09,
        -1.3670488396617114e-09,
        9.428356159014678e-13,
        1.2872252400089318e-10,
        -5.5645956134363323e-11,
        1.197593554636698e-11,
        -4.1689782251838634e-15,
        -1.0940640427884595e-12,
        4.662239946390136e-13,
    ],
    &[
        0.0006494341563786008,
        0.00022947209362139917,
        -0.0004691894943952557,
        0.00026772063206283885,
        -7.561801671883977e-05,
        -2.396505113867297e-07,
        1.1082654115347302e-05,
        -5.6749528269915965e-06,
        1.4230900732435883e-06,
        -2.7861080291528143e-11,
        -1.6958404091930278e-07,
        8.099464905388083e-08,
        -1.9111168485973655e-08,
        2.3928620439808118e-12,
        2.0620131815488797e-09,
        -9.460496661855133e-10,
        2.1541049775774907e-10,
        -1.388823336813903e-14,
        -2.1894761681963938e-11,
    ],
    &[
        -0.0008618882909167117,
        0.0007840392217200666,
        -0.0002990724803031902,
        -1.4638452578843418e-06,
        6.641498215465122e-05,
        -3.968365047179435e-05,
        1.1375726970678419e-05,
        2.507497226237533e-10,
        -1.6954149536558305e-06,
        8.907507532205309e-07,
        -2.292934834000805e-07,
        2.956794137544049e-11,
        2.8865829742708783e-08,
        -1.4189739437803219e-08,
        3.4463580499464896e-09,
    ],
    &[
        -0.00033679855336635813,
        -6.972813758365857e-05,
        0.0002772753244959392,
        -0.00019932570516188847,
        6.797780477937208e-05,
        1.419062920643967e-07,
        -1.3594048189768693e-05,
        8.018470256334202e-06,
        -2.291481176508095e-06,
        -3.252473551298454e-10,
        3.4652846491085265e-07,
        -1.8447187191171344e-07,
        4.8240967037894184e-08,
    ],
    &[
        0.0005313079364639922,
        -0.0005921664373536939,
        0.0002708782096718045,
        7.902353232660328e-07,
        -8.153969367561969e-05,
        5.61168275310625e-05,
        -1.8329116582843375e-05,
        -3.0796134506033047e-09,
        3.465155368803609e-06,
        -2.0291327396058603e-06,
        5.788792863149004e-07,
    ],
    &[
        0.00034436760689237765,
        5.171790908260592e-05,
        -0.00033493161081142234,
        0.0002812695154763237,
        -0.00010976582244684731,
        -1.2741009095484485e-07,
        2.7744451511563645e-05,
        -1.8263488805711332e-05,
    ],
    &[
        -0.0006526239185953094,
        0.0008394987206720873,
        -0.000438297098541721,
    ],
];
