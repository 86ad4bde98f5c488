//! `zyre doctor`: why do nodes not see each other?
//!
//! ```text
//! zyre doctor
//! zyre doctor 192.168.1.9
//! ```
//!
//! It looks at this machine, sends beacons and hears those of others, tries to connect to each of them,
//! and sees who connects to it. Run on both machines at the same time, the two doctors find each other
//! even where nodes do not, and each says which direction fails. While it runs it tells everybody on the
//! network where it is, and what it hears and reaches.
//!
//! The exit status is 0 if nothing is wrong, and 1 if something is.

mod colleague;
mod descriptors;
mod evidence;
mod examination;
mod finding;
mod host;
mod neighbours;
mod others;
mod port_holders;
mod reach;
mod sighting;
mod target;
mod wanted;

use std::error::Error;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use zyre::StartError;

use self::evidence::Evidence;
use self::examination::Examination;
use self::finding::{Cause, Finding, Severity};
use self::target::Target;
use crate::network::Network;
use crate::output;
use crate::visit::seconds;

#[derive(Args)]
pub(crate) struct Options {
    /// The node that is not seen: its address, with a port or without, or its name.
    #[arg(value_name = "NODE")]
    target: Option<String>,
    /// Seconds to look. If another doctor is found, a little longer.
    #[arg(long, value_name = "SECONDS", default_value = "12", value_parser = seconds)]
    wait: Duration,
    /// One JSON object a line, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    network: Network,
}

pub(crate) async fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    if !options.json && io::stdout().is_terminal() {
        output::line(format!("looking for {} s; Ctrl-C ends it", options.wait.as_secs_f64()));
    }
    let port = options.network.beacon_port();
    let holders = port_holders::holders(port);
    let mut findings: Vec<Finding> = descriptors::limit().into_iter().collect();
    findings.extend(descriptors::of_holders(&holders));
    let running = holders.iter().map(|it| {
        Finding::fine(format!("{} hears beacons on UDP port {port} of this machine", it.program()))
    });
    findings.extend(running);
    let builder = options.network.builder()?.name("zyre-doctor").two_way(false);
    match builder.start().await {
        Ok((node, events)) => {
            let target = match &options.target {
                Some(target) => Some(Target::find(target).await),
                None => None,
            };
            let examination = Examination::new(&node, events, &options.network, target);
            let evidence = examination.look(options.wait).await;
            findings.extend(diagnose(&evidence, Instant::now()));
            node.stop().await;
        }
        Err(error) => findings.push(not_started(error, &holders)?),
    }
    Ok(tell(&findings, options.json))
}

/// Says what was seen means.
fn diagnose(evidence: &Evidence, now: Instant) -> Vec<Finding> {
    let mut findings = host::interfaces(evidence);
    findings.extend(host::own_beacons(evidence));
    findings.extend(others::nodes(evidence, now));
    findings.extend(wanted::findings(evidence));
    if !evidence.has_post {
        findings.push(Finding::note(
            Cause::PortTaken,
            format!(
                "UDP port {} is taken, perhaps by another doctor on this machine: what a doctor \
                 elsewhere says is not heard",
                colleague::PORT
            ),
        ));
    }
    if evidence.nodes().is_empty() && findings.iter().all(|it| it.severity != Severity::Problem) {
        findings.push(Finding::problem(
            Cause::Nobody,
            "nobody else is heard, and nothing is wrong that one side can see",
            "look whether the other program runs, and with the same --port; start zyre doctor on that \
             machine at the same time, or name its address here: zyre doctor ADDRESS",
        ));
    }
    findings
}

/// Says why no node starts.
///
/// # Errors
/// It is the command line, or something that a person cannot mend.
fn not_started(
    error: StartError,
    holders: &[port_holders::Holder],
) -> Result<Finding, Box<dyn Error>> {
    let source = match &error {
        StartError::Beacon { source, .. } | StartError::Mailbox { source, .. } => Some(source),
        StartError::Interfaces(source) => Some(source),
        _ => None,
    };
    if source.is_some_and(descriptors::is_lack) {
        return Ok(descriptors::none_left(&error));
    }
    Ok(match error {
        StartError::Beacon { port, ref source } if source.kind() == io::ErrorKind::AddrInUse => {
            let who: Vec<String> = holders.iter().map(port_holders::Holder::program).collect();
            let who = if who.is_empty() { "a program".to_owned() } else { who.join(", ") };
            Finding::problem(
                Cause::PortTaken,
                format!("{who} has UDP port {port} for itself, so no other node can hear beacons"),
                "end that program, or let all nodes use another port: --port",
            )
        }
        StartError::NoInterface { .. } => Finding::problem(
            Cause::NoInterface,
            error.to_string(),
            "name another one by --interface, or none, and all are used",
        ),
        error => return Err(error.into()),
    })
}

/// Prints what was found, the problems last. Returns the exit status.
fn tell(findings: &[Finding], json: bool) -> ExitCode {
    let of = |severity| findings.iter().filter(move |it| it.severity == severity);
    let problems = of(Severity::Problem).count();
    let ordered = of(Severity::Fine).chain(of(Severity::Note)).chain(of(Severity::Problem));
    for finding in ordered {
        if json {
            output::record(finding.json());
        } else {
            finding.lines().iter().for_each(output::line);
        }
    }
    match problems {
        0 => {
            if !json {
                output::line("nothing is wrong");
            }
            ExitCode::SUCCESS
        }
        _ => ExitCode::FAILURE,
    }
}
