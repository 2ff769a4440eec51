//! A small disk that gets full, and read-only.

use super::Round;
use crate::processes::history::Deed;
use crate::processes::{launch, machine};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

impl Round {
    pub(super) fn go_on_small_disk(&mut self, length: Duration) -> io::Result<()> {
        for _ in 0..2 {
            self.driver.work(length / 6)?;
            self.deed(Deed::FillDisk)?;
            self.fill()?;
            self.driver.work(length / 6)?;
            self.deed(Deed::FreeDisk)?;
            fs::remove_file(self.ballast())?;
        }
        self.driver.work(length / 6)?;
        if !self.driver.drain()? {
            return Ok(());
        }
        self.deed(Deed::ReadOnly)?;
        let repository = launch::repository(&self.directory);
        match machine::remount(&repository, "ro") {
            Ok(()) => {
                self.look_at_read_only()?;
                machine::remount(&repository, "rw").map_err(io::Error::other)?;
            }
            Err(why) => self
                .report
                .skipped
                .push(format!("processes: a read-only disk: {why}")),
        }
        self.deed(Deed::Writable)?;
        self.driver.work(length / 6)?;
        self.driver.drain()?;
        Ok(())
    }

    fn ballast(&self) -> PathBuf {
        launch::repository(&self.directory).join("ballast")
    }

    /// Fills the disk to the last byte.
    fn fill(&self) -> io::Result<()> {
        let mut file = File::create(self.ballast())?;
        for size in [65_536, 4_096, 512, 1] {
            let block = vec![0; size];
            while file.write_all(&block).is_ok() {}
        }
        Ok(())
    }

    /// On a disk that cannot be written to, asking fails clearly and looking works.
    fn look_at_read_only(&mut self) -> io::Result<()> {
        for (line, code) in [
            ("guard build -- true", 1),
            ("lock build", 1),
            ("status", 0),
            ("exists nothing", 3),
        ] {
            let found = self.run(line)?;
            if found != Some(code) {
                let text = format!("on a read-only disk `{line}` ends with {found:?}, not {code}");
                self.report.violations.push(text);
            }
        }
        Ok(())
    }
}
