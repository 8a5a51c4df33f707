//! The cache keeps what compression has encoded.

use std::convert::Infallible;
use std::sync::Arc;

use crm_cache::{BuildError, Cache};
use crm_compress::{EncodedForm, EncodedStore};

/// Keeps encoded forms in a [`Cache`](crate::cache::Cache): its policy decides what stays, and however many want a body at
/// once, one of them encodes it.
///
/// The store of [`EncodedCache::new`](crate::compress::EncodedCache::new) is enough for most services. This one is for
/// bodies that many threads want in the same moment, a front page after an update for instance, and for traffic in
/// which what is worth keeping has to be learnt.
///
/// ```
/// use crm_perf::EncodedForms;
/// use crm_perf::compress::{Coding, EncodedCache, Identity, Level};
///
/// let forms = EncodedCache::over(EncodedForms::new(64 << 20)?); // bytes
///
/// let json = br#"{"id":7,"name":"Ada"}"#.repeat(100);
/// let encode = || forms.encode(Coding::Gzip, Level::Smallest, Identity::body(), &json);
/// let (form, again) = (encode(), encode()); // encoded once
/// assert!(form.is_ok() && form == again);
/// # Ok::<(), crm_perf::cache::BuildError>(())
/// ```
///
/// A cache of one's own, with a time to live for instance, becomes a store by [`From`]. Have it weigh forms by
/// [`EncodedForm::weight`](crate::compress::EncodedForm::weight):
///
/// ```
/// use crm_perf::EncodedForms;
/// use crm_perf::cache::Cache;
/// use crm_perf::compress::{EncodedCache, EncodedForm};
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// let kept = Cache::<u64, EncodedForm>::builder(20_000)
///     .weigher(64 << 20, |_, form| form.weight())
///     .time_to_live(Duration::from_secs(3_600))
///     .build()?;
/// let kept = Arc::new(kept); // to look at its statistics later
/// let forms = EncodedCache::over(EncodedForms::from(Arc::clone(&kept)));
/// # Ok::<(), crm_perf::cache::BuildError>(())
/// ```
///
/// Waiting blocks the thread, for about as long as encoding would have taken it.
#[derive(Debug)]
pub struct EncodedForms(Arc<Cache<u64, EncodedForm>>);

/// One place in the tables of the cache for so many bytes of the limit; a form weighs at least a third of it.
const BYTES_A_PLACE: u64 = 1_024;

/// What a place takes before anything is in it: 41 bytes, the number and the form.
const PLACE: u64 = 64;

impl EncodedForms {
    /// A store whose forms and tables take at most `limit` bytes together, besides what a cache of this kind takes empty.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the limit is below 1,024 bytes, or there is not enough memory for the tables.
    pub fn new(limit: u64) -> Result<Self, BuildError> {
        let places = limit / BYTES_A_PLACE;
        let cache = Cache::builder(usize::try_from(places).unwrap_or(usize::MAX))
            .weigher(limit - places * PLACE, |_, form: &EncodedForm| {
                form.weight()
            })
            .build()?;
        Ok(Self::from(Arc::new(cache)))
    }
}

impl From<Arc<Cache<u64, EncodedForm>>> for EncodedForms {
    fn from(cache: Arc<Cache<u64, EncodedForm>>) -> Self {
        Self(cache)
    }
}

impl EncodedStore for EncodedForms {
    fn get_or_make(&self, number: u64, make: &mut dyn FnMut() -> EncodedForm) -> EncodedForm {
        let made = self.0.get_or_load(&number, |_| Ok::<_, Infallible>(make()));
        // The one error that is left: an encoder that asks for the form that it is making, which cannot wait for itself.
        made.unwrap_or_else(|_| make())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables and forms together: what the tables take for each place is not left to the forms.
    #[test]
    fn the_limit_covers_the_tables() {
        for limit in [1_024, 100_000, 64 << 20] {
            let EncodedForms(cache) = EncodedForms::new(limit).unwrap();
            let places = cache.capacity() as u64;
            assert_eq!(places, limit / 1_024);
            assert_eq!(cache.max_weight(), Some(limit - places * 64));
        }
    }
}
