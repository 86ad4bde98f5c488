//! What to tell the user of a node that is heard and cannot be met.

use zyre::{Endpoint, UnreachableReason};

/// Returns a sentence that says where the node is, what is in the way, and what to do about it.
/// `own` is the endpoint of this node.
pub(crate) fn sentence(endpoint: Endpoint, why: UnreachableReason, own: Endpoint) -> String {
    let (address, port) = (endpoint.address(), endpoint.address().port());
    let remedy = match why {
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
    };
    format!("a node at {address} is heard and cannot be met: {remedy}")
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
            assert!(told.contains("10.0.0.7:49152 is heard"), "{told}");
            assert!(told.contains("port 49152 through the firewall of that"), "{told}");
        }
        let told = told(UnreachableReason::NoHello);
        assert!(told.contains("port 50000 through the firewall of this"), "{told}");
    }
}
