//! Endpoints as people write them: in arguments, in files of settings, and in what others tell.

use std::net::{IpAddr, Ipv6Addr};

use zre_proto::{Endpoint, HostEndpoint};

use super::message::assert_spells;

/// What is an endpoint has an address or a name that can be looked up, and a port; it is read again
/// from its own spelling, with a scheme and without. Whatever is a numeric endpoint that leads somewhere
/// is one.
pub fn target(data: &[u8]) {
    assert_spells::<HostEndpoint>(data);
    let Ok(text) = str::from_utf8(data) else { return };
    let leads_somewhere = |it: &Endpoint| {
        let address = it.address();
        address.port() != 0 && !address.ip().is_unspecified()
    };
    let numeric = text.parse::<Endpoint>().ok().filter(leads_somewhere);
    let Ok(read) = text.parse::<HostEndpoint>() else {
        assert_eq!(numeric, None, "{text:?}");
        return;
    };
    let spelt = read.to_string();
    let bare = spelt.strip_prefix("tcp://").expect("the one scheme that there is");
    assert_eq!(bare.parse().as_ref(), Ok(&read));
    match (read.endpoint(), read.name()) {
        (Some(endpoint), None) => {
            assert!(leads_somewhere(&endpoint));
            assert_eq!(HostEndpoint::from(endpoint), read);
            assert!(numeric.is_none_or(|numeric| numeric == endpoint));
        }
        (None, Some((name, port))) => {
            assert!(port != 0 && !name.is_empty() && name.len() <= 253, "{name:?}");
            assert!(name.bytes().all(|byte| byte.is_ascii_graphic()), "{name:?}");
            assert!(name.parse::<IpAddr>().is_err(), "{name:?}");
            match name.split_once('%') {
                Some((address, _)) => {
                    let address = address.parse::<Ipv6Addr>().expect("only addresses have a scope");
                    assert!(address.is_unicast_link_local(), "{name:?}");
                }
                None => assert!(!name.contains(':'), "{name:?}"),
            }
            assert_eq!(numeric, None);
        }
        both => panic!("{both:?}"),
    }
}

/// Addresses of both families, names, and what is neither.
pub fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "tcp://10.77.0.1:49152",
        "10.77.0.1:49152",
        "[fe80::1%2]:7",
        "[fe80::1%eth0]:7",
        "tcp://fd00::1:7",
        "localhost:49152",
        "tcp://server-1.example.org.:65535",
        "xn--bcher-kva.example:1",
        "*:1",
        "[::]:1",
        "0.0.0.0:1",
        "10.0.0.300:1",
        "host:0",
        "tcp://:1",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
