//! Log lines, on standard error.

mod budget;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use backstay_guard::LogSwitch;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::budget::Budget;

/// Form of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For a person
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Begins to log what RUST_LOG names, or `level` and above where it names nothing, and of each kind at most so many `lines` a second (0:
/// all). Yields what turns the level to something else for a while.
///
/// # Errors
/// When RUST_LOG is not understood.
pub(crate) fn start(format: LogFormat, lines: u32, level: &str) -> Result<LogSwitch> {
    let wanted = std::env::var("RUST_LOG").ok().filter(|wanted| !wanted.is_empty());
    let first = wanted.unwrap_or_else(|| level.to_owned());
    let filter = EnvFilter::try_new(&first).context("RUST_LOG")?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => {
            let subscriber = subscriber.with_ansi(crate::output::Paint::stderr().is_on()).with_filter_reloading();
            let handle = subscriber.reload_handle();
            subscriber.finish().with(Budget::new(lines)).try_init().map_err(|error| anyhow!(error))?;
            Ok(switch(first, move |filter| handle.reload(filter).map_err(|error| error.to_string())))
        }
        LogFormat::Json => {
            let subscriber = subscriber.json().flatten_event(true).with_filter_reloading();
            let handle = subscriber.reload_handle();
            subscriber.finish().with(Budget::new(lines)).try_init().map_err(|error| anyhow!(error))?;
            Ok(switch(first, move |filter| handle.reload(filter).map_err(|error| error.to_string())))
        }
    }
}

/// A switch that goes back to `first` by itself, unless it has been turned again meanwhile.
fn switch(first: String, reload: impl Fn(EnvFilter) -> Result<(), String> + Send + Sync + 'static) -> LogSwitch {
    let reload = Arc::new(reload);
    let turns = Arc::new(AtomicU64::new(0));
    LogSwitch::new(move |level: &str, time: Duration| {
        let filter = EnvFilter::try_new(level).map_err(|error| error.to_string())?;
        reload(filter)?;
        let turn = turns.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::info!(level, seconds = time.as_secs(), "logging is turned for a while");
        let (reload, turns, first) = (Arc::clone(&reload), Arc::clone(&turns), first.clone());
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            if turns.load(Ordering::Relaxed) == turn
                && let Err(error) =
                    EnvFilter::try_new(&first).map_err(|error| error.to_string()).and_then(|filter| reload(filter))
            {
                tracing::error!(error, "logging could not be turned back");
            }
        });
        Ok(())
    })
}
