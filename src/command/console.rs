//! `backstay console`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use backstay_console::{Answer, Console, Explain, Options, Question, Step, Way};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderMap, Method, Uri};

use super::explain::{self, Explained};
use crate::client::{Client, ServerArgs};
use crate::output;
use crate::shutdown::{Hangup, Shutdown};

/// Serve the web console to a browser on this machine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The pages are made by this program, which asks the control plane as you: roles and the audit log hold as for kubectl. It listens on \
loopback alone, and lets in one browser for each link that it prints.

Examples:
  backstay console
  backstay console --kubeconfig production.yaml --listen 127.0.0.1:7090")]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    /// Address that the browser connects to; loopback only
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let mut shutdown = Shutdown::listen(Hangup::Ends)?;
        let console = bind(&self.server.client()?, self.listen).await?;
        output::line(console.link())?;
        output::error_line("Open this link in a browser on this machine; Ctrl-C ends it.");
        tokio::select! {
            served = console.serve() => served?,
            () = shutdown.requested() => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A console that asks as `client` does.
///
/// # Errors
/// When it cannot listen.
pub(crate) async fn bind(client: &Client, listen: SocketAddr) -> Result<Console> {
    let options = Options {
        listen,
        target: client.target(),
        explain: Arc::new(Stored(client.clone())),
        told: Arc::new(|link| {
            output::error_line(format_args!("A browser is in the console; a link for another: {link}"));
        }),
    };
    Ok(Console::bind(options).await?)
}

/// Explains what is stored.
struct Stored(Client);

impl Explain for Stored {
    fn explain(&self, question: Question) -> BoxFuture<'_, Answer> {
        async move {
            let (url, method, headers) = read(&question)?;
            let explained = explain::of_stored(&self.0, &url, method, headers).await;
            let (ways, faults) = explained.map_err(|error| output::sentence(&error))?;
            Ok((ways.into_iter().map(way).collect(), faults))
        }
        .boxed()
    }
}

fn way(Explained { fleet, steps }: Explained) -> Way {
    let step =
        |(depth, text, taken): (usize, String, Option<bool>)| Step { depth: depth.saturating_sub(1), text, taken };
    Way { fleet, steps: steps.into_iter().map(step).collect() }
}

fn read(question: &Question) -> Result<(Uri, Method, HeaderMap), String> {
    let url = explain::url(question.url.trim())?;
    let method = question.method.trim().to_ascii_uppercase();
    let method = method.parse().map_err(|_| format!("{method:?} is no method"))?;
    let mut headers = HeaderMap::new();
    for line in question.headers.lines().filter(|line| !line.trim().is_empty()) {
        let (name, value) = explain::header(line)?;
        headers.append(name, value);
    }
    Ok((url, method, headers))
}
