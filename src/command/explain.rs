//! `backstay explain`.

mod search;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use backstay_control_plane::{compile, registry};
use backstay_resources::check::admit;
use backstay_resources::{Kind, Object};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde_json::Value;

use self::search::{Asked, Finding, Search};
use crate::client::{Client, Discovery, JSON, PAGE, Segment, ServerArgs, escape};
use crate::command::check::faults::with_namespace;
use crate::command::check::tell;
use crate::manifest::{FileArgs, KrakendArgs};
use crate::output::{self, Paint};

/// Say which listener, route, rule and backend would serve a request, and why not others
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The answer is made of what is stored, or with -f of manifests alone, by the compiler and the tables that proxies use. No request \
is sent. The exit code is 1 when the answer would be the proxy's own, such as 404.

Examples:
  backstay explain http://shop.example.com:8080/cart
  backstay explain -f manifests/ https://shop.example.com/cart --method POST --header 'x-canary: 1'")]
pub(crate) struct Args {
    /// What a client would ask for: scheme, host, port and path
    #[arg(value_name = "URL", value_parser = url)]
    url: Uri,
    /// Method of the request
    #[arg(long, default_value = "GET")]
    method: Method,
    /// A header of the request; may be repeated
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Only this fleet
    #[arg(long, value_name = "NAME")]
    fleet: Option<Segment>,
    #[command(flatten)]
    files: FileArgs,
    /// Namespace of objects in files that name none [default: default]
    #[arg(short, long, value_name = "NAME", requires = "paths")]
    namespace: Option<Segment>,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn url(text: &str) -> Result<Uri, String> {
    let url: Uri = text.parse().map_err(|error| format!("it is no URL: {error}"))?;
    match (url.scheme_str(), url.host()) {
        (Some("http" | "https"), Some(_)) => Ok(url),
        (Some(other), Some(_)) => Err(format!("the scheme {other} is neither http nor https")),
        _ => Err("it has no scheme and host: write it as http://HOST:PORT/PATH".to_owned()),
    }
}

pub(crate) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("it must be NAME: VALUE")?;
    let name = name.trim().parse().map_err(|_| format!("{name:?} is not a name of a header"))?;
    let value = value.trim().parse().map_err(|_| format!("{value:?} is not a value of a header"))?;
    Ok((name, value))
}

