//! What the query of a deletion may say.
//!
//! Kubernetes takes a deletion whose query it does not understand for one without: a selector that came out empty, or is
//! misspelt, deletes everything there is. Nobody gets back what was deleted, so nothing is guessed here.

use http::Uri;

use super::{boolean, pairs};
use crate::status::Failure;

/// What a deletion is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// One object, which the path names.
    Object,
    /// A collection, or what the query selects of it.
    Collection,
}

/// The parameters of every deletion, some of which are about the answer or the transport.
const OF_ANY: [&str; 11] = [
    "dryRun",
    "gracePeriodSeconds",
    "propagationPolicy",
    "orphanDependents",
    "pretty",
    "includeObject",
    "timeout",
    "timeoutSeconds",
    "fieldManager",
    "fieldValidation",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
];

/// The parameters of the deletion of a collection: those that say which objects are meant, and what else the options of a
/// list have, which clients hand on whole.
const OF_COLLECTIONS: [&str; 9] = [
    "labelSelector",
    "fieldSelector",
    "limit",
    "continue",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "allowWatchBookmarks",
    "watch",
];

/// Refuses a query that leaves open what is to be deleted, with 400: a parameter that does not exist or does not belong
/// there, that is given twice, or whose value came out empty; a limit of 0; selectors that select everything.
pub(crate) fn check(uri: &Uri, extent: Extent) -> Result<(), Failure> {
    let pairs = pairs(uri)?;
    for (index, (name, value)) in pairs.iter().enumerate() {
        let name = name.as_str();
        let refuse =
            |why: &str| Err(Failure::bad_request(format!("the query parameter {name} {why}: nothing is deleted")));
        if OF_COLLECTIONS.contains(&name) {
            if extent == Extent::Object {
                return refuse("is not one of the deletion of one object");
            }
        } else if !OF_ANY.contains(&name) {
            return refuse("is not one of deletions");
        }
        if name != "dryRun" && pairs.iter().take(index).any(|(earlier, _)| earlier == name) {
            return refuse("is given twice");
        }
        let selects_all = name.ends_with("Selector") && value.split(',').all(|term| term.trim().is_empty());
        if selects_all {
            return refuse("selects every object; leave it out where all are meant");
        }
        if value.is_empty() && name != "pretty" {
            return refuse("is empty");
        }
        if name == "watch" && boolean(name, value)? {
            return refuse("is of reads");
        }
        if name == "limit" && value.parse() == Ok(0_u64) {
            return refuse("is 0; leave it out where there is to be none");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
