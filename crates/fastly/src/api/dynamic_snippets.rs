//! What dynamic snippets say. It needs no version; like all VCL it is stored and not run.

use backstay_resources::Timestamp;
use http::Method;
use serde_json::{Value, json};

use super::acl_entries::ListPlace;
use super::failure::Failure;
use super::record;
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use crate::object::DynamicSnippet;

/// The longest text, in bytes.
const MAX_CONTENT: usize = 1024 * 1024;

/// Answers for `/service/ID/snippet/ID`.
pub(crate) async fn handle(api: &Api, call: &Call, place: ListPlace<'_>) -> Result<Reply, Failure> {
    let absent = || Failure::not_found("Snippet", &[("id", place.id), ("service", place.service)]);
    match call.method {
        Method::GET => {
            let snapshot = api.snapshot().await?;
            let service = record::service(&snapshot, &call.identity, place.service)?;
            let snippet = service.spec.dynamic_snippets.get(place.id).ok_or_else(absent)?;
            Ok(Reply::new(render(place, snippet)))
        }
        Method::PUT => {
            let content = call.fields.text("content").unwrap_or_default();
            if content.len() > MAX_CONTENT {
                return Err(Failure::bad_request(format!("Content is longer than {MAX_CONTENT} bytes")));
            }
            api.change(place.service, |snapshot| {
                let mut service = record::service(snapshot, &call.identity, place.service)?;
                let snippet = service.spec.dynamic_snippets.get_mut(place.id).ok_or_else(absent)?;
                content.clone_into(&mut snippet.content);
                snippet.updated_at = Some(Timestamp::now());
                let answer = render(place, snippet);
                Ok((vec![service.put()?], Reply::new(answer)))
            })
            .await
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

fn render(place: ListPlace<'_>, snippet: &DynamicSnippet) -> Value {
    let DynamicSnippet { content, created_at, updated_at } = snippet;
    json!({
        "service_id": place.service, "snippet_id": place.id, "content": content, "created_at": created_at,
        "updated_at": updated_at,
    })
}
