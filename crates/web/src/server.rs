//! The accept loop: header deadline, connection cap, draining.

use std::{future::Future, io, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{net::TcpListener, sync::Semaphore, time::sleep};
use tower::ServiceExt;

/// A client has this long to send its headers, and a kept-alive one to send the next.
const HEADERS: Duration = Duration::from_secs(10);
/// How long running requests may take to finish after a stop.
pub const DRAIN: Duration = Duration::from_secs(20);

/// Serves until `stop`, then drains.
pub async fn serve(listener: TcpListener, router: Router, connections: usize, stop: impl Future<Output = ()>) {
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(64 * 1024);
    let (builder, places) = (Arc::new(builder), Arc::new(Semaphore::new(connections)));
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = &mut stop => break,
        };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => continue,
                Err(error) => {
                    // Out of file descriptors, most likely: some will come back.
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(Duration::from_millis(500)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        // Without it small answers wait for an acknowledgement; the connection works all the same.
        let _ = stream.set_nodelay(true);
        let (router, builder, watcher) = (router.clone(), Arc::clone(&builder), graceful.watcher());
        tokio::spawn(async move {
            let _place = place;
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(ConnectInfo(peer));
                router.clone().oneshot(request)
            });
            let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(%peer, %error, "connection ended");
            }
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = sleep(DRAIN) => tracing::warn!("some requests were cut off after {} s", DRAIN.as_secs()),
    }
}
