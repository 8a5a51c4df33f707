//! A stream: a reader that encodes what another reader yields.

use std::fmt;
use std::io::{self, ErrorKind, Read};

#[cfg(feature = "dcz")]
use crate::Dictionary;
use crate::engine::{Buffer, Step};
use crate::pool::Lease;
use crate::session::Session;
use crate::{Coding, Level};

/// A reader that yields the encoded form of what `R` yields.
///
/// **It holds nothing back while its source waits.** The source is asked for 16 KiB at a time. An answer of fewer bytes
/// says that there are no more at the moment, and everything so far is made decodable and handed out before the
/// source is asked again; so is it when the source is not ready. Only an answer of just 16 KiB is taken for a part of a
/// longer one, since the next question costs nothing where that is so, as with a file, and a flush costs bytes.
///
/// | the source says | this reader |
/// |---|---|
/// | 16 KiB | encodes, and hands out what the coding gives so far |
/// | fewer bytes | encodes, flushes, hands out everything, and only then asks again |
/// | the end | ends the stream, and does not ask again |
/// | [`ErrorKind::WouldBlock`] | flushes and hands out what it holds; with nothing to hand out, says the same |
/// | [`ErrorKind::Interrupted`] | asks again |
/// | another error | passes it on; the next call asks again, and nothing that came before is lost |
///
/// Whoever reads has the end of the stream when this reader is at its own end; a source that fails never gets there,
/// so that what was read is a stream that is cut off, not one that looks whole. The state goes back to the pool, clean,
/// at the end of the stream or when this is dropped. It holds two buffers of 16 KiB, from the pool too, and allocates
/// nothing once the thread has encoded before. [`Coding::Identity`] passes everything on as it is.
///
/// ```
/// use crm_compress::{Coding, Level, ReadEncoder};
/// use std::io::Read;
///
/// let export = "7;Ada;London\n".repeat(1_000);
/// let mut encoded = Vec::new();
/// ReadEncoder::new(Coding::Gzip, Level::Balanced, export.as_bytes()).read_to_end(&mut encoded)?;
/// assert!(encoded.len() < 200);
/// # std::io::Result::Ok(())
/// ```
pub struct ReadEncoder<R> {
    reader: R,
    /// `None` for identity, and once everything has been handed out.
    running: Option<Running>,
    coding: Coding,
    phase: Phase,
}

/// What an encoder holds of the pool.
struct Running {
    session: Session,
    /// What the source has yielded; the part before `taken` is encoded.
    source: Lease<Buffer>,
    taken: usize,
    /// What is encoded; the part before `sent` has been handed out.
    buffer: Lease<Buffer>,
    sent: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// There is nothing but the head of the stream, which waits for the first byte.
    Fresh,
    /// The source is to be asked, with nothing held back.
    Flushed,
    /// The source is to be asked, with something held back.
    Holding,
    /// There is input to be encoded; `flush` says whether the source waits behind it.
    Encoding { flush: bool },
    /// Everything is in, and has to be made decodable.
    Flushing,
    /// The source has ended.
    Finishing,
    /// The encoded data has ended, the trailer is due.
    Ended,
    /// Everything is in the buffer, or out.
    Finished,
}

impl<R: Read> ReadEncoder<R> {
    /// An encoder of this coding and level that reads from `reader`. It reads nothing before it is read from.
    ///
    /// # Panics
    ///
    /// For a [`Coding`] that needs a dictionary, which is `dcz`: its own type encodes it.
    pub fn new(coding: Coding, level: Level, reader: R) -> Self {
        Self::begin(Session::begin(None, coding, level, None), coding, reader)
    }

    /// An encoder of dcz.
    #[cfg(feature = "dcz")]
    pub(crate) fn with_dictionary(dictionary: &Dictionary, level: Level, reader: R) -> Self {
        let session = Session::begin(Some(dictionary), Coding::Dcz, level, None);
        Self::begin(session, Coding::Dcz, reader)
    }

