//! The bodies: files, what is in folders, standard input, or the lines of all of these.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::args::Args;
use crate::failure::Failure;
use crate::progress::Progress;

/// What one response holds.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// What a server would say that it is, as far as the name or the first bytes tell.
    pub(crate) media_type: Option<&'static str>,
}

/// Something that is no body, and why.
#[derive(Debug, Serialize)]
pub(crate) struct PassedOver {
    pub(crate) name: String,
    pub(crate) why: String,
}

/// All that was read.
#[derive(Debug, Default)]
pub(crate) struct Bodies {
    pub(crate) list: Vec<Body>,
    pub(crate) passed_over: Vec<PassedOver>,
    /// How many there were before some were taken of them.
    pub(crate) found: usize,
}

/// So many of those that were passed over are told; the JSON has all.
const TOLD: usize = 5;

const STANDARD_INPUT: &str = "standard input";

impl Bodies {
    /// Reads what the command line names; `input` stands for `-`.
    pub(crate) fn read(args: &Args, input: &mut dyn Read) -> Result<Self, Failure> {
        let progress = Progress::reading();
        let mut reader = Reader {
            args,
            bodies: Self::default(),
            seen: HashMap::new(),
            hasher: RandomState::new(),
            read: 0,
            progress: &progress,
        };
        let done = reader.all(input);
        let mut bodies = reader.bodies;
        progress.finish();
        done?;
        if bodies.list.is_empty() {
            return Err(Failure::NoBody);
        }
        bodies.thin_out(args.most as usize);
        Ok(bodies)
    }

    /// Keeps at most so many, taken evenly: of `most` equal parts, the first of each.
    fn thin_out(&mut self, most: usize) {
        self.found = self.list.len();
        if self.found <= most {
            return;
        }
        let found = self.found;
        let part = |at: usize| at * most / found;
        let mut at = 0;
        self.list.retain(|_| {
            let first = at == 0 || part(at) != part(at - 1);
            at += 1;
            first
        });
    }

    /// Says what was passed over, and that some were taken of many.
    pub(crate) fn tell(&self, err: &mut impl Write) -> io::Result<()> {
        for PassedOver { name, why } in self.passed_over.iter().take(TOLD) {
            writeln!(err, "passed over {name}: {why}")?;
        }
        let more = self.passed_over.len().saturating_sub(TOLD);
        if more > 0 {
            writeln!(
                err,
                "and {more} more are passed over; --json tells them all"
            )?;
        }
        if self.found > self.list.len() {
            writeln!(
                err,
                "{} of {} bodies are measured, taken evenly; --most takes more",
                self.list.len(),
                self.found
            )?;
        }
        Ok(())
    }
}

struct Reader<'a> {
    args: &'a Args,
    bodies: Bodies,
    /// The bodies by their hash.
    seen: HashMap<u64, Vec<usize>>,
    hasher: RandomState,
    /// Bytes, all bodies together.
    read: u64,
    progress: &'a Progress,
}

/// What came of a file.
enum Content {
    Whole(Vec<u8>),
    Empty,
    /// It goes beyond the limit.
    TooMuch,
}

