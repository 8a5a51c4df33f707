//! What is done to which cache, decoded from bytes.
//!
//! Each operation takes the same number of bytes, so that leaving some out leaves the others as they are: a failure then
//! shrinks well. Zeros are the plainest choice everywhere.

use std::time::Duration;

use crm_cache::Policy;

use super::subject::Content;

pub(crate) const CONFIGURATION_BYTES: usize = 8;
pub(crate) const OPERATION_BYTES: usize = 6;

/// A cache and what is done to it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) configuration: Configuration,
    pub(crate) operations: Vec<Operation>,
}

impl Plan {
    /// Every string of bytes is a plan; a rest too short for an operation is left alone.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let (head, tail) = bytes.split_at(bytes.len().min(CONFIGURATION_BYTES));
        let mut configuration = [0; CONFIGURATION_BYTES];
        configuration[..head.len()].copy_from_slice(head);
        let configuration = Configuration::decode(configuration);
        let operations = tail
            .chunks_exact(OPERATION_BYTES)
            .map(|bytes| Operation::decode(bytes, &configuration))
            .collect();
        Self {
            configuration,
            operations,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    pub(crate) policy: Policy,
    pub(crate) shards: usize,
    pub(crate) capacity: usize,
    /// Keys are below this.
    pub(crate) keys: u8,
    pub(crate) time_to_live: Option<Duration>,
    pub(crate) time_to_idle: Option<Duration>,
    pub(crate) max_weight: Option<u64>,
    /// Whether each value says itself how long it lives.
    pub(crate) has_expiry: bool,
    pub(crate) has_listener: bool,
    /// Whether all keys have one of four hashes.
    pub(crate) collides: bool,
    pub(crate) max_batch: usize,
}

impl Configuration {
    fn decode(bytes: [u8; CONFIGURATION_BYTES]) -> Self {
        let [
            kind,
            capacity,
            keys,
            life,
            time_to_live,
            time_to_idle,
            extras,
            weight,
        ] = bytes;
        let policy = if kind % 2 == 0 {
            Policy::Adaptive
        } else {
            Policy::Lru
        };
        let capacity = match capacity {
            0..192 => 1 + usize::from(capacity) % 24,
            _ => 1 + usize::from(capacity - 192),
        };
        let shards = (1 + usize::from(kind / 2) % 4).min(capacity);
        let most_keys = (3 * capacity + 1).min(usize::from(super::homes::KEYS));
        Self {
            policy,
            // Which key lives in which shard is found out by many small caches: too slow under an interpreter.
            shards: if cfg!(miri) && policy == Policy::Lru {
                1
            } else {
                shards
            },
            capacity,
            keys: (1 + usize::from(keys) % most_keys) as u8,
            time_to_live: (life & 1 != 0)
                .then(|| Duration::from_millis(1 + u64::from(time_to_live) % 100)),
            time_to_idle: (life & 12 == 12)
                .then(|| Duration::from_millis(1 + 4 * u64::from(time_to_idle))),
            max_weight: (extras & 8 != 0).then(|| match weight {
                255 => u64::MAX,
                _ => 1 + u64::from(weight) % (8 * capacity as u64 + 8),
            }),
            has_expiry: life & 2 != 0,
            has_listener: extras & 1 != 0,
            collides: extras & 6 == 6,
            max_batch: 1 + usize::from(extras >> 4) % 5,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Get(u8),
    /// Looks at a value, and meanwhile does something else, where the policy allows it.
    Read(u8, Option<Box<Operation>>),
    Insert(u8, Content),
    TryInsert(u8, Content),
    Replace(u8, Content),
    Load(u8, Loader),
    /// Each key once.
    LoadMany(Vec<u8>, Loader),
    Remove(u8),
    RemoveIf(u8, bool),
    RemoveExpired,
    Clear,
    /// Asks for so many of the hottest and coldest.
    Rank(usize),
    /// To any capacity, impossible ones included.
    SetCapacity(usize),
    SetMaxWeight(u64),
    Advance(Duration),
}

#[derive(Clone, Debug)]
pub(crate) struct Loader {
    pub(crate) content: Content,
    pub(crate) fails: bool,
    pub(crate) form: Form,
    /// What it does to the cache before it returns.
    pub(crate) meanwhile: Option<Box<Operation>>,
}

/// How a loader is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Blocking,
    /// It cannot fail.
    Maker,
    /// In a task, and suspended once before it returns.
    Task,
    /// In a task that is dropped after so many polls, if it has not ended by then.
    DroppedTask(u32),
}

impl Form {
    fn decode(choice: u8) -> Self {
        match choice % 8 {
            0..4 => Self::Blocking,
            4..6 => Self::Task,
            other => Self::DroppedTask(u32::from(other) - 5),
        }
    }

