//! Pictures of earlier moments, from which any other is not far.

use crate::picture::Picture;
use crate::store::Position;

/// How many pictures are kept.
const MOST: usize = 24;

/// How many items are between two, at first.
const STEP: u64 = 10_000;

/// A picture, and where on the tape it was made.
#[derive(Clone, Debug, Default)]
pub(super) struct Keyframe {
    pub(super) position: Position,
    pub(super) picture: Picture,
}

/// Pictures at even distances.
#[derive(Debug)]
pub(super) struct Keyframes {
    frames: Vec<Keyframe>,
    step: u64,
    next: u64,
}

impl Default for Keyframes {
    fn default() -> Self {
        Self { frames: Vec::new(), step: STEP, next: 0 }
    }
}

impl Keyframes {
    /// Keeps the picture at a position, if it is far enough from the last one.
    pub(super) fn offer(&mut self, position: Position, picture: &Picture) {
        if picture.version() < self.next {
            return;
        }
        if self.frames.len() == MOST {
            // Every second one goes; the first stays.
            let mut keep = false;
            self.frames.retain(|_| {
                keep = !keep;
                keep
            });
            self.step *= 2;
        }
        self.frames.push(Keyframe { position, picture: picture.clone() });
        self.next = picture.version() + self.step;
    }

    /// Returns the last picture that is not of after a moment; the first one if there is none.
    pub(super) fn before(&self, moment: i64) -> Option<Keyframe> {
        let later = self.frames.partition_point(|frame| frame.picture.at() <= moment);
        self.frames.get(later.saturating_sub(1)).cloned()
    }
}
