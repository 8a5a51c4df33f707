//! What a decision may look at.

use crate::header::{elements, forbids_transform};

/// The facts about a response on which a [`Policy`](crate::Policy) decides.
///
/// It borrows from the headers and holds nothing else, so that it works with any HTTP library. Either the facts are
/// named one by one, or every header of the response is shown to [`header`](Self::header).
///
/// ```
/// use crm_compress::ResponseHead;
///
/// let by_name = ResponseHead::new(200).media_type("text/csv").length(131_412);
/// let by_header = ResponseHead::new(200)
///     .header("Content-Type", "text/csv")
///     .header("Content-Length", "131412")
///     .header("X-Request-Id", "of no interest");
/// assert_eq!(by_name, by_header);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHead<'a> {
    status: u16,
    length: Option<u64>,
    media_type: Option<&'a str>,
    partial: bool,
    encoded: bool,
    no_transform: bool,
}

impl<'a> ResponseHead<'a> {
    /// A response with this status code, of which nothing else is known.
    #[must_use]
    pub const fn new(status: u16) -> Self {
        Self {
            status,
            length: None,
            media_type: None,
            partial: false,
            encoded: false,
            no_transform: false,
        }
    }

    /// The body has `bytes` bytes. Without it the length counts as unknown, as that of a stream.
    #[must_use]
    pub const fn length(mut self, bytes: u64) -> Self {
        self.length = Some(bytes);
        self
    }

    /// The value of Content-Type, with or without parameters.
    #[must_use]
    pub const fn media_type(mut self, value: &'a str) -> Self {
        self.media_type = Some(value);
        self
    }

    /// The value of one Content-Encoding line. `identity` and an empty value say that there is no coding.
    #[must_use]
    pub fn content_encoding(self, value: &str) -> Self {
        self.content_encoding_bytes(value.as_bytes())
    }

    pub(crate) fn content_encoding_bytes(mut self, value: &[u8]) -> Self {
        self.encoded |= elements(value).any(|coding| !coding.eq_ignore_ascii_case(b"identity"));
        self
    }

    /// The value of one Cache-Control line.
    #[must_use]
    pub fn cache_control(self, value: &str) -> Self {
        self.cache_control_bytes(value.as_bytes())
    }

    pub(crate) fn cache_control_bytes(mut self, value: &[u8]) -> Self {
        self.no_transform |= forbids_transform(value);
        self
    }

    /// The response has a Content-Range.
    #[must_use]
    pub const fn content_range(mut self) -> Self {
        self.partial = true;
        self
    }

    /// Takes from one header line what matters here, and ignores every other header. The name may be in any case.
    ///
    /// A Content-Length that is no number leaves the length unknown.
    #[must_use]
    pub fn header(mut self, name: &str, value: &'a str) -> Self {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("content-type") {
            self.media_type(value)
        } else if is("content-length") {
            let digits = value.trim_matches(SPACE);
            // The standard library would read "+5" too.
            let number = digits.bytes().all(|byte| byte.is_ascii_digit());
            self.length = digits.parse().ok().filter(|_| number);
            self
        } else if is("content-encoding") {
            self.content_encoding(value)
        } else if is("cache-control") {
            self.cache_control(value)
        } else if is("content-range") {
            self.content_range()
        } else {
            self
        }
    }

    /// The whole of which this response is a part or a confirmation, as far as the head tells: status 200, of any length.
    pub(super) const fn whole(mut self) -> Self {
        self.status = 200;
        self.length = None;
        self.partial = false;
        self
    }

    /// The status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The length of the body in bytes, if it is known.
    #[must_use]
    pub const fn body_length(&self) -> Option<u64> {
        self.length
    }

    /// The value of Content-Type, if there is one.
    #[must_use]
    pub const fn content_type(&self) -> Option<&'a str> {
        self.media_type
    }

    /// Whether the response has a Content-Range.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        self.partial
    }

    /// Whether the body is encoded already.
    #[must_use]
    pub const fn is_encoded(&self) -> bool {
        self.encoded
    }

    /// Whether Cache-Control says `no-transform`.
    #[must_use]
    pub const fn forbids_transform(&self) -> bool {
        self.no_transform
    }
}

/// The optional white space of HTTP.
pub(super) const SPACE: [char; 2] = [' ', '\t'];
