//! Proxies in the words of xDS: the client status discovery service (CSDS), for tools that know it.
//!
//! It tells of the resources of a fleet by their own names, of an Envoy as of a proxy of this project, and never of what is in them.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_admin::Access;
use backstay_proto::RESOURCE_TYPE_URL;
use backstay_proto::client_status::client_status_discovery_service_server::{
    ClientStatusDiscoveryService, ClientStatusDiscoveryServiceServer,
};
use backstay_proto::client_status::string_matcher::MatchPattern;
use backstay_proto::client_status::{
    ClientConfig, ClientResourceStatus, ClientStatusRequest, ClientStatusResponse, ConfigStatus, GenericXdsConfig,
    NodeMatcher, StringMatcher, UpdateFailureState,
};
use backstay_proto::discovery::Node;
use backstay_resources::Verb;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use crate::shared::Shared;
use crate::tracker::{Held, Stream, Tracker};

/// Size of one request: matchers are short, and as many as there are proxies to look for.
const MAX_MESSAGE_BYTES: usize = 64 << 10;

/// Answers for the proxies of one control plane.
#[derive(Clone)]
pub(crate) struct ClientStatus {
    pub(crate) shared: Arc<Shared>,
    /// Resources of one answer, at most.
    pub(crate) most: usize,
}

impl ClientStatus {
    /// The service, to be routed.
    pub(crate) fn service(self) -> ClientStatusDiscoveryServiceServer<Self> {
        ClientStatusDiscoveryServiceServer::new(self).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }

    fn answer(&self, request: &ClientStatusRequest) -> Result<ClientStatusResponse, Status> {
        check(&request.node_matchers)?;
        let tracker = self.shared.read();
        let is_asked_for = |stream: &&Stream| {
            let matchers = &request.node_matchers;
            matchers.is_empty() || matchers.iter().any(|matcher| matches_node(matcher, &stream.node_id))
        };
        // By name, so that two answers can be compared; of connections that call themselves the same, the last is last.
        let mut streams: BTreeMap<_, &Stream> = BTreeMap::new();
        for stream in tracker.streams().filter(is_asked_for) {
            streams.insert((&stream.fleet, &stream.node_id, stream.connected, &stream.address), stream);
        }
        let (mut config, mut count) = (Vec::new(), 0);
        for stream in streams.into_values() {
            let of = client(&tracker, stream);
            count += of.generic_xds_configs.len();
            if count > self.most {
                let most = self.most;
                let message = format!(
                    "the answer would have more than the limit of {most} resources: name fewer proxies in node_matchers"
                );
                return Err(Status::resource_exhausted(message));
            }
            config.push(of);
        }
        Ok(ClientStatusResponse { config })
    }
}

/// A proxy, and what of its configuration it has, by name.
fn client(tracker: &Tracker, stream: &Stream) -> ClientConfig {
    let mut resources: Vec<GenericXdsConfig> = tracker.held_by(stream).map(resource).collect();
    resources.sort_by(|one, other| one.name.cmp(&other.name));
    let (id, cluster) = (stream.node_id.clone(), stream.fleet.to_string());
    let node = Node { id, cluster, user_agent_version: stream.version.clone(), ..Node::default() };
    ClientConfig { node: Some(node), generic_xds_configs: resources }
}

fn resource(held: Held<'_>) -> GenericXdsConfig {
    let (config, client) = match held.refused {
        Some(_) => (ConfigStatus::Error, ClientResourceStatus::ClientNacked),
        None if held.is_acknowledged => (ConfigStatus::Synced, ClientResourceStatus::ClientAcked),
        None => (ConfigStatus::Stale, ClientResourceStatus::ClientRequested),
    };
    GenericXdsConfig {
        type_url: RESOURCE_TYPE_URL.to_owned(),
        name: held.name.to_string(),
        version_info: held.version.to_string(),
        config_status: config.into(),
        client_status: client.into(),
        error_state: held.refused.map(|refusal| UpdateFailureState {
            details: refusal.sentence(),
            version_info: refusal.version.to_string(),
        }),
    }
}

/// Refuses what is not served, in place of passing it over.
fn check(matchers: &[NodeMatcher]) -> Result<(), Status> {
    for (index, matcher) in matchers.iter().enumerate() {
        let field = |name: &str| format!("node_matchers[{index}].{name}");
        if !matcher.node_metadatas.is_empty() {
            return Err(backstay_admin::bad_field(&field("node_metadatas"), "is not served: match node_id"));
        }
        let pattern = matcher.node_id.as_ref().and_then(|text| text.match_pattern.as_ref());
        match pattern {
            None => return Err(backstay_admin::bad_field(&field("node_id"), "must say what to match")),
            Some(MatchPattern::SafeRegex(_) | MatchPattern::Custom(_)) => {
                let why = "must be exact, prefix, suffix or contains";
                return Err(backstay_admin::bad_field(&field("node_id"), why));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn matches_node(matcher: &NodeMatcher, id: &str) -> bool {
    matcher.node_id.as_ref().is_some_and(|matcher| matches_text(matcher, id))
}

fn matches_text(matcher: &StringMatcher, text: &str) -> bool {
    let same_case = |text: &str| if matcher.ignore_case { text.to_ascii_lowercase() } else { text.to_owned() };
    let text = same_case(text);
    match &matcher.match_pattern {
        Some(MatchPattern::Exact(pattern)) => text == same_case(pattern),
        Some(MatchPattern::Prefix(pattern)) => text.starts_with(&same_case(pattern)),
        Some(MatchPattern::Suffix(pattern)) => text.ends_with(&same_case(pattern)),
        Some(MatchPattern::Contains(pattern)) => text.contains(&same_case(pattern)),
        Some(MatchPattern::SafeRegex(_) | MatchPattern::Custom(_)) | None => false,
    }
}

/// Who may see the statuses of fleets.
async fn allow<T>(request: &Request<T>) -> Result<(), Status> {
    let access = Access {
        verb: Verb::List,
        group: "backstay.dev",
        resource: "fleets",
        subresource: "status",
        namespace: "",
        name: "",
    };
    backstay_admin::check(request.extensions(), &access).await
}

#[tonic::async_trait]
impl ClientStatusDiscoveryService for ClientStatus {
    type StreamClientStatusStream = BoxStream<'static, Result<ClientStatusResponse, Status>>;

    async fn stream_client_status(
        &self,
        request: Request<Streaming<ClientStatusRequest>>,
    ) -> Result<Response<Self::StreamClientStatusStream>, Status> {
        allow(&request).await?;
        let this = self.clone();
        let answers = request.into_inner().map(move |request| this.answer(&request?));
        Ok(Response::new(answers.boxed()))
    }

    async fn fetch_client_status(
        &self,
        request: Request<ClientStatusRequest>,
    ) -> Result<Response<ClientStatusResponse>, Status> {
        allow(&request).await?;
        self.answer(request.get_ref()).map(Response::new)
    }
}