type Objects = Vec<(&'static Kind, Object)>;

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let mut headers = HeaderMap::new();
        headers.extend(self.headers.iter().cloned());
        let asked = asked(&self.url, self.method.clone(), headers);
        let objects = if self.files.paths.is_empty() {
            stored(&self.server.client()?).await?
        } else {
            match self.written() {
                Some(objects) => objects,
                None => return Ok(ExitCode::FAILURE),
            }
        };
        let search = Search::new(compile(objects.clone()), objects);
        let mut serves = false;
        for fleet in search.fleets().filter(|fleet| self.fleet.as_ref().is_none_or(|only| only.as_str() == *fleet)) {
            output::line(Paint::stdout().bold(&format!("fleet {fleet}")))?;
            for Finding { indent, text, good } in search.explain(fleet, &asked) {
                let text = match good {
                    Some(true) => Paint::stdout().good(&text),
                    Some(false) => Paint::stdout().bad(&text),
                    None => text,
                };
                output::line(format_args!("{:width$}{text}", "", width = 2 * indent))?;
                serves |= good == Some(true) && indent == search::DESTINATION;
            }
        }
        let faults = search.faults();
        if !faults.is_empty() {
            output::line(Paint::stdout().bold("\nnot in force"))?;
            faults.iter().try_for_each(|fault| output::line(format_args!("  {fault}")))?;
        }
        Ok(if serves { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The objects of the manifests. `None` when anything is wrong with them, which is printed.
    fn written(&self) -> Option<Objects> {
        let manifests = self.files.read(&KrakendArgs::default());
        let mut problems = manifests.problems;
        let mut objects = Vec::new();
        for document in &manifests.documents {
            let Some(kind) = document.kind() else { continue };
            match admit(kind, with_namespace(kind, document, self.namespace.as_ref()), None) {
                Ok(admitted) => objects.push((kind, admitted.object)),
                Err(errors) => problems
                    .extend(errors.iter().map(|error| document.problem(error.path.as_str(), error.message.as_str()))),
            }
        }
        if problems.is_empty() {
            return Some(objects);
        }
        tell(problems);
        None
    }
}

/// A request to `url`.
fn asked(url: &Uri, method: Method, headers: HeaderMap) -> Asked {
    let is_tls = url.scheme_str() == Some("https");
    let host = url.host().unwrap_or_default();
    Asked {
        is_tls,
        host: host.trim_matches(['[', ']']).trim_end_matches('.').to_lowercase(),
        port: url.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
        method,
        path: url.path().to_owned(),
        query: url.query().map(str::to_owned),
        headers,
    }
}

/// What would serve a request in a fleet: how far each step is on its way, what is said, and whether it is taken.
pub(crate) struct Explained {
    pub(crate) fleet: String,
    pub(crate) steps: Vec<(usize, String, Option<bool>)>,
}

/// What would serve a request, of what is stored; and what is not in force.
///
/// # Errors
/// When the control plane cannot be asked.
pub(crate) async fn of_stored(
    client: &Client,
    url: &Uri,
    method: Method,
    headers: HeaderMap,
) -> Result<(Vec<Explained>, Vec<String>)> {
    let objects = stored(client).await?;
    let asked = asked(url, method, headers);
    // Compiling takes as long as there is to compile.
    let explained = tokio::task::spawn_blocking(move || {
        let search = Search::new(compile(objects.clone()), objects);
        let explain = |fleet: &str| {
            let steps = search.explain(fleet, &asked).into_iter();
            let steps = steps.map(|Finding { indent, text, good }| (indent, text, good)).collect();
            Explained { fleet: fleet.to_owned(), steps }
        };
        let explained: Vec<_> = search.fleets().map(explain).collect();
        (explained, search.faults().iter().map(ToString::to_string).collect())
    });
    Ok(explained.await?)
}

/// All that is stored and compiled.
async fn stored(client: &Client) -> Result<Objects> {
    let discovery = Discovery::load(client).await?;
    let mut objects = Vec::new();
    let mut seen = BTreeSet::new();
    for resource in discovery.all().filter(|resource| seen.insert(resource.label())) {
        let Some(kind) = registry().by_kind(&resource.api_version(), resource.kind()) else { continue };
        let mut query = format!("limit={PAGE}");
        loop {
            let list = client.get(&format!("{}?{query}", resource.collection(None)), JSON).await?;
            for item in list["items"].as_array().into_iter().flatten() {
                let object =
                    serde_json::from_value(item.clone()).with_context(|| format!("a {} that is stored", kind.kind))?;
                objects.push((kind, object));
            }
            match list["metadata"]["continue"].as_str().filter(|next| !next.is_empty()) {
                Some(next) => query = format!("limit={PAGE}&continue={}", escape(next)),
                None => break,
            }
        }
    }
    Ok(objects)
}

/// The endpoints of a Backend, as it has them.
fn endpoints(backend: &Object) -> String {
    let spec = backend.body.get("spec");
    let endpoints = spec.and_then(|spec| spec["endpoints"].as_array()).map(Vec::as_slice).unwrap_or_default();
    let name = |endpoint: &Value| {
        let text = endpoint["ip"].as_str().or_else(|| endpoint["fqdn"].as_str());
        text.unwrap_or("?").to_owned()
    };
    let names: Vec<_> = endpoints.iter().map(name).collect();
    if spec.is_some_and(|spec| spec.get("dynamicProxy").is_some_and(|dynamic| !dynamic.is_null())) {
        return "the host of the request, looked up".to_owned();
    }
    if names.is_empty() { "no endpoint".to_owned() } else { names.join(", ") }
}
