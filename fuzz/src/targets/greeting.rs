//! The first 64 bytes of a ZMTP connection.

use zmtp::Error;

use crate::heard::{Heard, dealer, opening, router};
use crate::vectors::captured;

const LEN: usize = 64;
const NULL: &[u8] = b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// A greeting is what RFC 37 says, and nothing else is.
pub fn target(data: &[u8]) {
    let greeting = &data[..data.len().min(LEN)];
    let mut bytes = greeting.to_vec();
    if greeting.len() == LEN {
        bytes.extend_from_slice(&opening(&dealer())[LEN..]);
    }
    let heard = Heard::from(&router(), &bytes);

    let is = |at: usize, right: fn(u8) -> bool| greeting.get(at).is_none_or(|byte| right(*byte));
    let zmtp = is(0, |byte| byte == 0xff) && is(9, |byte| byte == 0x7f);
    let version = is(10, |major| major >= 3);
    let mechanism = greeting.get(12..32).is_none_or(|mechanism| mechanism == NULL);
    match &heard.error {
        None => assert!(zmtp && version && mechanism),
        Some(Error::Version { .. }) => assert!(!zmtp || !version),
        Some(Error::Mechanism(_)) => assert!(zmtp && version && !mechanism),
        Some(other) => panic!("{other}"),
    }
    let complete = greeting.len() == LEN && heard.error.is_none();
    let told = heard.ready.map(|peer| (peer.major, peer.minor));
    assert_eq!(told, complete.then(|| (greeting[10], greeting[11])));
}

/// Greetings of real nodes, and ours.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = captured("zmtp", "zmtp-greeting-");
    seeds.extend(captured("zmtp", "zmtp-curve-greeting-"));
    seeds.push(opening(&router())[..LEN].to_vec());
    seeds
}
