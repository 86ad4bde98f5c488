//! A whole ZRE engine: what happens to a node, in any order.
//!
//! The first four bytes choose the node's setting. Each further four are a step: something that
//! happens on the network, a wish of the application, or time that goes by. All steps are of one
//! size, so that one more or less leaves the others what they are.

mod honest;
mod remote;
mod say;
mod seeds;
mod setting;
mod step;
mod talk;
mod time;
mod world;

pub use self::seeds::seeds;
use self::step::Step;
use self::world::World;
use crate::setting;

/// Steps of one run. More would only be slow.
const STEPS: usize = 256;

/// The engine keeps its promises while things happen, and when nothing happens any more it is as
/// if nothing ever had.
pub fn target(data: &[u8]) {
    let (chosen, mut steps) = setting(data);
    let mut world = World::new(chosen);
    for _ in 0..STEPS {
        let Some(step) = Step::next(&mut steps) else { break };
        world.step(&step);
    }
    world.finish();
}
