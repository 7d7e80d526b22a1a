//! The service that hands out certificates to proxies.

use std::sync::Arc;
use std::time::Duration;

use backstay_auth::{Proxy, TrustDomain};
use backstay_certificate::Authority;
use backstay_proto::join::join_service_server::{JoinService, JoinServiceServer};
use backstay_proto::join::{JoinRequest, JoinResponse, RenewRequest, RenewResponse};
use backstay_resources::Timestamp;
use tonic::{Request, Response, Status};

use super::join_tokens::{JoinTokenError, JoinTokens, id_of};

/// How long a certificate of a proxy holds. It renews itself when half of that is over.
const LIFE: Duration = Duration::from_secs(24 * 3600);

/// Size of one request: those for a certificate have less than a kilobyte.
const MAX_MESSAGE_BYTES: usize = 16 << 10;

/// The one method that is open to everybody: the token in it is the credential.
pub(super) const JOIN: &str = "/backstay.join.v1.JoinService/Join";

/// Hands out certificates.
pub(crate) struct Joining {
    authority: Option<Arc<Authority>>,
    domain: TrustDomain,
    tokens: JoinTokens,
}

impl Joining {
    /// The service, to be routed.
    pub(crate) fn service(
        authority: Option<Arc<Authority>>,
        domain: TrustDomain,
        tokens: JoinTokens,
    ) -> JoinServiceServer<Self> {
        JoinServiceServer::new(Self { authority, domain, tokens }).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }

    fn authority(&self) -> Result<&Authority, Status> {
        let none = || {
            Status::failed_precondition(
                "this control plane signs no certificates: it was started without --authority and without --ca-cert",
            )
        };
        self.authority.as_deref().ok_or_else(none)
    }

    /// Signs a certificate that goes back to the join token of this id.
    fn sign(&self, request: &[u8], fleet: &str, id: Option<&str>) -> Result<String, Status> {
        let chain = self.authority()?.answer(request, &self.domain.id_of(fleet), id, LIFE);
        chain.map_err(|error| Status::invalid_argument(format!("certificate_request: {error}")))
    }
}

#[tonic::async_trait]
impl JoinService for Joining {
    async fn join(&self, request: Request<JoinRequest>) -> Result<Response<JoinResponse>, Status> {
        let JoinRequest { token, certificate_request } = request.into_inner();
        // Before the token is used up.
        self.sign(&certificate_request, "none", None)?;
        let id = id_of(&token);
        let used = self.tokens.use_up(&token, Timestamp::now()).await;
        let fleet = used.map_err(|error| {
            tracing::warn!(%error, "a proxy may not join");
            match error {
                JoinTokenError::Store(_) => Status::unavailable(error.to_string()),
                error => Status::unauthenticated(error.to_string()),
            }
        })?;
        tracing::info!(fleet, id, "a proxy joined with a token and has a certificate now");
        Ok(Response::new(JoinResponse { chain: self.sign(&certificate_request, &fleet, Some(&id))?, fleet }))
    }

    async fn renew(&self, request: Request<RenewRequest>) -> Result<Response<RenewResponse>, Status> {
        let proxy = request.extensions().get::<Arc<Proxy>>().cloned();
        let proxy = proxy.ok_or_else(|| Status::unauthenticated("a certificate must be shown to be renewed"))?;
        let fleet = proxy.fleet_of_certificate();
        let fleet = fleet.ok_or_else(|| Status::permission_denied("a token cannot be renewed as a certificate"))?;
        let chain = self.sign(&request.into_inner().certificate_request, fleet, proxy.common_name())?;
        tracing::debug!(fleet, "a proxy renewed its certificate");
        Ok(Response::new(RenewResponse { chain }))
    }
}

#[cfg(test)]
mod tests;
