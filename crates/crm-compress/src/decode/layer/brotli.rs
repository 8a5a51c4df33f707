//! The coding "br" (RFC 7932): one stream, without a checksum.

use std::fmt;

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState, SliceWrapper};

use super::Step;
use crate::{Coding, DecodeError, EngineError};

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

pub(in crate::decode) struct Brotli {
    /// Some 2 KB by itself; the window and the tables are beyond.
    state: Box<State>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Data,
    End,
    /// The data is corrupt. What stands in the window of what came before is still to be handed out.
    Failed(DecodeError),
}

impl Brotli {
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        Self {
            // Strict: windows larger than the 16 MiB of RFC 7932 are another format.
            state: Box::new(State::new_strict(alloc(), alloc(), alloc())),
            place: Place::Data,
        }
    }

    /// Whether the input may end here.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.place, Place::End)
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut step = Step::default();
        if let Place::Data = self.place {
            match self.run(input, output, &mut step) {
                BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => return step,
                BrotliResult::ResultSuccess => self.place = Place::End,
                BrotliResult::ResultFailure => {
                    self.place = Place::Failed(DecodeError::Corrupt {
                        coding: Coding::Brotli,
                        source: EngineError::brotli(self.state.error_code as i32),
                    });
                }
            }
        }
        match &self.place {
            Place::Failed(failure) => {
                let failure = failure.clone();
                step.produced += take_rest(&mut self.state, &mut output[step.produced..]);
                if step.produced < output.len() {
                    step.failed(failure)
                } else {
                    step
                }
            }
            _ if step.consumed == input.len() || step.produced == output.len() => step,
            _ => step.failed(DecodeError::TrailingData {
                coding: Coding::Brotli,
            }),
        }
    }

    fn run(&mut self, input: &[u8], output: &mut [u8], step: &mut Step) -> BrotliResult {
        let (mut input_left, mut output_left) = (input.len(), output.len());
        BrotliDecompressStream(
            &mut input_left,
            &mut step.consumed,
            input,
            &mut output_left,
            &mut step.produced,
            output,
            &mut 0,
            &mut self.state,
        )
    }
}

/// Hands out what the window holds that was decoded before the failure. The decoder itself keeps it back, and so would
/// hand out all or nothing of a corrupt stream by the pieces in which it came. What is left of that is a run of bytes that
/// goes beyond the end of its block, which the decoder notices before or after it by chance.
fn take_rest(state: &mut State, output: &mut [u8]) -> usize {
    let (Ok(size), Ok(position)) = (
        u64::try_from(state.ringbuffer_size),
        u64::try_from(state.pos),
    ) else {
        return 0;
    };
    let decoded = state.rb_roundtrips * size + position.min(size);
    let waiting = decoded.saturating_sub(state.partial_pos_out);
    let start = (state.partial_pos_out & size.wrapping_sub(1)) as usize; // below the size, an i32
    let window = state.ringbuffer.slice().get(start..).unwrap_or_default();
    let taken = usize::try_from(waiting)
        .unwrap_or(usize::MAX)
        .min(window.len())
        .min(output.len());
    output[..taken].copy_from_slice(&window[..taken]);
    state.partial_pos_out += taken as u64;
    taken
}

impl fmt::Debug for Brotli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brotli")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
