//! Lists in the order that is asked for, a page at a time, and all pages of one revision.

use std::cmp::Ordering;
use std::sync::Arc;

use backstay_store::{Entry, Key};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::page;
use crate::path::Collection;
use crate::query::Params;
use crate::read;
use crate::selector::Selection;
use crate::status::Failure;

/// Which objects of a collection, and how.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Label selector; empty is all.
    pub labels: String,
    /// Field selector; empty is all.
    pub fields: String,
    /// In which order.
    pub order: Order,
    /// How many objects at most.
    pub limit: usize,
    /// How many bytes of objects at most, but one object at least.
    pub max_bytes: usize,
    /// [`Listed::next`] of the page before.
    pub after: Option<String>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Order {
    /// By what.
    pub by: SortBy,
    /// Which way.
    pub direction: Direction,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum SortBy {
    /// Namespace, then name.
    #[default]
    Name,
    /// When they were created, then as by name. Each page costs as much as the whole list.
    Created,
}

/// Which way a list is sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The smallest or oldest first.
    #[default]
    Ascending,
    /// The largest or newest first.
    Descending,
}

/// A page of a list.
#[derive(Debug)]
pub struct Listed {
    /// The objects.
    pub entries: Vec<Arc<Entry>>,
    /// The revision that all pages are of.
    pub revision: u64,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// Reads a page.
pub(super) async fn read(api: &Api, collection: &Collection, listing: &Listing) -> Result<Listed, Failure> {
    let Listed { mut entries, revision, next } = match listing.order {
        Order { by: SortBy::Name, direction: Direction::Ascending } => by_name(api, collection, listing).await?,
        order => sorted(api, collection, listing, order).await?,
    };
    let mut bytes = 0;
    let fit = entries.iter().take_while(|entry| {
        bytes += entry.value.len();
        bytes <= listing.max_bytes
    });
    let fit = fit.count().max(1);
    if fit >= entries.len() {
        return Ok(Listed { entries, revision, next });
    }
    entries.truncate(fit);
    let next = entries.last().map(|last| match listing.order {
        Order { by: SortBy::Name, direction: Direction::Ascending } => page::Token::new(revision, &last.key).encode(),
        order => Place::of(revision, last, order.by).encode(),
    });
    Ok(Listed { entries, revision, next })
}

async fn by_name(api: &Api, collection: &Collection, listing: &Listing) -> Result<Listed, Failure> {
    let Listing { labels, fields, limit, after, .. } = listing.clone();
    let params = Params { label_selector: labels, field_selector: fields, limit, next: after, ..Params::default() };
    let read::Page { entries, meta, .. } = read::page(api, &params, collection).await?;
    Ok(Listed { entries, revision: meta.revision, next: meta.next })
}

async fn sorted(api: &Api, collection: &Collection, listing: &Listing, order: Order) -> Result<Listed, Failure> {
    let served = &collection.served;
    let selection = Selection::parse(served, &listing.labels, &listing.fields)?;
    let prefix = served.prefix(collection.namespace.as_deref());
    let place = listing.after.as_deref().map(Place::parse).transpose()?;
    let snapshot = match &place {
        Some(place) => api.store.snapshot_at(place.revision)?,
        None => api.store.read().await?,
    };
    let compare = |one: &(Ranked, Arc<Entry>), other: &(Ranked, Arc<Entry>)| order.compare(&one.0, &other.0);
    let mut all: Vec<(Ranked, Arc<Entry>)> = snapshot
        .list(&prefix)
        .filter(|entry| selection.is_empty() || selection.matches(entry))
        .map(|entry| (Ranked::of(entry, order.by), Arc::clone(entry)))
        .filter(|(ranked, _)| {
            place.as_ref().is_none_or(|place| order.compare(ranked, &place.ranked) == Ordering::Greater)
        })
        .collect();
    // Only the page is sorted: what comes after it is told apart, and left as it is.
    if all.len() > listing.limit && listing.limit > 0 {
        all.select_nth_unstable_by(listing.limit, compare);
    }
    let more = all.len() > listing.limit;
    all.truncate(listing.limit);
    all.sort_by(compare);
    let revision = snapshot.revision();
    let entries: Vec<Arc<Entry>> = all.into_iter().map(|(_, entry)| entry).collect();
    let next = entries.last().filter(|_| more).map(|last| Place::of(revision, last, order.by).encode());
    Ok(Listed { entries, revision, next })
}

/// What an object is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ranked {
    /// Empty in a list by name.
    created: String,
    key: String,
}

impl Ranked {
    fn of(entry: &Entry, by: SortBy) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Metadata {
            creation_timestamp: String,
        }
        #[derive(Deserialize)]
        struct Created {
            #[serde(default)]
            metadata: Metadata,
        }
        let created = match by {
            SortBy::Name => String::new(),
            SortBy::Created => serde_json::from_slice(&entry.value.bytes())
                .map(|created: Created| created.metadata.creation_timestamp)
                .unwrap_or_default(),
        };
        Self { created, key: entry.key.as_str().to_owned() }
    }
}

impl Order {
    fn compare(self, one: &Ranked, other: &Ranked) -> Ordering {
        // Times are all written the same way, so that their texts are in their order.
        let ascending = (&one.created, &one.key).cmp(&(&other.created, &other.key));
        if self.direction == Direction::Ascending { ascending } else { ascending.reverse() }
    }
}

/// Where a page of a sorted list ended.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    revision: u64,
    ranked: Ranked,
}

impl Place {
    fn of(revision: u64, last: &Entry, by: SortBy) -> Self {
        Self { revision, ranked: Ranked::of(last, by) }
    }

    fn parse(text: &str) -> Result<Self, Failure> {
        let place = URL_SAFE_NO_PAD.decode(text).ok().and_then(|json| serde_json::from_slice::<Self>(&json).ok());
        let place = place.filter(|place| Key::parse(&place.ranked.key).is_some());
        place.ok_or_else(|| Failure::bad_request("the page token is not valid"))
    }

    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }
}
