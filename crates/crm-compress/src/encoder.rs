//! A stream: a writer that encodes what is written to it.

use std::fmt;
use std::io::{self, ErrorKind, Write};

#[cfg(feature = "dcz")]
use crate::Dictionary;
use crate::engine::{Buffer, Progress, Step};
use crate::pool::Lease;
#[cfg(all(feature = "http-body", not(feature = "dcz")))]
use crate::session::Dictionary;
use crate::session::Session;
use crate::{Coding, Level, StreamFinished};

/// A writer that encodes what is written to it and passes it on to `W`.
///
/// - [`flush`](Write::flush) makes everything written so far decodable at the other end, at a price of about five
///   bytes. A second flush with nothing in between adds nothing.
/// - [`finish`](Self::finish) ends the stream and gives the writer back.
/// - Dropping the encoder without it writes nothing more, so that the receiver sees a stream that is cut off, not one
///   that looks whole. That is what a source that failed half-way deserves.
///
/// Either way the state goes back to the pool, clean. Encoded bytes gather in a buffer of 16 KiB, which is from the pool
/// too, before they are written. [`Coding::Identity`] passes everything on as it is.
///
/// When the writer fails, whether with [`ErrorKind::WouldBlock`] or for good, nothing is lost and nothing is doubled:
/// the call can be made again.
///
/// ```
/// use crm_compress::{Coding, Encoder, Level};
/// use std::io::Write;
///
/// let mut encoder = Encoder::new(Coding::Gzip, Level::Balanced, Vec::new());
/// for id in 0..1_000 {
///     writeln!(encoder, "{id};customer {id}")?;
/// }
/// let csv: Vec<u8> = encoder.finish()?;
/// assert!(csv.len() < 6_000);
/// # std::io::Result::Ok(())
/// ```
#[must_use = "an encoder that is dropped without `finish` leaves a stream that is cut off"]
pub struct Encoder<W> {
    writer: W,
    /// `None` for identity, and once the stream is finished.
    running: Option<Running>,
    coding: Coding,
    phase: Phase,
}

/// What an encoder holds of the pool.
struct Running {
    session: Session,
    buffer: Lease<Buffer>,
    /// How much of the buffer has been written.
    sent: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Everything taken can be decoded once the buffer is out.
    Flushed,
    /// Something taken may still be held back by the state.
    Holding,
    /// The deflate data has ended, the trailer is due.
    Ended,
    /// The trailer is in the buffer, or out.
    Finished,
}

impl<W: Write> Encoder<W> {
    /// An encoder of this coding and level that writes to `writer`. It writes nothing before it has to.
    ///
    /// # Panics
    ///
    /// For a [`Coding`] that needs a dictionary, which is `dcz`: its own type encodes it.
    pub fn new(coding: Coding, level: Level, writer: W) -> Self {
        Self::begin(Session::begin(None, coding, level, None), coding, writer)
    }

    /// An encoder of dcz.
    #[cfg(feature = "dcz")]
    pub(crate) fn with_dictionary(dictionary: &Dictionary, level: Level, writer: W) -> Self {
        let session = Session::begin(Some(dictionary), Coding::Dcz, level, None);
        Self::begin(session, Coding::Dcz, writer)
    }

    /// An encoder of any coding, with the dictionary that it may need.
    #[cfg(feature = "http-body")]
    pub(crate) fn with(
        dictionary: Option<&Dictionary>,
        coding: Coding,
        level: Level,
        writer: W,
    ) -> Self {
        let session = Session::begin(dictionary, coding, level, None);
        Self::begin(session, coding, writer)
    }

    fn begin(session: Option<Session>, coding: Coding, writer: W) -> Self {
        let running = session.map(|session| {
            let mut buffer = Buffer::take();
            session.head(&mut buffer);
            Running {
                session,
                buffer,
                sent: 0,
            }
        });
        Self {
            writer,
            running,
            coding,
            phase: Phase::Flushed,
        }
    }

