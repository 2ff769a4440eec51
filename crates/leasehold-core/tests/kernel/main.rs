//! Tests of the kernel as a whole: against a model, against the laws, over partial views, and the
//! worked traces of the kernel page.

mod closed;
mod differential;
mod laws;
mod model;
mod program;
mod special;
mod story;
mod traces;
mod world;
