//! What a builder says of snapshots: which version their entries are of, and what the time of day is.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::CacheBuilder;
#[cfg(doc)]
use crate::{Cache, Clock, RestoreError};

/// The terms on which snapshots are written and read.
#[derive(Clone, Default)]
pub(crate) struct Terms {
    /// The user's own name for what is in them; empty without one.
    pub(super) version: String,
    /// None where the system is asked.
    wall_clock: Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>,
}

impl Terms {
    /// The time since 1970. It is all that two processes have in common.
    pub(super) fn since_1970(&self) -> Duration {
        let now = match &self.wall_clock {
            Some(now) => now(),
            None => crm_clock::wall_time(),
        };
        now.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
    }
}

impl<K, V, S> CacheBuilder<K, V, S> {
    /// Names the version of keys and values in [snapshots](Cache::snapshot): one of another version is
    /// [refused](RestoreError::OtherVersion) as a whole. The default is the empty name.
    ///
    /// Change it whenever the meaning of a field changes, or fields of one type change places: the bytes do not tell
    /// that, and what was a first name would be restored as a last name. Whatever tells is part of it: `"customers 3"`,
    /// the number of a migration, the release of the service. Its first 4,096 bytes count.
    ///
    /// The names of the types are compared too, as [`std::any::type_name`] gives them. A new compiler may give others:
    /// then the next start is cold once.
    ///
    /// ```
    /// use crm_cache::{Cache, RestoreError};
    ///
    /// // (first name, last name), and after a change of the record (last name, first name).
    /// let build = |version| Cache::<u64, (String, String)>::builder(100).snapshot_version(version).build();
    /// let (old, new) = (build("customers 1")?, build("customers 2")?);
    /// old.insert(7, ("Ada".to_owned(), "Lovelace".to_owned()));
    /// let mut file = Vec::new();
    /// old.snapshot(&mut file)?;
    /// assert!(matches!(new.restore(&file[..]), Err(RestoreError::OtherVersion { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn snapshot_version(mut self, version: impl Into<String>) -> Self {
        self.snapshots.version = version.into();
        self
    }

    /// Asks this function for the time of day when a [snapshot](Cache::snapshot) is taken or
    /// [restored](Cache::restore); by default the system is asked. For a test of what a restart does: the cache's own
    /// [clock](Self::clock) may begin anew with each process, so what has passed between the two is known from the time
    /// of day alone.
    ///
    /// ```
    /// use crm_cache::{Cache, Clock};
    /// use std::time::{Duration, SystemTime};
    ///
    /// const HOUR: Duration = Duration::from_secs(3_600);
    /// let start_at = |now: SystemTime| {
    ///     let (clock, _) = Clock::manual();
    ///     Cache::<u64, String>::builder(100)
    ///         .expiry(|id, _| Some(if *id == 7 { HOUR } else { 2 * HOUR }))
    ///         .clock(clock)
    ///         .wall_clock(move || now)
    ///         .build()
    /// };
    /// let noon = SystemTime::UNIX_EPOCH + 12 * HOUR;
    /// let before = start_at(noon)?;
    /// before.insert(7, "an hour".to_owned());
    /// before.insert(8, "two hours".to_owned());
    /// let mut file = Vec::new();
    /// before.snapshot(&mut file)?;
    ///
    /// let after = start_at(noon + HOUR)?; // the service was down for an hour
    /// assert_eq!(after.restore(&file[..])?, 1);
    /// assert_eq!((after.get(&7), after.get(&8).as_deref()), (None, Some("two hours")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wall_clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.snapshots.wall_clock = Some(Arc::new(now));
        self
    }
}
