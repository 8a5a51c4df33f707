//! A writer whose blocks are encoded on all threads of a pool.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::block::{BLOCK, Block};
use super::queue::Queue;
use crate::frame::{self, Checksum};
use crate::{Level, StreamFinished};

/// A writer that encodes into one gzip member on all threads of the current rayon pool, and passes it on to `W`.
///
/// It is for exports of many megabytes, of which it never holds more than a few blocks. What is written gathers in
/// blocks of 512 KiB; the pool encodes them, and the calling thread passes them on in their order. A block refers to the
/// 32 KiB before it as if the stream had never been cut, so that the result is hardly larger than that of
/// [`Encoder`](crate::Encoder).
///
/// - **The same bytes** come out whatever the number of threads, and however the input is cut into writes. Only a flush
///   ends a block early.
/// - **Bounded memory.** At most two blocks for each thread of the pool are under way, one is being filled, and one is
///   being written. Each takes 544 KiB, and as much again for its encoded form. A write waits when there are as many.
/// - **Order and errors.** When the writer fails, whether with [`ErrorKind::WouldBlock`] or for good, nothing is lost and
///   nothing is doubled: the call can be made again.
/// - **[`flush`](Write::flush)** waits for every block, and makes everything written so far decodable. It ends a block,
///   which costs some bytes and leaves the other threads idle; a stream that flushes often is better off with `Encoder`.
/// - **Dropping it** without [`finish`](Self::finish) writes nothing more and waits for nobody; the receiver sees a
///   stream that is cut off.
/// - **In a pool's thread** it does not wait for the pool. It encodes its own blocks, and no other work, where it would
///   have to; so a pool of one thread is enough. Outside of a pool the blocks go to rayon's global one.
/// - **A panic** while a block is encoded reaches the caller of the next write, flush or finish, as rayon's own calls do
///   it. After that the stream takes nothing more, and cannot be finished.
///
/// [`progress`](Self::progress) can be watched from another thread.
///
/// ```
/// use crm_compress::Gzip;
/// use std::io::Write;
///
/// let mut export = Gzip::default().parallel_encoder(Vec::new());
/// let progress = export.progress();
/// for id in 0..100_000 {
///     writeln!(export, "{id};customer {id}")?;
/// }
/// assert_eq!(progress.taken(), 2_077_780);
/// let csv: Vec<u8> = export.finish()?;
/// assert_eq!(progress.written(), csv.len() as u64);
/// # std::io::Result::Ok(())
/// ```
#[must_use = "an encoder that is dropped without `finish` leaves a stream that is cut off"]
pub struct ParallelEncoder<W> {
    writer: W,
    queue: Queue,
    /// What is being filled.
    block: Block,
    /// What is being written, and how much of it has been.
    front: Option<Block>,
    sent: usize,
    /// That of all blocks up to the front.
    checksum: Checksum,
    /// How many blocks are in the queue.
    queued: usize,
    /// How many may be.
    most: usize,
    /// Blocks that have been written, for their memory.
    spare: Vec<Block>,
    phase: Phase,
    progress: ParallelProgress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It takes input.
    Open,
    /// The last block is on its way, or out.
    Ended,
    /// A block could not be encoded.
    Broken,
}

/// How far a [`ParallelEncoder`] has come. A clone shows the same stream, also to another thread and after its end.
#[derive(Clone, Debug, Default)]
pub struct ParallelProgress {
    /// Two counters for people to look at, which publish no other memory; hence `Relaxed` throughout.
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    taken: AtomicU64,
    written: AtomicU64,
}

impl ParallelProgress {
    /// How many bytes of input the encoder has taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.counters.taken.load(Ordering::Relaxed)
    }

    /// How many encoded bytes the encoder's writer has taken.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.counters.written.load(Ordering::Relaxed)
    }
}

impl<W: Write> ParallelEncoder<W> {
    /// An encoder of this level that writes to `writer`. It writes nothing before the first block is done.
    ///
    /// The number of threads of the pool that is current here bounds how many blocks are under way.
    pub fn new(level: Level, writer: W) -> Self {
        let queue = Queue::new(move |block| block.encode(level));
        Self::with_queue(level, writer, queue)
    }

    fn with_queue(level: Level, writer: W, queue: Queue) -> Self {
        let mut block = Block::default();
        block
            .output
            .extend_from_slice(&frame::head(level.deflate()));
        Self {
            writer,
            queue,
            block,
            front: None,
            sent: 0,
            checksum: Checksum::new(),
            queued: 0,
            most: 2 * rayon::current_num_threads(),
            spare: Vec::new(),
            phase: Phase::Open,
            progress: ParallelProgress::default(),
        }
    }

    /// Ends the stream and returns the writer, which is not flushed: `encoder.finish()?.flush()?` for one with a buffer.
    ///
    /// # Errors
    ///
    /// When the writer fails; it is then dropped. [`try_finish`](Self::try_finish) keeps it.
    pub fn finish(mut self) -> io::Result<W> {
        self.try_finish()?;
        Ok(self.writer)
    }

    /// Ends the stream in place, and passes everything on to the writer, which is not flushed. It may be called again, to
    /// go on after an error or to no effect.
    ///
    /// # Errors
    ///
    /// When the writer fails.
    pub fn try_finish(&mut self) -> io::Result<()> {
        self.check_whole()?;
        if self.phase == Phase::Open {
            self.make_room()?;
            self.block.last = true;
            self.put(Block::default());
            self.phase = Phase::Ended;
        }
        self.pass_on_all()?;
        self.spare = Vec::new();
        Ok(())
    }

    /// Puts the block into the queue, which has room, and goes on with another.
    fn put(&mut self, next: Block) {
        let block = std::mem::replace(&mut self.block, next);
        self.queue.put(block);
        self.queued += 1;
    }

