//! How the connections of a node are secured, whatever they are for.

use std::sync::Arc;

use zmtp::Mechanism;
use zre_proto::PublicKey;

use crate::secure::Gate;

/// How connections are taken; without a gate the node is not a secure one.
pub(crate) fn of_server(gate: Option<&Arc<Gate>>) -> Mechanism {
    gate.map_or(Mechanism::Null, Gate::server)
}

/// How a connection is made to the owner of this key. `None`, and nothing is dialled, if a secure node
/// does not know the key, if the key is not a valid one, and if a node that is not secure is given one.
pub(crate) fn to(gate: Option<&Arc<Gate>>, key: Option<PublicKey>) -> Option<Mechanism> {
    match (gate, key) {
        (Some(gate), Some(key)) => gate.client_of(key),
        (None, None) => Some(Mechanism::Null),
        _ => None,
    }
}
