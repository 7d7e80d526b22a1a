//! What one row of the comparison is made of.
//!
//! In every text, `{port}` is the port of the row's upstreams and `{row}` a domain that only this row asks for.

use std::time::Duration;

use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

use crate::dns::Reply;
pub use crate::step::Step;
use crate::upstream::Behaviour;

/// The authority that most requests are for.
pub const HOST: &str = "{row}:{port}";

/// The answer to a request whose upstream could not be connected to.
pub const REFUSED: &str = "503 UF upstream_reset_before_response_started{remote_connection_failure} \
     upstream connect error or disconnect/reset before headers. reset reason: remote connection failure";

/// A configuration, a world around it, and what happens step by step.
#[derive(Debug, Clone)]
pub struct Row {
    /// Names it in reports and in both configurations: a DNS label.
    pub name: &'static str,
    pub target: Target,
    /// The names in the upstreams' certificate; without it they speak no TLS.
    pub certificate: Option<&'static [&'static str]>,
    /// What they select by ALPN.
    pub alpn: &'static [&'static str],
    /// Whether proxies speak HTTP/2 to them.
    pub http2: bool,
    /// Whether they speak HTTP/1.1 all the same.
    pub http1_upstreams: bool,
    /// Streams that they take at once on a connection.
    pub streams: Option<u32>,
    /// Address of an upstream that gets a copy of each request.
    pub mirror: Option<&'static str>,
    pub settings: Settings,
    pub route_timeout: Option<Duration>,
    /// The host that takes the place of the request's.
    pub rewrite: Option<&'static str>,
    /// The only host that is routed; without it, every one.
    pub hostname: Option<&'static str>,
    /// Name below the row's domain (empty for the domain itself), type, and answer from the beginning.
    pub records: Vec<(&'static str, RecordType, Reply)>,
    pub upstreams: Vec<(&'static str, Behaviour)>,
    pub steps: Vec<(Step, Expected)>,
}

/// Where requests go.
#[derive(Debug, Clone)]
pub enum Target {
    /// To the host that they name.
    Dynamic(Cache),
    /// To these, as a load balancer chooses.
    Static(Vec<Endpoint>),
}

/// Settings of a DNS cache; what is absent has Envoy's default on both sides.
#[derive(Debug, Clone, Default)]
pub struct Cache {
    pub family: Option<Family>,
    pub refresh: Option<Duration>,
    pub min_refresh: Option<Duration>,
    pub timeout: Option<Duration>,
    pub host_ttl: Option<Duration>,
    pub max_hosts: Option<u32>,
}

/// Where requests may go.
#[derive(Debug, Clone, Default)]
pub struct Endpoint {
    /// An address, or a name.
    pub host: &'static str,
    pub weight: Option<u32>,
    pub priority: u32,
    /// In the words of a BackendPolicy.
    pub health: Option<&'static str>,
    /// Its zone, and the weight of that.
    pub zone: Option<(&'static str, u32)>,
}

impl Endpoint {
    pub fn new(host: &'static str) -> Self {
        Self { host, ..Self::default() }
    }

    pub fn weight(self, weight: u32) -> Self {
        Self { weight: Some(weight), ..self }
    }

    pub fn priority(self, priority: u32) -> Self {
        Self { priority, ..self }
    }

    pub fn health(self, health: &'static str) -> Self {
        Self { health: Some(health), ..self }
    }

    pub fn zone(self, zone: &'static str, weight: u32) -> Self {
        Self { zone: Some((zone, weight)), ..self }
    }

    /// Whether its name has to be looked up.
    pub fn is_name(&self) -> bool {
        self.host.parse::<std::net::IpAddr>().is_err()
    }
}

/// What is merged into generated configurations.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The specification of Backstay's BackendPolicy.
    pub policy: Value,
    /// Envoy's cluster.
    pub cluster: Value,
    /// Envoy's route action.
    pub action: Value,
    /// Envoy's DNS cache.
    pub cache: Value,
    /// Envoy's virtual host.
    pub virtual_host: Value,
}

/// Puts the members of `patch` into `value`, and those of its objects into the same in `value`.
pub fn merge(value: &mut Value, patch: &Value) {
    match (value.as_object_mut(), patch) {
        (Some(into), Value::Object(patch)) => {
            for (name, patch) in patch {
                merge(into.entry(name).or_insert_with(|| json!({})), patch);
            }
        }
        (_, Value::Null) => {}
        _ => *value = patch.clone(),
    }
}

/// A lookup family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Auto,
    V4Only,
    V6Only,
    V4Preferred,
    All,
}

impl Family {
    /// Its name in a Backend; Envoy's is the same in capitals.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::V4Only => "v4_only",
            Self::V6Only => "v6_only",
            Self::V4Preferred => "v4_preferred",
            Self::All => "all",
        }
    }
}

/// In place of what Envoy does, where that is once this and once that.
pub const UNSTEADY: &str = "*";

