//! By what a body is recognised.

use crate::EntityTag;

/// By what an [`EncodedCache`](crate::EncodedCache) recognises a body: by its bytes, or by the entity tag that the
/// service gives it.
///
/// - [`Identity::body`], the default, is always right. The kept form then holds the body too, and a hit reads it once to
///   find the form and once to compare.
/// - [`Identity::tag`] trusts a strong tag. A hit takes a tenth of a microsecond whatever the body's length, and the form is
///   all that is kept.
///
/// ```
/// use crm_compress::{Coding, EncodedCache, Identity, Level};
///
/// let forms = EncodedCache::new(64 << 20);
/// let json = br#"{"id":7,"name":"Ada"}"#.repeat(100);
/// let identity = Identity::tag("/customers?page=1 account=17", "\"v42\"");
/// let form = forms.encode(Coding::Gzip, Level::Smallest, identity, &json)?;
/// assert!(form.len() < json.len());
/// # Ok::<(), crm_compress::Reason>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "an identity does nothing until a cache is asked with it"]
pub struct Identity<'a> {
    pub(super) tag: Option<Tag<'a>>,
    pub(super) variant: &'a [u8],
}

/// The opaque part of a strong tag, which is not empty, and what it is a tag of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    pub(super) resource: &'a [u8],
    pub(super) etag: &'a [u8],
}

impl<'a> Identity<'a> {
    /// By the bytes of the body.
    pub const fn body() -> Self {
        Self {
            tag: None,
            variant: &[],
        }
    }

    /// By a strong entity tag, with the quotes that it has in the field `ETag`.
    ///
    /// A tag is unique within its resource only (RFC 9110, section 8.8.1), so `resource` must name **all that the body
    /// depends on**: the URI with its query, the values of the request fields that `Vary` names, and whoever the answer is
    /// for when it is not the same for everybody. A tag that is a row's version does not say whose view of the row it is;
    /// what `resource` leaves out, one customer can be sent of another. Where that is not certain, use [`Identity::body`].
    ///
    /// The tag is that of the body before encoding. One that is weak, empty or malformed says nothing about bytes: the
    /// result then is [`Identity::body`].
    ///
    /// ```
    /// use crm_compress::Identity;
    ///
    /// assert_eq!(Identity::tag("/customers/7", "W/\"v42\""), Identity::body());
    /// assert_ne!(Identity::tag("/customers/7", "\"v42\""), Identity::body());
    /// ```
    pub fn tag<R, T>(resource: &'a R, etag: &'a T) -> Self
    where
        R: AsRef<[u8]> + ?Sized,
        T: AsRef<[u8]> + ?Sized,
    {
        let strong = EntityTag::parse(etag.as_ref())
            .filter(|tag| !tag.is_weak() && !tag.opaque().is_empty());
        Self {
            tag: strong.map(|tag| Tag {
                resource: resource.as_ref(),
                etag: tag.opaque(),
            }),
            variant: &[],
        }
    }

    /// Tells forms apart that differ in more than coding and level: by the hash of a dictionary, the rule of a padding.
    ///
    /// Forms made in two ways from the same body with the same coding and level must have two variants. The default is
    /// empty.
    pub const fn variant(mut self, variant: &'a [u8]) -> Self {
        self.variant = variant;
        self
    }
}
