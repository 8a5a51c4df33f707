//! Headers that stay true when a body is encoded, as functions of bytes.
//!
//! - `list`: the comma-separated lists of HTTP, with and without quoted strings.
//! - `rewrite`: what is to become of a field's value.
//! - `etag`: one entity tag, as the grammar has it.
//! - `form`: which form of a resource a tag stands for, and how it is written.
//! - `tag_rule`: the tag of an encoded form.
//! - `condition`: the tags that a request sends back.
//! - `vary`: the fields that another answer would depend on.
//! - `cache_control`: `no-transform`.
//! - `stale`: the fields that an encoded body makes false.

mod cache_control;
mod condition;
mod etag;
mod form;
mod list;
mod rewrite;
mod stale;
mod tag_rule;
mod vary;

pub use cache_control::forbids_transform;
pub use etag::EntityTag;
pub use form::Form;
pub use rewrite::Rewrite;
pub use stale::made_false_by_encoding;
pub use tag_rule::TagRule;
pub use vary::vary;

pub(crate) use list::{elements, trim};
#[cfg(feature = "http")]
pub(crate) use stale::MADE_FALSE;
