//! What the gRPC API tells of the control plane itself: its status, fleets and proxies.

mod client_status;
mod fleets;

use std::sync::Arc;
use std::time::Instant;

use backstay_proto::admin::admin_service_server::{AdminService, AdminServiceServer};
use backstay_proto::admin::{
    ConnectedProxy, ControlPlane, Fleet, GetStatusRequest, GetStatusResponse, ObjectFault, Refusal,
};
use backstay_store::{Replicas, Store};
use prost_types::Timestamp;
use tonic::{Request, Response, Status};

pub(crate) use self::client_status::ClientStatus;
pub(crate) use self::fleets::FleetAdmin;
use crate::faults::{self, Fault};
use crate::fleets::Fleets;
use crate::shared::Shared;
use crate::tracker::{self, Stream, compiled};

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

    fn control_planes(&self, replicas: &dyn Replicas, compiled_revision: u64) -> Vec<ControlPlane> {
        let leader = replicas.leader();
        let others = replicas.words();
        let tracker = self.shared.read();
        let proxies = |replica: Option<&str>| {
            tracker.streams().filter(|stream| stream.replica.as_deref() == replica).count() as u64
        };
        let own = ControlPlane {
            name: replicas.name().to_owned(),
            leads: leader.as_deref() == Some(replicas.name()),
            compiled_revision,
            connected_proxies: proxies(None),
        };
        let others = others.iter().map(|(name, words)| ControlPlane {
            name: name.to_string(),
            leads: leader.as_ref() == Some(name),
            compiled_revision: compiled(words),
            connected_proxies: proxies(Some(name)),
        });
        [own].into_iter().chain(others).collect()
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
            let (tracker, now) = (self.shared.read(), Instant::now());
            let proxies = tracker
                .proxies(&name)
                .into_iter()
                .map(|stream| connected(stream, resources, snapshot.revision(), Some(now)))
                .collect();
            fleets.push(Fleet {
                name: name.to_string(),
                resources: resources as u64,
                proxies,
                revision: snapshot.revision(),
                digest: format!("{:032x}", snapshot.digest(backstay_proto::RESOURCE_TYPE_URL)),
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
        let control_planes = self.store.replicas().map(|replicas| self.control_planes(&*replicas, compiled_revision));
        Ok(Response::new(GetStatusResponse {
            version,
            revision,
            fleets,
            compiled_revision,
            faults,
            fault_count,
            control_planes: control_planes.unwrap_or_default(),
        }))
    }
}

fn object_fault(fault: Fault) -> ObjectFault {
    let Fault { kind, namespace, name, part, condition, reason, message } = fault;
    let (kind, condition, reason) = (kind.to_owned(), condition.to_owned(), reason.to_owned());
    ObjectFault { kind, namespace, name, part, condition, reason, message }
}

/// A proxy of a fleet that should hold so many resources, of a revision. How long it has not answered is told where `now` is: it
/// changes all the time.
fn connected(stream: &Stream, resources: usize, revision: u64, now: Option<Instant>) -> ConnectedProxy {
    let accepted = resources.saturating_sub(stream.pending() + stream.refused().count());
    ConnectedProxy {
        id: stream.node_id.clone(),
        address: stream.address.clone(),
        version: stream.version.clone(),
        connected: Some(timestamp(stream.connected)),
        acknowledged_revision: stream.synchronised(),
        accepted: accepted as u64,
        pending: stream.pending() as u64,
        refused: stream.refused().map(|(resource, refusal)| refused(resource, refusal)).collect(),
        lag: revision.saturating_sub(stream.synchronised()),
        control_plane: stream.replica.as_deref().unwrap_or_default().to_owned(),
        pending_since: stream.pending_since().map(timestamp),
        lag_seconds: now.and_then(|now| stream.lag(now)).map(|lag| lag.as_secs_f64()),
    }
}

fn timestamp(time: backstay_resources::Timestamp) -> Timestamp {
    Timestamp { seconds: time.0.as_second(), nanos: 0 }
}

fn refused(resource: &str, refusal: &tracker::Refusal) -> Refusal {
    Refusal {
        resource: resource.to_owned(),
        version: refusal.version.to_string(),
        field: refusal.field.clone(),
        message: refusal.message.clone(),
    }
}
