//! What an application asks for of the network.

use std::time::Duration;

use crate::interface::Choices;
use crate::location::Advertised;
use crate::{Limits, StartError};

/// What is asked for of the network.
#[derive(Clone, Debug)]
pub(crate) struct NetworkSettings {
    pub(crate) choices: Choices,
    /// Whether beacons are sent and heard.
    pub(crate) beacon: bool,
    pub(crate) beacon_port: u16,
    pub(crate) mailbox_port: Option<u16>,
    pub(crate) advertised: Option<Advertised>,
    pub(crate) interval: Duration,
    pub(crate) limits: Limits,
    pub(crate) two_way: bool,
}

impl NetworkSettings {
    /// Checks what can be checked before anything is opened.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        if self.advertised.is_some_and(|it| it.endpoint.address().port() == 0) {
            return Err(StartError::PortZero("advertised endpoint"));
        }
        if self.beacon && self.beacon_port == 0 {
            return Err(StartError::PortZero("beacon"));
        }
        Ok(self.limits.check()?)
    }
}
