//! Get, list and watch.

use std::sync::Arc;

use backstay_kube::operations::{Following, Notice};
use backstay_kube::{Failure, Part, ServedKind};
use backstay_proto::admin::{
    GetResourceRequest, ListResourcesRequest, ListResourcesResponse, WatchResourcesRequest, WatchResourcesResponse,
};
use backstay_resources::Verb;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use prost::Message as _;
use tonic::Status;

use super::{Generic, may, may_all, read};
use crate::access::Caller;
use crate::answer::Answer;
use crate::events::Until;
use crate::filter::Filter;
use crate::paging::Paging;
use crate::refusal::Refusal;
use crate::status;

impl Generic {
    /// `GetResource`
    pub(crate) async fn get(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let GetResourceRequest { r#type, namespace, name, format } = read(request)?;
        let subject = self.subject(r#type.as_ref(), &namespace, &name, Part::Whole)?;
        may(caller, Verb::Get, &subject).await?;
        let stored = caller.on(&self.operations).get(&subject).await?;
        self.answer(&subject.served, &stored, format)
    }

    /// `ListResources`
    pub(crate) async fn list(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let request: ListResourcesRequest = read(request)?;
        let collection = self.collection(request.r#type.as_ref(), &request.namespace)?;
        may_all(caller, Verb::List, &collection).await?;
        let served = &collection.served;
        let paging = Paging { size: request.page_size, token: &request.page_token, order_by: &request.order_by };
        let filter = || Filter::parse(served.kind, &request.filter);
        let place = format!("{}/{}/json", served.resource, request.namespace);
        let listed =
            caller.on(&self.operations).list(&collection, &paging.listing(&self.options, filter()?, &place)?).await?;
        let entries = listed.entries.iter();
        let resources =
            entries.map(|entry| self.resource(served, &entry.value.bytes(), entry.modified, request.format));
        let response = ListResourcesResponse {
            resources: resources.collect::<Result<_, _>>()?,
            next_page_token: paging.next(&listed, &filter()?, &place),
            revision: listed.revision,
        };
        Ok(Answer::of(&response))
    }

    /// `WatchResources`
    pub(crate) async fn watch(
        self: Arc<Self>,
        caller: &Caller,
        request: Bytes,
    ) -> Result<BoxStream<'static, Result<Bytes, Status>>, Refusal> {
        let request: WatchResourcesRequest = read(request)?;
        let collection = self.collection(request.r#type.as_ref(), &request.namespace)?;
        may_all(caller, Verb::Watch, &collection).await?;
        let Filter { labels, fields } = Filter::parse(collection.served.kind, &request.filter)?;
        let after = Some(request.revision).filter(|revision| *revision != 0);
        let following = Following { labels, fields, after, bookmarks: request.bookmarks };
        let notices = caller.on(&self.operations).watch(&collection, &following).await?;
        Ok(self.told(notices, collection.served, request.format, Until::new(after.is_none())).boxed())
    }

    fn told(
        self: Arc<Self>,
        notices: impl Stream<Item = Result<Notice, Failure>> + Send + 'static,
        served: Arc<ServedKind>,
        format: i32,
        mut until: Until,
    ) -> impl Stream<Item = Result<Bytes, Status>> + Send + 'static {
        notices.map(move |notice| {
            let event = notice.and_then(|notice| {
                let told = until.tell(notice);
                let resource = told.entry.as_ref();
                let resource =
                    resource.map(|(entry, revision)| self.resource(&served, &entry.value.bytes(), *revision, format));
                let (resource, kind) = (resource.transpose()?, told.kind.into());
                Ok(WatchResourcesResponse { r#type: kind, resource, revision: told.revision })
            });
            event.map(|event| event.encode_to_vec().into()).map_err(|failure| status::of(&failure, ""))
        })
    }
}