    /// Ends the block, which must not be the last.
    fn put_and_follow(&mut self) {
        let mut next = self.spare.pop().unwrap_or_default();
        next.follow(&self.block);
        self.put(next);
    }

    /// Passes on what is done, and waits until there is room for another block.
    fn make_room(&mut self) -> io::Result<()> {
        self.pass_on()?;
        while let Some(block) = self.queue.try_take() {
            self.receive(block);
            self.pass_on()?;
        }
        while self.queued >= self.most {
            self.wait();
            self.pass_on()?;
        }
        Ok(())
    }

    /// Waits for all blocks, and passes them on.
    fn pass_on_all(&mut self) -> io::Result<()> {
        self.pass_on()?;
        while self.queued > 0 {
            self.wait();
            self.pass_on()?;
        }
        Ok(())
    }

    /// Waits for the oldest block.
    fn wait(&mut self) {
        if let Some(block) = self.queue.take() {
            self.receive(block);
        }
    }

    /// Makes a block the next one to be written; there is none before it.
    fn receive(&mut self, block: std::thread::Result<Block>) {
        debug_assert!(self.front.is_none(), "a block would be lost");
        self.queued -= 1;
        match block {
            Ok(mut block) => {
                self.checksum.combine(&block.checksum);
                if block.last {
                    frame::trailer(&self.checksum, &mut block.output);
                }
                self.sent = 0;
                self.front = Some(block);
            }
            Err(payload) => {
                self.phase = Phase::Broken;
                self.queue.abandon();
                self.queued = 0;
                resume_unwind(payload);
            }
        }
    }

    /// Writes out the front, and keeps its memory.
    fn pass_on(&mut self) -> io::Result<()> {
        let Some(front) = &self.front else {
            return Ok(());
        };
        while self.sent < front.output.len() {
            match self.writer.write(&front.output[self.sent..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.sent += written;
                    let counter = &self.progress.counters.written;
                    counter.fetch_add(written as u64, Ordering::Relaxed);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.spare.extend(self.front.take());
        Ok(())
    }

    fn check_whole(&self) -> io::Result<()> {
        match self.phase {
            Phase::Open | Phase::Ended => Ok(()),
            Phase::Broken => Err(io::Error::other(
                "a block of this stream could not be encoded; begin another encoder",
            )),
        }
    }
}

impl<W> ParallelEncoder<W> {
    /// How far the stream has come, for others to watch.
    #[must_use]
    pub fn progress(&self) -> ParallelProgress {
        self.progress.clone()
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

impl<W: Write> Write for ParallelEncoder<W> {
    /// Takes some of `input`, at least one byte unless it is empty.
    ///
    /// # Errors
    ///
    /// When the writer fails; nothing of `input` has been taken then. After the end of the stream, [`StreamFinished`] of
    /// the kind [`ErrorKind::InvalidInput`].
    ///
    /// # Panics
    ///
    /// When the encoding of a block has panicked, with what that panic carried.
    fn write(&mut self, input: &[u8]) -> io::Result<usize> {
        self.check_whole()?;
        if self.phase == Phase::Ended {
            return Err(io::Error::new(ErrorKind::InvalidInput, StreamFinished));
        }
        // A full block waits for the byte behind it: only then is it known not to be the last.
        if !input.is_empty() && self.block.len() == BLOCK {
            self.make_room()?;
            self.put_and_follow();
        }
        let taken = self.block.fill(input);
        let counter = &self.progress.counters.taken;
        counter.fetch_add(taken as u64, Ordering::Relaxed);
        Ok(taken)
    }

    /// Ends the block, waits for all of them, passes everything on to the writer, so that all that was written so far can
    /// be decoded, and flushes it. With nothing written since the last flush it adds nothing.
    ///
    /// # Errors
    ///
    /// When the writer fails.
    ///
    /// # Panics
    ///
    /// When the encoding of a block has panicked, with what that panic carried.
    fn flush(&mut self) -> io::Result<()> {
        self.check_whole()?;
        if self.phase == Phase::Open && self.block.len() > 0 {
            self.make_room()?;
            self.put_and_follow();
        }
        self.pass_on_all()?;
        self.writer.flush()
    }
}

impl<W> fmt::Debug for ParallelEncoder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParallelEncoder")
            .field("phase", &self.phase)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// A panic in the pool ends the stream, and neither the process nor the pool.
    #[test]
    fn a_panic_reaches_the_caller_once() {
        for inside in [false, true] {
            let run = || {
                let queue = Queue::new(|block| {
                    assert!(block.number != 1, "block one is broken");
                    block.encode(Level::Fastest);
                });
                let mut encoder = ParallelEncoder::with_queue(Level::Fastest, Vec::new(), queue);
                let body = vec![b'x'; 5 * BLOCK];
                let panic = catch_unwind(AssertUnwindSafe(|| {
                    encoder.write_all(&body).and_then(|()| encoder.try_finish())
                }))
                .unwrap_err();
                assert_eq!(panic.downcast_ref::<&str>(), Some(&"block one is broken"));
                let length = encoder.get_ref().len();
                encoder.write(b"more").unwrap_err();
                encoder.flush().unwrap_err();
                encoder.try_finish().unwrap_err();
                assert_eq!(encoder.get_ref().len(), length, "block zero alone");
                assert_eq!(rayon::join(|| 1, || 2), (1, 2), "the pool goes on");
            };
            if inside {
                rayon::ThreadPoolBuilder::new()
                    .num_threads(1)
                    .build()
                    .unwrap()
                    .install(run);
            } else {
                run();
            }
        }
    }
}
