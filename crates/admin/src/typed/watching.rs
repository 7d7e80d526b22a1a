//! Following the resources of a kind.

use std::sync::Arc;

use backstay_kube::Failure;
use backstay_kube::operations::{Following, Notice};
use backstay_resources::Verb;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use prost::Message as _;
use tonic::Status;

use super::{Typed, namespace, paths, requests};
use crate::access::Caller;
use crate::events::{Told, Until};
use crate::filter::Filter;
use crate::refusal::Refusal;
use crate::status;
use crate::transcode::mask::ReadMask;
use crate::transcode::wire;

impl Typed {
    /// `Watch…`
    pub(crate) async fn watch(
        self: Arc<Self>,
        caller: &Caller,
        request: Bytes,
    ) -> Result<BoxStream<'static, Result<Bytes, Status>>, Refusal> {
        let request = requests::Watch::decode(request)?;
        let collection = self.collection(&request.parent)?;
        caller.may(Verb::Watch, &self.served, namespace(&collection), "", "").await?;
        let mask = ReadMask::parse(&self.shape, paths(request.read_mask.as_ref()))?;
        let Filter { labels, fields } = Filter::parse(self.served.kind, &request.filter)?;
        let after = Some(request.revision).filter(|revision| *revision != 0);
        let following = Following { labels, fields, after, bookmarks: request.bookmarks };
        let notices = caller.on(&self.operations).watch(&collection, &following).await?;
        Ok(self.told(notices, mask, Until::new(after.is_none())).boxed())
    }

    fn told(
        self: Arc<Self>,
        notices: impl Stream<Item = Result<Notice, Failure>> + Send + 'static,
        mask: Option<ReadMask>,
        mut until: Until,
    ) -> impl Stream<Item = Result<Bytes, Status>> + Send + 'static {
        notices.map(move |notice| {
            let told = notice.map(|notice| until.tell(notice));
            let told = told.and_then(|told| self.event(&told, mask.as_ref()));
            told.map(Bytes::from).map_err(|failure| status::of(&failure, self.object))
        })
    }

    fn event(&self, told: &Told, mask: Option<&ReadMask>) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::with_capacity(told.entry.as_ref().map_or(0, |(entry, _)| entry.value.len()) + 32);
        wire::number(1, told.kind as i32 as u64, &mut out);
        if let Some((entry, revision)) = &told.entry {
            let open = wire::open(2, &mut out);
            self.write(&entry.value.bytes(), *revision, mask, &mut out)?;
            wire::close(&open, &mut out);
        }
        if told.revision != 0 {
            wire::number(3, told.revision, &mut out);
        }
        Ok(out)
    }
}
