//! Tenants: whose an entry is, and which group it is counted in.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::shares::{Group, OTHERS};
use crate::{BuildError, Tag, TagIdentity};

/// Names whose an entry is, where a cache is divided among several; see
/// [`CacheBuilder::tenants`](crate::CacheBuilder::tenants).
///
/// Every integer and every string is one. Numbers of every width are one tenant if they are equal.
///
/// ```
/// use crm_cache::Tenant;
///
/// assert_eq!(Tenant::from(7_u32), Tenant::new(7_u64));
/// assert_ne!(Tenant::new("acme"), Tenant::new("other"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tenant(Tag);

impl Tenant {
    /// The tenant of this identity.
    #[must_use]
    pub fn new(identity: impl TagIdentity) -> Self {
        Self(Tag::new("tenant", identity))
    }
}

impl<T: TagIdentity> From<T> for Tenant {
    fn from(identity: T) -> Self {
        Self::new(identity)
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tenant").field(&self.0).finish()
    }
}

/// Says whose an entry is.
type Namer<K> = Arc<dyn Fn(&K) -> Tenant + Send + Sync>;

/// The tenants as they were given to the builder.
pub(crate) struct Tenancy<K> {
    pub(crate) name: Namer<K>,
    pub(crate) shares: Vec<(Tenant, f64)>,
}

/// Finds the group of a key.
pub(crate) struct Tenants<K> {
    name: Namer<K>,
    groups: HashMap<Tenant, Group>,
}

impl<K> Tenancy<K> {
    /// Checks the shares, and parts them from the names.
    pub(crate) fn divide(self) -> Result<(Tenants<K>, Box<[f64]>), BuildError> {
        let mut groups = HashMap::new();
        for (position, &(tenant, share)) in self.shares.iter().enumerate() {
            if !(0.0..=1.0).contains(&share) {
                return Err(BuildError::ShareOutOfRange { position, share });
            }
            if groups.insert(tenant, 1 + position as Group).is_some() {
                return Err(BuildError::TenantNamedTwice { position });
            }
        }
        let shares: Box<[f64]> = self.shares.iter().map(|&(_, share)| share).collect();
        let sum: f64 = shares.iter().sum();
        // Shares that were computed, as thirds are, may miss their sum by a rounding.
        if sum > 1.0 + 1e-9 {
            return Err(BuildError::SharesAboveOne { sum });
        }
        let name = self.name;
        Ok((Tenants { name, groups }, shares))
    }
}

impl<K> Tenants<K> {
    pub(crate) fn group(&self, key: &K) -> Group {
        self.group_of((self.name)(key))
    }

    pub(crate) fn group_of(&self, tenant: Tenant) -> Group {
        self.groups.get(&tenant).copied().unwrap_or(OTHERS)
    }
}
