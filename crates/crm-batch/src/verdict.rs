//! What the process function makes of a record, and what is made of its failures.

/// What the process function has made of a record that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict<R> {
    /// An output for the sink.
    Output(R),
    /// Nothing, and rightly so: the record is counted, and not reported.
    Filtered,
}

impl<R> From<Option<R>> for Verdict<R> {
    fn from(output: Option<R>) -> Self {
        output.map_or(Self::Filtered, Self::Output)
    }
}
