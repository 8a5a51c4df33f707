//! The work on a record, as the engine sees it: functions of the user under one trait.

use std::marker::PhantomData;
use std::time::Duration;

use crate::opaque::opaque;
use crate::row::{Buffer, Bytes, Span};
use crate::{Chunk, Failure, Owned, Retry, Row, Verdict};

pub(crate) type Record<'r, W> = <<W as Work>::Chunk as Chunk>::Record<'r>;

/// The work on a record.
///
/// What only some jobs need has a default that the compiler removes: the plain methods pay nothing for it.
pub trait Work: Sync {
    /// What the source fills.
    type Chunk: Chunk;
    /// What a worker has of its own.
    type State: Send;
    /// What the sink takes, or where in the buffer it is.
    type Output: Send;
    /// What the outputs of a chunk lie in together, when they do.
    type Buffer: Buffer;
    /// Why a record fails.
    type Error: Send;

    /// Whether a failed record may be tried again, which needs the pool.
    const RETRIES: bool = false;

    /// Whether [`copy`](Self::copy) makes copies. A job that keeps none then carries nothing from record to record.
    const KEEPS: bool = false;

    /// Makes the state of a worker.
    fn state(&self) -> Self::State;

    /// Works on a record.
    fn process(
        &self,
        state: &mut Self::State,
        record: <Self::Chunk as Chunk>::Record<'_>,
        buffer: &mut Self::Buffer,
    ) -> Result<Verdict<Self::Output>, Self::Error>;

    /// A copy of a record for the case that it fails, when the job wants one.
    #[inline]
    fn copy<'r>(
        &self,
        _record: &<Self::Chunk as Chunk>::Record<'r>,
    ) -> Option<<Self::Chunk as Chunk>::Record<'r>> {
        None
    }

    /// What becomes of a record that has failed so many times. `salt` is a number of the record's own.
    fn judge(&self, _failure: &Failure<Self::Error>, _attempts: u32, _salt: u64) -> Judgement {
        Judgement::Reject
    }
}

/// What becomes of a record that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is skipped while the limit lasts.
    Reject,
    /// It ends the run.
    Fatal,
    /// It is tried again after this time.
    Again(Duration),
}

/// A function on an iterator's records, whose every success is an output.
pub(crate) struct Plain<T, P> {
    process: P,
    _record: PhantomData<fn(T)>,
}

impl<T, P> Plain<T, P> {
    pub(crate) fn new(process: P) -> Self {
        Self {
            process,
            _record: PhantomData,
        }
    }
}

impl<T, R, E, P> Work for Plain<T, P>
where
    T: Send,
    R: Send,
    E: Send,
    P: Fn(T) -> Result<R, E> + Sync,
{
    type Chunk = Owned<T>;
    type State = ();
    type Output = R;
    type Buffer = ();
    type Error = E;

    fn state(&self) {}

    #[inline]
    fn process(&self, (): &mut (), record: T, (): &mut ()) -> Result<Verdict<R>, E> {
        (self.process)(record).map(Verdict::Output)
    }
}

/// A function with a state for each worker.
pub struct Stateful<C, St, R, E, M, P> {
    make: M,
    process: P,
    #[expect(clippy::type_complexity, reason = "it marks the types of a function")]
    _types: PhantomData<fn(C) -> (St, R, E)>,
}

impl<C, St, R, E, M, P> Stateful<C, St, R, E, M, P> {
    pub(crate) fn new(make: M, process: P) -> Self {
        Self {
            make,
            process,
            _types: PhantomData,
        }
    }
}

impl<C, St, R, E, M, P> Work for Stateful<C, St, R, E, M, P>
where
    C: Chunk,
    St: Send,
    R: Send,
    E: Send,
    M: Fn() -> St + Sync,
    P: for<'r> Fn(&mut St, C::Record<'r>) -> Result<Verdict<R>, E> + Sync,
{
    type Chunk = C;
    type State = St;
    type Output = R;
    type Buffer = ();
    type Error = E;

    fn state(&self) -> St {
        (self.make)()
    }

    #[inline]
    fn process(&self, state: &mut St, record: C::Record<'_>, (): &mut ()) -> Result<Verdict<R>, E> {
        (self.process)(state, record)
    }
}

/// A function without a state.
pub struct Stateless<C, R, E, P> {
    process: P,
    _types: PhantomData<fn(C) -> (R, E)>,
}

impl<C, R, E, P> Stateless<C, R, E, P> {
    pub(crate) fn new(process: P) -> Self {
        Self {
            process,
            _types: PhantomData,
        }
    }
}

impl<C, R, E, P> Work for Stateless<C, R, E, P>
where
    C: Chunk,
    R: Send,
    E: Send,
    P: for<'r> Fn(C::Record<'r>) -> Result<Verdict<R>, E> + Sync,
{
    type Chunk = C;
    type State = ();
    type Output = R;
    type Buffer = ();
    type Error = E;

    fn state(&self) {}

    #[inline]
    fn process(&self, (): &mut (), record: C::Record<'_>, (): &mut ()) -> Result<Verdict<R>, E> {
        (self.process)(record)
    }
}

/// A function that makes a row of each record.
pub struct Encode<C, E, P> {
    encode: P,
    _types: PhantomData<fn(C) -> E>,
}

