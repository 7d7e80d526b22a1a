//! What can be done with a VCL file besides reading and changing it.

use http::Method;
use serde_json::Value;

use super::failure::Failure;
use super::part::{asked_for, render};
use super::record::{self, Record, VersionMap};
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use super::versions::{Place, editable};
use crate::object::{Shape, shape_of};

fn shape() -> Result<&'static Shape, Failure> {
    shape_of("vcl").ok_or_else(Failure::method_not_allowed)
}

fn find(version: &Record<VersionMap>, shape: &Shape, place: Place<'_>, name: &str) -> Result<usize, Failure> {
    let number = place.number.to_string();
    let which = [("name", name), ("service", place.service), ("version", number.as_str())];
    asked_for(version.parts(shape.list), name, shape).ok_or_else(|| Failure::not_found(shape.label, &which))
}

/// Makes a file the main one: `…/vcl/NAME/main`.
pub(crate) async fn main(api: &Api, call: &Call, place: Place<'_>, name: &str) -> Result<Reply, Failure> {
    if call.method != Method::PUT {
        return Err(Failure::method_not_allowed());
    }
    let shape = shape()?;
    api.change(place.service, |snapshot| {
        let (service, mut version) = editable(snapshot, call, place)?;
        let index = find(&version, shape, place, name)?;
        version.change(shape.list, |files| {
            for (at, file) in files.iter_mut().enumerate() {
                file["main"] = (at == index).into();
            }
        });
        version.touch();
        let file = version.parts(shape.list)[index].as_object().cloned().unwrap_or_default();
        let answer = render(&service, &version, shape, &file);
        Ok((vec![version.put()?], Reply::new(answer)))
    })
    .await
}

/// The text of a file: `…/vcl/NAME/raw`, or `…/vcl/NAME/download`.
pub(crate) async fn download(api: &Api, call: &Call, place: Place<'_>, name: &str) -> Result<Reply, Failure> {
    if call.method != Method::GET {
        return Err(Failure::method_not_allowed());
    }
    let shape = shape()?;
    let snapshot = api.snapshot().await?;
    record::service(&snapshot, &call.identity, place.service)?;
    let version = record::version(&snapshot, place.service, place.number)?;
    let index = find(&version, shape, place, name)?;
    let text = version.parts(shape.list)[index]["content"].as_str().unwrap_or_default().to_owned();
    Ok(Reply { text: Some(text), ..Reply::new(Value::Null) })
}
