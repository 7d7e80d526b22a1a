//! Objects that always exist.

use std::sync::Arc;

use backstay_kube::ownership::{self, CONTROLLER, Writer};
use backstay_model::FleetName;
use backstay_resources::gateway::{CONTROLLER_NAME, GATEWAY_CLASS};
use backstay_resources::{Kind, Object, ObjectMeta, Registry, Timestamp, apoxy};
use backstay_store::{CommitError, Expect, Key, Operation, Store, Write};
use serde_json::{Map, Value, json};

use crate::error::BootstrapError;

/// Creates the namespace `default`, the fleet `default` and the GatewayClass `backstay` where they do not exist, so that a
/// proxy can connect to a new control plane and a manifest needs none of them.
pub(crate) async fn bootstrap(store: &Arc<dyn Store>, registry: &Registry) -> Result<(), BootstrapError> {
    backstay_kube::bootstrap(store, registry).await?;
    create(store, &apoxy::PROXY, FleetName::DEFAULT, json!({})).await?;
    create(store, &GATEWAY_CLASS, backstay_model::GATEWAY_CLASS, json!({"controllerName": CONTROLLER_NAME})).await
}

async fn create(store: &Arc<dyn Store>, kind: &Kind, name: &str, spec: Value) -> Result<(), BootstrapError> {
    let mut object = Object {
        api_version: kind.api_version(),
        kind: kind.kind.to_owned(),
        metadata: ObjectMeta {
            name: name.to_owned(),
            uid: uuid::Uuid::new_v4().to_string(),
            generation: 1,
            creation_timestamp: Some(Timestamp::now()),
            ..ObjectMeta::default()
        },
        body: Map::from_iter([("spec".to_owned(), spec)]),
    };
    (kind.default)(&mut object);
    let writer = Writer { manager: CONTROLLER, subresource: "", time: Timestamp::now() };
    ownership::record(kind, None, &mut object, &writer);
    let value = object.encode().map_err(|source| BootstrapError::Encode { kind: kind.kind, source })?;
    let write = Write {
        key: Key::new(&kind.resource(), "", name),
        expect: Expect::Absent,
        operation: Operation::Put(value.into()),
    };
    match store.commit(vec![write]).await {
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(BootstrapError::Commit { kind: kind.kind, source: error }),
    }
}
