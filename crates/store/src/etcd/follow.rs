//! Following what happens, over whichever member tells it.

use std::sync::Arc;
use std::time::Duration;

use backstay_proto::etcd::etcdserverpb::{WatchCreateRequest, WatchRequest, watch_request};

use super::client::{Client, Told};
use super::keys::{Keys, Unreadable};
use super::load;
use super::options::EtcdOptions;
use super::view::View;
use crate::EtcdError;

/// The pause after a stream ended, before the next.
const PAUSE: Duration = Duration::from_millis(100);

/// The pause before it is tried again to read what could not be unsealed: the file of keys may be a new one by then.
const UNREADABLE_PAUSE: Duration = Duration::from_secs(1);

/// Why a stream ended.
enum Ended {
    /// The next one goes on where it was.
    Broken(EtcdError),
    /// What the view has not heard of yet has been forgotten, or never was.
    Lost(String),
    /// Something has happened that cannot be unsealed.
    Unreadable(Unreadable),
}

/// Keeps the view up, for ever.
pub(super) async fn follow(client: Arc<Client>, keys: Keys, view: Arc<View>, options: EtcdOptions) {
    let mut away = false;
    // What could not be unsealed last, once the object that it is of can be read as it is now.
    let mut superseded = None;
    loop {
        let ended = stream(&client, &keys, &view, &mut away).await;
        match ended {
            Ended::Broken(error) => {
                if !std::mem::replace(&mut away, true) {
                    tracing::warn!(%error, "what happens in etcd is not heard of; what is known is served");
                }
            }
            Ended::Lost(why) => anew(&client, &keys, &view, &options, &why).await,
            Ended::Unreadable(unreadable) if superseded.take().as_ref() == Some(&unreadable.key) => {
                anew(&client, &keys, &view, &options, "what cannot be unsealed has been superseded").await;
            }
            Ended::Unreadable(unreadable) => {
                let key = unreadable.key.clone();
                let error = EtcdError::from(unreadable);
                if view.set_stuck(Some(error.clone())) {
                    tracing::error!(
                        %error,
                        "what happens in etcd cannot be read; what is known is served, and nothing is written"
                    );
                }
                tokio::time::sleep(UNREADABLE_PAUSE).await;
                // With a key that has come by now it goes on where it was. If it does not then, what was written later is read in its place.
                superseded = load::is_readable(&client, &keys, &options, &key).await.then_some(key);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Begins anew with all there is.
async fn anew(client: &Client, keys: &Keys, view: &View, options: &EtcdOptions, why: &str) {
    match load::load(client, keys, options).await {
        Ok(load::Loaded { snapshot, at, bases }) => {
            let (revision, objects) = (snapshot.revision(), snapshot.len());
            tracing::warn!(why, revision, objects, "everything was read from etcd anew");
            view.restart(snapshot, bases, at);
            view.set_stuck(None);
        }
        Err(error) => tracing::warn!(%error, why, "etcd cannot be read anew"),
    }
}

async fn stream(client: &Client, keys: &Keys, view: &View, away: &mut bool) -> Ended {
    let (key, range_end) = keys.all_objects();
    let start_revision = view.heard() + 1;
    let create =
        WatchCreateRequest { key, range_end, start_revision, progress_notify: true, prev_kv: false, fragment: true };
    let request = WatchRequest { request_union: Some(watch_request::RequestUnion::CreateRequest(create)) };
    let mut told = match client.watch(request).await {
        Ok(told) => told,
        Err(failure) => return Ended::Broken(failure.into_error()),
    };
    let ended = read(&mut told, keys, view, away, start_revision).await;
    if let Ended::Broken(_) = ended {
        client.failed(told.member);
    }
    ended
}

async fn read(told: &mut Told, keys: &Keys, view: &View, away: &mut bool, start_revision: i64) -> Ended {
    let mut gathered = Vec::new();
    loop {
        let response = match told.next().await {
            Ok(response) => response,
            Err(error) => return Ended::Broken(error),
        };
        if response.compact_revision > 0 {
            return Ended::Lost("etcd has forgotten what happened meanwhile".to_owned());
        }
        if response.canceled {
            return Ended::Broken(EtcdError::new(
                "",
                format!("the stream of events was cancelled: {}", response.cancel_reason),
            ));
        }
        let now = response.header.as_ref().map_or(0, |header| header.revision);
        // Of a member that was set back, such as from a backup: what it says of the present is before what is known.
        if response.created && now + 1 < start_revision {
            return Ended::Lost(format!("etcd is at revision {now}, and was at {} before", start_revision - 1));
        }
        if response.created && std::mem::take(away) {
            tracing::info!("what happens in etcd is heard of again");
        }
        // Told from time to time while nothing happens. What was forgotten meanwhile need not be asked for.
        if !response.created && response.events.is_empty() && gathered.is_empty() {
            view.hear(now);
        }
        gathered.extend(response.events);
        if !response.fragment && !gathered.is_empty() {
            if let Err(unreadable) = view.follow(keys, &std::mem::take(&mut gathered)) {
                return Ended::Unreadable(unreadable);
            }
            if view.set_stuck(None) {
                tracing::info!("what happens in etcd can be read again");
            }
        }
    }
}
