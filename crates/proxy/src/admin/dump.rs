//! What the proxy holds, as JSON.

mod message;

use std::sync::LazyLock;

use backstay_model::Fault;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::context::Admin;
use crate::control::look;

/// `backstay.config.v1.Resource`. Read from what this program was compiled with, so that it is there.
static RESOURCE: LazyLock<Option<MessageDescriptor>> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(backstay_proto::DESCRIPTORS).ok()?;
    pool.get_message_by_name("backstay.config.v1.Resource")
});

pub(super) fn dump(admin: &Admin) -> Value {
    let model = look(&admin.model);
    let status = admin.status.borrow();
    let resources = model.resources().map(
        |resource| json!({ "name": resource.name, "version": resource.version, "content": content(resource.value) }),
    );
    let rejected = model.rejected().iter().flat_map(|(name, rejected)| {
        let one = move |fault: &Fault| json!({ "name": name, "version": rejected.version, "field": fault.field, "message": fault.message });
        rejected.faults.iter().map(one)
    });
    let whole = |value: f64| if value.fract() == 0.0 { json!(value as u64) } else { json!(value) };
    let limits = admin.limits.values().into_iter().map(|(name, value)| (name.to_owned(), whole(value)));
    json!({
        "node": &*admin.node,
        "fleet": &*admin.fleet,
        "version": env!("CARGO_PKG_VERSION"),
        "connected": status.connected,
        "lastDisconnect": status.last_disconnect,
        "draining": status.draining,
        "listening": status.listeners,
        "limits": limits.collect::<Map<_, _>>(),
        "waitingListeners": model.waiting_listeners(),
        "rejected": rejected.collect::<Vec<_>>(),
        "resources": resources.collect::<Vec<_>>(),
    })
}

/// What a resource says, whatever its kind: names go before its name.
fn content(value: &[u8]) -> Option<Value> {
    let resource = DynamicMessage::decode(RESOURCE.clone()?, value).ok()?;
    let Value::Object(kinds) = message::shown(&resource) else { return None };
    kinds.into_iter().next().map(|(_, content)| content)
}
