//! Tests of the kernel as a whole: against a model, against the laws, over partial views, and the
//! worked traces of the kernel page.

mod closed;
mod crowds;
mod differential;
mod fronts;
mod laws;
mod leaving;
mod model;
mod part;
mod program;
mod special;
mod story;
mod traces;
mod world;
