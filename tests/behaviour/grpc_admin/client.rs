//! Clients of the gRPC API, as they are generated from `proto/`.

use backstay_proto::admin::backend_service_client::BackendServiceClient;
use backstay_proto::admin::resource_service_client::ResourceServiceClient;
use backstay_proto::admin::secret_service_client::SecretServiceClient;
use backstay_proto::admin::{Backend, CreateBackendRequest, backend};
use tonic::transport::{Channel, Endpoint};

use crate::harness::{ControlPlane, PATIENCE};

pub type Backends = BackendServiceClient<Channel>;
pub type Resources = ResourceServiceClient<Channel>;
pub type Secrets = SecretServiceClient<Channel>;

/// A connection to the API of a control plane.
pub async fn channel(control_plane: &ControlPlane) -> Channel {
    Endpoint::from_shared(control_plane.server()).unwrap().timeout(PATIENCE).connect().await.unwrap()
}

/// A connection that waits as long as it takes, for watches.
pub async fn patient_channel(control_plane: &ControlPlane) -> Channel {
    Endpoint::from_shared(control_plane.server()).unwrap().connect().await.unwrap()
}

/// A Backend with one endpoint.
pub fn backend(name: &str, ip: &str) -> Backend {
    let endpoint = backend::Endpoint { ip: Some(ip.to_owned()), fqdn: None };
    let spec = backend::Spec { endpoints: vec![endpoint], ..Default::default() };
    let name = if name.is_empty() { String::new() } else { format!("backends/{name}") };
    Backend { name, spec: Some(spec), ..Default::default() }
}

/// Creates a Backend.
pub async fn create(backends: &mut Backends, name: &str, ip: &str) -> Backend {
    let request =
        CreateBackendRequest { backend_id: name.to_owned(), backend: Some(backend("", ip)), ..Default::default() };
    backends.create_backend(request).await.unwrap().into_inner()
}
