//! Runs that lead deep into the engine, to start from.

/// Each step by its numbers: what happens, who, what, how.
pub fn seeds() -> Vec<Vec<u8>> {
    const MEET: [[u8; 4]; 2] = [[0, 1, 0, 0], [0, 2, 0, 0]];
    // Sequence right, second speaker in the name of 1.
    const SECOND: u8 = 0x40 | 8 | 1;
    // The same on two-way connections, that came in and that were dialled.
    const MEET_TWO_WAY: [[u8; 4]; 2] = [[32, 1, 0, 0], [32, 2, 0, 1]];
    let runs: [&[[u8; 4]]; 12] = [
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
        // Another two-way connection in its name: refuted, and good.
        &[
            [33, 9, 0, 0],
            [36, 1, 0, 1],
            [18, 1, 0, 0],
            [33, 9, 0, 0],
            [28, 0, 0, 0],
            [4, 0x49, 0, 7],
        ],
        // It breaks, and what was said before still comes; it ends.
        &[[35, 1, 0, 0], [4, 0x41, 3, 1], [28, 0, 0, 0], [15, 1, 0, 0], [32, 1, 0, 1]],
        // Several that are up before the first word.
        &[[33, 3, 0, 0], [33, 11, 0, 0], [2, 3, 3, 0], [34, 19, 0, 0], [4, 0x4B, 0, 7]],
    ];
    let mut seeds = Vec::new();
    for setting in
        [[3, 0, 0, 0], [3, 0, 3, 0], [1, 3, 0, 0], [3, 0, 0, 1], [3, 0, 3, 2], [3, 0, 3, 3]]
    {
        for run in runs {
            for meet in [MEET, MEET_TWO_WAY] {
                let steps = meet.iter().chain(run).flatten().copied();
                seeds.push(setting.into_iter().chain(steps).collect());
            }
        }
    }
    seeds
}