    /// Ends the stream and returns the writer, which is not flushed.
    ///
    /// # Errors
    ///
    /// When the writer fails; it is then dropped. [`try_finish`](Self::try_finish) keeps it.
    pub fn finish(mut self) -> io::Result<W> {
        self.try_finish()?;
        Ok(self.writer)
    }

    /// Ends the stream in place, and passes everything on to the writer, which is not flushed; the state goes back to
    /// the pool at once. It may be called again, to go on after an error or to no effect.
    ///
    /// # Errors
    ///
    /// When the writer fails.
    pub fn try_finish(&mut self) -> io::Result<()> {
        while matches!(self.phase, Phase::Flushed | Phase::Holding) {
            let Some(running) = &mut self.running else {
                self.phase = Phase::Finished;
                break;
            };
            if running.feed(&[], Step::Finish).done {
                self.phase = Phase::Ended;
            } else {
                self.pass_on()?;
            }
        }
        if self.phase == Phase::Ended {
            if let Some(running) = &mut self.running {
                if running.buffer.room() < Session::TRAILER {
                    running.pass_on(&mut self.writer)?;
                }
                running.session.trailer(&mut running.buffer);
            }
            self.phase = Phase::Finished;
        }
        self.pass_on()?;
        self.running = None;
        Ok(())
    }

    /// Writes out the buffer, which is empty afterwards.
    fn pass_on(&mut self) -> io::Result<()> {
        match &mut self.running {
            Some(running) => running.pass_on(&mut self.writer),
            None => Ok(()),
        }
    }
}

impl Running {
    /// Encodes from `input` into what room the buffer has left.
    fn feed(&mut self, input: &[u8], step: Step) -> Progress {
        self.session.feed(input, &mut self.buffer, step)
    }

    /// Writes out the buffer, which is empty afterwards.
    fn pass_on(&mut self, writer: &mut impl Write) -> io::Result<()> {
        while self.sent < self.buffer.len() {
            match writer.write(&self.buffer[self.sent..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.buffer.clear();
        self.sent = 0;
        Ok(())
    }
}

impl<W> Encoder<W> {
    /// The coding.
    #[must_use]
    pub const fn coding(&self) -> Coding {
        self.coding
    }

    /// The writer.
    #[must_use]
    pub const fn get_ref(&self) -> &W {
        &self.writer
    }

    /// The writer. Whoever writes to it directly writes into the middle of the encoded stream.
    #[must_use]
    pub const fn get_mut(&mut self) -> &mut W {
        &mut self.writer
    }
}

impl<W: Write> Write for Encoder<W> {
    /// Takes some of `input`, at least one byte unless it is empty.
    ///
    /// # Errors
    ///
    /// When the writer fails; nothing of `input` has been taken then. After the end of the stream, [`StreamFinished`]
    /// of the kind [`ErrorKind::InvalidInput`].
    fn write(&mut self, input: &[u8]) -> io::Result<usize> {
        if matches!(self.phase, Phase::Ended | Phase::Finished) {
            return Err(io::Error::new(ErrorKind::InvalidInput, StreamFinished));
        }
        if input.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(running) = &mut self.running else {
                return self.writer.write(input);
            };
            let consumed = running.feed(input, Step::Gather).consumed;
            if consumed > 0 {
                self.phase = Phase::Holding;
                return Ok(consumed);
            }
            // With input at hand, only a full buffer keeps the state from taking some.
            self.pass_on()?;
        }
    }

    /// Passes everything on to the writer, so that all that was written so far can be decoded, and flushes it.
    ///
    /// # Errors
    ///
    /// When the writer fails.
    fn flush(&mut self) -> io::Result<()> {
        while self.phase == Phase::Holding {
            let Some(running) = &mut self.running else {
                break;
            };
            if running.feed(&[], Step::Flush).done {
                self.phase = Phase::Flushed;
            } else {
                self.pass_on()?;
            }
        }
        self.pass_on()?;
        self.writer.flush()
    }
}

impl<W> fmt::Debug for Encoder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("coding", &self.coding)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}
