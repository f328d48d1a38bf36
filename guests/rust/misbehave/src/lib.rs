//! One export for each way to misbehave. All follow the call convention `(ptr, len) -> packed` and ignore their input
//! unless said otherwise. Ways that Rust does not compile to stand in `guests/wat`.

mod endless;
mod envelopes;
mod errors;
mod pointers;
mod traps;
