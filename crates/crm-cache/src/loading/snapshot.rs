//! Snapshots of what a loading cache holds: of its values, in the format of a plain cache.

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::io::{Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Loaded, LoadingCache};
#[cfg(doc)]
use crate::Cache;
use crate::{RestoreError, SnapshotError};

impl<K, V, E, S> LoadingCache<K, V, E, S>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Any + Send + Sync,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    /// Writes the fresh values, for [`restore`](Self::restore) to read after a restart; see [`Cache::snapshot`].
    /// Returns their number.
    ///
    /// Neither stale values nor remembered failures are written. The format is that of a plain cache with the same keys
    /// and values, and each can restore what the other has written.
    ///
    /// # Errors
    ///
    /// As [`Cache::snapshot`].
    pub fn snapshot(&self, writer: impl Write) -> Result<u64, SnapshotError>
    where
        K: Serialize,
        V: Serialize,
    {
        self.0.cache.snapshot_of(writer, Loaded::value)
    }

    /// Takes in the values of a [`snapshot`](Self::snapshot); see [`Cache::restore`]. Returns how many came in.
    ///
    /// A value is fresh for what was left of its life, and is then kept as stale for as long as any other. A refresh
    /// ahead counts its share of what was left. Nothing is loaded for it. What was invalidated before the snapshot was
    /// taken, or in this cache before or during the restore, does not come back, neither fresh nor stale; nor does what
    /// the source is found not to have during the restore.
    ///
    /// # Errors
    ///
    /// As [`Cache::restore`].
    ///
    /// # Panics
    ///
    /// As [`Cache::restore`].
    pub fn restore(&self, reader: impl Read) -> Result<u64, RestoreError>
    where
        K: DeserializeOwned,
        V: DeserializeOwned,
    {
        self.0.cache.restore_of(reader, Loaded::Value, |_, _| true)
    }

    /// As [`restore`](Self::restore), for the entries for which `keep` holds; see [`Cache::restore_if`].
    ///
    /// # Errors
    ///
    /// As [`Cache::restore`].
    ///
    /// # Panics
    ///
    /// As [`Cache::restore`].
    pub fn restore_if(
        &self,
        reader: impl Read,
        keep: impl FnMut(&K, &V) -> bool,
    ) -> Result<u64, RestoreError>
    where
        K: DeserializeOwned,
        V: DeserializeOwned,
    {
        self.0.cache.restore_of(reader, Loaded::Value, keep)
    }
}
