//! ZRELOG: no bytes break the codec, and what it writes it reads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use proptest::collection::vec;
use proptest::prelude::*;
use zre_proto::log::{DecodeError, Level, Log, LogEvent, MAX_DATA, correlation_id};

fn level() -> impl Strategy<Value = Level> {
    prop_oneof![Just(Level::Error), Just(Level::Warning), Just(Level::Info)]
}

fn log() -> impl Strategy<Value = Log> {
    let data = prop_oneof!["\\PC{0,40}", "\\PC{100,300}", "x{250,260}"];
    (level(), any::<u8>(), any::<(u16, u16, u64)>(), data).prop_map(
        |(level, event, (node, peer, time), data)| Log {
            level,
            event: LogEvent::from(event),
            node,
            peer,
            time,
            data,
        },
    )
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_bytes_break_the_decoder(mut bytes in vec(any::<u8>(), 0..300), ours in any::<bool>()) {
        if ours && bytes.len() > 3 {
            bytes[..3].copy_from_slice(&[0xAA, 0xA2, 1]);
            bytes[3] &= 3;
        }
        let Ok(log) = Log::decode(&bytes) else { return Ok(()) };
        let again = log.encode();
        prop_assert_eq!(&again[..17], &bytes[..17]);
        if std::str::from_utf8(&bytes[18..18 + usize::from(bytes[17])]).is_ok() {
            prop_assert_eq!(&again[..], &bytes[..again.len()]);
        }
        prop_assert!(Log::decode(&again).is_ok());
    }

    #[test]
    fn every_line_is_read_as_it_was_written(log in log(), behind in vec(any::<u8>(), 0..4)) {
        let frame = log.encode();
        prop_assert!(frame.starts_with(&log.level.prefix()));
        let read = Log::decode(&[&frame[..], &behind[..]].concat()).unwrap();
        prop_assert!(log.data.starts_with(&read.data));
        // Cut only where there is no room, and no more than one character needs.
        let room = MAX_DATA - read.data.len();
        let next = log.data[read.data.len()..].chars().next();
        prop_assert!(next.is_none_or(|next| next.len_utf8() > room));
        prop_assert_eq!(Log { data: log.data.clone(), ..read }, log);
    }

    #[test]
    fn every_line_that_is_cut_short_is_called_truncated(log in log()) {
        let frame = log.encode();
        for cut in 0..frame.len() {
            prop_assert_eq!(Log::decode(&frame[..cut]), Err(DecodeError::Truncated), "at {}", cut);
        }
    }

    #[test]
    fn names_are_read_as_they_are_written(level in level(), event in any::<u8>()) {
        prop_assert_eq!(level.to_string().parse(), Ok(level));
        let event = LogEvent::from(event);
        prop_assert_eq!(event.to_string().parse(), Ok(event));
    }

    #[test]
    fn a_byte_more_changes_the_id_as_the_protocol_says(text in "[ -~]{0,60}", last in "[ -~]") {
        let (before, last) = (u32::from(correlation_id(&text)), (text + &last));
        let byte = u32::from(*last.as_bytes().last().unwrap());
        prop_assert_eq!(u32::from(correlation_id(&last)), (before * 33 % 65_536) ^ byte);
    }
}
