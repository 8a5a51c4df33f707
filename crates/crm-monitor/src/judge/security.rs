//! Security events: too many of a kind, or more than usual.

use std::fmt;
use std::time::Duration;

use super::check::Probe;
use super::confidence::Confidence;
use super::error::JudgeError;
use super::hold::Hold;
use super::latch::Level;
use super::quotient::quotient;
use super::reason::Reason;
use super::severity::Severity;
use super::wilson::Interval;
use super::words::{Number, Span};

/// What happened. The kinds are bounded, so that no attacker can make series of his own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecurityKind {
    /// A login with a wrong password or an unknown name.
    FailedLogin,
    /// A token that was forged, revoked or out of date.
    RefusedToken,
    /// A request that its sender has no right to.
    RefusedRequest,
    /// A sender who asked more often than he may.
    RateLimited,
    /// A body that would have unpacked beyond its limit.
    DecoderBomb,
    /// Input that no honest client sends: bad framing, forbidden paths, broken encodings.
    MalformedInput,
    /// All else.
    Other,
}

impl SecurityKind {
    /// Every kind, for the labels of a family of counters.
    pub const ALL: [Self; 7] = [
        Self::FailedLogin,
        Self::RefusedToken,
        Self::RefusedRequest,
        Self::RateLimited,
        Self::DecoderBomb,
        Self::MalformedInput,
        Self::Other,
    ];

    /// The value of a label: `failed_login`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FailedLogin => "failed_login",
            Self::RefusedToken => "refused_token",
            Self::RefusedRequest => "refused_request",
            Self::RateLimited => "rate_limited",
            Self::DecoderBomb => "decoder_bomb",
            Self::MalformedInput => "malformed_input",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for SecurityKind {
    /// In words, for many: `failed logins`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FailedLogin => "failed logins",
            Self::RefusedToken => "refused tokens",
            Self::RefusedRequest => "refused requests",
            Self::RateLimited => "rate-limited requests",
            Self::DecoderBomb => "decoder bombs",
            Self::MalformedInput => "malformed inputs",
            Self::Other => "other security events",
        })
    }
}

/// Watches one kind of security events in a rolling window: a limit on their number, a rise against the usual rate, or both.
///
/// It asks for a ticket, and clears when the count is at most half the limit, or the rate at most half the rise, for the length of
/// the window, unless said otherwise.
///
/// # Formula
///
/// ```text
/// c  events in the window w,  n  in the longer span u that ends with it
/// usual rate = (n - c) / (u - w)
/// a rise by the factor f:  c / w  =  f (n - c) / (u - w)   <=>   c / n  =  f w / (f w + u - w)
/// ```
///
/// Given `n`, the count `c` is binomial with that share; the alert is raised when the lower end of Wilson's interval of `c / n`
/// (99.9 %) is above it, and there were at least ten events. So a rise from nothing to two is no alert, and one from 1,000 to
/// 1,300 may be one at a factor of 1.1.
///
/// Source: J. Przyborowski and H. Wilenski, "Homogeneity of Results in Testing Samples from Poisson Series", Biometrika 31, 1940, for the
/// comparison of two counts by their share.
///
/// An attack that lasts becomes the usual in time, and its rise clears; the limit remains.
///
/// # Example
///
/// ```
/// use crm_monitor::judge::{Level, SecurityKind, SecurityWatch};
/// use std::time::Duration;
///
/// let minute = Duration::from_secs(60);
/// let logins = SecurityWatch::new(SecurityKind::FailedLogin, 5 * minute)?
///     .limit(100)
///     .rise(5.0, 24 * 60 * minute)?;
/// // 30 in five minutes: below the limit, but there are usually two or three.
/// let figures = logins.measure(|_, window| Some(if window > 5 * minute { 700 } else { 30 }));
/// assert_eq!(figures[0].level(), Level::Good);
/// assert_eq!(figures[1].level(), Level::Bad);
/// assert_eq!(
///     figures[1].to_string(),
///     "30 failed logins in 5 min, 12.85 times the usual rate of 1 d (raised at 5 times)"
/// );
/// # Ok::<(), crm_monitor::judge::JudgeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SecurityWatch {
    kind: SecurityKind,
    window: Duration,
    limit: Option<u64>,
    rise: Option<(f64, Duration)>,
    minimum: u64,
    severity: Severity,
    hold: Hold,
    missing_after: Option<Duration>,
}

impl SecurityWatch {
    /// A watch on `kind` in a window, without limit or rise yet.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Windows`] when the window is zero.
    pub fn new(kind: SecurityKind, window: Duration) -> Result<Self, JudgeError> {
        if window.is_zero() {
            return Err(JudgeError::Windows {
                short: window,
                long: Duration::MAX,
            });
        }
        Ok(Self {
            kind,
            window,
            limit: None,
            rise: None,
            minimum: 10,
            severity: Severity::Ticket,
            hold: Hold::new().clear_after(window),
            missing_after: Some(Duration::from_secs(600)),
        })
    }