    fn begin(session: Option<Session>, coding: Coding, reader: R) -> Self {
        let running = session.map(|session| {
            let mut buffer = Buffer::take();
            session.head(&mut buffer);
            Running {
                session,
                source: Buffer::take(),
                taken: 0,
                buffer,
                sent: 0,
            }
        });
        Self {
            reader,
            running,
            coding,
            phase: Phase::Fresh,
        }
    }
}

impl<R> ReadEncoder<R> {
    /// The coding.
    #[must_use]
    pub const fn coding(&self) -> Coding {
        self.coding
    }

    /// The source.
    #[must_use]
    pub const fn get_ref(&self) -> &R {
        &self.reader
    }

    /// The source. What is read from it directly is missing from the encoded stream.
    #[must_use]
    pub const fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The source; what was not read of the encoded stream is lost.
    #[must_use]
    pub fn into_inner(self) -> R {
        self.reader
    }
}

impl<R: Read> Read for ReadEncoder<R> {
    /// Hands out encoded bytes, at least one unless `output` is empty or the stream has ended.
    ///
    /// # Errors
    ///
    /// Those of the source, as the type's table has them.
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let Some(running) = &mut self.running else {
            return match self.phase {
                Phase::Finished => Ok(0),
                _ => self.reader.read(output),
            };
        };
        if output.is_empty() {
            return Ok(0);
        }
        loop {
            if self.phase != Phase::Fresh {
                let ready = running.hand_out(output);
                if ready > 0 {
                    return Ok(ready);
                }
            }
            // The buffer is empty, but for the head of the stream.
            self.phase = match self.phase {
                Phase::Fresh | Phase::Flushed | Phase::Holding => {
                    match running.ask(&mut self.reader) {
                        Ok(0) => Phase::Finishing,
                        Ok(length) => Phase::Encoding {
                            flush: length < Buffer::SIZE,
                        },
                        Err(error)
                            if error.kind() == ErrorKind::WouldBlock
                                && self.phase == Phase::Holding =>
                        {
                            Phase::Flushing
                        }
                        Err(error) => return Err(error),
                    }
                }
                Phase::Encoding { flush } => match (running.encode(), flush) {
                    (false, _) => self.phase,
                    (true, true) => Phase::Flushing,
                    (true, false) => Phase::Holding,
                },
                Phase::Flushing if running.step(Step::Flush) => Phase::Flushed,
                Phase::Finishing if running.step(Step::Finish) => Phase::Ended,
                Phase::Flushing | Phase::Finishing => self.phase,
                Phase::Ended => {
                    running.session.trailer(&mut running.buffer);
                    Phase::Finished
                }
                Phase::Finished => {
                    self.running = None;
                    return Ok(0);
                }
            };
        }
    }
}

impl Running {
    /// Moves encoded bytes to `output`.
    fn hand_out(&mut self, output: &mut [u8]) -> usize {
        let waiting = &self.buffer[self.sent..];
        let length = waiting.len().min(output.len());
        output[..length].copy_from_slice(&waiting[..length]);
        self.sent += length;
        if self.sent == self.buffer.len() {
            self.buffer.clear();
            self.sent = 0;
        }
        length
    }

    /// Asks the source for as much as there is room for.
    fn ask(&mut self, reader: &mut impl Read) -> io::Result<usize> {
        self.source.resize(Buffer::SIZE, 0);
        self.taken = 0;
        let result = loop {
            match reader.read(&mut self.source) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        self.source.truncate(*result.as_ref().unwrap_or(&0));
        result
    }

    /// Encodes what the source has yielded; `false` when there was not enough room.
    fn encode(&mut self) -> bool {
        let input = &self.source[self.taken..];
        let progress = self.session.feed(input, &mut self.buffer, Step::Gather);
        self.taken += progress.consumed;
        self.taken == self.source.len()
    }

    /// Takes a step without input; `false` when there was not enough room.
    fn step(&mut self, step: Step) -> bool {
        self.session.feed(&[], &mut self.buffer, step).done
    }
}

impl<R> fmt::Debug for ReadEncoder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadEncoder")
            .field("coding", &self.coding)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}
