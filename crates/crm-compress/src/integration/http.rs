//! The headers of a request and of its response, in the types of the crate `http`.

use std::borrow::Cow;

use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE, VARY, ValueIter,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::header::{MADE_FALSE, elements, forbids_transform, trim, vary};
use crate::{
    AcceptEncoding, Coding, Decision, Form, Negotiated, Policy, Predicate, Reason, ResponseHead,
    Rewrite, TagRule, negotiate,
};

/// How the headers of a service's responses say that they were encoded.
///
/// It is made once and copied into each [`Exchange`].
///
/// ```
/// use crm_compress::{HeaderRules, TagRule};
///
/// let rules = HeaderRules::new().tags(TagRule::Weaken);
/// # let _ = rules;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeaderRules {
    tags: TagRule,
    dictionaries: bool,
    dictionary: Option<[u8; 32]>,
}

impl HeaderRules {
    /// The rules by default: [`TagRule::Suffix`], and no dictionaries.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            tags: TagRule::Suffix,
            dictionaries: false,
            dictionary: None,
        }
    }

    /// How the tag of an encoded form is made.
    #[must_use]
    pub const fn tags(mut self, rule: TagRule) -> Self {
        self.tags = rule;
        self
    }

    /// The service has dictionaries, so that its responses depend on Available-Dictionary as well as on
    /// Accept-Encoding, whether this client has one or not.
    #[must_use]
    pub const fn dictionaries(mut self) -> Self {
        self.dictionaries = true;
        self
    }

    /// The dictionary of this SHA-256 is what a coding with a dictionary (`dcz`) uses for this request.
    #[must_use]
    pub const fn dictionary(mut self, sha256: &[u8; 32]) -> Self {
        self.dictionary = Some(*sha256);
        self.dictionaries()
    }

    fn form(&self, coding: Coding) -> Form {
        match &self.dictionary {
            Some(sha256) if needs_dictionary(coding) => Form::of(coding).with_dictionary(sha256),
            _ => Form::of(coding),
        }
    }
}

fn needs_dictionary(coding: Coding) -> bool {
    coding.name() == "dcz"
}

/// One request and its response, as far as their headers speak of codings.
///
/// [`begin`](Self::begin) reads the request and gives the application its own entity tags back;
/// [`decide`](Self::decide) asks the policy about the response, and [`apply`](Self::apply) makes all its headers true.
/// None of them allocates when it changes nothing, and a value that is the same for all responses costs no allocation
/// either.
///
/// A request goes through one exchange: behind a `CompressLayer`, which has its own, a second one would give the tags another
/// suffix.
///
/// ```
/// use crm_compress::{Coding, Decision, Exchange, HeaderRules, Level, Policy, encode};
/// use http::{HeaderMap, HeaderValue, Method, StatusCode};
///
/// let policy = Policy::default();
/// let mut request = HeaderMap::new();
/// request.insert("accept-encoding", HeaderValue::from_static("gzip, deflate, br, zstd"));
/// request.insert("if-none-match", HeaderValue::from_static("\"v6-gzip\""));
///
/// let exchange = Exchange::begin(HeaderRules::new(), &[Coding::Gzip], &Method::GET, &mut request);
/// assert_eq!(request["if-none-match"], "\"v6\""); // what the application gave this client last time
///
/// // The application answers.
/// let mut response = HeaderMap::new();
/// response.insert("content-type", HeaderValue::from_static("application/json"));
/// response.insert("etag", HeaderValue::from_static("\"v7\""));
/// let json = br#"{"id":7,"name":"Ada"},"#.repeat(100);
///
/// let outcome = exchange.decide(&policy, StatusCode::OK, &response, Some(json.len() as u64));
/// let Decision::Encode(coding) = outcome.decision() else { unreachable!() };
/// let body = encode(coding, Level::default(), &json);
/// exchange.apply(outcome, StatusCode::OK, &mut response, Some(body.len() as u64));
///
/// assert_eq!(response["content-encoding"], "gzip");
/// assert_eq!(response["content-length"], body.len().to_string());
/// assert_eq!(response["etag"], "\"v7-gzip\"");
/// assert_eq!(response["vary"], "Accept-Encoding");
/// ```
#[derive(Clone, Debug)]
pub struct Exchange {
    rules: HeaderRules,
    negotiated: Negotiated,
    method: Kind,
    /// Whether the client named tags in If-None-Match.
    names_tags: bool,
    /// The If-None-Match lines as the client sent them, if one of them was rewritten.
    sent: Vec<HeaderValue>,
}

