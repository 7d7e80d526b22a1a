//! Fleets and connected proxies, as lists and watches.

mod diff;
mod observed;

use std::sync::Arc;
use std::time::Instant;

use backstay_admin::{Access, Following, Paged};
use backstay_kube::Operations;
use backstay_proto::admin::fleet_service_server::{FleetService, FleetServiceServer};
use backstay_proto::admin::{
    FleetState, GetFleetRequest, ListConnectedProxiesRequest, ListConnectedProxiesResponse, ListFleetsRequest,
    ListFleetsResponse, ListProxyResourcesRequest, ListProxyResourcesResponse, ProxyState,
    WatchConnectedProxiesRequest, WatchConnectedProxiesResponse, WatchFleetsRequest, WatchFleetsResponse,
};
use backstay_resources::Verb;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use self::diff::changes;
use crate::fleets::Fleets;
use crate::shared::Shared;

/// The name of the fleets of all proxies, as parent.
const ALL: &str = "-";

/// Answers for the fleets of one control plane.
#[derive(Clone)]
pub(crate) struct FleetAdmin {
    pub(crate) fleets: Arc<Fleets>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) operations: Operations,
    pub(crate) options: backstay_admin::Options,
    pub(crate) stop: watch::Receiver<bool>,
}

impl FleetAdmin {
    /// The service, to be routed.
    pub(crate) fn service(self) -> FleetServiceServer<Self> {
        FleetServiceServer::new(self)
    }

    async fn allow<T>(request: &Request<T>, verb: Verb, resource: &str, name: &str) -> Result<(), Status> {
        let access = Access { verb, group: "backstay.dev", resource, subresource: "", namespace: "", name };
        backstay_admin::check(request.extensions(), &access).await
    }

    /// A watch: what `observe` finds, and what changes of it.
    fn follow<T, R>(
        &self,
        request: &Request<impl Sized>,
        observe: impl Fn(&Self) -> Vec<T> + Send + 'static,
        name: fn(&T) -> String,
        response: fn(backstay_proto::admin::EventType, Option<T>) -> R,
    ) -> Result<BoxStream<'static, Result<R, Status>>, Status>
    where
        T: Clone + PartialEq + Send + 'static,
        R: Send + 'static,
    {
        let admin = self.clone();
        let following = Following { moved: self.shared.moved(), stop: self.stop.clone(), operations: &self.operations };
        let states = following.states(request.metadata(), move || observe(&admin))?;
        let mut before: Option<Vec<T>> = None;
        let events = states.map(move |state| match state {
            Ok(now) => {
                let events = changes(before.as_deref(), &now, name);
                before = Some(now);
                events.into_iter().map(|(kind, item)| Ok(response(kind, item))).collect::<Vec<_>>()
            }
            Err(status) => vec![Err(status)],
        });
        Ok(events.flat_map(futures::stream::iter).boxed())
    }
}

/// The fleet that a parent names; `None` is all.
fn parent(text: &str) -> Result<Option<String>, Status> {
    match text.strip_prefix("fleets/") {
        Some(ALL) => Ok(None),
        Some(name) if !name.is_empty() && !name.contains('/') => Ok(Some(name.to_owned())),
        _ => Err(backstay_admin::bad_field("parent", "must be fleets/NAME, or fleets/- for all")),
    }
}

#[tonic::async_trait]
impl FleetService for FleetAdmin {
    type WatchFleetsStream = BoxStream<'static, Result<WatchFleetsResponse, Status>>;
    type WatchConnectedProxiesStream = BoxStream<'static, Result<WatchConnectedProxiesResponse, Status>>;

    async fn get_fleet(&self, request: Request<GetFleetRequest>) -> Result<Response<FleetState>, Status> {
        let name = &request.get_ref().name;
        let short = name.strip_prefix("fleets/").filter(|name| !name.is_empty() && !name.contains('/'));
        let short = short.ok_or_else(|| backstay_admin::bad_field("name", "must be fleets/NAME"))?;
        Self::allow(&request, Verb::Get, "fleets", short).await?;
        let found = self.states().into_iter().find(|fleet| fleet.name == *name);
        found.map(Response::new).ok_or_else(|| Status::not_found(format!("there is no fleet {short:?}")))
    }

