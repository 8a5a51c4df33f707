//! A service with tags, its clients, and what must come of it, the obvious way: by remembering which tag was given out
//! for what. Nothing here knows how a tag is written.

use std::collections::HashMap;

use crm_compress::{Coding, EntityTag, Form, Rewrite, TagRule};

/// The forms that the service sends.
pub(crate) fn forms() -> [Form; 5] {
    [
        Form::PLAIN,
        Form::of(Coding::Gzip),
        Form::of(Coding::Deflate),
        Form::of(Coding::Gzip).with_dictionary(&[0xab; 32]),
        Form::of(Coding::Deflate).with_dictionary(&[0x09; 32]),
    ]
}

/// A resource over time, and a request of somebody who has seen some of it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) rule: TagRule,
    /// The opaque parts of the tags that the application has given so far; the first is the current one.
    pub(crate) tags: Vec<Vec<u8>>,
    /// Whether the application's tags are weak.
    pub(crate) weak: bool,
    /// Which tag in which form the client names.
    pub(crate) named: Vec<(usize, usize)>,
    /// The form that the client would get now.
    pub(crate) wanted: usize,
    pub(crate) separator: &'static str,
}

impl Plan {
    /// A plan from bytes, as a fuzzer has them.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let (head, rest) = bytes.split_at(bytes.len().min(4));
        let at = |place: usize| usize::from(head.get(place).copied().unwrap_or_default());
        let mut pieces = rest.split(|&byte| byte == b' ');
        let named = pieces.next().unwrap_or_default();
        let mut tags: Vec<Vec<u8>> = pieces
            .map(|piece| piece.iter().copied().filter(|&byte| legal(byte)).collect())
            .collect();
        if tags.is_empty() {
            tags.push(b"abc".to_vec());
        }
        Self {
            rule: [TagRule::Suffix, TagRule::WeakSuffix][at(0) % 2],
            weak: at(1) % 2 == 1,
            named: named
                .iter()
                .map(|&byte| (usize::from(byte >> 3) % tags.len(), usize::from(byte) % 5))
                .collect(),
            tags,
            wanted: at(2) % 5,
            separator: [",", ", ", " ,\t", ",,"][at(3) % 4],
        }
    }

    /// Carries the plan out, and compares each answer of the application with the one that is right.
    pub(crate) fn run(&self) {
        let forms = forms();
        let mut given: HashMap<Vec<u8>, (&[u8], Form)> = HashMap::new();
        let mut issue = |tag: usize, form: usize| {
            let form = forms[form];
            let tag = &*self.tags[tag];
            let etag = etag(self.weak, tag);
            let sent = match self.rule.encoded(&etag, form) {
                Rewrite::Keep => etag,
                Rewrite::Replace(sent) => sent,
                Rewrite::Remove => panic!("{self:?}: a tag was removed"),
            };
            let read = EntityTag::parse(&sent).expect("what is sent is a tag");
            assert!(read.is_weak() || !self.weak, "{self:?}: became strong");
            // No two forms of any two versions share a tag.
            let before = given.insert(read.opaque().to_vec(), (tag, form));
            assert!(
                before.is_none_or(|before| before == (tag, form)),
                "{self:?}: given twice"
            );
            sent
        };
        let sent: Vec<Vec<u8>> = self
            .named
            .iter()
            .map(|&(tag, form)| issue(tag, form))
            .collect();
        for tag in 0..self.tags.len() {
            for form in 0..forms.len() {
                let _ = issue(tag, form);
            }
        }
        if sent.is_empty() {
            return;
        }
        let current = &self.tags[0];
        let line = sent.join(self.separator.as_bytes());
        let says = |tag: usize| self.tags[tag] == *current;

        let wanted = forms[self.wanted];
        let right = self
            .named
            .iter()
            .any(|&(tag, form)| says(tag) && [wanted, Form::PLAIN].contains(&forms[form]));
        let answer = applied(self.rule.if_none_match(&line, Some(wanted)), &line)
            .is_some_and(|line| opaques(&line).iter().any(|(_, opaque)| opaque == current));
        assert_eq!(answer, right, "{self:?}: If-None-Match");

        let right = self.named.iter().any(|&(tag, _)| says(tag));
        let answer = applied(self.rule.if_none_match(&line, None), &line)
            .is_some_and(|line| opaques(&line).iter().any(|(_, opaque)| opaque == current));
        assert_eq!(answer, right, "{self:?}: If-None-Match of a write");

        let strong = |form: usize| {
            !self.weak && (self.rule == TagRule::Suffix || forms[form] == Form::PLAIN)
        };
        let right = self
            .named
            .iter()
            .any(|&(tag, form)| says(tag) && strong(form));
        let answer = applied(self.rule.if_match(&line), &line)
            .expect("without If-Match the method is applied")
            .to_vec();
        let answer = !self.weak
            && opaques(&answer)
                .iter()
                .any(|(weak, opaque)| !weak && opaque == current);
        assert_eq!(answer, right, "{self:?}: If-Match");

        let (&(tag, form), sent) = (&self.named[0], &sent[0]);
        let right = says(tag) && forms[form] == Form::PLAIN;
        let answer = applied(self.rule.if_range(sent), sent)
            .is_some_and(|line| opaques(&line).iter().any(|(_, opaque)| opaque == current));
        assert_eq!(answer, right, "{self:?}: If-Range");

        // A response 304 carries a tag that the client has named, for what it would get.
        let right = self
            .named
            .iter()
            .any(|&(tag, form)| says(tag) && forms[form] == wanted && wanted != Form::PLAIN);
        let known = self.rule.listed(&line, &etag(self.weak, current), wanted);
        assert_eq!(known.is_some(), right, "{self:?}: 304");
        if let Some(tag) = known {
            assert!(sent_holds(&line, tag), "{self:?}: 304 with another tag");
        }
    }
}

