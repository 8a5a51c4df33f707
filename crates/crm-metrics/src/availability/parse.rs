//! Reads a structure from text.
//!
//! ```text
//! any   = all { "or" all }
//! all   = part { "and" part }
//! part  = ( name | "(" any ")" | number "of" "(" any { "," any } ")" ) { "(" number "of" number ")" }
//! ```

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use core::error::Error;
use core::fmt;

use super::structure::{Structure, all_of, any_of, at_least, unit};

/// Deeper nesting than any service has; it keeps hostile text from using up the stack.
const DEEPEST: usize = 64;

/// Where the text of a [`Structure`] stopped making sense, and what would have.
///
/// ```
/// use crm_metrics::availability::Structure;
///
/// let error = "web (4 of 3) and db".parse::<Structure>().unwrap_err();
/// assert_eq!(error.at, 5);
/// assert_eq!(error.to_string(), "column 6: expected a number from 1 to 3, found \"4\"");
///
/// let error = "web and".parse::<Structure>().unwrap_err();
/// assert_eq!(error.to_string(), "column 8: expected a unit or \"(\", found the end of the text");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseError {
    /// The byte at which the unexpected word begins.
    pub at: usize,
    /// The same in characters, counted from one.
    pub column: usize,
    /// The unexpected word, or nothing at the end of the text.
    pub found: Option<String>,
    /// What was expected there.
    pub expected: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "column {}: expected {}, found ",
            self.column, self.expected
        )?;
        match &self.found {
            Some(word) => write!(f, "{word:?}"),
            None => f.write_str("the end of the text"),
        }
    }
}

impl Error for ParseError {}

/// The whole text as one structure.
pub(super) fn structure(text: &str) -> Result<Structure, ParseError> {
    let mut reader = Reader { text, at: 0 };
    let whole = reader.any(0)?;
    match reader.peek() {
        None => Ok(whole),
        Some(_) => Err(reader.unexpected("\"and\", \"or\", \"(\" or the end of the text")),
    }
}

struct Reader<'a> {
    text: &'a str,
    /// The byte after the last word read.
    at: usize,
}

impl<'a> Reader<'a> {
    /// The next word: a name, a number or a single sign.
    fn peek(&self) -> Option<&'a str> {
        let rest = self.text[self.at..].trim_start();
        let first = rest.chars().next()?;
        let end = if in_name(first) {
            rest.find(|c| !in_name(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        Some(&rest[..end])
    }

    fn next(&mut self) {
        self.at = self.begin() + self.peek().map_or(0, str::len);
    }

    /// Where the next word begins.
    fn begin(&self) -> usize {
        self.text.len() - self.text[self.at..].trim_start().len()
    }

    fn unexpected(&self, expected: impl Into<String>) -> ParseError {
        let found = self.peek();
        // At the end of the text the place is where the missing word would go.
        let at = if found.is_some() {
            self.begin()
        } else {
            self.at
        };
        ParseError {
            at,
            column: self.text[..at].chars().count() + 1,
            found: found.map(str::to_owned),
            expected: expected.into(),
        }
    }

    fn accept(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), ParseError> {
        if self.accept(word) {
            Ok(())
        } else {
            Err(self.unexpected(format!("{word:?}")))
        }
    }

    fn any(&mut self, depth: usize) -> Result<Structure, ParseError> {
        let mut parts = vec![self.all(depth)?];
        while self.accept("or") {
            parts.push(self.all(depth)?);
        }
        Ok(any_of(parts))
    }

    fn all(&mut self, depth: usize) -> Result<Structure, ParseError> {
        let mut parts = vec![self.part(depth)?];
        while self.accept("and") {
            parts.push(self.part(depth)?);
        }
        Ok(all_of(parts))
    }

    fn part(&mut self, depth: usize) -> Result<Structure, ParseError> {
        if depth > DEEPEST {
            return Err(self.unexpected(format!("at most {DEEPEST} levels of parentheses")));
        }
        let mut part = match self.peek() {
            Some("(") => {
                self.next();
                let inner = self.any(depth + 1)?;
                self.expect(")")?;
                inner
            }
            Some(word) if is_number(word) => self.choice(depth)?,
            Some(word) if is_name(word) => {
                self.next();
                unit(word)
            }
            _ => return Err(self.unexpected("a unit or \"(\"")),
        };
        let mut levels = depth;
        while self.accept("(") {
            levels += 1;
            if levels > DEEPEST {
                return Err(self.unexpected(format!("at most {DEEPEST} levels of copies")));
            }
            let number_at = self.at;
            let needed = self.number()?;
            self.expect("of")?;
            let copies_at = self.at;
            let copies = self.number()?;
            if copies == 0 {
                self.at = copies_at;
                return Err(self.unexpected("a number above zero"));
            }
            if needed == 0 || needed > copies {
                self.at = number_at;
                return Err(self.unexpected(format!("a number from 1 to {copies}")));
            }
            self.expect(")")?;
            part = part.k_of_n(needed, copies);
        }
        Ok(part)
    }

    /// `2 of (a, b, c)`.
    fn choice(&mut self, depth: usize) -> Result<Structure, ParseError> {
        let number_at = self.at;
        let needed = self.number()?;
        self.expect("of")?;
        self.expect("(")?;
        let mut parts = vec![self.any(depth + 1)?];
        while self.accept(",") {
            parts.push(self.any(depth + 1)?);
        }
        if !self.accept(")") {
            return Err(self.unexpected("\",\" or \")\""));
        }
        if needed == 0 || needed as usize > parts.len() {
            self.at = number_at;
            return Err(self.unexpected(format!("a number from 1 to {}", parts.len())));
        }
        Ok(at_least(needed, parts))
    }

    fn number(&mut self) -> Result<u32, ParseError> {
        match self.peek().map(str::parse::<u32>) {
            Some(Ok(number)) => {
                self.next();
                Ok(number)
            }
            _ => Err(self.unexpected("a whole number")),
        }
    }
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_name(word: &str) -> bool {
    word.chars().all(in_name) && !matches!(word, "and" | "or" | "of")
}
