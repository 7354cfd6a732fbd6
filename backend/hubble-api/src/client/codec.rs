use bytes::{Buf, Bytes};
use prost::Message;
use std::marker::PhantomData;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Codec that sends `Request` as protobuf and returns answers as raw bytes: packed flows pass
/// through undecoded, and the projection decodes only what is shown.
#[derive(Debug)]
pub(super) struct RawCodec<Request>(PhantomData<Request>);

#[derive(Debug)]
pub(super) struct RequestEncoder<Request>(PhantomData<Request>);

#[derive(Debug)]
pub(super) struct RawDecoder;

impl<Request> Default for RawCodec<Request> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Request: Message + 'static> Codec for RawCodec<Request> {
    type Encode = Request;
    type Decode = Bytes;
    type Encoder = RequestEncoder<Request>;
    type Decoder = RawDecoder;

    fn encoder(&mut self) -> Self::Encoder {
        RequestEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        RawDecoder
    }
}

impl<Request: Message> Encoder for RequestEncoder<Request> {
    type Item = Request;
    type Error = Status;

    fn encode(&mut self, request: Request, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(request.encoded_len());
        request
            .encode(buffer)
            .map_err(|error| Status::internal(format!("the request cannot be encoded: {error}")))
    }
}

impl Decoder for RawDecoder {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
