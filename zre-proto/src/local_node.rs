//! What the node tells others about itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::message::{Hello, MAX_STRING};
use crate::ticket::{self, Ticket};
use crate::{ActionError, Endpoint, Headers, MessageLimits, PUBLIC_KEY_HEADER, PublicKey};

/// What a ticket takes in HELLO: name and value of its header.
const TICKET_LEN: usize = 1 + ticket::HEADER.len() + 4 + ticket::HEX_LEN;

/// The longest value of a header that says where a service is: `tcp://[` eight groups of four digits
/// `]:65535`.
const MAX_SERVICE_LEN: usize = 6 + 2 + 39 + 1 + 5;

/// Where a service is: at which port of the node.
#[derive(Clone, Copy, Debug)]
struct Service {
    port: u16,
    /// Its port for peers that are told this endpoint as the node's.
    forwarded: Option<(Endpoint, u16)>,
}

impl Service {
    fn port_at(&self, own_endpoint: Endpoint) -> u16 {
        let forwarded = self.forwarded.filter(|(endpoint, _)| *endpoint == own_endpoint);
        forwarded.map_or(self.port, |(_, port)| port)
    }
}

/// The node's groups and headers, as HELLO tells them.
#[derive(Debug, Default)]
pub(crate) struct LocalNode {
    groups: BTreeSet<Arc<str>>,
    /// Joins and leaves so far, modulo 256.
    status: u8,
    headers: Headers,
    /// Services, by the names of their headers.
    services: BTreeMap<String, Service>,
    /// Whether HELLO has a ticket.
    gives_tickets: bool,
    /// The key of a secure node, which HELLO tells.
    key: Option<PublicKey>,
}

