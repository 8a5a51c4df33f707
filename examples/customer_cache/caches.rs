//! The caches in front of the database: what each holds, how long, and what a change takes out of them.
//!
//! | cache | key | holds | filled by |
//! |---|---|---|---|
//! | profiles | customer | all of a customer, or that there is none | one query a customer |
//! | contacts | customer | what a list shows of a customer | one query for all that a page misses |
//! | pages | account and page | which customers are on it, in order | one query a page |
//!
//! A page holds numbers alone. What a customer is called stands in one entry of each of two caches, and so an erasure
//! request has two places to go to, and not every page that was ever shown.

use std::sync::Arc;
use std::time::Duration;

use crm_perf::cache::{BuildError, Cache, Clock, LoadError, LoadingCache, Stats, Tag};
use serde::Serialize;
use tokio::runtime::Handle;

use crate::database::{AccountId, Contact, CustomerId, Profile};
use crate::error::DatabaseError;

/// How long a profile and a contact are fresh.
pub(crate) const CUSTOMER_LIFE: Duration = Duration::from_secs(300);
/// How long it is remembered that there is no such customer.
pub(crate) const ABSENCE_LIFE: Duration = Duration::from_secs(1);
/// How long a page is fresh.
pub(crate) const PAGE_LIFE: Duration = Duration::from_secs(60);
/// The share of its life after which a profile that is asked for is loaded anew in the background.
pub(crate) const REFRESH_AHEAD: f64 = 0.8;
/// How long a profile is served past its life while the database gives no answer.
pub(crate) const STALE_ON_ERROR: Duration = Duration::from_secs(3_600);
/// How long the database is then left alone.
pub(crate) const PAUSE: Duration = Duration::from_secs(10);
/// How long it is remembered that a profile could not be loaded.
pub(crate) const FAILURE_LIFE: Duration = Duration::from_secs(1);

/// Where the caches load from. Its methods block.
pub(crate) trait Source: Send + Sync + 'static {
    fn profile(&self, id: CustomerId) -> Result<Option<Profile>, DatabaseError>;

    /// The contacts of those customers who exist, in any order.
    fn contacts(&self, ids: &[CustomerId]) -> Result<Vec<Contact>, DatabaseError>;

    /// The customers on a page of an account, in their order.
    fn page(&self, account: AccountId, page: u32) -> Result<Vec<CustomerId>, DatabaseError>;
}

/// What differs from one service to another.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Entries in each cache.
    pub(crate) capacity: usize,
    /// How long a request waits for the load of a profile.
    pub(crate) hard_limit: Duration,
    pub(crate) clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            capacity: 100_000,
            hard_limit: Duration::from_secs(2),
            clock: Clock::coarse(),
        }
    }
}

/// A page of an account's customers, counted from 0.
type PageKey = (AccountId, u32);

/// The caches, and what fills them.
pub(crate) struct Caches {
    source: Arc<dyn Source>,
    /// That a customer does not exist is an answer and no error: errors are what a stale profile may stand in for, and a
    /// deleted customer must not come back that way.
    profiles: LoadingCache<CustomerId, Option<Arc<Profile>>, DatabaseError>,
    contacts: Cache<CustomerId, Arc<Contact>>,
    pages: Cache<PageKey, Arc<[CustomerId]>>,
}

impl Caches {
    /// Empty caches. Blocking work runs on the threads that `runtime` has for it.
    pub(crate) fn new(
        source: Arc<dyn Source>,
        settings: Settings,
        runtime: Handle,
    ) -> Result<Self, BuildError> {
        let Settings {
            capacity,
            hard_limit,
            clock,
        } = settings;
        let loaded_from = Arc::clone(&source);
        let profiles = Cache::builder(capacity)
            .time_to_live(CUSTOMER_LIFE)
            .expiry(|_, profile: &Option<Arc<Profile>>| profile.is_none().then_some(ABSENCE_LIFE))
            .jitter(0.1)
            .clock(clock.clone())
            .loading(move |id: &CustomerId| Ok(loaded_from.profile(*id)?.map(Arc::new)))
            .executor(move |job| drop(runtime.spawn_blocking(job)))
            .refresh_ahead(REFRESH_AHEAD)
            .stale_on_error(STALE_ON_ERROR, PAUSE)
            .remember_failures(FAILURE_LIFE)
            .hard_limit(hard_limit)
            // Without it the hard limit would not hold for tasks.
            .sleep(tokio::time::sleep)
            .build()?;
        let contacts = Cache::builder(capacity)
            .time_to_live(CUSTOMER_LIFE)
            .jitter(0.1)
            .clock(clock.clone())
            .build()?;
        let pages = Cache::builder(capacity)
            .time_to_live(PAGE_LIFE)
            .tags(|(account, _): &PageKey, customers: &Arc<[_]>, tags| {
                tags.add(account_tag(*account));
                tags.extend(customers.iter().map(|id| customer_tag(*id)));
            })
            .clock(clock)
            .build()?;
        Ok(Self {
            source,
            profiles,
            contacts,
            pages,
        })
    }

