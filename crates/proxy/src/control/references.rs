use std::collections::BTreeSet;
use std::sync::Arc;

/// Which routes name what. One set of pairs: there are as many names as backends, mostly with a single route each, and a set of their own
/// would take the room of eleven.
#[derive(Debug, Default)]
pub(super) struct References(BTreeSet<(Arc<str>, Arc<str>)>);

impl References {
    /// Notes that `route` names this.
    pub(super) fn insert(&mut self, name: &Arc<str>, route: &Arc<str>) {
        self.0.insert((Arc::clone(name), Arc::clone(route)));
    }

    /// Forgets that `route` names this.
    pub(super) fn remove(&mut self, name: &Arc<str>, route: &Arc<str>) {
        self.0.remove(&(Arc::clone(name), Arc::clone(route)));
    }

    /// The routes that name this.
    pub(super) fn to(&self, name: &Arc<str>) -> impl Iterator<Item = &Arc<str>> + use<'_> {
        let name = Arc::clone(name);
        let from = (Arc::clone(&name), Arc::from(""));
        self.0.range(from..).take_while(move |(named, _)| *named == name).map(|(_, route)| route)
    }
}
