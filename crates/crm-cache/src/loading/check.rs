//! Which configurations of a loading cache make no sense.

use std::time::Duration;

use super::rules::Rules;
use crate::BuildError;

/// Looks for what cannot be meant; see [`LoadingBuilder::build`](super::LoadingBuilder::build). `ends` is whether lives
/// end other than by idling.
pub(super) fn check(rules: &Rules, has_background: bool, ends: bool) -> Result<(), BuildError> {
    if let Some(share) = rules.refresh_ahead {
        if !(share > 0.0 && share < 1.0) {
            return Err(BuildError::RefreshOutOfRange { share });
        }
    }
    if let Some(beta) = rules.early_expiry {
        if !(beta > 0.0 && beta.is_finite()) {
            return Err(BuildError::EarlinessOutOfRange { beta });
        }
    }
    if let (Some(soft), Some(hard)) = (rules.soft_limit, rules.hard_limit) {
        if soft > hard {
            return Err(BuildError::SoftLimitOverHardLimit { soft, hard });
        }
    }
    let keeps_stale = !rules.stale_for().is_zero();
    if rules.soft_limit.is_some() && !keeps_stale {
        return Err(BuildError::NothingStale);
    }
    if let Some(life) = rules
        .failures
        .filter(|&life| life < Duration::from_millis(1))
    {
        return Err(BuildError::FailuresTooShort { life });
    }
    if let Some(life) = rules
        .absences
        .filter(|&life| life < Duration::from_millis(1))
    {
        return Err(BuildError::AbsencesTooShort { life });
    }
    if rules.on_error_pause.is_some() && rules.on_error < Duration::from_millis(1) {
        return Err(BuildError::StaleTooShort {
            age: rules.on_error,
        });
    }
    if rules.on_error_pause.is_some() && rules.retry_pause.is_some() {
        return Err(BuildError::TwoPauses);
    }
    let is_about_ends =
        rules.refresh_ahead.is_some() || rules.early_expiry.is_some() || keeps_stale;
    if is_about_ends && !ends {
        return Err(BuildError::NothingEnds);
    }
    if rules.needs_background() && !has_background {
        return Err(BuildError::NoExecutor);
    }
    Ok(())
}
