use std::sync::Arc;

use backstay_dns_cache::{Cache, Found, LookupError, Target};
use backstay_upstream::{Lookup, Resolve, Unresolved};
use futures::FutureExt;
use http::StatusCode;

/// The DNS cache of a dynamic backend, as the request path asks it.
#[derive(Debug)]
pub(crate) struct DynamicResolve(pub(crate) Arc<Cache>);

impl Resolve for DynamicResolve {
    fn lookup(&self, host: &str, port: u16) -> Lookup {
        let target = match Target::from_parts(host, port) {
            Ok(target) => target,
            Err(error) => return Lookup::Refused(unresolved(&error.into())),
        };
        match self.0.find(&target) {
            Found::Known(Ok(addresses)) => Lookup::Ready(addresses),
            Found::Known(Err(error)) => Lookup::Refused(unresolved(&error)),
            Found::Pending(waiting) => {
                Lookup::Pending(waiting.wait().map(|found| found.map_err(|error| unresolved(&error))).boxed())
            }
        }
    }
}

fn unresolved(error: &LookupError) -> Unresolved {
    Unresolved {
        status: StatusCode::from_u16(error.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
        body: error.body().into(),
        details: error.details(),
        of_dns: error.flag().is_some(),
    }
}
