//! What is said of an EXIT, by what really became of the peer.

use super::*;

const A: PeerId = PeerId::new([0xA; 16]);
const B: PeerId = PeerId::new([0xB; 16]);

const fn at(second: u64) -> Duration {
    Duration::from_secs(second)
}

/// Two nodes since the beginning, where A has entered B.
fn both_up() -> Lives {
    let mut lives = Lives::default();
    for (id, process) in [(A, 1), (B, 2)] {
        lives.up(id, "node".into(), 0, process, Kind::TwoWay, at(0));
    }
    lives.enter(A, B, at(1));
    lives
}

/// B ends at 20 s as said, and had sent A three whispers when it was stopped.
fn ended(how: How) -> Lives {
    let mut lives = both_up();
    lives.ending(B, how, at(20));
    let said = if how == How::Stop { BTreeMap::from([(A, 3)]) } else { BTreeMap::new() };
    lives.ended(B, at(20), said);
    lives
}

/// A is told at 20 s that B is gone; the rules that are found broken when all reports have come.
fn judged(mut lives: Lives, reason: ExitReason, heard: impl Into<Option<u32>>) -> Vec<Rule> {
    let heard = heard.into();
    let exit = Exit { node: A, peer: B, at: at(20), reason: reason.to_string(), heard };
    let late = lives.exit(exit);
    assert!(late.is_none(), "{late:?}");
    lives.check(at(22)).iter().map(|violation| violation.rule).collect()
}

#[test]
fn the_reason_of_an_exit_is_that_which_is_true() {
    use ExitReason::{Expired, Goodbye, LinkLost, Replaced, Restarted};
    let cases = [
        (How::Stop, vec![Goodbye]),
        (How::Crash, vec![LinkLost, Replaced]),
        (How::Kill, vec![LinkLost, Replaced]),
    ];
    for (how, lawful) in cases {
        for reason in [Goodbye, LinkLost, Replaced, Expired, Restarted] {
            let expected = if lawful.contains(&reason) { vec![] } else { vec![Rule::Life] };
            assert_eq!(judged(ended(how), reason, 3), expected, "{how:?}, {reason}");
        }
    }
}

#[test]
fn a_stall_may_make_a_stop_look_like_a_crash_and_not_the_other_way() {
    for stalled in [A, B] {
        for (how, reason, lawful) in
            [(How::Stop, ExitReason::LinkLost, true), (How::Crash, ExitReason::Goodbye, false)]
        {
            let mut lives = ended(how);
            lives.get_mut(stalled).unwrap().stall = Some((at(13), at(19)));
            let expected = if lawful { vec![] } else { vec![Rule::Life] };
            assert_eq!(judged(lives, reason, 3), expected, "{how:?}, {reason}");
        }
        let mut long_ago = ended(How::Stop);
        long_ago.get_mut(stalled).unwrap().stall = Some((at(1), at(3)));
        assert_eq!(judged(long_ago, ExitReason::LinkLost, 3), [Rule::Life]);
    }
}

#[test]
fn the_release_before_may_be_lost_without_a_goodbye_and_after_a_stall_in_the_midst_of_a_handshake()
{
    let parted = |lives: Lives| judged(lives, ExitReason::LinkLost, None);
    let old = |mut lives: Lives, id: PeerId| {
        lives.get_mut(id).unwrap().kind = Kind::Old;
        lives
    };
    assert_eq!(parted(old(ended(How::Stop), B)), []);
    assert_eq!(parted(old(ended(How::Stop), A)), [Rule::Life], "B says goodbye to it");
    for stalled in [A, B] {
        let mut both = both_up();
        both.get_mut(stalled).unwrap().stall = Some((at(13), at(19)));
        assert_eq!(parted(both), [Rule::Life], "none is old");
        for id in [A, B] {
            let mut both = old(both_up(), id);
            assert_eq!(parted(old(both_up(), id)), [Rule::Life], "none was stalled");
            both.get_mut(stalled).unwrap().stall = Some((at(13), at(19)));
            assert_eq!(parted(both), []);
        }
    }
}

#[test]
fn a_stop_that_was_cut_short_by_a_kill_may_look_like_either() {
    for reason in [ExitReason::Goodbye, ExitReason::LinkLost] {
        let mut lives = both_up();
        lives.ending(B, How::Stop, at(20));
        lives.killed(2, at(20));
        assert_eq!(judged(lives, reason, 0), []);
    }
}

#[test]
fn last_words_come_before_the_exit() {
    assert_eq!(judged(ended(How::Stop), ExitReason::Goodbye, 3), []);
    assert_eq!(judged(ended(How::Stop), ExitReason::Goodbye, 2), [Rule::Delivery]);
    assert_eq!(judged(ended(How::Stop), ExitReason::Goodbye, None), [], "A does not tell");
    assert_eq!(judged(ended(How::Crash), ExitReason::LinkLost, 2), [], "it had no last words");
    let mut absent = ended(How::Stop);
    absent.get_mut(B).unwrap().said.clear();
    assert_eq!(judged(absent, ExitReason::Goodbye, 2), [], "A was not there for B");
}

#[test]
fn nobody_complains_of_a_peer_that_is_alive_and_awake() {
    let complained = |change: &dyn Fn(&mut Lives)| {
        let mut lives = both_up();
        change(&mut lives);
        lives.complain(Complaint { node: A, peer: B, at: at(20), what: "SILENT".into() });
        assert!(lives.check(at(20)).is_empty(), "reports may be on their way");
        let found = lives.check(at(22));
        assert!(lives.check(at(23)).is_empty(), "said once");
        found.iter().map(|violation| violation.rule).collect::<Vec<_>>()
    };
    let stalls: [(PeerId, u64, u64, &[Rule]); 3] =
        [(A, 11, 19, &[]), (B, 11, 19, &[]), (B, 1, 9, &[Rule::Life])];
    for (stalled, from, until, expected) in stalls {
        let stall = |lives: &mut Lives| {
            lives.get_mut(stalled).unwrap().stall = Some((at(from), at(until)));
        };
        assert_eq!(complained(&stall), expected, "{stalled} until {until} s");
    }
    assert_eq!(complained(&|_| {}), [Rule::Life]);
    assert_eq!(complained(&|lives| lives.ending(B, How::Crash, at(14))), []);
}
