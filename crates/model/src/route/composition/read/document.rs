//! What is done to documents: paths, operations, references.

use backstay_composition::{Allow, Deny, Operation, Operations, Path, Reference};
use backstay_proto::config::{self, data_operation};

use crate::fault::{Checked, Together, Within, all, refuse, unknown};

/// Names, joined with dots.
pub(super) fn joined(field: &str, names: &[String]) -> Checked<String> {
    match names.iter().find(|name| name.contains('.')) {
        Some(name) => refuse(field, format!("the name {name:?} must not have a dot in it")),
        None => Ok(names.join(".")),
    }
}

fn path(names: &[String]) -> Checked<Path> {
    match names {
        [] => refuse("", "must have at least one name"),
        names => joined("", names).map(|path| Path::new(&path)),
    }
}

fn paths(message: &config::NameTree) -> Checked<Vec<String>> {
    let one = |(index, path): (usize, &config::NamePath)| match path.names.as_slice() {
        [] => refuse(format!("paths[{index}].names"), "must have at least one name"),
        names => joined("names", names).within_element("paths", index),
    };
    all(message.paths.iter().enumerate().map(one))
}

/// What is kept.
pub(super) fn allow(message: &config::NameTree) -> Checked<Allow> {
    paths(message).map(|paths| Allow::new(paths.iter().map(String::as_str)))
}

/// What is dropped.
pub(super) fn deny(message: &config::NameTree) -> Checked<Deny> {
    paths(message).map(|paths| Deny::new(paths.iter().map(String::as_str)))
}

/// Operations; `None` if there are none.
pub(super) fn operations(field: &str, messages: &[config::DataOperation]) -> Checked<Option<Operations>> {
    let operations = messages.iter().enumerate();
    let operations: Vec<_> = all(operations.map(|(index, one)| operation(one).within_element(field, index)))?;
    Ok(Operations::new(operations).ok())
}

fn operation(message: &config::DataOperation) -> Checked<Operation> {
    let pair = |message: &config::data_operation::FromTo| {
        (path(&message.from).within("from"), path(&message.to).within("to")).together()
    };
    match &message.kind {
        None => unknown(""),
        Some(data_operation::Kind::Move(one)) => pair(one).map(|(from, to)| Operation::Move(from, to)).within("move"),
        Some(data_operation::Kind::Append(one)) => {
            pair(one).map(|(from, to)| Operation::Append(from, to)).within("append")
        }
        Some(data_operation::Kind::Delete(tree)) => {
            let paths = paths(tree).within("delete")?;
            Ok(Operation::Delete(paths.iter().map(|path| Path::new(path)).collect()))
        }
    }
}

/// A value of an earlier answer.
pub(super) fn reference(message: &config::Reference) -> Checked<Reference> {
    let call = usize::try_from(message.call).or_else(|_| refuse("call", "is too large"))?;
    Ok(Reference { call, path: message.path.clone() })
}
