//! Gives each change to the front end that its kind has, and has them compile.

use std::collections::HashMap;

use backstay_resources::Kind;
use backstay_resources::core::SECRET;

use crate::change::Change;
use crate::front_end::FrontEnd;
use crate::graph::Graph;
use crate::last_good_secret::{LastGoodSecret, LastGoodSecretName};
use crate::output::Output;

/// Compiles objects as they change.
///
/// One `Compiler` sees all changes of all objects, in any order and in batches of any size: when the last one has been
/// applied, the outputs together say what a new `Compiler` would say at once. The exception is an object that cannot be
/// compiled as it is: it stands as it last could be, and that depends on its past.
#[derive(Debug)]
pub struct Compiler {
    front_ends: Vec<Box<dyn FrontEnd>>,
    /// Which front end has a kind.
    owners: HashMap<&'static Kind, usize>,
    graph: Graph,
}

/// Two front ends want one kind, or one wants Secrets, which all share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two front ends compile objects of {0}")]
pub struct KindTaken(pub String);

impl Compiler {
    /// A compiler that knows no objects. Front ends take their turns in this order.
    ///
    /// # Errors
    /// When a kind is not one front end's alone.
    pub fn new(front_ends: impl IntoIterator<Item = Box<dyn FrontEnd>>) -> Result<Self, KindTaken> {
        let front_ends: Vec<_> = front_ends.into_iter().collect();
        let mut owners = HashMap::new();
        for (index, front_end) in front_ends.iter().enumerate() {
            for kind in front_end.kinds() {
                if **kind == SECRET || owners.insert(*kind, index).is_some() {
                    return Err(KindTaken(kind.resource()));
                }
            }
        }
        Ok(Self { front_ends, owners, graph: Graph::default() })
    }

    /// Takes over what an earlier compiler [kept](Output::last_good_secrets) of Secrets, before any change is applied.
    pub fn restore(&mut self, kept: impl IntoIterator<Item = (LastGoodSecretName, LastGoodSecret)>) {
        for (name, secret) in kept {
            self.graph.restore_secret(name, secret);
        }
    }

    /// How many Secrets are remembered, and how many compilations of them.
    #[cfg(test)]
    pub(crate) fn remembered(&self) -> (usize, usize) {
        self.graph.remembered_secrets()
    }

    /// Applies changes of objects, and returns everything that changed because of them. Where changes name the same
    /// object, the last counts. A change to an object's status alone changes nothing, nor does one of a kind that no
    /// front end has.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = Change>) -> Output {
        for Change { key, object } in changes {
            if Graph::is_secret(&key) {
                self.graph.read_secret(&key, object.as_deref());
            } else if let Some(front_end) = self.owners.get(key.kind).and_then(|index| self.front_ends.get_mut(*index))
            {
                front_end.read(&key, object.as_deref(), &mut self.graph);
            }
        }
        for front_end in &mut self.front_ends {
            front_end.compile(&mut self.graph);
        }
        let placed = self.graph.distribute();
        let last_good_secrets = self.graph.keep_secrets(&placed);
        for front_end in &mut self.front_ends {
            front_end.report(&placed, &mut self.graph);
        }
        Output {
            fleets: self.graph.take_fleets(),
            statuses: self.graph.take_reports(),
            last_good_secrets,
            compiled: self.graph.take_compiled(),
        }
    }
}
