//! The same through the control plane, of as many proxies as are asked for.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Result, anyhow};
use backstay_proto::live::live_service_client::LiveServiceClient;
use backstay_proto::live::{WatchTapRequest, WatchTapResponse, WatchTopRequest, WatchTopResponse};
use tonic::{Code, Request, Status, Streaming};

use super::{Asked, Shown};
use crate::client::Client;

/// To connect, and for the answer to begin.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of one message: a table of as many rows as there may be.
const MAX_MESSAGE: usize = 64 << 20;

/// What proxies show.
pub(crate) struct Stream {
    answers: Answers,
    ready: VecDeque<Shown>,
}

enum Answers {
    Tap(Streaming<WatchTapResponse>),
    Top(Streaming<WatchTopResponse>),
}

impl Stream {
    /// Begins to look.
    pub(super) async fn open(client: &Client, parent: String, proxy: String, asked: Asked) -> Result<Self> {
        let (channel, token) = client.channel(TIMEOUT).await?;
        let mut live = LiveServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
        let server = client.server().to_string();
        let refused = |status: Status| match status.code() {
            Code::Unimplemented => {
                anyhow!("the control plane at {server} has neither top nor tap: it is older than this")
            }
            Code::PermissionDenied => anyhow!(
                "{} (the role backstay:tap allows it: `watch` on `proxies/tap` of backstay.dev)",
                status.message()
            ),
            _ => anyhow!("the control plane at {server} shows nothing: {}", status.message()),
        };
        let answers = match asked {
            Asked::Tap(tap) => {
                let mut request = Request::new(WatchTapRequest { parent, proxy, tap: Some(tap) });
                request.metadata_mut().extend_token(token);
                Answers::Tap(live.watch_tap(request).await.map_err(refused)?.into_inner())
            }
            Asked::Top(top) => {
                let mut request = Request::new(WatchTopRequest { parent, proxy, top: Some(top) });
                request.metadata_mut().extend_token(token);
                Answers::Top(live.watch_top(request).await.map_err(refused)?.into_inner())
            }
        };
        Ok(Self { answers, ready: VecDeque::new() })
    }

    pub(super) async fn next(&mut self) -> Result<Option<Shown>> {
        loop {
            if let Some(shown) = self.ready.pop_front() {
                return Ok(Some(shown));
            }
            let broke = |status: Status| anyhow!("the control plane ended it: {}", status.message());
            match &mut self.answers {
                Answers::Tap(answers) => {
                    let Some(answer) = answers.message().await.map_err(broke)? else { return Ok(None) };
                    let WatchTapResponse { requests, missed, notice } = answer;
                    self.ready.extend(requests.into_iter().map(|request| Shown::Request(Box::new(request))));
                    self.ready.extend((missed > 0).then_some(Shown::Missed(missed)));
                    self.ready.extend((!notice.is_empty()).then_some(Shown::Notice(notice)));
                }
                Answers::Top(answers) => {
                    let Some(answer) = answers.message().await.map_err(broke)? else { return Ok(None) };
                    let WatchTopResponse { table, notice } = answer;
                    self.ready.extend((!notice.is_empty()).then_some(Shown::Notice(notice)));
                    self.ready.extend(table.map(Shown::Table));
                }
            }
        }
    }
}

/// Who asks, with a call.
trait ExtendToken {
    fn extend_token(&mut self, token: Option<tonic::metadata::AsciiMetadataValue>);
}

impl ExtendToken for tonic::metadata::MetadataMap {
    fn extend_token(&mut self, token: Option<tonic::metadata::AsciiMetadataValue>) {
        if let Some(token) = token {
            self.insert("authorization", token);
        }
    }
}
