//! Requests to providers: one at a time, no redirects, a time limit, a size limit, TLS with our own trust store.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use url::{Position, Url};

use crate::Provider;

/// How long a provider has for a whole answer.
const PATIENCE: Duration = Duration::from_secs(8);
/// How large an answer may be, in bytes.
const LARGEST: usize = 1 << 20;

/// Why a provider could not be asked. None of these texts holds what it answered.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// An address that cannot be used, or not without TLS.
    #[error("the address cannot be used")]
    Address,
    /// It took too long.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Slow,
    /// It could not be reached.
    #[error("it cannot be reached: {0}")]
    Io(#[from] std::io::Error),
    /// What came back is no HTTP.
    #[error("the answer cannot be understood: {0}")]
    Http(#[from] hyper::Error),
    /// The answer broke off, or is too large.
    #[error("the answer broke off or has more than {LARGEST} bytes")]
    Body,
    /// TLS could not be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// The client.
#[derive(Clone)]
pub struct Http {
    tls: tokio_rustls::TlsConnector,
    needs_tls: bool,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("needs_tls", &self.needs_tls).finish_non_exhaustive()
    }
}

impl Http {
    /// A client for a provider; it trusts the web's certificate authorities.
    pub fn new(provider: &Provider) -> Result<Self, HttpError> {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: Arc::new(config).into(), needs_tls: provider.needs_tls() })
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| HttpError::Address)?;
        let host = url.host_str().ok_or(HttpError::Address)?.trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().ok_or(HttpError::Address)?;
        match url.scheme() {
            "https" => {
                let name = rustls::pki_types::ServerName::try_from(host.clone()).map_err(|_| HttpError::Address)?;
                let stream = TcpStream::connect((host.as_str(), port)).await?;
                exchange(self.tls.connect(name, stream).await?, &url, request).await
            }
            "http" if !self.needs_tls => {
                exchange(TcpStream::connect((host.as_str(), port)).await?, &url, request).await
            }
            _ => Err(HttpError::Address),
        }
    }
}

async fn exchange<S>(stream: S, url: &Url, request: HttpRequest) -> Result<HttpResponse, HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driving = tokio::spawn(connection);
    let (mut parts, body) = request.into_parts();
    let authority = &url[Position::BeforeHost..Position::AfterPort];
    parts.headers.insert(http::header::HOST, authority.parse().map_err(|_| HttpError::Address)?);
    parts.uri = url[Position::BeforePath..Position::AfterQuery].parse().map_err(|_| HttpError::Address)?;
    let answer = sender.send_request(http::Request::from_parts(parts, Full::<Bytes>::new(body.into()))).await;
    let read = async {
        let (parts, body) = answer?.into_parts();
        let whole = Limited::new(body, LARGEST).collect().await.map_err(|_| HttpError::Body)?;
        Ok(http::Response::from_parts(parts, whole.to_bytes().to_vec()))
    };
    let read = read.await;
    driving.abort();
    read
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move { timeout(PATIENCE, self.send(request)).await.unwrap_or(Err(HttpError::Slow)) })
    }
}
