//! What the user answers to offers.

use std::path::PathBuf;

use zyre::OfferId;

/// What is typed.
pub(super) const HELP: &str = "y N [PATH]: take it (to PATH), n N [WHY]: decline, p N: pause, \
                               c N: cancel,\n* instead of N: all (y, n: those not taken yet); ?: what is on offer";

/// What the user wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Accept(Which),
    AcceptAs(OfferId, PathBuf),
    Decline(Which, String),
    Pause(Which),
    Cancel(Which),
    List,
}

/// Which offers are meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Which {
    One(OfferId),
    All,
}

/// Reads a line. Returns `None` if it is not understood.
pub(super) fn parse(line: &str) -> Option<Answer> {
    let line = line.trim();
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    let (number, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let which = || match number {
        "*" => Some(Which::All),
        number => number.parse().ok().map(|number: u64| Which::One(number.into())),
    };
    let rest = rest.trim();
    Some(match (word, rest) {
        ("y", "") => Answer::Accept(which()?),
        ("y", path) => match which()? {
            Which::One(offer) => Answer::AcceptAs(offer, path.into()),
            Which::All => return None,
        },
        ("n", reason) => Answer::Decline(which()?, reason.to_owned()),
        ("p", "") => Answer::Pause(which()?),
        ("c", "") => Answer::Cancel(which()?),
        ("?", "") if number.is_empty() => Answer::List,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_people_type_them() {
        let one = |number: u64| Which::One(number.into());
        for (line, answer) in [
            ("y 3", Answer::Accept(one(3))),
            ("  y   3  ", Answer::Accept(one(3))),
            ("y *", Answer::Accept(Which::All)),
            ("y 3 my photos/1.jpg", Answer::AcceptAs(3.into(), "my photos/1.jpg".into())),
            ("n 12", Answer::Decline(one(12), String::new())),
            ("n * no more cats", Answer::Decline(Which::All, "no more cats".into())),
            ("p 1", Answer::Pause(one(1))),
            ("c *", Answer::Cancel(Which::All)),
            ("?", Answer::List),
        ] {
            assert_eq!(parse(line), Some(answer), "{line}");
        }
        for line in ["", "y", "y x", "y -1", "y * /tmp", "yes 3", "p 1 2", "? 3", "all"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