/// What a method means for the headers of its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The response's fields describe its content: GET and QUERY.
    Read,
    /// The same without the content: HEAD.
    Head,
    /// The response's validators describe the state that the method left behind, not the content.
    Write,
    /// A successful response is no HTTP content at all: CONNECT.
    Tunnel,
}

impl Kind {
    fn of(method: &Method) -> Self {
        match method.as_str() {
            "GET" | "QUERY" => Self::Read,
            "HEAD" => Self::Head,
            "CONNECT" => Self::Tunnel,
            _ => Self::Write,
        }
    }

    const fn reads(self) -> bool {
        matches!(self, Self::Read | Self::Head)
    }
}

/// What a policy said of a response, and whether it would have said so to every client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the outcome is what `Exchange::apply` works from"]
pub struct Outcome {
    decision: Decision,
    varies: bool,
    streamed: bool,
}

impl Outcome {
    /// What is to be done with the body.
    pub const fn decision(&self) -> Decision {
        self.decision
    }

    /// Whether the response needs `Vary: Accept-Encoding`.
    #[must_use]
    pub const fn varies(&self) -> bool {
        self.varies
    }

    /// The outcome when the body was left after all, because it would not shrink for example. The response varies as it
    /// did before.
    pub const fn left(self, reason: Reason) -> Self {
        Self {
            decision: Decision::Leave(reason),
            ..self
        }
    }

    /// The outcome when the body is encoded piece by piece as it comes. Its bytes depend on when the source paused, so
    /// that a strong tag would promise too much; see [`TagRule::for_streams`].
    pub const fn streamed(self) -> Self {
        Self {
            streamed: true,
            ..self
        }
    }
}

impl Exchange {
    /// Reads a request, and rewrites its conditions in place so that the application finds its own entity tags in them.
    ///
    /// `offers` are the codings that the service sends, the preferred first. A request that says `no-transform` gets
    /// identity: RFC 9111, section 5.2.1.6, asks that of intermediaries, and whether this service is the origin or stands
    /// before one is not known here.
    ///
    /// Accept-Encoding is left in place; a service behind this one should not be given it, or it may encode by itself.
    #[must_use]
    pub fn begin(
        rules: HeaderRules,
        offers: &[Coding],
        method: &Method,
        headers: &mut HeaderMap,
    ) -> Self {
        let mut exchange = Self {
            rules,
            negotiated: negotiated(headers, offers),
            method: Kind::of(method),
            names_tags: false,
            sent: Vec::new(),
        };
        exchange.conditions(headers);
        exchange
    }

    /// What was negotiated with the client.
    pub const fn negotiated(&self) -> Negotiated {
        self.negotiated
    }

    /// The form that the client gets if its response is encoded.
    fn form(&self) -> Form {
        self.rules.form(self.negotiated.or_identity())
    }

    fn conditions(&mut self, headers: &mut HeaderMap) {
        let rule = self.rules.tags;
        let form = self.method.reads().then(|| self.form());
        self.names_tags = headers.contains_key(IF_NONE_MATCH)
            && headers
                .get_all(IF_NONE_MATCH)
                .iter()
                .all(|line| trim(line.as_bytes()) != b"*");
        if let Some(lines) = rewritten(headers, &IF_NONE_MATCH, |line| {
            rule.if_none_match(line, form)
        }) {
            self.sent = headers.get_all(IF_NONE_MATCH).iter().cloned().collect();
            if lines.is_empty() {
                headers.remove(IF_MODIFIED_SINCE);
            }
            replace(headers, &IF_NONE_MATCH, lines);
        }
        if let Some(lines) = rewritten(headers, &IF_MATCH, |line| rule.if_match(line)) {
            replace(headers, &IF_MATCH, lines);
        }
        if let Some(lines) = rewritten(headers, &IF_RANGE, |line| rule.if_range(line)) {
            if lines.is_empty() {
                headers.remove(RANGE);
            }
            replace(headers, &IF_RANGE, lines);
        }
        // A date is that of all forms, and the part that this client holds may be of the encoded one.
        let date = |value: &HeaderValue| !value.as_bytes().contains(&b'"');
        if form.is_some_and(|form| !form.is_plain()) && headers.get(IF_RANGE).is_some_and(date) {
            headers.remove(IF_RANGE);
            headers.remove(RANGE);
        }
    }

