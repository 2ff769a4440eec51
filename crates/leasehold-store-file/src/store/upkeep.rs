//! Looking after a store: comparing, mending, clearing away.

use super::FileStore;
use crate::inspect::{self, Inspection};
use crate::repair::{self, Repaired};
use crate::session::Session;
use crate::{leftovers, verify};
use leasehold_store::StoreError;

impl FileStore {
    /// Folds the log and says where the records differ from it, one line for each difference.
    ///
    /// # Errors
    /// As [`Store::load`](leasehold_store::Store::load), and [`StoreError::Damaged`] where the log itself is not whole.
    pub fn verify(&self) -> Result<Vec<String>, StoreError> {
        let folded = self.shared.fold_outside()?;
        let session = Session::enter(&self.shared)?;
        verify::differences(&self.shared, &session.fold_from(folded)?)
    }

    /// Makes all records again from the log.
    ///
    /// # Errors
    /// As [`FileStore::verify`].
    pub fn rebuild(&self) -> Result<(), StoreError> {
        let folded = self.shared.fold_outside()?;
        Session::enter(&self.shared)?.rebuild_from(folded).map(drop)
    }

    /// Removes the files of requests that are neither in the state nor alive, as killed ones leave
    /// them. Returns how many requests.
    ///
    /// # Errors
    /// As [`FileStore::verify`].
    pub fn sweep(&self) -> Result<usize, StoreError> {
        let folded = self.shared.fold_outside()?;
        let session = Session::enter(&self.shared)?;
        leftovers::sweep(&self.shared, &session.fold_from(folded)?)
    }

    /// Says where the part of the log that is kept for the audit is damaged, one line for each place.
    ///
    /// # Errors
    /// As [`Store::load`](leasehold_store::Store::load).
    pub fn verify_history(&self) -> Result<Vec<String>, StoreError> {
        let header = Session::enter(&self.shared)?.header;
        verify::history(&self.shared, header.segment)
    }

    /// Mends what can be mended: records from the log, or a damaged log from whole records; and removes
    /// what is left over.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where both are damaged; then nothing was changed.
    pub fn repair(&self) -> Result<Repaired, StoreError> {
        repair::repair(&self.shared)
    }

    /// Tells what can be told of the clocks, the log and what lies around.
    ///
    /// # Errors
    /// As [`Store::load`](leasehold_store::Store::load).
    pub fn inspect(&self) -> Result<Inspection, StoreError> {
        inspect::inspect(&self.shared, self.segment_bytes)
    }
}
