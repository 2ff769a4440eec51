//! Whether each place of the wall has its brick, laid once.

use crate::commands::demo::wall::Wall;
use leasehold_api::demo::HexwallInfo;

/// Judges the wall place by place, by who laid a brick where; also says which places were laid on more than
/// once.
pub(super) fn judge(wall: &Wall, laid: &[(usize, usize)]) -> (HexwallInfo, Vec<bool>) {
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); wall.places.len()];
    for (worker, place) in laid {
        if let Some(layers) = layers.get_mut(*place) {
            layers.push(*worker);
        }
    }
    let mut info = HexwallInfo {
        rows: wall.rows,
        cols: wall.cols,
        lost: laid.len(),
        ..HexwallInfo::default()
    };
    for (place, (brick, layers)) in wall.places.iter().zip(&layers).enumerate() {
        info.doubled += usize::from(layers.len() > 1);
        let Some(brick) = brick else {
            info.empty += 1;
            continue;
        };
        // Of a worker that was killed before it could report, the brick alone tells.
        let is_theirs = layers.is_empty() || layers.contains(&(brick.worker as usize));
        info.wrong += usize::from(brick.kind != wall.kind_at(place) || !is_theirs);
        info.lost -= usize::from(!layers.is_empty());
    }
    (info, layers.iter().map(|layers| layers.len() > 1).collect())
}

/// Says what is wrong with the wall.
pub(super) fn faults(info: &HexwallInfo) -> Vec<String> {
    let (places, bricks) = (info.rows * info.cols, info.bricks.iter().sum());
    let overtaken = info.overtaken.unwrap_or(0);
    let faults = [
        (info.empty, places, "places are empty"),
        (info.doubled, places, "places were laid on more than once"),
        (
            info.wrong,
            places,
            "places have a brick that belongs elsewhere",
        ),
        (info.lost, bricks, "bricks are lost"),
        (overtaken, bricks, "turns were somebody else's"),
    ];
    let real = faults.iter().filter(|(count, ..)| *count > 0);
    let said = real.map(|(count, of, what)| format!("{count} of {of} {what}"));
    said.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::demo::wall::Brick;

    /// A wall of four places with these kinds of bricks, all of worker 0, judged by what was laid.
    #[track_caller]
    fn check(kinds: &str, laid: &[(usize, usize)], expected: [usize; 4]) {
        let mut wall = Wall::new(1, 4);
        let brick = |kind| (kind != '.').then_some(Brick { kind, worker: 0 });
        wall.places = kinds.chars().map(brick).collect();
        let (info, marked) = judge(&wall, laid);
        let found = [info.empty, info.wrong, info.doubled, info.lost];
        assert_eq!(found, expected, "{kinds} {laid:?}");
        assert_eq!(faults(&info).is_empty(), expected == [0; 4]);
        assert_eq!(
            marked.iter().filter(|marked| **marked).count(),
            info.doubled
        );
    }

    #[test]
    fn each_fault_is_found() {
        let laid = [(0, 0), (0, 1), (0, 2), (0, 3)];
        check("o##o", &laid, [0, 0, 0, 0]);
        // Killed before it reported.
        check("o##o", &laid[..3], [0, 0, 0, 0]);
        check("o##.", &laid[..3], [1, 0, 0, 0]);
        check("o##.", &laid, [1, 0, 0, 1]);
        check("oo#o", &laid, [0, 1, 0, 0]);
        check("o##o", &[(1, 0), (0, 1), (0, 2), (0, 3)], [0, 1, 0, 0]);
        check(
            "o##o",
            &[(0, 0), (0, 1), (0, 2), (0, 3), (1, 3)],
            [0, 0, 1, 1],
        );
    }
}
