use std::marker::PhantomData;

use bytes::Buf;
use prost::Message;
use tonic::Status;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder};

/// Reads requests.
pub(super) struct Decode<R>(PhantomData<R>);

impl<R> Default for Decode<R> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// What a stream at rest keeps to read with. A larger request gets a larger buffer while it arrives.
const BUFFER: usize = 512;

impl<R: Message + Default> Decoder for Decode<R> {
    type Item = R;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<R>, Status> {
        let length = buffer.remaining();
        R::decode(buffer.take(length)).map(Some).map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER, BUFFER)
    }
}
