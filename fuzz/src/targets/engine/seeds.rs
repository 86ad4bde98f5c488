//! Runs that lead deep into the engine, to start from.

/// Each step by its numbers: what happens, who, what, how.
pub fn seeds() -> Vec<Vec<u8>> {
    const MEET: [[u8; 4]; 2] = [[0, 1, 0, 0], [0, 2, 0, 0]];
    // Sequence right, second speaker in the name of 1.
    const SECOND: u8 = 0x40 | 8 | 1;
    let runs: [&[[u8; 4]]; 9] = [
        // They meet, join, talk and part.
        &[[4, 0x41, 6, 0], [23, 0, 0, 0], [4, 0x41, 3, 1], [4, 0x41, 5, 1], [4, 0x41, 13, 0]],
        // A second connection in the name of one: refuted, and good.
        &[[4, SECOND, 0, 7], [4, SECOND, 3, 1], [18, 1, 0, 0]],
        &[[4, SECOND, 0, 7], [4, SECOND, 3, 1], [28, 0, 0, 0], [16, 1, 0, 0]],
        &[[4, SECOND, 0, 7], [15, 1, 0, 0], [16, 1, 0, 0], [4, SECOND, 3, 1]],
        // Another one says that it is where the first is.
        &[[4, 0x43, 0, 1], [28, 0, 0, 0], [16, 3, 0, 0]],
        // A link is lost, and what was said before still comes.
        &[[17, 1, 1, 0], [4, 0x41, 3, 1], [28, 0, 0, 0]],
        // Goodbye beacon, another node in its place, another place.
        &[[3, 1, 0, 0], [2, 3, 2, 0], [2, 1, 4, 0], [18, 1, 0, 0], [28, 0, 0, 0], [28, 0, 0, 0]],
        // Quiet while the mailbox is not read; then suspended.
        &[[21, 0, 0, 1], [26, 0, 200, 100], [21, 0, 0, 0], [30, 0, 100, 100], [28, 0, 0, 0]],
        // It greets anew, twice; and reconnects.
        &[[4, 0x41, 0, 7], [4, 0x41, 0, 7], [18, 1, 0, 0], [16, 1, 0, 0], [31, 1, 0, 0]],
    ];
    let mut seeds = Vec::new();
    for setting in [[3, 0, 0, 0], [3, 0, 3, 0], [1, 3, 0, 0]] {
        for run in runs {
            let steps = MEET.iter().chain(run).flatten().copied();
            seeds.push(setting.into_iter().chain(steps).collect());
        }
    }
    seeds
}