impl<C, E, P> Encode<C, E, P> {
    pub(crate) fn new(encode: P) -> Self {
        Self {
            encode,
            _types: PhantomData,
        }
    }
}

impl<C, E, P> Work for Encode<C, E, P>
where
    C: Chunk,
    E: Send,
    P: for<'r> Fn(C::Record<'r>, &mut Row<'_>) -> Result<(), E> + Sync,
{
    type Chunk = C;
    type State = ();
    type Output = Span;
    type Buffer = Bytes;
    type Error = E;

    fn state(&self) {}

    #[inline]
    fn process(
        &self,
        (): &mut (),
        record: C::Record<'_>,
        buffer: &mut Bytes,
    ) -> Result<Verdict<Span>, E> {
        let row = buffer.add(|row| (self.encode)(record, row))?;
        Ok(row.into())
    }
}

/// A function that makes a row of each record, with a state for each worker.
pub struct EncodeWith<C, St, E, M, P> {
    make: M,
    encode: P,
    _types: PhantomData<fn(C) -> (St, E)>,
}

impl<C, St, E, M, P> EncodeWith<C, St, E, M, P> {
    pub(crate) fn new(make: M, encode: P) -> Self {
        Self {
            make,
            encode,
            _types: PhantomData,
        }
    }
}

impl<C, St, E, M, P> Work for EncodeWith<C, St, E, M, P>
where
    C: Chunk,
    St: Send,
    E: Send,
    M: Fn() -> St + Sync,
    P: for<'r> Fn(&mut St, C::Record<'r>, &mut Row<'_>) -> Result<(), E> + Sync,
{
    type Chunk = C;
    type State = St;
    type Output = Span;
    type Buffer = Bytes;
    type Error = E;

    fn state(&self) -> St {
        (self.make)()
    }

    #[inline]
    fn process(
        &self,
        state: &mut St,
        record: C::Record<'_>,
        buffer: &mut Bytes,
    ) -> Result<Verdict<Span>, E> {
        let row = buffer.add(|row| (self.encode)(state, record, row))?;
        Ok(row.into())
    }
}

/// Hands the work itself to the work within; what becomes of a failure is left to the wrapper.
macro_rules! hand_on {
    () => {
        type Chunk = W::Chunk;
        type State = W::State;
        type Output = W::Output;
        type Buffer = W::Buffer;
        type Error = W::Error;

        fn state(&self) -> W::State {
            self.work.state()
        }

        #[inline]
        fn process(
            &self,
            state: &mut W::State,
            record: Record<'_, W>,
            buffer: &mut W::Buffer,
        ) -> Result<Verdict<W::Output>, W::Error> {
            self.work.process(state, record, buffer)
        }
    };
}

/// Work whose failures may be fatal.
pub struct Strict<W, F> {
    pub(crate) work: W,
    pub(crate) fatal: F,
}

impl<W, F> Work for Strict<W, F>
where
    W: Work,
    F: Fn(&Failure<W::Error>) -> bool + Sync,
{
    hand_on!();

    const RETRIES: bool = W::RETRIES;
    const KEEPS: bool = W::KEEPS;

    #[inline]
    fn copy<'r>(&self, record: &Record<'r, W>) -> Option<Record<'r, W>> {
        self.work.copy(record)
    }

    fn judge(&self, failure: &Failure<W::Error>, attempts: u32, salt: u64) -> Judgement {
        if (self.fatal)(failure) {
            Judgement::Fatal
        } else {
            self.work.judge(failure, attempts, salt)
        }
    }
}

/// Work that keeps a copy of each record until it has not failed.
pub struct Kept<W> {
    pub(crate) work: W,
}

impl<W> Work for Kept<W>
where
    W: Work,
    for<'r> Record<'r, W>: Clone,
{
    hand_on!();

    const RETRIES: bool = W::RETRIES;
    const KEEPS: bool = true;

    #[inline]
    fn copy<'r>(&self, record: &Record<'r, W>) -> Option<Record<'r, W>> {
        Some(record.clone())
    }

    fn judge(&self, failure: &Failure<W::Error>, attempts: u32, salt: u64) -> Judgement {
        self.work.judge(failure, attempts, salt)
    }
}

/// Work that is tried again.
pub struct Retried<W, F> {
    pub(crate) work: W,
    pub(crate) when: F,
    pub(crate) retry: Retry,
}

impl<W, F> Work for Retried<W, F>
where
    W: Work,
    for<'r> Record<'r, W>: Clone,
    F: Fn(&Failure<W::Error>) -> bool + Sync,
{
    hand_on!();

    const RETRIES: bool = true;
    const KEEPS: bool = true;

    #[inline]
    fn copy<'r>(&self, record: &Record<'r, W>) -> Option<Record<'r, W>> {
        Some(record.clone())
    }

    fn judge(&self, failure: &Failure<W::Error>, attempts: u32, salt: u64) -> Judgement {
        match self.work.judge(failure, attempts, salt) {
            Judgement::Reject if (self.when)(failure) => self
                .retry
                .delay(attempts, salt)
                .map_or(Judgement::Reject, Judgement::Again),
            other => other,
        }
    }
}

opaque!(
    Stateful<C, St, R, E, M, P>,
    Stateless<C, R, E, P>,
    Encode<C, E, P>,
    EncodeWith<C, St, E, M, P>,
    Strict<W, F>,
    Kept<W>,
    Retried<W, F>,
);
