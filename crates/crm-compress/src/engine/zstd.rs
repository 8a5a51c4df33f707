//! One zstd context that serves one body after another: libzstd through zstd-safe.

use std::io::Cursor;

use zstd_safe::zstd_sys::ZSTD_EndDirective;
use zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, ParamSwitch, ResetDirective, Strategy};

use super::{Engine, Progress, Step};
use crate::pool::{self, Kind, Lease, State};

/// A zstd context.
pub(crate) struct Zstd {
    context: CCtx<'static>,
    /// What the context is set to; `None` when nobody knows.
    tuning: Option<Tuning>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// As new.
    Clean,
    /// A body is under way, or has ended.
    Used,
    /// The same, and the context holds a dictionary.
    #[cfg(feature = "dcz")]
    Loaded,
}

/// How a context searches for matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tuning {
    /// A level of libzstd, from whose tables everything comes that `own` does not say.
    level: u8,
    /// Whether the length of the body is unknown.
    stream: bool,
    own: Option<Own>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Own {
    strategy: Strategy,
    /// Of the hash and the chain table, as powers of two.
    hash: u32,
    chain: u32,
    /// The attempts at a position, as a power of two.
    search: u32,
    /// The length in bytes that is hashed.
    minimum: u32,
}

impl Tuning {
    /// The fewest cycles: one hash table, one attempt.
    pub(crate) fn fastest(length: Option<usize>) -> Self {
        Self::exact(1, length)
    }

    /// A quarter of the time of gzip at level 6 for about its bytes, and a third of it for fewer up to 768 bytes. The design
    /// notes say what was compared, and why nothing lies between this and a search of twice the time.
    ///
    /// Two hash tables with one attempt in each (`dfast`); up to 768 bytes there is so little to search that a chain of
    /// attempts costs no more. zstd shrinks the tables by itself where a body is shorter than they are.
    pub(crate) fn balanced(length: Option<usize>) -> Self {
        match length {
            Some(..=768) => Self::own(length, Strategy::ZSTD_greedy, [13, 12], 3, 5),
            Some(769..=16_384) => Self::own(length, Strategy::ZSTD_dfast, [13, 13], 1, 5),
            _ => Self::own(length, Strategy::ZSTD_dfast, [16, 15], 1, 5),
        }
    }

    /// The level of libzstd from which on the time grows much faster than the bytes shrink, with tables that a state
    /// of the pool has room for.
    pub(crate) fn smallest(length: Option<usize>) -> Self {
        Self {
            level: 12,
            stream: length.is_none(),
            own: Some(Own {
                strategy: Strategy::ZSTD_btlazy2,
                hash: 16,
                chain: 17,
                search: 6,
                minimum: 5,
            }),
        }
    }

    /// A level of libzstd as it is.
    pub(crate) fn exact(level: u8, length: Option<usize>) -> Self {
        Self {
            level,
            stream: length.is_none(),
            own: None,
        }
    }

    fn own(
        length: Option<usize>,
        strategy: Strategy,
        [hash, chain]: [u32; 2],
        search: u32,
        minimum: u32,
    ) -> Self {
        Self {
            level: 3,
            stream: length.is_none(),
            own: Some(Own {
                strategy,
                hash,
                chain,
                search,
                minimum,
            }),
        }
    }
}

// A stream at level `Smallest` has tables of 0.8 MiB and a window and blocks of another 0.8 MiB. A context that was
// grown beyond by an exact level is freed.
pool::kind!(Zstd, bytes: 2 * 1024 * 1024);

impl Zstd {
    /// The length in bytes for which a stream is tuned, and the window that it has: the least that covers an export
    /// well. Without it zstd would provide for any length, with up to 96 MiB at its last level.
    const STREAM: u32 = 256 * 1024;

    /// A clean context with this tuning.
    pub(crate) fn take(tuning: Tuning) -> Lease<Self> {
        let mut lease = Self::take_untuned();
        lease.tune(tuning);
        lease
    }

    /// A clean context as the last body has left it set.
    pub(crate) fn take_untuned() -> Lease<Self> {
        pool::take(|| Self {
            context: CCtx::create(),
            tuning: None,
            phase: Phase::Clean,
        })
    }

