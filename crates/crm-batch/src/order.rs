//! In which order outputs come to the sink.

/// In which order outputs come to the sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Order {
    /// In the order of the source. This is the default.
    #[default]
    Input,
    /// Chunk by chunk as they are finished; within a chunk in the order of the source.
    ///
    /// A dear chunk then holds up nothing but itself. Which records have been written when a run fails is a matter of chance,
    /// and so is the record at which a skip limit ends it; a run that succeeds has written and skipped the same records in
    /// either order. A source that does not count its records is settled in its own order all the same.
    AsFinished,
}
