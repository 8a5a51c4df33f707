//! What a call has so far of the keys that it asks for.

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::Ordering;

use super::{Inner, Loaded, LoadingCache, Loads, count};
use crate::LoadError;
use crate::content::{Standing, View};

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

/// What is to be done with an entry that was found.
#[derive(Clone, Copy, Debug)]
enum Judgement {
    Serve { is_due: bool },
    ServeStale { is_due: bool },
    Load { may_stand_in: bool },
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
    pub(super) fn look(&self, key: &K) -> Look<V, E> {
        let counts = &self.0.counts;
        let found = self
            .0
            .cache
            .view(key, |loaded, view| (loaded.clone(), self.judgement(&view)));
        match found {
            Some((Loaded::Value(value), Judgement::Serve { is_due })) => Look::Answer {
                answer: Ok(value),
                is_due,
            },
            Some((Loaded::Value(value), Judgement::ServeStale { is_due })) => {
                count(&counts.stale);
                Look::Answer {
                    answer: Ok(value),
                    is_due,
                }
            }
            Some((Loaded::Value(value), Judgement::Load { may_stand_in })) => {
                Look::Load(may_stand_in.then_some(value))
            }
            Some((Loaded::Failed(error), Judgement::Serve { .. })) => {
                count(&counts.failures);
                Look::Answer {
                    answer: Err(LoadError::Failed(error)),
                    is_due: false,
                }
            }
            Some((Loaded::Absent, Judgement::Serve { .. })) => {
                count(&counts.failures);
                Look::Answer {
                    answer: Err(LoadError::Absent),
                    is_due: false,
                }
            }
            Some((Loaded::Failed(_) | Loaded::Absent, _)) | None => Look::Load(None),
        }
    }

    fn judgement(&self, view: &View<'_>) -> Judgement {
        let rules = &self.0.rules;
        let is_paused = view.now < view.paused_until.load(Ordering::Relaxed);
        match view.standing {
            Standing::Fresh => {
                let mean = self.0.cache.mean_load_millis();
                let is_due = !is_paused
                    && rules.is_refresh_due(view.since, view.fresh_until, view.now, mean);
                Judgement::Serve { is_due }
            }
            Standing::Stale => {
                let stale_for = view.now.saturating_sub(view.fresh_until);
                if rules.may_revalidate(stale_for) || is_paused {
                    Judgement::ServeStale { is_due: !is_paused }
                } else {
                    Judgement::Load { may_stand_in: true }
                }
            }
            Standing::Invalidated => Judgement::Load {
                may_stand_in: false,
            },
        }
    }
}
