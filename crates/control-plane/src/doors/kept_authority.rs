//! The authority that is made once, and kept in the store.

use std::sync::Arc;

use backstay_certificate::Authority;
use backstay_store::{CommitError, Expect, Key, Operation, Store, Write};
use serde::{Deserialize, Serialize};

use crate::error::StartError;

/// Where it is stored. No API serves it.
pub(crate) const PLACE: &str = "ownauthorities.backstay.dev";
const NAME: &str = "own";

/// What it is called in its certificate.
const COMMON_NAME: &str = "Backstay";

#[derive(Serialize, Deserialize)]
struct Kept {
    certificate: String,
    key: String,
}

/// The authority in the store; a new one where there is none yet.
pub(super) async fn open(store: &Arc<dyn Store>) -> Result<Authority, StartError> {
    let key = Key::new(PLACE, "", NAME);
    if let Some(authority) = kept(store, &key)? {
        return Ok(authority);
    }
    let refused = |source| StartError::Authority { option: "--authority", source };
    let made = Authority::generate(COMMON_NAME).map_err(refused)?;
    let kept_of = Kept { certificate: made.pem().to_owned(), key: made.key_pem() };
    let value = serde_json::to_vec(&kept_of).map_err(|error| StartError::KeepAuthority(error.to_string()))?;
    let write = Write { key: key.clone(), expect: Expect::Absent, operation: Operation::Put(value.into()) };
    match store.commit(vec![write]).await {
        Ok(_) => Ok(made),
        // Another one was first.
        Err(CommitError::Conflict { .. }) => {
            kept(store, &key)?.ok_or_else(|| StartError::KeepAuthority("it is gone again".to_owned()))
        }
        Err(error) => Err(StartError::KeepAuthority(error.to_string())),
    }
}

fn kept(store: &Arc<dyn Store>, key: &Key) -> Result<Option<Authority>, StartError> {
    let snapshot = store.snapshot();
    let Some(entry) = snapshot.get(key) else { return Ok(None) };
    // Another one must not take its place unasked: nobody would trust it.
    let kept: Kept = serde_json::from_slice(&entry.value.bytes())
        .map_err(|_| StartError::KeepAuthority("what is stored there cannot be read".to_owned()))?;
    let authority = Authority::from_pem(&kept.certificate, &kept.key);
    authority.map(Some).map_err(|source| StartError::Authority { option: "--authority", source })
}
