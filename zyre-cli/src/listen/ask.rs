//! Offers are shown, and answers carried out.

use std::io::{self, BufRead as _};
use std::path::Path;

use tokio::sync::mpsc;
use zyre::{Node, Offer, OfferError, OfferState, PeerId};

use super::answer::{Answer, HELP, Which, parse};
use crate::progress::Progress;
use crate::text::{self, size};

/// The longest line that is read.
const MAX_LINE: u64 = 8192;

/// Reads lines from standard input until it ends.
pub(super) fn lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    // Not a thread of the runtime, whose end would wait for the next line.
    std::thread::spawn(move || {
        loop {
            let mut line = Vec::new();
            let read = io::Read::take(io::stdin().lock(), MAX_LINE).read_until(b'\n', &mut line);
            let is_over = !matches!(read, Ok(1..));
            if is_over || sender.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err()
            {
                return;
            }
        }
    });
    lines
}

/// Returns the line about an offer.
pub(super) fn sentence(who: &str, offer: &Offer) -> String {
    let state = match offer.state {
        OfferState::Accepted => ", accepted",
        OfferState::Paused => ", paused",
        OfferState::Open => "",
    };
    let bytes = offer.size.map(|bytes| format!(", {}", size(bytes))).unwrap_or_default();
    format!("[{}] {who} offers {}{bytes}{state}", offer.id, text::message(&offer.name))
}

/// Carries out a line of the user.
pub(super) fn obey(node: &Node, line: &str, progress: &mut Progress) {
    let Some(answer) = parse(line) else {
        HELP.lines().for_each(|line| progress.say(line));
        return;
    };
    let before = all(node);
    let done = match &answer {
        Answer::List => {
            if before.is_empty() {
                progress.say("nothing is on offer");
            }
            for offer in &before {
                progress.say(sentence(&progress.name_of(offer.peer), offer));
            }
            Ok(())
        }
        Answer::AcceptAs(offer, path) => node.accept_as(*offer, place(path)),
        Answer::Accept(Which::One(offer)) => node.accept(*offer),
        Answer::Decline(Which::One(offer), reason) => node.decline(*offer, reason),
        Answer::Pause(Which::One(offer)) => node.pause(*offer),
        Answer::Cancel(Which::One(offer)) => node.cancel(*offer),
        Answer::Accept(Which::All)
        | Answer::Decline(Which::All, _)
        | Answer::Pause(Which::All)
        | Answer::Cancel(Which::All) => {
            before.iter().for_each(|offer| one_of_all(node, &answer, offer));
            Ok(())
        }
    };
    match done {
        Err(OfferError::Gone) => progress.say("there is no such offer; ? shows what there is"),
        Err(error) => progress.say(text::message(&error.to_string())),
        Ok(()) => before.iter().for_each(|offer| show(node, &answer, offer, progress)),
    }
}

/// Shows what has become of an offer, if the answer is about it.
fn show(node: &Node, answer: &Answer, before: &Offer, progress: &mut Progress) {
    let (stops, which) = match answer {
        Answer::Accept(which) => (false, which),
        Answer::AcceptAs(offer, _) => (false, &Which::One(*offer)),
        Answer::Decline(which, _) | Answer::Pause(which) | Answer::Cancel(which) => (true, which),
        Answer::List => return,
    };
    match which {
        Which::One(offer) if *offer != before.id => {}
        _ if !is_meant(answer, before.state) && *which == Which::All => {}
        _ if stops => {
            progress.stop(before.peer, &before.name);
            // Nothing else tells the user that it was understood.
            if let Some(now) = node.offers(before.peer).iter().find(|now| now.id == before.id) {
                progress.say(sentence(&progress.name_of(now.peer), now));
            }
        }
        _ => progress.go_on(before.peer, &before.name),
    }
}

/// Applies the decision about all offers to one of them. An offer that has gone meanwhile needs no
/// decision.
fn one_of_all(node: &Node, answer: &Answer, offer: &Offer) {
    if !is_meant(answer, offer.state) {
        return;
    }
    let _ = match answer {
        Answer::Accept(_) => node.accept(offer.id),
        Answer::Decline(_, reason) => node.decline(offer.id, reason),
        Answer::Pause(_) => node.pause(offer.id),
        Answer::Cancel(_) => node.cancel(offer.id),
        Answer::AcceptAs(..) | Answer::List => Ok(()),
    };
}

/// Returns whether `*` means an offer: one that was accepted is not accepted or declined again.
const fn is_meant(answer: &Answer, state: OfferState) -> bool {
    let decides = matches!(answer, Answer::Accept(_) | Answer::Decline(..));
    !(decides && matches!(state, OfferState::Accepted))
}

/// A path as a shell reads it: `~/` is the home directory.
fn place(path: &Path) -> std::path::PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.to_owned(),
    }
}

/// What all peers offer, in the order of their numbers.
fn all(node: &Node) -> Vec<Offer> {
    let peers: Vec<PeerId> = node.peers();
    let mut offers: Vec<_> = peers.into_iter().flat_map(|peer| node.offers(peer)).collect();
    offers.sort_by_key(|offer| offer.id);
    offers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_those_that_are_not_accepted_where_that_matters() {
        for (answer, also_accepted) in [
            (Answer::Accept(Which::All), false),
            (Answer::Decline(Which::All, String::new()), false),
            (Answer::Pause(Which::All), true),
            (Answer::Cancel(Which::All), true),
        ] {
            assert_eq!(is_meant(&answer, OfferState::Accepted), also_accepted, "{answer:?}");
            assert!(is_meant(&answer, OfferState::Open) && is_meant(&answer, OfferState::Paused));
        }
    }
}
