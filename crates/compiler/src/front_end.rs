//! What a dialect adds to the compiler.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use backstay_resources::{Kind, Object};

use crate::change::ObjectKey;
use crate::graph::Graph;

/// Compiles the objects of a dialect's kinds. It keeps of them what it needs ([`LastGood`](crate::LastGood) helps), and
/// tells the [`Graph`] what they refer to, what proxies get because of them, and what is to be said about them.
///
/// One [`Compiler::apply`](crate::Compiler::apply) has [`FrontEnd::read`] called for each change, then
/// [`FrontEnd::compile`] once, and [`FrontEnd::report`] when it is known which fleets hold what. Front ends take their
/// turns in the order in which the compiler got them, and may refer to objects of those before them, and to Secrets.
pub trait FrontEnd: fmt::Debug + Send {
    /// The kinds whose objects it compiles. No other front end gets them.
    fn kinds(&self) -> &[&'static Kind];

    /// Reads an object as it is now, `None` when it is gone. What differs is compiled later; where what others see of the
    /// object differs already, [`Graph::changed`] tells them.
    fn read(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph);

    /// Compiles what it has read, and those of its objects that [`Graph::take_dirty`] gives because something that they
    /// are linked to changed.
    fn compile(&mut self, graph: &mut Graph);

    /// Reports what depends on which fleets need a resource. `placed` names the resources for which that may differ, or
    /// that have changed.
    fn report(&mut self, placed: &BTreeSet<Arc<str>>, graph: &mut Graph) {
        let _ = (placed, graph);
    }
}
