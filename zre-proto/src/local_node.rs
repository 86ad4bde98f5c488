//! What the node tells others about itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::message::{Hello, MAX_STRING};
use crate::{ActionError, Endpoint, Headers, MessageLimits};

/// The longest value of a header that says where a service is: `tcp://[` eight groups of four digits
/// `]:65535`.
const MAX_SERVICE_LEN: usize = 6 + 2 + 39 + 1 + 5;

/// The node's groups and headers, as HELLO tells them.
#[derive(Debug, Default)]
pub(crate) struct LocalNode {
    groups: BTreeSet<Arc<str>>,
    /// Joins and leaves so far, modulo 256.
    status: u8,
    headers: Headers,
    /// The ports of services, by the names of their headers.
    services: BTreeMap<String, u16>,
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
        self.services.insert(name.to_owned(), port);
        Ok(())
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

    /// The values of the headers that say where services are, to a peer that reaches this node at
    /// this address.
    pub(crate) fn services_at(&self, own_endpoint: Endpoint) -> Headers {
        let at = |port| {
            let mut address = own_endpoint.address();
            address.set_port(port);
            Endpoint::new(address).wire_form()
        };
        self.services.iter().map(|(name, port)| (name.clone(), at(*port))).collect()
    }

    /// The HELLO of this moment.
    pub(crate) fn hello<'a>(
        &'a self,
        endpoint: &'a str,
        name: &'a str,
        services: &'a Headers,
    ) -> Hello<'a> {
        let headers = self.headers.iter().chain(services);
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
        let headers = headers + services;
        let entries = self.groups.len() + self.headers.len() + self.services.len() + 1;
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

/// Checks the name of a group that the application is to be in, or to send to. What peers are in is
/// theirs to say.
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
