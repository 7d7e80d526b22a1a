//! What the gRPC API tells: fleets, and what proxies serve at this moment.

use backstay_proto::admin::admin_service_client::AdminServiceClient;
use backstay_proto::admin::{GetStatusRequest, GetStatusResponse};
use backstay_proto::live::live_service_client::LiveServiceClient;
use backstay_proto::live::{Tap, Top, WatchTapRequest, WatchTapResponse, WatchTopRequest, WatchTopResponse};
use http::StatusCode;
use tonic::metadata::AsciiMetadataValue;
use tonic::{Code, Request, Status, Streaming};

use super::{Api, ApiError};

/// Bytes of one message.
const MAX_MESSAGE: usize = 64 << 20;

impl Api {
    /// Fleets, their proxies, and what is refused.
    pub(crate) async fn status(&self) -> Result<GetStatusResponse, ApiError> {
        let (channel, token) = self.channel().await?;
        let mut admin = AdminServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
        let request = with(GetStatusRequest::default(), token);
        admin.get_status(request).await.map(tonic::Response::into_inner).map_err(|status| refused(&status))
    }

    /// What routes and backends of all fleets do, an interval after another.
    pub(crate) async fn top(&self, top: Top) -> Result<Streaming<WatchTopResponse>, ApiError> {
        let (channel, token) = self.channel().await?;
        let mut live = LiveServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
        let request = with(WatchTopRequest { top: Some(top), ..WatchTopRequest::default() }, token);
        live.watch_top(request).await.map(tonic::Response::into_inner).map_err(|status| refused(&status))
    }

    /// Requests as they end.
    pub(crate) async fn tap(&self, fleet: &str, tap: Tap) -> Result<Streaming<WatchTapResponse>, ApiError> {
        let (channel, token) = self.channel().await?;
        let mut live = LiveServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
        let parent = if fleet.is_empty() { String::new() } else { format!("fleets/{fleet}") };
        let request = with(WatchTapRequest { parent, proxy: String::new(), tap: Some(tap) }, token);
        live.watch_tap(request).await.map(tonic::Response::into_inner).map_err(|status| refused(&status))
    }
}

fn with<T>(message: T, token: Option<AsciiMetadataValue>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", token);
    }
    request
}

fn refused(status: &Status) -> ApiError {
    let code = match status.code() {
        Code::PermissionDenied => Some(StatusCode::FORBIDDEN),
        Code::Unauthenticated => Some(StatusCode::UNAUTHORIZED),
        Code::NotFound => Some(StatusCode::NOT_FOUND),
        Code::InvalidArgument => Some(StatusCode::BAD_REQUEST),
        Code::Unimplemented => Some(StatusCode::NOT_IMPLEMENTED),
        _ => None,
    };
    ApiError { status: code, message: status.message().to_owned() }
}
