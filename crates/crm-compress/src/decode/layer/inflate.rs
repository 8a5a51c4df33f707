//! Bare deflate data (RFC 1951), which gzip and deflate wrap.

use flate2::{Decompress, FlushDecompress, Status};

use super::Step;
use crate::{Coding, DecodeError, EngineError};

/// A state that decodes deflate data.
#[derive(Debug)]
pub(super) struct Inflate {
    state: Decompress,
}

impl Inflate {
    pub(super) fn new() -> Self {
        Self {
            state: Decompress::new(false),
        }
    }

    /// Begins anew.
    pub(super) fn reset(&mut self) {
        self.state.reset(false);
    }

    /// Decodes on from where the step stands, and tells whether the data has ended.
    pub(super) fn run(
        &mut self,
        coding: Coding,
        input: &[u8],
        output: &mut [u8],
        step: &mut Step,
    ) -> bool {
        let (taken, made) = (self.state.total_in(), self.state.total_out());
        let result = self.state.decompress(
            &input[step.consumed..],
            &mut output[step.produced..],
            FlushDecompress::None,
        );
        // Both are lengths within the slices, and also right after an error.
        step.consumed += (self.state.total_in() - taken) as usize;
        step.produced += (self.state.total_out() - made) as usize;
        match result {
            Ok(Status::StreamEnd) => true,
            Ok(Status::Ok | Status::BufError) => false,
            Err(error) => {
                step.failure = Some(DecodeError::Corrupt {
                    coding,
                    source: EngineError::inflate(error),
                });
                false
            }
        }
    }
}
