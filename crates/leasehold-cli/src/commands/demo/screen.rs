//! A wall that grows in place on a terminal, and on paper otherwise.

use super::wall::{Brick, Wall};
use crate::ui;
use rustix::termios::{isatty, tcgetwinsize};
use std::env;
use std::time::{Duration, Instant};

/// How long a picture stays at least: drawing takes time from the workers.
const PICTURE: Duration = Duration::from_millis(50);
/// How often it is said how far the wall is where it cannot be shown.
const LINE: Duration = Duration::from_secs(2);

/// Colours that are readable on black and on white, in the order of workers.
const COLOURS: [u8; 12] = [31, 32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96];

/// Where a wall is shown while it grows.
pub(super) struct Screen {
    /// Whether the picture is drawn over itself.
    in_place: bool,
    colours: bool,
    /// How many rows the last picture had.
    drawn: usize,
    last: Instant,
}

impl Screen {
    /// Finds out what the terminal can do, if it is one. For programs nothing is shown.
    pub(super) fn new(wall: &Wall, json: bool) -> Self {
        let out = rustix::stdio::stdout();
        let is_dumb = env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        let fits = tcgetwinsize(out).is_ok_and(|size| {
            usize::from(size.ws_row) > wall.rows + 4 && usize::from(size.ws_col) > 2 * wall.cols
        });
        let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let in_place = !json && !is_dumb && isatty(out) && fits;
        Self {
            in_place,
            colours: in_place && !no_colour,
            drawn: 0,
            last: Instant::now(),
        }
    }

    /// Shows how far the wall is, if it is time to.
    pub(super) fn show(&mut self, laid: usize, of: usize, wall: impl FnOnce() -> Option<Wall>) {
        let pause = if self.in_place { PICTURE } else { LINE };
        if self.last.elapsed() < pause {
            return;
        }
        self.last = Instant::now();
        if !self.in_place {
            ui::talk(&format!("note: {laid} of {of} bricks are laid"));
        } else if let Some(wall) = wall() {
            self.draw(&wall, &[]);
        }
    }

    /// Shows the finished wall, with the places that are marked; returns its lines where it could not be
    /// drawn.
    pub(super) fn finish(mut self, wall: &Wall, marked: &[bool]) -> Vec<String> {
        if !self.in_place {
            return lines(wall, marked, false);
        }
        self.draw(wall, marked);
        Vec::new()
    }

    fn draw(&mut self, wall: &Wall, marked: &[bool]) {
        let up = match self.drawn {
            0 => "\x1b[?25l".to_owned(),
            rows => format!("\x1b[{rows}A\r"),
        };
        let lines = lines(wall, marked, self.colours);
        let picture = lines.iter().fold(up, |text, line| text + line + "\x1b[K\n");
        self.drawn = lines.len();
        // Who cannot see it misses the picture, and is told the verdict.
        let _ = ui::data(picture.as_bytes());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.drawn > 0 {
            let _ = ui::data(b"\x1b[?25h");
        }
    }
}

/// Draws a wall: full and hollow bricks, a dot where none is, a cross on what is marked.
fn lines(wall: &Wall, marked: &[bool], colours: bool) -> Vec<String> {
    let rows = wall.places.chunks(wall.cols).enumerate();
    let line = |(row, places): (usize, &[Option<Brick>])| {
        let mut line = String::from(if row % 2 == 0 { "" } else { " " });
        for (col, place) in places.iter().enumerate() {
            let shape = match place {
                _ if marked.get(row * wall.cols + col) == Some(&true) => '✗',
                None => '·',
                Some(brick) if brick.kind == 'o' => '⬡',
                Some(_) => '⬢',
            };
            match place {
                Some(brick) if colours => {
                    let colour = COLOURS[brick.worker as usize % COLOURS.len()];
                    line += &format!("\x1b[{colour}m{shape}\x1b[0m ");
                }
                _ => line.extend([shape, ' ']),
            }
        }
        line.trim_end().to_owned()
    };
    rows.map(line).collect()
}
