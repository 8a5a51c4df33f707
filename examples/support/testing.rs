//! What the tests of the programs have in common: a program runs as a user runs it, and its files have a folder.

use std::ffi::OsString;
use std::process::ExitCode;
use std::vec;

/// What a run left behind.
pub(crate) struct Output {
    pub(crate) code: ExitCode,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Output {
    /// Runs `program` with this command line.
    pub(crate) fn of(
        program: impl FnOnce(vec::IntoIter<OsString>, &mut Vec<u8>, &mut Vec<u8>) -> ExitCode,
        line: &[&str],
    ) -> Self {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let line: Vec<_> = line.iter().map(OsString::from).collect();
        let code = program(line.into_iter(), &mut out, &mut err);
        Self {
            code,
            out: String::from_utf8(out).unwrap(),
            err: String::from_utf8(err).unwrap(),
        }
    }

    /// Exit codes have no equality of their own.
    pub(crate) fn ended_with(&self, code: ExitCode) -> bool {
        format!("{:?}", self.code) == format!("{code:?}")
    }

    /// The one line with which a run ends that fails.
    pub(crate) fn failure(self) -> String {
        assert!(self.ended_with(ExitCode::FAILURE), "{}", self.out);
        assert_eq!(self.out, "");
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        self.err
    }
}

/// A folder for the files of one test.
pub(crate) struct Folder(pub(crate) tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}
