//! Objects as answers tell them: whole, as rows of a table, or their metadata alone; one, in a list, or in an event.

mod partial;
mod table;

use std::borrow::Cow;
use std::sync::Arc;

use backstay_resources::Object;
use backstay_resources::event::EVENT_OF_GROUP;
use backstay_store::Value;
use jiff::Timestamp;

use crate::accept::View;
use crate::query::IncludeObject;
use crate::served::ServedKind;

/// How to tell objects of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Renderer {
    pub(crate) served: Arc<ServedKind>,
    pub(crate) view: View,
    pub(crate) include: IncludeObject,
}

/// What a bookmark tells besides how far the watch has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bookmark {
    /// Nothing.
    Progress,
    /// That all which there was at the beginning has been told.
    InitialEventsEnd,
}

/// What a list says of itself.
#[derive(Debug, Default)]
pub(crate) struct ListMeta {
    pub(crate) revision: u64,
    pub(crate) next: Option<String>,
    pub(crate) remaining: Option<usize>,
}

impl ListMeta {
    fn write(&self, out: &mut Vec<u8>) {
        let mut text = format!("{{\"resourceVersion\":\"{}\"", self.revision);
        if let Some(next) = &self.next {
            text.push_str(&format!(",\"continue\":\"{next}\""));
        }
        if let Some(remaining) = self.remaining {
            text.push_str(&format!(",\"remainingItemCount\":{remaining}"));
        }
        text.push('}');
        out.extend_from_slice(text.as_bytes());
    }
}

impl Renderer {
    /// One stored object by itself.
    pub(crate) fn stored(&self, value: &Value, revision: u64, out: &mut Vec<u8>) {
        if self.is_told_as_stored() {
            Object::write_with_resource_version(|out| value.copy_to(out), revision, out);
        } else {
            self.one(&value.bytes(), revision, out);
        }
    }

    /// One object by itself.
    pub(crate) fn one(&self, encoded: &[u8], revision: u64, out: &mut Vec<u8>) {
        let encoded = &*self.readable(encoded);
        match self.view {
            View::Whole => Object::with_resource_version(encoded, revision, out),
            View::Partial => partial::write(encoded, revision, out),
            View::Table => {
                self.list_head(&ListMeta { revision, ..ListMeta::default() }, out);
                self.item(encoded, revision, Timestamp::now(), out);
                self.list_tail(out);
            }
        }
    }

    /// Everything of a list before its first item.
    pub(crate) fn list_head(&self, meta: &ListMeta, out: &mut Vec<u8>) {
        let (kind, api_version) = match self.view {
            View::Whole => (self.served.list_kind.as_str(), self.served.api_version.as_str()),
            View::Partial => ("PartialObjectMetadataList", "meta.k8s.io/v1"),
            View::Table => ("Table", "meta.k8s.io/v1"),
        };
        let head = format!("{{\"kind\":\"{kind}\",\"apiVersion\":\"{api_version}\",\"metadata\":");
        out.extend_from_slice(head.as_bytes());
        meta.write(out);
        if self.view == View::Table {
            out.extend_from_slice(b",\"columnDefinitions\":");
            table::write_columns(&self.served, out);
            out.extend_from_slice(b",\"rows\":[");
        } else {
            out.extend_from_slice(b",\"items\":[");
        }
    }

    /// One stored object as an item of a list. The caller writes the commas between.
    pub(crate) fn stored_item(&self, value: &Value, revision: u64, now: Timestamp, out: &mut Vec<u8>) {
        if self.is_told_as_stored() {
            Object::write_with_resource_version(|out| value.copy_to(out), revision, out);
        } else {
            self.item(&value.bytes(), revision, now, out);
        }
    }

    /// Whether nothing but the version makes what is told differ from what is stored.
    fn is_told_as_stored(&self) -> bool {
        let ServedKind { kind, stored_as, .. } = &*self.served;
        self.view == View::Whole && kind.redact.is_none() && stored_as.is_none() && **kind != EVENT_OF_GROUP
    }

    fn item(&self, encoded: &[u8], revision: u64, now: Timestamp, out: &mut Vec<u8>) {
        let encoded = &*self.readable(encoded);
        match self.view {
            View::Whole => Object::with_resource_version(encoded, revision, out),
            View::Partial => partial::write(encoded, revision, out),
            View::Table => table::write_row(&self.served, self.include, encoded, revision, now, out),
        }
    }

    /// An object without what may not be read. One that cannot be decoded is not told at all then.
    fn readable<'a>(&self, encoded: &'a [u8]) -> Cow<'a, [u8]> {
        let encoded = self.in_version(encoded);
        let Some(redact) = self.served.kind.redact else { return encoded };
        let redacted = Object::decode(&encoded).and_then(|mut object| {
            redact(&mut object);
            object.encode()
        });
        Cow::Owned(redacted.unwrap_or_else(|error| {
            tracing::error!(kind = self.served.kind.kind, %error, "a stored object cannot be decoded");
            b"{\"metadata\":{}}".to_vec()
        }))
    }

    /// An object in the version that is asked for.
    fn in_version<'a>(&self, encoded: &'a [u8]) -> Cow<'a, [u8]> {
        if *self.served.kind == EVENT_OF_GROUP {
            let told = self.served.decode(encoded).and_then(|event| event.encode());
            return told.map_or(Cow::Borrowed(encoded), Cow::Owned);
        }
        let Some(stored) = &self.served.stored_as else { return Cow::Borrowed(encoded) };
        let head = format!("{{\"apiVersion\":\"{stored}\"");
        let Some(rest) = encoded.strip_prefix(head.as_bytes()) else { return Cow::Borrowed(encoded) };
        let mut told = format!("{{\"apiVersion\":\"{}\"", self.served.api_version).into_bytes();
        told.extend_from_slice(rest);
        Cow::Owned(told)
    }

    /// An object by itself that has no version, since it has never been stored.
    pub(crate) fn unstored(&self, encoded: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.readable(encoded));
    }

    /// Everything of a list after its last item.
    pub(crate) fn list_tail(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"]}");
    }

    /// What a bookmark carries: how far the watch has come, and nothing of any object.
    pub(crate) fn bookmark(&self, revision: u64, bookmark: Bookmark, out: &mut Vec<u8>) {
        if self.view == View::Table {
            // A table has no annotations of its own; the row's object carries them.
            self.list_head(&ListMeta { revision, ..ListMeta::default() }, out);
            if bookmark == Bookmark::InitialEventsEnd {
                out.extend_from_slice(b"{\"cells\":[],\"object\":");
                self.bookmark_object("PartialObjectMetadata", "meta.k8s.io/v1", revision, bookmark, out);
                out.push(b'}');
            }
            self.list_tail(out);
        } else if self.view == View::Partial {
            self.bookmark_object("PartialObjectMetadata", "meta.k8s.io/v1", revision, bookmark, out);
        } else {
            self.bookmark_object(self.served.kind.kind, &self.served.api_version, revision, bookmark, out);
        }
    }

    fn bookmark_object(&self, kind: &str, api_version: &str, revision: u64, bookmark: Bookmark, out: &mut Vec<u8>) {
        let annotations = if bookmark == Bookmark::InitialEventsEnd {
            ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}"
        } else {
            ""
        };
        let text = format!(
            "{{\"kind\":\"{kind}\",\"apiVersion\":\"{api_version}\",\"metadata\":{{\"resourceVersion\":\"{revision}\"{annotations}}}}}"
        );
        out.extend_from_slice(text.as_bytes());
    }
}
