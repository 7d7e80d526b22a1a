/// The two forms of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// `Delta…`: responses carry what changed and name what is gone.
    Incremental,
    /// `Stream…`: requests repeat every name, responses of some types every resource.
    StateOfTheWorld,
}
