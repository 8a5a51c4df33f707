//! One brotli state that serves one body after another: the crate `brotli`.

use std::fmt;
use std::mem;

use brotli::enc::backward_references::BrotliEncoderMode;
use brotli::enc::cluster::HistogramPair;
use brotli::enc::command::Command;
use brotli::enc::encode::{
    BrotliEncoderDestroyInstance, BrotliEncoderInitParams, BrotliEncoderOperation,
    BrotliEncoderStateStruct,
};
use brotli::enc::entropy_encode::HuffmanTree;
use brotli::enc::histogram::{ContextType, HistogramCommand, HistogramDistance, HistogramLiteral};
use brotli::enc::interface::StaticCommand;
use brotli::enc::{
    Allocator, BrotliAlloc, PDF, SliceWrapper, SliceWrapperMut, ZopfliNode, floatX, s16, v8,
};

use super::{Engine, Progress, Step};
use crate::pool::{self, Kind, Lease, State};

/// A brotli state and the memory that it has used so far.
pub(crate) struct Brotli {
    /// Of some 12 KB, which is not moved about.
    state: Box<BrotliEncoderStateStruct<Shelves>>,
    used: bool,
}

// What a body of 130 KB needs at level 6 (3.6 MiB), or at level 4 (2.1 MiB). What has grown beyond is freed: after
// bodies of some 200 KB and more, which take commands and tables for the whole of it, and after the levels 7 and up.
pool::kind!(Brotli, bytes: 4 * 1024 * 1024);

impl Brotli {
    /// A clean state of this level, for a body whose length is known, or for a stream.
    pub(crate) fn take(level: u8, length: Option<usize>) -> Lease<Self> {
        let mut lease = pool::take(|| Self {
            state: Box::new(BrotliEncoderStateStruct::new(Shelves::default())),
            used: false,
        });
        let params = &mut lease.state.params;
        *params = BrotliEncoderInitParams();
        params.mode = BrotliEncoderMode::BROTLI_MODE_GENERIC;
        params.quality = match length {
            Some(_) => level.into(),
            // The levels 0 and 1 write a block for each piece of input, however small, which a stream cannot afford.
            None => level.max(2).into(),
        };
        params.lgwin = window(length);
        params.size_hint = length.unwrap_or(0);
        lease
    }
}

/// The window as a power of two: what the body needs, at most 256 KiB for a stream and 4 MiB for a whole body.
fn window(length: Option<usize>) -> i32 {
    let Some(length) = length else { return 18 };
    // The format keeps 16 bytes of the window for itself.
    let bits = usize::BITS - (length + 15).leading_zeros();
    bits.clamp(17, 22) as i32
}

/// The most bytes that a body of `length` bytes can come to.
///
/// Blocks that do not shrink are stored, with at most seven bytes around 16 KiB, which is the smallest block; at the
/// end stands an empty block.
pub(crate) fn bound(length: usize) -> usize {
    length.saturating_add((length >> 14) * 8).saturating_add(64)
}

impl Engine for Brotli {
    fn run(&mut self, input: &[u8], output: &mut Vec<u8>, step: Step) -> Progress {
        self.used = true;
        let (mut left, mut consumed) = (input.len(), 0);
        let mut asked = false;
        loop {
            while self.state.has_more_output() {
                let mut room = output.capacity() - output.len();
                if room == 0 {
                    return Progress {
                        consumed,
                        done: false,
                    };
                }
                let encoded = self.state.take_output(&mut room);
                output.extend_from_slice(&encoded[..room]);
            }
            let done = match step {
                Step::Gather | Step::Flush => asked && left == 0,
                Step::Finish => self.state.is_finished(),
            };
            if done {
                return Progress { consumed, done };
            }
            let operation = match step {
                Step::Gather => BrotliEncoderOperation::BROTLI_OPERATION_PROCESS,
                // Asked again for want of room, it has nothing to add.
                Step::Flush => BrotliEncoderOperation::BROTLI_OPERATION_FLUSH,
                Step::Finish => BrotliEncoderOperation::BROTLI_OPERATION_FINISH,
            };
            let taken = self.state.compress_stream(
                operation,
                &mut left,
                input,
                &mut consumed,
                // No room, so that the output waits inside to be taken, and nothing is cleared to receive it.
                &mut 0,
                &mut [],
                &mut 0,
                &mut None,
                &mut |_, _, _, _| (),
            );
            assert!(taken, "brotli only refuses input after the end");
            asked = true;
        }
    }
}

