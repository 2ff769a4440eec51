//! A store in this process.
