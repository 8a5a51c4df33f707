//! What is done to which loading cache, decoded from bytes. Zeros are the plainest choice everywhere.

use crm_cache::Policy;

pub(crate) const CONFIGURATION_BYTES: usize = 8;
pub(crate) const OPERATION_BYTES: usize = 4;

/// Keys are below this, and so are tags: a key's tag is its rest.
pub(crate) const KEYS: u8 = 6;
pub(crate) const TAGS: u8 = 3;

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) configuration: Configuration,
    pub(crate) operations: Vec<Operation>,
}

/// How loads run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Running {
    /// In the caller, always.
    Inline,
    /// In the caller, and in the background as jobs.
    Jobs,
    /// As requests that are answered later.
    Requests,
}

/// Times are in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Configuration {
    pub(crate) policy: Policy,
    pub(crate) shards: usize,
    pub(crate) running: Running,
    pub(crate) time_to_live: Option<u64>,
    /// In quarters of the life.
    pub(crate) refresh_ahead: Option<u8>,
    pub(crate) while_revalidating: u64,
    /// For how long, and the pause after a failure.
    pub(crate) on_error: Option<(u64, u64)>,
    /// The pause where that names none.
    pub(crate) retry_pause: Option<u64>,
    pub(crate) failures: Option<u64>,
    /// Where that differs.
    pub(crate) absences: Option<u64>,
    /// Whether threads wait for no load at all: a limit of nothing, since limits are real time.
    pub(crate) is_limited: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// With what a loader that runs in the caller does before it returns.
    Get(u8, Option<Write>),
    /// Begins a task that asks for a key.
    GetAsync(u8),
    GetIfPresent(u8),
    Refresh(u8),
    Write(Write),
    Advance(u64),
    /// Which of the jobs.
    RunJob(u8, Option<Write>),
    DropJob(u8),
    /// Which of the tasks.
    DropTask(u8),
    /// What the source says from now on.
    SourceSays(Says),
}

/// What a source says when it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Says {
    #[default]
    Value,
    Error,
    Nothing,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Write {
    Insert(u8),
    Remove(u8),
    Forget(u8),
    InvalidateTag(u8),
    /// Keeps the even or the odd keys.
    Retain(u8),
    Clear,
}

impl Says {
    /// The answer of this number.
    pub(crate) fn of(self, id: u32) -> Result<Option<u32>, u32> {
        match self {
            Self::Value => Ok(Some(id)),
            Self::Error => Err(id),
            Self::Nothing => Ok(None),
        }
    }
}

impl Plan {
    /// Every string of bytes is a plan; a rest too short for an operation is left alone.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let (head, tail) = bytes.split_at(bytes.len().min(CONFIGURATION_BYTES));
        let mut configuration = [0; CONFIGURATION_BYTES];
        configuration[..head.len()].copy_from_slice(head);
        Self {
            configuration: Configuration::decode(configuration),
            operations: tail
                .chunks_exact(OPERATION_BYTES)
                .map(Operation::decode)
                .collect(),
        }
    }
}

impl Configuration {
    /// How long absences are remembered.
    pub(crate) fn absences(&self) -> Option<u64> {
        self.absences.or(self.failures)
    }

    fn decode(bytes: [u8; CONFIGURATION_BYTES]) -> Self {
        let [
            kind,
            running,
            life,
            refresh,
            revalidate,
            error,
            pause,
            failures,
        ] = bytes;
        let running = match running % 4 {
            0 => Running::Inline,
            1 => Running::Requests,
            _ => Running::Jobs,
        };
        let some = |choice: u8, most: u8| (choice % 2 == 1).then(|| u64::from(choice / 2 % most));
        // What needs loads in the background is refused without an executor.
        let has_background = running != Running::Inline;
        let refresh_ahead = (has_background && refresh % 2 == 1).then_some(1 + refresh / 2 % 3);
        let while_revalidating = some(revalidate, 20).filter(|_| has_background).unwrap_or(0);
        let on_error = some(error, 60).map(|age| (age.max(1), u64::from(pause % 16)));
        // And a rule about the end of a life is refused where no life ends.
        let ends = refresh_ahead.is_some() || while_revalidating > 0 || on_error.is_some();
        Self {
            policy: [Policy::Adaptive, Policy::Lru][usize::from(kind % 2)],
            shards: 1 + usize::from(kind / 2 % 3),
            running,
            time_to_live: (ends || life % 8 > 0).then(|| 1 + u64::from(life / 8)),
            refresh_ahead,
            while_revalidating,
            on_error,
            retry_pause: (on_error.is_none() && pause >= 16).then_some(u64::from(pause % 16)),
            failures: some(failures, 30).map(|life| life.max(1)),
            absences: (failures / 60 == 1).then_some(1 + u64::from(failures % 25)),
            is_limited: has_background && kind / 8 % 4 == 3,
        }
    }
}

impl Operation {
    fn decode(bytes: &[u8]) -> Self {
        let &[kind, a, b, c] = bytes else {
            unreachable!("operations have a fixed length")
        };
        let key = a % KEYS;
        // Mostly to the same key: that is where it matters.
        let other = if b % 4 == 0 { c % KEYS } else { key };
        let meanwhile = || (b >= 128).then(|| Write::decode(c, other));
        match kind {
            0..70 => Self::Get(key, meanwhile()),
            70..100 => Self::GetAsync(key),
            100..115 => Self::GetIfPresent(key),
            115..130 => Self::Refresh(key),
            130..170 => Self::Write(Write::decode(c, key)),
            170..205 => Self::Advance(match b % 4 {
                0 => 0,
                1 => 1,
                2 => u64::from(c % 8),
                _ => u64::from(c % 40),
            }),
            205..230 => Self::RunJob(a, meanwhile()),
            230..238 => Self::DropJob(a),
            238..244 => Self::DropTask(a),
            244.. => Self::SourceSays(match b % 5 {
                0 | 1 => Says::Value,
                2 | 3 => Says::Error,
                _ => Says::Nothing,
            }),
        }
    }
}

impl Write {
    fn decode(kind: u8, key: u8) -> Self {
        match kind {
            0..90 => Self::Insert(key),
            90..140 => Self::Remove(key),
            140..160 => Self::Forget(key),
            160..220 => Self::InvalidateTag(key % TAGS),
            220..240 => Self::Retain(key % 2),
            240.. => Self::Clear,
        }
    }
}
