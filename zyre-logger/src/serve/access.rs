//! Who may look.
//!
//! A page on the loopback interface can be reached by every page that a browser on this machine shows: by a
//! request that it makes across sites, or under a name of its own that it lets point here. So what a browser says
//! of where a request comes from is looked at, and the host that it asks for: an address, `localhost`, or a name
//! that the operator has given. Nobody can let an address point elsewhere.

use std::net::IpAddr;

use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode, Uri};

use super::error::ServeError;
use super::options::Options;

/// The cookie, and the parameter of the link.
const TOKEN: &str = "zyre_token";

/// The longest path with its parameters.
const LONGEST: usize = 2_048;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is answered.
    Welcome,
    /// It came by the link: it gets this cookie, and goes on without the token in its address.
    Cookie(String),
    /// It is refused, for this reason.
    Refused(StatusCode, &'static str),
}

/// Who may look.
#[derive(Clone, Debug)]
pub(super) struct Access {
    is_loopback: bool,
    hosts: Vec<String>,
    token: Option<String>,
}

impl Access {
    /// Decides by the options, and makes a token if one is needed.
    pub(super) fn new(options: &Options) -> Result<Self, ServeError> {
        let is_loopback = options.listen.ip().is_loopback();
        let hosts = options.host.iter().map(|host| host.to_ascii_lowercase()).collect();
        let token = (!is_loopback && !options.no_token).then(random).transpose()?;
        Ok(Self { is_loopback, hosts, token })
    }

    /// Returns what is to be added to the address of the page.
    pub(super) fn link(&self) -> String {
        self.token.as_ref().map_or_else(String::new, |token| format!("?{TOKEN}={token}"))
    }

    /// Judges a request.
    pub(super) fn judge(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Verdict {
        use Verdict::{Refused, Welcome};
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Refused(StatusCode::METHOD_NOT_ALLOWED, "this page is only read\n");
        }
        if uri.path_and_query().is_some_and(|path| path.as_str().len() > LONGEST) {
            return Refused(StatusCode::URI_TOO_LONG, "that is too long\n");
        }
        let Some(host) = only(headers, HOST.as_str()) else {
            return Refused(StatusCode::BAD_REQUEST, "there has to be one Host\n");
        };
        if !self.is_known(host) {
            return Refused(
                StatusCode::MISDIRECTED_REQUEST,
                "not by this name: ask for the address, or start with --host NAME\n",
            );
        }
        if !is_from_here(uri, host, headers) {
            return Refused(StatusCode::FORBIDDEN, "not from another site\n");
        }
        let Some(token) = &self.token else { return Welcome };
        let given = uri.query().into_iter().flat_map(|query| query.split('&'));
        let given = given.filter_map(|pair| pair.strip_prefix(TOKEN)?.strip_prefix('='));
        if uri.path() == "/" && given.into_iter().any(|given| is_same(given, token)) {
            let rest = "HttpOnly; SameSite=Strict; Path=/";
            return Verdict::Cookie(format!("{TOKEN}={token}; {rest}"));
        }
        if uri.path() == "/healthz" || carries(headers, token) {
            return Welcome;
        }
        Refused(StatusCode::UNAUTHORIZED, "take the link that zyre-logger has printed\n")
    }

    /// Returns whether a host, with or without a port, is this one.
    fn is_known(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _port)) => address,
            None => host.split_once(':').map_or(host, |(name, _port)| name),
        };
        let name = name.to_ascii_lowercase();
        if name == "localhost" || self.hosts.contains(&name) {
            return true;
        }
        // Of this machine alone, if it is only reached from there.
        name.parse::<IpAddr>().is_ok_and(|address| !self.is_loopback || address.is_loopback())
    }
}

/// Returns whether a request comes from this page, or from no page at all.
fn is_from_here(uri: &Uri, host: &str, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(origin) = text(ORIGIN.as_str()) {
        let origin = origin.split_once("://").map(|(_scheme, host)| host);
        return origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host));
    }
    match text("sec-fetch-site") {
        None | Some("same-origin" | "none") => true,
        // A link to the page, which shows nothing to the site that it is on.
        Some(_) => uri.path() == "/" && text("sec-fetch-dest") == Some("document"),
    }
}

/// Returns whether a request has the token.
fn carries(headers: &HeaderMap, token: &str) -> bool {
    let bearer =
        only(headers, AUTHORIZATION.as_str()).and_then(|text| text.strip_prefix("Bearer "));
    let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let cookies = cookies.flat_map(|value| value.split(';')).map(str::trim);
    let cookies = cookies.filter_map(|pair| pair.strip_prefix(TOKEN)?.strip_prefix('='));
    cookies.chain(bearer).any(|given| is_same(given, token))
}

