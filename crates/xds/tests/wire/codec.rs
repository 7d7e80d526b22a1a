//! Sends any bytes as a message.

use std::marker::PhantomData;

use bytes::{Buf, BufMut, Bytes};
use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Messages of type `D` in, bytes out.
pub(crate) struct Unchecked<D>(PhantomData<D>);

impl<D> Default for Unchecked<D> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<D: Message + Default + 'static> Codec for Unchecked<D> {
    type Encode = Bytes;
    type Decode = D;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self::default()
    }

    fn decoder(&mut self) -> Self {
        Self::default()
    }
}

impl<D> Encoder for Unchecked<D> {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl<D: Message + Default> Decoder for Unchecked<D> {
    type Item = D;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<D>, Status> {
        let length = buffer.remaining();
        D::decode(buffer.take(length)).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
