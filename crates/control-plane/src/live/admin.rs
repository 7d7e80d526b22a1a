//! Those who look, on the API address.

use std::sync::Arc;
use std::time::Duration;

use backstay_admin::Access;
use backstay_live::{Filter, FilterError, Tables};
use backstay_proto::live::attend_response::Command;
use backstay_proto::live::live_service_server::{LiveService, LiveServiceServer};
use backstay_proto::live::{
    AttendRequest, TopTable, WatchTapRequest, WatchTapResponse, WatchTopRequest, WatchTopResponse,
};
use backstay_resources::Verb;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tonic::{Request, Response, Status};

use super::{Attendance, Looker, Shown};
use crate::access::annotate;

/// How long what proxies tell of an interval may be on its way.
const SETTLE: Duration = Duration::from_millis(300);

/// Answers those who look.
#[derive(Clone)]
pub(crate) struct LiveAdmin {
    pub(crate) attendance: Arc<Attendance>,
    pub(crate) stop: watch::Receiver<bool>,
}

impl LiveAdmin {
    /// The service, to be routed.
    pub(crate) fn service(self) -> LiveServiceServer<Self> {
        LiveServiceServer::new(self)
    }

    /// Begins to look, once it is clear that the caller may, and writes down what is looked at.
    async fn begin<T>(
        &self,
        request: &Request<T>,
        (parent, proxy): (&str, &str),
        command: Command,
    ) -> Result<(Looker, Option<String>), Status> {
        let fleet = match parent {
            "" | "fleets/-" => None,
            _ => match parent.strip_prefix("fleets/") {
                Some(name) if !name.is_empty() && !name.contains('/') => Some(name.to_owned()),
                _ => return Err(backstay_admin::bad_field("parent", "must be fleets/NAME, or fleets/- for all")),
            },
        };
        let access = Access {
            verb: Verb::Watch,
            group: "backstay.dev",
            resource: "proxies",
            subresource: "tap",
            namespace: "",
            name: fleet.as_deref().unwrap_or_default(),
        };
        backstay_admin::check(request.extensions(), &access).await?;
        annotate(request.extensions(), "backstay.dev/live", &told(parent, proxy, &command));
        let only = Some(proxy.to_owned()).filter(|proxy| !proxy.is_empty());
        let of = match (&fleet, &only) {
            (_, Some(proxy)) => format!("proxy {proxy:?}"),
            (Some(fleet), None) => format!("proxy of the fleet {fleet:?}"),
            (None, None) => "proxy".to_owned(),
        };
        let looked = self.attendance.look(fleet, only, command);
        let (looker, proxies) = looked.map_err(|beyond| Status::resource_exhausted(beyond.to_string()))?;
        let nobody = || format!("no {of} is connected; what comes is shown");
        Ok((looker, (proxies == 0).then(nobody)))
    }
}

/// What is looked at, for the audit log.
fn told(parent: &str, proxy: &str, command: &Command) -> String {
    let (what, filter) = match command {
        Command::Tap(tap) => ("tap", tap.filter.as_ref()),
        Command::Top(top) => ("top", top.filter.as_ref()),
        Command::Stop(_) => ("stop", None),
    };
    let mut told = format!("{what} {}", if parent.is_empty() { "fleets/-" } else { parent });
    let none = backstay_proto::live::Filter::default();
    let filter = filter.unwrap_or(&none);
    let parts = [
        ("proxy", proxy),
        ("backend", &filter.backend),
        ("route", &filter.route),
        ("path", &filter.path),
        ("status", &filter.status),
        ("method", &filter.method),
    ];
    for (name, value) in parts.into_iter().filter(|(_, value)| !value.is_empty()) {
        told.push_str(&format!(" {name}={value:?}"));
    }
    if filter.min_duration_ms > 0 {
        told.push_str(&format!(" min-duration={}ms", filter.min_duration_ms));
    }
    if !filter.headers.is_empty() {
        told.push_str(&format!(" headers={:?}", filter.headers.join(",")));
    }
    told
}

fn fault(error: &FilterError) -> Status {
    backstay_admin::bad_field(error.field, error.rule)
}

#[tonic::async_trait]
impl LiveService for LiveAdmin {
    type WatchTapStream = BoxStream<'static, Result<WatchTapResponse, Status>>;
    type WatchTopStream = BoxStream<'static, Result<WatchTopResponse, Status>>;