impl Reader<'_> {
    fn all(&mut self, input: &mut dyn Read) -> Result<(), Failure> {
        let mut input_was_named = false;
        for file in &self.args.files {
            if file == OsStr::new("-") {
                if !input_was_named {
                    self.standard_input(input)?;
                }
                input_was_named = true;
            } else {
                self.named(file)?;
            }
        }
        Ok(())
    }

    fn standard_input(&mut self, input: &mut dyn Read) -> Result<(), Failure> {
        let content = self.content(input).map_err(|error| Failure::Read {
            file: STANDARD_INPUT.into(),
            error,
        })?;
        self.take(STANDARD_INPUT.to_owned(), None, content)
    }

    /// A file or folder of the command line: what is wrong with it ends the program.
    fn named(&mut self, file: &Path) -> Result<(), Failure> {
        let failed = |error| Failure::Read {
            file: file.to_owned(),
            error,
        };
        let what = fs::metadata(file).map_err(failed)?;
        if what.is_dir() {
            let entries = entries(file).map_err(failed)?;
            self.folder(entries);
            Ok(())
        } else if what.is_file() {
            let content = self.content(&mut File::open(file).map_err(failed)?);
            self.take(
                file.display().to_string(),
                by_name(file),
                content.map_err(failed)?,
            )
        } else {
            Err(Failure::NoFile {
                file: file.to_owned(),
            })
        }
    }

    /// What is in a folder: what is wrong with a part of it is told, and the rest is read.
    fn folder(&mut self, entries: Vec<PathBuf>) {
        for path in entries {
            let taken = match self.entry(&path) {
                Ok(Some(content)) => self.take(path.display().to_string(), by_name(&path), content),
                Ok(None) => Ok(()),
                Err(error) => Err(Failure::Read {
                    file: path.clone(),
                    error,
                }),
            };
            let why = match taken {
                Ok(()) => continue,
                Err(Failure::Empty { .. }) => "it is empty".to_owned(),
                Err(Failure::TooMuch { limit, .. }) => {
                    format!("it goes beyond {limit} of bodies, see --limit")
                }
                Err(Failure::Read { error, .. }) => format!("it cannot be read: {error}"),
                Err(other) => other.to_string(),
            };
            self.pass_over(path.display().to_string(), why);
        }
    }

    /// The content of an entry of a folder, or nothing of a folder, whose own entries have been read then.
    fn entry(&mut self, path: &Path) -> io::Result<Option<Content>> {
        // What a link leads to is taken, but no folder: it may lead in a circle.
        let link = fs::symlink_metadata(path)?.is_symlink();
        let what = fs::metadata(path)?;
        if what.is_file() {
            self.content(&mut File::open(path)?).map(Some)
        } else if what.is_dir() && !link {
            let entries = entries(path)?;
            self.folder(entries);
            Ok(None)
        } else {
            let why = if link {
                "it is a link to a folder"
            } else {
                "it is neither a file nor a folder"
            };
            self.pass_over(path.display().to_string(), why.to_owned());
            Ok(None)
        }
    }

    /// Reads to the end, unless that is beyond the limit.
    fn content(&self, source: &mut dyn Read) -> io::Result<Content> {
        let left = self.args.limit.0.saturating_sub(self.read);
        let mut bytes = Vec::new();
        source.take(left + 1).read_to_end(&mut bytes)?;
        Ok(if bytes.len() as u64 > left {
            Content::TooMuch
        } else if bytes.is_empty() {
            Content::Empty
        } else {
            Content::Whole(bytes)
        })
    }

    /// Makes a body of what a file holds, or one of each line.
    fn take(
        &mut self,
        name: String,
        media_type: Option<&'static str>,
        content: Content,
    ) -> Result<(), Failure> {
        let bytes = match content {
            Content::Whole(bytes) => bytes,
            Content::Empty => return Err(Failure::Empty { name }),
            Content::TooMuch => {
                return Err(Failure::TooMuch {
                    name,
                    limit: self.args.limit,
                });
            }
        };
        self.read += bytes.len() as u64;
        if !self.args.lines {
            self.body(name, media_type, bytes);
            return Ok(());
        }
        let mut blank = true;
        for (number, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if !line.is_empty() {
                blank = false;
                // A line of NDJSON is JSON; of others nobody says what one line is.
                let media_type = by_content(line);
                self.body(format!("{name}:{}", number + 1), media_type, line.to_vec());
            }
        }
        if blank {
            return Err(Failure::Empty { name });
        }
        Ok(())
    }

    /// Takes a body, unless it was there before: a response that is often made would count for more than it is asked for, and
    /// a dictionary would be tested on what it was trained on.
    fn body(&mut self, name: String, media_type: Option<&'static str>, bytes: Vec<u8>) {
        let same = self.seen.entry(self.hasher.hash_one(&bytes)).or_default();
        let list = &mut self.bodies.list;
        if let Some(&before) = same.iter().find(|&&at| list[at].bytes == bytes) {
            let why = format!("it is the same as {}", list[before].name);
            self.pass_over(name, why);
            return;
        }
        same.push(list.len());
        let media_type = media_type.or_else(|| by_content(&bytes));
        list.push(Body {
            name,
            bytes,
            media_type,
        });
        self.progress.set(self.bodies.list.len() as u64);
    }

    fn pass_over(&mut self, name: String, why: String) {
        self.bodies.passed_over.push(PassedOver { name, why });
    }
}

