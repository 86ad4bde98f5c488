//! Endpoints as text.

use std::net::SocketAddr;

use zre_proto::Endpoint;

#[test]
fn an_endpoint_is_shown_as_it_is_written() {
    for text in ["tcp://10.0.0.1:49152", "tcp://[fe80::1]:7"] {
        let endpoint: Endpoint = text.parse().unwrap();
        assert_eq!(endpoint.to_string(), text);
        assert_eq!(format!("{endpoint:?}"), text);
    }
    let address = SocketAddr::from(([10, 0, 0, 1], 49152));
    assert_eq!(Endpoint::from(address), "tcp://10.0.0.1:49152".parse().unwrap());
    assert_eq!(Endpoint::from(address).address(), address);
}

#[test]
fn what_is_no_endpoint_is_named_in_the_error_but_not_without_end() {
    let refused = |text: &str| text.parse::<Endpoint>().unwrap_err().to_string();
    for bad in ["", "tcp://", "udp://10.0.0.1:1", "tcp://host:1", "tcp://10.0.0.1:65536"] {
        assert!(refused(bad).ends_with(&format!("not {bad:?}")), "{}", refused(bad));
    }
    assert!(refused(&"x".repeat(10_000)).len() < 400);
}
