//! What a call has so far of the keys that it asks for.

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use super::{Inner, Loaded, LoadingCache, Loads, count};
use crate::LoadError;
use crate::content::{Standing, View};
use crate::time::NEVER;

/// What a look at a key has found.
pub(super) enum Look<V, E> {
    /// The answer, and whether the key is to be loaded anew in the background.
    Answer {
        answer: Result<V, LoadError<E>>,
        is_due: bool,
    },
    /// It must be loaded; a stale value may stand in.
    Load(Option<V>),
}

/// The keys of a call, and the answers so far.
pub(super) struct Page<'a, K, V, E> {
    pub(super) keys: &'a [K],
    answers: Vec<Option<Result<V, LoadError<E>>>>,
    /// The positions of those still to be loaded, with what may stand in.
    pub(super) missing: Vec<(usize, Option<V>)>,
    /// The positions of those to be loaded anew for others.
    pub(super) due: Vec<usize>,
}

impl<'a, K, V, E> Page<'a, K, V, E> {
    /// Of one key that was looked at.
    pub(super) fn of_one(key: &'a K, stale: Option<V>) -> Self {
        Self {
            keys: std::slice::from_ref(key),
            answers: vec![None],
            missing: vec![(0, stale)],
            due: Vec::new(),
        }
    }

    pub(super) fn is_incomplete(&self) -> bool {
        !self.missing.is_empty()
    }

    pub(super) fn answer(&mut self, at: usize, answer: Result<V, LoadError<E>>) {
        self.answers[at] = Some(answer);
    }

    /// The answers, in the order of the keys.
    pub(super) fn complete(self) -> Vec<Result<V, LoadError<E>>> {
        let answers = self.answers.into_iter();
        answers
            .map(|answer| answer.expect("nothing is missing"))
            .collect()
    }
}

impl<K, V, E, S> LoadingCache<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    /// Looks at many keys. What is to be loaded anew waits for what is missing, if both can travel together.
    pub(super) fn look_at<'a>(&self, keys: &'a [K]) -> Page<'a, K, V, E> {
        let mut page = Page {
            keys,
            answers: Vec::with_capacity(keys.len()),
            missing: Vec::new(),
            due: Vec::new(),
        };
        for (at, key) in keys.iter().enumerate() {
            page.answers.push(match self.look(key) {
                Look::Answer { answer, is_due } => {
                    page.due.extend(is_due.then_some(at));
                    Some(answer)
                }
                Look::Load(stale) => {
                    page.missing.push((at, stale));
                    None
                }
            });
        }
        if page.missing.is_empty() || !matches!(self.0.loads, Loads::Many { .. }) {
            let due = std::mem::take(&mut page.due);
            Inner::refresh(&self.0, due.iter().map(|&at| &keys[at]));
        }
        page
    }

    /// Looks at what is here.
    #[inline]
    pub(super) fn look(&self, key: &K) -> Look<V, E> {
        let found = self
            .0
            .cache
            .view(key, |loaded, view| self.judge_entry(loaded, &view));
        found.unwrap_or(Look::Load(None))
    }

    /// What is to be done with an entry that was found. In one step with the look, so that nothing is cloned but what is
    /// answered. The usual case is here, and the others apart, so that they take no registers from it.
    #[inline(always)]
    fn judge_entry(&self, loaded: &Loaded<V, E>, view: &View<'_>) -> Look<V, E> {
        match (loaded, view.standing) {
            (Loaded::Value(value), Standing::Fresh) => Look::Answer {
                answer: Ok(value.clone()),
                is_due: view.fresh_until != NEVER && self.is_due(view),
            },
            _ => self.judge_stale_or_failed(loaded, view),
        }
    }

    /// Whether a fresh value that will end is to be loaded anew by now.
    #[inline(never)]
    fn is_due(&self, view: &View<'_>) -> bool {
        let mean = || self.0.cache.mean_load_millis();
        !view.is_paused()
            && self
                .0
                .rules
                .is_refresh_due(view.since, view.fresh_until, view.now, mean)
    }

    #[inline(never)]
    fn judge_stale_or_failed(&self, loaded: &Loaded<V, E>, view: &View<'_>) -> Look<V, E> {
        let (rules, counts) = (&self.0.rules, &self.0.counts);
        match (loaded, view.standing) {
            (Loaded::Value(value), Standing::Stale) => {
                let stale_for = view.now.saturating_sub(view.fresh_until);
                let is_paused = view.is_paused();
                if !rules.may_revalidate(stale_for) && !is_paused {
                    return Look::Load(Some(value.clone()));
                }
                count(&counts.stale);
                Look::Answer {
                    answer: Ok(value.clone()),
                    is_due: !is_paused,
                }
            }
            (Loaded::Failed(error), Standing::Fresh) => {
                count(&counts.failures);
                Look::Answer {
                    answer: Err(LoadError::Failed(Arc::clone(error))),
                    is_due: false,
                }
            }
            (Loaded::Absent, Standing::Fresh) => {
                count(&counts.failures);
                Look::Answer {
                    answer: Err(LoadError::Absent),
                    is_due: false,
                }
            }
            _ => Look::Load(None),
        }
    }
}