/// Returns a header that is there once, as text.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).into_iter();
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(first)
}

/// Compares in a time that does not tell where they differ.
fn is_same(a: &str, b: &str) -> bool {
    let differences = a.bytes().zip(b.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    a.len() == b.len() && differences == 0
}

fn random() -> Result<String, ServeError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| ServeError::Random)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN_TEXT: &str = "0123456789abcdef0123456789abcdef";

    fn judge(access: &Access, path: &str, headers: &[(&'static str, &str)]) -> Verdict {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        access.judge(&Method::GET, &path.parse().unwrap(), &map)
    }

    fn status(verdict: Verdict) -> u16 {
        match verdict {
            Verdict::Welcome => 200,
            Verdict::Cookie(_) => 303,
            Verdict::Refused(status, _) => status.as_u16(),
        }
    }

    #[test]
    fn only_this_host_is_asked_for() {
        let local = Access { is_loopback: true, hosts: vec!["watch.example".into()], token: None };
        let host = |host| status(judge(&local, "/", &[("host", host)]));
        for good in [
            "localhost",
            "localhost:5680",
            "127.0.0.1:1",
            "[::1]:5680",
            "LocalHost",
            "watch.example",
        ] {
            assert_eq!(host(good), 200, "{good}");
        }
        for bad in
            ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost.", "", "[::1", "1"]
        {
            assert_eq!(host(bad), 421, "{bad}");
        }
        assert_eq!(status(judge(&local, "/", &[])), 400);
        assert_eq!(status(judge(&local, "/", &[("host", "localhost"), ("host", "a")])), 400);
        let open = Access { is_loopback: false, ..local };
        assert_eq!(status(judge(&open, "/", &[("host", "10.0.0.1:5680")])), 200);
        assert_eq!(status(judge(&open, "/", &[("host", "evil.example")])), 421);
    }

    #[test]
    fn other_sites_are_refused() {
        let access = Access { is_loopback: true, hosts: vec![], token: None };
        let from = |path, more: &[(&'static str, &str)]| {
            status(judge(&access, path, &[&[("host", "localhost:5680")], more].concat()))
        };
        let api = "/api/picture.json";
        assert_eq!(from(api, &[("origin", "http://localhost:5680")]), 200);
        assert_eq!(from(api, &[("origin", "http://localhost:5681")]), 403);
        assert_eq!(from(api, &[("origin", "null")]), 403);
        assert_eq!(from(api, &[("sec-fetch-site", "same-origin")]), 200);
        assert_eq!(from(api, &[("sec-fetch-site", "cross-site")]), 403);
        assert_eq!(from(api, &[("sec-fetch-site", "same-site")]), 403);
        let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-dest", "document")];
        assert_eq!((from("/", &link), from(api, &link)), (200, 403));
        let frame = [("sec-fetch-site", "cross-site"), ("sec-fetch-dest", "iframe")];
        assert_eq!(from("/", &frame), 403);
    }

    #[test]
    fn the_link_is_the_key() {
        let token = Some(TOKEN_TEXT.to_owned());
        let access = Access { is_loopback: false, hosts: vec![], token };
        let ask = |path: &str, more: &[(&'static str, &str)]| {
            judge(&access, path, &[&[("host", "10.0.0.1")], more].concat())
        };
        let link = format!("/{}", access.link());
        let Verdict::Cookie(cookie) = ask(&link, &[]) else { panic!("the link is refused") };
        assert!(cookie.contains("HttpOnly; SameSite=Strict"));
        let pair = cookie.split(';').next().unwrap();
        assert_eq!(ask("/api/picture.json", &[("cookie", pair)]), Verdict::Welcome);
        let bearer = format!("Bearer {TOKEN_TEXT}");
        assert_eq!(ask("/metrics", &[("authorization", &bearer)]), Verdict::Welcome);
        assert_eq!(status(ask("/metrics", &[("authorization", "Bearer 0")])), 401);
        assert_eq!(status(ask("/", &[])), 401);
        assert_eq!(status(ask(&format!("/api/events{}", access.link()), &[])), 401);
        assert_eq!(status(ask("/?zyre_token=", &[])), 401);
        assert_eq!(ask("/healthz", &[]), Verdict::Welcome);
    }
}
