//! Where an exposition goes: an [`io::Write`] or a [`fmt::Write`], by one function.

use std::{fmt, io};

/// The kind of [`Sink`] that takes bytes: every [`io::Write`].
#[derive(Clone, Copy, Debug)]
pub enum Bytes {}

/// The kind of [`Sink`] that takes text: every [`fmt::Write`].
#[derive(Clone, Copy, Debug)]
pub enum Text {}

/// What the writers of this module write into: any [`io::Write`], such as a `Vec<u8>` or a socket, and any
/// [`fmt::Write`], such as a `String`.
///
/// The kind is inferred, since next to nothing is both. A type that is both needs to be told:
/// `expose::openmetrics::<expose::Bytes, _>(..)`.
pub trait Sink<K> {
    /// What can go wrong: [`io::Error`] or [`fmt::Error`].
    type Error;

    /// Takes the whole text.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    fn put(&mut self, text: &str) -> Result<(), Self::Error>;
}

impl<W: io::Write + ?Sized> Sink<Bytes> for W {
    type Error = io::Error;

    fn put(&mut self, text: &str) -> io::Result<()> {
        self.write_all(text.as_bytes())
    }
}

impl<W: fmt::Write + ?Sized> Sink<Text> for W {
    type Error = fmt::Error;

    fn put(&mut self, text: &str) -> fmt::Result {
        self.write_str(text)
    }
}

/// Gathers lines, so that a socket sees few and large writes.
pub(super) struct Page<'a, S: ?Sized, K> {
    /// Written to freely between two calls of [`Page::turn`].
    pub(super) text: String,
    sink: &'a mut S,
    kind: std::marker::PhantomData<fn(K)>,
}

/// Past this length a page is handed on. A series without a histogram has some hundred bytes.
const PAGE: usize = 16 * 1024;

impl<'a, K, S: Sink<K> + ?Sized> Page<'a, S, K> {
    pub(super) fn new(sink: &'a mut S) -> Self {
        Page {
            text: String::with_capacity(PAGE + PAGE / 4),
            sink,
            kind: std::marker::PhantomData,
        }
    }

    /// Hands the text on when it is long enough; to be called once for each series.
    pub(super) fn turn(&mut self) -> Result<(), S::Error> {
        if self.text.len() < PAGE {
            return Ok(());
        }
        let result = self.sink.put(&self.text);
        self.text.clear();
        result
    }

    /// Hands on what is left.
    pub(super) fn close(self) -> Result<(), S::Error> {
        if self.text.is_empty() {
            Ok(())
        } else {
            self.sink.put(&self.text)
        }
    }
}
