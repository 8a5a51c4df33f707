//! Configures a cache before it is built.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, thread};

use crm_clock::Clock;

use crate::bound::{Bound, LARGEST};
use crate::cache::Plan;
use crate::outflow::Callback;
use crate::shares::Shares;
use crate::tenants::Tenancy;
use crate::time::{Expiry, Lifetimes};
use crate::{BuildError, Cache, DefaultHashBuilder, Policy, RemovalCause, Tags, Tenant};

/// Says which tags an entry has.
pub(crate) type Tagger<K, V> = Arc<dyn Fn(&K, &V, &mut Tags<'_>) + Send + Sync>;

/// Says what an entry weighs.
pub(crate) type Weigher<K, V> = Arc<dyn Fn(&K, &V) -> u64 + Send + Sync>;

/// Configures a [`Cache`]; made by [`Cache::builder`].
///
/// Setters take any value; [`build`](Self::build) says what is wrong with them.
#[must_use = "a builder makes a cache only when built"]
pub struct CacheBuilder<K, V, S = DefaultHashBuilder> {
    pub(crate) capacity: usize,
    pub(crate) policy: Policy,
    pub(crate) shards: Option<usize>,
    pub(crate) tagger: Option<Tagger<K, V>>,
    pub(crate) tenancy: Option<Tenancy<K>>,
    pub(crate) weigher: Option<Weigher<K, V>>,
    pub(crate) max_weight: u64,
    pub(crate) max_batch: usize,
    pub(crate) time_to_live: Option<Duration>,
    pub(crate) time_to_idle: Option<Duration>,
    pub(crate) expiry: Option<Expiry<K, V>>,
    pub(crate) jitter: f64,
    /// How long what is past its life is kept; none where it cannot be asked for.
    pub(crate) stale: Option<Duration>,
    pub(crate) on_removal: Option<Callback<K, V>>,
    pub(crate) clock: Option<Clock>,
    #[cfg(feature = "serde")]
    pub(crate) snapshots: crate::snapshot::Terms,
    pub(crate) hasher: S,
}

impl<K, V> CacheBuilder<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            policy: Policy::default(),
            shards: None,
            tagger: None,
            tenancy: None,
            weigher: None,
            max_weight: 0,
            max_batch: 1_000,
            time_to_live: None,
            time_to_idle: None,
            expiry: None,
            jitter: 0.0,
            stale: None,
            on_removal: None,
            clock: None,
            #[cfg(feature = "serde")]
            snapshots: crate::snapshot::Terms::default(),
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl<K, V, S> CacheBuilder<K, V, S> {
    /// Decides which entries a full cache keeps. The default is [`Policy::Adaptive`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Spreads the entries over this many separately locked shards.
    ///
    /// More shards let more threads write at once. They share the capacity, and under [`Policy::Adaptive`] what is
    /// learned. Under [`Policy::Lru`] each keeps its own order; one shard gives one exact order over the whole cache.
    /// The default is four for each core, but at least 1,024 entries to a shard (64 under `Lru`).
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// Serves an entry only while it is younger than this; at least one millisecond. Without it, and without an
    /// [`expiry`](Self::expiry), entries stay until evicted.
    pub fn time_to_live(mut self, time_to_live: Duration) -> Self {
        self.time_to_live = Some(time_to_live);
        self
    }

    /// Serves an entry only until it was not read for this long; at least one millisecond. Writing it begins its life
    /// anew.
    ///
    /// Where a [time to live](Self::time_to_live) or an [`expiry`](Self::expiry) is set too, the shorter life holds. A
    /// read within a sixty-fourth of the time to idle after the last one is not recorded under [`Policy::Adaptive`], so
    /// that hot entries are read without a write; an entry may end up to that much early. It costs 8 bytes an entry.
    ///
    /// ```
    /// use crm_cache::{Cache, Clock};
    /// use std::time::Duration;
    ///
    /// let (clock, hand) = Clock::manual();
    /// let sessions: Cache<&str, u32> =
    ///     Cache::builder(1_000).time_to_idle(Duration::from_secs(1_800)).clock(clock).build()?;
    /// sessions.insert("ada", 1);
    /// sessions.insert("bob", 2);
    /// hand.advance(Duration::from_secs(1_000));
    /// assert_eq!(sessions.get("ada"), Some(1));
    /// hand.advance(Duration::from_secs(1_000));
    /// assert_eq!(sessions.get("ada"), Some(1));
    /// assert_eq!(sessions.get("bob"), None);
    /// # Ok::<(), crm_cache::BuildError>(())
    /// ```
    pub fn time_to_idle(mut self, time_to_idle: Duration) -> Self {
        self.time_to_idle = Some(time_to_idle);
        self
    }

    /// Names the tags of each entry when it comes in, so that [`Cache::invalidate_tag`] can invalidate all entries of
    /// an account, a region or a table at once.
    ///
    /// The function runs under no lock. It costs an entry 24 bytes, which a [loading](Self::loading) cache has ready for it,
    /// and 4 more for each tag beyond the second; the cache 8 bytes for each place of a table as large as the capacity,
    /// and at least half a megabyte.
    pub fn tags(mut self, name: impl Fn(&K, &V, &mut Tags<'_>) + Send + Sync + 'static) -> Self {
        self.tagger = Some(Arc::new(name));
        self
    }

    /// Guarantees each tenant a share of the cache, so that nobody's bulk job pushes out what others need.
    ///
    /// `name` says whose a key is; `shares` gives tenants a share each, from 0 to 1, and all that are not named share
    /// the rest among them. An entry leaves for another tenant's only while its own tenant holds more than its
    /// guarantee: the share of the capacity, rounded down. What somebody does not use is lent out, evenly to those who
    /// want it, and comes back as soon as its owner does. Where entries are [weighed](Self::weigher), the shares are of
    /// the weight too, to within one entry's weight.
    ///
    /// An entry that no space can be made for, because the others hold no more than they are guaranteed and its own
    /// tenant has nothing to give, is [refused](Cache::try_insert). That can happen to a tenant that is guaranteed less
    /// than the entry takes.
    ///
    /// `name` runs once for each entry that comes in, under no lock, and must always say the same of a key. It cannot
    /// return what it borrows from the key; from a part of text make the [`Tenant`] there:
    /// `|key| Tenant::new(&key.name)`. Under [`Policy::Adaptive`] each tenant's reuse is learned apart, so that its hit
    /// ratio beside the others is what it would be alone in a cache of its share. It costs 72 bytes an entry, up to 340
    /// KB for each tenant with a share, and a look at the count of each at every eviction: it is meant for some dozens
    /// of them.
    ///
    /// ```
    /// use crm_cache::Cache;
    ///
    /// #[derive(PartialEq, Eq, Hash)]
    /// struct Key {
    ///     tenant: u32,
    ///     customer: u64,
    /// }
    /// // Tenant 1 is guaranteed half of the entries, tenant 2 three tenths; all others share the rest.
    /// let cache = Cache::<Key, String>::builder(1_000)
    ///     .tenants(|key: &Key| key.tenant, [(1, 0.5), (2, 0.3)])
    ///     .build()?;
    /// for customer in 0..500 {
    ///     cache.insert(Key { tenant: 1, customer }, "kept".to_owned());
    /// }
    /// for customer in 0..10_000 {
    ///     cache.insert(Key { tenant: 3, customer }, "a bulk job".to_owned());
    /// }
    /// assert_eq!(cache.tenant_len(1), 500);
    /// assert_eq!(cache.tenant_len(3), 500); // 300 of them lent by tenant 2, until it wants them
    /// # Ok::<(), crm_cache::BuildError>(())
    /// ```
    pub fn tenants<T: Into<Tenant>, N: Into<Tenant>>(
        mut self,
        name: impl Fn(&K) -> T + Send + Sync + 'static,
        shares: impl IntoIterator<Item = (N, f64)>,
    ) -> Self {
        self.tenancy = Some(Tenancy {
            name: Arc::new(move |key| name(key).into()),
            shares: shares
                .into_iter()
                .map(|(tenant, share)| (tenant.into(), share))
                .collect(),
        });
        self
    }

    /// Bounds the cache by weight too: the entries together weigh at most `max_weight`, in whatever unit `weigh`
    /// counts.
    ///
    /// The capacity in entries holds as well; give as capacity a fair estimate of how many entries there will be, since
    /// tables and policy are laid out for it, and each costs some 41 bytes and the size of key and value before
    /// anything is held: see [Memory](crate#memory). A capacity of two thousand million to be rid of one bound takes a
    /// hundred gigabytes. `weigh` is called once for each entry that comes in, under no lock; an
    /// entry may weigh zero. One that is heavier than `max_weight` is refused: see [`Cache::try_insert`]. Of two
    /// entries as likely to be used again [`Policy::Adaptive`] evicts the heavier one. It costs 8 bytes an entry.
    ///
    /// An entry of weight zero takes a place all the same, and no more: it leaves when a place is wanted and it is worth
    /// least, and never for the sake of weight as long as something else can. Better weigh what an entry takes, its key
    /// and some 40 bytes included: what weighs nothing is bounded by the capacity alone.
    ///
    /// ```
    /// use crm_cache::Cache;
    ///
    /// // Rendered pages: at most 64 MiB of them, some ten thousand.
    /// let pages = Cache::<String, Vec<u8>>::builder(10_000)
    ///     .weigher(64 << 20, |url, page| (url.len() + page.len()) as u64)
    ///     .build()?;
    /// pages.insert("/customers/7".to_owned(), vec![0; 30_000]);
    /// assert_eq!(pages.weight(), 30_012);
    /// # Ok::<(), crm_cache::BuildError>(())
    /// ```
    pub fn weigher(
        mut self,
        max_weight: u64,
        weigh: impl Fn(&K, &V) -> u64 + Send + Sync + 'static,
    ) -> Self {
        self.max_weight = max_weight;
        self.weigher = Some(Arc::new(weigh));
        self
    }

    /// Computes the life of each entry from its key and value, when it comes in; `None` is without end.
    ///
    /// Where a [time to live](Self::time_to_live) is set too, the shorter of the two holds. The function runs under no
    /// lock. A life below one millisecond makes an entry that is never served.
    ///
    /// ```
    /// use crm_cache::{Cache, Clock};
    /// use std::time::Duration;
    ///
    /// // An offer knows for how many seconds it is good.
    /// let (clock, hand) = Clock::manual();
    /// let offers: Cache<&str, u64> = Cache::builder(1_000)
    ///     .expiry(|_, seconds| Some(Duration::from_secs(*seconds)))
    ///     .clock(clock)
    ///     .build()?;
    /// offers.insert("flash sale", 60);
    /// offers.insert("list price", 86_400);
    /// hand.advance(Duration::from_secs(60));
    /// assert_eq!(offers.get("flash sale"), None);
    /// assert_eq!(offers.get("list price"), Some(86_400));
    /// # Ok::<(), crm_cache::BuildError>(())
    /// ```
    pub fn expiry(
        mut self,
        expiry: impl Fn(&K, &V) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        self.expiry = Some(Arc::new(expiry));
        self
    }

    /// Shortens each life by a random part of this share, from 0 to 1, so that what was loaded together does not expire
    /// together. With a jitter of 0.1 lives end evenly spread over their last tenth. The default is 0. It is for a
    /// [time to live](Self::time_to_live) or an [`expiry`](Self::expiry), and an error without either.
    pub fn jitter(mut self, jitter: f64) -> Self {
        self.jitter = jitter;
        self
    }

    /// Loads at most this many keys in one call of the loader of [`Cache::get_many_or_load`], or of
    /// [`LoadingCache::get_many`](crate::LoadingCache::get_many) after [`loading_many`](Self::loading_many); the default is
    /// 1,000. A loader of one key does not ask for it.
    pub fn max_batch(mut self, keys: usize) -> Self {
        self.max_batch = keys;
        self
    }

    /// Calls `listener` for each entry that leaves, with the cause.
    ///
    /// It runs in the thread whose call made the entry leave, before that call returns and under no lock, so it may use
    /// the cache; all but [`forget`](Cache::forget), which waits for readers, and under [`Policy::Adaptive`] a listener
    /// is one. A panic in it is contained and counted in [`Stats`](crate::Stats). Entries that are in the cache when
    /// the cache itself is dropped do not leave it and are not told. Calls from the destructors of a thread's locals,
    /// while the thread ends, may go untold under [`Policy::Adaptive`].
    ///
    /// ```
    /// use crm_cache::{Cache, RemovalCause};
    /// use std::sync::{Arc, Mutex};
    ///
    /// let left = Arc::new(Mutex::new(Vec::new()));
    /// let log = Arc::clone(&left);
    /// let cache: Cache<u32, &str> =
    ///     Cache::builder(10).on_removal(move |key, _, cause| log.lock().unwrap().push((*key, cause))).build()?;
    /// cache.insert(1, "old");
    /// cache.insert(1, "new");
    /// cache.remove(&1);
    /// assert_eq!(*left.lock().unwrap(), [(1, RemovalCause::Replaced), (1, RemovalCause::Removed)]);
    /// # Ok::<(), crm_cache::BuildError>(())
    /// ```
    pub fn on_removal(
        mut self,
        listener: impl Fn(&K, &V, RemovalCause) + Send + Sync + 'static,
    ) -> Self {
        self.on_removal = Some(Arc::new(listener));
        self
    }

    /// Reads the time from this clock, so that a test can turn it by hand.
    ///
    /// The default is [`Clock::coarse`], which costs a read next to nothing: an entry whose life is over may be served
    /// until the clock's thread has read the time again, a millisecond as a rule. Give it [`Clock::system`] where that
    /// matters more than 25 ns a read. A cache whose entries do not expire reads it only to measure loads, and these
    /// are measured by the system clock unless another one is given here.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Hashes keys with `hasher` instead of the [`DefaultHashBuilder`].
    ///
    /// All 64 bits of the hash are used, after a further mixing. A hasher that gives many keys one hash makes the cache
    /// slow, though never wrong.
    ///
    /// Where [`Policy::Adaptive`] lets chance decide, it is the hasher's: the default draws a seed for each cache, so
    /// that two evict different entries. A hasher without a seed makes a cache reproducible, for a test or a
    /// simulation: the same calls on one thread give the same hits, provided that the [shards](Self::shards) are given
    /// and that no other thread uses any cache of the process meanwhile.
    ///
    /// ```
    /// use crm_cache::Cache;
    /// use std::hash::{BuildHasherDefault, DefaultHasher};
    ///
    /// let kept = || {
    ///     let hasher = BuildHasherDefault::<DefaultHasher>::default(); // without a seed
    ///     let cache: Cache<u32, (), _> = Cache::builder(100).shards(1).hasher(hasher).build()?;
    ///     for key in 0..1_000 {
    ///         cache.insert(key, ());
    ///     }
    ///     Ok::<_, crm_cache::BuildError>(cache.entries())
    /// };
    /// assert_eq!(kept()?, kept()?);
    /// # Ok::<(), crm_cache::BuildError>(())
    /// ```
    pub fn hasher<H>(self, hasher: H) -> CacheBuilder<K, V, H> {
        CacheBuilder {
            capacity: self.capacity,
            policy: self.policy,
            shards: self.shards,
            tagger: self.tagger,
            tenancy: self.tenancy,
            weigher: self.weigher,
            max_weight: self.max_weight,
            max_batch: self.max_batch,
            time_to_live: self.time_to_live,
            time_to_idle: self.time_to_idle,
            expiry: self.expiry,
            jitter: self.jitter,
            stale: self.stale,
            on_removal: self.on_removal,
            clock: self.clock,
            #[cfg(feature = "serde")]
            snapshots: self.snapshots,
            hasher,
        }
    }

    /// Builds the cache.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the capacity is above 2,147,483,647, when the capacity, the number of shards, the weight or
    /// the largest batch is zero, when there are more shards than entries, when the time to live or to idle is below a
    /// millisecond, when the jitter or a tenant's share is not from 0 to 1, when there is a jitter and no life to
    /// shorten, when the shares are above 1 together, when a tenant is named twice, or when there is no memory for what
    /// the capacity [costs at once](crate#memory). A system that promises more memory than it has ends the process
    /// instead, when it is used.
    pub fn build(self) -> Result<Cache<K, V, S>, BuildError>
    where
        K: Eq + Hash,
        V: Clone,
        S: BuildHasher + Clone,
    {
        let capacity = self.capacity;
        if capacity == 0 {
            return Err(BuildError::ZeroCapacity);
        }
        if capacity > LARGEST {
            return Err(BuildError::CapacityTooLarge { capacity });
        }
        let shards = self
            .shards
            .unwrap_or_else(|| default_shards(capacity, self.policy));
        if shards == 0 {
            return Err(BuildError::ZeroShards);
        }
        if shards > capacity {
            return Err(BuildError::MoreShardsThanEntries { shards, capacity });
        }
        if let Some(time_to_live) = self
            .time_to_live
            .filter(|&life| life < Duration::from_millis(1))
        {
            return Err(BuildError::TimeToLiveTooShort { time_to_live });
        }
        if let Some(time_to_idle) = self
            .time_to_idle
            .filter(|&life| life < Duration::from_millis(1))
        {
            return Err(BuildError::TimeToIdleTooShort { time_to_idle });
        }
        if self.weigher.is_some() && self.max_weight == 0 {
            return Err(BuildError::ZeroWeight);
        }
        if self.max_batch == 0 {
            return Err(BuildError::ZeroBatch);
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err(BuildError::JitterOutOfRange {
                jitter: self.jitter,
            });
        }
        if self.jitter > 0.0 && self.time_to_live.is_none() && self.expiry.is_none() {
            return Err(BuildError::NothingToSpread);
        }
        let mut bound = Bound::new(capacity, self.max_weight);
        let mut tenants = None;
        if let Some(tenancy) = self.tenancy {
            let (named, shares) = tenancy.divide()?;
            bound = bound.shared(Shares::new(shares));
            tenants = Some(named);
        }
        let ends =
            self.time_to_live.is_some() || self.time_to_idle.is_some() || self.expiry.is_some();
        let lifetimes = Lifetimes {
            time_to_live: self.time_to_live,
            time_to_idle: self.time_to_idle,
            expiry: self.expiry,
            jitter: self.jitter,
            stale: self.stale.unwrap_or_default(),
            clock: ends.then(|| self.clock.clone().unwrap_or_else(Clock::coarse)),
        };
        let plan = Plan {
            bound,
            policy: self.policy,
            shards,
            tagger: self.tagger,
            keeps_stale: self.stale.is_some(),
            tenants,
            weigher: self.weigher,
            max_batch: self.max_batch,
            lifetimes,
            load_clock: self.clock.unwrap_or_default(),
            on_removal: self.on_removal,
            #[cfg(feature = "serde")]
            snapshots: self.snapshots,
            hasher: self.hasher,
        };
        plan.check_memory()?;
        Ok(Cache::from_plan(plan))
    }
}

fn default_shards(capacity: usize, policy: Policy) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let smallest = match policy {
        Policy::Adaptive => 1_024,
        Policy::Lru => 64,
    };
    (4 * cores).min(capacity / smallest).max(1)
}

impl<K, V, S> fmt::Debug for CacheBuilder<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("capacity", &self.capacity)
            .field("policy", &self.policy)
            .field("shards", &self.shards)
            .field(
                "max_weight",
                &self.weigher.as_ref().map(|_| self.max_weight),
            )
            .field("tags", &self.tagger.is_some())
            .field(
                "tenants",
                &self.tenancy.as_ref().map(|tenancy| &tenancy.shares),
            )
            .field("time_to_live", &self.time_to_live)
            .field("time_to_idle", &self.time_to_idle)
            .field("expiry", &self.expiry.is_some())
            .field("jitter", &self.jitter)
            .field("on_removal", &self.on_removal.is_some())
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
