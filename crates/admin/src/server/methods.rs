//! Which method does what.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_kube::Operations;
use backstay_resources::{Kind, apoxy, backstay, core, gateway};
use bytes::Bytes;
use futures::stream::BoxStream;
use prost_reflect::DescriptorPool;
use tonic::Status;

use crate::access::Caller;
use crate::answer::Answer;
use crate::generic::Generic;
use crate::meter::Counters;
use crate::options::Options;
use crate::transcode::shape::{ResourceShape, ShapeError};
use crate::typed::Typed;

/// A kind that has a service of its own.
pub(crate) struct TypedKind {
    /// The kind.
    pub(crate) kind: &'static Kind,
    /// The message of a resource, which the names of methods have as well.
    pub(crate) message: &'static str,
    /// The plural in the names of methods.
    plural: &'static str,
    /// The field of requests that has a resource.
    object: &'static str,
}

/// All kinds that have one.
pub(crate) static TYPED: [TypedKind; 7] = [
    typed(&apoxy::BACKEND, "Backend", "Backends", "backend"),
    typed(&apoxy::PROXY, "Proxy", "Proxies", "proxy"),
    typed(&backstay::BACKEND_POLICY, "BackendPolicy", "BackendPolicies", "backend_policy"),
    typed(&gateway::GATEWAY, "Gateway", "Gateways", "gateway"),
    typed(&gateway::HTTP_ROUTE, "HTTPRoute", "HTTPRoutes", "http_route"),
    typed(&gateway::GATEWAY_CLASS, "GatewayClass", "GatewayClasses", "gateway_class"),
    typed(&core::SECRET, "Secret", "Secrets", "secret"),
];

const fn typed(kind: &'static Kind, message: &'static str, plural: &'static str, object: &'static str) -> TypedKind {
    TypedKind { kind, message, plural, object }
}

/// The package of all services.
const PACKAGE: &str = "backstay.admin.v1";

/// What a method does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Types,
    Get,
    List,
    Create,
    Update,
    Apply,
    Patch,
    Delete,
    DeleteCollection,
    Watch,
}

/// On what.
#[derive(Debug)]
enum Target {
    Typed(Arc<Typed>),
    Generic(Arc<Generic>),
}

/// A method.
#[derive(Debug)]
pub(crate) struct Method {
    /// `SERVICE/METHOD`, without the package.
    pub(crate) label: String,
    /// What is counted of it.
    pub(super) counters: Counters,
    action: Action,
    target: Target,
}

/// All methods, by their paths.
#[derive(Debug)]
pub(crate) struct Methods {
    methods: HashMap<String, Method>,
    services: Vec<String>,
}

impl Methods {
    pub(super) fn new(operations: &Operations, options: Options) -> Result<Self, ShapeError> {
        let pool = DescriptorPool::decode(backstay_proto::DESCRIPTORS).map_err(|_| ShapeError::unreadable())?;
        let mut all = Self { methods: HashMap::new(), services: Vec::new() };
        for TypedKind { kind, message, plural, object } in &TYPED {
            let Some(served) = operations.kind(&kind.api_version(), kind.kind) else { continue };
            let shape = ResourceShape::find(&pool, kind, message)?;
            let typed = Arc::new(Typed { operations: operations.clone(), options, served, shape, object });
            let service = format!("{message}Service");
            for (name, action) in [
                (format!("Get{message}"), Action::Get),
                (format!("List{plural}"), Action::List),
                (format!("Create{message}"), Action::Create),
                (format!("Update{message}"), Action::Update),
                (format!("Apply{message}"), Action::Apply),
                (format!("Delete{message}"), Action::Delete),
                (format!("Delete{message}Collection"), Action::DeleteCollection),
                (format!("Watch{plural}"), Action::Watch),
            ] {
                all.add(&service, &name, action, Target::Typed(Arc::clone(&typed)));
            }
            all.services.push(format!("{PACKAGE}.{service}"));
        }
        let generic = Arc::new(Generic { operations: operations.clone(), options });
        for (name, action) in [
            ("ListResourceTypes", Action::Types),
            ("GetResource", Action::Get),
            ("ListResources", Action::List),
            ("CreateResource", Action::Create),
            ("UpdateResource", Action::Update),
            ("ApplyResource", Action::Apply),
            ("PatchResource", Action::Patch),
            ("DeleteResource", Action::Delete),
            ("DeleteResourceCollection", Action::DeleteCollection),
            ("WatchResources", Action::Watch),
        ] {
            all.add("ResourceService", name, action, Target::Generic(Arc::clone(&generic)));
        }
        all.services.push(format!("{PACKAGE}.ResourceService"));
        Ok(all)
    }