/// The entries of a folder by name, but those that are hidden.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            entries.push(entry.path());
        }
    }
    entries.sort();
    Ok(entries)
}

/// The media type that a server takes a file of this name for.
fn by_name(file: &Path) -> Option<&'static str> {
    let extension = file.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "json" => "application/json",
        "ndjson" | "jsonl" => "application/x-ndjson",
        "csv" => "text/csv",
        "tsv" => "text/tab-separated-values",
        "html" | "htm" => "text/html",
        "txt" | "log" => "text/plain",
        "md" => "text/markdown",
        "xml" => "application/xml",
        "js" | "mjs" => "text/javascript",
        "css" => "text/css",
        "svg" => "image/svg+xml",
        "ics" => "text/calendar",
        "vcf" => "text/vcard",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "mp4" => "video/mp4",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "zst" => "application/zstd",
        _ => return None,
    })
}

/// What the first bytes say, where a name does not.
fn by_content(bytes: &[u8]) -> Option<&'static str> {
    match bytes.trim_ascii_start().first()? {
        b'{' | b'[' => Some("application/json"),
        b'<' => Some("text/html"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn lines(text: &str, arguments: &[&str]) -> Bodies {
        let line = [&["compress_report", "-", "--lines"], arguments].concat();
        Bodies::read(&Args::parse_from(line), &mut text.as_bytes()).unwrap()
    }

    fn names(bodies: &Bodies) -> Vec<&str> {
        bodies.list.iter().map(|body| &*body.name).collect()
    }

    #[test]
    fn each_line_is_a_body_once() {
        let bodies = lines("{\"id\":1}\r\n\n  \nplain\n{\"id\":1}", &[]);
        assert_eq!(names(&bodies), ["standard input:1", "standard input:4"]);
        assert_eq!(bodies.list[0].bytes, b"{\"id\":1}");
        assert_eq!(bodies.list[0].media_type, Some("application/json"));
        assert_eq!(bodies.list[1].media_type, None);
        assert_eq!(bodies.passed_over[0].name, "standard input:5");
        assert_eq!(
            bodies.passed_over[0].why,
            "it is the same as standard input:1"
        );
    }

    #[test]
    fn of_many_bodies_some_are_taken_evenly() {
        let text: String = (0..10).map(|i| format!("line {i}\n")).collect();
        let bodies = lines(&text, &["--most", "5"]);
        assert_eq!(bodies.found, 10);
        let numbers: Vec<_> = bodies.list.iter().map(|b| b.bytes[5] - b'0').collect();
        assert_eq!(numbers, [0, 2, 4, 6, 8]);
        for most in 1..=10 {
            let bodies = lines(&text, &["--most", &most.to_string()]);
            assert_eq!(bodies.list.len(), most);
        }
    }

    #[test]
    fn names_tell_what_a_body_is() {
        assert_eq!(by_name(Path::new("a/b.JSON")), Some("application/json"));
        assert_eq!(by_name(Path::new("a.json/b")), None);
        assert_eq!(by_content(b"\n <!doctype html>"), Some("text/html"));
        assert_eq!(by_content(b""), None);
    }
}
