//! A coding at a level, and what this build has of both.

use std::fmt;

use crm_perf::compress::{Coding, DecodeLimits, Level, decode, encode_if_smaller};
use serde::{Serialize, Serializer};

use crate::args::{Args, Levels};
use crate::failure::Failure;

/// The names of all codings that need nothing but the body; a build without one does not know its name.
const NAMES: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

/// The codings of this build.
pub(crate) fn codings() -> Vec<Coding> {
    NAMES.iter().filter_map(|name| name.parse().ok()).collect()
}

/// A way to send a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) coding: Coding,
    pub(crate) level: Level,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} {}", self.coding, self.level))
    }
}

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Setting {
    /// Those that were asked for, each coding's by its levels.
    pub(crate) fn asked(args: &Args) -> Result<Vec<Self>, Failure> {
        let mut asked = Vec::new();
        let codings = match &args.coding[..] {
            [] => codings(),
            some => some.to_vec(),
        };
        for coding in codings {
            let levels = match &args.level {
                // Zero of gzip and deflate is the body as it is, in a frame.
                Levels::All => {
                    let stored = matches!(coding, Coding::Gzip | Coding::Deflate);
                    let first = u8::from(stored);
                    (first..=u8::MAX).map(Level::Exact).collect()
                }
                Levels::List(levels) => levels.clone(),
            };
            for level in levels {
                let setting = Self { coding, level };
                if level.checked_for(coding).is_ok() && !asked.contains(&setting) {
                    asked.push(setting);
                }
            }
        }
        if asked.is_empty() {
            return Err(Failure::NoSetting);
        }
        Ok(asked)
    }

    /// What a server would send that keeps a body which does not shrink; `None` for such a one.
    pub(crate) fn encode(self, body: &[u8]) -> Option<Vec<u8>> {
        encode_if_smaller(self.coding, self.level, body).ok()
    }

    /// What a client makes of it, which is to have so many bytes.
    pub(crate) fn decode(self, encoded: &[u8], length: usize) -> Result<Vec<u8>, String> {
        // One's own file is no bomb, however well it compresses.
        let limits = DecodeLimits::default()
            .decoded_bytes(length as u64)
            .encoded_bytes(u64::MAX)
            .ratio(u64::MAX);
        decode([self.coding.name()], encoded, &limits).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn asked(arguments: &[&str]) -> Vec<String> {
        let args = Args::parse_from([&["compress_report", "body"], arguments].concat());
        let settings = Setting::asked(&args).unwrap();
        settings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_levels_are_those_on_the_scale() {
        let all = asked(&["--coding", "gzip", "--level", "all"]);
        assert_eq!(all.len(), 9);
        assert_eq!((&*all[0], &*all[8]), ("gzip 1", "gzip 9"));
        assert_eq!(asked(&["--coding", "br", "--level", "all"])[0], "br 0");
    }

    #[test]
    fn a_level_that_a_coding_has_not_is_left_out() {
        assert_eq!(asked(&["--coding", "gzip", "--level", "12,4"]), ["gzip 4"]);
        let line = ["compress_report", "b", "--coding", "gzip", "--level", "12"];
        let none = Setting::asked(&Args::parse_from(line)).unwrap_err();
        assert!(matches!(none, Failure::NoSetting), "{none}");
    }

    #[test]
    fn every_coding_of_the_build_comes_back() {
        let body = b"a line of a body\n".repeat(50);
        let settings = Setting::asked(&Args::parse_from(["compress_report", "body"])).unwrap();
        assert_eq!(settings.len(), 4 * 3);
        for setting in settings {
            let encoded = setting.encode(&body).unwrap();
            assert!(encoded.len() < body.len() / 4, "{setting}");
            assert_eq!(
                setting.decode(&encoded, body.len()).unwrap(),
                body,
                "{setting}"
            );
            assert!(
                setting
                    .decode(&encoded[..encoded.len() / 2], body.len())
                    .is_err()
            );
        }
    }
}