    /// What the policy sees of a response; `length` is that of its body, where it is known otherwise than by
    /// Content-Length.
    #[must_use]
    pub fn head<'a>(
        &self,
        status: StatusCode,
        headers: &'a HeaderMap,
        length: Option<u64>,
    ) -> ResponseHead<'a> {
        let mut head = ResponseHead::of_http(status, headers);
        if let Some(bytes) = length {
            head = head.length(bytes);
        }
        head
    }

    /// What is to be done with the body of this response.
    pub fn decide<P: Predicate>(
        &self,
        policy: &Policy<P>,
        status: StatusCode,
        headers: &HeaderMap,
        length: Option<u64>,
    ) -> Outcome {
        if self.method == Kind::Tunnel && status.is_success() {
            return Outcome {
                decision: Decision::Leave(Reason::NoBody {
                    status: status.as_u16(),
                }),
                varies: false,
                streamed: false,
            };
        }
        let head = self.head(status, headers, length);
        let decision = policy.decide(&head, self.negotiated);
        Outcome {
            decision,
            varies: policy.varies(&head, decision),
            streamed: false,
        }
    }

    /// Makes the headers of the response true for this outcome, all at once; nothing else of it need be changed.
    ///
    /// `length` is that of the encoded body, if it is known; it becomes Content-Length. A response to HEAD has no body
    /// to measure: it has the headers of the response to GET, and Content-Length only if `length` is given. Where the
    /// body is left as it was, `length` is not looked at.
    pub fn apply(
        &self,
        outcome: Outcome,
        status: StatusCode,
        headers: &mut HeaderMap,
        length: Option<u64>,
    ) {
        let form = match outcome.decision {
            Decision::Encode(coding) => {
                let form = self.rules.form(coding);
                let rule = if outcome.streamed {
                    self.rules.tags.for_streams()
                } else {
                    self.rules.tags
                };
                // Validators of a method that writes are those of the resource, not of what is sent here.
                self.tag(
                    headers,
                    if self.method.reads() {
                        form
                    } else {
                        Form::PLAIN
                    },
                    rule,
                );
                add_coding(headers, coding);
                form
            }
            Decision::Leave(_) if status == StatusCode::NOT_MODIFIED => {
                self.kept_alive(headers, outcome.varies)
            }
            Decision::Leave(_) => {
                self.tag(headers, Form::PLAIN, self.rules.tags);
                Form::PLAIN
            }
        };
        if !form.is_plain() {
            headers.remove(CONTENT_LENGTH);
            remove_made_false(headers);
            if let (Decision::Encode(_), Some(bytes)) = (outcome.decision, length) {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
            }
        }
        if outcome.varies || !form.is_plain() {
            let value = vary(Lines(headers, VARY), self.rules.dictionaries);
            if let Some(value) = value.and_then(header_value) {
                headers.insert(VARY, value);
            }
        }
    }

    /// Removes from the trailers of a body that was encoded what is no longer true of it.
    pub fn apply_to_trailers(&self, outcome: Outcome, trailers: &mut HeaderMap) {
        if let Decision::Encode(_) = outcome.decision {
            remove_made_false(trailers);
        }
    }

    /// Puts the tag into a response 304 by which the client knows the form that is current, and says which form that is.
    fn kept_alive(&self, headers: &mut HeaderMap, varies: bool) -> Form {
        let form = self.form();
        let rule = self.rules.tags;
        let keeps = match headers.get(ETAG) {
            Some(etag) if self.names_tags && rule.has_suffix() => {
                let known = self
                    .sent
                    .iter()
                    .find_map(|line| rule.listed(line.as_bytes(), etag.as_bytes(), form));
                if let Some(tag) = known {
                    replace(headers, &ETAG, HeaderValue::try_from(tag.to_vec()));
                    return form;
                }
                false
            }
            // Nothing tells the forms apart: the client holds what it would get now, as far as anyone can tell.
            _ => varies,
        };
        let form = if keeps { form } else { Form::PLAIN };
        self.tag(headers, form, rule);
        form
    }

    fn tag(&self, headers: &mut HeaderMap, form: Form, rule: TagRule) {
        let mut lines = headers.get_all(ETAG).iter();
        let rewrite = match (lines.next(), lines.next()) {
            (None, _) => return,
            (Some(_), Some(_)) if !form.is_plain() => Rewrite::Remove,
            (Some(etag), _) => rule.encoded(etag.as_bytes(), form),
        };
        match rewrite {
            Rewrite::Keep => {}
            Rewrite::Replace(value) => {
                replace(headers, &ETAG, HeaderValue::try_from(value));
            }
            Rewrite::Remove => {
                headers.remove(ETAG);
            }
        }
    }
}

