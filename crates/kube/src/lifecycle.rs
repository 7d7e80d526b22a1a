//! The life cycle of namespaces, as far as the store guards it: nothing is created in one that does not exist or is going
//! away.
//!
//! A namespace that begins to go is marked by an object of its own, [`TERMINATING`], which is stored in the same commit and
//! goes in the same commit as the namespace. Whoever creates something in a namespace guards that the namespace is there
//! and its mark is not. So the store decides every race, also between several servers: after the mark nothing comes, and
//! what is removed then is all there will be. Whatever else changes of a namespace, such as a label, is in nobody's way.
//!
//! Source: Kubernetes, the admission plugin `NamespaceLifecycle`.

use backstay_resources::core::NAMESPACE;
use backstay_resources::{Kind, Object};
use backstay_store::{Entry, Expect, Key, Operation, Snapshot, Write};
use bytes::Bytes;

use crate::status::Failure;

/// What the store calls the marks of the namespaces that are going away. No API serves these.
const TERMINATING: &str = "terminatingnamespaces.backstay.dev";

/// The namespace that always exists.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

/// 404 if a namespace does not exist, 403 if it is going away.
pub(crate) fn check_open(snapshot: &Snapshot, kind: &Kind, namespace: &str, name: &str) -> Result<(), Failure> {
    match snapshot.get(&key_of(namespace)) {
        None => Err(Failure::not_found(&NAMESPACE, namespace)),
        Some(_) if is_marked(snapshot, namespace) => Err(Failure::terminating(kind, name, namespace)),
        Some(_) => Ok(()),
    }
}

/// The conditions under which something may be created in a namespace: what [`check_open`] looks at, as of the commit.
pub(crate) fn guards(namespace: &str) -> [Write; 2] {
    let [namespace, mark] = keys(namespace);
    [Write::guard(namespace, Expect::Present), Write::guard(mark, Expect::Absent)]
}

/// What [`check_open`] looks at.
pub(crate) fn keys(namespace: &str) -> [Key; 2] {
    [key_of(namespace), mark_of(namespace)]
}

/// What to answer when one of the [`guards`], that of `key`, did not hold.
pub(crate) fn closed(key: &Key, kind: &Kind, namespace: &str, name: &str) -> Failure {
    if *key == mark_of(namespace) {
        Failure::terminating(kind, name, namespace)
    } else {
        Failure::not_found(&NAMESPACE, namespace)
    }
}

/// Marks a namespace as going away; part of the commit that says so of the namespace itself.
pub(crate) fn mark(namespace: &str) -> Write {
    Write { key: mark_of(namespace), expect: Expect::Any, operation: Operation::Put(Bytes::new()) }
}

/// What the store calls the mark of a namespace that is going away.
pub(crate) fn mark_of(namespace: &str) -> Key {
    Key::new(TERMINATING, "", namespace)
}

/// Whether a namespace is going away.
pub(crate) fn is_marked(snapshot: &Snapshot, namespace: &str) -> bool {
    snapshot.get(&mark_of(namespace)).is_some()
}

/// What the store calls a namespace.
pub(crate) fn key_of(namespace: &str) -> Key {
    Key::new(NAMESPACE.plural, "", namespace)
}

/// Whether a stored namespace says of itself that it is going away.
pub(crate) fn terminates(entry: &Entry) -> bool {
    Object::decode(&entry.value.bytes()).is_ok_and(|object| object.metadata.deletion_timestamp.is_some())
}
