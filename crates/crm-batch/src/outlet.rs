//! A sink with what takes the rejects, as the engine sees it.

use std::marker::PhantomData;

use crate::opaque::opaque;
use crate::row::{Buffer, Bytes, Span};
use crate::work::Work;
use crate::{Checkpoint, Chunk, End, Entry, JobId, Recover, Sink, Skip};

/// Where the outputs and the rejects of one job go.
///
/// The bound is that of [`Work::Buffer`] once more: Rust 1.85 does not see that it is reached through that alone, and warns.
pub trait Outlet<W: Work>: Send
where
    W::Buffer: Buffer,
{
    /// The error of either.
    type Error: Send;

    /// The run begins.
    fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Result<(), Self::Error>;

    /// Takes an output, of which `buffer` may hold the bytes.
    fn write(
        &mut self,
        position: u64,
        output: W::Output,
        buffer: &W::Buffer,
    ) -> Result<(), Self::Error>;

    /// Learns that a chunk is settled.
    fn commit(&mut self, entry: &Entry) -> Result<(), Self::Error>;

    /// Takes a rejected record, or gives it back for the report.
    fn reject(
        &mut self,
        skip: Skip<W::Error>,
        _record: Option<W::Chunk>,
    ) -> Rejected<W::Error, Self::Error> {
        Rejected::Kept(skip)
    }

    /// The run has ended.
    fn finish(&mut self, entry: &Entry, end: End) -> Result<(), Self::Error>;

    /// What is durable.
    fn committed(&self) -> Option<Entry>;
}

/// An outlet that keeps checkpoints.
pub trait Recall<W: Work>: Outlet<W> {
    /// The checkpoint that a run of the job `name` has left.
    fn recover(&mut self, name: &str) -> Result<Option<Checkpoint>, Self::Error>;
}

/// An outlet over a sink of the user.
pub trait Over {
    /// The user's sink.
    type Sink;

    /// That sink.
    fn sink(&mut self) -> &mut Self::Sink;
}

/// What became of a rejected record.
#[derive(Debug)]
pub enum Rejected<E, S> {
    /// The report keeps it.
    Kept(Skip<E>),
    /// The dead letters have taken it.
    Taken,
    /// They refused it.
    Refused(S),
}

/// A sink of outputs.
pub struct Bare<K>(pub(crate) K);

/// A sink of rows that the workers have encoded.
pub struct Rows<K, X> {
    sink: K,
    _error: PhantomData<fn() -> X>,
}

impl<K, X> Rows<K, X> {
    pub(crate) fn new(sink: K) -> Self {
        Self {
            sink,
            _error: PhantomData,
        }
    }
}

/// An outlet beside dead letters.
pub struct Lettered<O, D> {
    pub(crate) outlet: O,
    pub(crate) letters: D,
}

/// An outlet whose own sink takes the rejects.
pub struct Rejecting<O, D> {
    pub(crate) outlet: O,
    pub(crate) reject: D,
}

impl<W, K> Outlet<W> for Bare<K>
where
    W: Work<Buffer = ()>,
    K: Sink<W::Output>,
{
    type Error = K::Error;

    fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Result<(), K::Error> {
        self.0.begin(job, from)
    }

    #[inline]
    fn write(&mut self, position: u64, output: W::Output, (): &()) -> Result<(), K::Error> {
        self.0.write_at(position, output)
    }

    fn commit(&mut self, entry: &Entry) -> Result<(), K::Error> {
        self.0.commit(entry)
    }

    fn finish(&mut self, entry: &Entry, end: End) -> Result<(), K::Error> {
        self.0.finish(entry, end)
    }

    fn committed(&self) -> Option<Entry> {
        self.0.committed()
    }
}

impl<W, K> Recall<W> for Bare<K>
where
    W: Work<Buffer = ()>,
    K: Sink<W::Output> + Recover<Error = <K as Sink<W::Output>>::Error>,
{
    fn recover(&mut self, name: &str) -> Result<Option<Checkpoint>, <K as Recover>::Error> {
        self.0.recover(name)
    }
}

