//! Offers: what a server has, and what the client wants of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

#[path = "../common/client_outputs.rs"]
mod client_outputs;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/pair.rs"]
mod pair;

mod client;
mod server;
mod sockets;

use filemq::message::{Answer, Message, Offer, Verdict};

use common::{dictionary, text};

/// What both say who agree on offers.
const OURS: [(&str, &str); 4] =
    [("RESYNC", "1"), ("DIGEST", "BLAKE3"), ("RECEIPT", "1"), ("OFFER", "1")];

fn agreed() -> Message {
    Message::IcanhazOk(dictionary(&[("CREDIT", "1"), ("RECEIPT", "1"), ("OFFER", "1")]))
}

fn answers(answers: &[(u64, Verdict, &str)]) -> Message {
    let answer = |(number, verdict, reason): &(u64, Verdict, &str)| Answer {
        number: *number,
        verdict: *verdict,
        text: text(reason),
    };
    Message::Answers(answers.iter().map(answer).collect())
}

/// Offers in short: `0/a 10` for a file of ten bytes, `-0` for an offer that holds no more.
fn offers(message: &Message) -> Vec<String> {
    let Message::Offers(offers) = message else { panic!("{message:?}") };
    let short = |offer: &Offer| match offer {
        Offer::File { number, filename, size, .. } => {
            format!("{number}{} {size}", str::from_utf8(filename).unwrap())
        }
        Offer::Withdrawn { number } => format!("-{number}"),
    };
    offers.iter().map(short).collect()
}
