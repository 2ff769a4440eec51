//! A wall of hexagons in a text file: a line that says how large it is, then a line for each row. A place
//! is two characters: the kind of the brick, and who laid it.

/// The most workers that one character tells apart.
pub(super) const WORKERS_MAX: u32 = 36;
/// What the file is called.
pub(super) const FILE: &str = "wall";

/// A brick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Brick {
    pub(super) kind: char,
    /// The number of the worker who laid it, from zero.
    pub(super) worker: u32,
}

/// A wall, finished or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wall {
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// Row by row.
    pub(super) places: Vec<Option<Brick>>,
}

impl Wall {
    pub(super) fn new(rows: usize, cols: usize) -> Self {
        Self {
            rows,
            cols,
            places: vec![None; rows * cols],
        }
    }

    /// Returns the kind of brick that belongs at a place: every third is hollow, so that of three bricks
    /// that touch each other exactly one is, and a hollow one has six full ones around it.
    pub(super) fn kind_at(&self, place: usize) -> char {
        let (row, col) = (place / self.cols, place % self.cols);
        // Odd rows are shifted by half a brick.
        if (col + 2 * (row % 2)).is_multiple_of(3) {
            'o'
        } else {
            '#'
        }
    }

    /// Returns the first place without a brick.
    pub(super) fn next_free(&self) -> Option<usize> {
        self.places.iter().position(Option::is_none)
    }

    /// Reads a wall; nothing where the text is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut words = lines.next()?.split(' ');
        if words.next()? != "hexwall" {
            return None;
        }
        let mut size = || words.next()?.parse::<usize>().ok();
        let (rows, cols) = (size()?, size()?);
        let mut places = Vec::with_capacity(rows.checked_mul(cols)?.min(text.len()));
        for line in lines {
            let mut row = line.chars();
            while let (Some(kind), Some(worker)) = (row.next(), row.next()) {
                let worker = worker.to_digit(WORKERS_MAX);
                places.push(worker.map(|worker| Brick { kind, worker }));
            }
        }
        let is_whole = places.len() == rows * cols;
        is_whole.then_some(Self { rows, cols, places })
    }

    /// Writes it down: of the same length, however many bricks there are.
    pub(super) fn text(&self) -> String {
        let mut text = format!("hexwall {} {}\n", self.rows, self.cols);
        for row in self.places.chunks(self.cols) {
            for place in row {
                let digit = |brick: Brick| char::from_digit(brick.worker, WORKERS_MAX);
                match place.and_then(|brick| Some((brick.kind, digit(brick)?))) {
                    Some((kind, worker)) => text.extend([kind, worker]),
                    None => text.push_str(".."),
                }
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_is_read_as_it_is_written() {
        let mut wall = Wall::new(2, 3);
        wall.places[4] = Some(Brick {
            kind: '#',
            worker: 35,
        });
        assert_eq!(wall.text(), "hexwall 2 3\n......\n..#z..\n");
        assert_eq!(Wall::parse(&wall.text()), Some(wall));
    }

    #[test]
    fn what_is_no_wall_is_not_read() {
        for text in [
            "",
            "hello",
            "hexwall",
            "hexwall 2 x",
            "hexwall 1 2\n..",
            "hexwall 1 1\n....\n",
            "hexwall 18446744073709551615 2\n",
            "bricks 1 1\n..\n",
        ] {
            assert_eq!(Wall::parse(text), None, "{text:?}");
        }
    }

    /// Of three that touch each other one is hollow.
    #[test]
    fn the_pattern_is_uniform() {
        let wall = Wall::new(6, 9);
        let is_hollow = |row: usize, col: usize| wall.kind_at(row * wall.cols + col) == 'o';
        for row in 0..5 {
            for col in 0..8 {
                // The brick of the row below that touches both of these.
                let below = col + row % 2;
                let three = [(row, col), (row, col + 1), (row + 1, below)];
                let hollow = three.iter().filter(|(row, col)| is_hollow(*row, *col));
                assert_eq!(hollow.count(), 1, "row {row}, column {col}");
            }
        }
    }
}