impl State for Brotli {
    /// The state is built anew, which is a matter of some 12 KB, in the memory of the old one.
    fn recycle(&mut self) -> bool {
        if self.used {
            BrotliEncoderDestroyInstance(&mut *self.state);
            let shelves = mem::take(&mut self.state.m8);
            *self.state = BrotliEncoderStateStruct::new(shelves);
            self.used = false;
        }
        let shelves = &mut self.state.m8;
        if shelves.bytes() > <Self as Kind>::BYTES {
            shelves.forget_unused();
        }
        shelves.begin();
        shelves.bytes() <= <Self as Kind>::BYTES
    }
}

impl fmt::Debug for Brotli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brotli")
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

/// Memory that the encoder has, and gives back.
#[derive(Debug)]
pub(crate) struct Memory<T>(Vec<T>);

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> SliceWrapper<T> for Memory<T> {
    fn slice(&self) -> &[T] {
        &self.0
    }
}

impl<T> SliceWrapperMut<T> for Memory<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

/// What the encoder has given back of one type. It asks for a dozen pieces at most, so that a search is short.
struct Shelf<T> {
    pieces: Vec<Piece<T>>,
}

struct Piece<T> {
    memory: Vec<T>,
    /// Whether the last body used it.
    used: bool,
}

impl<T: Clone + Default> Shelf<T> {
    /// A piece of this length, cleared: the smallest that has the room, or else the largest, which grows.
    fn take(&mut self, length: usize) -> Memory<T> {
        let best = (0..self.pieces.len()).min_by_key(|&at| {
            let room = self.pieces[at].memory.capacity();
            if room >= length {
                (false, room)
            } else {
                (true, usize::MAX - room)
            }
        });
        let mut memory = match best {
            Some(at) => self.pieces.swap_remove(at).memory,
            None => Vec::new(),
        };
        memory.clear();
        memory.reserve_exact(length);
        memory.resize(length, T::default());
        Memory(memory)
    }

    fn keep(&mut self, Memory(memory): Memory<T>) {
        if memory.capacity() > 0 {
            self.pieces.push(Piece { memory, used: true });
        }
    }

    fn forget_unused(&mut self) {
        self.pieces.retain(|piece| piece.used);
    }

    fn begin(&mut self) {
        for piece in &mut self.pieces {
            piece.used = false;
        }
    }

    fn bytes(&self) -> usize {
        let elements: usize = self
            .pieces
            .iter()
            .map(|piece| piece.memory.capacity())
            .sum();
        elements * size_of::<T>()
    }
}

/// The encoder's allocator: one shelf for each type that it allocates.
macro_rules! shelves {
    ($($name:ident: $type:ty,)+) => {
        pub(crate) struct Shelves {
            $($name: Shelf<$type>,)+
        }

        impl Default for Shelves {
            fn default() -> Self {
                Self { $($name: Shelf { pieces: Vec::new() },)+ }
            }
        }

        impl Shelves {
            /// Frees what the last body had no use for, after other bodies that had.
            fn forget_unused(&mut self) {
                $(self.$name.forget_unused();)+
            }

            /// Begins another body.
            fn begin(&mut self) {
                $(self.$name.begin();)+
            }

            /// The memory on all shelves, in bytes.
            fn bytes(&self) -> usize {
                0 $(+ self.$name.bytes())+
            }
        }

        $(impl Allocator<$type> for Shelves {
            type AllocatedMemory = Memory<$type>;

            fn alloc_cell(&mut self, length: usize) -> Memory<$type> {
                self.$name.take(length)
            }

            fn free_cell(&mut self, piece: Memory<$type>) {
                self.$name.keep(piece);
            }
        })+
    };
}

shelves! {
    u8s: u8,
    u16s: u16,
    i32s: i32,
    u32s: u32,
    u64s: u64,
    commands: Command,
    floats: floatX,
    float_vectors: v8,
    integer_vectors: s16,
    distributions: PDF,
    static_commands: StaticCommand,
    literal_histograms: HistogramLiteral,
    command_histograms: HistogramCommand,
    distance_histograms: HistogramDistance,
    histogram_pairs: HistogramPair,
    context_types: ContextType,
    huffman_trees: HuffmanTree,
    zopfli_nodes: ZopfliNode,
}

impl BrotliAlloc for Shelves {}
