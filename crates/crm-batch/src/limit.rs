//! Numbers that must not be 0.

use std::num::NonZero;

/// A limit of a [`Builder`](crate::Builder): a [`NonZero<usize>`](NonZero), of which the compiler knows that it is not 0, or a `usize`,
/// of which [`build`](crate::Builder::build) finds out.
///
/// ```
/// use crm_batch::{Batch, BuildError};
/// use std::num::NonZero;
///
/// const WINDOW: NonZero<usize> = NonZero::new(8).unwrap(); // a 0 here does not compile
///
/// let batch = Batch::builder().window(WINDOW).chunk_rows(4_096).build()?;
/// let error = Batch::builder().window(WINDOW).chunk_rows(0).build().unwrap_err();
/// assert!(matches!(error, BuildError::ZeroChunkRows));
/// # let _ = batch;
/// # Ok::<(), BuildError>(())
/// ```
pub trait Limit: sealed::Sealed {}

impl Limit for usize {}

impl Limit for NonZero<usize> {}

mod sealed {
    use std::num::NonZero;

    pub trait Sealed {
        /// The number, which may still be 0.
        fn number(self) -> usize;
    }

    impl Sealed for usize {
        fn number(self) -> usize {
            self
        }
    }

    impl Sealed for NonZero<usize> {
        fn number(self) -> usize {
            self.get()
        }
    }
}
