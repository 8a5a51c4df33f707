//! What is to become of a field's value.

/// What is to become of the value of a header field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "the header is not changed by itself"]
pub enum Rewrite {
    /// It stays as it is.
    Keep,
    /// It becomes this.
    Replace(Vec<u8>),
    /// The field is to be removed.
    Remove,
}
