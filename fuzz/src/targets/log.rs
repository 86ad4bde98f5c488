//! Lines of ZRELOG.

use zre_proto::log::{DecodeError, Level, Log, LogEvent, MAX_DATA, correlation_id};

/// Bytes before the data.
const FIXED: usize = 18;

/// What is a line is encoded to the bytes it was read from, except for text that is no UTF-8; and
/// reading it takes no more memory than its data has bytes.
pub fn target(data: &[u8]) {
    names(data);
    let mut decoded = Err(DecodeError::Signature);
    let memory = allocation_counter::measure(|| decoded = Log::decode(data));
    // A byte that is no UTF-8 becomes one of three.
    assert!(memory.bytes_max <= 16 + 6 * MAX_DATA as u64, "{}", memory.bytes_max);
    let Ok(log) = decoded else { return };

    assert!(data.starts_with(&log.level.prefix()));
    let again = log.encode();
    assert!(again.len() <= FIXED + MAX_DATA);
    assert_eq!(again[..FIXED - 1], data[..FIXED - 1]);
    let text = &data[FIXED..FIXED + usize::from(data[FIXED - 1])];
    match str::from_utf8(text) {
        Ok(text) => {
            assert_eq!(log.data, text);
            assert_eq!(again[..], data[..again.len()], "bytes behind the last field are ignored");
            assert_eq!(Log::decode(&again), Ok(log));
        }
        Err(_) => {
            let once = Log::decode(&again).expect("what we say is right");
            assert!(log.data.starts_with(&once.data));
            assert_eq!(once.encode(), again);
        }
    }
    let short = Log::decode(&again[..again.len() - 1]);
    assert_eq!(short, Err(DecodeError::Truncated));
}

/// What was read from text is read again from its own spelling.
fn names(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match text.parse::<Level>() {
        Ok(level) => assert_eq!(level.to_string().parse(), Ok(level)),
        Err(error) => assert!(error.to_string().len() < 1024),
    }
    match text.parse::<LogEvent>() {
        Ok(event) => assert_eq!(event.to_string().parse(), Ok(event)),
        Err(error) => assert!(error.to_string().len() < 1024),
    }
    let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
    let id = text.as_bytes()[last..].iter().fold(correlation_id(&text[..last]), |id, byte| {
        (u32::from(id) * 33) as u16 ^ u16::from(*byte)
    });
    assert_eq!(correlation_id(text), id);
}

/// A line of each event, text of each kind, names.
pub fn seeds() -> Vec<Vec<u8>> {
    let texts = ["", "alice", "Grüße", &"ä".repeat(200)];
    let levels = [Level::Error, Level::Warning, Level::Info];
    let mut seeds: Vec<Vec<u8>> = (0_u8..=7)
        .flat_map(|event| texts.iter().zip(levels.iter().cycle()).map(move |with| (event, with)))
        .map(|(event, (text, level))| {
            let log = Log {
                level: *level,
                event: LogEvent::from(event),
                node: 0x1234,
                peer: 0,
                time: 1_393_064_400,
                data: (*text).to_owned(),
            };
            log.encode().to_vec()
        })
        .collect();
    let mut latin = seeds[1].clone();
    latin[FIXED] = 0xE4;
    seeds.push(latin);
    seeds.extend(["error", "Warning", "info", "ENTER", "exit", "255", "256"].map(Into::into));
    seeds
}