    async fn list_fleets(&self, request: Request<ListFleetsRequest>) -> Result<Response<ListFleetsResponse>, Status> {
        Self::allow(&request, Verb::List, "fleets", "").await?;
        let ListFleetsRequest { page_size, page_token } = request.into_inner();
        // Read before the fleets, so that they are at least as new as it says.
        let compiled_revision = self.shared.compiled();
        let Paged { items: fleets, next: next_page_token } =
            backstay_admin::page(self.states(), page_size, &page_token, &self.options, |fleet| &fleet.name)?;
        Ok(Response::new(ListFleetsResponse { fleets, next_page_token, compiled_revision }))
    }

    async fn watch_fleets(
        &self,
        request: Request<WatchFleetsRequest>,
    ) -> Result<Response<Self::WatchFleetsStream>, Status> {
        Self::allow(&request, Verb::Watch, "fleets", "").await?;
        let name = |fleet: &FleetState| fleet.name.clone();
        let event = |kind: backstay_proto::admin::EventType, fleet| WatchFleetsResponse { r#type: kind.into(), fleet };
        self.follow(&request, Self::states, name, event).map(Response::new)
    }

    async fn list_connected_proxies(
        &self,
        request: Request<ListConnectedProxiesRequest>,
    ) -> Result<Response<ListConnectedProxiesResponse>, Status> {
        Self::allow(&request, Verb::List, "fleets", "").await?;
        let ListConnectedProxiesRequest { parent: of, page_size, page_token } = request.into_inner();
        let proxies = self.proxies(parent(&of)?.as_deref(), Some(Instant::now()));
        let Paged { items: proxies, next: next_page_token } =
            backstay_admin::page(proxies, page_size, &page_token, &self.options, |proxy| &proxy.name)?;
        Ok(Response::new(ListConnectedProxiesResponse { proxies, next_page_token }))
    }

    async fn list_proxy_resources(
        &self,
        request: Request<ListProxyResourcesRequest>,
    ) -> Result<Response<ListProxyResourcesResponse>, Status> {
        Self::allow(&request, Verb::List, "fleets", "").await?;
        let ListProxyResourcesRequest { parent, page_size, page_token } = request.into_inner();
        let named = parent.strip_prefix("fleets/").and_then(|rest| rest.split_once("/proxies/"));
        let named = named.filter(|(fleet, proxy)| !fleet.is_empty() && !fleet.contains('/') && !proxy.is_empty());
        let (fleet, proxy) =
            named.ok_or_else(|| backstay_admin::bad_field("parent", "must be fleets/NAME/proxies/ID"))?;
        let resources = self.resources(fleet, proxy);
        let resources = resources.ok_or_else(|| Status::not_found(format!("{parent} is not connected")))?;
        let Paged { items: resources, next: next_page_token } =
            backstay_admin::page(resources, page_size, &page_token, &self.options, |resource| &resource.name)?;
        Ok(Response::new(ListProxyResourcesResponse { resources, next_page_token }))
    }

    async fn watch_connected_proxies(
        &self,
        request: Request<WatchConnectedProxiesRequest>,
    ) -> Result<Response<Self::WatchConnectedProxiesStream>, Status> {
        Self::allow(&request, Verb::Watch, "fleets", "").await?;
        let fleet = parent(&request.get_ref().parent)?;
        let name = |proxy: &ProxyState| proxy.name.clone();
        let event = |kind: backstay_proto::admin::EventType, proxy| WatchConnectedProxiesResponse {
            r#type: kind.into(),
            proxy,
        };
        let observe = move |admin: &Self| admin.proxies(fleet.as_deref(), None);
        self.follow(&request, observe, name, event).map(Response::new)
    }
}