    async fn watch_tap(&self, request: Request<WatchTapRequest>) -> Result<Response<Self::WatchTapStream>, Status> {
        let WatchTapRequest { parent, proxy, tap } = request.get_ref().clone();
        let mut tap = tap.unwrap_or_default();
        let filter = tap.filter.clone().unwrap_or_default();
        Filter::read(&filter).map_err(|error| fault(&error))?;
        tap.limit = backstay_live::limit(tap.limit).map_err(|error| fault(&error))?;
        let (looker, nobody) = self.begin(&request, (&parent, &proxy), Command::Tap(tap)).await?;
        let first = stream::iter(nobody.map(|notice| Ok(WatchTapResponse { notice, ..WatchTapResponse::default() })));
        let shown = stream::unfold((looker, self.stop.clone()), |(mut looker, mut stop)| async move {
            let shown = tokio::select! {
                shown = looker.next() => shown?,
                _ = stop.wait_for(|stop| *stop) => return None,
            };
            let mut response = match shown {
                Shown::Message(node, AttendRequest { requests, missed, refused, .. }) => {
                    let mut requests = requests;
                    requests.iter_mut().for_each(|request| node.as_ref().clone_into(&mut request.proxy));
                    WatchTapResponse { requests, missed, notice: refusal(&node, &refused) }
                }
                other => WatchTapResponse { notice: notice(&other), ..WatchTapResponse::default() },
            };
            response.missed = response.missed.saturating_add(looker.missed());
            Some((Ok(response), (looker, stop)))
        });
        Ok(Response::new(first.chain(shown).boxed()))
    }

    async fn watch_top(&self, request: Request<WatchTopRequest>) -> Result<Response<Self::WatchTopStream>, Status> {
        let WatchTopRequest { parent, proxy, top } = request.get_ref().clone();
        let mut top = top.unwrap_or_default();
        let filter = top.filter.clone().unwrap_or_default();
        Filter::read(&filter).map_err(|error| fault(&error))?;
        top.interval_ms = backstay_live::interval(top.interval_ms).map_err(|error| fault(&error))?;
        let every = Duration::from_millis(top.interval_ms.into());
        let (looker, nobody) = self.begin(&request, (&parent, &proxy), Command::Top(top)).await?;
        let first = stream::iter(nobody.map(|notice| Ok(WatchTopResponse { table: None, notice })));
        // A little after those of the proxies, so that what they tell of an interval is there when it is summed up.
        let mut ticks = interval_at(Instant::now() + every + (every / 4).min(SETTLE), every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let state = Summing { looker, ticks, tables: Tables::default(), stop: self.stop.clone() };
        let shown = stream::unfold(state, |mut summing| async move {
            let response = summing.next().await?;
            Some((Ok(response), summing))
        });
        Ok(Response::new(first.chain(shown).boxed()))
    }
}

/// Adds up what proxies show in an interval.
struct Summing {
    looker: Looker,
    ticks: Interval,
    tables: Tables,
    stop: watch::Receiver<bool>,
}

impl Summing {
    async fn next(&mut self) -> Option<WatchTopResponse> {
        loop {
            let shown = tokio::select! {
                _ = self.ticks.tick() => {
                    let table = std::mem::take(&mut self.tables).sum();
                    return Some(WatchTopResponse { table: Some(table), notice: String::new() });
                }
                shown = self.looker.next() => shown?,
                _ = self.stop.wait_for(|stop| *stop) => return None,
            };
            match shown {
                Shown::Message(node, AttendRequest { table: Some(table), .. }) => self.add(&node, &table),
                Shown::Message(_, AttendRequest { refused, .. }) if refused.is_empty() => {}
                Shown::Message(node, AttendRequest { refused, .. }) => {
                    return Some(WatchTopResponse { table: None, notice: refusal(&node, &refused) });
                }
                other => return Some(WatchTopResponse { table: None, notice: notice(&other) }),
            }
        }
    }

    fn add(&mut self, node: &str, table: &TopTable) {
        self.tables.add(node, table);
    }
}

fn refusal(node: &str, why: &str) -> String {
    if why.is_empty() { String::new() } else { format!("proxy {node:?} shows nothing: {why}") }
}

fn notice(shown: &Shown) -> String {
    match shown {
        Shown::Came(node) => format!("proxy {node:?} came"),
        Shown::Went(node) => format!("proxy {node:?} went"),
        Shown::Message(..) => String::new(),
    }
}