    /// Sets what differs from the last body; the next one mostly does not.
    fn tune(&mut self, tuning: Tuning) {
        debug_assert_eq!(self.phase, Phase::Clean);
        if self.tuning == Some(tuning) {
            return;
        }
        self.tuning = None;
        self.context
            .reset(ResetDirective::SessionAndParameters)
            .expect("nothing runs beside the context");
        let mut set = |parameter| {
            self.context
                .set_parameter(parameter)
                .expect("a parameter within its bounds, between two frames");
        };
        set(CParameter::CompressionLevel(tuning.level.into()));
        if tuning.stream {
            set(CParameter::SrcSizeHint(Self::STREAM));
        }
        if let Some(own) = tuning.own {
            set(CParameter::Strategy(own.strategy));
            set(CParameter::HashLog(own.hash));
            set(CParameter::ChainLog(own.chain));
            set(CParameter::SearchLog(own.search));
            set(CParameter::MinMatch(own.minimum));
            // Chains are faster than rows at these searches.
            set(CParameter::UseRowMatchFinder(ParamSwitch::Disable));
        }
        self.tuning = Some(tuning);
    }

    /// Encodes as [`run`](Engine::run) does, with a dictionary. A body that comes whole uses the tables of the
    /// dictionary where they are; a stream has the context build its own, since one that lives in the pool cannot
    /// borrow.
    #[cfg(feature = "dcz")]
    pub(crate) fn run_with(
        &mut self,
        dictionary: &crate::Dictionary,
        level: u8,
        input: &[u8],
        output: &mut Vec<u8>,
        step: Step,
    ) -> Progress {
        if self.phase == Phase::Clean {
            if step == Step::Finish && output.capacity() - output.len() >= bound(input.len()) {
                self.phase = Phase::Used;
                let end = output.len() as u64;
                let mut sink = Cursor::new(output);
                sink.set_position(end);
                self.context
                    .compress_using_cdict(&mut sink, input, dictionary.encoding(level))
                    .expect("zstd only fails without memory or room");
                return Progress {
                    consumed: input.len(),
                    done: true,
                };
            }
            self.tune(Tuning::exact(level, None));
            self.phase = Phase::Loaded;
            self.context
                .load_dictionary(dictionary.as_bytes())
                .expect("zstd only fails without memory");
        }
        self.step(input, output, step)
    }

    /// Encodes a whole body at once, without a window of its own; `None` when there is not the room for the worst case.
    fn whole(&mut self, input: &[u8], output: &mut Vec<u8>) -> Option<Progress> {
        if output.capacity() - output.len() < bound(input.len()) {
            return None;
        }
        let end = output.len() as u64;
        let mut sink = Cursor::new(output);
        sink.set_position(end);
        self.context
            .compress2(&mut sink, input)
            .expect("zstd only fails without memory or room");
        Some(Progress {
            consumed: input.len(),
            done: true,
        })
    }
}

/// The most bytes that a body of `length` bytes can come to.
pub(crate) fn bound(length: usize) -> usize {
    zstd_safe::compress_bound(length)
}

impl Engine for Zstd {
    fn run(&mut self, input: &[u8], output: &mut Vec<u8>, step: Step) -> Progress {
        let unused = self.phase == Phase::Clean;
        self.phase = Phase::Used;
        if unused && step == Step::Finish {
            if let Some(progress) = self.whole(input, output) {
                return progress;
            }
        }
        self.step(input, output, step)
    }
}

impl Zstd {
    fn step(&mut self, input: &[u8], output: &mut Vec<u8>, step: Step) -> Progress {
        let directive = match step {
            Step::Gather => ZSTD_EndDirective::ZSTD_e_continue,
            Step::Flush => ZSTD_EndDirective::ZSTD_e_flush,
            Step::Finish => ZSTD_EndDirective::ZSTD_e_end,
        };
        let end = output.len();
        let mut source = InBuffer::around(input);
        let mut sink = OutBuffer::around_pos(output, end);
        let held_back = self
            .context
            .compress_stream2(&mut sink, &mut source, directive)
            .expect("zstd only fails without memory");
        let consumed = source.pos();
        let done = match step {
            Step::Gather => consumed == input.len(),
            Step::Flush | Step::Finish => held_back == 0,
        };
        Progress { consumed, done }
    }
}

impl State for Zstd {
    /// The reset drops the frame and keeps the parameters. The tables keep their contents, all of it at positions that
    /// a new frame takes for invalid, so that it finds nothing there and nothing has to be cleared.
    fn recycle(&mut self) -> bool {
        if self.phase == Phase::Clean {
            return true;
        }
        let directive = match self.phase {
            // The dictionary goes with the parameters, and its tables need not wait in the pool.
            #[cfg(feature = "dcz")]
            Phase::Loaded => {
                self.tuning = None;
                ResetDirective::SessionAndParameters
            }
            _ => ResetDirective::SessionOnly,
        };
        self.phase = Phase::Clean;
        self.context.reset(directive).is_ok() && self.context.sizeof() <= <Self as Kind>::BYTES
    }
}

impl std::fmt::Debug for Zstd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zstd")
            .field("tuning", &self.tuning)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}