impl LocalNode {
    /// The groups that the node is in, in the order of their names.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &Arc<str>> {
        self.groups.iter()
    }

    /// Returns the shared copy of a group's name if the node is in the group.
    pub(crate) fn group(&self, name: &str) -> Option<&Arc<str>> {
        self.groups.get(name)
    }

    /// Joins a group. Returns the new status, or `None` if the node was in the group.
    pub(crate) fn join(
        &mut self,
        group: &str,
        limits: &MessageLimits,
    ) -> Result<Option<u8>, ActionError> {
        check_group(group)?;
        if self.groups.contains(group) {
            return Ok(None);
        }
        self.check_hello(longstr_len(group), limits)?;
        self.groups.insert(group.into());
        Ok(Some(self.count()))
    }

    /// Leaves a group. Returns the new status, or `None` if the node was not in the group.
    pub(crate) fn leave(&mut self, group: &str) -> Result<Option<u8>, ActionError> {
        check_group(group)?;
        Ok(self.groups.remove(group).then(|| self.count()))
    }

    fn count(&mut self) -> u8 {
        self.status = self.status.wrapping_add(1);
        self.status
    }

    /// Sets a header. One that is refused leaves the header as it was.
    pub(crate) fn set_header(
        &mut self,
        name: &str,
        value: &str,
        limits: &MessageLimits,
    ) -> Result<(), ActionError> {
        self.replace_header(name, value.len(), limits)?;
        self.headers.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Sets a header that says where a service is. One that is refused leaves the header as it was.
    pub(crate) fn set_service_header(
        &mut self,
        name: &str,
        port: u16,
        limits: &MessageLimits,
    ) -> Result<(), ActionError> {
        // It takes as much room as the longest value that may come of it.
        self.replace_header(name, MAX_SERVICE_LEN, limits)?;
        self.services.insert(name.to_owned(), Service { port, forwarded: None });
        Ok(())
    }

    /// Sets the port of a service for peers that are told this endpoint as the node's.
    pub(crate) fn forward_service(&mut self, name: &str, endpoint: Endpoint, port: u16) {
        if let Some(service) = self.services.get_mut(name) {
            service.forwarded = Some((endpoint, port));
        }
    }

    /// Has a ticket in each HELLO from now on, if there is room for it.
    pub(crate) fn give_tickets(&mut self, limits: &MessageLimits) -> Result<(), ActionError> {
        if !self.gives_tickets {
            self.check_hello(TICKET_LEN, limits)?;
            self.gives_tickets = true;
        }
        Ok(())
    }

    /// Has the key of the node in each HELLO.
    pub(crate) fn set_key(
        &mut self,
        key: PublicKey,
        limits: &MessageLimits,
    ) -> Result<(), ActionError> {
        // It takes the place of what the application may set.
        self.set_header(PUBLIC_KEY_HEADER, &key.to_string(), limits)?;
        self.key = Some(key);
        Ok(())
    }

    pub(crate) const fn gives_tickets(&self) -> bool {
        self.gives_tickets
    }

    /// Removes a header of either kind, if there is room for another of the same name whose value
    /// has this many bytes.
    fn replace_header(
        &mut self,
        name: &str,
        value_len: usize,
        limits: &MessageLimits,
    ) -> Result<(), ActionError> {
        check_length("header name", name)?;
        let (header, service) = (self.headers.remove(name), self.services.remove(name));
        let fits = self.check_hello(1 + name.len() + 4 + value_len, limits);
        if fits.is_err() {
            self.headers.extend(header.map(|old| (name.to_owned(), old)));
            self.services.extend(service.map(|old| (name.to_owned(), old)));
        }
        fits
    }

    /// The headers that the application does not set: where services are, to one that reaches this
    /// node at this address; the ticket of that peer; and the node's key.
    pub(crate) fn own_headers(&self, own_endpoint: Endpoint, ticket: Option<Ticket>) -> Headers {
        let at = |service: &Service| {
            let mut address = own_endpoint.address();
            address.set_port(service.port_at(own_endpoint));
            Endpoint::new(address).wire_form()
        };
        let services = self.services.iter().map(|(name, it)| (name.clone(), at(it)));
        let ticket = ticket.filter(|_| self.gives_tickets);
        let ticket = ticket.map(|it| (ticket::HEADER.to_owned(), it.to_hex()));
        let key = self.key.map(|it| (PUBLIC_KEY_HEADER.to_owned(), it.to_string()));
        services.chain(ticket).chain(key).collect()
    }

    /// The HELLO of this moment.
    pub(crate) fn hello<'a>(
        &'a self,
        endpoint: &'a str,
        name: &'a str,
        own_headers: &'a Headers,
    ) -> Hello<'a> {
        // No header of the application may be taken for a ticket, or for the node's key.
        let is_free = |(name, _): &(&String, &String)| !own_headers.contains_key(*name);
        let headers = self.headers.iter().filter(is_free).chain(own_headers);
        Hello {
            endpoint: endpoint.as_bytes(),
            groups: self.groups.iter().map(|group| group.as_bytes()).collect(),
            status: self.status,
            name: name.as_bytes(),
            headers: headers.map(|(k, v)| (k.as_bytes(), v.as_bytes())).collect(),
        }
    }

    /// Checks that `more` bytes in one more entry still fit a HELLO that peers accept.
    fn check_hello(&self, more: usize, limits: &MessageLimits) -> Result<(), ActionError> {
        /// Signature, id, version, sequence, counts, status, and the longest endpoint and name.
        const FIXED_LEN: usize = 6 + 4 + 4 + 1 + 2 * (1 + MAX_STRING);
        let groups: usize = self.groups.iter().map(|group| longstr_len(group)).sum();
        let headers: usize =
            self.headers.iter().map(|(name, value)| 1 + name.len() + longstr_len(value)).sum();
        let services: usize =
            self.services.keys().map(|name| 5 + name.len() + MAX_SERVICE_LEN).sum();
        let ticket = if self.gives_tickets { TICKET_LEN } else { 0 };
        let headers = headers + services + ticket;
        let tickets = usize::from(self.gives_tickets);
        let entries = self.groups.len() + self.headers.len() + self.services.len() + tickets + 1;
        if entries > limits.entries {
            return Err(ActionError::TooManyEntries { limit: limits.entries });
        }
        if FIXED_LEN + groups + headers + more > limits.bytes {
            return Err(ActionError::HelloTooLarge { limit: limits.bytes });
        }
        Ok(())
    }
}

/// How many bytes a text takes in a field with four bytes of length.
const fn longstr_len(text: &str) -> usize {
    4 + text.len()
}

/// Checks the name of a group that the application joins or sends to. The names that peers choose are
/// not checked here.
pub(crate) const fn check_group(name: &str) -> Result<(), ActionError> {
    if name.is_empty() {
        return Err(ActionError::EmptyGroupName);
    }
    check_length("group name", name)
}

/// Checks that a text fits a field with one byte of length.
pub(crate) const fn check_length(what: &'static str, text: &str) -> Result<(), ActionError> {
    if text.len() > MAX_STRING {
        return Err(ActionError::TooLong { what, bytes: text.len() });
    }
    Ok(())
}