/// Whatever a client writes, the rules neither panic nor let two tags grow into another.
pub(crate) fn any_line(line: &[u8]) {
    for rule in [
        TagRule::Suffix,
        TagRule::WeakSuffix,
        TagRule::Weaken,
        TagRule::Remove,
    ] {
        for form in forms() {
            let _ = rule.encoded(line, form);
            for rewrite in [
                rule.if_none_match(line, Some(form)),
                rule.if_none_match(line, None),
                rule.if_match(line),
            ] {
                let Some(after) = applied(rewrite, line) else {
                    continue;
                };
                // Every tag afterwards was one before, as it is or with an ending.
                for (_, opaque) in opaques(&after) {
                    let begins = [b"\"", &opaque[..]].concat();
                    let known = line.windows(begins.len() + 1).any(|window| {
                        window.starts_with(&begins) && window.ends_with(b"\"")
                            || window.starts_with(&begins) && window.ends_with(b"-")
                    });
                    assert!(known || after == br#"W/"""#, "{after:?} of {line:?}");
                }
            }
        }
        let _ = rule.plain(line);
        let _ = rule.if_range(line);
    }
}

/// The tags of a list, by the grammar read aloud: from one quotation mark to the next.
pub(crate) fn opaques(line: &[u8]) -> Vec<(bool, Vec<u8>)> {
    let pieces: Vec<&[u8]> = line.split(|&byte| byte == b'"').collect();
    pieces
        .windows(3)
        .step_by(2)
        .map(|around| (around[0].ends_with(b"W/"), around[1].to_vec()))
        .collect()
}

fn sent_holds(line: &[u8], tag: EntityTag<'_>) -> bool {
    opaques(line)
        .iter()
        .any(|(weak, opaque)| (*weak, &opaque[..]) == (tag.is_weak(), tag.opaque()))
}

fn applied(rewrite: Rewrite, before: &[u8]) -> Option<Vec<u8>> {
    match rewrite {
        Rewrite::Keep => Some(before.to_vec()),
        Rewrite::Replace(after) => Some(after),
        Rewrite::Remove => None,
    }
}

pub(crate) fn etag(weak: bool, opaque: &[u8]) -> Vec<u8> {
    let mut value = if weak {
        b"W/\"".to_vec()
    } else {
        b"\"".to_vec()
    };
    value.extend_from_slice(opaque);
    value.push(b'"');
    value
}

/// What may stand in a tag.
fn legal(byte: u8) -> bool {
    byte > b' ' && byte != b'"' && byte != 127
}
