//! What `backstay top` and `backstay tap` share: where they look, and at what.

mod admin;
mod control_plane;
pub(crate) mod show;

use anyhow::{Context as _, Result};
use backstay_live::Filter;
use backstay_proto::live::{self, Tap, TappedRequest, Top, TopTable};
use backstay_resources::GoDuration;
use http::Uri;

use crate::client::{Segment, ServerArgs};

/// Where is looked, and at what.
#[derive(Debug, clap::Args)]
pub(crate) struct LiveArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Ask one proxy at its admin address, such as http://127.0.0.1:9901, in place of the control plane
    #[arg(long, value_name = "URL", value_parser = admin_address, conflicts_with_all = ["fleet", "proxy"])]
    admin: Option<Uri>,
    /// Only this fleet
    #[arg(long, value_name = "NAME")]
    fleet: Option<Segment>,
    /// Only this proxy, as it calls itself
    #[arg(long, value_name = "ID")]
    proxy: Option<String>,
    /// Only requests to this backend
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Only requests that this route matched
    #[arg(long, value_name = "NAMESPACE/NAME")]
    route: Option<String>,
    /// Only paths that begin so
    #[arg(long, value_name = "/PATH")]
    path: Option<String>,
    /// Only this status or class; 0 for clients that left before there was one
    #[arg(long, value_name = "404|5xx|0")]
    status: Option<String>,
    /// Only requests with this method
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Only requests that took as long or longer
    #[arg(long, value_name = "DURATION")]
    min_duration: Option<GoDuration>,
}

/// What is shown next.
#[derive(Debug)]
pub(crate) enum Shown {
    /// A request that has ended.
    Request(Box<TappedRequest>),
    /// So many were not shown.
    Missed(u64),
    /// An interval.
    Table(TopTable),
    /// Something to know.
    Notice(String),
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) enum Asked {
    /// Requests.
    Tap(Tap),
    /// Figures.
    Top(Top),
}

/// Where it comes from.
pub(crate) enum Source {
    /// A proxy's own admin endpoint.
    Admin(admin::Events),
    /// The control plane.
    ControlPlane(control_plane::Stream),
}

impl LiveArgs {
    /// What requests are looked at.
    ///
    /// # Errors
    /// What of it cannot be used.
    pub(crate) fn filter(&self, headers: &[String]) -> Result<live::Filter> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let filter = live::Filter {
            backend: text(&self.backend),
            route: text(&self.route),
            path: text(&self.path),
            status: text(&self.status),
            min_duration_ms: self.min_duration.map_or(0, |time| u64::try_from(time.0.as_millis()).unwrap_or(u64::MAX)),
            method: text(&self.method),
            headers: headers.to_vec(),
        };
        Filter::read(&filter).map_err(|error| anyhow::anyhow!("--{error}"))?;
        Ok(filter)
    }

    /// Begins to look.
    ///
    /// # Errors
    /// When nobody can be asked, or whoever is asked refuses.
    pub(crate) async fn open(&self, asked: Asked) -> Result<Source> {
        if let Some(admin) = &self.admin {
            let events = admin::Events::open(admin, &asked).await;
            return events.map(Source::Admin).with_context(|| format!("the proxy at {admin}"));
        }
        let fleet = self.fleet.as_ref().map_or("-", Segment::as_str);
        let proxy = self.proxy.clone().unwrap_or_default();
        let client = self.server.client()?;
        control_plane::Stream::open(&client, format!("fleets/{fleet}"), proxy, asked).await.map(Source::ControlPlane)
    }
}

impl Source {
    /// What is shown next; `None` at the end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(crate) async fn next(&mut self) -> Result<Option<Shown>> {
        match self {
            Self::Admin(events) => events.next().await,
            Self::ControlPlane(stream) => stream.next().await,
        }
    }
}

fn admin_address(text: &str) -> Result<Uri, String> {
    let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let uri: Uri = full.parse().map_err(|_| ADMIN.to_owned())?;
    match (uri.scheme_str(), uri.host(), uri.path()) {
        (Some("http"), Some(host), "" | "/") if !host.is_empty() => Ok(uri),
        _ => Err(ADMIN.to_owned()),
    }
}

const ADMIN: &str = "it must be the address of a proxy's admin endpoint, such as http://127.0.0.1:9901";
