//! All that there is, for those who list it.

use crate::format::Standing;
use leasehold_core::view::View;
use std::ops::Range;

/// A whole workspace at one version, with the lives of its holders. Of the standing leases there may be
/// ten thousand; those that a store has at hand as they are written are left as they are.
#[derive(Debug)]
pub struct Listing {
    view: View,
    text: String,
    /// Where in the text, by their tokens.
    standing: Vec<Range<usize>>,
}

impl From<View> for Listing {
    fn from(view: View) -> Self {
        Self::new(view, String::new(), Vec::new())
    }
}

impl Listing {
    /// Lists what is in the view, and the standing leases that lie in the text, by their tokens: each was
    /// [`Piece::Put`](crate::format::Piece::Put) from there.
    #[must_use]
    pub const fn new(view: View, text: String, standing: Vec<Range<usize>>) -> Self {
        Self {
            view,
            text,
            standing,
        }
    }

    /// Returns everything else.
    #[must_use]
    pub const fn view(&self) -> &View {
        &self.view
    }

    /// Returns how many leases there are.
    #[must_use]
    pub fn leases_len(&self) -> usize {
        self.view.leases().count() + self.standing.len()
    }

    /// Returns the standing leases that are not in the view, by their tokens.
    pub fn standing(&self) -> impl Iterator<Item = Standing<'_>> {
        self.standing.iter().map(|place| {
            let read = self.text.get(place.clone()).and_then(Standing::read);
            // Leaving one out would show as free what is held.
            read.expect("what was read once is read again").0
        })
    }
}
