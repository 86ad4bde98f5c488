//! The application's own `tracing` events, as lines of the log.

use std::fmt::{self, Write};
use std::sync::{Arc, Weak};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;
use zre_proto::log::{Level, MAX_DATA};

use super::Logger;

/// The crates whose events are not taken: what the node says of itself while it logs would be
/// logged again.
const OWN: [&str; 4] = ["zyre", "zmtp", "zre_proto", "filemq"];

/// Records events in the log of a node, while there is one.
struct LogLayer {
    logger: Weak<Logger>,
}

/// A layer for the log of this node.
pub(crate) fn layer<S>(logger: &Arc<Logger>) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // A filter of its own: what it does not want others may want.
    let wanted = FilterFn::new(is_wanted).with_max_level_hint(LevelFilter::INFO);
    LogLayer { logger: Arc::downgrade(logger) }.with_filter(wanted)
}

fn is_wanted(metadata: &Metadata<'_>) -> bool {
    let own = |path: &str| OWN.contains(&path.split("::").next().unwrap_or_default());
    *metadata.level() <= tracing::Level::INFO
        && !own(metadata.target())
        && !metadata.module_path().is_some_and(own)
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let Some(logger) = self.logger.upgrade() else { return };
        let metadata = event.metadata();
        let level = match *metadata.level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warning,
            _ => Level::Info,
        };
        logger.log(level, || {
            let mut line = Line { text: String::new(), fields: String::new() };
            event.record(&mut line);
            let Line { text, fields } = line;
            format!("{}: {text}{fields}", metadata.target())
        });
    }
}

/// The message of an event, and its other fields, each no longer than a line can be.
struct Line {
    text: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // An error says that it is long enough.
        let _ = if field.name() == "message" {
            write!(Short(&mut self.text), "{value:?}")
        } else {
            write!(Short(&mut self.fields), " {}={value:?}", field.name())
        };
    }
}

/// Stops a value that would print for ever.
struct Short<'a>(&'a mut String);

impl Write for Short<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.0.len() > MAX_DATA {
                return Err(fmt::Error);
            }
            self.0.push(character);
        }
        Ok(())
    }
}