/// What is to be seen.
#[derive(Debug, Clone, Copy)]
pub enum Expected {
    /// Of both the same.
    Same(&'static str),
    /// Not the same, and why.
    Differs { envoy: &'static str, backstay: &'static str, reason: &'static str },
}

/// Both do this.
pub fn same(seen: &'static str) -> Expected {
    Expected::Same(seen)
}

/// Each does its own.
pub fn differs(envoy: &'static str, backstay: &'static str, reason: &'static str) -> Expected {
    Expected::Differs { envoy, backstay, reason }
}

/// One address, whose upstream answers with the request as it came, without what every request has.
pub fn bare(name: &'static str) -> Row {
    Row::fixed(name, &["127.0.0.1"]).upstream("127.0.0.1", Behaviour::Bare)
}

/// [`bare`], asked with these bytes.
pub fn raw(name: &'static str, request: &'static str, expected: Expected) -> Row {
    bare(name).see(Step::Raw(request), expected)
}

/// The same for a request of which no access log can tell.
pub fn unlogged(name: &'static str, request: &'static str, expected: Expected) -> Row {
    bare(name).see(Step::Unlogged(request), expected)
}

impl Row {
    /// A dynamic forward proxy, with one upstream on 127.0.0.1 that answers with its address.
    pub fn dynamic(name: &'static str, cache: Cache) -> Self {
        Self::new(name, Target::Dynamic(cache))
    }

    /// A fixed list of addresses. Nothing listens there until told to.
    pub fn fixed(name: &'static str, addresses: &[&'static str]) -> Self {
        Self::of(name, addresses.iter().map(|address| Endpoint::new(address)).collect())
    }

    /// Endpoints, each with its place in load balancing. Nothing listens there until told to.
    pub fn of(name: &'static str, endpoints: Vec<Endpoint>) -> Self {
        Self { upstreams: Vec::new(), ..Self::new(name, Target::Static(endpoints)) }
    }

    fn new(name: &'static str, target: Target) -> Self {
        Self {
            name,
            target,
            certificate: None,
            alpn: &[],
            http2: false,
            http1_upstreams: false,
            streams: None,
            mirror: None,
            settings: Settings::default(),
            rewrite: None,
            route_timeout: None,
            hostname: None,
            records: Vec::new(),
            upstreams: vec![("127.0.0.1", Behaviour::Name)],
            steps: Vec::new(),
        }
    }

    /// The domain that `{row}` stands for.
    pub fn domain(&self) -> String {
        format!("{}.test", self.name)
    }

    pub fn record(mut self, name: &'static str, kind: RecordType, reply: Reply) -> Self {
        self.records.push((name, kind, reply));
        self
    }

    /// The row's domain has these IPv4 addresses with a TTL of a minute, and no others.
    pub fn resolves_to(self, addresses: &'static [&'static str]) -> Self {
        self.record("", RecordType::A, Reply::Addresses(60, addresses)).record("", RecordType::AAAA, Reply::NoData)
    }

    pub fn upstream(mut self, ip: &'static str, behaviour: Behaviour) -> Self {
        self.upstreams.retain(|(known, _)| *known != ip);
        self.upstreams.push((ip, behaviour));
        self
    }

    pub fn certificate(mut self, names: &'static [&'static str]) -> Self {
        self.certificate = Some(names);
        self
    }

    /// Proxies speak HTTP/2 to the upstreams: over TLS, where there is a certificate, else by prior knowledge.
    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self.alpn = &["h2"];
        self
    }

    /// Upstreams speak HTTP/1.1, whatever proxies speak to them.
    pub fn http1_upstreams(mut self) -> Self {
        self.http1_upstreams = true;
        self
    }

    /// Upstreams select one of these by ALPN.
    pub fn alpn(mut self, names: &'static [&'static str]) -> Self {
        self.alpn = names;
        self
    }

    pub fn streams(mut self, at_once: u32) -> Self {
        self.streams = Some(at_once);
        self
    }

    /// An upstream on `ip` gets a copy of each request.
    pub fn mirror(mut self, ip: &'static str) -> Self {
        self.mirror = Some(ip);
        self
    }

    pub fn route_timeout(mut self, timeout: Duration) -> Self {
        self.route_timeout = Some(timeout);
        self
    }

    pub fn only_host(mut self, hostname: &'static str) -> Self {
        self.hostname = Some(hostname);
        self
    }

    pub fn rewrite(mut self, host: &'static str) -> Self {
        self.rewrite = Some(host);
        self
    }

    /// Adds to Backstay's BackendPolicy.
    pub fn policy(mut self, policy: Value) -> Self {
        self.settings.policy = policy;
        self
    }

    /// Adds to Envoy's cluster.
    pub fn cluster(mut self, cluster: Value) -> Self {
        self.settings.cluster = cluster;
        self
    }

    /// Adds to Envoy's route action.
    pub fn action(mut self, action: Value) -> Self {
        self.settings.action = action;
        self
    }

    /// Adds to Envoy's DNS cache.
    pub fn cache(mut self, cache: Value) -> Self {
        self.settings.cache = cache;
        self
    }

    /// Adds to Envoy's virtual host.
    pub fn virtual_host(mut self, host: Value) -> Self {
        self.settings.virtual_host = host;
        self
    }

    /// A step of which something is to be seen.
    pub fn see(mut self, step: Step, expected: Expected) -> Self {
        self.steps.push((step, expected));
        self
    }

    /// A step of which nothing is to be seen.
    pub fn then(self, step: Step) -> Self {
        self.see(step, same(""))
    }

    /// GET of the row's own domain, at the upstreams' port.
    pub fn get(self, expected: Expected) -> Self {
        self.see(Step::Get(HOST), expected)
    }
}