impl<'a> ResponseHead<'a> {
    /// The facts of a response of the crate `http`.
    ///
    /// A Content-Type that occurs twice is none that could be relied on, and counts as not being a media type.
    #[must_use]
    pub fn of_http(status: StatusCode, headers: &'a HeaderMap) -> Self {
        let mut head = Self::new(status.as_u16());
        let mut types = headers.get_all(CONTENT_TYPE).iter();
        head = match (types.next(), types.next()) {
            (None, _) => head,
            (Some(one), None) => head.media_type(without_parameters(one)),
            (Some(_), Some(_)) => head.media_type(""),
        };
        let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
        if let (Some(one), None) = (lengths.next(), lengths.next()) {
            head = head.header(CONTENT_LENGTH.as_str(), one.to_str().unwrap_or_default());
        }
        for line in headers.get_all(CONTENT_ENCODING) {
            head = head.content_encoding_bytes(line.as_bytes());
        }
        for line in headers.get_all(CACHE_CONTROL) {
            head = head.cache_control_bytes(line.as_bytes());
        }
        if headers.contains_key(CONTENT_RANGE) {
            head = head.content_range();
        }
        head
    }
}

/// The media type of a Content-Type; its parameters may hold bytes that are no text.
fn without_parameters(value: &HeaderValue) -> &str {
    let value = value.as_bytes();
    let end = value.iter().position(|&byte| byte == b';');
    std::str::from_utf8(&value[..end.unwrap_or(value.len())]).unwrap_or_default()
}

fn negotiated(headers: &HeaderMap, offers: &[Coding]) -> Negotiated {
    let asks_for_identity = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .any(|line| forbids_transform(line.as_bytes()));
    let offers = if asks_for_identity { &[] } else { offers };
    negotiate(
        &AcceptEncoding::parse(headers.get_all(ACCEPT_ENCODING)),
        offers,
    )
}

/// Adds a coding to Content-Encoding, behind those that were applied before it.
fn add_coding(headers: &mut HeaderMap, coding: Coding) {
    let before = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .flat_map(|line| elements(line.as_bytes()))
        .filter(|name| !name.eq_ignore_ascii_case(b"identity"));
    let mut value = Vec::new();
    for name in before {
        value.extend_from_slice(name);
        value.extend_from_slice(b", ");
    }
    let value = if value.is_empty() {
        Ok(HeaderValue::from_static(coding.name()))
    } else {
        value.extend_from_slice(coding.name().as_bytes());
        HeaderValue::try_from(value)
    };
    replace(headers, &CONTENT_ENCODING, value);
}

/// The lines of a field after `rule`, or `None` when it changes none of them.
fn rewritten(
    headers: &HeaderMap,
    name: &HeaderName,
    rule: impl Fn(&[u8]) -> Rewrite,
) -> Option<Vec<HeaderValue>> {
    let mut after: Option<Vec<HeaderValue>> = None;
    for (at, line) in headers.get_all(name).iter().enumerate() {
        let rewrite = rule(line.as_bytes());
        if after.is_none() && rewrite != Rewrite::Keep {
            after = Some(headers.get_all(name).iter().take(at).cloned().collect());
        }
        if let Some(after) = &mut after {
            match rewrite {
                Rewrite::Keep => after.push(line.clone()),
                Rewrite::Replace(value) => after.extend(HeaderValue::try_from(value)),
                Rewrite::Remove => {}
            }
        }
    }
    after
}

/// Removes what an encoded body makes false. Few responses have any of it, and a look at the names that are there costs less
/// than to look each of these names up.
pub(super) fn remove_made_false(headers: &mut HeaderMap) {
    for name in MADE_FALSE {
        if headers.keys().any(|other| other == name) {
            headers.remove(name);
        }
    }
}

/// Puts `lines` in the place of all lines of a field.
fn replace(
    headers: &mut HeaderMap,
    name: &HeaderName,
    lines: impl IntoIterator<Item = HeaderValue>,
) {
    headers.remove(name);
    for line in lines {
        headers.append(name, line);
    }
}

/// The lines of a field, to be read more than once.
#[derive(Clone)]
struct Lines<'a>(&'a HeaderMap, HeaderName);

impl<'a> IntoIterator for Lines<'a> {
    type Item = &'a HeaderValue;
    type IntoIter = ValueIter<'a, HeaderValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.get_all(self.1).into_iter()
    }
}

fn header_value(value: Cow<'static, [u8]>) -> Option<HeaderValue> {
    match value {
        Cow::Borrowed(value) => std::str::from_utf8(value)
            .ok()
            .map(HeaderValue::from_static),
        Cow::Owned(value) => HeaderValue::try_from(value).ok(),
    }
}
