//! Tests that every backend must pass, in the crate that names the backend.

mod cache;
mod calls;
mod faults;
mod form;
mod hostile;
mod limits;
mod memory;
mod objects;
mod outcomes;
mod references;
mod slices;
mod stops;
