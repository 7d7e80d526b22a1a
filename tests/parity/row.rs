//! What one row of the comparison is made of.
//!
//! In every text, `{port}` is the port of the row's upstreams and `{row}` a domain that only this row asks for.

use std::time::Duration;

use hickory_proto::rr::RecordType;

use crate::dns::Reply;
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
    pub route_timeout: Option<Duration>,
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
    /// To these addresses.
    Static(&'static [&'static str]),
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

/// One thing that happens. Each yields one line of what was seen, which may be empty.
#[derive(Debug, Clone)]
pub enum Step {
    /// GET with this authority. Seen: status, flag, details without what is in braces after a bar, body.
    Get(&'static str),
    /// A request as written, but for `{id}`, which becomes a `user-agent` line. Seen: as for `Get`, and trailers.
    Raw(&'static str),
    /// The same, but seen without what the access log says: there may be no line of it.
    Unlogged(&'static str),
    /// The same, but seen with the header lines of the answer.
    Head(&'static str),
    /// POST of so many bytes to this authority.
    Post(usize, &'static str),
    /// As many GETs at once. Seen: how often each answer came.
    Burst(usize, &'static str),
    /// GET, without waiting for the answer.
    Begin(&'static str),
    /// Waits for the answer to the first `Begin` that has not been waited for.
    End,
    /// DNS answers differently from now on.
    Change(&'static str, RecordType, Reply),
    /// Waits until so many questions of this type have come since the last step that saw questions.
    Await(RecordType, usize),
    /// Seen: the types that were asked since the last step that saw questions. Those that were only sent again count once.
    Asked,
    /// The same, with each packet.
    Packets,
    /// Waits for so many further questions of this type. Seen: the whole seconds from each to the next.
    Every(RecordType, usize),
    /// Lets time pass.
    Pass(Duration),
    /// Upstreams end all connections that are open.
    HangUp,
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

impl Row {
    /// A dynamic forward proxy, with one upstream on 127.0.0.1 that answers with its address.
    pub fn dynamic(name: &'static str, cache: Cache) -> Self {
        Self::new(name, Target::Dynamic(cache))
    }

    /// A fixed list of addresses. Nothing listens there until told to.
    pub fn fixed(name: &'static str, addresses: &'static [&'static str]) -> Self {
        Self { upstreams: Vec::new(), ..Self::new(name, Target::Static(addresses)) }
    }

    fn new(name: &'static str, target: Target) -> Self {
        Self {
            name,
            target,
            certificate: None,
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

    pub fn route_timeout(mut self, timeout: Duration) -> Self {
        self.route_timeout = Some(timeout);
        self
    }

    pub fn only_host(mut self, hostname: &'static str) -> Self {
        self.hostname = Some(hostname);
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
