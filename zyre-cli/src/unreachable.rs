//! What to tell the user of a node that is heard and cannot be met, and of an endpoint where nobody
//! is.

use zyre::{Endpoint, HostEndpoint, UnreachableReason};

/// Returns a sentence that says where the node is, what is in the way, and what to do about it.
/// `own` is the endpoint of this node.
pub(crate) fn sentence(endpoint: Endpoint, why: UnreachableReason, own: Endpoint) -> String {
    let address = endpoint.address();
    let remedy = remedy(address.port(), why, own);
    format!("a node at {address} cannot be met: {remedy}")
}

/// Returns the same for an endpoint that the user has named; `None` if there is nothing to be done.
pub(crate) fn sentence_of_endpoint(
    endpoint: &HostEndpoint,
    why: UnreachableReason,
    own: Endpoint,
) -> Option<String> {
    let port = match endpoint.endpoint() {
        Some(endpoint) => endpoint.address().port(),
        None => endpoint.name().map_or(0, |(_, port)| port),
    };
    let remedy = match why {
        // All may be given the same list.
        UnreachableReason::OwnNode => return None,
        UnreachableReason::AnotherNode => {
            "no node answers there, but another program. Check the port".to_owned()
        }
        UnreachableReason::NoName => {
            "the name does not resolve. Check its spelling, and the name service".to_owned()
        }
        why => remedy(port, why, own),
    };
    Some(format!("nobody can be met at {endpoint}: {remedy}"))
}

fn remedy(port: u16, why: UnreachableReason, own: Endpoint) -> String {
    match why {
        UnreachableReason::Refused => format!(
            "it refuses connections. If the program there still runs, let TCP port {port} through \
             the firewall of that machine"
        ),
        UnreachableReason::NoAnswer => format!(
            "nothing comes back from there. Let TCP port {port} through the firewall of that \
             machine"
        ),
        UnreachableReason::NoRoute => {
            "this machine has no way there. Check the network settings of both".to_owned()
        }
        UnreachableReason::AnotherNode => {
            "another program answers there. Let the node tell an address at which it can be reached"
                .to_owned()
        }
        UnreachableReason::NoHello => format!(
            "it does not greet back. Let TCP port {} through the firewall of this machine",
            own.address().port()
        ),
        UnreachableReason::NoDescriptors => {
            "this program may not open more connections. Raise its limit of open files (ulimit -n)"
                .to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_to_open_is_that_of_the_machine_whose_firewall_it_is() {
        let there = "tcp://10.0.0.7:49152".parse().unwrap();
        let here = "tcp://10.0.0.8:50000".parse().unwrap();
        let told = |why| sentence(there, why, here);
        for why in [UnreachableReason::Refused, UnreachableReason::NoAnswer] {
            let told = told(why);
            assert!(told.contains("10.0.0.7:49152 cannot be met"), "{told}");
            assert!(told.contains("port 49152 through the firewall of that"), "{told}");
        }
        let told = told(UnreachableReason::NoHello);
        assert!(told.contains("port 50000 through the firewall of this"), "{told}");
    }

    #[test]
    fn an_endpoint_is_called_as_the_user_has_called_it() {
        let here = "tcp://10.0.0.8:50000".parse().unwrap();
        let told = |at: &str, why| sentence_of_endpoint(&at.parse().unwrap(), why, here);
        let refused = told("host.example:7", UnreachableReason::Refused).unwrap();
        assert!(refused.contains("at tcp://host.example:7: it refuses"), "{refused}");
        assert!(refused.contains("port 7 through the firewall of that"), "{refused}");
        let unnamed = told("host.example:7", UnreachableReason::NoName).unwrap();
        assert!(unnamed.contains("Check its spelling"), "{unnamed}");
        assert_eq!(told("10.0.0.8:50000", UnreachableReason::OwnNode), None);
    }
}
