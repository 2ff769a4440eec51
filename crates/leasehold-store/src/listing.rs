//! All that there is, for those who list it.

use crate::format::{Place, Standing};
use leasehold_core::view::View;

/// A whole workspace at one version, with the lives of its holders. Of the standing leases there may be
/// ten thousand; those that a store has at hand as they are written are left as they are.
#[derive(Debug)]
pub struct Listing {
    view: View,
    texts: String,
    /// By their tokens, with the places of their texts.
    standing: Vec<Standing<Place>>,
}

impl From<View> for Listing {
    fn from(view: View) -> Self {
        Self::new(view, String::new(), Vec::new())
    }
}

impl Listing {
    /// Lists what is in the view, and the standing leases whose texts are there, by their tokens.
    #[must_use]
    pub const fn new(view: View, texts: String, standing: Vec<Standing<Place>>) -> Self {
        Self {
            view,
            texts,
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
    pub fn standing(&self) -> impl Iterator<Item = Standing<&str>> {
        self.standing.iter().map(|lease| {
            let lease = lease.with_texts(|place| place.text(&self.texts));
            // Leaving one out would show as free what is held.
            lease.expect("the places are those in these texts")
        })
    }
}
