//! Objects that always exist.

use std::sync::Arc;

use backstay_resources::{Object, ObjectMeta, Timestamp, apoxy};
use backstay_store::{CommitError, Expect, Key, Operation, Store, Write};
use serde_json::{Map, json};

use crate::error::StartError;
use crate::fleets::DEFAULT_FLEET;

/// Creates the namespace `default` and the fleet `default` where they do not exist, so that a proxy can connect to a new
/// control plane and a manifest needs neither.
pub(crate) async fn prepare(store: &Arc<dyn Store>) -> Result<(), StartError> {
    backstay_kube::bootstrap(store).await.map_err(|error| StartError::Prepare(error.to_string()))?;
    let kind = &apoxy::PROXY;
    let mut fleet = Object {
        api_version: kind.api_version(),
        kind: kind.kind.to_owned(),
        metadata: ObjectMeta {
            name: DEFAULT_FLEET.to_owned(),
            uid: uuid::Uuid::new_v4().to_string(),
            generation: 1,
            creation_timestamp: Some(Timestamp::now()),
            ..ObjectMeta::default()
        },
        body: Map::from_iter([("spec".to_owned(), json!({}))]),
    };
    (kind.default)(&mut fleet);
    let value = fleet.encode().map_err(|error| StartError::Prepare(error.to_string()))?;
    let write = Write {
        key: Key::new(&kind.resource(), "", DEFAULT_FLEET),
        expect: Expect::Absent,
        operation: Operation::Put(value.into()),
    };
    match store.commit(vec![write]).await {
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(StartError::Prepare(error.to_string())),
    }
}