impl<W, K, X> Outlet<W> for Rows<K, X>
where
    W: Work<Output = Span, Buffer = Bytes>,
    K: for<'b> Sink<&'b [u8], Error = X>,
    X: Send,
{
    type Error = X;

    fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Result<(), X> {
        Sink::<&'static [u8]>::begin(&mut self.sink, job, from)
    }

    #[inline]
    fn write(&mut self, position: u64, row: Span, buffer: &Bytes) -> Result<(), X> {
        self.sink.write_at(position, buffer.row(row))
    }

    fn commit(&mut self, entry: &Entry) -> Result<(), X> {
        Sink::<&'static [u8]>::commit(&mut self.sink, entry)
    }

    fn finish(&mut self, entry: &Entry, end: End) -> Result<(), X> {
        Sink::<&'static [u8]>::finish(&mut self.sink, entry, end)
    }

    fn committed(&self) -> Option<Entry> {
        Sink::<&'static [u8]>::committed(&self.sink)
    }
}

impl<W, K, X> Recall<W> for Rows<K, X>
where
    W: Work<Output = Span, Buffer = Bytes>,
    K: Recover<Error = X> + for<'b> Sink<&'b [u8], Error = X>,
    X: Send,
{
    fn recover(&mut self, name: &str) -> Result<Option<Checkpoint>, X> {
        self.sink.recover(name)
    }
}

impl<K> Over for Bare<K> {
    type Sink = K;

    fn sink(&mut self) -> &mut K {
        &mut self.0
    }
}

impl<K, X> Over for Rows<K, X> {
    type Sink = K;

    fn sink(&mut self) -> &mut K {
        &mut self.sink
    }
}

/// Hands everything but the rejects to the outlet within.
macro_rules! hand_on {
    () => {
        type Error = O::Error;

        fn begin(&mut self, job: Option<&JobId>, from: Option<&Entry>) -> Result<(), O::Error> {
            self.outlet.begin(job, from)
        }

        #[inline]
        fn write(
            &mut self,
            position: u64,
            output: W::Output,
            buffer: &W::Buffer,
        ) -> Result<(), O::Error> {
            self.outlet.write(position, output, buffer)
        }

        fn commit(&mut self, entry: &Entry) -> Result<(), O::Error> {
            self.outlet.commit(entry)
        }

        fn finish(&mut self, entry: &Entry, end: End) -> Result<(), O::Error> {
            self.outlet.finish(entry, end)
        }

        fn committed(&self) -> Option<Entry> {
            self.outlet.committed()
        }
    };
}

impl<W, O, D> Outlet<W> for Lettered<O, D>
where
    W: Work,
    O: Outlet<W>,
    D: for<'r> FnMut(
            Skip<W::Error>,
            Option<<W::Chunk as Chunk>::Record<'r>>,
        ) -> Result<(), O::Error>
        + Send,
{
    hand_on!();

    fn reject(
        &mut self,
        skip: Skip<W::Error>,
        record: Option<W::Chunk>,
    ) -> Rejected<W::Error, O::Error> {
        let mut record = record;
        let record = record.as_mut().and_then(W::Chunk::next);
        match (self.letters)(skip, record) {
            Ok(()) => Rejected::Taken,
            Err(error) => Rejected::Refused(error),
        }
    }
}

impl<W, O, D> Outlet<W> for Rejecting<O, D>
where
    W: Work,
    O: Outlet<W> + Over,
    D: for<'r> FnMut(
            &mut O::Sink,
            Skip<W::Error>,
            Option<<W::Chunk as Chunk>::Record<'r>>,
        ) -> Result<(), O::Error>
        + Send,
{
    hand_on!();

    fn reject(
        &mut self,
        skip: Skip<W::Error>,
        record: Option<W::Chunk>,
    ) -> Rejected<W::Error, O::Error> {
        let mut record = record;
        let record = record.as_mut().and_then(W::Chunk::next);
        match (self.reject)(self.outlet.sink(), skip, record) {
            Ok(()) => Rejected::Taken,
            Err(error) => Rejected::Refused(error),
        }
    }
}

impl<W, O, D> Recall<W> for Lettered<O, D>
where
    W: Work,
    O: Recall<W>,
    Self: Outlet<W, Error = O::Error>,
{
    fn recover(&mut self, name: &str) -> Result<Option<Checkpoint>, O::Error> {
        self.outlet.recover(name)
    }
}

impl<W, O, D> Recall<W> for Rejecting<O, D>
where
    W: Work,
    O: Recall<W>,
    Self: Outlet<W, Error = O::Error>,
{
    fn recover(&mut self, name: &str) -> Result<Option<Checkpoint>, O::Error> {
        self.outlet.recover(name)
    }
}

opaque!(Bare<K>, Rows<K, X>, Lettered<O, D>, Rejecting<O, D>);
