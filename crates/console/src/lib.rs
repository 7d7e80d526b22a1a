//! The web console: pages that a program on the user's own machine makes of what the API tells that user.
//!
//! It listens on loopback, lets in whoever has followed its link, and asks the API with the user's own credential, so that roles and the
//! audit log hold as for kubectl. Nothing is kept but a few minutes of figures. Pages are whole without JavaScript, except the tap.
//!
//! # Layout
//!
//! From the bottom up:
//!
//! - `html`: markup, in which every value is escaped. `assets`: the files that go with it. `plot`, `diff`: drawings, and what changed.
//! - `api`: what is asked of the API. `traffic`: figures of the last minutes.
//! - `tables`: rows of the server's tables, searched, sorted and in pages.
//! - `explanation`: which rule would serve a request, as whoever starts the console answers it.
//! - `session`: who has followed the link. `app`: what pages share. `page`: the frame around each.
//! - `pages`: one by one. `routes`: which is where, and what every answer has.

mod api;
mod app;
mod assets;
mod diff;
mod explanation;
mod html;
mod page;
mod pages;
mod plot;
mod routes;
mod session;
mod tables;
mod traffic;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use backstay_api_client::Target;
use backstay_guard::{Exposed, check_address};
use tokio::net::TcpListener;

pub use self::explanation::{Answer, Explain, Question, Step, Way};

use self::api::Api;
use self::app::App;
use self::session::Sessions;
use self::traffic::Traffic;

/// How the console runs.
pub struct Options {
    /// Where it listens. Loopback alone.
    pub listen: SocketAddr,
    /// The API, and as whom it is asked.
    pub target: Target,
    /// Who answers which rule would serve a request.
    pub explain: Arc<dyn Explain>,
    /// Told of each link that lets somebody in: the first, and another once that was used.
    pub told: Arc<dyn Fn(&str) + Send + Sync>,
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Options").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// Why the console does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Others could reach it.
    #[error("{0}: the console acts for you, and is for this machine alone")]
    Exposed(Exposed),
    /// The address is taken, or none of this machine.
    #[error("the console cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// A console that listens.
pub struct Console {
    app: Arc<App>,
    listener: TcpListener,
    address: SocketAddr,
}

impl Console {
    /// Listens.
    ///
    /// # Errors
    /// When others could reach it, or the address is taken.
    pub async fn bind(options: Options) -> Result<Self, StartError> {
        let Options { listen, target, explain, told } = options;
        check_address("--listen", listen, "may act for whoever started it").map_err(StartError::Exposed)?;
        let failed = |source| StartError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let api = Arc::new(Api::new(target));
        let traffic = Arc::new(Traffic::new(Arc::clone(&api)));
        let sessions = Sessions::new(address);
        let app = Arc::new(App { api, traffic, explain, sessions, told, address });
        Ok(Self { app, listener, address })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The link that lets one browser in.
    #[must_use]
    pub fn link(&self) -> String {
        self.app.sessions.link()
    }

    /// Serves until it is dropped.
    ///
    /// # Errors
    /// What the system says when connections cannot be taken any more.
    pub async fn serve(self) -> io::Result<()> {
        let gathering = self.app.traffic.clone();
        let serving = axum::serve(self.listener, routes::router(self.app));
        tokio::select! {
            ended = serving.into_future() => ended,
            never = gathering.gather() => match never {},
        }
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Console").field("address", &self.address).finish_non_exhaustive()
    }
}
