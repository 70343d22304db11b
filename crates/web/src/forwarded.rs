//! Where a request came from, when a proxy of ours brought it: what that proxy says, and nothing that the sender made up.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;

use super::Web;

/// Puts the client's address in the place of the proxy's, where the peer is a trusted proxy.
pub async fn client(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    if let Some(peer) = peer.filter(|_| !web.app.config.trusted_proxies.is_empty()) {
        let address = behind(&web.app.config.trusted_proxies, peer.ip(), request.headers());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address, peer.port())));
    }
    next.run(request).await
}

/// The last address that a trusted proxy names and that is none of them: each proxy appends whom it was called by, so
/// that what stands further left may be anybody's word. Where one of them is unreadable, the chain ends there.
fn behind(trusted: &[IpNet], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(&address.to_canonical()));
    let lines: Vec<_> =
        headers.get_all("x-forwarded-for").iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    let mut address = peer.to_canonical();
    for named in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !is_trusted(&address) {
            break;
        }
        let Some(next) = read(named.trim()) else { break };
        address = next.to_canonical();
    }
    address
}

/// An address as proxies write it: with or without a port, IPv6 with or without brackets.
fn read(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, lines: &[&[u8]]) -> String {
        let trusted = ["10.0.0.0/8".parse().expect("a network"), "fd00::/8".parse().expect("a network")];
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", axum::http::HeaderValue::from_bytes(line).expect("a header"));
        }
        behind(&trusted, peer.parse().expect("an address"), &headers).to_string()
    }

    #[test]
    fn a_proxy_of_ours_is_believed_and_nobody_else() {
        assert_eq!(from("10.0.0.1", &[b"203.0.113.7"]), "203.0.113.7");
        assert_eq!(
            from("10.0.0.1", &[b"1.2.3.4, 203.0.113.7"]),
            "203.0.113.7",
            "what the sender wrote is no word of ours"
        );
        assert_eq!(from("10.0.0.1", &[b"1.2.3.4", b"203.0.113.7, 10.0.0.2"]), "203.0.113.7", "through two proxies");
        assert_eq!(from("203.0.113.9", &[b"1.2.3.4"]), "203.0.113.9", "whoever calls directly says nothing of that");
        assert_eq!(from("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &[b"unknown"]), "10.0.0.1");
        assert_eq!(from("::ffff:10.0.0.1", &[b"2001:db8::1"]), "2001:db8::1");
        assert_eq!(from("10.0.0.1", &[b"203.0.113.7:51234"]), "203.0.113.7");
        assert_eq!(from("10.0.0.1", &[b"[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(from("10.0.0.1", &[b"\xff, 203.0.113.7"]), "203.0.113.7", "what cannot be read hides nobody");
        assert_eq!(from("10.0.0.1", &[b"1.2.3.4", b"\xff"]), "10.0.0.1", "and opens no line before it");
        assert_eq!(from("fd00::1", &[b"203.0.113.7, nonsense, 10.0.0.2"]), "10.0.0.2");
    }
}
