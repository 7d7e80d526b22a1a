//! Which method does what.

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;

use backstay_kube::Operations;
use backstay_resources::{Kind, apoxy, backstay, core, gateway};
use bytes::Bytes;
use futures::TryFutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use prost_reflect::DescriptorPool;
use tonic::Status;

use crate::access::Caller;
use crate::answer::Answer;
use crate::generic::Generic;
use crate::meter::Counters;
use crate::options::Options;
use crate::refusal::Refusal;
use crate::transcode::shape::{ResourceShape, ShapeError};
use crate::typed::{Kept, Typed};

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
            let typed = Arc::new(Typed {
                operations: operations.clone(),
                options,
                served,
                shape,
                object,
                kept: Kept::default(),
            });
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

    /// Does it. Boxed, so that what goes around it does not move about all that it takes.
    pub(super) fn call<'a>(&'a self, caller: &'a Caller, request: Bytes) -> BoxFuture<'a, Result<Answer, Status>> {
        match &self.target {
            Target::Typed(typed) => match self.action {
                Action::Get => self.done(typed.get(caller, request)),
                Action::List => self.done(typed.list(caller, request)),
                Action::Create => self.done(typed.create(caller, request)),
                Action::Update => self.done(typed.update(caller, request)),
                Action::Apply => self.done(typed.apply(caller, request)),
                Action::Delete => self.done(typed.delete(caller, request)),
                Action::DeleteCollection => self.done(typed.delete_collection(caller, request)),
                Action::Types | Action::Patch | Action::Watch => Box::pin(ready(Err(unfit()))),
            },
            Target::Generic(generic) => match self.action {
                Action::Types => Box::pin(ready(Ok(generic.types()))),
                Action::Get => self.done(generic.get(caller, request)),
                Action::List => self.done(generic.list(caller, request)),
                Action::Create => self.done(generic.create(caller, request)),
                Action::Update => self.done(generic.update(caller, request)),
                Action::Apply => self.done(generic.apply(caller, request)),
                Action::Patch => self.done(generic.patch(caller, request)),
                Action::Delete => self.done(generic.delete(caller, request)),
                Action::DeleteCollection => self.done(generic.delete_collection(caller, request)),
                Action::Watch => Box::pin(ready(Err(unfit()))),
            },
        }
    }

    fn done<'a>(
        &'a self,
        work: impl Future<Output = Result<Answer, Refusal>> + Send + 'a,
    ) -> BoxFuture<'a, Result<Answer, Status>> {
        Box::pin(work.map_err(|refusal| refusal.status(self.object())))
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
