//! The bytes of the log, one by one.

use super::*;

fn join() -> Log {
    Log {
        level: Level::Warning,
        event: LogEvent::Join,
        node: 0x0102,
        peer: 0x0304,
        time: 0x0506_0708_090A_0B0C,
        data: "chat".to_owned(),
    }
}

const JOIN: [u8; 22] = [
    0xAA, 0xA2, 1, 2, 1, // signature, LOG, warning, JOIN
    1, 2, 3, 4, // node, peer
    5, 6, 7, 8, 9, 10, 11, 12, // time
    4, b'c', b'h', b'a', b't',
];

#[test]
fn a_line_byte_by_byte() {
    assert_eq!(&join().encode()[..], JOIN);
    assert_eq!(Log::decode(&JOIN), Ok(join()));
    assert_eq!(Log::decode(&[&JOIN[..], b"more"].concat()), Ok(join()), "bytes behind it");
}

#[test]
fn levels_and_events_have_their_numbers() {
    for (number, level) in [(1, Level::Error), (2, Level::Warning), (3, Level::Info)] {
        let frame = Log { level, ..join() }.encode();
        assert_eq!(frame[3], number);
        assert_eq!(level.prefix(), [0xAA, 0xA2, 1, number]);
        assert_eq!(level.to_string().parse(), Ok(level));
    }
    assert!(Level::Error < Level::Warning && Level::Warning < Level::Info);
    let names = ["NONE", "JOIN", "LEAVE", "ENTER", "EXIT", "SEND", "RECV"];
    for (number, name) in (0..).zip(names) {
        let event: LogEvent = name.parse().unwrap();
        let frame = Log { event, ..join() }.encode();
        assert_eq!(frame[4], number, "{name}");
        assert_eq!(Log::decode(&frame).unwrap().event, event);
        assert_eq!(event.to_string(), name);
    }
}

#[test]
fn an_event_without_a_name_is_kept() {
    for number in 7..=255 {
        let mut frame = JOIN;
        frame[4] = number;
        let log = Log::decode(&frame).unwrap();
        assert_eq!(log.event, LogEvent::Other(number));
        assert_eq!(log.encode()[..], frame);
        assert_eq!(log.event.to_string().parse(), Ok(log.event));
    }
    assert_eq!(Log::decode(&Log { event: LogEvent::Other(5), ..join() }.encode()), {
        Ok(Log { event: LogEvent::Send, ..join() })
    });
}

#[test]
fn what_is_wrong_is_said() {
    for cut in 0..JOIN.len() {
        assert_eq!(Log::decode(&JOIN[..cut]), Err(DecodeError::Truncated), "cut at {cut}");
    }
    let with = |at: usize, byte| {
        let mut frame = JOIN;
        frame[at] = byte;
        Log::decode(&frame)
    };
    assert_eq!(with(0, 0xAB), Err(DecodeError::Signature));
    assert_eq!(with(1, 0xA1), Err(DecodeError::Signature), "a ZRE message");
    assert_eq!(with(2, 2), Err(DecodeError::UnknownId(2)));
    assert_eq!(with(3, 0), Err(DecodeError::Level(0)));
    assert_eq!(with(3, 4), Err(DecodeError::Level(4)));
    assert_eq!(with(17, 5), Err(DecodeError::Truncated));
}

#[test]
fn long_text_is_cut_between_characters() {
    let cut = |data: &str| {
        let frame = Log { data: data.to_owned(), ..join() }.encode();
        assert_eq!(usize::from(frame[17]), frame.len() - 18);
        Log::decode(&frame).unwrap().data
    };
    assert_eq!(cut(""), "");
    assert_eq!(cut(&"x".repeat(255)), "x".repeat(255));
    assert_eq!(cut(&"x".repeat(256)), "x".repeat(255));
    assert_eq!(cut(&"x".repeat(100_000)), "x".repeat(255));
    // 127 characters of two bytes are 254; the next does not fit.
    assert_eq!(cut(&"ä".repeat(200)), "ä".repeat(127));
    assert_eq!(cut(&format!("{}ä", "x".repeat(254))), "x".repeat(254));
}

#[test]
fn text_that_is_no_utf8_is_readable_all_the_same() {
    let mut frame = JOIN;
    frame[19] = 0xFF;
    assert_eq!(Log::decode(&frame).unwrap().data, "c\u{FFFD}at");
}

#[test]
fn correlation_ids() {
    assert_eq!(correlation_id(""), 0);
    assert_eq!(correlation_id("a"), 97);
    // 97 * 33 = 3201, with 98: 3299; 3299 * 33 = 108,867, less 65,536: 43,331, with 99: 43,296.
    assert_eq!(correlation_id("ab"), 3299);
    assert_eq!(correlation_id("abc"), 43_296);
    let (one, other) = ("tcp://10.0.0.1:49152", "tcp://10.0.0.2:49152");
    assert_ne!(correlation_id(one), correlation_id(other));
}

#[test]
fn names_are_read_in_capitals_or_not_and_others_are_refused() {
    assert_eq!("WARNING".parse(), Ok(Level::Warning));
    assert_eq!("exit".parse(), Ok(LogEvent::Exit));
    assert_eq!("200".parse(), Ok(LogEvent::Other(200)));
    assert_eq!("6".parse(), Ok(LogEvent::Recv));
    let error = "debug".parse::<Level>().unwrap_err();
    assert_eq!(error.to_string(), r#""debug" is none of error, warning, info"#);
    assert!("256".parse::<LogEvent>().is_err());
}