    /// The polls after which a task is dropped.
    pub(crate) fn patience(self) -> Option<u32> {
        match self {
            Self::DroppedTask(polls) => Some(polls),
            Self::Blocking | Self::Maker | Self::Task => None,
        }
    }
}

impl Operation {
    fn decode(bytes: &[u8], configuration: &Configuration) -> Self {
        let &[kind, key, a, b, other_kind, other_key] = bytes else {
            unreachable!("operations have a fixed length")
        };
        let meanwhile = || {
            (other_kind >= 128).then(|| {
                // Mostly the same key: that is where it matters.
                let key = if other_key < 160 { key } else { other_key };
                let kind = (other_kind - 128) * 2;
                Box::new(Self::plain(kind, key, b, a, configuration, || None))
            })
        };
        Self::plain(kind, key, a, b, configuration, meanwhile)
    }

    /// A time at which it matters whether a read was recorded: some sixty-fourths of the time to idle, or nearly all of it.
    fn idle(configuration: &Configuration, choice: u8) -> Duration {
        let idle = configuration
            .time_to_idle
            .unwrap_or(Duration::from_millis(64));
        let parts = idle * u32::from(choice % 4) / 64;
        if choice & 4 == 0 { parts } else { idle - parts }
    }

    fn plain(
        kind: u8,
        key: u8,
        a: u8,
        b: u8,
        configuration: &Configuration,
        meanwhile: impl FnOnce() -> Option<Box<Self>>,
    ) -> Self {
        let key = key % configuration.keys;
        match kind {
            0..56 => Self::Get(key),
            56..68 => Self::Read(key, meanwhile()),
            68..120 => Self::Insert(key, Content::decode(a, b)),
            120..130 => Self::TryInsert(key, Content::decode(a, b)),
            130..140 => Self::Replace(key, Content::decode(a, b)),
            140..148 => Self::LoadMany(
                many(key, a, configuration.keys),
                Loader {
                    content: Content::decode(a, b),
                    fails: b % 8 == 7,
                    form: Form::decode(b / 8),
                    meanwhile: meanwhile(),
                },
            ),
            148..176 => Self::Load(
                key,
                Loader {
                    content: Content::decode(a, b),
                    fails: b % 4 == 3,
                    form: match b % 4 {
                        2 => Form::Maker,
                        _ => Form::decode(b / 4),
                    },
                    meanwhile: meanwhile(),
                },
            ),
            176..190 => Self::Remove(key),
            190..200 => Self::RemoveIf(key, a % 2 == 1),
            200..202 => Self::Clear,
            202..207 => Self::SetCapacity(match a {
                0..8 => usize::from(a),
                _ => configuration.capacity * usize::from(a) / 128,
            }),
            207..211 => Self::SetMaxWeight(match a {
                0..128 => u64::from(a) * configuration.capacity as u64 / 16,
                _ => u64::from(a - 128),
            }),
            211..214 => Self::RemoveExpired,
            214..218 => Self::Rank(usize::from(a % 32)),
            218.. => Self::Advance(match a % 4 {
                0 => Duration::from_nanos(1 + u64::from(b) * 10_000),
                1 => Duration::from_millis(u64::from(b) / 2),
                2 => Self::idle(configuration, b),
                _ => Duration::from_millis(u64::from(b) % 12),
            }),
        }
    }
}

/// Some keys, each of them once.
fn many(first: u8, choice: u8, keys: u8) -> Vec<u8> {
    let (count, stride) = (usize::from(choice % 8), usize::from(1 + choice / 8));
    let all = (0..count).map(|at| ((usize::from(first) + at * stride) % usize::from(keys)) as u8);
    let mut many = Vec::new();
    for key in all {
        if !many.contains(&key) {
            many.push(key);
        }
    }
    many
}
