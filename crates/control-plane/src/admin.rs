//! What the gRPC API tells of the control plane itself: its status, fleets and proxies.

mod fleets;

use std::sync::Arc;

use backstay_proto::admin::admin_service_server::{AdminService, AdminServiceServer};
use backstay_proto::admin::{ConnectedProxy, Fleet, GetStatusRequest, GetStatusResponse, ObjectFault, Refusal};
use backstay_store::Store;
use prost_types::Timestamp;
use tonic::{Request, Response, Status};

pub(crate) use self::fleets::FleetAdmin;
use crate::faults::{self, Fault};
use crate::fleets::Fleets;
use crate::shared::Shared;
use crate::tracker::Stream;

/// Answers for the fleets of one control plane.
pub(crate) struct Admin {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) fleets: Arc<Fleets>,
    pub(crate) shared: Arc<Shared>,
}

impl Admin {
    /// The service, to be routed.
    pub(crate) fn service(self) -> AdminServiceServer<Self> {
        AdminServiceServer::new(self)
    }
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn get_status(&self, request: Request<GetStatusRequest>) -> Result<Response<GetStatusResponse>, Status> {
        let only = request.into_inner().fleet;
        // Read before the fleets, so that they are at least as new as it says.
        let compiled_revision = self.shared.compiled();
        let mut fleets = Vec::new();
        for (name, snapshot) in self.fleets.all() {
            if !only.is_empty() && *name != *only {
                continue;
            }
            let resources = snapshot.len(backstay_proto::RESOURCE_TYPE_URL);
            let tracker = self.shared.read();
            let proxies = tracker.proxies(&name).into_iter().map(|stream| connected(stream, resources)).collect();
            fleets.push(Fleet {
                name: name.to_string(),
                resources: resources as u64,
                proxies,
                revision: snapshot.revision(),
            });
        }
        if fleets.is_empty() && !only.is_empty() {
            return Err(Status::not_found(format!("there is no fleet {only:?}")));
        }
        let revision = self.store.snapshot().revision();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let (faults, count) = faults::list(&self.shared);
        let faults = faults.into_iter().map(object_fault).collect();
        let fault_count = count as u64;
        Ok(Response::new(GetStatusResponse { version, revision, fleets, compiled_revision, faults, fault_count }))
    }
}

fn object_fault(fault: Fault) -> ObjectFault {
    let Fault { kind, namespace, name, part, condition, reason, message } = fault;
    let (kind, condition, reason) = (kind.to_owned(), condition.to_owned(), reason.to_owned());
    ObjectFault { kind, namespace, name, part, condition, reason, message }
}

fn connected(stream: &Stream, resources: usize) -> ConnectedProxy {
    let accepted = resources.saturating_sub(stream.pending() + stream.refused().count());
    ConnectedProxy {
        id: stream.node_id.clone(),
        address: stream.address.clone(),
        version: stream.version.clone(),
        connected: Some(Timestamp { seconds: stream.connected.0.as_second(), nanos: 0 }),
        acknowledged_revision: stream.synchronised(),
        accepted: accepted as u64,
        pending: stream.pending() as u64,
        refused: stream
            .refused()
            .map(|(resource, refusal)| Refusal {
                resource: resource.to_string(),
                version: refusal.version.to_string(),
                field: refusal.field.clone(),
                message: refusal.message.clone(),
            })
            .collect(),
    }
}