    fn add(&mut self, service: &str, name: &str, action: Action, target: Target) {
        let label = format!("{service}/{name}");
        self.methods
            .insert(format!("/{PACKAGE}.{label}"), Method { label, counters: Counters::default(), action, target });
    }

    /// The method at a path.
    pub(super) fn find(&self, path: &str) -> Option<&Method> {
        self.methods.get(path)
    }

    pub(super) fn services(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(String::as_str)
    }
}

impl Method {
    /// Whether it has many answers.
    pub(super) fn is_streaming(&self) -> bool {
        self.action == Action::Watch
    }

    /// Does it. What takes much room while it is done is boxed, so that a get does not carry that about.
    pub(super) async fn call(&self, caller: &Caller, request: Bytes) -> Result<Answer, Status> {
        let answer = match &self.target {
            Target::Typed(typed) => match self.action {
                Action::Get => typed.get(caller, request).await,
                Action::List => Box::pin(typed.list(caller, request)).await,
                Action::Create => Box::pin(typed.create(caller, request)).await,
                Action::Update => Box::pin(typed.update(caller, request)).await,
                Action::Apply => Box::pin(typed.apply(caller, request)).await,
                Action::Delete => Box::pin(typed.delete(caller, request)).await,
                Action::DeleteCollection => Box::pin(typed.delete_collection(caller, request)).await,
                Action::Types | Action::Patch | Action::Watch => return Err(unfit()),
            },
            Target::Generic(generic) => match self.action {
                Action::Types => Ok(generic.types()),
                Action::Get => generic.get(caller, request).await,
                Action::List => Box::pin(generic.list(caller, request)).await,
                Action::Create => Box::pin(generic.create(caller, request)).await,
                Action::Update => Box::pin(generic.update(caller, request)).await,
                Action::Apply => Box::pin(generic.apply(caller, request)).await,
                Action::Patch => Box::pin(generic.patch(caller, request)).await,
                Action::Delete => Box::pin(generic.delete(caller, request)).await,
                Action::DeleteCollection => Box::pin(generic.delete_collection(caller, request)).await,
                Action::Watch => return Err(unfit()),
            },
        };
        answer.map_err(|refusal| refusal.status(self.object()))
    }

    /// Does it, where it has many answers.
    pub(super) async fn watch(
        &self,
        caller: &Caller,
        request: Bytes,
    ) -> Result<BoxStream<'static, Result<Bytes, Status>>, Status> {
        let stream = match &self.target {
            Target::Typed(typed) => Arc::clone(typed).watch(caller, request).await,
            Target::Generic(generic) => Arc::clone(generic).watch(caller, request).await,
        };
        stream.map_err(|refusal| refusal.status(self.object()))
    }

    /// The field of the request that has a resource, as errors name it. The JSON of the service for any kind has names of its own.
    fn object(&self) -> &'static str {
        match &self.target {
            Target::Typed(typed) => typed.object,
            Target::Generic(_) => "",
        }
    }
}

/// What no path leads to.
fn unfit() -> Status {
    Status::unimplemented("there is no such method")
}