    /// A customer's profile; `None` if there is no such customer.
    pub(crate) async fn profile(
        &self,
        id: CustomerId,
    ) -> Result<Option<Arc<Profile>>, LoadError<DatabaseError>> {
        self.profiles.get_async(&id).await
    }

    /// The customers on a page, in their order. A page past the last one is empty.
    pub(crate) async fn page(
        &self,
        account: AccountId,
        page: u32,
    ) -> Result<Vec<Arc<Contact>>, LoadError<DatabaseError>> {
        let load_page = |(account, page)| {
            let source = Arc::clone(&self.source);
            blocking(move || source.page(account, page).map(Arc::from))
        };
        let ids = self
            .pages
            .get_or_load_async(&(account, page), load_page)
            .await?;
        let load_contacts = |missing: Vec<CustomerId>| {
            let source = Arc::clone(&self.source);
            blocking(move || {
                let found = source.contacts(&missing)?.into_iter();
                Ok(found.map(|contact| (contact.id, Arc::new(contact))))
            })
        };
        let contacts = self
            .contacts
            .get_many_or_load_async(&ids, load_contacts)
            .await?;
        // Whoever was erased after the page had been read is left out here.
        Ok(contacts.into_iter().flatten().collect())
    }

    /// After a customer has changed in the database: whoever asks from now on sees the change.
    ///
    /// `accounts` are those whose lists differ. A customer's own tag is not enough: he also appears on pages that have
    /// not shown him before.
    pub(crate) fn changed(&self, id: CustomerId, accounts: &[AccountId]) {
        self.profiles.remove(&id);
        self.contacts.remove(&id);
        self.invalidate_pages(id, accounts);
    }

    /// After a customer was deleted in the database: nothing of him stays in memory, and no load that is under way brings
    /// him back. It waits for readers, and so must not be called from a task.
    pub(crate) fn erased(&self, id: CustomerId, accounts: &[AccountId]) {
        self.profiles.forget(&id);
        self.contacts.forget(&id);
        self.invalidate_pages(id, accounts);
    }

    fn invalidate_pages(&self, id: CustomerId, accounts: &[AccountId]) {
        self.pages.invalidate_tag(customer_tag(id));
        for account in accounts {
            self.pages.invalidate_tag(account_tag(*account));
        }
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures {
            profiles: CacheFigures::new(self.profiles.len(), &self.profiles.stats()),
            contacts: CacheFigures::new(self.contacts.len(), &self.contacts.stats()),
            pages: CacheFigures::new(self.pages.len(), &self.pages.stats()),
        }
    }
}

fn account_tag(account: AccountId) -> Tag {
    Tag::new("account", account)
}

fn customer_tag(id: CustomerId) -> Tag {
    Tag::new("customer", id)
}

/// Runs work that blocks where it holds no task up. It goes on to its end even if nobody waits for it any more.
pub(crate) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, DatabaseError> + Send + 'static,
) -> Result<R, DatabaseError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(DatabaseError::Interrupted),
    }
}

/// What the caches have done, as JSON shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) profiles: CacheFigures,
    pub(crate) contacts: CacheFigures,
    pub(crate) pages: CacheFigures,
}

/// What one cache has done.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CacheFigures {
    pub(crate) entries: usize,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) hit_ratio: Option<f64>,
    pub(crate) loads: u64,
    pub(crate) load_failures: u64,
    pub(crate) load_waits: u64,
    pub(crate) loads_voided: u64,
    pub(crate) load_timeouts: u64,
    pub(crate) mean_load_micros: Option<f64>,
    pub(crate) refreshes: u64,
    pub(crate) stale_served: u64,
    pub(crate) failures_served: u64,
    pub(crate) evictions: u64,
    pub(crate) expirations: u64,
    pub(crate) invalidations: u64,
    pub(crate) removals: u64,
}

impl CacheFigures {
    fn new(entries: usize, stats: &Stats) -> Self {
        Self {
            entries,
            hits: stats.hits,
            misses: stats.misses,
            hit_ratio: stats.hit_ratio(),
            loads: stats.loads,
            load_failures: stats.load_failures,
            load_waits: stats.load_waits,
            loads_voided: stats.loads_voided,
            load_timeouts: stats.load_timeouts,
            mean_load_micros: stats.mean_load_time().map(|time| time.as_secs_f64() * 1e6),
            refreshes: stats.refreshes,
            stale_served: stats.stale_served,
            failures_served: stats.failures_served,
            evictions: stats.evictions,
            expirations: stats.expirations,
            invalidations: stats.invalidations,
            removals: stats.removals,
        }
    }
}
