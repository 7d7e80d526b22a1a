//! `backstay ca`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use backstay_certificate::{Statement, tls};
use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::output;

/// From connecting to the last byte.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A certificate has about a kilobyte.
const MAX_BYTES: usize = 64 << 10;

/// Print the certificate of a control plane's authority
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What it prints is what proxies and clients trust with --ca, kubectl with --certificate-authority, curl with --cacert. It comes from a \
server that nothing is known of yet: compare the SHA-256 that is printed beside it with what the control plane logged when it started, or \
give that as --fingerprint.

Examples:
  backstay ca --server https://10.0.0.5:7080 > ca.pem
  backstay ca --server https://10.0.0.5:7080 --fingerprint 3f1c... > ca.pem")]
pub(crate) struct Args {
    /// Address of the control plane's API
    #[arg(long, env = "BACKSTAY_SERVER", value_name = "URL", default_value = "https://127.0.0.1:7080")]
    server: Uri,
    /// SHA-256 that the certificate must have, in hexadecimal digits
    #[arg(long, value_name = "SHA256")]
    fingerprint: Option<String>,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let fetched = tokio::time::timeout(TIMEOUT, fetch(&self.server)).await;
        let pem =
            fetched.with_context(|| format!("{} gave no answer within {} s", self.server, TIMEOUT.as_secs()))??;
        let Ok(first) = CertificateDer::from_pem_slice(pem.as_bytes()) else {
            bail!("{}ca.pem is no certificate", self.server);
        };
        let statement = Statement::of(&first)?;
        if let Some(wanted) = &self.fingerprint
            && !wanted.replace(':', "").eq_ignore_ascii_case(&statement.fingerprint)
        {
            bail!("the certificate at {} has the SHA-256 {}, which is another one", self.server, statement.fingerprint);
        }
        output::line(pem.trim_end())?;
        output::error_line(format_args!("SHA-256 {}", statement.fingerprint));
        Ok(ExitCode::SUCCESS)
    }
}

async fn fetch(server: &Uri) -> Result<String> {
    let host = server.host().context("--server must be a URL such as https://127.0.0.1:7080")?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_tls = server.scheme_str() == Some("https");
    let port = server.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let stream = TcpStream::connect((bare, port)).await.with_context(|| format!("cannot connect to {server}"))?;
    if !is_tls {
        return ask(stream, server).await;
    }
    // Nothing secret is sent, and what comes is compared by whoever reads it.
    let config = tls::client_of_anyone(&[b"http/1.1"])?;
    let name = ServerName::try_from(bare.to_owned())?;
    let stream = TlsConnector::from(config).connect(name, stream).await;
    ask(stream.with_context(|| format!("cannot speak TLS with {server}"))?, server).await
}

async fn ask(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, server: &Uri) -> Result<String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let authority = server.authority().map(ToString::to_string).unwrap_or_default();
    let request = Request::get("/ca.pem").header("host", authority).body(Empty::<Bytes>::new())?;
    let asking = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_BYTES).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        if status != StatusCode::OK {
            let said: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            bail!("{server} answered {status}: {}", said["message"].as_str().unwrap_or(&text));
        }
        Ok(text)
    };
    tokio::select! {
        answer = asking => answer,
        ended = connection => {
            ended?;
            bail!("{server} ended the connection")
        }
    }
}
