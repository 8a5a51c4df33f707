//! The seam between the cache of encoded forms and whatever keeps them.

use super::EncodedForm;

/// Keeps encoded forms for an [`EncodedCache`](crate::EncodedCache): a map from numbers to forms, bounded as it likes.
///
/// The number is a hash under a seed of the cache, evenly distributed. Two bodies may have the same number; the cache
/// compares what it gets with what it asked for, so that a store need not, and cannot hand one body's form to another. It
/// may forget any form at any time. `crm-perf` has a store over `crm-cache`; one over a map that never forgets, which no
/// service should use, is this:
///
/// ```
/// use crm_compress::{Coding, EncodedCache, EncodedForm, EncodedStore, Identity, Level};
/// use std::collections::HashMap;
/// use std::sync::Mutex;
///
/// #[derive(Default)]
/// struct Everything(Mutex<HashMap<u64, EncodedForm>>);
///
/// impl EncodedStore for Everything {
///     fn get_or_make(&self, number: u64, make: &mut dyn FnMut() -> EncodedForm) -> EncodedForm {
///         let kept = self.0.lock().unwrap().get(&number).cloned();
///         kept.unwrap_or_else(|| {
///             let form = make(); // under no lock
///             self.0.lock().unwrap().insert(number, form.clone());
///             form
///         })
///     }
/// }
///
/// let forms = EncodedCache::over(Everything::default());
/// let csv = b"7;Ada;London\n".repeat(50);
/// let first = forms.encode(Coding::Gzip, Level::Balanced, Identity::body(), &csv)?;
/// let again = forms.encode(Coding::Gzip, Level::Balanced, Identity::body(), &csv)?;
/// assert!(std::sync::Arc::ptr_eq(&first, &again));
/// # Ok::<(), crm_compress::Reason>(())
/// ```
///
/// A bound should count [`EncodedForm::weight`].
pub trait EncodedStore: Send + Sync {
    /// The form that is kept under `number`; if there is none, the one that `make` makes.
    ///
    /// `make` encodes, which may take milliseconds, and panics if the caller's encoder does: call it under no lock. Whether
    /// concurrent calls for one number wait for one `make` or each make their own is the store's choice.
    fn get_or_make(&self, number: u64, make: &mut dyn FnMut() -> EncodedForm) -> EncodedForm;
}
