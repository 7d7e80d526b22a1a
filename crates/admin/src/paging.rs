//! Pages of lists.
//!
//! Source: Google's API improvement proposals 132 and 158.

use backstay_kube::Failure;
use backstay_kube::operations::{Direction, Listed, Listing, Order, SortBy};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::filter::Filter;
use crate::options::Options;

/// What a client says of a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paging<'a> {
    pub(crate) size: i32,
    pub(crate) token: &'a str,
    pub(crate) order_by: &'a str,
}

/// What a page token says. Opaque to clients.
#[derive(Serialize, Deserialize)]
struct Token {
    /// Of the list itself.
    after: String,
    /// Of what the list was asked for with, which may not change between two pages.
    of: u64,
}

impl Paging<'_> {
    /// The list that is asked for. `collection` tells it from lists of other collections.
    pub(crate) fn listing(self, options: &Options, filter: Filter, collection: &str) -> Result<Listing, Failure> {
        let limit = size(self.size, options)?;
        let after = match self.token {
            "" => None,
            text => {
                let token = URL_SAFE_NO_PAD.decode(text).ok();
                let token = token.and_then(|json| serde_json::from_slice::<Token>(&json).ok());
                let token = token.ok_or_else(|| Failure::bad_field("page_token", "is none that was given out"))?;
                if token.of != self.hash(&filter, collection) {
                    return Err(Failure::bad_field(
                        "page_token",
                        "is of another list: its collection, filter and order_by must be as they were",
                    ));
                }
                Some(token.after)
            }
        };
        let Filter { labels, fields } = filter;
        let order = order(self.order_by)?;
        Ok(Listing { labels, fields, order, limit, max_bytes: options.max_page_bytes, after })
    }

    /// The token of the page after this one; empty on the last.
    pub(crate) fn next(self, listed: &Listed, filter: &Filter, collection: &str) -> String {
        let Some(after) = &listed.next else { return String::new() };
        let token = Token { after: after.clone(), of: self.hash(filter, collection) };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default())
    }

    fn hash(self, filter: &Filter, collection: &str) -> u64 {
        let Filter { labels, fields } = filter;
        xxh3_64(format!("{collection}\0{labels}\0{fields}\0{}", self.order_by).as_bytes())
    }
}

/// How many resources a page may have.
pub(crate) fn size(asked: i32, options: &Options) -> Result<usize, Failure> {
    match usize::try_from(asked) {
        Ok(0) => Ok(options.page_size.min(options.max_page_size)),
        Ok(size) => Ok(size.min(options.max_page_size)),
        Err(_) => Err(Failure::bad_field("page_size", "must not be negative")),
    }
}

fn order(text: &str) -> Result<Order, Failure> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (by, rest) = match words.split_first() {
        None => return Ok(Order::default()),
        Some((&"name", rest)) => (SortBy::Name, rest),
        Some((&"create_time", rest)) => (SortBy::Created, rest),
        Some(_) => {
            return Err(Failure::bad_field("order_by", "must be name or create_time, and may have desc after it"));
        }
    };
    let direction = match rest {
        [] | ["asc"] => Direction::Ascending,
        ["desc"] => Direction::Descending,
        _ => return Err(Failure::bad_field("order_by", "may have desc after name or create_time, and nothing else")),
    };
    Ok(Order { by, direction })
}

#[cfg(test)]
mod tests;