    /// Raise above so many in the window; zero for at any.
    #[must_use]
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Raise at a rate so many times the `usual` one, which is that of the span `usual` without the window.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Figure`] when `factor` is not above one and at most 10^6, [`JudgeError::Windows`] when `usual` is not longer than
    /// the window.
    pub fn rise(mut self, factor: f64, usual: Duration) -> Result<Self, JudgeError> {
        if !(factor > 1.0 && factor <= 1e6) {
            let must = "be above one and at most a million";
            return Err(JudgeError::figure("factor", factor, must));
        }
        if usual <= self.window {
            return Err(JudgeError::Windows {
                short: self.window,
                long: usual,
            });
        }
        self.rise = Some((factor, usual));
        Ok(self)
    }

    /// How many events a rise needs at least: ten unless said otherwise.
    #[must_use]
    pub const fn minimum_events(mut self, events: u64) -> Self {
        self.minimum = events;
        self
    }

    /// What the alert asks for.
    #[must_use]
    pub const fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// How long the level must last.
    #[must_use]
    pub const fn hold(mut self, hold: Hold) -> Self {
        self.hold = hold;
        self
    }

    /// After which time without a count a ticket says so: ten minutes unless said otherwise; none for never.
    #[must_use]
    pub const fn missing_after(mut self, time: Option<Duration>) -> Self {
        self.missing_after = time;
        self
    }

    /// What is seen now: of the limit first, then of the rise, as far as they are asked for.
    #[must_use]
    pub fn measure(
        &self,
        count: impl Fn(SecurityKind, Duration) -> Option<u64>,
    ) -> Vec<SecurityFigure> {
        let recent = count(self.kind, self.window);
        let figure = |rule| SecurityFigure {
            kind: self.kind,
            window: self.window,
            count: recent,
            rule,
        };
        let limit = self.limit.map(|limit| figure(Rule::Limit(limit)));
        let rise = self.rise.map(|(factor, usual)| {
            figure(Rule::Rise {
                factor,
                usual,
                minimum: self.minimum,
                all: count(self.kind, usual),
            })
        });
        limit.into_iter().chain(rise).collect()
    }

    pub(super) fn into_probe(
        self,
        count: impl Fn(SecurityKind, Duration) -> Option<u64> + Send + Sync,
    ) -> impl Probe {
        Watched { watch: self, count }
    }
}

/// What one rule of a [`SecurityWatch`] saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SecurityFigure {
    kind: SecurityKind,
    window: Duration,
    count: Option<u64>,
    rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Limit(u64),
    Rise {
        factor: f64,
        usual: Duration,
        minimum: u64,
        /// The count of the span `usual`.
        all: Option<u64>,
    },
}

impl SecurityFigure {
    /// What happened.
    #[must_use]
    pub const fn kind(&self) -> SecurityKind {
        self.kind
    }

    /// The window in which it was counted.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// How often, none when nothing is known of the window.
    #[must_use]
    pub const fn count(&self) -> Option<u64> {
        self.count
    }

    /// How many times the usual rate that is: of a rule on the rise, and where there is a usual rate at all.
    #[must_use]
    pub fn times_usual(&self) -> Option<f64> {
        let Rule::Rise { usual, all, .. } = self.rule else {
            return None;
        };
        let count = self.count?;
        let before = all?.saturating_sub(count);
        let rest = usual.saturating_sub(self.window);
        (before > 0).then(|| {
            let rates = rest.div_duration_f64(self.window);
            quotient(count.into(), before.into()) * rates
        })
    }

    /// Where it stands.
    #[must_use]
    pub fn level(&self) -> Level {
        let Some(count) = self.count else {
            return Level::Unknown;
        };
        match self.rule {
            Rule::Limit(limit) if count > limit => Level::Bad,
            Rule::Limit(limit) if count <= limit / 2 => Level::Good,
            Rule::Limit(_) => Level::Between,
            Rule::Rise { all: None, .. } => Level::Unknown,
            Rule::Rise {
                factor,
                usual,
                minimum,
                all: Some(all),
            } => {
                // Between two reads the window may have gained what the span had not yet.
                let all = all.max(count);
                if all == 0 {
                    return Level::Good;
                }
                let seen = Interval::wilson(count, all, Confidence::P999);
                let share = |factor: f64| {
                    let window = factor * self.window.as_secs_f64();
                    window / (window + usual.saturating_sub(self.window).as_secs_f64())
                };
                if count >= minimum && seen.low > share(factor) {
                    Level::Bad
                } else if quotient(count.into(), all.into()) <= share((factor / 2.0).max(1.0)) {
                    Level::Good
                } else {
                    Level::Between
                }
            }
        }
    }
}

impl fmt::Display for SecurityFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, window) = (self.kind, Span(self.window));
        match self.count {
            Some(count) => write!(f, "{count} {kind} in {window}")?,
            None => write!(f, "no data on {kind} in {window}")?,
        }
        match self.rule {
            Rule::Limit(limit) => write!(f, " (raised above {limit})"),
            Rule::Rise {
                factor, usual, all, ..
            } => {
                let (factor, usual) = (Number(factor), Span(usual));
                match self.times_usual() {
                    _ if self.count.is_none() => {}
                    _ if all.is_none() => write!(f, ", no data of {usual}")?,
                    Some(times) => {
                        let times = Number(times);
                        write!(f, ", {times} times the usual rate of {usual}")?;
                    }
                    None => write!(f, ", none before in {usual}")?,
                }
                write!(f, " (raised at {factor} times)")
            }
        }
    }
}

struct Watched<F> {
    watch: SecurityWatch,
    count: F,
}

impl<F: Fn(SecurityKind, Duration) -> Option<u64> + Send + Sync> Probe for Watched<F> {
    fn rules(&self) -> Vec<(Severity, Hold)> {
        let rules =
            usize::from(self.watch.limit.is_some()) + usize::from(self.watch.rise.is_some());
        vec![(self.watch.severity, self.watch.hold); rules]
    }

    fn missing_after(&self) -> Option<Duration> {
        self.watch.missing_after
    }

    fn look(&self) -> Vec<(Level, Reason)> {
        let figures = self.watch.measure(&self.count).into_iter();
        figures
            .map(|figure| (figure.level(), Reason::Security(figure)))
            .collect()
    }
}
