use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::disconnect::Disconnect;
use super::update::{Rejection, Update};

/// Applies what arrives, and knows what is in force.
pub trait Handler: Send {
    /// One whole response, to be applied in one step. No name occurs twice, neither in nor across the two lists. Both may be
    /// empty: then the control plane has nothing (more) for us.
    ///
    /// When this returns, everything that is not rejected is in force; of what is rejected, the resource of that name that
    /// was in force before (if any) still is. Never cancelled half-way.
    fn apply(
        &mut self,
        type_url: &str,
        updates: Vec<Update>,
        removed: Vec<Arc<str>>,
    ) -> impl Future<Output = Vec<Rejection>> + Send;

    /// Name and version of everything in force. Asked at each (re)connect; what is listed with its current version is not
    /// sent again, what is listed and no longer exists is removed. A name whose last update was rejected is listed with the
    /// older version that is still in force, if there is one: then the update is tried again, and a removal is not missed.
    fn held(&self) -> BTreeMap<Arc<str>, Arc<str>>;

    /// True with the first response of a stream, before it is applied; false when that stream has ended. Default: nothing.
    fn connected(&mut self, connected: bool) {
        let _ = connected;
    }

    /// Resolves when what [`held`](Self::held) says would differ from what the control plane was told, so that another stream has to tell
    /// it. Begun anew after each response. Default: never.
    fn renew(&self) -> impl Future<Output = ()> + Send + use<Self> {
        std::future::pending()
    }

    /// A stream ended, or did not come about, and the next attempt is after `retry_in`. Default: nothing (it is also
    /// logged).
    fn disconnected(&mut self, cause: &Disconnect, retry_in: Duration) {
        let _ = (cause, retry_in);
    }
}
